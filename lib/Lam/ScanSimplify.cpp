//===- ScanSimplify.cpp - what a loop need not compute or carry -----------===//

#include "lamina/Lam/Lam.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"
#include "llvm/ADT/BitVector.h"
#include "llvm/ADT/DenseMap.h"

using namespace mlir;
using namespace lamina::lam;

namespace {

template <class Range>
SmallVector<Value> pick(Range values, const llvm::BitVector &which) {
  SmallVector<Value> picked;
  for (auto [i, value] : llvm::enumerate(values))
    if (which[i])
      picked.push_back(value);
  return picked;
}

/// A new loop with some of the carried values, sequences, invariants and stacks
/// of an old one, whose uses it takes. The body loses what it does not need
/// later, as dead code. Arguments that are left out have no uses that matter.
void keepOnly(ScanOp op, const llvm::BitVector &carried,
              const llvm::BitVector &sequences,
              const llvm::BitVector &invariants, const llvm::BitVector &stacked,
              PatternRewriter &rewriter) {
  unsigned carries = op.getInits().size();
  SmallVector<Value> finals = pick(op.getFinals(), carried),
                     stacks = pick(op.getStacked(), stacked), sizes;
  for (unsigned i : stacked.set_bits())
    llvm::append_range(sizes, op.sizesOf(i));
  auto scan = ScanOp::create(
      rewriter, op.getLoc(), ValueRange(finals).getTypes(),
      ValueRange(stacks).getTypes(), op.getCount(),
      pick(op.getInits(), carried), pick(op.getSequences(), sequences),
      pick(op.getInvariants(), invariants), sizes, op.getReverse());

  ValueRange yielded = op.yielded();
  SmallVector<Value> left = pick(yielded.take_front(carries), carried);
  llvm::append_range(left, pick(yielded.drop_front(carries), stacked));
  Block &old = op.getBody().front();
  // What only the results left out need goes with them.
  llvm::DenseSet<Operation *> needed;
  SmallVector<Value> work(left);
  while (!work.empty())
    if (Operation *from = work.pop_back_val().getDefiningOp())
      if (needed.insert(from).second) {
        llvm::append_range(work, from->getOperands());
        // Regions of inner operators see the block's values.
        from->walk([&](Operation *inner) {
          llvm::append_range(work, inner->getOperands());
        });
      }

  OpBuilder::InsertionGuard guard(rewriter);
  Block *body = rewriter.createBlock(&scan.getBody());
  IRMapping mapping;
  auto addArguments = [&](Block::BlockArgListType arguments,
                          const llvm::BitVector &which) {
    for (auto [i, argument] : llvm::enumerate(arguments))
      if (which[i])
        mapping.map(argument,
                    body->addArgument(argument.getType(), argument.getLoc()));
  };
  addArguments(op.carriedArguments(), carried);
  addArguments(op.sliceArguments(), sequences);
  addArguments(op.invariantArguments(), invariants);
  for (Operation &each : old.without_terminator())
    if (needed.contains(&each))
      rewriter.clone(each, mapping);
  for (Value &value : left)
    value = mapping.lookup(value);
  YieldOp::create(rewriter, op.getLoc(), left);

  for (auto [i, value] : llvm::zip(carried.set_bits(), scan.getFinals()))
    rewriter.replaceAllUsesWith(op.getFinals()[i], value);
  for (auto [i, value] : llvm::zip(stacked.set_bits(), scan.getStacked()))
    rewriter.replaceAllUsesWith(op.getStacked()[i], value);
  rewriter.eraseOp(op);
}

/// Results that nobody uses, and what only they need.
struct DropUnused : OpRewritePattern<ScanOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(ScanOp op,
                                PatternRewriter &rewriter) const override {
    unsigned carries = op.getInits().size();
    llvm::BitVector carried(carries), sequences(op.getSequences().size()),
        invariants(op.getInvariants().size()), stacked(op.getStacked().size());
    llvm::DenseSet<Value> seen;
    SmallVector<Value> work;
    auto need = [&](Value value) {
      if (seen.insert(value).second)
        work.push_back(value);
    };
    for (auto [i, value] : llvm::enumerate(op.getFinals()))
      if (!value.use_empty())
        need(op.carriedArguments()[i]);
    for (auto [i, value] : llvm::enumerate(op.getStacked()))
      if (!value.use_empty()) {
        stacked.set(i);
        need(op.yielded()[carries + i]);
      }
    while (!work.empty()) {
      Value value = work.pop_back_val();
      if (Operation *from = value.getDefiningOp()) {
        from->walk([&](Operation *inner) {
          for (Value operand : inner->getOperands())
            need(operand);
        });
        continue;
      }
      auto argument = cast<BlockArgument>(value);
      if (argument.getOwner() != &op.getBody().front())
        continue; // of an inner region
      unsigned i = argument.getArgNumber();
      if (i < carries) {
        carried.set(i);
        need(op.yielded()[i]);
      } else if (i < carries + sequences.size()) {
        sequences.set(i - carries);
      } else {
        invariants.set(i - carries - sequences.size());
      }
    }
    if (carried.all() && sequences.all() && invariants.all() && stacked.all())
      return failure();
    keepOnly(op, carried, sequences, invariants, stacked, rewriter);
    return success();
  }
};

/// One argument for an operand that is passed several times, and the constant
/// itself for a constant.
struct ShareArguments : OpRewritePattern<ScanOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(ScanOp op,
                                PatternRewriter &rewriter) const override {
    bool changed = false;
    auto replace = [&](BlockArgument argument, Value value) {
      if (argument.use_empty())
        return;
      rewriter.replaceAllUsesWith(argument, value);
      changed = true;
    };
    auto share = [&](OperandRange operands, Block::BlockArgListType arguments) {
      llvm::SmallDenseMap<Value, Value> first;
      for (auto [operand, argument] : llvm::zip_equal(operands, arguments)) {
        auto [found, isNew] = first.try_emplace(operand, argument);
        if (!isNew)
          replace(argument, found->second);
      }
    };
    share(op.getSequences(), op.sliceArguments());
    share(op.getInvariants(), op.invariantArguments());
    rewriter.setInsertionPointToStart(&op.getBody().front());
    for (auto [operand, argument] :
         llvm::zip_equal(op.getInvariants(), op.invariantArguments()))
      if (Operation *constant = operand.getDefiningOp();
          constant && matchPattern(constant, m_Constant()) &&
          !argument.use_empty())
        replace(argument, rewriter.clone(*constant)->getResult(0));
    return success(changed);
  }
};

} // namespace

void ScanOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                         MLIRContext *context) {
  patterns.add<DropUnused, ShareArguments>(context);
}
