// Whole kernels as the NVPTX backend prints them, see Inputs/.
#include "Harness.h"
#include "Programs.h"

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
    std::string text;
    EXPECT_EQ(report(text, loaded, "k", 1, 32, 32 * 4, in.address, in.address,
                     32, uint8_t(5), pair, half),
              719);
    EXPECT_NE(text.find(": trap"), std::string::npos) << text;
  }
}

TEST(Kernels, Programs) {
  for (const Program &program : programs)
    for (auto &[schedule, outcome] : run(program, readFile(program.file))) {
      EXPECT_EQ(outcome.result, 0) << program.file << ": " << outcome.text;
      EXPECT_LT(outcome.error, program.tolerance)
          << program.file << ", schedule " << schedule;
    }
}
