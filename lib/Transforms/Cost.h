//===- Cost.h - what a body costs per element -------------------*- C++ -*-===//
#ifndef LAMINA_LIB_TRANSFORMS_COST_H
#define LAMINA_LIB_TRANSFORMS_COST_H

#include "CostModel.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace lamina {

/// About as much as loading a stored result again.
inline constexpr unsigned cheapCost = 4;

/// The cost of one evaluation of the op's body.
inline unsigned bodyCost(mlir::linalg::LinalgOp op) {
  unsigned cost = 0;
  for (mlir::Operation &inner : op.getBlock()->without_terminator())
    cost += inner.getNumRegions() ? 8 : operationCost(inner);
  return cost;
}

/// Whether computing the op's body once too often per element matters more than
/// copying the element: about as much as two loads and two stores.
inline bool isCostly(mlir::linalg::LinalgOp op) { return bodyCost(op) >= 9; }

/// Whether rows of this width leave many lanes idle. Joined with the rows
/// around them, if they are in consecutive memory, they do not.
inline bool isNarrow(int64_t width) {
  constexpr int64_t lanes = 16;
  return !mlir::ShapedType::isDynamic(width) && width > 0 &&
         llvm::divideCeil(width, lanes) * lanes * 4 >= uint64_t(width) * 5;
}

/// Whether the op walks all its operands element by element, so that its loops
/// could be joined, and its rows are narrow.
inline bool hasNarrowRows(mlir::linalg::LinalgOp op) {
  return op.getNumLoops() >= 2 && isNarrow(op.getStaticLoopRanges().back()) &&
         llvm::all_of(op->getOpOperands(), [&](mlir::OpOperand &operand) {
           mlir::AffineMap map = op.getMatchingIndexingMap(&operand);
           return map.getNumResults() == 0 || map.isIdentity();
         });
}

} // namespace lamina

#endif // LAMINA_LIB_TRANSFORMS_COST_H
