//===- ReverseSweep.h - cotangents from outputs to primals ------*- C++ -*-===//
#ifndef LAMINA_LIB_LAM_REVERSESWEEP_H
#define LAMINA_LIB_LAM_REVERSESWEEP_H

#include "lamina/Lam/Lam.h"

namespace lamina::lam {

/// Differentiates a block of lam ops with respect to `primals`, among its
/// arguments. `outputs` are values of the block, `cotangents` visible in it,
/// one per output. Emits at the end of the block, before its terminator, and
/// gives one cotangent per primal, of its type. Fails with an error at an op
/// that has no pullback. Ops may be replaced: outputs are then others.
mlir::FailureOr<llvm::SmallVector<mlir::Value>>
reverseSweep(mlir::Block &block, mlir::ValueRange primals,
             mlir::ValueRange outputs, mlir::ValueRange cotangents);

/// Erases what nobody uses.
void eraseDeadOps(mlir::Block &block);

} // namespace lamina::lam

#endif // LAMINA_LIB_LAM_REVERSESWEEP_H
