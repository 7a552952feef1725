//===- Cost.h - what a body costs per element -------------------*- C++ -*-===//
#ifndef LAMINA_LIB_TRANSFORMS_COST_H
#define LAMINA_LIB_TRANSFORMS_COST_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace lamina {

/// About as much as loading a stored result again.
inline constexpr unsigned cheapCost = 4;

/// The cost of one evaluation of the op's body in additions, roughly.
inline unsigned bodyCost(mlir::linalg::LinalgOp op) {
  unsigned cost = 0;
  for (mlir::Operation &inner : *op.getBlock()) {
    if (mlir::isa<mlir::arith::ConstantOp, mlir::linalg::YieldOp,
                  mlir::linalg::IndexOp, mlir::arith::BitcastOp>(inner))
      continue;
    if (mlir::isa<mlir::arith::DivFOp, mlir::arith::RemFOp, mlir::math::SqrtOp>(
            inner))
      cost += 8;
    else if (mlir::isa<mlir::math::AbsFOp, mlir::math::AbsIOp,
                       mlir::math::FmaOp, mlir::math::CopySignOp>(inner))
      cost += 1;
    else if (mlir::isa_and_nonnull<mlir::math::MathDialect>(inner.getDialect()))
      cost += 20;
    else if (mlir::isa<mlir::tensor::ExtractOp>(inner) || inner.getNumRegions())
      cost += 8;
    else
      cost += 1;
  }
  return cost;
}

} // namespace lamina

#endif // LAMINA_LIB_TRANSFORMS_COST_H
