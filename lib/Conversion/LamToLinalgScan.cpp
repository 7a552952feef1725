//===- LamToLinalgScan.cpp - running reductions ---------------------------===//

#include "LamToLinalg.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace lamina::lam {
namespace {

/// One pass over the dimension for each place before it; everything behind it
/// is carried along at once, so that memory is walked in order.
struct CumulativePattern : OpConversionPattern<CumulativeOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult matchAndRewrite(CumulativeOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &b) const override {
    Location loc = op.getLoc();
    int64_t dim = op.getDim();
    Type type = elementType(op.getX()), compute = computeType(type);
    RankedTensorType result = signlessTensor(op);
    SmallVector<OpFoldResult> sizes = sizesOf(b, loc, op.getX());
    ArrayRef<OpFoldResult> outer = ArrayRef(sizes).take_front(dim),
                           inner = ArrayRef(sizes).drop_front(dim + 1);
    ArrayRef<int64_t> innerShape = result.getShape().drop_front(dim + 1);
    Value x = adaptor.getX();
    Value neutral =
        arith::ConstantOp::create(b, loc, identity(op.getKind(), type));
    Value last =
        sizeValue(b, loc, addSizes(b, loc, sizes[dim], b.getIndexAttr(-1)));

    /// One step on scalars; the new total, and the element of the result.
    auto step = [&](OpBuilder &b, Location loc, Value x, Value total) {
      Value next = combine(b, loc, op.getKind(), type, total,
                           convertFloat(b, loc, x, compute));
      Value y = convertFloat(b, loc, op.getExclusive() ? total : next,
                             result.getElementType());
      return std::pair(next, y);
    };
    auto place = [&](OpBuilder &b, Location loc, ValueRange at, Value i) {
      SmallVector<Value> indices(at);
      indices.push_back(op.getReverse()
                            ? arith::SubIOp::create(b, loc, last, i).getResult()
                            : i);
      return indices;
    };

    auto scalarStep = [&](OpBuilder &b, Location loc, ValueRange indices,
                          Value total, Value into) {
      Value element = tensor::ExtractOp::create(b, loc, x, indices);
      auto [next, y] = step(b, loc, element, total);
      return SmallVector<Value>{
          next, tensor::InsertOp::create(b, loc, y, into, indices)};
    };
    auto sliceStep = [&](OpBuilder &b, Location loc, ValueRange indices,
                         Value total, Value into) {
      SmallVector<OpFoldResult> offsets(indices.begin(), indices.end()),
          lengths(indices.size(), b.getIndexAttr(1));
      SmallVector<bool> drop(indices.size(), true);
      offsets.append(inner.size(), b.getIndexAttr(0));
      drop.append(inner.size(), false);
      llvm::append_range(lengths, inner);
      Value element = extractSlice(b, loc, x, offsets, lengths, drop);
      Value slot = extractSlice(b, loc, into, offsets, lengths, drop);
      AffineMap map = b.getMultiDimIdentityMap(inner.size());
      SmallVector<utils::IteratorType> iterators(inner.size(),
                                                 utils::IteratorType::parallel);
      SmallVector<Value> results = loops(
          b, loc, Input{element, map, {}}, {total, slot}, {map, map}, iterators,
          [&](OpBuilder &b, Location loc, ValueRange in, ValueRange out) {
            auto [next, y] = step(b, loc, in[0], out[0]);
            return SmallVector<Value>{next, y};
          });
      return SmallVector<Value>{
          results[0], insertSlice(b, loc, results[1], into, offsets, lengths)};
    };

    auto row = [&](OpBuilder &b, Location loc, ValueRange at,
                   ValueRange carried) {
      Value start = neutral;
      if (!inner.empty())
        start = filledTensor(b, loc, RankedTensorType::get(innerShape, compute),
                             inner, neutral);
      SmallVector<Value> results = sequentialLoops(
          b, loc, sizes[dim], {start, carried[0]},
          [&](OpBuilder &b, Location loc, ValueRange i, ValueRange carried) {
            SmallVector<Value> indices = place(b, loc, at, i[0]);
            if (inner.empty())
              return scalarStep(b, loc, indices, carried[0], carried[1]);
            return sliceStep(b, loc, indices, carried[0], carried[1]);
          });
      return SmallVector<Value>{results[1]};
    };
    b.replaceOp(op, sequentialLoops(b, loc, outer, emptyLike(b, loc, op), row));
    return success();
  }
};

} // namespace

void populateScanPatterns(RewritePatternSet &patterns, TypeConverter &types) {
  patterns.add<CumulativePattern>(types, patterns.getContext());
}

} // namespace lamina::lam
