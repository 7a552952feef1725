//===- SplitSums.cpp - loops that carry column sums as parallel loops -----===//
//
// A loop over blocks of rows whose sums are added to totals block by block:
// with threads, every block leaves its sums in a row of a buffer, and a second,
// short loop adds these to the totals in the same order. The bits are those of
// the one loop, however many threads there are.
//
//===----------------------------------------------------------------------===//
#include "ParallelLoops.h"
#include "lamina/Transforms/Remarks.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;
using namespace lamina;

namespace {
class Splitter {
public:
  explicit Splitter(scf::ForOp loop)
      : loop(loop), b(loop), loc(loop.getLoc()) {}

  void run() {
    const char *problem = analyze();
    if (problem)
      remarkOn(loop, "threads")
          << "loop with column sums: serial, as " << problem;
    else
      split();
  }

private:
  scf::ForOp loop;
  OpBuilder b;
  Location loc;
  int64_t step = 0;
  SmallVector<Operation *> merging; // behind the loop over the block's rows
  SmallVector<memref::AllocOp> sums;

  bool isInside(Operation *op) { return op && loop->isProperAncestor(op); }

  /// What the second loop needs of the first one's body: buffers, which become
  /// rows of larger ones. Returns what is in the way, or null.
  const char *analyze() {
    if (!isa<func::FuncOp>(loop->getParentOp()) || loop.getNumResults() != 0)
      return "it is inside of another loop";
    std::optional<int64_t> constant = getConstantIntValue(loop.getStep());
    if (!constant)
      return "its blocks have no known size";
    step = *constant;
    bool behind = false;
    for (Operation &op : llvm::reverse(loop.getBody()->without_terminator())) {
      behind |= isa<scf::ForOp>(op);
      if (!behind && !isMemoryEffectFree(&op))
        merging.push_back(&op);
    }
    std::reverse(merging.begin(), merging.end());
    llvm::SmallSetVector<Operation *, 4> buffers;
    for (Operation *op : merging) {
      llvm::SetVector<Value> used(op->operand_begin(), op->operand_end());
      getUsedValuesDefinedAbove(op->getRegions(), used);
      for (Value operand : used) {
        auto buffer = operand.getDefiningOp<memref::AllocOp>();
        if (buffer && startsAnew(buffer))
          buffers.insert(buffer);
        else if (operand == loop.getInductionVar() ||
                 isInside(operand.getDefiningOp()))
          return "something else of a block is used behind its sums";
        else if (isa<MemRefType>(operand.getType()) &&
                 llvm::any_of(operand.getUsers(), [&](Operation *user) {
                   return isInside(user) && !llvm::is_contained(merging, user);
                 }))
          return "the totals are used in the blocks";
      }
    }
    for (Operation *buffer : buffers)
      sums.push_back(cast<memref::AllocOp>(buffer));
    return sums.empty() ? "it has no sums of blocks" : nullptr;
  }

  /// Whether the buffer is the loop's own, and every iteration fills it first.
  bool startsAnew(memref::AllocOp buffer) {
    Operation *first = nullptr;
    for (Operation *user : buffer->getUsers()) {
      if (!isInside(user) || !isa<linalg::LinalgOp, memref::CopyOp>(user))
        return false;
      Operation *here = loop.getBody()->findAncestorOpInBlock(*user);
      if (!first || here->isBeforeInBlock(first))
        first = here;
    }
    return isa_and_nonnull<linalg::FillOp>(first) &&
           llvm::none_of(buffer.getDynamicSizes(), [&](Value size) {
             return isInside(size.getDefiningOp());
           });
  }

  /// The number of the block that begins at `start`.
  Value blockAt(OpBuilder &at, Value start) {
    AffineExpr from = b.getAffineSymbolExpr(0), to = b.getAffineSymbolExpr(1);
    return affine::makeComposedAffineApply(
        at, loc,
        AffineMap::get(0, 2, (to - from).floorDiv(step), b.getContext()),
        {OpFoldResult(loop.getLowerBound()), OpFoldResult(start)});
  }

  /// A buffer for the sums of all blocks.
  Value manySums(memref::AllocOp one) {
    AffineExpr from = b.getAffineSymbolExpr(0), to = b.getAffineSymbolExpr(1);
    Value blocks = affine::makeComposedAffineApply(
        b, loc, AffineMap::get(0, 2, (to - from).ceilDiv(step), b.getContext()),
        {OpFoldResult(loop.getLowerBound()),
         OpFoldResult(loop.getUpperBound())});
    SmallVector<int64_t> shape{ShapedType::kDynamic};
    llvm::append_range(shape, one.getType().getShape());
    SmallVector<Value> sizes{blocks};
    llvm::append_range(sizes, one.getDynamicSizes());
    return memref::AllocOp::create(
        b, loc, MemRefType::get(shape, one.getType().getElementType()), sizes);
  }

  Value row(OpBuilder &at, Value all, memref::AllocOp one, Value block) {
    SmallVector<OpFoldResult> offsets{block}, sizes{at.getIndexAttr(1)};
    unsigned dynamic = 0;
    for (int64_t size : one.getType().getShape()) {
      offsets.push_back(at.getIndexAttr(0));
      sizes.push_back(ShapedType::isDynamic(size)
                          ? OpFoldResult(one.getDynamicSizes()[dynamic++])
                          : at.getIndexAttr(size));
    }
    SmallVector<OpFoldResult> ones(sizes.size(), at.getIndexAttr(1));
    auto type = memref::SubViewOp::inferRankReducedResultType(
        one.getType().getShape(), cast<MemRefType>(all.getType()), offsets,
        sizes, ones);
    return memref::SubViewOp::create(at, loc, type, all, offsets, sizes, ones);
  }

  void split() {
    SmallVector<Value> all;
    for (memref::AllocOp one : sums)
      all.push_back(manySums(one));
    b.setInsertionPointAfter(loop);
    auto second = scf::ForOp::create(b, loc, loop.getLowerBound(),
                                     loop.getUpperBound(), loop.getStep());
    OpBuilder inside = OpBuilder::atBlockTerminator(second.getBody());
    Value block = blockAt(inside, second.getInductionVar());
    IRMapping mapping;
    for (auto [one, many] : llvm::zip_equal(sums, all))
      mapping.map(one.getResult(), row(inside, many, one, block));
    for (Operation *op : merging)
      inside.clone(*op, mapping);
    for (Operation *op : llvm::reverse(merging))
      op->erase();
    OpBuilder first = OpBuilder::atBlockBegin(loop.getBody());
    block = blockAt(first, loop.getInductionVar());
    for (auto [one, many] : llvm::zip_equal(sums, all)) {
      one.getResult().replaceAllUsesWith(row(first, many, one, block));
      one.erase();
    }
    loop->setAttr(parallelAttribute, b.getUnitAttr());
  }
};
} // namespace

void lamina::splitSums(func::FuncOp kernel) {
  SmallVector<scf::ForOp> loops;
  kernel.walk([&](scf::ForOp loop) {
    if (loop->hasAttr(blockSumsAttribute))
      loops.push_back(loop);
  });
  for (scf::ForOp loop : loops)
    if (!outermostParallel(loop))
      Splitter(loop).run();
}
