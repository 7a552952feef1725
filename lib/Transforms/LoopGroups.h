//===- LoopGroups.h - which ops share a tile loop ---------------*- C++ -*-===//
#ifndef LAMINA_LIB_TRANSFORMS_LOOPGROUPS_H
#define LAMINA_LIB_TRANSFORMS_LOOPGROUPS_H

#include "lamina/Transforms/Machine.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"
#include <vector>

namespace lamina {

/// How an op can take part in a loop over the leading axes of its results.
struct LoopRole {
  /// For a linalg op: the iteration dimension of each leading result axis.
  /// For the others only the number counts.
  llvm::SmallVector<unsigned> loops;
  /// A matrix product: tiled in registers, fused only with what touches each
  /// element of its result once.
  bool product = false;
  /// The loops are those it reduces over: the result is complete only after the
  /// last iteration, so nobody in the group can read it.
  bool accumulates = false;

  unsigned depth() const { return loops.size(); }
};

/// The role of `op`; depth 0 if it cannot take part.
LoopRole loopRole(mlir::Operation *op);

/// How many leading axes of the value in `operand` the op walks in step with
/// the leading axes of its own results.
unsigned sharedDepth(mlir::OpOperand &operand, const LoopRole &role);

/// Ops that will run in one loop nest over their first `depth` result axes.
struct LoopGroup {
  std::vector<mlir::Operation *> members; // in program order
  unsigned depth = 0;
  mlir::Operation *product = nullptr; // the matrix product, if it has one
};

/// A tile's temporaries should stay in the second-level cache.
inline constexpr int64_t maxInnerElements = 1 << 16;

/// The elements of `value` per step of a loop over its first `depth` axes, an
/// estimate; no axis counts for more than `maxInnerElements`.
int64_t innerElements(mlir::Value value, unsigned depth);

/// What a group is for. Blocks share a loop over leading (batch) axes around
/// large products and everything between them, so that what passes between the
/// ops stays in the second-level cache; the rows are then grouped inside of it.
enum class LoopLevel { Blocks, Rows };

/// Partitions the ops of a block of tensor ops; returns only the groups that
/// gain from a common loop. No group depends on itself through other ops.
std::vector<LoopGroup>
formLoopGroups(mlir::Block &block, const Strategy &strategy, LoopLevel level);

/// A tensor and the axis of it that is as long as the group's loop `axis`.
std::pair<mlir::Value, int64_t> extentOf(const LoopGroup &group, unsigned axis);

/// Tile sizes for the first `depth` axes; 0 means the whole axis.
llvm::SmallVector<int64_t> chooseTiles(const LoopGroup &group,
                                       const Strategy &strategy);

/// Replaces the group's ops by one loop nest over tiles, in front of the
/// block's terminator; the block has to be sorted afterwards. Returns the body
/// of the innermost loop, or null if nothing needs the group's results.
mlir::Block *emitLoops(mlir::IRRewriter &rewriter, const LoopGroup &group,
                       llvm::ArrayRef<int64_t> tileSizes);

} // namespace lamina

#endif // LAMINA_LIB_TRANSFORMS_LOOPGROUPS_H
