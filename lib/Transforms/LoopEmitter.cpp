//===- LoopEmitter.cpp - the loop nest of one group -----------------------===//
#include "LoopGroups.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Linalg/Utils/Utils.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace lamina;

/// The operand whose buffer a destination-style op continues, or null.
static OpOperand *destinationOf(OpResult result) {
  if (auto op = dyn_cast<linalg::LinalgOp>(result.getOwner()))
    return op.getDpsInitOperand(result.getResultNumber());
  if (auto op = dyn_cast<tensor::InsertSliceOp>(result.getOwner()))
    return &op.getDestMutable();
  return nullptr;
}

namespace {
/// Emits the loop nest of one group.
class LoopEmitter {
public:
  LoopEmitter(IRRewriter &rewriter, const LoopGroup &group,
              ArrayRef<int64_t> tileSizes)
      : rewriter(rewriter), group(group), tileSizes(tileSizes),
        loc(group.members.back()->getLoc()),
        members(group.members.begin(), group.members.end()) {}

  void run() {
    rewriter.setInsertionPoint(
        group.members.front()->getBlock()->getTerminator());
    collectOutputs();
    if (outputs.empty())
      return; // dead code
    emitLoops();
    for (Output &output : outputs)
      output.rootSlice =
          sliceOfTile(output.iterArg, outputShape(output.iterArg));
    emitMembers();
    SmallVector<Value> yielded;
    for (Output &output : outputs)
      yielded.push_back(insertTile(tiles.lookup(output.value), output.iterArg));
    finishLoops(yielded);
  }

private:
  /// A result that is used outside the group: it lives in a tensor that the
  /// loop carries.
  struct Output {
    Value value;
    Value root;         // what the destination was before the group
    OpOperand *rootUse; // the member's operand that reads it
    Value iterArg = {}, rootSlice = {};
  };

  IRRewriter &rewriter;
  const LoopGroup &group;
  ArrayRef<int64_t> tileSizes;
  Location loc;
  llvm::SmallPtrSet<Operation *, 16> members;
  SmallVector<Output> outputs;
  SmallVector<scf::ForOp> loops;
  SmallVector<OpFoldResult> offsets, sizes; // of the tile, per group axis
  llvm::DenseMap<Value, Value> tiles;
  llvm::DenseMap<OpOperand *, Value> packed; // panels in consecutive memory

  bool isMember(Operation *op) const { return op && members.contains(op); }
  OpFoldResult number(int64_t value) { return rewriter.getIndexAttr(value); }

  void collectOutputs() {
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
        outputs.push_back({result, destination->get(), destination});
      }
  }

  OpFoldResult sizeOf(Value tensor, int64_t axis) {
    if (auto empty = tensor.getDefiningOp<tensor::EmptyOp>())
      return empty.getMixedSizes()[axis];
    return tensor::getMixedSize(rewriter, loc, tensor, axis);
  }

  /// A fresh destination where the old one had no contents, so that no two
  /// outputs compete for one buffer.
  Value initialValue(const Output &output) {
    auto empty = output.root.getDefiningOp<tensor::EmptyOp>();
    if (!empty)
      return output.root;
    return tensor::EmptyOp::create(rewriter, loc, empty.getMixedSizes(),
                                   empty.getType().getElementType());
  }

  void emitLoops() {
    Value extent = outputs.front().root;
    SmallVector<Value> carried;
    for (const Output &output : outputs)
      carried.push_back(initialValue(output));
    offsets.assign(tileSizes.size(), number(0));
    for (size_t axis = 0; axis < tileSizes.size(); ++axis)
      sizes.push_back(sizeOf(extent, axis));
    for (int64_t axis : loopOrder()) {
      int64_t tile = tileSizes[axis];
      OpFoldResult size = sizes[axis];
      Value bound = getValueOrCreateConstantIndexOp(rewriter, loc, size);
      Value zero = arith::ConstantIndexOp::create(rewriter, loc, 0);
      Value step = arith::ConstantIndexOp::create(rewriter, loc, tile);
      auto loop = scf::ForOp::create(rewriter, loc, zero, bound, step, carried);
      loops.push_back(loop);
      rewriter.setInsertionPointToStart(loop.getBody());
      carried.assign(loop.getRegionIterArgs().begin(),
                     loop.getRegionIterArgs().end());
      offsets[axis] = loop.getInductionVar();
      sizes[axis] = tileExtent(loop.getInductionVar(), size, tile);
      if (group.product && axis + 1 == group.depth)
        packPanel();
    }
    for (auto [output, value] : llvm::zip_equal(outputs, carried))
      output.iterArg = value;
  }

