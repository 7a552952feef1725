//===- ReverseSweep.h - cotangents from outputs to primals ------*- C++ -*-===//
#ifndef LAMINA_LIB_LAM_REVERSESWEEP_H
#define LAMINA_LIB_LAM_REVERSESWEEP_H

#include "lamina/Lam/Lam.h"

namespace lamina::lam {

/// Differentiates a block of lam ops with respect to its arguments. `outputs`
/// are values of the block, `cotangents` visible in it, one per output. Emits
/// at the end of the block, before its terminator, and gives one cotangent per
/// argument, of its type. Fails with an error at an op that has no pullback.
mlir::FailureOr<llvm::SmallVector<mlir::Value>>
reverseSweep(mlir::Block &block, mlir::ValueRange outputs,
             mlir::ValueRange cotangents);

} // namespace lamina::lam

#endif // LAMINA_LIB_LAM_REVERSESWEEP_H
