//===- LamToLinalgConv.cpp - convolutions ---------------------------------===//

#include "LamToLinalg.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using mlir::utils::IteratorType;

namespace lamina::lam {
namespace {

struct ConvPattern : OpConversionPattern<ConvOp> {
  using OpConversionPattern::OpConversionPattern;

  /// The last dimension of `x` as `groups` times the rest of it.
  static Value splitChannels(OpBuilder &b, Location loc, Value x,
                             SmallVector<OpFoldResult> &sizes, int64_t groups) {
    auto type = cast<RankedTensorType>(x.getType());
    SmallVector<int64_t> shape(type.getShape());
    SmallVector<OpFoldResult> split(sizes);
    OpFoldResult channels = split.pop_back_val();
    split.push_back(b.getIndexAttr(groups));
    if (int64_t &last = shape.back(); ShapedType::isDynamic(last)) {
      split.push_back(arith::DivUIOp::create(b, loc,
                                             sizeValue(b, loc, channels),
                                             indexConstant(b, loc, groups))
                          .getResult());
      last = groups;
      shape.push_back(ShapedType::kDynamic);
    } else {
      int64_t each = last / groups;
      split.push_back(b.getIndexAttr(each));
      last = groups;
      shape.push_back(each);
    }
    x = reshapeTensor(b, loc, x, sizes, type.clone(shape), split);
    sizes = split;
    return x;
  }

  /// A window of one element that visits every element: a matrix product.
  static bool isProduct(ConvOp op) {
    auto all = [](ArrayRef<int64_t> numbers, int64_t n) {
      return llvm::all_of(numbers, [&](int64_t i) { return i == n; });
    };
    auto kernel = cast<ShapedType>(op.getKernel().getType()).getShape();
    return all(kernel.drop_back(2), 1) && all(op.getStrides(), 1) &&
           all(op.getPadLow(), 0) && all(op.getPadHigh(), 0) &&
           all(op.getXDilation(), 1) && op.getGroups() == 1;
  }

  static Value product(ConversionPatternRewriter &b, ConvOp op,
                       OpAdaptor adaptor) {
    Location loc = op.getLoc();
    RankedTensorType type = signlessTensor(op);
    int64_t rank = type.getRank();
    auto dims = [&](ArrayRef<int64_t> loops) {
      SmallVector<AffineExpr> exprs;
      for (int64_t loop : loops)
        exprs.push_back(b.getAffineDimExpr(loop));
      return AffineMap::get(rank + 1, 0, exprs, b.getContext());
    };
    SmallVector<int64_t> result = llvm::to_vector(llvm::seq<int64_t>(0, rank)),
                         places(result);
    places.back() = rank;
    SmallVector<OpFoldResult> sizes = sizesOf(b, loc, op.getKernel());
    auto kernelType = cast<RankedTensorType>(adaptor.getKernel().getType());
    Value kernel =
        reshapeTensor(b, loc, adaptor.getKernel(), sizes,
                      kernelType.clone(kernelType.getShape().take_back(2)),
                      ArrayRef(sizes).take_back(2));
    return contract(b, loc, {adaptor.getX(), dims(places), {}},
                    {kernel, dims({rank, rank - 1}), {}}, dims(result), type,
                    sizesOf(b, loc, op));
  }

