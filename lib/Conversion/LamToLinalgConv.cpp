//===- LamToLinalgConv.cpp - convolutions ---------------------------------===//

#include "LamToLinalg.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include <numeric>

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
    if (isProduct(op)) {
      b.replaceOp(op, product(b, op, adaptor));
      return success();
    }
    Convolution whole;
    whole.x = adaptor.getX();
    whole.xSizes = sizesOf(b, loc, op.getX());
    whole.kernel = adaptor.getKernel();
    whole.kernelSizes = sizesOf(b, loc, op.getKernel());
    whole.result = signlessTensor(op);
    whole.sizes = sizesOf(b, loc, op);
    whole.strides.assign(op.getStrides().begin(), op.getStrides().end());
    whole.low.assign(op.getPadLow().begin(), op.getPadLow().end());
    whole.high.assign(op.getPadHigh().begin(), op.getPadHigh().end());
    whole.xDilation.assign(op.getXDilation().begin(), op.getXDilation().end());
    whole.kernelDilation.assign(op.getKernelDilation().begin(),
                                op.getKernelDilation().end());
    whole.groups = op.getGroups();
    whole.compute = computeType(elementType(op));
    b.replaceOp(op, whole.hasPhases() ? emitPhases(b, loc, whole)
                                      : emit(b, loc, whole));
    return success();
  }

