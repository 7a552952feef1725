// Whole kernels as the NVPTX backend prints them, see Inputs/.
#include "Harness.h"
#include <cmath>

using namespace harness;

// Every kind of statement that the backend prints for plain code: calls, local,
// shared and constant memory, a table of branches, packed halves.
TEST(Kernels, Everything) {
  std::string ptx = readFile("everything.ptx");
  for (const char *schedule : schedules) {
    WithSchedule with(schedule);
    start();
    Loaded loaded;
    load(loaded, ptx);
    ASSERT_EQ(loaded.result, 0) << loaded.log;
    std::vector<float> a(32);
    double expected = 0;
    for (int i = 0; i < 32; ++i) {
      a[i] = 1 + i * 0.25f;
      const double table[] = {1, 2, 3, 4};
      double x =
          std::max((0.5 + a[i]) * i / ((0.5 + a[1]) * 1), table[i % 4]) + 1 + 1;
      expected += x * x + x + 1;
    }
    struct {
      float x;
      int y;
    } pair = {0.5f, 3};
    uint16_t half = 0x3c00; // 1
    Buffer<float> in(a);
    for (uint8_t what : {1, 3, 4, 7}) {
      Buffer<float> out(std::vector<float>(1));
      ASSERT_EQ(launch(loaded, "k", 1, 32, 32 * 4, in.address, out.address, 32,
                       what, pair, half),
                0);
      uint32_t got = bits(out.read()[0]);
      if (what ==
          1) // the sum of what the threads compute, in halves and bfloats
        EXPECT_NEAR(asFloat(got), expected, 0.01 * expected);
      else // the sum of the threads' numbers, one of them, nothing
        EXPECT_EQ(got, what == 3 ? 496u : what == 4 ? got % 32 : 0u);
    }
    EXPECT_EQ(launch(loaded, "k", 1, 32, 32 * 4, in.address, in.address, 32,
                     uint8_t(5), pair, half),
              719); // trap
  }
}

TEST(Kernels, ErrorsOfLoading) {
  start();
  auto logOf = [](const std::string &ptx, int result) {
    Loaded loaded;
    load(loaded, ptx);
    EXPECT_EQ(loaded.result, result) << loaded.log;
    return loaded.log;
  };
  EXPECT_EQ(
      logOf(evaluationKernel("frobnicate.b32 %r0, %r1;"), 218),
      "line 32: unknown instruction 'frobnicate'\n  frobnicate.b32 %r0, %r1;");
  EXPECT_NE(logOf(evaluationKernel("add.sideways.s32 %r0, %r1, %r2;"), 218)
                .find("unknown modifier '.sideways' of 'add'"),
            std::string::npos);
  EXPECT_NE(logOf(evaluationKernel("add.s32 %r0, %r1;"), 218)
                .find("takes 3 operands, not 2"),
            std::string::npos);
  EXPECT_NE(logOf(evaluationKernel("add.s32 %r0, %r1, %d2;"), 218)
                .find("'%d2' has 64 bits, 'add' wants 32"),
            std::string::npos);
  EXPECT_NE(logOf(evaluationKernel("add.s32 %r0, %r1, %r99;"), 218)
                .find("unknown register '%r99'"),
            std::string::npos);
  EXPECT_NE(logOf(evaluationKernel("bra nowhere;"), 218)
                .find("unknown label 'nowhere'"),
            std::string::npos);
  EXPECT_NE(logOf(evaluationKernel("ld.global.b32 %r0, [unknown];"), 218)
                .find("unknown name 'unknown'"),
            std::string::npos);
  EXPECT_NE(logOf(evaluationKernel("call __nv_expf, (out);"), 218)
                .find("call of an unknown function '__nv_expf'"),
            std::string::npos);
  EXPECT_NE(logOf(evaluationKernel("add.s32 %r0 %r1;"), 218)
                .find("expected ';' after an instruction"),
            std::string::npos);
  EXPECT_NE(logOf(header(100) + ".visible .entry k()\n{\nret;\n}\n", 209)
                .find("the device is sm_90"),
            std::string::npos);
  EXPECT_NE(logOf(".version 9.9\n.target sm_80\n.address_size 64\n", 222), "");
  EXPECT_NE(logOf("hello", 218).find("a PTX module begins with .version"),
            std::string::npos);
}
