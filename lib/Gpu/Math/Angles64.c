/*===- Angles64.c - functions of angles, of float64, for GPUs
 * --------------===*/
#ifndef LAMINA_MATH
#define LAMINA_MATH(name) name
#endif
#include "Parts.h"

typedef unsigned __int128 uint128;

static const double halfPi[] = {0x1.921fb54442d18p+0, 0x1.1a62633145c07p-54,
                                -0x1.f1976b7ed8fbcp-110};

/* 2 / pi in binary: the digits behind the point. */
static const uint64_t twoByPi[] = {
    0xa2f9836e4e441529, 0xfc2757d1f534ddc0, 0xdb6295993c439041,
    0xfe5163abdebbc561, 0xb7246e3a424dd2e0, 0x06492eea09d1921c,
    0xfe1deb1cb129a73e, 0xe88235f52ebb4484, 0xe99c7026b45f7e41,
    0x3991d639835339f4, 0x9c845f8bbdf9283b, 0x1ff897ffde05980f,
    0xef2f118b5a0a6d1f, 0x6d367ecf27cb09b7, 0x4f463f669e5fea2d,
    0x7527bac7ebe5f17b, 0x3d0739f78a5292ea, 0x6bfb5fb11f8d5d08,
    0x56033046fc7b6bab, 0xf0cfbc209af4361d};

/* x less a multiple of half pi, and which. */
struct angle {
  struct parts rest;
  int quadrant;
};

/* 64 binary digits of 2 / pi from number `first` behind the point, from 1. */
static inline uint64_t digitsFrom(int first) {
  int at = first - 1, word = at >> 6, shift = at & 63;
  uint64_t high = word >= 0 ? twoByPi[word] : 0;
  uint64_t low = word + 1 >= 0 ? twoByPi[word + 1] : 0;
  return shift ? high << shift | low >> (64 - shift) : high;
}

/* x = m * 2^e times 2 / pi: digits that stand for multiples of 4 are left out,
   those of less than 2^-137 too. */
static struct angle reduceLarge(double x) {
  uint64_t raw = bits(x);
  uint64_t m = (raw & 0x000fffffffffffffULL) | 0x0010000000000000ULL;
  int e = (int)(raw >> 52 & 0x7ff) - 1075;
  int first = e - 1; /* stands for 2^(e - first) */
  uint64_t a = digitsFrom(first), b = digitsFrom(first + 64),
           c = digitsFrom(first + 128);
  uint128 low = (uint128)m * c, middle = (uint128)m * b + (low >> 64);
  uint64_t p0 = (uint64_t)low, p1 = (uint64_t)middle;
  uint64_t p2 = m * a + (uint64_t)(middle >> 64);
  /* The point is behind the first two digits. */
  int quadrant = (int)(p2 >> 62);
  uint128 fraction = (uint128)(p2 << 2 | p1 >> 62) << 64 | (p1 << 2 | p0 >> 62);
  int negative = (int)(fraction >> 127); /* more than half: the next one */
  if (negative) {
    fraction = -fraction;
    ++quadrant;
  }
  uint64_t top = (uint64_t)(fraction >> 64);
  int zeros = top ? __builtin_clzll(top) : 64;
  fraction <<= zeros;
  double hi = (double)(uint64_t)(fraction >> 75);
  double lo = (double)(uint64_t)(fraction >> 22 & 0x1fffffffffffffULL);
  int power = -53 - zeros;
  struct parts turned = {hi * number((uint64_t)(1023 + power) << 52),
                         lo * number((uint64_t)(1023 + power - 53) << 52)};
  if (negative)
    turned = (struct parts){-turned.hi, -turned.lo};
  struct angle result = {times(turned, (struct parts){halfPi[0], halfPi[1]}),
                         quadrant};
  return result;
}

/* For x that is not negative. */
static inline struct angle reduce(double x) {
  if (x <= 0x1.921fb54442d18p-1) {
    struct angle same = {{x, 0}, 0};
    return same;
  }
  if (x > 0x1p20)
    return reduceLarge(x);
  double n = __builtin_rint(x * 0x1.45f306dc9c883p-1);
  double rest = fused(-n, halfPi[0], x); /* exact */
  struct parts second = product(n, halfPi[1]);
  struct parts r = sum(rest, -second.hi);
  struct angle result = {quickSum(r.hi, r.lo - fused(n, halfPi[2], second.lo)),
                         (int)n};
  return result;
}

/* -1/3!, 1/5!, … and 1/4!, -1/6!, … */
static const double sineSeries[] = {
    -0x1.5555555555555p-3,  0x1.1111111111111p-7,   -0x1.a01a01a01a01ap-13,
    0x1.71de3a556c734p-19,  -0x1.ae64567f544e4p-26, 0x1.6124613a86d09p-33,
    -0x1.ae7f3e733b81fp-41, 0x1.952c77030ad4ap-49};
static const double cosineSeries[] = {
    0x1.5555555555555p-5,   -0x1.6c16c16c16c17p-10, 0x1.a01a01a01a01ap-16,
    -0x1.27e4fb7789f5cp-22, 0x1.1eed8eff8d898p-29,  -0x1.93974a8c07c9dp-37,
    0x1.ae7f3e733b81fp-45};

