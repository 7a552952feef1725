//===- SelectAndCast.cpp - pointwise ops that are not one line ------------===//

#include "lamina/Lam/Lam.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace lamina::lam;

Expr SelectOp::formulaOf(ArrayRef<Expr> args) {
  return select(args[0], args[1], args[2]);
}
double SelectOp::evaluate(ArrayRef<double> args) {
  return select(args[0], args[1], args[2]);
}
Integer SelectOp::evaluateInteger(ArrayRef<Integer> args) {
  return select(args[0], args[1], args[2]);
}
SmallVector<Expr> SelectOp::pullback(ArrayRef<Expr> dys) {
  Expr dy = dys[0];
  Expr c = dy.of(getC());
  return {0.0, select(c, dy, 0.0), select(c, 0.0, dy)};
}

SmallVector<Expr> CastOp::pullback(ArrayRef<Expr> dys) {
  Expr dy = dys[0];
  // Through an integer or a bool nothing moves.
  Type from = getX().getType();
  if (!isa<FloatType>(getElementTypeOrSelf(from)) ||
      !isa<FloatType>(getElementTypeOrSelf(getType())))
    return {0.0};
  return {dy.of(CastOp::create(*dy.opBuilder, *dy.location, from, dy.value()))};
}
