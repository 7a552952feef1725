//===- Power.h - pow, cbrt, rsqrt ------------------------------*- C++ -*-===//

#ifndef LAMINA_TRANSFORMS_VECTORMATH_POWER_H
#define LAMINA_TRANSFORMS_VECTORMATH_POWER_H

#include "lamina/Transforms/VectorMath/Exponential.h"

namespace lamina::vecmath {

// atanh(s)/s = 1 + s^2 (1/3 + ...) on |s| <= 0.1716, 1/3 in two words; 2^-28.9.
inline constexpr float kThirdHigh = 0x1.555556p-2f;
inline constexpr float kThirdLow = -0x1.555556p-27f;
inline constexpr float kPow[] = {0.20000045f, 0.14276503f, 0.116440311f};
// (1 - c)^(-1/3) after 1, divided by c, for small c.
inline constexpr float kCbrt[] = {0.333333333f, 0.222222222f, 0.172839506f};

/// log2(a) as high + low for a > 0 and finite: the odd series of
/// s = f / (2 + f), every step in two words.
template <class F>
struct TwoWords {
  F high, low;
};
template <class F>
TwoWords<F> log2InTwoWords(F a) {
  MaskOf<F> small = a < F(0x1p-126f);
  IntOf<F> b = bits(select(small, a * F(0x1p23f), a));
  IntOf<F> exponent = (b - IntOf<F>(0x3f3504f3)) >> 23; // m in [1/sqrt2, sqrt2)
  F m = fromBits(b - (exponent << 23)), e = toFloat(exponent);
  e = select(small, e - F(23), e);
  F f = m - F(1), d = m + F(1), dl = m - (d - F(1)), reciprocal = F(1) / d;
  F s = f * reciprocal, sl = fma(-s, dl, fma(-s, d, f)) * reciprocal;
  F u = s * s, ul = fma(s + s, sl, fma(s, s, -u));
  F t = u * horner(u, kPow);
  F c = F(kThirdHigh) + t, cl = t - (c - F(kThirdHigh)) + F(kThirdLow);
  F p = u * c, pl = fma(u, c, -p) + fma(u, cl, ul * c);
  F g = s * p, gl = fma(s, p, -g) + fma(s, pl, sl * p);
  F l = s + g, ll = (g - (l - s)) + (sl + gl);
  constexpr float kHigh = 2 * kLog2eHigh, kLow = 2 * kLog2eLow;
  F n = l * F(kHigh);
  F nl = fma(l, F(kHigh), -n) + fma(l, F(kLow), ll * F(kHigh));
  F high = e + n;
  return {high, (n - (high - e)) + nl};
}

/// 2^(y log2|x|) in two words, then the signs and special values of C's pow.
template <class F>
F pow(F x, F y) {
  using I = IntOf<F>;
  F a = absolute(x);
  TwoWords<F> l = log2InTwoWords(a);
  F high = select(a < F(kInfinity), l.high, a);
  high = select(a == F(0), F(-kInfinity), high);
  F p = y * high, pl = fma(y, l.low, fma(y, high, -p));
  MaskOf<F> one = logicalOr(high == F(0), y == F(0));
  p = select(one, F(0), p);
  pl = select(logicalAnd(absolute(p) < F(256), logicalNot(one)), pl, F(0));
  p = atMost(atLeast(p, -160.0f), 140.0f);
  F t = p + F(kMagic254), f = (p - (t - F(kMagic254))) + pl;
  F r = scale(fma(horner(f, kExp2), f, F(1)), t);

  F clamped = atMost(absolute(y), 0x1p24f); // even from there on
  clamped = select(isNaN(clamped), F(0.5f), clamped);
  I integer = toInt(clamped);
  MaskOf<F> isInteger = toFloat(integer) == clamped;
  I sign = (integer << 31) & signOf(x);
  r = xorBits(r, select(isInteger, sign, I(0)));
  MaskOf<F> invalid = logicalAnd(logicalAnd(x < F(0), a < F(kInfinity)),
                                 logicalNot(logicalOr(isInteger, y == F(0))));
  return select(invalid, F(kNaN), r);
}

/// The exponent over three by float arithmetic on the bits gives a^(-1/3) to 4
/// %, a quartic step 2^-20, a quadratic step with the exact residual the rest.
template <class F>
F cbrt(F x) {
  F a = absolute(x);
  MaskOf<F> small = a < F(0x1p-126f);
  F s = select(small, a * F(0x1p24f), a);
  F r = fromBits(toInt(fma(toFloat(bits(s)), F(-1 / 3.0f), F(1419967564.0f))));
  F c = fma(-s * r, r * r, F(1));
  r = fma(r * c, horner(c, kCbrt), r);
  F r2 = r * r, y = s * r2, y2 = y * y, y2l = fma(y, y, -y2);
  F residual = fma(-y2l, y, fma(-y2, y, s));
  F e = residual * (r2 * r);
  y = fma(y * e, fma(e, F(0.222222222f), F(0.333333333f)), y);
  y = select(small, y * F(0x1p-8f), y);
  y = select(logicalAnd(a<F(kInfinity), a> F(0)), y, a);
  return orBits(y, signOf(x));
}

/// 1 / sqrt(x) and one residual step.
template <class F>
F rsqrt(F x) {
  F y = F(1) / sqrt(x), h = x * y, hl = fma(x, y, -h);
  F e = fma(-hl, y, fma(-h, y, F(1)));
  F z = fma(y * F(0.5f), e, y);
  return select(logicalAnd(x > F(0), x < F(kInfinity)), z, y);
}

} // namespace lamina::vecmath

#endif // LAMINA_TRANSFORMS_VECTORMATH_POWER_H
