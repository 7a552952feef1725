//===- Double.h - float64 functions, lane by lane ---------------*- C++ -*-===//
//
// The same vocabulary as Numbers.h over a number type D that stands for
// "double, lane by lane". The polynomials of exponentials are Taylor's, which
// at these degrees are as good as any; those of logarithms are fdlibm's.
//
//===----------------------------------------------------------------------===//

#ifndef LAMINA_TRANSFORMS_VECTORMATH_DOUBLE_H
#define LAMINA_TRANSFORMS_VECTORMATH_DOUBLE_H

#include "lamina/Transforms/VectorMath/Numbers.h"
#include <limits>

namespace lamina::vecmath {

/// The integers that go with a number type: bits, and arithmetic that wraps.
template <class D>
struct DoubleTraits;
template <>
struct DoubleTraits<double> {
  using Long = uint64_t;
};
template <class D>
using LongOf = typename DoubleTraits<D>::Long;

inline uint64_t longBits(double x) { return std::bit_cast<uint64_t>(x); }
inline double fromLongBits(uint64_t b) { return std::bit_cast<double>(b); }
inline uint64_t shiftRight(uint64_t b, int n) { return b >> n; }
inline double magnitude(double x) { return std::fabs(x); }
inline double withSignOf(double x, double s) { return std::copysign(x, s); }

// ln 2 in two words, the first of which has so few bits that its product with
// an exponent is exact.
inline constexpr double kLn2HighD = 0x1.62e42feep-1;
inline constexpr double kLn2LowD = 0x1.a39ef35793c76p-33;
inline constexpr double kLog2eD = 0x1.71547652b82fep0;
inline constexpr double kInfinityD = std::numeric_limits<double>::infinity();
// Adding these rounds to an integer, which is in the low bits, plus a bias.
inline constexpr double kMagicD = 0x1.8p52;
inline constexpr double kMagic1023 = kMagicD + 1023;
inline constexpr double kMagic2046 = kMagicD + 2046;

// (e^r - 1 - r) / r^2 on |r| <= ln(2)/2.
inline constexpr double kExpD[] = {
    0.5,           1.0 / 6,        1.0 / 24,        1.0 / 120,
    1.0 / 720,     1.0 / 5040,     1.0 / 40320,     1.0 / 362880,
    1.0 / 3628800, 1.0 / 39916800, 1.0 / 479001600, 1.0 / 6227020800};
// (log((1+s)/(1-s)) - 2s) / s^3 in s^2, where m = (1+s)/(1-s) is between
// sqrt(1/2) and sqrt(2).
inline constexpr double kLogD[] = {
    6.666666666666735130e-01, 3.999999999940941908e-01,
    2.857142874366239149e-01, 2.222219843214978396e-01,
    1.818357216161805012e-01, 1.531383769920937332e-01,
    1.479819860511658591e-01};

template <class D, size_t N>
D hornerD(D x, const double (&c)[N]) {
  D p = fma(x, D(c[N - 1]), D(c[N - 2]));
  for (size_t i = N - 2; i-- > 0;)
    p = fma(x, p, D(c[i]));
  return p;
}

/// 2^n from a number whose low bits are n + 1023.
template <class D>
D powerOfTwoD(LongOf<D> b) {
  return fromLongBits(b << 52);
}

template <class D>
D expD(D x) {
  x = select(x < D(-746), D(-746), select(x > D(710), D(710), x));
  D t = fma(x, D(kLog2eD), D(kMagic2046)), k = t - D(kMagic2046);
  D r = fma(k, D(-kLn2LowD), fma(k, D(-kLn2HighD), x));
  D p = fma(fma(hornerD(r, kExpD), r, D(1)), r, D(1));
  // In two steps, the first of which is exact.
  LongOf<D> biased = longBits(t), half = shiftRight(biased, 1);
  return p * powerOfTwoD<D>(half) * powerOfTwoD<D>(biased - half);
}

/// At half scale, so that the largest results do not overflow on the way.
template <class D>
D expm1D(D x) {
  D c = select(x < D(-40), D(-40), select(x > D(710), D(710), x));
  D t = fma(c, D(kLog2eD), D(kMagic1023 - 1)), k = t - D(kMagic1023 - 1);
  D r0 = fma(k, D(-kLn2HighD), c), r = fma(k, D(-kLn2LowD), r0);
  D rl = fma(k, D(-kLn2LowD), r0 - r);
  D q = fma(r * r, hornerD(r, kExpD), rl);
  D s = powerOfTwoD<D>(longBits(t)); // 2^(k-1)
  D s1 = s - D(0.5), error = (s - s1) - D(0.5);
  D h = fma(s, r, s1), e = fma(s, r, s1 - h) + error;
  D y = h + fma(s, q, e);
  return select(magnitude(x) < D(0x1p-54), x, y + y); // keeps -0
}

/// log(u) + shift ln 2 + correction for a normal u > 0.
template <class D>
D logOfNormalD(D u, D shift, D correction) {
  // u = 2^(e - 1022) m; e becomes a number in the low bits of the magic one.
  LongOf<D> b = longBits(u);
  LongOf<D> e = shiftRight(b - LongOf<D>(0x0006a09e667f3bcd), 52);
  D k = fromLongBits(e + LongOf<D>(0x4338000000000000)) - D(kMagicD + 1022);
  D m = fromLongBits(b - ((e - LongOf<D>(1022)) << 52));
  k = k + shift;
  D f = m - D(1), s = f / (D(2) + f), z = s * s, half = D(0.5) * f * f;
  D low =
      fma(s, fma(z, hornerD(z, kLogD), half), fma(k, D(kLn2LowD), correction));
  return fma(k, D(kLn2HighD), f - (half - low));
}

/// Puts the special values into y: at `pole` and above it.
template <class D>
D fixLogarithmD(D x, double pole, D y) {
  y = select(x < D(kInfinityD), y, x);
  y = select(x == D(pole), D(-kInfinityD), y);
  return select(x < D(pole), D(std::numeric_limits<double>::quiet_NaN()), y);
}

template <class D>
D logD(D x) {
  auto tiny = x < D(0x1p-1022);
  D u = select(tiny, x * D(0x1p54), x);
  return fixLogarithmD(x, 0, logOfNormalD(u, select(tiny, D(-54), D(0)), D(0)));
}

/// log(1 + x): what rounding the sum lost is added in the end.
template <class D>
D log1pD(D x) {
  D u = x + D(1);
  D lost = select(x < D(1), x - (u - D(1)), D(1) - (u - x));
  D y = logOfNormalD(u, D(0), lost / u);
  return fixLogarithmD(x, -1, select(magnitude(x) < D(0x1p-54), x, y));
}

/// t / (t + 2) with t = e^(2|x|) - 1, from 1 on as 1 - 2 / (t + 2).
template <class D>
D tanhD(D x) {
  D a = magnitude(x), z = select(a > D(22), D(22), a);
  auto small = z < D(1);
  D t = expm1D(z + z), d = t + D(2), dl = t - (d - D(2));
  D n = select(small, t, D(-2)), r = D(1) / d, q = n * r;
  q = fma(fma(-q, dl, fma(-q, d, n)), r, q);
  return withSignOf(select(small, q, D(1) + q), x);
}

} // namespace lamina::vecmath

/// X(name) for every function, which is called nameD here.
#define LAMINA_VECTOR_MATH_DOUBLE(X) X(exp) X(expm1) X(log) X(log1p) X(tanh)

#endif // LAMINA_TRANSFORMS_VECTORMATH_DOUBLE_H
