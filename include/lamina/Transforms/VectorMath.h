//===- VectorMath.h - Accurate math, lane by lane ---------------*- C++ -*-===//
//
// Every function here is at most 2 ULP off, exact in its special values
// (signed zeros, infinities, NaN) and right for subnormals. The number type is
// a template parameter: see VectorMath/Numbers.h.
//
//===----------------------------------------------------------------------===//

#ifndef LAMINA_TRANSFORMS_VECTORMATH_H
#define LAMINA_TRANSFORMS_VECTORMATH_H

#include "lamina/Transforms/VectorMath/Double.h"
#include "lamina/Transforms/VectorMath/ErrorFunction.h"
#include "lamina/Transforms/VectorMath/Exponential.h"
#include "lamina/Transforms/VectorMath/Hyperbolic.h"
#include "lamina/Transforms/VectorMath/Power.h"
#include "lamina/Transforms/VectorMath/Trigonometric.h"

/// X(name) for every function of one and of two arguments.
#define LAMINA_VECTOR_MATH_UNARY(X)                                            \
  X(exp)                                                                       \
  X(exp2)                                                                      \
  X(expm1) X(log) X(log2) X(log10) X(log1p) X(sin) X(cos) X(tan) X(asin)       \
      X(acos) X(atan) X(sinh) X(cosh) X(tanh) X(asinh) X(acosh) X(atanh)       \
          X(erf) X(erfc) X(cbrt) X(rsqrt)
#define LAMINA_VECTOR_MATH_BINARY(X) X(atan2) X(pow)

#endif // LAMINA_TRANSFORMS_VECTORMATH_H