  /// The axes that are tiled, outermost first. Of a product's rows and columns,
  /// the rows are inside: they reuse a panel of the right operand, which stays
  /// in cache while every row passes.
  SmallVector<int64_t> loopOrder() {
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
  void packPanel() {
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

  OpFoldResult tileExtent(Value offset, OpFoldResult size, int64_t tile) {
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
  SmallVector<OpFoldResult> outputShape(Value tensor) {
    SmallVector<OpFoldResult> shape(sizes);
    for (int64_t axis = group.depth,
                 rank = cast<RankedTensorType>(tensor.getType()).getRank();
         axis < rank; ++axis)
      shape.push_back(sizeOf(tensor, axis));
    return shape;
  }

  SmallVector<OpFoldResult> outputOffsets(size_t rank) {
    SmallVector<OpFoldResult> result(offsets);
    result.resize(rank, number(0));
    return result;
  }

  Value sliceOfTile(Value tensor, ArrayRef<OpFoldResult> shape) {
    return tensor::ExtractSliceOp::create(
        rewriter, loc, tensor, outputOffsets(shape.size()), shape,
        SmallVector<OpFoldResult>(shape.size(), number(1)));
  }

  Value insertTile(Value tile, Value into) {
    SmallVector<OpFoldResult> shape = outputShape(into);
    return tensor::InsertSliceOp::create(
        rewriter, loc, tile, into, outputOffsets(shape.size()), shape,
        SmallVector<OpFoldResult>(shape.size(), number(1)));
  }

  void finishLoops(ArrayRef<Value> yielded) {
    SmallVector<Value> results(yielded);
    for (scf::ForOp loop : llvm::reverse(loops)) {
      rewriter.setInsertionPointToEnd(loop.getBody());
      scf::YieldOp::create(rewriter, loc, results);
      results.assign(loop.getResults().begin(), loop.getResults().end());
    }
    for (auto [output, result] : llvm::zip_equal(outputs, results))
      rewriter.replaceAllUsesWith(output.value, result);
    for (Operation *op : llvm::reverse(group.members))
      rewriter.eraseOp(op);
  }

  /// In program order, but an insertion follows its source at once: the next
  /// source can then be computed where it will be inserted.
  void emitMembers() {
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

  void emitMember(Operation *op) {
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

  SmallVector<OpFoldResult> tileSizesOf(SmallVector<OpFoldResult> shape) {
    llvm::copy(sizes, shape.begin());
    return shape;
  }

  /// The tile of an operand whose first axes are the group's.
  Value tileOf(OpOperand &operand) {
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
  Value placeInInsertion(OpResult result) {
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
  std::pair<SmallVector<OpFoldResult>, SmallVector<OpFoldResult>>
  loopTiles(linalg::LinalgOp op) {
    SmallVector<unsigned> roleLoops = loopRole(op).loops;
    SmallVector<OpFoldResult> starts(op.getNumLoops()),
        extents(op.getNumLoops());
    for (unsigned axis = 0; axis < group.depth; ++axis)
      if (tileSizes[axis]) {
        starts[roleLoops[axis]] = offsets[axis];
        extents[roleLoops[axis]] = sizes[axis];
      }
    return {starts, extents};
  }

  void emitLinalg(linalg::LinalgOp op) {
    auto [starts, extents] = loopTiles(op);
    SmallVector<Value> operands;
    SmallVector<Type> resultTypes;
    for (OpOperand &operand : op->getOpOperands()) {
      Value tile;
      if (!isa<RankedTensorType>(operand.get().getType()))
        tile = operand.get();
      else if (op.isDpsInit(&operand)) {
        tile = placeInInsertion(op.getTiedOpResult(&operand));
        if (!tile)
          tile = tileOf(operand);
        resultTypes.push_back(tile.getType());
      } else if (!(tile = packed.lookup(&operand)) &&
                 !(tile = tiles.lookup(operand.get())))
        tile = sliceOfOperand(op, operand, starts, extents);
      operands.push_back(tile);
    }
    auto tiled = cast<linalg::LinalgOp>(
        mlir::clone(rewriter, op, resultTypes, operands));
    if (op.hasIndexSemantics())
      linalg::offsetIndices(rewriter, tiled, starts);
    for (auto [result, tile] :
         llvm::zip_equal(op->getResults(), tiled->getResults()))
      tiles[result] = tile;
  }

  /// The part of an operand from outside that the tile reads.
  Value sliceOfOperand(linalg::LinalgOp op, OpOperand &operand,
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
        OpFoldResult last = evaluate(expr, [&](unsigned loop) {
          return lastOf(op, loop, extents[loop]);
        });
        AffineExpr d0;
        bindDims(rewriter.getContext(), d0);
        shape.push_back(affine::makeComposedFoldedAffineApply(rewriter, loc,
                                                              d0 + 1, {last}));
      }
    }
    return tensor::ExtractSliceOp::create(
        rewriter, loc, operand.get(), from, shape,
        SmallVector<OpFoldResult>(shape.size(), number(1)));
  }

  OpFoldResult evaluate(AffineExpr expr,
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
  OpFoldResult lastOf(linalg::LinalgOp op, unsigned loop, OpFoldResult extent) {
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
    return affine::makeComposedFoldedAffineApply(rewriter, loc, d0 - 1,
                                                 {extent});
  }
};
} // namespace

void lamina::emitLoops(IRRewriter &rewriter, const LoopGroup &group,
                       ArrayRef<int64_t> tileSizes) {
  LoopEmitter(rewriter, group, tileSizes).run();
}
