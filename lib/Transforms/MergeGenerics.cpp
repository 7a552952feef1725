//===- MergeGenerics.cpp - one generic op of several ----------------------===//
#include "BufferUses.h"
#include "MergeLoops.h"
#include "Products.h"
#include "mlir/Dialect/Linalg/IR/LinalgInterfaces.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace lamina;

std::optional<LoopSpace> LoopSpace::of(Operation *op) {
  auto generic = dyn_cast<linalg::GenericOp>(op);
  if (!generic || !generic.hasPureBufferSemantics() ||
      isProduct(cast<linalg::LinalgOp>(op)))
    return std::nullopt;
  LoopSpace space;
  space.loops.resize(generic.getNumLoops());
  for (auto [loop, size] : llvm::enumerate(generic.getStaticLoopRanges()))
    if (!ShapedType::isDynamic(size))
      space.loops[loop].push_back({nullptr, size});
  for (OpOperand &operand : op->getOpOperands()) {
    if (!isa<MemRefType>(operand.get().getType()))
      continue;
    auto part = operand.get().getDefiningOp<memref::SubViewOp>();
    bool sameRank =
        part && part.getType().getRank() == part.getSourceType().getRank();
    AffineMap map = generic.getMatchingIndexingMap(&operand);
    for (auto [axis, expr] : llvm::enumerate(map.getResults())) {
      auto dim = dyn_cast<AffineDimExpr>(expr);
      if (!dim)
        continue;
      auto &extents = space.loops[dim.getPosition()];
      extents.push_back({operand.get().getAsOpaquePointer(), axis});
      if (sameRank)
        if (auto size = dyn_cast<Value>(part.getMixedSizes()[axis]))
          extents.push_back({size.getAsOpaquePointer(), -1});
    }
  }
  return space;
}

bool LoopSpace::matches(const LoopSpace &other) const {
  return llvm::equal(loops, other.loops, [](const auto &a, const auto &b) {
    return llvm::any_of(
        a, [&](const Extent &extent) { return llvm::is_contained(b, extent); });
  });
}

void lamina::dropUnitLoops(RewriterBase &rewriter, linalg::GenericOp op) {
  if (!op.hasPureBufferSemantics() ||
      isProduct(cast<linalg::LinalgOp>(op.getOperation())))
    return;
  SmallVector<int64_t> ranges = op.getStaticLoopRanges();
  SmallVector<AffineExpr> dims;
  SmallVector<utils::IteratorType> kinds;
  MLIRContext *context = op.getContext();
  unsigned left = ranges.size() - llvm::count(ranges, 1);
  for (auto [loop, size] : llvm::enumerate(ranges)) {
    // One loop has to be left.
    bool keep = size != 1 || (left == 0 && loop + 1 == ranges.size());
    dims.push_back(keep ? getAffineDimExpr(kinds.size(), context)
                        : getAffineConstantExpr(0, context));
    if (keep)
      kinds.push_back(op.getIteratorTypesArray()[loop]);
  }
  if (kinds.size() == ranges.size())
    return;
  SmallVector<AffineMap> maps;
  for (AffineMap map : op.getIndexingMapsArray())
    maps.push_back(map.replaceDimsAndSymbols(dims, {}, kinds.size(), 0));
  rewriter.setInsertionPoint(op);
  auto smaller =
      linalg::GenericOp::create(rewriter, op.getLoc(), TypeRange(),
                                op.getInputs(), op.getOutputs(), maps, kinds);
  rewriter.inlineRegionBefore(op.getRegion(), smaller.getRegion(),
                              smaller.getRegion().begin());
  for (auto index :
       llvm::to_vector(smaller.getBody()->getOps<linalg::IndexOp>())) {
    rewriter.setInsertionPoint(index);
    if (auto dim = dyn_cast<AffineDimExpr>(dims[index.getDim()]))
      rewriter.replaceOpWithNewOp<linalg::IndexOp>(index, dim.getPosition());
    else
      rewriter.replaceOpWithNewOp<arith::ConstantIndexOp>(index, 0);
  }
  rewriter.eraseOp(op);
}

