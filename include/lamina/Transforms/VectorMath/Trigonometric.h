//===- Trigonometric.h - sin, cos, tan and their inverses ------*- C++ -*-===//

#ifndef LAMINA_TRANSFORMS_VECTORMATH_TRIGONOMETRIC_H
#define LAMINA_TRANSFORMS_VECTORMATH_TRIGONOMETRIC_H

#include "lamina/Transforms/VectorMath/Exponential.h"

namespace lamina::vecmath {

inline constexpr float kHalfPiHigh = 0x1.921fb6p0f;
inline constexpr float kHalfPiLow = -0x1.777a5cp-25f;
inline constexpr float kHalfPiLowest = -0x1.ee59dap-50f;

// On |r| <= pi/4: sin(r)/r after 1 (2^-27.8), cos(r) after 1 - r^2/2 (2^-33),
// tan(r)/r after 1 (2^-29.5), all in r^2.
inline constexpr float kSin[] = {-0.166666538f, 0.00833211932f,
                                 -0.000195105895f};
inline constexpr float kCos[] = {0.0416666456f, -0.00138873083f,
                                 2.44321091e-05f};
inline constexpr float kTan[] = {0.333333492f,  0.133326709f,  0.0540597439f,
                                 0.0212806985f, 0.0108442176f, 7.43613418e-05f,
                                 0.00438558916f};
// atan(t)/t after 1 on [0, 1], in t^2; 2^-28.5.
inline constexpr float kAtan[] = {
    -0.333332986f, 0.199985355f,   -0.142641261f, 0.109516546f, -0.0840205625f,
    0.0579358004f, -0.0311577655f, 0.0109045366f, -0.001791502f};
// asin(s)/s after 1 on [0, 1/2], in s^2; 2^-27.6.
inline constexpr float kAsin[] = {0.166667551f, 0.0749518871f, 0.0454847217f,
                                  0.0241051111f, 0.0422988087f};

/// Windows of 106 bits of 2/pi: from x >= threshold on, the bits in front of
/// the window only contribute multiples of four quadrants.
struct TwoOverPiWindow {
  double threshold, high, low;
};
inline constexpr TwoOverPiWindow kTwoOverPi[] = {
    {0, 0x1.45f306dc9c883p-1, -0x1.6b01ec5417056p-55},
    {0x1p43, 0x1.b727220a94fe1p-23, 0x1.d5f47d4d37703p-78},
    {0x1p60, 0x1.c882a53f84ebp-37, -0x1.70565911f924fp-91},
    {0x1p77, 0x1.4a7f09d5f47d5p-54, -0x1.6447e493ad4cep-109},
    {0x1p94, 0x1.09d5f47d4d377p-70, 0x1.b6c52b3278872p-129},
    {0x1p111, 0x1.e8fa9a6ee06dbp-87, 0x1.4acc9e21c821p-143}};

/// Payne and Hanek's reduction in double, for every finite x >= 0.
template <class F>
Reduced<F> reduceLarge(F x) {
  using D = DoubleOf<F>;
  D xd = extend(x), high = D(kTwoOverPi[0].high), low = D(kTwoOverPi[0].low);
  for (size_t i = 1; i < std::size(kTwoOverPi); ++i) {
    auto further = xd >= D(kTwoOverPi[i].threshold);
    high = select(further, D(kTwoOverPi[i].high), high);
    low = select(further, D(kTwoOverPi[i].low), low);
  }
  D p = xd * high, error = fma(xd, high, -p), s = fma(xd, low, error);
  D t = (p + s) + D(0x1.8p52), n = t - D(0x1.8p52);
  D f = ((p - n) + s) * D(0x1.921fb54442d18p0);
  F hi = truncate(f);
  return {hi, truncate(f - extend(hi)), lowBits(t)};
}

/// x = q pi/2 + hi + lo with |hi| <= pi/4, for x >= 0: three-term Cody and
/// Waite below 2^17, where every product is exact.
template <class F>
Reduced<F> reduce(F x) {
  F t = fma(x, F(0x1.45f306p-1f), F(kMagic)), n = t - F(kMagic);
  F r0 = fma(n, F(-kHalfPiHigh), x);
  F c = n * F(kHalfPiLow), cl = fma(n, F(kHalfPiLow), -c);
  F r1 = r0 - c, error = (r0 - r1) - c;
  Reduced<F> fast{r1, fma(n, F(-kHalfPiLowest), error - cl), bits(t)};
  return replaceLanes(logicalNot(x < F(0x1p17f)), fast,
                      [&] { return reduceLarge(x); });
}

/// sin(hi + lo), or cos in odd quadrants, with the quadrant's sign times
/// `sign`.
template <class F>
F sinOfReduced(const Reduced<F> &x, IntOf<F> quadrant, IntOf<F> sign) {
  using I = IntOf<F>;
  F r = x.hi, r2 = r * r;
  F s = r + fma(r2 * r, horner(r2, kSin), x.lo);
  F z = fma(r, r, -r2);
  F c = F(1) + fma(r2, fma(r2, horner(r2, kCos), F(-0.5f)),
                   fma(-r, x.lo, z * F(-0.5f)));
  F y = select((quadrant << 31) < I(0), c, s);
  return xorBits(y, ((quadrant << 30) & I(kSignBit)) ^ sign);
}

template <class F>
F sin(F x) {
  Reduced<F> r = reduce(absolute(x));
  return sinOfReduced(r, r.quadrant, signOf(x));
}

template <class F>
F cos(F x) {
  Reduced<F> r = reduce(absolute(x));
  return sinOfReduced(r, r.quadrant + IntOf<F>(1), IntOf<F>(0));
}

/// tan as hi + lo; odd quadrants take -1/(hi + lo) by a division and its
/// residual.
template <class F>
F tan(F x) {
  Reduced<F> reduced = reduce(absolute(x));
  F r = reduced.hi, r2 = r * r;
  F r3 = fma(r2, r, fma(r, r, -r2) * r);
  F s = fma(r3, horner(r2, kTan), fma(reduced.lo, r2, reduced.lo));
  F hi = r + s, lo = s - (hi - r);
  F reciprocal = F(-1) / hi;
  F e = fma(reciprocal, lo, fma(reciprocal, hi, F(1)));
  F cotangent = fma(reciprocal, e, reciprocal);
  F y = select((reduced.quadrant << 31) < IntOf<F>(0), cotangent, hi);
  return xorBits(y, signOf(x));
}

/// atan(t) + base, base in two words, for |t| <= 1.
template <class F>
F atanWithBase(F t, F baseHigh, F baseLow) {
  F t2 = t * t, h = baseHigh + t, error = t - (h - baseHigh);
  return h + fma(t2 * t, horner(t2, kAtan), error + baseLow);
}

/// Above 1: pi/2 + atan(-1/a), the residual of the quotient scaled by the
/// derivative near 1.
template <class F>
F atan(F x) {
  F a = atMost(absolute(x), 0x1p60f);
  MaskOf<F> invert = a > F(1);
  F q = F(-1) / a, qe = fma(q, a, F(1));
  F y = atanWithBase(select(invert, q, a), select(invert, F(kHalfPiHigh), F(0)),
                     select(invert, fma(qe, q * F(0.6f), F(kHalfPiLow)), F(0)));
  return orBits(y, signOf(x));
}

/// The smaller over the larger of |y| and |x|, around 0, pi/2 or pi.
template <class F>
F atan2(F y, F x) {
  F ay = absolute(y), ax = absolute(x);
  MaskOf<F> swap = ay > ax, negative = bits(x) < IntOf<F>(0);
  F n = select(swap, ax, ay), d = select(swap, ay, ax);
  F q = select(n == d, select(n == F(0), F(0), F(1)), n / d); // 0/0, inf/inf
  F high = select(negative, F(2 * kHalfPiHigh), F(0));
  F low = select(negative, F(2 * kHalfPiLow), F(0));
  high = select(swap, F(kHalfPiHigh), high);
  low = select(swap, F(kHalfPiLow), low);
  IntOf<F> none(0), flip(kSignBit);
  IntOf<F> sign = select(swap, flip, none) ^ select(negative, flip, none);
  F r = absolute(atanWithBase(xorBits(q, sign), high, low));
  return select(logicalOr(isNaN(x), isNaN(y)), x + y, orBits(r, signOf(y)));
}

/// s = sqrt(z) with what it lost: sqrt(z) = s + low / 2.
template <class F>
F sqrtResidual(F z, F s) {
  return select(z == F(0), F(0), fma(-s, s, z) * roughReciprocal(s));
}

/// Above 1/2: pi/2 - 2 asin(sqrt((1 - a) / 2)).
template <class F>
F asin(F x) {
  F a = absolute(x);
  MaskOf<F> big = a > F(0.5f);
  F z = select(big, fma(a, F(-0.5f), F(0.5f)), a * a);
  F s = sqrt(z), sl = sqrtResidual(z, s);
  F u = select(big, F(-2) * s, a);
  F high = select(big, F(kHalfPiHigh), F(0));
  F low = select(big, F(kHalfPiLow) - sl, F(0));
  F h = high + u, error = u - (h - high);
  F y = h + fma(u * z, horner(z, kAsin), error + low);
  return orBits(y, signOf(x));
}

template <class F>
F acos(F x) {
  F a = absolute(x);
  MaskOf<F> big = a > F(0.5f), negative = x < F(0);
  F z = select(big, fma(a, F(-0.5f), F(0.5f)), a * a);
  F s = sqrt(z);
  IntOf<F> sign = signOf(x);
  F u = select(big, xorBits(s + s, sign), -x);
  F ul = select(big, xorBits(sqrtResidual(z, s), sign), F(0));
  F high = select(negative, F(2 * kHalfPiHigh), F(0));
  F low = select(negative, F(2 * kHalfPiLow), F(0));
  high = select(big, high, F(kHalfPiHigh));
  low = select(big, low, F(kHalfPiLow));
  F h = high + u, error = u - (h - high);
  return h + fma(u * z, horner(z, kAsin), error + (low + ul));
}

} // namespace lamina::vecmath

#endif // LAMINA_TRANSFORMS_VECTORMATH_TRIGONOMETRIC_H
