//===- Remarks.h - what the planner decided, and why ------------*- C++ -*-===//
//
// Passes report each decision as a remark of MLIR's remark engine, on a
// subject:
//
//   remarkOn(op, "loops") << "shares a loop with " << describe(other);
//
// Nothing is made of it unless somebody asked. The driver's --remarks prints
// them with their places in the source.
//
//===----------------------------------------------------------------------===//
#ifndef LAMINA_TRANSFORMS_REMARKS_H
#define LAMINA_TRANSFORMS_REMARKS_H

#include "mlir/IR/Operation.h"
#include "mlir/IR/Remarks.h"

namespace lamina {

/// Has every remark on a subject that the regular expression matches reported
/// to the context's diagnostic handlers.
llvm::LogicalResult enableRemarks(mlir::MLIRContext &context,
                                  llvm::StringRef subjects = ".*");

/// Whether remarks that take work to make are worth making.
bool remarksEnabled(mlir::Operation *op);

/// A remark about `op`: what was done with it. Text is appended by `<<`.
mlir::remark::detail::InFlightRemark remarkOn(mlir::Operation *op,
                                              llvm::StringRef subject);

/// What an op computes, for readers who never saw the IR: "exp+mul 64x?".
std::string nameOf(mlir::Operation *op);

/// The same, empty while remarks are disabled.
std::string describe(mlir::Operation *op);

} // namespace lamina

#endif // LAMINA_TRANSFORMS_REMARKS_H
