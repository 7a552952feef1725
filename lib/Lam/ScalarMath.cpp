//===- ScalarMath.cpp - formula functions on doubles and integers ---------===//

#include "lamina/Lam/ScalarMath.h"
#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace lamina::lam {

//===----------------------------------------------------------------------===//
// double
//===----------------------------------------------------------------------===//

double abs(double x) { return std::fabs(x); }
double sign(double x) { return x > 0 ? 1.0 : x < 0 ? -1.0 : x; }
double floor(double x) { return std::floor(x); }
double ceil(double x) { return std::ceil(x); }
double round(double x) {
  // Half to even without depending on the rounding mode of the caller.
  double down = std::floor(x), rest = x - down;
  if (!(rest != 0))
    return x;
  double up = down + 1;
  double nearest = rest < 0.5                ? down
                   : rest > 0.5              ? up
                   : std::fmod(down, 2) == 0 ? down
                                             : up;
  return std::copysign(nearest, x);
}
double trunc(double x) { return std::trunc(x); }
double exp(double x) { return std::exp(x); }
double exp2(double x) { return std::exp2(x); }
double expm1(double x) { return std::expm1(x); }
double log(double x) { return std::log(x); }
double log2(double x) { return std::log2(x); }
double log10(double x) { return std::log10(x); }
double log1p(double x) { return std::log1p(x); }
double sqrt(double x) { return std::sqrt(x); }
double rsqrt(double x) { return 1.0 / std::sqrt(x); }
double cbrt(double x) { return std::cbrt(x); }
double sin(double x) { return std::sin(x); }
double cos(double x) { return std::cos(x); }
double tan(double x) { return std::tan(x); }
double asin(double x) { return std::asin(x); }
double acos(double x) { return std::acos(x); }
double atan(double x) { return std::atan(x); }
double sinh(double x) { return std::sinh(x); }
double cosh(double x) { return std::cosh(x); }
double tanh(double x) { return std::tanh(x); }
double asinh(double x) { return std::asinh(x); }
double acosh(double x) { return std::acosh(x); }
double atanh(double x) { return std::atanh(x); }
double erf(double x) { return std::erf(x); }
double erfc(double x) { return std::erfc(x); }

double erfinv(double x) {
  double a = std::fabs(x);
  if (!(a <= 1))
    return std::numeric_limits<double>::quiet_NaN();
  if (a == 1)
    return std::copysign(std::numeric_limits<double>::infinity(), x);
  // A start of three digits (Winitzki's formula), then Halley's iteration on
  // erf or, where erf is flat, on erfc: it triples the digits every time.
  double w = std::log1p(-a * a), half = 2 / (M_PI * 0.147) + w / 2;
  double inner = std::sqrt(half * half - w / 0.147) - half;
  double y = a < 1e-4 ? a * 0.88622692545275801365 : std::sqrt(inner);
  for (int i = 0; i < 3; ++i) {
    double difference = a < 0.5 ? std::erf(y) - a : (1 - a) - std::erfc(y);
    double step = difference * 0.88622692545275801365 * std::exp(y * y);
    y -= step / (1 + y * step);
  }
  return std::copysign(y, x);
}

double sigmoid(double x) {
  double z = std::exp(-std::fabs(x));
  return (x < 0 ? z : 1) / (1 + z);
}
double softplus(double x) {
  return max(x, 0.0) + std::log1p(std::exp(-std::fabs(x)));
}
double is_nan(double x) { return std::isnan(x); }
double is_inf(double x) { return std::isinf(x); }
double is_finite(double x) { return std::isfinite(x); }
// Bits of a bool; integers never come here.
double bit_not(double x) { return x == 0; }

