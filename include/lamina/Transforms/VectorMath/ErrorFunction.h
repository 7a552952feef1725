//===- ErrorFunction.h - erf and erfc --------------------------*- C++ -*-===//

#ifndef LAMINA_TRANSFORMS_VECTORMATH_ERRORFUNCTION_H
#define LAMINA_TRANSFORMS_VECTORMATH_ERRORFUNCTION_H

#include "lamina/Transforms/VectorMath/Exponential.h"

namespace lamina::vecmath {

inline constexpr float kTwoOverSqrtPi = 1.128379225730896f;
// erf(a)/a after kTwoOverSqrtPi on [0, 1], in a^2 (2^-29.1); log2(erfc(z + 1))
// on 0.9 - 1 <= z <= 3.95 - 1, weighted by erfc (2^-27.2).
inline constexpr float kErf[] = {
    -6.04211081e-08f, -0.37612623f,     0.112835504f,   -0.0268522222f,
    0.00518502388f,   -0.000797862303f, 7.74125001e-05f};
inline constexpr float kErfLarge[] = {
    -2.66841674f, -3.80722547f,    -1.2163409f,     -0.0599586181f,
    0.014368875f, -0.00262044719f, 0.000191666244f, 2.86100003e-05f};
// The same function of z up to where erfc is no normal number any more, with
// the weights of absolute and relative errors: 2^-28 and 2e-7.
constexpr float kErfTailEnd = 9.19f;
inline constexpr float kErfTail[] = {
    -2.6684167f,    -3.8072248f,     -1.2163427f,    -0.06000379f,
    0.014604047f,   -0.0030431245f,  0.00051382324f, -6.669364e-05f,
    6.2888034e-06f, -4.0050986e-07f, 1.5267478e-08f, -2.6136837e-10f};
// e^{a^2} erfc(a) / t on t = 1/(1 + a/2), in t - 1/2, after the leading
// coefficient in two words; 2^-27.
inline constexpr float kErfcHigh = 0.5107913613319397f;
inline constexpr float kErfcLow = -8.710927978938798e-09f;
inline constexpr float kErfcFirst = 0.68716073f;
inline constexpr float kErfc[] = {
    0.558943808f,   0.145763904f,    -0.172054037f,
    -0.103522606f,  0.0980565473f,   0.0522502325f,
    -0.0753462091f, -0.00824919716f, 0.031126868f};

/// Below 0.9 an odd polynomial, else 1 - 2^Q(a - 1).
template <class F>
F erf(F x) {
  F a = absolute(x), x2 = x * x;
  F scaled = a * F(0x1p32f); // rounds a subnormal result once
  F small = fma(scaled, F(kTwoOverSqrtPi), scaled * horner(x2, kErf));
  F g = horner(atMost(a, 3.95f) - F(1), kErfLarge);
  F t = g + F(kMagic127), k = t - F(kMagic127), f = g - k;
  F p = fma(horner(f, kExp2), f, F(1));
  F large = fma(-p, powerOfTwo(t), F(1));
  large = select(a < F(3.95f), large, select(isNaN(a), a, F(1)));
  return orBits(select(a < F(0.9f), small * F(0x1p-32f), large), signOf(x));
}

/// 1 + erf(x) to an absolute error of a unit of 1, and for x < 0, where the sum
/// would cancel, to a relative one of 2e-6, at -5 of 6e-6, at -9 of 2e-5, which
/// are units of the exponent; 0 where a normal number ends.
template <class F>
F onePlusErf(F x) {
  F a = absolute(x), x2 = x * x;
  F small = fma(x, horner(x2, kErf) + F(kTwoOverSqrtPi), F(1));
  F g = horner(atMost(a, kErfTailEnd) - F(1), kErfTail);
  F t = g + F(kMagic127), k = t - F(kMagic127), f = g - k;
  F tail = fma(horner(f, kExp2), f, F(1)) * powerOfTwo(t);
  tail = select(a < F(kErfTailEnd), tail, F(0));
  F large = select(x < F(0), tail, F(2) - tail);
  return select(a >= F(0.9f), large, small); // NaN is small
}

/// e^{-a^2}, a^2 exact in two words, times a polynomial of 1/(1 + a/2); its
/// last two steps carry their rounding errors. For x < 0, 2 minus that.
template <class F>
F erfc(F x) {
  F a = atMost(absolute(x), 10.07f);
  F d = fma(a, F(0.5f), F(1)), dl = fma(a, F(0.5f), F(1) - d);
  F t = F(1) / d, v = t - F(0.5f);
  F te = fma(-t, dl, fma(-t, d, F(1)));
  te = te * fma(t, F(1.25f), F(1)); // d(tP)/dt, relative to P
  F p = v * horner(v, kErfc), p1 = F(kErfcFirst) + p;
  F p1l = p - (p1 - F(kErfcFirst));
  F q = v * p1, ql = fma(v, p1, -q);
  F p0 = F(kErfcHigh) + q;
  F p0l = (q - (p0 - F(kErfcHigh))) + (fma(v, p1l, ql) + F(kErfcLow));
  F w = p0 * t, wl = fma(w, te, fma(p0l, t, fma(p0, t, -w)));

  F z = a * a, zl = fma(a, a, -z);
  F s = fma(z, F(-kLog2eHigh), F(kMagic254)), k = s - F(kMagic254);
  F r0 = fma(k, F(-kLn2High), -z), r = fma(k, F(-kLn2Low), r0 - zl);
  F rl = fma(k, F(-kLn2Low), r0 - r) - zl;
  F e = r + fma(r * r, horner(r, kExp), rl); // expm1(r + rl)
  F y = scale(w + fma(w, e, fma(wl, e, wl)), s);
  y = select(x < F(0), F(2) - y, y);
  return select(isNaN(x), x, y);
}

} // namespace lamina::vecmath

#endif // LAMINA_TRANSFORMS_VECTORMATH_ERRORFUNCTION_H
