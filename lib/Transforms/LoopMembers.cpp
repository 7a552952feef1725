//===- LoopMembers.cpp - the ops of a group on one tile -------------------===//
#include "Cost.h"
#include "LoopEmitter.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Linalg/Utils/Utils.h"

using namespace mlir;
using namespace lamina;

/// In program order, but an insertion follows its source at once: the next
/// source can then be computed where it will be inserted.
void LoopEmitter::emitMembers() {
  llvm::SmallPtrSet<Operation *, 16> done;
  auto ready = [&](Operation *op) {
    return llvm::all_of(op->getOperands(), [&](Value value) {
      return !isMember(value.getDefiningOp()) ||
             done.contains(value.getDefiningOp());
    });
  };
  auto emit = [&](Operation *op, auto &&self) -> void {
    if (!done.insert(op).second)
      return;
    emitMember(op);
    for (Operation *user : op->getUsers())
      if (isa<tensor::InsertSliceOp>(user) && isMember(user) && ready(user))
        self(user, self);
  };
  for (Operation *op : group.members)
    emit(op, emit);
}

void LoopEmitter::emitMember(Operation *op) {
  loc = op->getLoc();
  if (auto linalgOp = dyn_cast<linalg::LinalgOp>(op))
    return emitLinalg(linalgOp);
  if (auto slice = dyn_cast<tensor::InsertSliceOp>(op)) {
    tiles[slice.getResult()] = tensor::InsertSliceOp::create(
        rewriter, loc, tileOf(slice.getSourceMutable()),
        tileOf(slice.getDestMutable()), slice.getMixedOffsets(),
        tileSizesOf(slice.getMixedSizes()), slice.getMixedStrides());
    return;
  }
  if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op)) {
    tiles[slice.getResult()] = tensor::ExtractSliceOp::create(
        rewriter, loc, tileOf(slice.getSourceMutable()),
        slice.getMixedOffsets(), tileSizesOf(slice.getMixedSizes()),
        slice.getMixedStrides());
    return;
  }
  if (auto reshape = dyn_cast<tensor::ExpandShapeOp>(op)) {
    SmallVector<OpFoldResult> shape =
        tileSizesOf(reshape.getMixedOutputShape());
    SmallVector<int64_t> staticShape;
    std::tie(staticShape, std::ignore) = decomposeMixedValues(shape);
    tiles[reshape.getResult()] = tensor::ExpandShapeOp::create(
        rewriter, loc, reshape.getResultType().clone(staticShape),
        tileOf(reshape.getSrcMutable()), reshape.getReassociationIndices(),
        shape);
    return;
  }
  auto reshape = cast<tensor::CollapseShapeOp>(op);
  tiles[reshape.getResult()] = tensor::CollapseShapeOp::create(
      rewriter, loc, tileOf(reshape.getSrcMutable()),
      reshape.getReassociationIndices());
}

LoopEmitter::Sizes LoopEmitter::tileSizesOf(Sizes shape) {
  llvm::copy(sizes, shape.begin());
  return shape;
}

/// The tile of an operand whose first axes are the group's.
Value LoopEmitter::tileOf(OpOperand &operand) {
  if (Value tile = tiles.lookup(operand.get()))
    return tile;
  for (const Output &output : outputs)
    if (output.rootUse == &operand)
      return output.rootSlice;
  SmallVector<OpFoldResult> shape = outputShape(operand.get());
  if (auto empty = operand.get().getDefiningOp<tensor::EmptyOp>())
    return tensor::EmptyOp::create(rewriter, loc, shape,
                                   empty.getType().getElementType());
  return sliceOfTile(operand.get(), shape);
}

