// The driver's functions around the kernels: streams, events, graphs, memory,
// errors. The names and the ABI are those of libcuda.
#include "Harness.h"

using namespace harness;

namespace {
struct Driver : testing::Test {
  Loaded loaded;
  void SetUp() override {
    start();
    // out[i] = in[i] + 1
    load(loaded,
         header() +
             ".visible .entry inc(.param .u64 in, .param .u64 out)\n.maxntid "
             "64\n{\n.reg .b64 %d<9>;\n.reg .b32 %r<9>;\n"
             "ld.param.u64 %d1, [in];\nld.param.u64 %d2, [out];\nmov.u32 %r1, "
             "%tid.x;\nmul.wide.u32 %d3, %r1, 4;\n"
             "add.u64 %d1, %d1, %d3;\nadd.u64 %d2, %d2, %d3;\nld.global.b32 "
             "%r2, [%d1];\nadd.u32 %r2, %r2, 1;\n"
             "st.global.b32 [%d2], %r2;\nret;\n}\n"
             ".extern .shared .align 16 .b8 dynamic[];\n.visible .entry "
             "shared(.param .u64 out)\n{\n.reg .b64 %d<9>;\n.reg .b32 %r<9>;\n"
             ".shared .align 4 .b8 fixed[40];\nld.param.u64 %d1, "
             "[out];\nmov.u32 %r1, %dynamic_smem_size;\n"
             "mov.u32 %r2, dynamic;\nadd.u32 %r3, %r2, %r1;\nst.shared.b32 "
             "[%r3+-4], %r1;\nst.shared.b32 [fixed], %r1;\n"
             "st.global.b32 [%d1], %r1;\nret;\n}\n");
    ASSERT_EQ(loaded.result, 0) << loaded.log;
    ASSERT_EQ(cu("cuModuleGetFunction", &inc, loaded.module, "inc"), 0);
  }
  int enqueue(Pointer in, Pointer out, void *stream, unsigned threads = 1) {
    void *params[] = {&in, &out};
    return cu("cuLaunchKernel", inc, 1u, 1u, 1u, threads, 1u, 1u, 0u, stream,
              (void **)params, (void **)nullptr);
  }
  void *inc = nullptr;
};
} // namespace

TEST_F(Driver, StreamsRunAsLateAsTheyMay) {
  void *stream = nullptr, *pinned = nullptr;
  ASSERT_EQ(cu("cuStreamCreate", &stream, 1u), 0);
  ASSERT_EQ(cu("cuMemHostAlloc", &pinned, size_t(4), 0u), 0);
  auto *host = static_cast<uint32_t *>(pinned);
  Buffer<uint32_t> a(std::vector<uint32_t>{41}), b(1);
  *host = 0;
  EXPECT_EQ(enqueue(a.address, b.address, stream), 0);
  EXPECT_EQ(cu("cuMemcpyDtoHAsync_v2", pinned, b.address, size_t(4), stream),
            0);
  EXPECT_EQ(*host, 0u); // nothing waited
  EXPECT_EQ(cu("cuStreamQuery", stream), 600);
  EXPECT_EQ(cu("cuStreamSynchronize", stream), 0);
  EXPECT_EQ(*host, 42u);
  EXPECT_EQ(cu("cuMemFreeHost", pinned), 0);
  EXPECT_EQ(cu("cuStreamDestroy_v2", stream), 0);
}

