//===- LoopTiles.cpp - how many rows of a group pass at a time ------------===//
#include "LoopGroups.h"

using namespace mlir;
using namespace lamina;

/// What an unknown size is taken for in estimates.
static constexpr int64_t typicalSize = 256;

int64_t lamina::innerElements(Value value, unsigned depth) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  int64_t count = 1;
  if (type)
    for (int64_t size :
         type.getShape().drop_front(std::min<size_t>(depth, type.getRank())))
      count *=
          std::clamp<int64_t>(ShapedType::isDynamic(size) ? typicalSize : size,
                              1, maxInnerElements);
  return count;
}

/// Of `widest` and the widths below it, the one that wastes least of `size`
/// columns; the widest of those.
static int64_t columnTile(int64_t size, int64_t widest) {
  if (ShapedType::isDynamic(size))
    return widest;
  int64_t best = widest, least = std::numeric_limits<int64_t>::max();
  for (int64_t width = widest; width >= std::max<int64_t>(widest / 4, 4);
       width -= widest / 4) {
    int64_t padded = llvm::divideCeil(size, width) * width;
    if (padded < least) {
      best = width;
      least = padded;
    }
  }
  return best;
}

static SmallVector<int64_t> productTiles(const LoopGroup &group,
                                         const Strategy &strategy) {
  auto op = cast<linalg::LinalgOp>(group.product);
  linalg::ContractionDimensions dims = *linalg::inferContractionDims(op);
  SmallVector<int64_t> ranges = op.getStaticLoopRanges();
  SmallVector<unsigned> loops = loopRole(op).loops;
  SmallVector<int64_t> tiles(group.depth, 1);

  int64_t lane = std::max<int64_t>(strategy.matmulColumns / 4, 1);
  int64_t columns = columnTile(ranges[loops.back()], strategy.matmulColumns);
  if (!ShapedType::isDynamic(ranges[loops.back()]))
    columns = std::min(columns, ranges[loops.back()]);
  // As many rows as there are accumulators left, but no panel of thin rows.
  int64_t accumulators = strategy.matmulRows * strategy.matmulColumns / lane;
  int64_t rows = std::min<int64_t>(
      accumulators / llvm::divideCeil(columns, lane), 2 * strategy.matmulRows);
  tiles.back() = columns;
  if (group.depth >= 2 &&
      !llvm::is_contained(dims.batch, loops[group.depth - 2]))
    tiles[group.depth - 2] = rows;
  for (auto [tile, loop] : llvm::zip_equal(tiles, loops))
    if (ranges[loop] != ShapedType::kDynamic && ranges[loop] <= tile)
      tile = 0;
  return tiles;
}

std::pair<Value, int64_t> lamina::extentOf(const LoopGroup &group,
                                           unsigned axis) {
  for (Operation *op : group.members)
    if (isa<linalg::LinalgOp, tensor::InsertSliceOp>(op) &&
        !loopRole(op).accumulates)
      return {op->getResult(0), axis};
  // Only reductions over the loops: what they read.
  auto op = cast<linalg::LinalgOp>(
      *llvm::find_if(group.members, llvm::IsaPred<linalg::LinalgOp>));
  unsigned loop = loopRole(op).loops[axis];
  for (OpOperand *input : op.getDpsInputOperands())
    for (auto [position, expr] :
         llvm::enumerate(op.getMatchingIndexingMap(input).getResults()))
      if (expr == getAffineDimExpr(loop, op.getContext())) {
        // The group's views leave the axes of its loops as they are.
        Value tensor = input->get();
        while (Operation *view = tensor.getDefiningOp()) {
          if (isa<linalg::LinalgOp>(view) ||
              !llvm::is_contained(group.members, view))
            break;
          tensor = view->getOperand(0);
        }
        return {tensor, position};
      }
  llvm_unreachable("a loop has an operand that it walks");
}

SmallVector<int64_t> lamina::chooseTiles(const LoopGroup &group,
                                         const Strategy &strategy) {
  if (group.product)
    return productTiles(group, strategy);
  int64_t inner = 1;
  for (Operation *op : group.members)
    for (Value result : op->getResults())
      inner = std::max(
          inner,
          innerElements(result, loopRole(op).accumulates ? 0 : group.depth));
  SmallVector<int64_t> shape;
  for (unsigned axis = 0; axis < group.depth; ++axis) {
    auto [tensor, position] = extentOf(group, axis);
    shape.push_back(
        cast<RankedTensorType>(tensor.getType()).getDimSize(position));
  }
  // Rows that fill registers several times are walked one by one.
  bool longRows = inner >= 8 * int64_t(strategy.vectorBytes) / 4;
  int64_t budget =
      longRows ? 1 : std::max<int64_t>(strategy.tileElements / inner, 1);
  SmallVector<int64_t> tiles(group.depth);
  for (int axis = int(group.depth) - 1; axis >= 0; --axis) {
    bool whole = !ShapedType::isDynamic(shape[axis]) && shape[axis] <= budget;
    tiles[axis] = whole ? 0 : budget;
    budget = whole ? budget / std::max<int64_t>(shape[axis], 1) : 1;
  }
  return tiles;
}
