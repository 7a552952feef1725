//===- ScalarMath.h - the functions formulas may use ------------*- C++ -*-===//
#ifndef LAMINA_LAM_SCALARMATH_H
#define LAMINA_LAM_SCALARMATH_H

#include <cstdint>
#include <optional>

/// Every function that a formula in LamOps.td may call, by arity.
#define LAMINA_UNARY_FUNCTIONS(X)                                                                  \
  X(abs) X(sign) X(floor) X(ceil) X(round) X(trunc) X(exp) X(exp2) X(expm1) X(log) X(log2)         \
  X(log10) X(log1p) X(sqrt) X(rsqrt) X(cbrt) X(sin) X(cos) X(tan) X(asin) X(acos) X(atan) X(sinh)  \
  X(cosh) X(tanh) X(asinh) X(acosh) X(atanh) X(erf) X(erfc) X(erfinv) X(sigmoid) X(softplus)       \
  X(is_nan) X(is_inf) X(is_finite) X(bit_not)
#define LAMINA_BINARY_FUNCTIONS(X)                                                                 \
  X(floor_div) X(mod) X(rem) X(pow) X(max) X(min) X(atan2) X(nextafter) X(eq) X(ne) X(lt) X(le)    \
  X(gt) X(ge) X(bit_and) X(bit_or) X(bit_xor) X(shift_left) X(shift_right)

namespace lamina::lam {

/// Two's-complement 64-bit arithmetic that wraps; `isUnsigned` decides division, order and shifts.
struct Integer {
  int64_t value = 0;
  bool isUnsigned = false;
  unsigned width = 64; // of the element type: shifts by width or more are defined by it
};

#define LAMINA_DOUBLE_UNARY(NAME) double NAME(double x);
#define LAMINA_DOUBLE_BINARY(NAME) double NAME(double a, double b);
LAMINA_UNARY_FUNCTIONS(LAMINA_DOUBLE_UNARY)
LAMINA_BINARY_FUNCTIONS(LAMINA_DOUBLE_BINARY)
#undef LAMINA_DOUBLE_UNARY
#undef LAMINA_DOUBLE_BINARY
inline double select(double c, double a, double b) { return c != 0 ? a : b; }

#define LAMINA_INTEGER_UNARY(NAME) Integer NAME(Integer x);
#define LAMINA_INTEGER_BINARY(NAME) Integer NAME(Integer a, Integer b);
LAMINA_UNARY_FUNCTIONS(LAMINA_INTEGER_UNARY)
LAMINA_BINARY_FUNCTIONS(LAMINA_INTEGER_BINARY)
#undef LAMINA_INTEGER_UNARY
#undef LAMINA_INTEGER_BINARY
Integer operator+(Integer a, Integer b);
Integer operator-(Integer a, Integer b);
Integer operator*(Integer a, Integer b);
Integer operator/(Integer a, Integer b);
Integer operator-(Integer x);
Integer select(Integer c, Integer a, Integer b);

} // namespace lamina::lam

#endif // LAMINA_LAM_SCALARMATH_H