TEST_F(Driver, EventsOrderStreams) {
  void *first = nullptr, *second = nullptr, *event = nullptr;
  ASSERT_EQ(cu("cuStreamCreate", &first, 1u), 0);
  ASSERT_EQ(cu("cuStreamCreate", &second, 1u), 0);
  ASSERT_EQ(cu("cuEventCreate", &event, 0u), 0);
  for (bool waits : {true, false}) {
    start();
    Buffer<uint32_t> a(std::vector<uint32_t>{1}), b(1), c(1);
    EXPECT_EQ(enqueue(a.address, b.address, first), 0);
    EXPECT_EQ(cu("cuEventRecord", event, first), 0);
    if (waits)
      EXPECT_EQ(cu("cuStreamWaitEvent", second, event, 0u), 0);
    EXPECT_EQ(enqueue(b.address, c.address, second), 0);
    testing::internal::CaptureStderr();
    // Without the wait the second stream reads what nobody wrote yet.
    EXPECT_EQ(cu("cuStreamSynchronize", second), waits ? 0 : 719);
    testing::internal::GetCapturedStderr();
    if (waits)
      EXPECT_EQ(c.read()[0], 3u);
  }
  start();
  EXPECT_EQ(cu("cuEventSynchronize", event), 0);
  EXPECT_EQ(cu("cuEventDestroy_v2", event), 0);
  EXPECT_EQ(cu("cuStreamDestroy_v2", first), 0);
  EXPECT_EQ(cu("cuStreamDestroy_v2", second), 0);
}

TEST_F(Driver, GraphsReplay) {
  void *stream = nullptr, *graph = nullptr, *executable = nullptr;
  ASSERT_EQ(cu("cuStreamCreate", &stream, 1u), 0);
  Buffer<uint32_t> a(std::vector<uint32_t>{1, 5});
  ASSERT_EQ(cu("cuStreamBeginCapture_v2", stream, 0u), 0);
  EXPECT_EQ(enqueue(a.address, a.address, stream, 2), 0);
  EXPECT_EQ(enqueue(a.address, a.address, stream, 1), 0);
  ASSERT_EQ(cu("cuStreamEndCapture", stream, &graph), 0);
  ASSERT_EQ(cu("cuGraphInstantiateWithFlags", &executable, graph, 0ull), 0);
  EXPECT_EQ(cu("cuGraphDestroy", graph), 0);
  EXPECT_EQ(a.read(), (std::vector<uint32_t>{1, 5})); // recorded, not run
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(cu("cuGraphLaunch", executable, stream), 0);
  EXPECT_EQ(cu("cuStreamSynchronize", stream), 0);
  EXPECT_EQ(a.read(), (std::vector<uint32_t>{7, 8}));
  EXPECT_EQ(cu("cuGraphExecDestroy", executable), 0);
  // What waits is forbidden while a capture is under way.
  ASSERT_EQ(cu("cuStreamBeginCapture_v2", stream, 0u), 0);
  EXPECT_EQ(cu("cuStreamSynchronize", stream), 900);
  EXPECT_EQ(cu("cuStreamEndCapture", stream, &graph), 901);
  EXPECT_EQ(cu("cuStreamDestroy_v2", stream), 0);
}

TEST_F(Driver, Copies) {
  Buffer<uint32_t> a(std::vector<uint32_t>{1, 2, 3}), b(3);
  uint32_t host[3] = {};
  EXPECT_EQ(cu("cuMemcpyDtoD_v2", b.address, a.address, size_t(12)), 0);
  EXPECT_EQ(b.read(), (std::vector<uint32_t>{1, 2, 3}));
  EXPECT_EQ(cu("cuMemcpyHtoD_v2", a.address, (const void *)host, size_t(16)),
            1); // past the end
  EXPECT_EQ(cu("cuMemcpyHtoD_v2", reinterpret_cast<Pointer>(host),
               (const void *)host, size_t(4)),
            1);
  EXPECT_EQ(cu("cuMemcpyDtoH_v2", (void *)host, reinterpret_cast<Pointer>(host),
               size_t(4)),
            1);
  EXPECT_EQ(cu("cuMemsetD8_v2", a.address, (unsigned char)1, size_t(12)), 0);
  EXPECT_EQ(a.read()[2], 0x01010101u);
  EXPECT_EQ(cu("cuMemFree_v2", a.address + 4), 1);
}