static bool isStored(linalg::GenericOp op, OpOperand &output) {
  AffineMap map = op.getMatchingIndexingMap(&output);
  return llvm::count_if(map.getResults(), llvm::IsaPred<AffineDimExpr>) ==
         map.getNumDims();
}

bool lamina::accumulateAlike(ArrayRef<linalg::GenericOp> ops) {
  SmallVector<utils::IteratorType> kinds;
  for (linalg::GenericOp op : ops) {
    for (OpOperand &output : op.getDpsInitsMutable()) {
      if (isStored(op, output))
        continue;
      if (!kinds.empty() && kinds != op.getIteratorTypesArray())
        return false;
      kinds = op.getIteratorTypesArray();
    }
  }
  return true;
}

namespace {
/// An operand of the merged op.
struct Access {
  Value value;
  AffineMap map;
  bool is(Value other, AffineMap otherMap) const {
    return map == otherMap &&
           (value == other || (isa<MemRefType>(other.getType()) &&
                               isa<MemRefType>(value.getType()) &&
                               overlapOf(value, other) == Overlap::Same));
  }
};
} // namespace

static int find(ArrayRef<Access> accesses, Value value, AffineMap map) {
  for (auto [i, access] : llvm::enumerate(accesses))
    if (access.is(value, map))
      return i;
  return -1;
}

void lamina::mergeGenerics(RewriterBase &rewriter,
                           ArrayRef<linalg::GenericOp> ops) {
  SmallVector<Access> inputs, outputs;
  linalg::GenericOp first = ops.front();
  SmallVector<utils::IteratorType> kinds = first.getIteratorTypesArray();
  for (linalg::GenericOp op : ops) {
    for (auto [kind, other] :
         llvm::zip_equal(kinds, op.getIteratorTypesArray()))
      if (other == utils::IteratorType::reduction)
        kind = other;
    for (OpOperand *input : op.getDpsInputOperands()) {
      AffineMap map = op.getMatchingIndexingMap(input);
      if (find(outputs, input->get(), map) < 0 &&
          find(inputs, input->get(), map) < 0)
        inputs.push_back({input->get(), map});
    }
    for (OpOperand &output : op.getDpsInitsMutable()) {
      AffineMap map = op.getMatchingIndexingMap(&output);
      if (find(outputs, output.get(), map) < 0)
        outputs.push_back({output.get(), map});
    }
  }
  SmallVector<Value> ins, outs;
  SmallVector<AffineMap> maps;
  for (const Access &access : inputs)
    ins.push_back(access.value), maps.push_back(access.map);
  for (const Access &access : outputs)
    outs.push_back(access.value), maps.push_back(access.map);

  auto body = [&](OpBuilder &b, Location loc, ValueRange arguments) {
    // The newest value of every output at this point.
    SmallVector<Value> values(arguments.drop_front(inputs.size()));
    llvm::SmallBitVector written(outputs.size());
    for (linalg::GenericOp op : ops) {
      IRMapping mapping;
      for (OpOperand &operand : op->getOpOperands()) {
        AffineMap map = op.getMatchingIndexingMap(&operand);
        int out = find(outputs, operand.get(), map);
        bool isInput = op.isDpsInput(&operand);
        bool fromOutput = out >= 0 && (!isInput || written.test(out));
        Value value = fromOutput ? values[out]
                                 : arguments[find(inputs, operand.get(), map)];
        mapping.map(op.getMatchingBlockArgument(&operand), value);
      }
      for (Operation &inner : op.getBody()->without_terminator())
        b.clone(inner, mapping);
      for (auto [output, yielded] :
           llvm::zip_equal(op.getDpsInitsMutable(),
                           op.getBody()->getTerminator()->getOperands())) {
        int out =
            find(outputs, output.get(), op.getMatchingIndexingMap(&output));
        values[out] = mapping.lookupOrDefault(yielded);
        written.set(out);
      }
    }
    linalg::YieldOp::create(b, loc, values);
  };
  linalg::GenericOp::create(rewriter, first.getLoc(), ins, outs, maps, kinds,
                            body);
  for (linalg::GenericOp op : ops)
    rewriter.eraseOp(op);
}