static inline double sineNear(struct parts x) {
  double square = x.hi * x.hi;
  double series = x.hi * square * POLYNOMIAL(sineSeries, square);
  return x.hi + (series + fused(-0.5 * square, x.lo, x.lo));
}
static inline double cosineNear(struct parts x) {
  struct parts half = product(0.5 * x.hi, x.hi);
  double square = x.hi * x.hi;
  double series = square * square * POLYNOMIAL(cosineSeries, square);
  struct parts first = quickSum(1, -half.hi);
  return first.hi + (first.lo + (series - fused(x.hi, x.lo, half.lo)));
}
static inline double notFinite(double x) { return x - x; }

double LAMINA_MATH(sin)(double x) {
  if (!(magnitude(x) < INFINITE))
    return notFinite(x);
  struct angle a = reduce(magnitude(x));
  double y = a.quadrant & 1 ? cosineNear(a.rest) : sineNear(a.rest);
  y = a.quadrant & 2 ? -y : y;
  return bits(x) >> 63 ? -y : y;
}
double LAMINA_MATH(cos)(double x) {
  if (!(magnitude(x) < INFINITE))
    return notFinite(x);
  struct angle a = reduce(magnitude(x));
  double y = a.quadrant & 1 ? sineNear(a.rest) : cosineNear(a.rest);
  return (a.quadrant + 1) & 2 ? -y : y;
}
double LAMINA_MATH(tan)(double x) {
  if (!(magnitude(x) < INFINITE))
    return notFinite(x);
  struct angle a = reduce(magnitude(x));
  double sine = sineNear(a.rest), cosine = cosineNear(a.rest);
  double y = a.quadrant & 1 ? -cosine / sine : sine / cosine;
  return bits(x) >> 63 ? -y : y;
}

/* (atan(x) / x - 1) / x^2 in powers of x^2, for x up to 7/16. */
static const double atanSeries[] = {
    -0.3333333333333333,  0.19999999999999407,   -0.1428571428556615,
    0.11111111096587765,  -0.09090908353049669,  0.0769228548876496,
    -0.06666240859375808, 0.0587693549653035,    -0.05216607416783708,
    0.044919637149159995, -0.033121323310643644, 0.01476642155379467};

/* The angle of y / x in the first quadrant; neither is negative, infinite or
   not a number, and not both are 0. */
static inline struct parts arctangent(double y, double x) {
  /* Turned back by an angle whose tangent is c. */
  double c, high, low;
  double ratio = y / x;
  if (ratio < 0.4375)
    c = 0, high = 0, low = 0;
  else if (ratio < 0.6875)
    c = 0.5, high = 0x1.dac670561bb4fp-2, low = 0x1.a2b7f222f65e2p-56;
  else if (ratio < 1.1875)
    c = 1, high = 0x1.921fb54442d18p-1, low = 0x1.1a62633145c07p-55;
  else if (ratio < 2.4375)
    c = 1.5, high = 0x1.f730bd281f69bp-1, low = 0x1.007887af0cbbdp-56;
  else
    c = INFINITE, high = halfPi[0], low = halfPi[1];
  double t = c == INFINITE ? -x / y
             : c == 0      ? ratio
                           : fused(-c, x, y) / fused(c, y, x);
  double square = t * t;
  double series = square * t * POLYNOMIAL(atanSeries, square);
  if (c == 0)
    return quickSum(t, series);
  struct parts result = sum(high, t);
  return quickSum(result.hi, result.lo + (series + low));
}

double LAMINA_MATH(atan)(double x) {
  if (isNaN(x))
    return x;
  double size = magnitude(x);
  if (size > 0x1p60)
    return withSign(halfPi[0], x);
  return withSign(size < 0x1p-30 ? size : arctangent(size, 1).hi, x);
}

double LAMINA_MATH(atan2)(double y, double x) {
  if (isNaN(x) || isNaN(y))
    return x + y;
  double up = magnitude(y), right = magnitude(x);
  struct parts angle;
  int isLeft = (int)(bits(x) >> 63);
  if (up == INFINITE && right == INFINITE)
    angle = (struct parts){halfPi[0] / 2, halfPi[1] / 2};
  else if (up == 0 || right == INFINITE)
    angle = (struct parts){0, 0};
  else if (right == 0 || up == INFINITE)
    angle = (struct parts){halfPi[0], halfPi[1]};
  else {
    /* Neither too large nor too small to be divided and multiplied. */
    double most = up > right ? up : right;
    double factor = most > 0x1p900 ? 0x1p-200 : most < 0x1p-800 ? 0x1p200 : 1;
    up *= factor;
    right *= factor;
    if (up / right == 0 || (!isLeft && up / right < 0x1p-1022))
      angle = (struct parts){isLeft ? 0 : up / right, 0};
    else if (up / right > 0x1p60)
      angle = (struct parts){halfPi[0], halfPi[1]};
    else
      angle = arctangent(up, right);
  }
  if (isLeft)
    angle = plus((struct parts){2 * halfPi[0], 2 * halfPi[1]},
                 (struct parts){-angle.hi, -angle.lo});
  return withSign(angle.hi, y);
}

double LAMINA_MATH(asin)(double x) {
  if (!(magnitude(x) <= 1))
    return __builtin_nan("");
  if (magnitude(x) < 0x1p-30)
    return x;
  return LAMINA_MATH(atan2)(x, __builtin_sqrt((1 - x) * (1 + x)));
}
double LAMINA_MATH(acos)(double x) {
  if (!(magnitude(x) <= 1))
    return __builtin_nan("");
  double y = __builtin_sqrt(1 - x), z = __builtin_sqrt(1 + x);
  return 2 * LAMINA_MATH(atan2)(y, z);
}
