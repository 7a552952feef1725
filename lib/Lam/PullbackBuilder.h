//===- PullbackBuilder.h - what the structural pullbacks emit ---*- C++ -*-===//
#ifndef LAMINA_LIB_LAM_PULLBACKBUILDER_H
#define LAMINA_LIB_LAM_PULLBACKBUILDER_H

#include "lamina/Lam/Lam.h"

namespace lamina::lam {

/// Emits lam ops where a cotangent lives. Every shape is that of a value: sizes
/// that are not static are read off it.
class PullbackBuilder {
public:
  explicit PullbackBuilder(const Expr &dy)
      : builder(*dy.opBuilder), loc(*dy.location), model(dy) {}

  mlir::OpBuilder &builder;
  mlir::Location loc;

  Expr expr(mlir::Value value) const { return model.of(value); }

  // ---- sizes
  mlir::Value index(int64_t value);
  /// Dimension `dim` of `value`, as an `index`.
  mlir::Value size(mlir::Value value, int64_t dim);
  /// The sizes of the dynamic dimensions of `like`'s type, as ops take them.
  llvm::SmallVector<mlir::Value> sizes(mlir::Value like);
  mlir::Value add(mlir::Value a, mlir::Value b);
  mlir::Value mul(mlir::Value a, mlir::Value b);

  // ---- tensors
  /// A scalar (rank 0) and a tensor of the type and sizes of `like`, of one
  /// number.
  mlir::Value scalar(mlir::Type element, double value);
  mlir::Value splat(mlir::Value like, double value);
  mlir::Value zeros(mlir::Value like) { return splat(like, 0); }
  /// `x`, whose dimension i is dimension dims[i] of `like`, repeated along the
  /// others.
  mlir::Value broadcast(mlir::Value x, llvm::ArrayRef<int64_t> dims,
                        mlir::Value like);
  /// The elements of `x` in the shape of `like`.
  mlir::Value reshape(mlir::Value x, mlir::Value like);
  mlir::Value reshape(mlir::Value x, llvm::ArrayRef<int64_t> shape,
                      mlir::ValueRange sizes);
  mlir::Value transpose(mlir::Value x, llvm::ArrayRef<int64_t> perm);
  mlir::Value reduce(ReduceKind kind, mlir::Value x,
                     llvm::ArrayRef<int64_t> dims);
  mlir::Value sum(mlir::Value x, llvm::ArrayRef<int64_t> dims) {
    return reduce(ReduceKind::Sum, x, dims);
  }
  mlir::Value cast(mlir::Value x, mlir::Type element);
  mlir::Value iota(mlir::Value like, mlir::Type element, int64_t dim);

  /// The part of `x` with the shape of `like` at `offsets`, by `strides`.
  mlir::Value slice(mlir::Value x, llvm::ArrayRef<mlir::OpFoldResult> offsets,
                    llvm::ArrayRef<int64_t> strides, mlir::Value like);
  /// `x` at `offsets` by `strides` in a tensor of `shape` (dynamic ones in
  /// `sizes`) of `value`.
  mlir::Value pad(mlir::Value x, mlir::Value value,
                  llvm::ArrayRef<mlir::OpFoldResult> offsets,
                  llvm::ArrayRef<int64_t> strides,
                  llvm::ArrayRef<int64_t> shape, mlir::ValueRange sizes);
  mlir::Value pad(mlir::Value x, mlir::Value value,
                  llvm::ArrayRef<mlir::OpFoldResult> offsets,
                  llvm::ArrayRef<int64_t> strides, mlir::Value like);

  // ---- along one dimension: `indices` has the shape of `updates`
  /// zeros_like(like), to which updates[…, i, …] is added at indices[…, i, …].
  mlir::Value scatterAddAlong(mlir::Value like, mlir::Value indices,
                              mlir::Value updates, int64_t dim);

private:
  Expr model;
};

inline mlir::RankedTensorType typeOf(mlir::Value value) {
  return llvm::cast<mlir::RankedTensorType>(value.getType());
}

/// 0, 1, …, rank - 1.
llvm::SmallVector<int64_t> allDims(int64_t rank);
/// The dimensions of a tensor of rank `rank` that are not in `dims`.
llvm::SmallVector<int64_t> otherDims(int64_t rank,
                                     llvm::ArrayRef<int64_t> dims);

} // namespace lamina::lam

#endif // LAMINA_LIB_LAM_PULLBACKBUILDER_H
