//===- Sizes.cpp - where the sizes of lam values come from ----------------===//

#include "lamina/Lam/Sizes.h"
#include "lamina/Lam/Lam.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace lamina::lam;

/// The operands that give the dynamic sizes of the result of `op`.
static std::optional<ValueRange> sizeOperands(Operation *op) {
  return TypeSwitch<Operation *, std::optional<ValueRange>>(op)
      .Case<BroadcastOp, ReshapeOp, SliceOp, PadOp, IotaOp, ConvOp, WindowOp,
            RandomBitsOp>(
          [](auto op) -> std::optional<ValueRange> { return op.getSizes(); })
      .Default(std::nullopt);
}

/// The dimensions of `x` that are in none of `lists`.
template <class... Lists>
static SmallVector<int64_t> freeDims(Value x, Lists... lists) {
  SmallVector<int64_t> result;
  for (int64_t i = 0, e = cast<ShapedType>(x.getType()).getRank(); i < e; ++i)
    if (!(llvm::is_contained(lists, i) || ...))
      result.push_back(i);
  return result;
}

/// A dimension of an operand of the defining op of `value` that has the size of
/// dimension `dim` of `value`.
static std::pair<Value, int64_t> sameDim(Value value, int64_t dim) {
  using Dim = std::pair<Value, int64_t>;
  Operation *op = value.getDefiningOp();
  if (!op)
    return {};
  if (op->hasTrait<OpTrait::Elementwise>())
    return {op->getOperand(0), dim};
  return TypeSwitch<Operation *, Dim>(op)
      .Case<ReverseOp, CumulativeOp, SortOp>(
          [&](auto op) -> Dim { return {op.getX(), dim}; })
      .Case([&](ScatterOp op) -> Dim { return {op.getX(), dim}; })
      .Case(
          [&](TransposeOp op) -> Dim { return {op.getX(), op.getPerm()[dim]}; })
      .Case([&](ReduceOp op) -> Dim {
        return {op.getX(), freeDims(op.getX(), op.getDims())[dim]};
      })
      .Case([&](ArgReduceOp op) -> Dim {
        return {op.getX(), dim < int64_t(op.getDim()) ? dim : dim + 1};
      })
      .Case([&](ConcatOp op) -> Dim {
        if (dim == int64_t(op.getDim()))
          return {};
        return {op.getXs().front(), dim};
      })
      .Case([&](DotOp op) -> Dim {
        auto batch = op.getBatchA();
        if (dim < int64_t(batch.size()))
          return {op.getA(), batch[dim]};
        dim -= batch.size();
        auto free = freeDims(op.getA(), batch, op.getContractA());
        if (dim < int64_t(free.size()))
          return {op.getA(), free[dim]};
        dim -= free.size();
        return {op.getB(),
                freeDims(op.getB(), op.getBatchB(), op.getContractB())[dim]};
      })
      .Case([&](GatherOp op) -> Dim {
        int64_t leading =
            cast<ShapedType>(op.getIndices().getType()).getRank() - 1;
        if (dim < leading)
          return {op.getIndices(), dim};
        SmallVector<int64_t> batch =
            llvm::to_vector(llvm::seq<int64_t>(0, op.getBatchDims()));
        return {op.getX(),
                freeDims(op.getX(), batch, op.getAxes())[dim - leading]};
      })
      .Case([&](tensor::CastOp op) -> Dim { return {op.getSource(), dim}; })
      .Case([&](WhileOp op) -> Dim {
        return {op.getInits()[cast<OpResult>(value).getResultNumber()], dim};
      })
      .Default(Dim());
}

SizeSource lamina::lam::sourceOfSize(Value value, int64_t dim) {
  while (true) {
    auto type = cast<RankedTensorType>(value.getType());
    if (!type.isDynamicDim(dim))
      return {Builder(value.getContext()).getIndexAttr(type.getDimSize(dim)),
              value, dim};
    if (Operation *op = value.getDefiningOp())
      if (auto sizes = sizeOperands(op))
        return {OpFoldResult((*sizes)[type.getDynamicDimIndex(dim)]), value,
                dim};
    if (auto scan = value.getDefiningOp<ScanOp>()) {
      unsigned i = cast<OpResult>(value).getResultNumber(),
               carries = scan.getInits().size();
      if (i >= carries)
        return {OpFoldResult(
                    scan.sizesOf(i - carries)[type.getDynamicDimIndex(dim)]),
                value, dim};
      value = scan.getInits()[i];
      continue;
    }
    auto [next, nextDim] = sameDim(value, dim);
    if (!next)
      return {OpFoldResult(), value, dim};
    value = next;
    dim = nextDim;
  }
}

OpFoldResult lamina::lam::sizeOf(OpBuilder &builder, Location loc, Value value,
                                 int64_t dim) {
  SizeSource source = sourceOfSize(value, dim);
  if (source.known)
    return source.known;
  return tensor::DimOp::create(builder, loc, source.tensor, source.dim)
      .getResult();
}

namespace {
/// A size is read where it comes from.
struct ReadSizeAtSource : OpRewritePattern<tensor::DimOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(tensor::DimOp op,
                                PatternRewriter &rewriter) const override {
    std::optional<int64_t> dim = op.getConstantIndex();
    auto type = dyn_cast<RankedTensorType>(op.getSource().getType());
    if (!dim || !type || *dim < 0 || *dim >= type.getRank())
      return failure();
    SizeSource source = sourceOfSize(op.getSource(), *dim);
    if (source.tensor == op.getSource() && !source.known)
      return failure();
    if (source.known)
      rewriter.replaceOp(op, getValueOrCreateConstantIndexOp(
                                 rewriter, op.getLoc(), source.known));
    else
      rewriter.replaceOpWithNewOp<tensor::DimOp>(op, source.tensor, source.dim);
    return success();
  }
};
} // namespace

void LamDialect::getCanonicalizationPatterns(
    RewritePatternSet &patterns) const {
  patterns.add<ReadSizeAtSource>(getContext());
}
