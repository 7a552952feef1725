//===- LamToLinalgPlace.cpp - slice, pad, concat --------------------------===//

#include "LamToLinalg.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;

namespace lamina::lam {

static SmallVector<OpFoldResult> attributes(OpBuilder &b,
                                            ArrayRef<int64_t> numbers) {
  return getAsIndexOpFoldResult(b.getContext(), numbers);
}

/// The type of a slice with `sizes` of a tensor of elements `type`.
static RankedTensorType sliceType(Type type, ArrayRef<OpFoldResult> sizes,
                                  ArrayRef<bool> drop = {}) {
  SmallVector<int64_t> shape;
  for (auto [i, size] : llvm::enumerate(sizes)) {
    if (!drop.empty() && drop[i])
      continue;
    auto attr = dyn_cast<Attribute>(size);
    shape.push_back(attr ? cast<IntegerAttr>(attr).getInt()
                         : ShapedType::kDynamic);
  }
  return RankedTensorType::get(shape, type);
}

/// Whether a slice at `offsets` starts behind the end of `whole`, where views
/// must not be. It has no elements then: slices lie within.
static bool startsBehind(RankedTensorType whole,
                         ArrayRef<OpFoldResult> offsets) {
  return llvm::any_of(llvm::zip(whole.getShape(), offsets), [](auto pair) {
    auto [size, offset] = pair;
    auto number = getConstantIntValue(offset);
    return number && !ShapedType::isDynamic(size) && *number >= size;
  });
}

Value extractSlice(OpBuilder &b, Location loc, Value x,
                   ArrayRef<OpFoldResult> offsets, ArrayRef<OpFoldResult> sizes,
                   ArrayRef<bool> drop) {
  SmallVector<OpFoldResult> ones(offsets.size(), b.getIndexAttr(1));
  return tensor::ExtractSliceOp::create(
      b, loc, sliceType(elementType(x), sizes, drop), x, offsets, sizes, ones);
}

Value insertSlice(OpBuilder &b, Location loc, Value x, Value into,
                  ArrayRef<OpFoldResult> offsets,
                  ArrayRef<OpFoldResult> sizes) {
  SmallVector<OpFoldResult> ones(offsets.size(), b.getIndexAttr(1));
  return tensor::InsertSliceOp::create(b, loc, x, into, offsets, sizes, ones);
}

Value padTensor(OpBuilder &b, Location loc, Value x, Value scalar,
                RankedTensorType type, ArrayRef<OpFoldResult> sizes,
                ArrayRef<OpFoldResult> sourceSizes,
                ArrayRef<OpFoldResult> offsets, ArrayRef<int64_t> strides) {
  Value filled = filledTensor(b, loc, type, sizes, scalar);
  auto source = cast<RankedTensorType>(x.getType());
  if (llvm::is_contained(source.getShape(), 0) || startsBehind(type, offsets))
    return filled;
  // Sizes that the source's type does not know must not be static here.
  SmallVector<OpFoldResult> mixed;
  for (auto [i, size] : llvm::enumerate(sourceSizes))
    mixed.push_back(source.isDynamicDim(i)
                        ? OpFoldResult(sizeValue(b, loc, size))
                        : b.getIndexAttr(source.getDimSize(i)));
  return tensor::InsertSliceOp::create(b, loc, x, filled, offsets, mixed,
                                       attributes(b, strides));
}

Value trimToWindows(OpBuilder &b, Location loc, Value x,
                    ArrayRef<OpFoldResult> places, ArrayRef<int64_t> window,
                    ArrayRef<int64_t> strides, ArrayRef<int64_t> dilation) {
  auto type = cast<RankedTensorType>(x.getType());
  if (llvm::is_contained(type.getShape(), 0))
    return x; // nothing to read, and a slice may not begin at the end
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, loc, x);
  bool changed = false;
  for (auto [i, size] : llvm::enumerate(type.getShape())) {
    // Not what the type says: a size may be a constant that it does not know.
    std::optional<int64_t> count = getConstantIntValue(places[i]);
    if (!count || *count == 0 || ShapedType::isDynamic(window[i]))
      continue;
    int64_t used =
        (*count - 1) * strides[i] + (window[i] - 1) * dilation[i] + 1;
    // An unknown size may be larger as well: with a single place it would be
    // taken for that of the window.
    if (!ShapedType::isDynamic(size) && used >= size)
      continue;
    sizes[i] = b.getIndexAttr(used);
    changed = true;
  }
  if (!changed)
    return x;
  SmallVector<OpFoldResult> zeros(sizes.size(), b.getIndexAttr(0)),
      ones(sizes.size(), b.getIndexAttr(1));
  return tensor::ExtractSliceOp::create(b, loc, x, zeros, sizes, ones);
}

