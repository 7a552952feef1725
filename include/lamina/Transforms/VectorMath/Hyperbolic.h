//===- Hyperbolic.h - sinh, cosh, tanh and their inverses ------*- C++ -*-===//

#ifndef LAMINA_TRANSFORMS_VECTORMATH_HYPERBOLIC_H
#define LAMINA_TRANSFORMS_VECTORMATH_HYPERBOLIC_H

#include "lamina/Transforms/VectorMath/Exponential.h"

namespace lamina::vecmath {

// sinh(r)/r after 1 and cosh(r) after 1, on |r| <= ln(2)/2, in r^2; 2^-33.
inline constexpr float kSinh[] = {0.166666672f, 0.00833319221f, 0.00019958429f};
inline constexpr float kCosh[] = {0.5f, 0.0416664556f, 0.00139357906f};
// tanh(x)/x after 1 on [0, 1], in x^2; 2^-27.7.
inline constexpr float kTanh[] = {
    -0.333332956f,   0.133323476f,   -0.0538799912f,  0.0214871969f,
    -0.00794688612f, 0.00230191997f, -0.000358607038f};
// asinh(x)/x and atanh(x)/x after 1 on [0, 1/2], in x^2; 2^-33.9, 2^-29.4.
inline constexpr float kAsinh[] = {-0.166666657f,  0.0749990717f,
                                   -0.0446160957f, 0.0300335679f,
                                   -0.0200495683f, 0.00925659295f};
inline constexpr float kAtanh[] = {0.333333015f, 0.200024515f,  0.142238259f,
                                   0.118160062f, 0.0516194887f, 0.176356837f};

/// Below 1 an odd polynomial, else 1 - 2 / (e^{2a} + 1).
template <class F>
F tanh(F x) {
  F a = absolute(x), x2 = x * x;
  F small = fma(x2 * a, horner(x2, kTanh), a);
  F z = atMost(a, 9.5f);
  F t = fma(z, F(2 * kLog2eHigh), F(kMagic127)), k = t - F(kMagic127);
  F r = fma(k, F(-kLn2Low), fma(k, F(-kLn2High), z + z));
  F p = fma(fma(horner(r, kExp), r, F(1)), r, F(1));
  F large = F(1) - F(2) / fma(p, powerOfTwo(t), F(1));
  return orBits(select(a < F(1), small, large), signOf(x));
}

/// e^a = 2^k e^r as sinh and cosh want it: the pieces of sinh(r) = r + rl + odd
/// and cosh(r) = 1 + even, and 2^(k-2), 2^(-k-2).
template <class F>
struct HyperbolicParts {
  F r, odd, even, up, down;
};
template <class F>
HyperbolicParts<F> splitHyperbolic(F a) {
  constexpr float kMagic125 = kMagic + 125.0f;
  F t = fma(a, F(kLog2eHigh), F(kMagic125)), k = t - F(kMagic125);
  F r0 = fma(k, F(-kLn2High), a), r = fma(k, F(-kLn2Low), r0);
  F rl = fma(k, F(-kLn2Low), r0 - r), r2 = r * r;
  IntOf<F> up = bits(t) << 23, down = IntOf<F>(250 << 23) - up;
  down = select(down < IntOf<F>(0), IntOf<F>(0), down);
  return {r, fma(r2 * r, horner(r2, kSinh), rl), r2 * horner(r2, kCosh),
          fromBits(up), fromBits(down)};
}

template <class F>
F sinh(F x) {
  F a = atMost(absolute(x), 89.5f);
  HyperbolicParts<F> p = splitHyperbolic(a);
  F minus = p.up - p.down, plus = p.up + p.down;
  F h = fma(plus, p.r, minus), e = fma(plus, p.r, minus - h);
  F y = h + fma(plus, p.odd, fma(minus, p.even, e));
  return orBits(select(a < F(0x1p-12f), a, y + y), signOf(x));
}

template <class F>
F cosh(F x) {
  HyperbolicParts<F> p = splitHyperbolic(atMost(absolute(x), 89.5f));
  F h = fma(p.up, p.r, p.up), e = fma(p.up, p.r, p.up - h);
  F low = fma(p.down, (p.even - p.odd) - p.r, p.down);
  F y = h + (fma(p.up, p.odd + p.even, low) + e);
  return y + y;
}

/// Below 1/2 an odd polynomial, else log(a + sqrt(a^2 + 1)) in two words.
template <class F>
F asinh(F x) {
  F a = absolute(x), x2 = x * x;
  F small = fma(x2 * a, horner(x2, kAsinh), a);
  MaskOf<F> huge = a > F(0x1p24f); // log(a) + ln 2
  F h = x2 + F(1), hl = fma(x, x, F(1) - h), s = sqrt(h);
  F sl = (fma(-s, s, h) + hl) * roughReciprocal(s) * F(0.5f);
  F y = a + s, yl = (a - (y - s)) + sl;
  Split<F> split = splitAtTwoThirds(select(huge, a, y));
  F fl = select(huge, F(0), yl * roughReciprocal(y));
  F e = select(huge, split.e + F(1), split.e);
  F large = logOfParts(split.m - F(1), fl, e);
  large = select(a < F(kInfinity), large, a);
  return orBits(select(a < F(0.5f), small, large), signOf(x));
}

/// log1p(t + sqrt(2t + t^2)) with t = x - 1, in two words.
template <class F>
F acosh(F x) {
  MaskOf<F> huge = x > F(0x1p24f); // log(x) + ln 2
  F t = x - F(1), t2 = t + t;
  F h = fma(t, t, t2), hl = fma(t, t, t2 - h), s = sqrt(h);
  F sl = (fma(-s, s, h) + hl) * roughReciprocal(s) * F(0.5f);
  sl = select(t == F(0), F(0), sl);
  F u = select(t > s, t, s), ul = select(t > s, s, t);
  F w = u + ul, wl = (ul - (w - u)) + sl;
  LogarithmParts<F> p = splitOnePlus(select(huge, t, w), wl, huge);
  F e = select(huge, p.e + F(1), p.e);
  F y = select(x < F(kInfinity), logOfParts(p.f, p.fl, e), x);
  return select(x < F(1), F(kNaN), y);
}

/// Below 1/2 an odd polynomial, else log((1 + a) / (1 - a)) / 2 in two words.
template <class F>
F atanh(F x) {
  F a = absolute(x), x2 = x * x;
  F small = fma(x2 * a, horner(x2, kAtanh), a);
  F n = F(1) + a, nl = a - (n - F(1)), d = F(1) - a, reciprocal = F(1) / d;
  F q = n * reciprocal, ql = (fma(-q, d, n) + nl) * reciprocal;
  Split<F> s = splitAtTwoThirds(q);
  F large = logOfParts(s.m - F(1), ql * roughReciprocal(q), s.e) * F(0.5f);
  large = select(a < F(1), large, select(a == F(1), F(kInfinity), F(kNaN)));
  return orBits(select(a < F(0.5f), small, large), signOf(x));
}

} // namespace lamina::vecmath

#endif // LAMINA_TRANSFORMS_VECTORMATH_HYPERBOLIC_H
