//===- Sizes.h - where the sizes of lam values come from --------*- C++ -*-===//
#ifndef LAMINA_LAM_SIZES_H
#define LAMINA_LAM_SIZES_H

#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/Value.h"

namespace lamina::lam {

/// A size: a constant or an `index` value in `known`, or else dimension `dim`
/// of `tensor`, which is no result of a lam op that tells more.
struct SizeSource {
  mlir::OpFoldResult known;
  mlir::Value tensor;
  int64_t dim = 0;
};

/// Follows dimension `dim` of the ranked tensor `value` through the lam ops that
/// made it, so that a size does not keep a computation alive.
SizeSource sourceOfSize(mlir::Value value, int64_t dim);

/// Dimension `dim` of the ranked tensor `value`, read where it comes from.
mlir::OpFoldResult sizeOf(mlir::OpBuilder &builder, mlir::Location loc,
                          mlir::Value value, int64_t dim);

} // namespace lamina::lam

#endif // LAMINA_LAM_SIZES_H