Value padWindowed(OpBuilder &b, Location loc, Value x,
                  ArrayRef<OpFoldResult> sizes, Value scalar,
                  ArrayRef<int64_t> low, ArrayRef<int64_t> high,
                  ArrayRef<int64_t> dilation) {
  int64_t rank = sizes.size();
  auto zero = [](int64_t n) { return n == 0; };
  if (llvm::all_of(low, zero) && llvm::all_of(high, zero) &&
      llvm::all_of(dilation, [](int64_t n) { return n == 1; }))
    return x;

  SmallVector<OpFoldResult> padded, cropped, lows, crops;
  bool crop = false;
  for (int64_t i = 0; i < rank; ++i) {
    // (size - 1) * dilation + 1 elements, none of an empty dimension.
    OpFoldResult dilated = sizes[i];
    if (auto size = getConstantIntValue(dilated)) {
      dilated =
          b.getIndexAttr(std::max<int64_t>((*size - 1) * dilation[i] + 1, 0));
    } else if (dilation[i] != 1) {
      dilated = mulSizes(b, loc, addSizes(b, loc, sizes[i], b.getIndexAttr(-1)),
                         b.getIndexAttr(dilation[i]));
      dilated = addSizes(b, loc, dilated, b.getIndexAttr(1));
      dilated = arith::MaxSIOp::create(b, loc, sizeValue(b, loc, dilated),
                                       indexConstant(b, loc, 0))
                    .getResult();
    }
    int64_t before = std::max<int64_t>(low[i], 0),
            after = std::max<int64_t>(high[i], 0);
    padded.push_back(addSizes(b, loc, dilated, b.getIndexAttr(before + after)));
    cropped.push_back(
        addSizes(b, loc, dilated, b.getIndexAttr(low[i] + high[i])));
    lows.push_back(b.getIndexAttr(before));
    crops.push_back(b.getIndexAttr(before - low[i]));
    crop |= low[i] < 0 || high[i] < 0;
  }
  Type type = elementType(x);
  x = padTensor(b, loc, x, scalar, sliceType(type, padded), padded, sizes, lows,
                dilation);
  if (!crop)
    return x;
  // A crop of more than there is leaves nothing.
  bool nothing = false;
  for (OpFoldResult &size : cropped) {
    if (auto number = getConstantIntValue(size))
      nothing |= *number <= 0,
          size = b.getIndexAttr(std::max<int64_t>(*number, 0));
    else
      size = arith::MaxSIOp::create(b, loc, sizeValue(b, loc, size),
                                    indexConstant(b, loc, 0))
                 .getResult();
  }
  if (nothing)
    return emptyTensor(b, loc, sliceType(type, cropped), cropped);
  return extractSlice(b, loc, x, crops, cropped, {});
}

namespace {

struct SlicePattern : OpConversionPattern<SliceOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(SliceOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &b) const override {
    RankedTensorType type = signlessTensor(op);
    SmallVector<OpFoldResult> sizes = sizesOf(b, op.getLoc(), op);
    SmallVector<OpFoldResult> offsets =
        getMixedValues(op.getStaticOffsets(), adaptor.getOffsets(), b);
    if (startsBehind(cast<RankedTensorType>(op.getX().getType()), offsets))
      b.replaceOp(op, emptyTensor(b, op.getLoc(), type, sizes));
    else
      b.replaceOpWithNewOp<tensor::ExtractSliceOp>(
          op, type, adaptor.getX(), offsets, sizes,
          attributes(b, op.getStrides()));
    return success();
  }
};

struct PadPattern : OpConversionPattern<PadOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(PadOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &b) const override {
    Location loc = op.getLoc();
    Value scalar;
    if (TypedAttr number = splatOf(op.getValue()))
      scalar = arith::ConstantOp::create(b, loc, number);
    else
      scalar = tensor::ExtractOp::create(b, loc, adaptor.getValue());
    SmallVector<OpFoldResult> sizes = sizesOf(b, loc, op);
    b.replaceOp(op,
                padTensor(b, loc, adaptor.getX(), scalar, signlessTensor(op),
                          sizes, sizesOf(b, loc, op.getX()),
                          getMixedValues(op.getStaticOffsets(),
                                         adaptor.getOffsets(), b),
                          op.getStrides()));
    return success();
  }
};

/// Every piece is inserted into the result, where bufferization can have it
/// computed in the first place.
struct ConcatPattern : OpConversionPattern<ConcatOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(ConcatOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &b) const override {
    Location loc = op.getLoc();
    int64_t dim = op.getDim();
    RankedTensorType type = signlessTensor(op);
    OpFoldResult place = b.getIndexAttr(0);
    SmallVector<OpFoldResult> places;
    SmallVector<SmallVector<OpFoldResult>> pieceSizes;
    for (Value x : op.getXs()) {
      places.push_back(place);
      pieceSizes.push_back(sizesOf(b, loc, x));
      place = addSizes(b, loc, place, pieceSizes.back()[dim]);
    }
    SmallVector<OpFoldResult> sizes = pieceSizes.front();
    sizes[dim] = place;
    Value y = emptyTensor(b, loc, type, sizes);
    if (llvm::is_contained(type.getShape(), 0)) {
      b.replaceOp(op, y);
      return success();
    }
    for (auto [x, place, piece] :
         llvm::zip(adaptor.getXs(), places, pieceSizes)) {
      SmallVector<OpFoldResult> offsets(type.getRank(), b.getIndexAttr(0));
      offsets[dim] = place;
      if (llvm::is_contained(cast<ShapedType>(x.getType()).getShape(), 0) ||
          startsBehind(type, offsets))
        continue;
      y = insertSlice(b, loc, x, y, offsets, piece);
    }
    b.replaceOp(op, y);
    return success();
  }
};

} // namespace

void populatePlacePatterns(RewritePatternSet &patterns, TypeConverter &types) {
  patterns.add<SlicePattern, PadPattern, ConcatPattern>(types,
                                                        patterns.getContext());
}

} // namespace lamina::lam
