/*===- Math64.h - functions of float64 for GPUs ----------------*- C++ -*-===*
 *
 * The names of the functions in Math64.c: those of the C library. A test on the
 * host compiles them with another name in front.
 *
 *===---------------------------------------------------------------------===*/
#ifndef LAMINA_LIB_GPU_MATH_MATH64_H
#define LAMINA_LIB_GPU_MATH_MATH64_H

#define LAMINA_MATH64_UNARY(X)                                                 \
  X(exp)                                                                       \
  X(exp2)                                                                      \
  X(expm1) X(log) X(log2) X(log10) X(log1p) X(sin) X(cos) X(tan) X(asin)       \
      X(acos) X(atan) X(sinh) X(cosh) X(tanh) X(asinh) X(acosh) X(atanh)       \
          X(erf) X(erfc) X(cbrt)
#define LAMINA_MATH64_BINARY(X) X(atan2) X(pow)

#endif
