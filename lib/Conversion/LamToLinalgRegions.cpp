//===- LamToLinalgRegions.cpp - loops of lam as loops of scf --------------===//
//
// Before the ops are converted: what was in a region of lam then stands in one
// of scf and is found by the same patterns. Slices of sequences are views, and
// results are stacked in place.
//
//===----------------------------------------------------------------------===//

#include "LamToLinalg.h"
#include "lamina/Lam/Sizes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/SCF/Transforms/Patterns.h"

using namespace mlir;

namespace lamina::lam {

/// Slice `place` along dimension 0 of a tensor whose slices are like `slice`.
struct SlicePlace {
  SmallVector<OpFoldResult> offsets, sizes, strides;

  SlicePlace(OpBuilder &b, Location loc, Value whole, Value place) {
    auto type = cast<RankedTensorType>(whole.getType());
    offsets.assign(type.getRank(), b.getIndexAttr(0));
    strides.assign(type.getRank(), b.getIndexAttr(1));
    offsets[0] = place;
    for (int64_t i = 0; i < type.getRank(); ++i)
      sizes.push_back(i == 0 ? OpFoldResult(b.getIndexAttr(1))
                             : sizeOf(b, loc, whole, i));
  }
};

/// Moves the ops of `body` to the builder's place; its arguments become
/// `arguments`. What it yields.
static SmallVector<Value> inlineRegion(OpBuilder &b, Region &body,
                                       ValueRange arguments) {
  Block &block = body.front();
  for (auto [argument, value] :
       llvm::zip_equal(block.getArguments(), arguments))
    argument.replaceAllUsesWith(value);
  SmallVector<Value> yielded(block.getTerminator()->getOperands());
  block.getTerminator()->erase();
  b.getInsertionBlock()->getOperations().splice(b.getInsertionPoint(),
                                                block.getOperations());
  return yielded;
}

static void lower(ScanOp op) {
  OpBuilder b(op);
  Location loc = op.getLoc();
  unsigned carries = op.getInits().size();
  SmallVector<Value> inits(op.getInits());
  for (auto [i, value] : llvm::enumerate(op.getStacked()))
    inits.push_back(
        tensor::EmptyOp::create(b, loc, value.getType(), op.sizesOf(i)));
  Value zero = indexConstant(b, loc, 0), one = indexConstant(b, loc, 1);
  auto loop = scf::ForOp::create(b, loc, zero, op.getCount(), one, inits);
  b.setInsertionPointToStart(loop.getBody());
  Value place = loop.getInductionVar();
  if (op.getReverse())
    place = arith::SubIOp::create(
        b, loc, arith::SubIOp::create(b, loc, op.getCount(), one), place);
  SmallVector<Value> arguments(loop.getRegionIterArgs().take_front(carries));
  for (auto [sequence, slice] :
       llvm::zip_equal(op.getSequences(), op.sliceArguments())) {
    SlicePlace at(b, loc, sequence, place);
    arguments.push_back(tensor::ExtractSliceOp::create(
        b, loc, cast<RankedTensorType>(slice.getType()), sequence, at.offsets,
        at.sizes, at.strides));
  }
  llvm::append_range(arguments, op.getInvariants());
  if (loop.getBody()->mightHaveTerminator())
    loop.getBody()->getTerminator()->erase();
  b.setInsertionPointToEnd(loop.getBody());
  SmallVector<Value> yielded = inlineRegion(b, op.getBody(), arguments);
  b.setInsertionPointToEnd(loop.getBody());
  for (unsigned i = carries; i < yielded.size(); ++i) {
    Value whole = loop.getRegionIterArg(i);
    SlicePlace at(b, loc, whole, place);
    yielded[i] = tensor::InsertSliceOp::create(
        b, loc, yielded[i], whole, at.offsets, at.sizes, at.strides);
  }
  scf::YieldOp::create(b, loc, yielded);
  op->replaceAllUsesWith(loop.getResults());
  op.erase();
}

static void lower(WhileOp op) {
  OpBuilder b(op);
  Location loc = op.getLoc();
  TypeRange types = op.getInits().getTypes();
  auto loop = scf::WhileOp::create(b, loc, types, op.getInits());
  SmallVector<Location> locs(types.size(), loc);
  auto fill = [&](Region &to, Region &from) {
    Block *block = b.createBlock(&to, {}, types, locs);
    SmallVector<Value> arguments(block->getArguments());
    llvm::append_range(arguments, op.getInvariants());
    SmallVector<Value> yielded = inlineRegion(b, from, arguments);
    b.setInsertionPointToEnd(block);
    return yielded;
  };
  SmallVector<Value> goesOn = fill(loop.getBefore(), op.getCondition());
  Value truth = tensor::ExtractOp::create(b, loc, goesOn[0], ValueRange());
  scf::ConditionOp::create(b, loc, truth, loop.getBeforeArguments());
  SmallVector<Value> next = fill(loop.getAfter(), op.getBody());
  scf::YieldOp::create(b, loc, next);
  op->replaceAllUsesWith(loop.getResults());
  op.erase();
}

void lowerRegions(ModuleOp module) {
  // Outer loops first: their ops move into new regions.
  SmallVector<Operation *> loops;
  module.walk<WalkOrder::PreOrder>([&](Operation *op) {
    if (isa<ScanOp, WhileOp>(op))
      loops.push_back(op);
  });
  for (Operation *op : loops) {
    if (auto scan = dyn_cast<ScanOp>(op))
      lower(scan);
    else
      lower(cast<WhileOp>(op));
  }
}

namespace {
/// Ops of other dialects on tensors of unsigned integers: the same on signless
/// ones.
struct SignlessOperands : ConversionPattern {
  SignlessOperands(const TypeConverter &types, MLIRContext *context)
      : ConversionPattern(types, MatchAnyOpTypeTag(), /*benefit=*/1, context) {}
  LogicalResult matchAndRewrite(Operation *op, ArrayRef<Value> operands,
                                ConversionPatternRewriter &b) const override {
    if (!isa<tensor::ExtractSliceOp, tensor::InsertSliceOp, tensor::EmptyOp,
             tensor::ExtractOp>(op))
      return failure();
    SmallVector<Type> results;
    if (failed(getTypeConverter()->convertTypes(op->getResultTypes(), results)))
      return failure();
    OperationState state(op->getLoc(), op->getName(), operands, results,
                         op->getDiscardableAttrDictionary().getValue());
    state.propertiesAttr = op->getPropertiesAsAttribute();
    b.replaceOp(op, b.create(state));
    return success();
  }
};
} // namespace

void populateRegionPatterns(RewritePatternSet &patterns, TypeConverter &types) {
  patterns.add<SignlessOperands>(types, patterns.getContext());
  scf::populateSCFStructuralTypeConversions(types, patterns);
}

} // namespace lamina::lam
