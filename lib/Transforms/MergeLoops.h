//===- MergeLoops.h - steps of lamina-merge-loops ---------------*- C++ -*-===//
#ifndef LAMINA_LIB_TRANSFORMS_MERGELOOPS_H
#define LAMINA_LIB_TRANSFORMS_MERGELOOPS_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/PatternMatch.h"

namespace lamina {

/// The points a generic op on buffers walks: of each loop, every way in which
/// its extent is known.
class LoopSpace {
public:
  /// Nothing if `op` is no op that could be merged.
  static std::optional<LoopSpace> of(mlir::Operation *op);
  /// Whether the loops have equal extents.
  bool matches(const LoopSpace &other) const;

private:
  /// A number, or an axis of a buffer, or a value.
  using Extent = std::pair<const void *, int64_t>;
  llvm::SmallVector<llvm::SmallVector<Extent>> loops;
};

/// Removes the loops that run once.
void dropUnitLoops(mlir::RewriterBase &rewriter, mlir::linalg::GenericOp op);

/// Whether the outputs of all ops are either stored at every point or reduced
/// over the same loops.
bool accumulateAlike(llvm::ArrayRef<mlir::linalg::GenericOp> ops);

/// Replaces the ops, which are in program order, by one op.
void mergeGenerics(mlir::RewriterBase &rewriter,
                   llvm::ArrayRef<mlir::linalg::GenericOp> ops);

/// Removes outputs into temporaries that nobody reads.
void dropUnreadOutputs(mlir::RewriterBase &rewriter,
                       mlir::func::FuncOp function);

} // namespace lamina

#endif // LAMINA_LIB_TRANSFORMS_MERGELOOPS_H