  LogicalResult matchAndRewrite(ConvOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &b) const override {
    Location loc = op.getLoc();
    RankedTensorType result = signlessTensor(op);
    Type compute = computeType(elementType(op));
    SmallVector<OpFoldResult> sizes = sizesOf(b, loc, op);
    if (isProduct(op)) {
      b.replaceOp(op, product(b, op, adaptor));
      return success();
    }

    int64_t spatial = op.getStrides().size(), groups = op.getGroups();
    // Batch and channels are neither padded nor dilated.
    auto around = [](ArrayRef<int64_t> numbers, int64_t fill) {
      SmallVector<int64_t> all{fill};
      llvm::append_range(all, numbers);
      all.push_back(fill);
      return all;
    };
    Value zero = arith::ConstantOp::create(
        b, loc, b.getZeroAttr(result.getElementType()));
    Value x =
        padWindowed(b, loc, adaptor.getX(), sizesOf(b, loc, op.getX()), zero,
                    around(op.getPadLow(), 0), around(op.getPadHigh(), 0),
                    around(op.getXDilation(), 1));
    SmallVector<int64_t> window =
        around(cast<RankedTensorType>(op.getKernel().getType())
                   .getShape()
                   .take_front(spatial),
               1);
    // All channels belong to one place.
    SmallVector<OpFoldResult> places(sizes);
    places.back() = tensor::getMixedSize(b, loc, x, result.getRank() - 1);
    x = trimToWindows(b, loc, x, places, window, around(op.getStrides(), 1),
                      around(op.getKernelDilation(), 1));
    Value kernel = adaptor.getKernel();
    SmallVector<OpFoldResult> outSizes(sizes);
    RankedTensorType outType = result;
    if (groups != 1) {
      SmallVector<OpFoldResult> xSizes = tensor::getMixedSizes(b, loc, x);
      SmallVector<OpFoldResult> kernelSizes = sizesOf(b, loc, op.getKernel());
      x = splitChannels(b, loc, x, xSizes, groups);
      kernel = splitChannels(b, loc, kernel, kernelSizes, groups);
      auto shape = llvm::to_vector(result.getShape().drop_back());
      shape.append(
          {groups, cast<ShapedType>(kernel.getType()).getShape().back()});
      outType = result.clone(shape);
      outSizes.back() = b.getIndexAttr(groups);
      outSizes.push_back(kernelSizes.back());
    }

    // Loops: batch, places, group, output channel | window, input channel.
    int64_t outRank = outType.getRank(), loopCount = outRank + spatial + 1;
    auto dim = [&](int64_t loop) { return b.getAffineDimExpr(loop); };
    SmallVector<AffineExpr> xExprs{dim(0)}, kernelExprs, outExprs;
    for (int64_t i = 0; i < spatial; ++i) {
      xExprs.push_back(dim(1 + i) * op.getStrides()[i] +
                       dim(outRank + i) * op.getKernelDilation()[i]);
      kernelExprs.push_back(dim(outRank + i));
    }
    AffineExpr channel = dim(loopCount - 1);
    if (groups != 1)
      xExprs.push_back(dim(outRank - 2));
    xExprs.push_back(channel);
    kernelExprs.push_back(channel);
    if (groups != 1)
      kernelExprs.push_back(dim(outRank - 2));
    kernelExprs.push_back(dim(outRank - 1));
    for (int64_t i = 0; i < outRank; ++i)
      outExprs.push_back(dim(i));
    auto map = [&](ArrayRef<AffineExpr> exprs) {
      return AffineMap::get(loopCount, 0, exprs, b.getContext());
    };
    SmallVector<IteratorType> iterators(outRank, IteratorType::parallel);
    iterators.append(spatial + 1, IteratorType::reduction);

    Value init = filledTensor(
        b, loc, cast<RankedTensorType>(outType.clone(compute)), outSizes,
        arith::ConstantOp::create(b, loc, b.getZeroAttr(compute)));
    auto body = [&](OpBuilder &b, Location loc, ValueRange in, ValueRange out) {
      Value term = combine(b, loc, ReduceKind::Prod, compute,
                           convertFloat(b, loc, in[0], compute),
                           convertFloat(b, loc, in[1], compute));
      return SmallVector<Value>{
          combine(b, loc, ReduceKind::Sum, compute, out[0], term)};
    };
    Value y =
        loops(b, loc, {{x, map(xExprs), {}}, {kernel, map(kernelExprs), {}}},
              init, map(outExprs), iterators, body)[0];
    y = roundTensor(b, loc, y, outType);
    b.replaceOp(op, reshapeTensor(b, loc, y, outSizes, result, sizes));
    return success();
  }
};

} // namespace

void populateConvPatterns(RewritePatternSet &patterns, TypeConverter &types) {
  patterns.add<ConvPattern>(types, patterns.getContext());
}

} // namespace lamina::lam
