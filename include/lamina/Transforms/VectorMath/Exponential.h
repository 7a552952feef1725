//===- Exponential.h - exp, log and their relatives ------------*- C++ -*-===//
//
// The coefficients here and in the sibling headers are minimax fits (Sollya's
// fpminimax with single-precision coefficients) of the function named, over the
// reduced interval named; the leading terms that are not listed are fixed.
//
//===----------------------------------------------------------------------===//

#ifndef LAMINA_TRANSFORMS_VECTORMATH_EXPONENTIAL_H
#define LAMINA_TRANSFORMS_VECTORMATH_EXPONENTIAL_H

#include "lamina/Transforms/VectorMath/Numbers.h"

namespace lamina::vecmath {

inline constexpr float kInfinity = __builtin_inff();
inline constexpr float kNaN = __builtin_nanf("");

// Constants as unevaluated sums of two floats.
inline constexpr float kLog2eHigh = 0x1.715476p0f;
inline constexpr float kLog2eLow = 0x1.4ae0cp-26f;
inline constexpr float kLn2High = 0x1.62e43p-1f;
inline constexpr float kLn2Low = -0x1.05c61p-29f;
inline constexpr float kLog10eHigh = 0x1.bcb7b2p-2f;
inline constexpr float kLog10eLow = -0x1.5b235ep-27f;
// log10(2) with 15 bits, so that an exponent times it is exact.
inline constexpr float kLog10Of2High = 0x1.3440p-2f;
inline constexpr float kLog10Of2Low = 0x1.3509f8p-18f;

// exp on |r| <= ln(2)/2 after 1 + r; relative error 2^-28.2.
inline constexpr float kExp[] = {0.49999994f, 0.166665196f, 0.0416682474f,
                                 0.00836884044f, 0.0013822664f};
// expm1(r)/r on the same interval after 1; 2^-31.0.
inline constexpr float kExpm1[] = {0.5f,           0.166666657f,
                                   0.0416664779f,  0.0083335666f,
                                   0.00139337278f, 0.000197435482f};
// exp2 on |f| <= 1/2 after 1; 2^-28.
inline constexpr float kExp2[] = {0.693147182f,  0.240226448f,
                                  0.0555035807f, 0.00961882621f,
                                  0.0013391684f, 0.000152449953f};
// log1p(f)/f on |f| <= 1/3 after 1 - f/2; 2^-27.7.
inline constexpr float kLog[] = {0.333332151f,  -0.249997973f, 0.200104505f,
                                 -0.166805089f, 0.140051827f,  -0.12183892f,
                                 0.139877006f,  -0.128935441f};
// log2(1+f)/f on |f| <= 1/3 after log2(e); 2^-27.5.
inline constexpr float kLog2[] = {-0.721347511f, 0.480896533f,  -0.360672027f,
                                  0.28869468f,   -0.240611494f, 0.201984689f,
                                  -0.176210091f, 0.202090085f,  -0.184329838f};

/// e^x: x = k ln 2 + r.
template <class F>
F exp(F x) {
  x = atMost(atLeast(x, -104.0f), 89.0f);
  F t = fma(x, F(kLog2eHigh), F(kMagic254)), k = t - F(kMagic254);
  F r = fma(k, F(-kLn2Low), fma(k, F(-kLn2High), x));
  F p = fma(fma(horner(r, kExp), r, F(1)), r, F(1));
  return scale(p, t);
}

/// 2^x: the fraction x - rint(x) is exact.
template <class F>
F exp2(F x) {
  x = atMost(atLeast(x, -151.0f), 129.0f);
  F t = x + F(kMagic254), k = t - F(kMagic254), f = x - k;
  return scale(fma(horner(f, kExp2), f, F(1)), t);
}

/// e^x - 1, computed at half scale so that k = 128 works.
template <class F>
F expm1(F x) {
  F c = atMost(atLeast(x, -26.0f), 89.0f);
  F t = fma(c, F(kLog2eHigh), F(kMagic127)), k = t - F(kMagic127);
  F r0 = fma(k, F(-kLn2High), c), r = fma(k, F(-kLn2Low), r0);
  F rl = fma(k, F(-kLn2Low), r0 - r);
  F q = fma(r * r, horner(r, kExpm1), rl);
  F s = fromBits((bits(t) - IntOf<F>(1)) << 23); // 2^(k-1)
  F s1 = s - F(0.5f), error = (s - s1) - F(0.5f);
  F h = fma(s, r, s1), e = fma(s, r, s1 - h) + error;
  F y = h + fma(s, q, e);
  return select(absolute(x) < F(0x1p-24f), x, y + y); // keeps -0
}

/// x = m 2^e with m in [2/3, 4/3).
template <class F>
struct Split {
  F m, e;
  IntOf<F> exponent;
};
template <class F>
Split<F> splitAtTwoThirds(F x) {
  IntOf<F> b = bits(x), e = (b - IntOf<F>(0x3f2aaaab)) >> 23;
  return {fromBits(b - (e << 23)), toFloat(e), e};
}

/// The same, for subnormal x as well.
template <class F>
Split<F> splitAny(F x) {
  MaskOf<F> small = x < F(0x1p-126f);
  Split<F> s = splitAtTwoThirds(select(small, x * F(0x1p23f), x));
  s.e = select(small, s.e - F(23), s.e);
  return s;
}

/// log(2^e (1 + f + fl)) for |f| <= 1/3.
template <class F>
F logOfParts(F f, F fl, F e) {
  F f2 = f * f;
  F t = fma(f2, fma(f, horner(f, kLog), F(-0.5f)), fl);
  F h = fma(e, F(kLn2High), f), error = f - fma(e, F(-kLn2High), h);
  return h + (error + fma(e, F(kLn2Low), t));
}

/// Puts the special values of a logarithm of x into y.
template <class F>
F fixLogarithm(F x, F y) {
  y = select(x < F(kInfinity), y, x);
  y = select(x == F(0), F(-kInfinity), y);
  return select(x < F(0), F(kNaN), y);
}

template <class F>
F log(F x) {
  Split<F> s = splitAny(x);
  return fixLogarithm(x, logOfParts(s.m - F(1), F(0), s.e));
}

template <class F>
F log2(F x) {
  Split<F> s = splitAny(x);
  F f = s.m - F(1);
  F high = f * F(kLog2eHigh), low = fma(f, F(kLog2eHigh), -high);
  F t = fma(f * f, horner(f, kLog2), fma(f, F(kLog2eLow), low));
  F h = s.e + high, error = high - (h - s.e);
  return fixLogarithm(x, h + (error + t));
}

/// log10: log10(2) e + log10(e) log(m), both in two words.
template <class F>
F log10(F x) {
  Split<F> s = splitAny(x);
  F f = s.m - F(1);
  F t = f * f * fma(f, horner(f, kLog), F(-0.5f));
  F high = f * F(kLog10eHigh);
  F low = fma(f, F(kLog10eLow), fma(f, F(kLog10eHigh), -high));
  low = fma(t, F(kLog10eHigh), low);
  F a = s.e * F(kLog10Of2High), h = a + high, error = high - (h - a);
  return fixLogarithm(x, h + (error + fma(s.e, F(kLog10Of2Low), low)));
}

/// 1 + u + ul = 2^e (1 + f + fl) for u > -1: 1 + u rounds to m 2^e, and what it
/// lost is exact. fl is zero in the lanes of `dropLow`.
template <class F>
struct LogarithmParts {
  F f, fl, e;
};
template <class F>
LogarithmParts<F> splitOnePlus(F u, F ul, MaskOf<F> dropLow) {
  Split<F> s = splitAtTwoThirds(u + F(1));
  F inverse = fromBits(IntOf<F>(0x3f800000) - (s.exponent << 23));
  F f = s.m - F(1);
  F fl = fma(inverse, ul, fma(inverse, u, inverse - s.m));
  fl = fma(-fl, fma(-f, f, f), fl); // divided by 1 + f to first order
  return {f, select(dropLow, F(0), fl), s.e};
}

template <class F>
F log1p(F x) {
  LogarithmParts<F> p = splitOnePlus(x, F(0), x > F(0x1p25f));
  F y = logOfParts(p.f, p.fl, p.e);
  y = select(x < F(kInfinity), y, x);
  y = select(absolute(x) < F(0x1p-24f), x, y);
  y = select(x == F(-1), F(-kInfinity), y);
  return select(x < F(-1), F(kNaN), y);
}

} // namespace lamina::vecmath

#endif // LAMINA_TRANSFORMS_VECTORMATH_EXPONENTIAL_H
