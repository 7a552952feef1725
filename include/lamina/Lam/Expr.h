//===- Expr.h - formulas over IR values -------------------------*- C++ -*-===//
//
// The formulas of the pointwise ops are C++ text that is instantiated for
// double (the oracle), Integer (64-bit arithmetic) and Expr (IR).
//
//===----------------------------------------------------------------------===//

#ifndef LAMINA_LAM_EXPR_H
#define LAMINA_LAM_EXPR_H

#include "lamina/Lam/ScalarMath.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/Value.h"

namespace lamina::lam {

/// A value or a number that reads like mathematics. Of a scalar value (float or signless integer in
/// a loop body) its operators emit `arith` and `math`; of a tensor they emit `lam`. A number takes
/// the type of the value it meets. `isUnsigned` says how scalar integers are read.
class Expr {
public:
  Expr(double number = 0) : number(number) {}
  Expr(mlir::Value value, mlir::OpBuilder &builder, mlir::Location loc, bool isUnsigned = false)
      : irValue(value), opBuilder(&builder), location(loc), isUnsigned(isUnsigned) {}

  /// `value` with this expression's builder and location.
  Expr of(mlir::Value value) const;

  bool isNumber() const { return !irValue; }
  bool is(double n) const { return isNumber() && number == n; }
  mlir::Value value() const { return irValue; }
  /// The value, or the number as a constant of `type` (a scalar or ranked tensor type with the
  /// dynamic sizes of `like`).
  mlir::Value materialize(const Expr &like) const;

  double number = 0;
  mlir::Value irValue;
  /// Of a comparison: an operand, whose type numbers take that only meet the bool (`select(gt(a, b), 1.0, 0.0)`).
  mlir::Value compared;
  mlir::OpBuilder *opBuilder = nullptr;
  std::optional<mlir::Location> location;
  bool isUnsigned = false;
};

Expr operator+(Expr a, Expr b);
Expr operator-(Expr a, Expr b);
Expr operator*(Expr a, Expr b);
Expr operator/(Expr a, Expr b);
Expr operator-(Expr x);

#define LAMINA_EXPR_UNARY(NAME) Expr NAME(Expr x);
#define LAMINA_EXPR_BINARY(NAME) Expr NAME(Expr a, Expr b);
LAMINA_UNARY_FUNCTIONS(LAMINA_EXPR_UNARY)
LAMINA_BINARY_FUNCTIONS(LAMINA_EXPR_BINARY)
#undef LAMINA_EXPR_UNARY
#undef LAMINA_EXPR_BINARY
Expr select(Expr c, Expr a, Expr b);

} // namespace lamina::lam

#endif // LAMINA_LAM_EXPR_H