double floor_div(double a, double b) {
  double quotient = a / b;
  if (b == 0)
    return quotient;
  double rest = std::fmod(a, b), exact = (a - rest) / b;
  if (rest != 0 && (b < 0) != (rest < 0))
    exact -= 1;
  return exact == 0 ? std::copysign(0.0, quotient) : round(exact);
}
double mod(double a, double b) {
  double rest = std::fmod(a, b);
  if (rest == 0)
    return std::copysign(0.0, b);
  return (b < 0) != (rest < 0) ? rest + b : rest;
}
double rem(double a, double b) { return std::fmod(a, b); }
double pow(double a, double b) { return std::pow(a, b); }
double max(double a, double b) {
  if (a == b)
    return std::signbit(a) ? b : a; // +0 is above -0
  return a > b || std::isnan(a) ? a : b;
}
double min(double a, double b) {
  if (a == b)
    return std::signbit(a) ? a : b;
  return a < b || std::isnan(a) ? a : b;
}
double atan2(double a, double b) { return std::atan2(a, b); }
double nextafter(double a, double b) { return std::nextafter(a, b); }
double eq(double a, double b) { return a == b; }
double ne(double a, double b) { return a != b; }
double lt(double a, double b) { return a < b; }
double le(double a, double b) { return a <= b; }
double gt(double a, double b) { return a > b; }
double ge(double a, double b) { return a >= b; }
double bit_and(double a, double b) { return a != 0 && b != 0; }
double bit_or(double a, double b) { return a != 0 || b != 0; }
double bit_xor(double a, double b) { return (a != 0) != (b != 0); }
double shift_left(double a, double b) { return std::trunc(a) * std::exp2(b); }
double shift_right(double a, double b) { return std::floor(a * std::exp2(-b)); }

//===----------------------------------------------------------------------===//
// Integers
//===----------------------------------------------------------------------===//

static Integer like(Integer x, uint64_t value) {
  return {static_cast<int64_t>(value), x.isUnsigned, x.width};
}
static uint64_t bits(Integer x) { return static_cast<uint64_t>(x.value); }
static double real(Integer x) {
  return x.isUnsigned ? static_cast<double>(bits(x))
                      : static_cast<double>(x.value);
}
static bool less(Integer a, Integer b) {
  return a.isUnsigned ? bits(a) < bits(b) : a.value < b.value;
}

Integer operator+(Integer a, Integer b) { return like(a, bits(a) + bits(b)); }
Integer operator-(Integer a, Integer b) { return like(a, bits(a) - bits(b)); }
Integer operator*(Integer a, Integer b) { return like(a, bits(a) * bits(b)); }
Integer operator-(Integer x) { return like(x, 0 - bits(x)); }
Integer operator/(Integer a, Integer b) {
  if (b.value == 0)
    return like(a, 0);
  if (a.isUnsigned)
    return like(a, bits(a) / bits(b));
  return b.value == -1 ? -a : like(a, a.value / b.value);
}
Integer select(Integer c, Integer a, Integer b) { return c.value ? a : b; }

Integer rem(Integer a, Integer b) {
  if (b.value == 0)
    return like(a, 0);
  if (a.isUnsigned)
    return like(a, bits(a) % bits(b));
  return like(a, b.value == -1 ? 0 : a.value % b.value);
}
Integer floor_div(Integer a, Integer b) {
  Integer rest = rem(a, b), quotient = a / b;
  bool adjust =
      !a.isUnsigned && rest.value != 0 && (rest.value < 0) != (b.value < 0);
  return like(a, bits(quotient) - adjust);
}
Integer mod(Integer a, Integer b) {
  Integer rest = rem(a, b);
  bool adjust =
      !a.isUnsigned && rest.value != 0 && (rest.value < 0) != (b.value < 0);
  return adjust ? rest + b : rest;
}
Integer pow(Integer a, Integer b) {
  if (!b.isUnsigned && b.value < 0) {
    // 1 / a^n truncated: only ±1 has an integer inverse; 0 gives 0 as division
    // does.
    if (a.value == 1)
      return a;
    return like(a, a.value == -1 ? (b.value & 1 ? -1 : 1) : 0);
  }
  uint64_t result = 1, base = bits(a);
  for (uint64_t n = bits(b); n; n >>= 1, base *= base)
    if (n & 1)
      result *= base;
  return like(a, result);
}

