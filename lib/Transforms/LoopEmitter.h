//===- LoopEmitter.h - the loop nest of one group ---------------*- C++ -*-===//
#ifndef LAMINA_LIB_TRANSFORMS_LOOPEMITTER_H
#define LAMINA_LIB_TRANSFORMS_LOOPEMITTER_H

#include "LoopGroups.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

namespace lamina {

/// The operand whose buffer a destination-style op continues, or null.
mlir::OpOperand *destinationOf(mlir::OpResult result);

/// Emits the loop nest of one group.
class LoopEmitter {
public:
  LoopEmitter(mlir::IRRewriter &rewriter, const LoopGroup &group,
              llvm::ArrayRef<int64_t> tileSizes)
      : rewriter(rewriter), group(group), tileSizes(tileSizes),
        loc(group.members.back()->getLoc()),
        members(group.members.begin(), group.members.end()) {}

  /// Returns the body of the innermost loop; null for dead code.
  mlir::Block *run();

private:
  using Values = llvm::SmallVector<mlir::Value>;
  using Sizes = llvm::SmallVector<mlir::OpFoldResult>;

  /// A result that is used outside the group: it lives in a tensor that the
  /// loop carries.
  struct Output {
    mlir::Value value;
    mlir::Value root;         // what the destination was before the group
    mlir::OpOperand *rootUse; // the member's operand that reads it
    bool accumulates;         // every iteration updates all of it
    bool isLongSum = false;
    mlir::Value iterArg = {}, rootSlice = {};
  };

  /// A loop of the nest. One that is over blocks of iterations holds the sums
  /// so far and their low words, while the loops inside start from zero.
  struct Level {
    mlir::scf::ForOp loop;
    bool isOverBlocks = false;
    Values sums = {}, low = {};
  };

  mlir::IRRewriter &rewriter;
  const LoopGroup &group;
  llvm::ArrayRef<int64_t> tileSizes;
  mlir::Location loc;
  llvm::SmallPtrSet<mlir::Operation *, 16> members;
  llvm::SmallVector<Output> outputs;
  llvm::SmallVector<Level> levels;
  Sizes offsets, sizes; // of the tile, per group axis
  llvm::DenseMap<mlir::Value, mlir::Value> tiles;
  /// Panels in consecutive memory.
  llvm::DenseMap<mlir::OpOperand *, mlir::Value> packed;

  bool isMember(mlir::Operation *op) const {
    return op && members.contains(op);
  }
  mlir::OpFoldResult number(int64_t value) {
    return rewriter.getIndexAttr(value);
  }
  mlir::OpFoldResult sizeOf(mlir::Value tensor, int64_t axis);

  // LoopEmitter.cpp: the loops and what they carry.
  void collectOutputs();
  mlir::Value initialValue(const Output &output);
  void emitLoops();
  void enterLoop(mlir::OpFoldResult from, mlir::OpFoldResult to, int64_t step,
                 Values &carried);
  llvm::SmallVector<int64_t> loopOrder();
  void packPanel();
  mlir::OpFoldResult tileExtent(mlir::Value offset, mlir::OpFoldResult size,
                                int64_t tile);
  Sizes outputShape(mlir::Value tensor);
  Sizes outputOffsets(size_t rank);
  mlir::Value sliceOfTile(mlir::Value tensor,
                          llvm::ArrayRef<mlir::OpFoldResult> shape);
  mlir::Value insertTile(mlir::Value tile, mlir::Value into);
  void finishLoops(llvm::ArrayRef<mlir::Value> yielded);

  // LoopSums.cpp: sums over many iterations.
  void findLongSums();
  Values emptySums();
  void enterBlock(Values &carried);
  Values leaveBlock(const Level &level, Values results);
  Values finishSums(Values results);
  int64_t blockedAxis(llvm::ArrayRef<int64_t> order);
  int64_t stepsPerBlock(llvm::ArrayRef<int64_t> order);
  int64_t staticSteps(int64_t axis);

  // LoopMembers.cpp: the group's ops on one tile.
  void emitMembers();
  void emitMember(mlir::Operation *op);
  void emitLinalg(mlir::linalg::LinalgOp op);
  Sizes tileSizesOf(Sizes shape);
  mlir::Value tileOf(mlir::OpOperand &operand);
  mlir::Value freshLike(mlir::Value tile);
  mlir::Value compact(mlir::Value tile);
  mlir::Value placeInInsertion(mlir::OpResult result);
  std::pair<Sizes, Sizes> loopTiles(mlir::linalg::LinalgOp op);
  mlir::Value sliceOfOperand(mlir::linalg::LinalgOp op,
                             mlir::OpOperand &operand,
                             llvm::ArrayRef<mlir::OpFoldResult> starts,
                             llvm::ArrayRef<mlir::OpFoldResult> extents);
  mlir::OpFoldResult
  evaluate(mlir::AffineExpr expr,
           llvm::function_ref<mlir::OpFoldResult(unsigned)> valueOf);
  mlir::OpFoldResult lastOf(mlir::linalg::LinalgOp op, unsigned loop,
                            mlir::OpFoldResult extent);
};

} // namespace lamina

#endif // LAMINA_LIB_TRANSFORMS_LOOPEMITTER_H
