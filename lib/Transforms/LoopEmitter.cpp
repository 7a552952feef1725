//===- LoopEmitter.cpp - the loop nest of one group -----------------------===//
#include "LoopEmitter.h"
#include "ParallelLoops.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Linalg/Utils/Utils.h"

using namespace mlir;
using namespace lamina;

OpOperand *lamina::destinationOf(OpResult result) {
  if (auto op = dyn_cast<linalg::LinalgOp>(result.getOwner()))
    return op.getDpsInitOperand(result.getResultNumber());
  if (auto op = dyn_cast<tensor::InsertSliceOp>(result.getOwner()))
    return &op.getDestMutable();
  return nullptr;
}

Block *LoopEmitter::run() {
  rewriter.setInsertionPoint(
      group.members.front()->getBlock()->getTerminator());
  collectOutputs();
  if (outputs.empty())
    return nullptr; // dead code
  emitLoops();
  for (Output &output : outputs)
    output.rootSlice =
        output.accumulates
            ? output.iterArg
            : sliceOfTile(output.iterArg, outputShape(output.iterArg));
  emitMembers();
  Values yielded;
  for (Output &output : outputs) {
    Value tile = tiles.lookup(output.value);
    yielded.push_back(output.accumulates ? tile
                                         : insertTile(tile, output.iterArg));
  }
  finishLoops(yielded);
  return levels.back().loop.getBody();
}

/// What the destination of a member was before the group.
static Value rootOf(Value value,
                    llvm::function_ref<bool(Operation *)> isMember) {
  while (auto result = dyn_cast<OpResult>(value)) {
    OpOperand *destination =
        isMember(result.getOwner()) ? destinationOf(result) : nullptr;
    if (!destination)
      break;
    value = destination->get();
  }
  return value;
}

void LoopEmitter::collectOutputs() {
  for (Operation *op : group.members)
    for (OpResult result : op->getResults()) {
      auto inside = [&](Operation *user) {
        return isMember(op->getBlock()->findAncestorOpInBlock(*user));
      };
      if (llvm::all_of(result.getUsers(), inside))
        continue;
      OpOperand *destination = destinationOf(result);
      while (auto producer = dyn_cast<OpResult>(destination->get())) {
        if (!isMember(producer.getOwner()))
          break;
        destination = destinationOf(producer);
      }
      bool accumulates = isa<linalg::LinalgOp>(op) && loopRole(op).accumulates;
      outputs.push_back({result, destination->get(), destination, accumulates});
    }
}

OpFoldResult LoopEmitter::sizeOf(Value tensor, int64_t axis) {
  if (auto empty = tensor.getDefiningOp<tensor::EmptyOp>())
    return empty.getMixedSizes()[axis];
  return tensor::getMixedSize(rewriter, loc, tensor, axis);
}

/// A fresh destination where the old one had no contents, so that no two
/// outputs compete for one buffer.
Value LoopEmitter::initialValue(const Output &output) {
  auto empty = output.root.getDefiningOp<tensor::EmptyOp>();
  if (!empty)
    return output.root;
  return tensor::EmptyOp::create(rewriter, loc, empty.getMixedSizes(),
                                 empty.getType().getElementType());
}

void LoopEmitter::enterLoop(OpFoldResult from, OpFoldResult to, int64_t step,
                            Values &carried) {
  auto value = [&](OpFoldResult bound) {
    return getValueOrCreateConstantIndexOp(rewriter, loc, bound);
  };
  auto loop = scf::ForOp::create(rewriter, loc, value(from), value(to),
                                 value(number(step)), carried);
  if (llvm::none_of(outputs, [](const Output &o) { return o.accumulates; }))
    loop->setAttr(parallelAttribute, rewriter.getUnitAttr());
  levels.push_back({loop});
  rewriter.setInsertionPointToStart(loop.getBody());
  carried.assign(loop.getRegionIterArgs().begin(),
                 loop.getRegionIterArgs().end());
}

void LoopEmitter::emitLoops() {
  Values carried;
  for (const Output &output : outputs)
    carried.push_back(initialValue(output));
  offsets.assign(tileSizes.size(), number(0));
  for (size_t axis = 0; axis < tileSizes.size(); ++axis) {
    auto [tensor, position] = extentOf(group, axis);
    Value root = rootOf(tensor, [&](Operation *op) { return isMember(op); });
    sizes.push_back(sizeOf(root, position));
  }
  SmallVector<int64_t> order = loopOrder();
  findLongSums();
  int64_t blocked = blockedAxis(order);
  if (blocked >= 0)
    llvm::append_range(carried, emptySums());
  for (int64_t axis : order) {
    int64_t tile = tileSizes[axis];
    OpFoldResult size = sizes[axis], from = number(0), to = size;
    if (axis == blocked) {
      int64_t block = tile * stepsPerBlock(order);
      enterLoop(from, to, block, carried);
      Value start = levels.back().loop.getInductionVar();
      enterBlock(carried);
      AffineExpr d0, s0;
      bindDims(rewriter.getContext(), d0);
      bindSymbols(rewriter.getContext(), s0);
      from = start;
      to = affine::makeComposedFoldedAffineMin(
          rewriter, loc,
          AffineMap::get(1, 1, {d0 + block, s0}, rewriter.getContext()),
          {start, size});
    }
    enterLoop(from, to, tile, carried);
    Value index = levels.back().loop.getInductionVar();
    offsets[axis] = index;
    sizes[axis] = tileExtent(index, size, tile);
    if (group.product && axis + 1 == group.depth)
      packPanel();
  }
  for (auto [output, value] : llvm::zip_equal(outputs, carried))
    output.iterArg = value;
}