Integer abs(Integer x) { return !x.isUnsigned && x.value < 0 ? -x : x; }
Integer sign(Integer x) {
  return like(x, x.isUnsigned ? x.value != 0 : (x.value > 0) - (x.value < 0));
}
Integer floor(Integer x) { return x; }
Integer ceil(Integer x) { return x; }
Integer round(Integer x) { return x; }
Integer trunc(Integer x) { return x; }
Integer is_nan(Integer x) { return like(x, 0); }
Integer is_inf(Integer x) { return like(x, 0); }
Integer is_finite(Integer x) { return like(x, 1); }
Integer max(Integer a, Integer b) { return less(a, b) ? b : a; }
Integer min(Integer a, Integer b) { return less(b, a) ? b : a; }
Integer eq(Integer a, Integer b) { return like(a, a.value == b.value); }
Integer ne(Integer a, Integer b) { return like(a, a.value != b.value); }
Integer lt(Integer a, Integer b) { return like(a, less(a, b)); }
Integer le(Integer a, Integer b) { return like(a, !less(b, a)); }
Integer gt(Integer a, Integer b) { return like(a, less(b, a)); }
Integer ge(Integer a, Integer b) { return like(a, !less(a, b)); }
Integer bit_not(Integer x) { return like(x, ~bits(x)); }
Integer bit_and(Integer a, Integer b) { return like(a, bits(a) & bits(b)); }
Integer bit_or(Integer a, Integer b) { return like(a, bits(a) | bits(b)); }
Integer bit_xor(Integer a, Integer b) { return like(a, bits(a) ^ bits(b)); }
// A negative amount is a large one, as in NumPy.
Integer shift_left(Integer a, Integer b) {
  return like(a, bits(b) < a.width ? bits(a) << bits(b) : 0);
}
Integer shift_right(Integer a, Integer b) {
  uint64_t amount = bits(b);
  if (a.isUnsigned)
    return like(a, amount < a.width ? bits(a) >> amount : 0);
  return like(a, a.value >> (amount < a.width ? amount : 63));
}

// The remaining functions are of floats only (the dialect's types see to it);
// a formula that mixes them into integers truncates.
#define LAMINA_THROUGH_DOUBLE(NAME)                                            \
  Integer NAME(Integer x) {                                                    \
    double y = NAME(real(x));                                                  \
    bool fits = y > -0x1p63 && y < 0x1p63;                                     \
    return like(x, fits ? static_cast<int64_t>(y) : 0);                        \
  }
LAMINA_THROUGH_DOUBLE(exp)
LAMINA_THROUGH_DOUBLE(exp2)
LAMINA_THROUGH_DOUBLE(expm1)
LAMINA_THROUGH_DOUBLE(log)
LAMINA_THROUGH_DOUBLE(log2)
LAMINA_THROUGH_DOUBLE(log10)
LAMINA_THROUGH_DOUBLE(log1p)
LAMINA_THROUGH_DOUBLE(sqrt)
LAMINA_THROUGH_DOUBLE(rsqrt)
LAMINA_THROUGH_DOUBLE(cbrt)
LAMINA_THROUGH_DOUBLE(sin)
LAMINA_THROUGH_DOUBLE(cos)
LAMINA_THROUGH_DOUBLE(tan)
LAMINA_THROUGH_DOUBLE(asin)
LAMINA_THROUGH_DOUBLE(acos)
LAMINA_THROUGH_DOUBLE(atan)
LAMINA_THROUGH_DOUBLE(sinh)
LAMINA_THROUGH_DOUBLE(cosh)
LAMINA_THROUGH_DOUBLE(tanh)
LAMINA_THROUGH_DOUBLE(asinh)
LAMINA_THROUGH_DOUBLE(acosh)
LAMINA_THROUGH_DOUBLE(atanh)
LAMINA_THROUGH_DOUBLE(erf)
LAMINA_THROUGH_DOUBLE(erfc)
LAMINA_THROUGH_DOUBLE(erfinv)
LAMINA_THROUGH_DOUBLE(sigmoid)
LAMINA_THROUGH_DOUBLE(softplus)
#undef LAMINA_THROUGH_DOUBLE
Integer atan2(Integer a, Integer b) {
  return like(a, static_cast<int64_t>(std::atan2(real(a), real(b))));
}
Integer nextafter(Integer a, Integer b) {
  return less(a, b)   ? like(a, bits(a) + 1)
         : less(b, a) ? like(a, bits(a) - 1)
                      : a;
}

} // namespace lamina::lam
