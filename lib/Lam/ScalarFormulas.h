//===- ScalarFormulas.h - formula functions on scalar IR --------*- C++ -*-===//
#ifndef LAMINA_LIB_LAM_SCALARFORMULAS_H
#define LAMINA_LIB_LAM_SCALARFORMULAS_H

#include "lamina/Lam/Expr.h"

namespace lamina::lam {

/// `result`, a bool, remembers what was compared.
Expr testResult(Expr result, mlir::Value compared);

/// The functions of formulas on float and signless integer scalars: they emit
/// `arith` and `math`. Every operand is a value, all of one type. (Members, so
/// that argument-dependent lookup does not find the functions of Expr.h.)
struct Scalar {
  static Expr add(Expr a, Expr b);
  static Expr sub(Expr a, Expr b);
  static Expr mul(Expr a, Expr b);
  static Expr div(Expr a, Expr b);
  static Expr neg(Expr x);
#define LAMINA_SCALAR_UNARY(NAME) static Expr NAME(Expr x);
#define LAMINA_SCALAR_BINARY(NAME) static Expr NAME(Expr a, Expr b);
  LAMINA_UNARY_FUNCTIONS(LAMINA_SCALAR_UNARY)
  LAMINA_BINARY_FUNCTIONS(LAMINA_SCALAR_BINARY)
#undef LAMINA_SCALAR_UNARY
#undef LAMINA_SCALAR_BINARY
};

} // namespace lamina::lam

#endif // LAMINA_LIB_LAM_SCALARFORMULAS_H
