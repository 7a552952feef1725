//===- TensorViews.h - what a tensor is a view of ---------------*- C++ -*-===//
#ifndef LAMINA_LIB_TRANSFORMS_TENSORVIEWS_H
#define LAMINA_LIB_TRANSFORMS_TENSORVIEWS_H

#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace lamina {

/// The argument of which `value` is a view, if it is one.
inline mlir::BlockArgument viewedArgument(mlir::Value value) {
  while (mlir::Operation *op = value.getDefiningOp()) {
    if (!mlir::isa<mlir::tensor::CastOp, mlir::tensor::CollapseShapeOp,
                   mlir::tensor::ExpandShapeOp, mlir::tensor::ExtractSliceOp,
                   mlir::tensor::ReshapeOp>(op))
      return {};
    value = op->getOperand(0);
  }
  return mlir::cast<mlir::BlockArgument>(value);
}

} // namespace lamina

#endif // LAMINA_LIB_TRANSFORMS_TENSORVIEWS_H
