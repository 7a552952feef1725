//===- BenchTest.cpp - how times are measured -----------------------------===//
#include "lamina/Bench/Kernels.h"
#include "lamina/Transforms/Abi.h"
#include "gtest/gtest.h"
#include <chrono>
#include <thread>

using namespace lamina;

namespace {
/// What instrumented code does to its table.
struct FakeCode {
  KernelCounts table[2] = {};
  int calls = 0;

  int operator()() {
    // Every fifth call is interrupted in the first kernel.
    table[0].ticks += ++calls % 5 == 0 ? 1000000 : 100;
    table[1].ticks += 300;
    table[0].estimate += 40;
    table[1].flops += 7;
    table[1].bytes += 64;
    return 0;
  }
};
} // namespace

TEST(Bench, KernelsShareTheMedianTime) {
  FakeCode code;
  code.table[0].flops = 1000; // of calls before
  auto kernels = measureKernels([&] { return code(); }, code.table,
                                /*whole=*/4e-6, {/*samples=*/20, 0});
  ASSERT_TRUE(bool(kernels)) << llvm::toString(kernels.takeError());
  ASSERT_EQ(kernels->size(), 2u);
  EXPECT_DOUBLE_EQ((*kernels)[0].seconds, 1e-6);
  EXPECT_DOUBLE_EQ((*kernels)[1].seconds, 3e-6);
  EXPECT_DOUBLE_EQ((*kernels)[0].estimate, 10e-9);
  EXPECT_DOUBLE_EQ((*kernels)[1].estimate, 0);
  EXPECT_DOUBLE_EQ((*kernels)[0].flops, 0);
  EXPECT_DOUBLE_EQ((*kernels)[1].flops, 7);
  EXPECT_DOUBLE_EQ((*kernels)[1].bytes, 64);
}

TEST(Bench, KernelsWithoutTicksTakeNoTime) {
  KernelCounts table[1] = {};
  auto kernels = measureKernels([] { return 0; }, table, 1e-6, {3, 0});
  ASSERT_TRUE(bool(kernels)) << llvm::toString(kernels.takeError());
  EXPECT_EQ((*kernels)[0].seconds, 0);
}

TEST(Bench, FailedCallsEndTheMeasurement) {
  int calls = 0;
  auto latency = measure([&] { return ++calls == 2 ? 4 : 0; }, {5, 0});
  ASSERT_FALSE(bool(latency));
  EXPECT_EQ(llvm::toString(latency.takeError()), errorCodes[4].text);
  EXPECT_EQ(calls, 2);
  KernelCounts table[1] = {};
  auto kernels = measureKernels([] { return 1; }, table, 1e-6, {5, 0});
  ASSERT_FALSE(bool(kernels));
  EXPECT_EQ(llvm::toString(kernels.takeError()), errorCodes[1].text);
}

TEST(Bench, ShortCallsAreMeasuredTogether) {
  auto latency = measure([] { return 0; }, {7, 0});
  ASSERT_TRUE(bool(latency)) << llvm::toString(latency.takeError());
  EXPECT_EQ(latency->samples, 7);
  EXPECT_GT(latency->calls, 16);
  EXPECT_LE(latency->min, latency->median);
  EXPECT_LE(latency->median, latency->p99);
  EXPECT_LT(latency->min, 1e-6); // of a call, not of a sample
}

TEST(Bench, LongCallsAreMeasuredAlone) {
  auto latency = measure(
      [] {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
        return 0;
      },
      {4, 0});
  ASSERT_TRUE(bool(latency)) << llvm::toString(latency.takeError());
  EXPECT_EQ(latency->samples, 4);
  EXPECT_EQ(latency->calls, 1);
  EXPECT_GE(latency->min, 1e-3);
}

TEST(Bench, TimeEndsWithEnoughSamples) {
  auto latency = measure([] { return 0; }, {std::nullopt, 0.001});
  ASSERT_TRUE(bool(latency)) << llvm::toString(latency.takeError());
  EXPECT_GE(latency->samples, 8);
}

TEST(Bench, TypicalValuesAreInEveryDomain) {
  CheckRandom random(1);
  NDArray floats(DType::Float32, {100}), integers(DType::Int32, {100});
  fillTypical(floats, random);
  fillTypical(integers, random);
  bool zero = false, one = false;
  for (int64_t i = 0; i < 100; ++i) {
    EXPECT_GE(floats.getDouble(i), 0.1);
    EXPECT_LE(floats.getDouble(i), 1);
    zero |= integers.getInt(i) == 0;
    one |= integers.getInt(i) == 1;
  }
  EXPECT_TRUE(zero && one);
}
