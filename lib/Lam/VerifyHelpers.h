//===- VerifyHelpers.h - checks that many lam ops share ---------*- C++ -*-===//
#ifndef LAMINA_LIB_LAM_VERIFYHELPERS_H
#define LAMINA_LIB_LAM_VERIFYHELPERS_H

#include "lamina/Lam/Lam.h"
#include "mlir/IR/TypeUtilities.h"

namespace lamina::lam {

inline mlir::RankedTensorType tensorType(mlir::Value value) {
  return llvm::cast<mlir::RankedTensorType>(value.getType());
}

/// Whether two sizes may be equal: one of them is dynamic, or they are.
inline bool compatible(int64_t a, int64_t b) {
  return a == b || mlir::ShapedType::isDynamic(a) ||
         mlir::ShapedType::isDynamic(b);
}

/// `sizes` gives the dynamic dimensions of the type of `result`.
llvm::LogicalResult verifySizes(mlir::Operation *op, mlir::Value result,
                                mlir::ValueRange sizes);

/// `dims` lie in [0, rank) and, as asked, are increasing or merely distinct.
/// `what` names the attribute. Errors go to `emitError`.
using EmitError = llvm::function_ref<mlir::InFlightDiagnostic()>;
llvm::LogicalResult verifyDims(EmitError emitError, llvm::StringRef what,
                               llvm::ArrayRef<int64_t> dims, int64_t rank,
                               bool increasing);

/// All of `values` are `count` in number and at least `least`.
llvm::LogicalResult verifyEach(mlir::Operation *op, llvm::StringRef what,
                               llvm::ArrayRef<int64_t> values, int64_t count,
                               int64_t least);

llvm::LogicalResult verifySameElement(mlir::Operation *op, mlir::Value a,
                                      mlir::Value b);

} // namespace lamina::lam

#endif // LAMINA_LIB_LAM_VERIFYHELPERS_H
