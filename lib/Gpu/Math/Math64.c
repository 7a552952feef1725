/*===- Math64.c - functions of float64 for GPUs ----------------------------===*
 *
 * Exponentials, logarithms and what is made of them. A GPU has no library:
 * these functions become part of the kernels that call them. At most 3 ULP off,
 * most functions 2; special values are those of C99.
 *
 *===---------------------------------------------------------------------===*/
#ifndef LAMINA_MATH
#define LAMINA_MATH(name) name
#endif
#include "Parts.h"

static const struct parts log2OfE = {0x1.71547652b82fep+0,
                                     0x1.777d0ffda0d24p-56};
static const struct parts log10OfE = {0x1.bcb7b1526e50ep-2,
                                      0x1.95355baaafad3p-57};
static const struct parts ln2 = {0x1.62e42fefa39efp-1, 0x1.abc9e3b39803fp-56};
/* The first with so few digits that its multiples are exact. */
static const double ln2Short = 0x1.62e42fef00000p-1,
                    ln2Rest = 0x1.473de6af278edp-34;

/* 1/2!, 1/3!, … */
static const double exponentialSeries[] = {
    0x1.0000000000000p-1,  0x1.5555555555555p-3,  0x1.5555555555555p-5,
    0x1.1111111111111p-7,  0x1.6c16c16c16c17p-10, 0x1.a01a01a01a01ap-13,
    0x1.a01a01a01a01ap-16, 0x1.71de3a556c734p-19, 0x1.27e4fb7789f5cp-22,
    0x1.ae64567f544e4p-26, 0x1.1eed8eff8d898p-29, 0x1.6124613a86d09p-33};

/* e^x = (1 + rest) * 2^power. */
struct exponential {
  struct parts rest;
  int power;
};
static inline struct exponential exponential(struct parts x) {
  double k = __builtin_rint(x.hi * log2OfE.hi);
  struct parts r = sum(fused(-k, ln2Short, x.hi), fused(-k, ln2Rest, x.lo));
  double square = r.hi * r.hi;
  double tail = fused(square, POLYNOMIAL(exponentialSeries, r.hi),
                      fused(r.lo, r.hi, r.lo));
  return (struct exponential){quickSum(r.hi, tail), (int)k};
}
/* e^x * factor * 2^more, with the limits of what can be represented. */
static inline double raised(struct parts x, double factor, int more) {
  if (isNaN(x.hi))
    return x.hi;
  if (x.hi > 711)
    return INFINITE;
  if (x.hi < -800)
    return 0;
  struct exponential e = exponential(x);
  double whole = fused(factor, e.rest.hi, factor * e.rest.lo) + factor;
  return scale(whole, e.power + more);
}
static inline struct parts whole(double x) { return (struct parts){x, 0}; }

double LAMINA_MATH(exp)(double x) { return raised(whole(x), 1, 0); }

double LAMINA_MATH(exp2)(double x) {
  if (!(magnitude(x) < 1100))
    return raised(whole(x), 1, 0);
  double k = __builtin_rint(x);
  struct parts rest = product(x - k, ln2.hi);
  rest.lo = fused(x - k, ln2.lo, rest.lo);
  return raised(rest, 1, (int)k);
}

double LAMINA_MATH(expm1)(double x) {
  if (isNaN(x) || x == 0)
    return x;
  if (x > 40)
    return raised(whole(x), 1, 0);
  if (x < -40)
    return -1;
  struct exponential e = exponential(whole(x));
  double power = scale(1, e.power);
  struct parts result = sum(power - 1, power * e.rest.hi);
  return result.hi + fused(power, e.rest.lo, result.lo);
}

/* 2/5, 2/7, …: the logarithm's series behind the first two terms. */
static const double logarithmSeries[] = {2. / 5,  2. / 7,  2. / 9,  2. / 11,
                                         2. / 13, 2. / 15, 2. / 17, 2. / 19,
                                         2. / 21, 2. / 23, 2. / 25, 2. / 27};

