/*===- Parts.h - numbers in two parts, and their pieces ---------*- C++ -*-===*/
#ifndef LAMINA_LIB_GPU_MATH_PARTS_H
#define LAMINA_LIB_GPU_MATH_PARTS_H

#include <stdint.h>

/* hi + lo, where lo is less than half a digit of hi. */
struct parts {
  double hi, lo;
};

static inline double fused(double a, double b, double c) {
  return __builtin_fma(a, b, c);
}
static inline uint64_t bits(double x) {
  uint64_t result;
  __builtin_memcpy(&result, &x, sizeof result);
  return result;
}
static inline double number(uint64_t b) {
  double result;
  __builtin_memcpy(&result, &b, sizeof result);
  return result;
}
static inline double magnitude(double x) { return __builtin_fabs(x); }
static inline double withSign(double x, double sign) {
  return __builtin_copysign(x, sign);
}
static inline int isNaN(double x) { return x != x; }
#define INFINITE __builtin_inf()

/* a + b where |a| >= |b|, a + b, and a * b: exactly. */
static inline struct parts quickSum(double a, double b) {
  double hi = a + b;
  return (struct parts){hi, b - (hi - a)};
}
static inline struct parts sum(double a, double b) {
  double hi = a + b, part = hi - a;
  return (struct parts){hi, (a - (hi - part)) + (b - part)};
}
static inline struct parts product(double a, double b) {
  double hi = a * b;
  return (struct parts){hi, fused(a, b, -hi)};
}
static inline struct parts times(struct parts a, struct parts b) {
  struct parts p = product(a.hi, b.hi);
  return quickSum(p.hi, fused(a.hi, b.lo, fused(a.lo, b.hi, p.lo)));
}
static inline struct parts plus(struct parts a, struct parts b) {
  struct parts s = sum(a.hi, b.hi);
  return quickSum(s.hi, s.lo + (a.lo + b.lo));
}

/* The polynomial with `count` coefficients, of the constant first. */
static inline double polynomial(const double *coefficients, int count,
                                double x) {
  double result = coefficients[count - 1];
#pragma clang loop unroll(full)
  for (int i = count - 2; i >= 0; --i)
    result = fused(result, x, coefficients[i]);
  return result;
}
#define POLYNOMIAL(table, x)                                                   \
  polynomial(table, sizeof(table) / sizeof *(table), x)

/* x * 2^k, rounded once, for a normal x near 1 and |k| < 2000. */
static inline double scale(double x, int k) {
  int half = k >> 1;
  return x * number((uint64_t)(1023 + half) << 52) *
         number((uint64_t)(1023 + k - half) << 52);
}

#endif
