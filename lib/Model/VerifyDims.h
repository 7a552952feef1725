//===- VerifyDims.h - the names of dimensions -------------------*- C++ -*-===//
#ifndef LAMINA_LIB_MODEL_VERIFYDIMS_H
#define LAMINA_LIB_MODEL_VERIFYDIMS_H

#include "mlir/IR/Operation.h"

namespace lamina::model {

/// Checks that `dims` (of `what`) describes the dimensions of `type`.
llvm::LogicalResult verifyDims(mlir::Operation *op, const llvm::Twine &what,
                               mlir::Attribute dims, mlir::Type type,
                               bool symbolsOnly);

} // namespace lamina::model

#endif // LAMINA_LIB_MODEL_VERIFYDIMS_H