TEST_F(Driver, Pointers) {
  Buffer<uint32_t> a(4);
  unsigned type = 0;
  EXPECT_EQ(cu("cuPointerGetAttribute", (void *)&type, 2, a.address + 4), 0);
  EXPECT_EQ(type, 2u);
  Pointer base = 0;
  size_t size = 0;
  EXPECT_EQ(cu("cuMemGetAddressRange_v2", &base, &size, a.address + 4), 0);
  EXPECT_EQ(base, a.address);
  EXPECT_EQ(size, 16u);
  EXPECT_EQ(cu("cuPointerGetAttribute", (void *)&type, 2,
               reinterpret_cast<Pointer>(&type)),
            1);
  int attributes[] = {2};
  void *data[] = {&type};
  EXPECT_EQ(cu("cuPointerGetAttributes", 1u, attributes, data,
               reinterpret_cast<Pointer>(&base)),
            0);
  EXPECT_EQ(type, 0u);
  Pointer huge = 0;
  EXPECT_EQ(cu("cuMemAlloc_v2", &huge, size_t(1) << 45), 2);
}

TEST_F(Driver, ExtentsOfKeptMemory) {
  Buffer<uint32_t> a(std::vector<uint32_t>(128)),
      out(std::vector<uint32_t>(128));
  void *none = nullptr;
  EXPECT_EQ(enqueue(a.address, out.address, none, 11), 0); // not yet
  EXPECT_EQ(cu("laminaPtxEmulatorSetExtent", a.address, size_t(40), none), 0);
  EXPECT_EQ(cu("cuMemsetD32Async", a.address, 3u, size_t(10), none), 0);
  EXPECT_EQ(enqueue(a.address, out.address, none, 10), 0);
  EXPECT_EQ(cu("cuCtxSynchronize"), 0);
  EXPECT_EQ(out.read()[9], 4u);
  testing::internal::CaptureStderr();
  EXPECT_EQ(enqueue(a.address, out.address, none, 11), 0);
  EXPECT_EQ(cu("cuCtxSynchronize"), 700);
  EXPECT_NE(testing::internal::GetCapturedStderr().find(
                "in a part of the allocation that is not handed out"),
            std::string::npos);
}

TEST_F(Driver, LaunchesAreChecked) {
  Buffer<uint32_t> a(std::vector<uint32_t>(64));
  EXPECT_EQ(enqueue(a.address, a.address, nullptr, 64), 0);
  EXPECT_EQ(enqueue(a.address, a.address, nullptr, 65), 1); // .maxntid
  EXPECT_EQ(enqueue(a.address, a.address, nullptr, 0), 1);
  EXPECT_EQ(cu("cuCtxSynchronize"), 0);
  void *shared = nullptr;
  int value = 0;
  ASSERT_EQ(cu("cuModuleGetFunction", &shared, loaded.module, "shared"), 0);
  EXPECT_EQ(cu("cuFuncGetAttribute", &value, 1, shared), 0);
  EXPECT_EQ(value, 48); // 40 bytes, and the dynamic part is aligned to 16
  EXPECT_EQ(launch(loaded, "shared", 1, 1, 64, a.address), 0);
  EXPECT_EQ(a.read()[0], 64u);
  EXPECT_EQ(launch(loaded, "shared", 1, 1, 100 << 10, a.address), 1);
  EXPECT_EQ(cu("cuFuncSetAttribute", shared, 8, 100 << 10), 0);
  EXPECT_EQ(launch(loaded, "shared", 1, 1, 100 << 10, a.address), 0);
  EXPECT_EQ(cu("cuModuleGetFunction", &shared, loaded.module, "absent"), 500);
}

TEST_F(Driver, NamesOfErrorsAndFunctions) {
  const char *name = nullptr;
  EXPECT_EQ(cu("cuGetErrorName", 700, &name), 0);
  EXPECT_STREQ(name, "CUDA_ERROR_ILLEGAL_ADDRESS");
  EXPECT_EQ(cu("cuGetErrorName", 12345, &name), 1);
  void *function = nullptr;
  EXPECT_EQ(cu("cuGetProcAddress", "cuMemAlloc", &function, 12000, uint64_t(0)),
            0);
  EXPECT_NE(function, nullptr);
  EXPECT_EQ(cu("cuGetProcAddress", "cuNothing", &function, 12000, uint64_t(0)),
            500);
  int major = 0;
  EXPECT_EQ(cu("cuDeviceGetAttribute", &major, 75, 0), 0);
  EXPECT_EQ(major, 9);
}