/// The place in a later insertion's destination, for a result that has no
/// other purpose than to be inserted.
Value LoopEmitter::placeInInsertion(OpResult result) {
  if (!result.hasOneUse() ||
      !destinationOf(result)->get().getDefiningOp<tensor::EmptyOp>())
    return {};
  auto insertion = dyn_cast<tensor::InsertSliceOp>(*result.user_begin());
  if (!insertion || !isMember(insertion) || insertion.getSource() != result)
    return {};
  Operation *before = insertion.getDest().getDefiningOp();
  if (isMember(before) && !tiles.contains(insertion.getDest()))
    return {};
  return tensor::ExtractSliceOp::create(
      rewriter, loc, tileOf(insertion.getDestMutable()),
      insertion.getMixedOffsets(), tileSizesOf(insertion.getMixedSizes()),
      insertion.getMixedStrides());
}

/// The first and the number of iterations of each of the op's loops in the
/// tile; null for those that are not tiled (yet).
std::pair<LoopEmitter::Sizes, LoopEmitter::Sizes>
LoopEmitter::loopTiles(linalg::LinalgOp op) {
  SmallVector<unsigned> roleLoops = loopRole(op).loops;
  SmallVector<OpFoldResult> starts(op.getNumLoops()), extents(op.getNumLoops());
  for (unsigned axis = 0; axis < group.depth; ++axis)
    if (tileSizes[axis]) {
      starts[roleLoops[axis]] = offsets[axis];
      extents[roleLoops[axis]] = sizes[axis];
    }
  return {starts, extents};
}

/// Memory for a tensor like `tile`. An empty tensor would be identified with
/// the place that its contents are copied to.
Value LoopEmitter::freshLike(Value tile) {
  auto type = cast<RankedTensorType>(tile.getType());
  SmallVector<Value> sizes;
  std::tie(std::ignore, sizes) =
      decomposeMixedValues(tensor::getMixedSizes(rewriter, loc, tile));
  return bufferization::AllocTensorOp::create(rewriter, loc, type, sizes);
}

/// A copy of `tile` in consecutive memory.
Value LoopEmitter::compact(Value tile) {
  auto type = cast<RankedTensorType>(tile.getType());
  Value empty = tensor::EmptyOp::create(
      rewriter, loc, tensor::getMixedSizes(rewriter, loc, tile),
      type.getElementType());
  return linalg::CopyOp::create(rewriter, loc, tile, empty).getResult(0);
}

static bool haveLongerRows(RankedTensorType whole, RankedTensorType part) {
  return whole.getRank() == part.getRank() &&
         whole.getShape().back() != part.getShape().back();
}

/// Whether `value` is a part of longer rows.
static bool isPartOfRows(Value value) {
  auto slice = value.getDefiningOp<tensor::ExtractSliceOp>();
  return slice && haveLongerRows(slice.getSourceType(), slice.getType());
}

static bool becomesPartOfRows(Value value) {
  return llvm::any_of(value.getUsers(), [](Operation *user) {
    auto slice = dyn_cast<tensor::InsertSliceOp>(user);
    return slice && haveLongerRows(slice.getDestType(), slice.getSourceType());
  });
}

void LoopEmitter::emitLinalg(linalg::LinalgOp op) {
  auto [starts, extents] = loopTiles(op);
  // Rows of few elements fill the lanes only where they follow each other:
  // parts of other rows are copied before and after an expensive computation.
  bool joinRows = hasNarrowRows(op) && isCostly(op);
  llvm::SmallDenseMap<Value, Value> places;
  SmallVector<Value> operands;
  SmallVector<Type> resultTypes;
  for (OpOperand &operand : op->getOpOperands()) {
    Value tile;
    if (!isa<RankedTensorType>(operand.get().getType()))
      tile = operand.get();
    else if (op.isDpsInit(&operand)) {
      OpResult result = op.getTiedOpResult(&operand);
      tile = placeInInsertion(result);
      if (!tile)
        tile = tileOf(operand);
      if (joinRows && becomesPartOfRows(result)) {
        places[result] = tile;
        tile = freshLike(tile);
      }
      resultTypes.push_back(tile.getType());
    } else if (!(tile = packed.lookup(&operand)) &&
               !(tile = tiles.lookup(operand.get())))
      tile = sliceOfOperand(op, operand, starts, extents);
    if (joinRows && op.isDpsInput(&operand) && isPartOfRows(operand.get()))
      tile = compact(tile);
    operands.push_back(tile);
  }
  auto tiled =
      cast<linalg::LinalgOp>(mlir::clone(rewriter, op, resultTypes, operands));
  if (op.hasIndexSemantics())
    linalg::offsetIndices(rewriter, tiled, starts);
  for (auto [result, tile] :
       llvm::zip_equal(op->getResults(), tiled->getResults())) {
    tiles[result] = tile;
    if (Value place = places.lookup(result))
      tiles[result] =
          linalg::CopyOp::create(rewriter, loc, tile, place).getResult(0);
  }
}

