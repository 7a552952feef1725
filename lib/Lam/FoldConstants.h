//===- FoldConstants.h - folds of constant tensors --------------*- C++ -*-===//
#ifndef LAMINA_LIB_LAM_FOLDCONSTANTS_H
#define LAMINA_LIB_LAM_FOLDCONSTANTS_H

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/OpDefinition.h"
#include "llvm/ADT/STLFunctionalExtras.h"

namespace lamina::lam {

/// The result of a pointwise op of constants: a splat, or a tensor small enough
/// that the constant is worth its place. Computed in float64, rounded once.
mlir::OpFoldResult foldPointwise(mlir::Operation *op,
                                 llvm::ArrayRef<mlir::Attribute> operands);

/// The constant `x` (or null) converted to the elements of `type`.
mlir::OpFoldResult castConstant(mlir::Attribute x, mlir::RankedTensorType type);

/// The constant tensor of `type` whose element at `to` is that of the constant
/// `x` (or null) at `from`, which `place` fills in from zeros.
mlir::OpFoldResult
moveConstant(mlir::Attribute x, mlir::RankedTensorType type,
             llvm::function_ref<void(llvm::ArrayRef<int64_t> to,
                                     llvm::MutableArrayRef<int64_t> from)>
                 place);

} // namespace lamina::lam

#endif // LAMINA_LIB_LAM_FOLDCONSTANTS_H