/* The logarithm of a positive number, to about 65 binary digits. */
static inline struct parts logarithm(double x) {
  int power = 0;
  if (x < 0x1p-1022) {
    x *= 0x1p54;
    power = -54;
  }
  /* x = (1 + f) * 2^power, 1 + f between the root of 1/2 and of 2. */
  uint64_t moved = bits(x) - 0x3fe6a09e667f3bcdULL;
  power += (int)((int64_t)moved >> 52);
  double f =
      number((moved & 0x000fffffffffffffULL) + 0x3fe6a09e667f3bcdULL) - 1;
  /* s = f / (2 + f), the logarithm is 2 s + 2/3 s^3 + … */
  struct parts divisor = sum(2, f);
  double quotient = f / divisor.hi;
  double rest = fused(-quotient, divisor.hi, f) - quotient * divisor.lo;
  struct parts s = quickSum(quotient, rest / divisor.hi);
  struct parts square = times(s, s);
  struct parts third =
      times(times(s, square),
            (struct parts){0x1.5555555555555p-1, 0x1.5555555555555p-55});
  double tail =
      s.hi * square.hi * square.hi * POLYNOMIAL(logarithmSeries, square.hi);
  struct parts result = plus((struct parts){2 * s.hi, 2 * s.lo},
                             quickSum(third.hi, third.lo + tail));
  struct parts whole = sum(power * ln2Short, power * ln2Rest);
  whole.lo = fused(power, -0x1.9ff0342542fc3p-90, whole.lo);
  return plus(whole, result);
}
/* Whether x has an ordinary logarithm; if not, `special` is it. */
static inline int hasLogarithm(double x, double *special) {
  *special = isNaN(x) || x == INFINITE ? x
             : x == 0                  ? -INFINITE
                                       : __builtin_nan("");
  return x > 0 && x < INFINITE;
}

double LAMINA_MATH(log)(double x) {
  double special;
  return hasLogarithm(x, &special) ? logarithm(x).hi : special;
}
double LAMINA_MATH(log2)(double x) {
  double special;
  return hasLogarithm(x, &special) ? times(logarithm(x), log2OfE).hi : special;
}
double LAMINA_MATH(log10)(double x) {
  double special;
  return hasLogarithm(x, &special) ? times(logarithm(x), log10OfE).hi : special;
}
double LAMINA_MATH(log1p)(double x) {
  struct parts shifted = sum(1, x);
  double special;
  if (!hasLogarithm(shifted.hi, &special))
    return special;
  if (magnitude(x) < 0x1p-54)
    return x;
  struct parts result = logarithm(shifted.hi);
  return result.hi + (result.lo + shifted.lo / shifted.hi);
}

double LAMINA_MATH(pow)(double x, double y) {
  if (y == 0 || x == 1)
    return 1;
  if (isNaN(x) || isNaN(y))
    return x + y;
  double size = magnitude(x);
  int isInteger = __builtin_trunc(y) == y;
  int isOdd = isInteger && magnitude(y) < 0x1p53 && ((int64_t)y & 1);
  double sign = isOdd ? withSign(1, x) : 1;
  if (magnitude(y) == INFINITE)
    return size == 1 ? 1 : (size > 1) == (y > 0) ? INFINITE : 0;
  if (size == 0 || size == INFINITE)
    return sign * ((size > 1) == (y > 0) ? INFINITE : 0);
  if (x < 0 && !isInteger)
    return __builtin_nan("");
  struct parts power = logarithm(size);
  /* Beyond this the result is infinite or zero, or one. */
  double limited = y > 0x1p70 ? 0x1p70 : y < -0x1p70 ? -0x1p70 : y;
  struct parts scaled = product(power.hi, limited);
  scaled = quickSum(scaled.hi, fused(power.lo, limited, scaled.lo));
  return sign * raised(scaled, 1, 0);
}

double LAMINA_MATH(cbrt)(double x) {
  double size = magnitude(x);
  if (isNaN(x) || size == INFINITE || x == 0)
    return x;
  int power = 0;
  if (size < 0x1p-1022) {
    size *= 0x1p54;
    power = -18;
  }
  /* size = m * 2^(3 q), 1 <= m < 8. */
  int exponent = (int)(bits(size) >> 52) - 1023;
  int q = (exponent + 1200) / 3 - 400;
  double m = number((bits(size) & 0x000fffffffffffffULL) |
                    (uint64_t)(1023 + exponent - 3 * q) << 52);
  /* A cubic through four points, and three steps of Halley's method. */
  double t = fused(m, fused(m, fused(m, 0.0030, -0.0527), 0.4053), 0.6444);
#pragma clang loop unroll(full)
  for (int i = 0; i < 3; ++i) {
    double cube = t * t * t;
    t -= t * (cube - m) / fused(2, cube, m);
  }
  struct parts square = product(t, t);
  double excess = fused(t, square.hi, -m) + t * square.lo;
  t -= excess / (3 * square.hi);
  return withSign(scale(t, q + power), x);
}

