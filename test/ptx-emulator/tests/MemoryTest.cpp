// Accesses that a device may or may not survive are errors here.
#include "Harness.h"

using namespace harness;

static const char *const copyKernel =
    ".visible .entry copy(.param .u64 from, .param .u64 to, .param .u32 "
    "at)\n{\n.reg .b64 %d<9>;\n.reg .b32 %r<9>;\n"
    "ld.param.u64 %d1, [from];\nld.param.u64 %d2, [to];\nld.param.u32 %r1, "
    "[at];\ncvt.u64.u32 %d3, %r1;\n"
    "add.u64 %d1, %d1, %d3;\nld.global.b32 %r2, [%d1];\nst.global.b32 [%d2], "
    "%r2;\nret;\n}\n";

struct Memory : testing::Test {
  Loaded loaded;
  std::string text;
  void SetUp() override {
    start();
    load(loaded, header() + copyKernel);
    ASSERT_EQ(loaded.result, 0) << loaded.log;
  }
  int copy(Pointer from, Pointer to, unsigned at) {
    return report(text, loaded, "copy", 1, 1, 0, from, to, at);
  }
  bool says(const char *what) { return text.find(what) != std::string::npos; }
};

TEST_F(Memory, Bounds) {
  Buffer<uint32_t> from(std::vector<uint32_t>{1, 2, 3}), to(1);
  EXPECT_EQ(copy(from.address, to.address, 8), 0);
  EXPECT_EQ(to.read()[0], 3u);
  EXPECT_EQ(copy(from.address, to.address, 12), 700);
  EXPECT_TRUE(
      says("out of bounds: 0 bytes past the end of an allocation of 12 bytes"))
      << text;
  EXPECT_TRUE(says("kernel 'copy', PTX line 13: ld.global.b32 %r2, [%d1];"))
      << text;
  EXPECT_TRUE(says("block (0,0,0), thread (0,0,0)")) << text;
}

TEST_F(Memory, LastByteOfAnAccess) {
  Buffer<uint16_t> from(std::vector<uint16_t>{1, 2, 3});
  Buffer<uint32_t> to(1);
  EXPECT_EQ(copy(from.address, to.address, 4), 700);
  EXPECT_TRUE(says("1 bytes past the end of an allocation of 6 bytes")) << text;
}

TEST_F(Memory, ErrorsStayUntilTheContextGoes) {
  Buffer<uint32_t> to(1);
  EXPECT_EQ(copy(0, to.address, 0), 700);
  EXPECT_TRUE(says("a null pointer")) << text;
  Pointer more = 0;
  EXPECT_EQ(cu("cuMemAlloc_v2", &more, size_t(4)), 700);
  start();
  EXPECT_EQ(cu("cuMemAlloc_v2", &more, size_t(4)), 0);
  EXPECT_EQ(cu("cuMemFree_v2", more), 0);
}

TEST_F(Memory, HostPointer) {
  static uint32_t host = 7;
  Buffer<uint32_t> to(1);
  EXPECT_EQ(copy(reinterpret_cast<Pointer>(&host), to.address, 0), 700);
  EXPECT_TRUE(says("a host pointer?")) << text;
}

TEST_F(Memory, UseAfterFree) {
  Pointer gone;
  {
    Buffer<uint32_t> from(std::vector<uint32_t>{1});
    gone = from.address;
  }
  Buffer<uint32_t> to(1);
  EXPECT_EQ(copy(gone, to.address, 0), 700);
}

TEST_F(Memory, Uninitialized) {
  Buffer<uint32_t> from(4), to(1);
  EXPECT_EQ(copy(from.address, to.address, 4), 719);
  EXPECT_TRUE(says("global memory that nobody wrote")) << text;
  start();
  EXPECT_EQ(cu("cuMemsetD32_v2", from.address, 5u, size_t(4)), 0);
  EXPECT_EQ(copy(from.address, to.address, 4), 0);
  EXPECT_EQ(to.read()[0], 5u);
}

TEST_F(Memory, Misaligned) {
  Buffer<uint32_t> from(std::vector<uint32_t>{1, 2}), to(1);
  EXPECT_EQ(copy(from.address, to.address, 2), 716);
  EXPECT_TRUE(says("is misaligned")) << text;
}

TEST_F(Memory, ConstantsAreNotWritten) {
  Loaded constants;
  load(constants,
       header() +
           ".const .align 4 .b32 table[2] = {5, 6};\n.global .align 8 .u64 "
           "where[1] = {table};\n"
           ".visible .entry k(.param .u64 out)\n{\n.reg .b64 %d<9>;\n.reg .b32 "
           "%r<9>;\nld.param.u64 %d1, [out];\n"
           "ld.const.b32 %r1, [table+4];\nst.global.b32 [%d1], "
           "%r1;\nld.global.u64 %d2, [where];\nst.b32 [%d2], %r1;\nret;\n}\n");
  ASSERT_EQ(constants.result, 0) << constants.log;
  Buffer<uint32_t> out(std::vector<uint32_t>{0});
  EXPECT_EQ(report(text, constants, "k", 1, 1, 0, out.address), 700);
  EXPECT_TRUE(says("constant memory")) << text;
  start();
  EXPECT_EQ(out.read()[0], 6u);
  Pointer table = 0;
  size_t bytes = 0;
  EXPECT_EQ(
      cu("cuModuleGetGlobal_v2", &table, &bytes, constants.module, "table"), 0);
  EXPECT_EQ(bytes, 8u);
}
