//===- GpuMathTest.cpp - float64 functions of kernels, on the host --------===//
#include "Math/Math64.h"
#include "gtest/gtest.h"
#include <cmath>
#include <cstring>
#include <random>

// The C files that kernels call, under other names.
#define LAMINA_MATH(name) gpu_##name
namespace {
#include "Math/Angles64.c"
#include "Math/Math64.c"

constexpr double mostUlps = 3.1;

/// How far the result is off, in units of the last digit.
double distance(double actual, long double exact) {
  double rounded = static_cast<double>(exact);
  if (std::isnan(rounded))
    return std::isnan(actual) ? 0 : HUGE_VAL;
  if (std::isinf(rounded) || rounded == 0)
    return actual == rounded && std::signbit(actual) == std::signbit(rounded)
               ? 0
               : HUGE_VAL;
  int exponent;
  std::frexp(rounded, &exponent);
  return static_cast<double>(std::fabs(actual - exact) /
                             std::ldexp(1.0L, std::max(exponent, -1021) - 53));
}

class GpuMathTest : public testing::Test {
protected:
  std::mt19937_64 generator{1};

  /// Numbers of eight kinds in turn: of every size, near 0, near 1, any bits.
  double draw(int kind) {
    double share = double(generator() >> 11) * 0x1p-53;
    double sign = generator() & 1 ? 1 : -1;
    switch (kind % 8) {
    case 0:
      return sign * share;
    case 1:
      return sign * share * 10;
    case 2:
      return sign * share * 800;
    case 3:
      return sign * std::ldexp(1 + share, int(generator() % 2000) - 1000);
    case 4:
      return sign * (1 + (share - 0.5) * 1e-3);
    case 5:
      return sign * std::ldexp(1 + share, int(generator() % 40) - 30);
    case 6: {
      uint64_t bits = generator();
      double result;
      std::memcpy(&result, &bits, sizeof result);
      return result;
    }
    default:
      return double(int64_t(generator() % 64)) - 32;
    }
  }

  void check(const char *name, double (*ours)(double),
             long double (*exact)(long double)) {
    for (double x : {0.0, -0.0, HUGE_VAL, -HUGE_VAL, std::nan(""), 0x1p-1074,
                     -0x1p-1074, 1.0, -1.0, 0x1.fffffffffffffp1023})
      EXPECT_LE(distance(ours(x), exact(x)), mostUlps)
          << name << "(" << x << ") is " << ours(x);
    for (int i = 0; i < 40000; ++i) {
      double x = draw(i);
      ASSERT_LE(distance(ours(x), exact(x)), mostUlps)
          << name << "(" << std::hexfloat << x << ") is " << ours(x);
    }
  }
};
} // namespace

TEST_F(GpuMathTest, unary) {
#define CHECK(name)                                                            \
  check(#name, gpu_##name,                                                     \
        static_cast<long double (*)(long double)>(std::name));
  LAMINA_MATH64_UNARY(CHECK)
#undef CHECK
}

TEST_F(GpuMathTest, binary) {
  std::vector<std::pair<double, double>> pairs;
  const double special[] = {0.0,  -0.0,         HUGE_VAL,  -HUGE_VAL, 1.0,
                            -1.0, std::nan(""), 0x1p-1074, 3.0,       -2.0,
                            0.5,  0x1p60,       -7.5,      0x1p1023,  -0x1p53};
  for (double x : special)
    for (double y : special)
      pairs.emplace_back(x, y);
  for (int i = 0; i < 100000; ++i)
    pairs.emplace_back(draw(i), draw(i / 8));
  for (auto [x, y] : pairs) {
    long double a = x, b = y;
    ASSERT_LE(distance(gpu_pow(x, y), std::pow(a, b)), mostUlps)
        << "pow(" << std::hexfloat << x << ", " << y << ")";
    ASSERT_LE(distance(gpu_atan2(x, y), std::atan2(a, b)), mostUlps)
        << "atan2(" << std::hexfloat << x << ", " << y << ")";
  }
}