private:
  struct Convolution {
    Value x, kernel;
    SmallVector<OpFoldResult> xSizes, kernelSizes, sizes;
    RankedTensorType result;
    SmallVector<int64_t> strides, low, high, xDilation, kernelDilation;
    int64_t groups;
    Type compute;

    int64_t window(int64_t i) const {
      return cast<ShapedType>(kernel.getType()).getDimSize(i);
    }
    /// Whether x has holes that are better left out than multiplied by.
    bool hasPhases() const {
      auto isKnown = [](ShapedType type, int64_t from, int64_t count) {
        return llvm::none_of(type.getShape().slice(from, count),
                             ShapedType::isDynamic);
      };
      int64_t spatial = strides.size(), phases = 1;
      for (int64_t dilation : xDilation)
        phases *= dilation;
      return phases > 1 && phases <= mostPhases &&
             llvm::all_of(strides, [](int64_t n) { return n == 1; }) &&
             isKnown(cast<ShapedType>(x.getType()), 1, spatial) &&
             isKnown(cast<ShapedType>(kernel.getType()), 0, spatial) &&
             isKnown(result, 1, spatial) &&
             !llvm::is_contained(cast<ShapedType>(x.getType()).getShape(), 0) &&
             !llvm::is_contained(cast<ShapedType>(kernel.getType()).getShape(),
                                 0);
    }
    /// The first position of the kernel that results `phase`, counted modulo
    /// the holes of x, see something at; the window if there is none.
    int64_t firstTap(int64_t i, int64_t phase) const {
      int64_t k = 0;
      while (k < window(i) &&
             (phase + k * kernelDilation[i] - low[i]) % xDilation[i] != 0)
        ++k;
      return k;
    }
    bool seesNothing(int64_t i) const {
      for (int64_t phase = 0; phase < xDilation[i]; ++phase)
        if (firstTap(i, phase) == window(i))
          return true;
      return false;
    }
  };
  /// Each has a loop nest of its own.
  static constexpr int64_t mostPhases = 16;

  /// Results a dilation of x apart see the same positions of the kernel, and
  /// neighbouring elements of x: each such set is a convolution without holes.
  static Value emitPhases(ConversionPatternRewriter &b, Location loc,
                          const Convolution &whole) {
    int64_t spatial = whole.strides.size();
    bool isCovered =
        llvm::none_of(llvm::seq<int64_t>(0, spatial),
                      [&](int64_t i) { return whole.seesNothing(i); });
    Value y =
        isCovered
            ? emptyTensor(b, loc, whole.result, whole.sizes)
            : filledTensor(
                  b, loc, whole.result, whole.sizes,
                  arith::ConstantOp::create(
                      b, loc, b.getZeroAttr(whole.result.getElementType())));
    SmallVector<int64_t> phase(spatial, 0);
    do {
      y = insertPhase(b, loc, whole, phase, y);
    } while (next(phase, whole.xDilation));
    return y;
  }

  /// Counts up, the last digit first.
  static bool next(MutableArrayRef<int64_t> digits, ArrayRef<int64_t> bases) {
    for (int64_t i = digits.size() - 1; i >= 0; --i) {
      if (++digits[i] < bases[i])
        return true;
      digits[i] = 0;
    }
    return false;
  }

  static Value insertPhase(ConversionPatternRewriter &b, Location loc,
                           const Convolution &whole, ArrayRef<int64_t> phase,
                           Value into) {
    Convolution part = whole;
    int64_t rank = whole.result.getRank();
    SmallVector<int64_t> shape(whole.result.getShape()),
        kernelShape(cast<ShapedType>(whole.kernel.getType()).getShape());
    SmallVector<OpFoldResult> offsets(rank, b.getIndexAttr(0)),
        steps(rank, b.getIndexAttr(1)), first(offsets), distance(steps);
    for (auto [i, r] : llvm::enumerate(phase)) {
      int64_t hole = whole.xDilation[i], dilation = whole.kernelDilation[i],
              window = whole.window(i), count = shape[i + 1];
      // Result r + hole q and position k of the kernel meet at
      // (r + k dilation - low) / hole + q of x.
      int64_t k = whole.firstTap(i, r);
      if (k == window || r >= count)
        return into;
      int64_t step = hole / std::gcd(hole, dilation);
      int64_t taps = llvm::divideCeil(window - k, step);
      int64_t results = llvm::divideCeil(count - r, hole);
      part.xDilation[i] = 1;
      part.kernelDilation[i] = dilation * step / hole;
      part.low[i] = -((r + k * dilation - whole.low[i]) / hole);
      part.high[i] = results + (taps - 1) * part.kernelDilation[i] -
                     cast<ShapedType>(whole.x.getType()).getDimSize(i + 1) -
                     part.low[i];
      shape[i + 1] = results;
      kernelShape[i] = taps;
      part.sizes[i + 1] = b.getIndexAttr(results);
      part.kernelSizes[i] = b.getIndexAttr(taps);
      offsets[i + 1] = b.getIndexAttr(r);
      steps[i + 1] = b.getIndexAttr(hole);
      first[i] = b.getIndexAttr(k);
      distance[i] = b.getIndexAttr(step);
    }
    auto kernelType = cast<RankedTensorType>(whole.kernel.getType());
    part.kernel = tensor::ExtractSliceOp::create(
        b, loc, kernelType.clone(kernelShape), whole.kernel, first,
        part.kernelSizes, distance);
    part.result = whole.result.clone(shape);
    return tensor::InsertSliceOp::create(b, loc, emit(b, loc, part), into,
                                         offsets, part.sizes, steps);
  }

  static Value emit(ConversionPatternRewriter &b, Location loc,
                    const Convolution &c) {
    int64_t spatial = c.strides.size(), groups = c.groups;
    RankedTensorType result = c.result;
    Type compute = c.compute;
    ArrayRef<OpFoldResult> sizes = c.sizes;
    // Batch and channels are neither padded nor dilated.
    auto around = [](ArrayRef<int64_t> numbers, int64_t fill) {
      SmallVector<int64_t> all{fill};
      llvm::append_range(all, numbers);
      all.push_back(fill);
      return all;
    };
    Value zero = arith::ConstantOp::create(
        b, loc, b.getZeroAttr(result.getElementType()));
    Value x = padWindowed(b, loc, c.x, c.xSizes, zero, around(c.low, 0),
                          around(c.high, 0), around(c.xDilation, 1));
    SmallVector<int64_t> window =
        around(cast<RankedTensorType>(c.kernel.getType())
                   .getShape()
                   .take_front(spatial),
               1);
    // All channels belong to one place.
    SmallVector<OpFoldResult> places(sizes);
    places.back() = tensor::getMixedSize(b, loc, x, result.getRank() - 1);
    x = trimToWindows(b, loc, x, places, window, around(c.strides, 1),
                      around(c.kernelDilation, 1));
    Value kernel = c.kernel;
    SmallVector<OpFoldResult> outSizes(sizes);
    RankedTensorType outType = result;
    if (groups != 1) {
      SmallVector<OpFoldResult> xSizes = tensor::getMixedSizes(b, loc, x);
      SmallVector<OpFoldResult> kernelSizes = c.kernelSizes;
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
      xExprs.push_back(dim(1 + i) * c.strides[i] +
                       dim(outRank + i) * c.kernelDilation[i]);
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
    return reshapeTensor(b, loc, y, outSizes, result, sizes);
  }
};

} // namespace

void populateConvPatterns(RewritePatternSet &patterns, TypeConverter &types) {
  patterns.add<ConvPattern>(types, patterns.getContext());
}

} // namespace lamina::lam
