//===- LoopSums.cpp - sums over the iterations of a tile loop -------------===//
//
// A sum of many rows that is accumulated while the rows are computed. The loop
// over the rows is split into blocks: each block starts from zero, and its sum
// is added to the total with the rounding error of the addition kept in a low
// word. The error then does not grow with the number of rows.
//
//===----------------------------------------------------------------------===//
#include "LoopEmitter.h"
#include "ParallelLoops.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace lamina;

/// Iterations that are summed before the sum is added to the total.
static constexpr int64_t kBlock = 64;

/// Whether the result is its old value plus something.
static bool isFloatSum(OpResult result) {
  auto op = dyn_cast<linalg::GenericOp>(result.getOwner());
  Type element = getElementTypeOrSelf(result.getType());
  if (!op || !(element.isF32() || element.isF64()))
    return false;
  BlockArgument old = op.getRegionOutputArgs()[result.getResultNumber()];
  Value yielded =
      op.getBody()->getTerminator()->getOperand(result.getResultNumber());
  auto sum = yielded.getDefiningOp<arith::AddFOp>();
  return sum && old.hasOneUse() && *old.user_begin() == sum;
}

/// The number of iterations of the loop over tiles of `axis`, if it is known.
int64_t LoopEmitter::staticSteps(int64_t axis) {
  std::optional<int64_t> size = getConstantIntValue(sizes[axis]);
  return size ? llvm::divideCeil(*size, tileSizes[axis]) : ShapedType::kDynamic;
}

void LoopEmitter::findLongSums() {
  int64_t steps = 1;
  for (auto [axis, tile] : llvm::enumerate(tileSizes)) {
    int64_t count = tile ? staticSteps(axis) : 1;
    steps = ShapedType::isDynamic(count) ? count : steps * count;
    if (ShapedType::isDynamic(steps) || steps > kBlock)
      break;
  }
  bool isLong = ShapedType::isDynamic(steps) || steps > kBlock;
  for (Output &output : outputs)
    output.isLongSum = isLong && output.accumulates &&
                       isFloatSum(cast<OpResult>(output.value));
}

/// The loop that is split: the innermost one that is not short; -1 for none.
int64_t LoopEmitter::blockedAxis(ArrayRef<int64_t> order) {
  if (order.empty() ||
      llvm::none_of(outputs, [](const Output &o) { return o.isLongSum; }))
    return -1;
  size_t level = order.size() - 1;
  for (int64_t steps = 1; level > 0; --level) {
    int64_t count = staticSteps(order[level]);
    if (ShapedType::isDynamic(count) || (steps *= count) > kBlock / 4)
      break;
  }
  return order[level];
}

int64_t LoopEmitter::stepsPerBlock(ArrayRef<int64_t> order) {
  int64_t inside = 1;
  for (int64_t axis : llvm::reverse(order)) {
    if (axis == blockedAxis(order))
      break;
    inside *= staticSteps(axis);
  }
  return std::max<int64_t>(kBlock / std::max<int64_t>(inside, 1), 1);
}

/// A tensor like `like`, filled with `value`.
static Value filledLike(IRRewriter &rewriter, Location loc, Value like,
                        TypedAttr value) {
  auto type = cast<RankedTensorType>(like.getType());
  Value empty = tensor::EmptyOp::create(
      rewriter, loc, tensor::getMixedSizes(rewriter, loc, like),
      type.getElementType());
  Value scalar = arith::ConstantOp::create(rewriter, loc, value);
  return linalg::FillOp::create(rewriter, loc, scalar, empty).getResult(0);
}

LoopEmitter::Values LoopEmitter::emptySums() {
  Values low;
  for (const Output &output : outputs)
    if (output.isLongSum)
      low.push_back(filledLike(
          rewriter, loc, output.root,
          rewriter.getZeroAttr(getElementTypeOrSelf(output.root.getType()))));
  return low;
}

/// Inside the loop over blocks: the sums start anew.
void LoopEmitter::enterBlock(Values &carried) {
  Level &level = levels.back();
  level.isOverBlocks = true;
  if (llvm::all_of(outputs, [](const Output &output) {
        return output.isLongSum || !output.accumulates;
      }))
    level.loop->setAttr(blockSumsAttribute, rewriter.getUnitAttr());
  level.low.assign(carried.begin() + outputs.size(), carried.end());
  carried.truncate(outputs.size());
  for (auto [output, value] : llvm::zip_equal(outputs, carried)) {
    if (!output.isLongSum)
      continue;
    level.sums.push_back(value);
    Type element = getElementTypeOrSelf(value.getType());
    value =
        filledLike(rewriter, loc, value, rewriter.getFloatAttr(element, -0.0));
  }
}

/// An op that computes each of `outs` from all operands at the same place.
static ValueRange
pointwise(IRRewriter &rewriter, Location loc, ValueRange ins, ValueRange outs,
          function_ref<void(OpBuilder &, Location, ValueRange)> body) {
  unsigned rank = cast<RankedTensorType>(outs.front().getType()).getRank();
  SmallVector<AffineMap> maps(
      ins.size() + outs.size(),
      AffineMap::getMultiDimIdentityMap(rank, rewriter.getContext()));
  return linalg::GenericOp::create(rewriter, loc, outs.getTypes(), ins, outs,
                                   maps,
                                   SmallVector<utils::IteratorType>(
                                       rank, utils::IteratorType::parallel),
                                   body)
      .getResults();
}

/// Adds the block's sums to the totals.
LoopEmitter::Values LoopEmitter::leaveBlock(const Level &level,
                                            Values results) {
  unsigned next = 0;
  for (auto [i, output] : llvm::enumerate(outputs)) {
    if (!output.isLongSum)
      continue;
    ValueRange merged = pointwise(
        rewriter, loc, results[i], {level.sums[next], level.low[next]},
        [](OpBuilder &b, Location loc, ValueRange at) {
          Value x = at[0], sum = at[1], low = at[2];
          auto minus = [&](Value p, Value q) -> Value {
            return arith::SubFOp::create(b, loc, p, q);
          };
          Value total = arith::AddFOp::create(b, loc, sum, x);
          Value added = minus(total, sum);
          Value error = arith::AddFOp::create(
              b, loc, minus(sum, minus(total, added)), minus(x, added));
          low = arith::AddFOp::create(b, loc, low, error);
          linalg::YieldOp::create(b, loc, ValueRange{total, low});
        });
    results[i] = merged[0];
    results.push_back(merged[1]);
    ++next;
  }
  return results;
}

/// Adds the low words, which are not numbers if the sum is infinite.
LoopEmitter::Values LoopEmitter::finishSums(Values results) {
  unsigned next = outputs.size();
  for (auto [i, output] : llvm::enumerate(outputs)) {
    if (!output.isLongSum)
      continue;
    results[i] =
        pointwise(rewriter, loc, results[next++], results[i],
                  [](OpBuilder &b, Location loc, ValueRange at) {
                    Value low = at[0], sum = at[1];
                    Value isNumber = arith::CmpFOp::create(
                        b, loc, arith::CmpFPredicate::ORD, low, low);
                    Value total = arith::AddFOp::create(b, loc, sum, low);
                    total =
                        arith::SelectOp::create(b, loc, isNumber, total, sum);
                    linalg::YieldOp::create(b, loc, total);
                  })[0];
  }
  results.truncate(outputs.size());
  return results;
}