/// The axes that are tiled, outermost first. Of a product's rows and columns,
/// the rows are inside: they reuse a panel of the right operand, which stays
/// in cache while every row passes.
SmallVector<int64_t> LoopEmitter::loopOrder() {
  SmallVector<int64_t> order;
  for (auto [axis, tile] : llvm::enumerate(tileSizes))
    if (tile != 0)
      order.push_back(axis);
  size_t count = order.size();
  if (group.product && count >= 2 && tileSizes[order[count - 2]] > 1 &&
      tileSizes[order[count - 1]] > 1)
    std::swap(order[count - 2], order[count - 1]);
  return order;
}

/// Copies the panel of the right operand that the row loop is going to read
/// into consecutive memory, if it will be read often enough: columns of a
/// wide matrix are far apart, and many of them compete for few cache lines.
void LoopEmitter::packPanel() {
  auto op = cast<linalg::LinalgOp>(group.product);
  SmallVector<unsigned> roleLoops = loopRole(op).loops;
  SmallVector<int64_t> ranges = op.getStaticLoopRanges();
  if (group.depth < 2 || tileSizes[group.depth - 2] <= 1)
    return;
  unsigned rows = roleLoops[group.depth - 2], columns = roleLoops.back();
  int64_t width = ranges[columns];
  bool wide = ShapedType::isDynamic(width) || width >= 8 * tileSizes.back();
  bool often = ShapedType::isDynamic(ranges[rows]) || ranges[rows] >= 64;
  if (!wide || !often)
    return;
  auto [starts, extents] = loopTiles(op);
  for (OpOperand *operand : op.getDpsInputOperands()) {
    AffineMap map = op.getMatchingIndexingMap(operand);
    if (!map.isFunctionOfDim(columns) || map.isFunctionOfDim(rows))
      continue;
    Value slice = sliceOfOperand(op, *operand, starts, extents);
    auto type = cast<RankedTensorType>(slice.getType());
    Value empty = tensor::EmptyOp::create(
        rewriter, loc, tensor::getMixedSizes(rewriter, loc, slice),
        type.getElementType());
    packed[operand] =
        linalg::CopyOp::create(rewriter, loc, slice, empty).getResult(0);
  }
}

OpFoldResult LoopEmitter::tileExtent(Value offset, OpFoldResult size,
                                     int64_t tile) {
  std::optional<int64_t> constant = getConstantIntValue(size);
  if (tile == 1 || (constant && *constant % tile == 0))
    return number(tile);
  AffineExpr d0, s0;
  bindDims(rewriter.getContext(), d0);
  bindSymbols(rewriter.getContext(), s0);
  AffineMap map = AffineMap::get(
      1, 1, {getAffineConstantExpr(tile, rewriter.getContext()), s0 - d0},
      rewriter.getContext());
  return affine::makeComposedFoldedAffineMin(rewriter, loc, map,
                                             {offset, size});
}

/// The tile's shape of a tensor whose first axes are the group's.
LoopEmitter::Sizes LoopEmitter::outputShape(Value tensor) {
  SmallVector<OpFoldResult> shape(sizes);
  for (int64_t axis = group.depth,
               rank = cast<RankedTensorType>(tensor.getType()).getRank();
       axis < rank; ++axis)
    shape.push_back(sizeOf(tensor, axis));
  return shape;
}

LoopEmitter::Sizes LoopEmitter::outputOffsets(size_t rank) {
  SmallVector<OpFoldResult> result(offsets);
  result.resize(rank, number(0));
  return result;
}

Value LoopEmitter::sliceOfTile(Value tensor, ArrayRef<OpFoldResult> shape) {
  return tensor::ExtractSliceOp::create(
      rewriter, loc, tensor, outputOffsets(shape.size()), shape,
      SmallVector<OpFoldResult>(shape.size(), number(1)));
}

Value LoopEmitter::insertTile(Value tile, Value into) {
  SmallVector<OpFoldResult> shape = outputShape(into);
  return tensor::InsertSliceOp::create(
      rewriter, loc, tile, into, outputOffsets(shape.size()), shape,
      SmallVector<OpFoldResult>(shape.size(), number(1)));
}

void LoopEmitter::finishLoops(ArrayRef<Value> yielded) {
  Values results(yielded);
  for (const Level &level : llvm::reverse(levels)) {
    scf::ForOp loop = level.loop;
    rewriter.setInsertionPointToEnd(loop.getBody());
    if (level.isOverBlocks)
      results = leaveBlock(level, results);
    scf::YieldOp::create(rewriter, loc, results);
    results.assign(loop.getResults().begin(), loop.getResults().end());
    rewriter.setInsertionPointAfter(loop);
  }
  results = finishSums(results);
  for (auto [output, result] : llvm::zip_equal(outputs, results))
    rewriter.replaceAllUsesWith(output.value, result);
  for (Operation *op : llvm::reverse(group.members))
    rewriter.eraseOp(op);
}

Block *lamina::emitLoops(IRRewriter &rewriter, const LoopGroup &group,
                         ArrayRef<int64_t> tileSizes) {
  return LoopEmitter(rewriter, group, tileSizes).run();
}