/// The part of an operand from outside that the tile reads.
Value LoopEmitter::sliceOfOperand(linalg::LinalgOp op, OpOperand &operand,
                                  ArrayRef<OpFoldResult> starts,
                                  ArrayRef<OpFoldResult> extents) {
  AffineMap map = op.getMatchingIndexingMap(&operand);
  auto moves = [&](AffineExpr expr) {
    for (unsigned loop = 0; loop < starts.size(); ++loop)
      if (starts[loop] && expr.isFunctionOfDim(loop))
        return true;
    return false;
  };
  if (llvm::none_of(map.getResults(), moves))
    return operand.get();
  SmallVector<OpFoldResult> from, shape;
  for (auto [axis, expr] : llvm::enumerate(map.getResults())) {
    if (!moves(expr)) {
      from.push_back(number(0));
      shape.push_back(sizeOf(operand.get(), axis));
    } else if (auto dim = dyn_cast<AffineDimExpr>(expr)) {
      from.push_back(starts[dim.getPosition()]);
      shape.push_back(extents[dim.getPosition()]);
    } else {
      // A window: from its first to its last element.
      from.push_back(evaluate(expr, [&](unsigned loop) {
        return starts[loop] ? starts[loop] : number(0);
      }));
      OpFoldResult last = evaluate(
          expr, [&](unsigned loop) { return lastOf(op, loop, extents[loop]); });
      AffineExpr d0;
      bindDims(rewriter.getContext(), d0);
      shape.push_back(
          affine::makeComposedFoldedAffineApply(rewriter, loc, d0 + 1, {last}));
    }
  }
  return tensor::ExtractSliceOp::create(
      rewriter, loc, operand.get(), from, shape,
      SmallVector<OpFoldResult>(shape.size(), number(1)));
}

OpFoldResult
LoopEmitter::evaluate(AffineExpr expr,
                      llvm::function_ref<OpFoldResult(unsigned)> valueOf) {
  SmallVector<OpFoldResult> values;
  unsigned count = 0;
  expr.walk([&](AffineExpr inner) {
    if (auto dim = dyn_cast<AffineDimExpr>(inner))
      count = std::max(count, dim.getPosition() + 1);
  });
  for (unsigned loop = 0; loop < count; ++loop)
    values.push_back(expr.isFunctionOfDim(loop) ? valueOf(loop) : number(0));
  return affine::makeComposedFoldedAffineApply(
      rewriter, loc, AffineMap::get(count, 0, expr), values);
}

/// The last value that iteration dimension `loop` takes within the tile.
OpFoldResult LoopEmitter::lastOf(linalg::LinalgOp op, unsigned loop,
                                 OpFoldResult extent) {
  if (!extent) {
    for (OpOperand &operand : op->getOpOperands()) {
      AffineMap map = op.getMatchingIndexingMap(&operand);
      for (auto [axis, expr] : llvm::enumerate(map.getResults()))
        if (expr == rewriter.getAffineDimExpr(loop) && !extent) {
          Value tile = tiles.lookup(operand.get());
          extent = sizeOf(tile ? tile : operand.get(), axis);
        }
    }
  }
  AffineExpr d0;
  bindDims(rewriter.getContext(), d0);
  return affine::makeComposedFoldedAffineApply(rewriter, loc, d0 - 1, {extent});
}
