//===- FuseLoops.cpp - producers and consumers share a tile loop ----------===//
#include "LoopGroups.h"
#include "Products.h"
#include "lamina/Transforms/Passes.h"
#include "lamina/Transforms/Remarks.h"
#include "mlir/Analysis/TopologicalSortUtils.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

namespace lamina {
#define GEN_PASS_DEF_FUSELOOPS
#include "lamina/Transforms/Passes.h.inc"
} // namespace lamina

using namespace mlir;
using namespace lamina;

namespace {
struct FuseLoops : lamina::impl::FuseLoopsBase<FuseLoops> {
  using FuseLoopsBase::FuseLoopsBase;

  void runOnOperation() override {
    func::FuncOp function = getOperation();
    if (function.isExternal())
      return;
    const Strategy &row = strategyNamed(strategy);
    IRRewriter rewriter(&getContext());
    // Loops of the program have bodies of their own.
    SmallVector<Block *> blocks{&function.getBody().front()};
    function.walk([&](Operation *op) {
      if (isa<scf::ForOp, scf::WhileOp>(op))
        for (Region &region : op->getRegions())
          blocks.push_back(&region.front());
    });
    for (Block *block : blocks)
      fuse(rewriter, *block, row);
  }

  static void fuse(IRRewriter &rewriter, Block &block, const Strategy &row) {
    separateFills(rewriter, block);
    SmallVector<Block *> inside{&block};
    for (const LoopGroup &group :
         formLoopGroups(block, row, LoopLevel::Blocks)) {
      SmallVector<int64_t> tiles(group.depth, 1);
      report(group, tiles, "a block of the leading axes");
      if (Block *body = emitLoops(rewriter, group, tiles))
        inside.push_back(body);
    }
    for (Block *part : inside) {
      sortTopologically(part);
      for (const LoopGroup &group :
           formLoopGroups(*part, row, LoopLevel::Rows)) {
        if (finishesProduct(group, row))
          continue;
        SmallVector<int64_t> tiles = chooseTiles(group, row);
        if (llvm::all_of(tiles, [](int64_t tile) { return tile == 0; })) {
          report(group, tiles, "no loop: everything fits in the cache");
          continue;
        }
        report(group, tiles, "tiles of rows");
        emitLoops(rewriter, group, tiles);
      }
      finishProductsInPlace(rewriter, *part, row);
      sortTopologically(part);
    }
  }

  static void report(const LoopGroup &group, ArrayRef<int64_t> tiles,
                     StringRef kind) {
    if (!remarksEnabled(group.members.front()))
      return;
    std::string text;
    llvm::raw_string_ostream os(text);
    os << kind << " ";
    llvm::interleave(
        tiles, os, [&](int64_t tile) { tile ? os << tile : os << "all"; }, "x");
    os << " for ";
    SmallVector<Operation *> members;
    llvm::copy_if(group.members, std::back_inserter(members),
                  llvm::IsaPred<linalg::LinalgOp>);
    llvm::interleaveComma(members, os,
                          [&](Operation *op) { os << describe(op); });
    remarkOn(group.members.front(), "loops") << text;
  }

  /// Whether the group is pointwise on the result of a large product. Its ops
  /// become one when they are in memory (lamina-merge-loops), which then runs
  /// on blocks of the product (lamina-outline-products).
  static bool finishesProduct(const LoopGroup &group, const Strategy &row) {
    bool reads = false;
    for (Operation *member : group.members) {
      auto op = dyn_cast<linalg::GenericOp>(member);
      if (!op || op.getNumLoops() != op.getNumParallelLoops() ||
          op.getStaticLoopRanges() !=
              cast<linalg::LinalgOp>(group.members.front())
                  .getStaticLoopRanges())
        return false;
      for (OpOperand *input : op.getDpsInputOperands())
        if (auto product = input->get().getDefiningOp<linalg::LinalgOp>())
          reads |= isLargeProduct(product, row) &&
                   op.getMatchingIndexingMap(input).isIdentity();
    }
    return reads;
  }

  /// A pointwise op that alone reads a large product overwrites it: there is
  /// one large buffer less, and where the result is the function's, the product
  /// is written there at once.
  static void finishProductsInPlace(IRRewriter &rewriter, Block &block,
                                    const Strategy &row) {
    for (auto op : block.getOps<linalg::GenericOp>()) {
      if (!op.hasPureTensorSemantics() || op.getNumDpsInits() != 1 ||
          op.getNumParallelLoops() != op.getNumLoops())
        continue;
      OpOperand &init = *op.getDpsInitOperand(0);
      if (!init.get().getDefiningOp<tensor::EmptyOp>())
        continue;
      AffineMap map = op.getMatchingIndexingMap(&init);
      for (OpOperand *input : op.getDpsInputOperands()) {
        auto product = input->get().getDefiningOp<linalg::LinalgOp>();
        if (!product || !product->hasOneUse() ||
            product->getBlock() != &block ||
            input->get().getType() != init.get().getType() ||
            op.getMatchingIndexingMap(input) != map ||
            !isLargeProduct(product, row))
          continue;
        rewriter.modifyOpInPlace(op, [&] { init.set(input->get()); });
        break;
      }
    }
  }

  /// One fill per use: each group starts its own accumulators.
  static void separateFills(IRRewriter &rewriter, Block &block) {
    for (auto fill : llvm::to_vector(block.getOps<linalg::FillOp>())) {
      if (!fill.hasPureTensorSemantics())
        continue;
      for (OpOperand &use : llvm::make_early_inc_range(fill->getUses())) {
        if (fill->hasOneUse())
          break;
        rewriter.setInsertionPoint(fill);
        Operation *copy = rewriter.clone(*fill);
        rewriter.modifyOpInPlace(use.getOwner(),
                                 [&] { use.set(copy->getResult(0)); });
      }
    }
  }
};
} // namespace