double LAMINA_MATH(sinh)(double x) {
  double size = magnitude(x);
  if (!(size < 22))
    return withSign(raised(whole(size), 1, -1), x);
  double t = LAMINA_MATH(expm1)(size);
  return withSign(0.5 * (t + t / (t + 1)), x);
}
double LAMINA_MATH(cosh)(double x) {
  double size = magnitude(x);
  if (!(size < 22))
    return raised(whole(size), 1, -1);
  double e = raised(whole(size), 1, 0);
  return fused(0.5, e, 0.5 / e);
}
double LAMINA_MATH(tanh)(double x) {
  double size = magnitude(x);
  if (size > 22)
    return withSign(1, x);
  if (size >= 0.5)
    return withSign(1 - 2 / (LAMINA_MATH(expm1)(2 * size) + 2), x);
  double t = LAMINA_MATH(expm1)(-2 * size);
  return withSign(-t / (t + 2), x);
}
double LAMINA_MATH(asinh)(double x) {
  double size = magnitude(x);
  if (!(size < 0x1p28))
    return withSign(size < INFINITE ? plus(logarithm(size), ln2).hi : size, x);
  double square = size * size;
  double result =
      LAMINA_MATH(log1p)(size + square / (1 + __builtin_sqrt(1 + square)));
  return withSign(result, x);
}
double LAMINA_MATH(acosh)(double x) {
  if (!(x >= 1))
    return __builtin_nan("");
  if (x >= 0x1p28)
    return x < INFINITE ? plus(logarithm(x), ln2).hi : x;
  double t = x - 1;
  return LAMINA_MATH(log1p)(t + __builtin_sqrt(fused(t, t, 2 * t)));
}
double LAMINA_MATH(atanh)(double x) {
  double size = magnitude(x);
  if (!(size <= 1))
    return __builtin_nan("");
  double twice = 2 * size;
  double y =
      size < 0.5 ? fused(twice, size / (1 - size), twice) : twice / (1 - size);
  return withSign(0.5 * LAMINA_MATH(log1p)(y), x);
}

/* erf(x) / x - 1 in powers of x^2, for x below 1/2. */
static const double erfSeries[] = {
    0.1283791670955126,     -0.3761263890318375,     0.1128379167095487,
    -0.02686617064499972,   0.0052239776220169365,   -0.0008548326510724796,
    0.00012055286202005714, -1.4923003368152099e-05, 1.637123442577e-06,
    -1.462091340945175e-07};
/* e^(x^2) erfc(x) (1 + 2 x) in powers of (x - 4) / (x + 4). */
static const double erfcSeries[] = {
    1.2329951186255526,     -0.13962111684056247,    0.015379652102619774,
    0.06809705425468815,    -0.10103906603630537,    0.09373283499854475,
    -0.06633036581221476,   0.03716751553363139,     -0.016197734057578454,
    0.005031970019943965,   -0.0007577732920311896,  -0.00019925697236786676,
    0.00015062170128943037, -2.4398036848331836e-05, -1.1222143481880708e-05,
    5.706457712294843e-06,  2.941247327405722e-07,   -8.194704759209118e-07,
    7.41170284282457e-08,   1.0323766232712528e-07,  -1.746433196244123e-08,
    -9.649431558994388e-09, 1.6743138141818292e-09};

/* erfc(x) for x from 1/2. */
static inline double upperTail(double x) {
  if (x > 28)
    return 0;
  struct parts square = product(x, x);
  double scaled = POLYNOMIAL(erfcSeries, (x - 4) / (x + 4)) / fused(2, x, 1);
  return raised((struct parts){-square.hi, -square.lo}, scaled, 0);
}
static inline double nearZero(double x) {
  return fused(x, POLYNOMIAL(erfSeries, x * x), x);
}
double LAMINA_MATH(erf)(double x) {
  double size = magnitude(x);
  if (isNaN(x))
    return x;
  return size < 0.5 ? nearZero(x) : withSign(1 - upperTail(size), x);
}
double LAMINA_MATH(erfc)(double x) {
  double size = magnitude(x);
  if (isNaN(x))
    return x;
  if (size < 0.5)
    return 1 - nearZero(x);
  return x > 0 ? upperTail(size) : 2 - upperTail(size);
}