/// Whether nobody reads the allocation that `op` writes into `output`.
static bool isUnread(OpOperand &output) {
  auto alloc = baseOf(output.get()).getDefiningOp<memref::AllocOp>();
  if (!alloc)
    return false;
  SmallVector<Value> work{alloc.getResult()};
  while (!work.empty())
    for (OpOperand &use : work.pop_back_val().getUses()) {
      if (auto view = dyn_cast<ViewLikeOpInterface>(use.getOwner())) {
        work.push_back(view->getResult(0));
        continue;
      }
      if (isa<memref::DimOp>(use.getOwner()))
        continue;
      auto writer = dyn_cast<linalg::LinalgOp>(use.getOwner());
      if (!writer || !writer.isDpsInit(&use) ||
          writer.payloadUsesValueFromOperand(&use))
        return false;
    }
  return true;
}

/// Whether the operands that are not `dead` give the size of every loop.
static bool sizesLoops(linalg::GenericOp op, const llvm::BitVector &dead) {
  SmallVector<AffineMap> maps;
  for (OpOperand &operand : op->getOpOperands())
    if (!dead.test(operand.getOperandNumber()))
      maps.push_back(op.getMatchingIndexingMap(&operand));
  return bool(inversePermutation(concatAffineMaps(maps, op.getContext())));
}

void lamina::dropUnreadOutputs(RewriterBase &rewriter, func::FuncOp function) {
  SmallVector<linalg::GenericOp> generics;
  function.walk([&](linalg::GenericOp op) { generics.push_back(op); });
  for (linalg::GenericOp op : llvm::reverse(generics)) {
    if (!op.hasPureBufferSemantics())
      continue;
    llvm::BitVector dead(op->getNumOperands());
    for (OpOperand &output : op.getDpsInitsMutable())
      if (isUnread(output))
        dead.set(output.getOperandNumber());
    if (dead.none())
      continue;
    if (dead.count() == op.getNumDpsInits()) {
      rewriter.eraseOp(op);
      continue;
    }
    // An operand that alone gives the size of a loop has to stay.
    for (OpOperand &output : op.getDpsInitsMutable())
      if (dead.test(output.getOperandNumber()) && !sizesLoops(op, dead))
        dead.reset(output.getOperandNumber());
    if (dead.none())
      continue;
    SmallVector<Value> outs, yielded;
    SmallVector<AffineMap> maps(op.getIndexingMapsArray());
    maps.truncate(op.getNumDpsInputs());
    auto yield = cast<linalg::YieldOp>(op.getBody()->getTerminator());
    for (auto [output, value] :
         llvm::zip_equal(op.getDpsInitsMutable(), yield.getOperands())) {
      if (dead.test(output.getOperandNumber()))
        continue;
      outs.push_back(output.get());
      yielded.push_back(value);
      maps.push_back(op.getMatchingIndexingMap(&output));
    }
    rewriter.modifyOpInPlace(yield, [&] { yield->setOperands(yielded); });
    rewriter.setInsertionPoint(op);
    auto smaller = linalg::GenericOp::create(rewriter, op.getLoc(), TypeRange(),
                                             op.getInputs(), outs, maps,
                                             op.getIteratorTypesArray());
    op.getBody()->eraseArguments(dead);
    rewriter.inlineRegionBefore(op.getRegion(), smaller.getRegion(),
                                smaller.getRegion().begin());
    rewriter.eraseOp(op);
  }
}
