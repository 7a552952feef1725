//===- LamToLinalgSort.cpp - stable sorting -------------------------------===//
//
// Each row is copied to a row buffer, sorted there by a bottom-up merge sort of
// O(n log n), and copied to its place, whatever the dimension.
//
//===----------------------------------------------------------------------===//

#include "LamToLinalg.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;

namespace lamina::lam {
namespace {

struct SortPattern : OpConversionPattern<SortOp> {
  using OpConversionPattern::OpConversionPattern;

  /// Whether `x`, the later one, has to come before `y`: equal elements stay.
  static Value before(OpBuilder &b, Location loc, SortOp op, Value x, Value y) {
    Type type = elementType(op.getX());
    bool descending = op.getDescending();
    if (!isa<FloatType>(type)) {
      arith::CmpIPredicate predicate =
          readsUnsigned(type) ? (descending ? arith::CmpIPredicate::ugt
                                            : arith::CmpIPredicate::ult)
                              : (descending ? arith::CmpIPredicate::sgt
                                            : arith::CmpIPredicate::slt);
      return arith::CmpIOp::create(b, loc, predicate, x, y);
    }
    x = convertFloat(b, loc, x, computeType(type));
    y = convertFloat(b, loc, y, computeType(type));
    // NaN is the largest: an unordered comparison counts unless the one that
    // would have to be smaller is NaN.
    Value less = arith::CmpFOp::create(b, loc,
                                       descending ? arith::CmpFPredicate::UGT
                                                  : arith::CmpFPredicate::ULT,
                                       x, y);
    Value small = descending ? y : x;
    Value isNumber =
        arith::CmpFOp::create(b, loc, arith::CmpFPredicate::ORD, small, small);
    return arith::AndIOp::create(b, loc, less, isNumber);
  }

  static Value minimum(OpBuilder &b, Location loc, Value x, Value y) {
    return arith::MinSIOp::create(b, loc, x, y);
  }

  /// Merges neighbouring sorted runs of `width` elements of `from` (keys and
  /// indices) into `to`.
  static SmallVector<Value> mergeRuns(OpBuilder &b, Location loc, SortOp op,
                                      Value size, Value width, ValueRange from,
                                      ValueRange to) {
    Value zero = indexConstant(b, loc, 0), one = indexConstant(b, loc, 1);
    Value last = arith::SubIOp::create(b, loc, size, one);
    Value pair = arith::AddIOp::create(b, loc, width, width);
    auto runs = [&](OpBuilder &b, Location loc, Value begin,
                    ValueRange carried) {
      Value middle =
          minimum(b, loc, arith::AddIOp::create(b, loc, begin, width), size);
      Value end =
          minimum(b, loc, arith::AddIOp::create(b, loc, begin, pair), size);
      auto element = [&](OpBuilder &b, Location loc, Value place,
                         ValueRange carried) {
        // i and j are the heads of the left and the right run. A head behind
        // its run is not compared, but read: any valid place will do.
        Value i = carried[0], j = carried[1];
        Value iRead = minimum(b, loc, i, last),
              jRead = minimum(b, loc, j, last);
        Value x = tensor::ExtractOp::create(b, loc, from[0], iRead);
        Value y = tensor::ExtractOp::create(b, loc, from[0], jRead);
        Value leftDone =
            arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sge, i, middle);
        Value rightLeft =
            arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, j, end);
        Value wins =
            arith::OrIOp::create(b, loc, leftDone, before(b, loc, op, y, x));
        Value right = arith::AndIOp::create(b, loc, rightLeft, wins);
        Value key = arith::SelectOp::create(b, loc, right, y, x);
        Value source = arith::SelectOp::create(b, loc, right, jRead, iRead);
        Value index = tensor::ExtractOp::create(b, loc, from[1], source);
        Value nextI = arith::AddIOp::create(b, loc, i, one),
              nextJ = arith::AddIOp::create(b, loc, j, one);
        scf::YieldOp::create(
            b, loc,
            ValueRange{
                arith::SelectOp::create(b, loc, right, i, nextI),
                arith::SelectOp::create(b, loc, right, nextJ, j),
                tensor::InsertOp::create(b, loc, key, carried[2], place),
                tensor::InsertOp::create(b, loc, index, carried[3], place)});
      };
      auto merge = scf::ForOp::create(
          b, loc, begin, end, one,
          ValueRange{begin, middle, carried[0], carried[1]}, element);
      scf::YieldOp::create(b, loc,
                           ValueRange{merge.getResult(2), merge.getResult(3)});
    };
    return scf::ForOp::create(b, loc, zero, size, pair, to, runs).getResults();
  }

  /// How often runs of one element grow fourfold until one run has `size`.
  static Value rounds(OpBuilder &b, Location loc, int64_t length, Value size) {
    if (!ShapedType::isDynamic(length))
      return indexConstant(
          b, loc, length <= 1 ? 0 : (llvm::Log2_64_Ceil(length) + 1) / 2);
    // The number of powers of four below the size.
    Value count = indexConstant(b, loc, 0), one = indexConstant(b, loc, 1);
    return sequentialLoops(
        b, loc, OpFoldResult(b.getIndexAttr(31)), count,
        [&](OpBuilder &b, Location loc, ValueRange k, ValueRange carried) {
          Value power = arith::ShLIOp::create(
              b, loc, one, arith::AddIOp::create(b, loc, k[0], k[0]));
          Value below = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt,
                                              power, size);
          Value more = arith::AddIOp::create(b, loc, carried[0], one);
          return SmallVector<Value>{
              arith::SelectOp::create(b, loc, below, more, carried[0])};
        })[0];
  }

  LogicalResult matchAndRewrite(SortOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &b) const override {
    Location loc = op.getLoc();
    int64_t dim = op.getDim();
    auto type = cast<RankedTensorType>(adaptor.getX().getType());
    SmallVector<OpFoldResult> sizes = sizesOf(b, loc, op.getX());
    SmallVector<OpFoldResult> others(sizes);
    others.erase(others.begin() + dim);
    Value size = sizeValue(b, loc, sizes[dim]);
    int64_t length = type.getDimSize(dim);
    auto keys = RankedTensorType::get(length, type.getElementType());
    auto indices = RankedTensorType::get(length, b.getI32Type());
    Value roundCount = rounds(b, loc, length, size);

    auto copy = [](OpBuilder &b, Location loc, Value from, Value to) {
      return pointwise(b, loc, Input{from, b.getMultiDimIdentityMap(1), {}}, to,
                       [](OpBuilder &, Location, ValueRange in, ValueRange) {
                         return SmallVector<Value>{in[0]};
                       });
    };
    auto row = [&](OpBuilder &b, Location loc, ValueRange at,
                   ValueRange carried) {
      SmallVector<OpFoldResult> offsets(at.begin(), at.end()),
          lengths(at.size(), b.getIndexAttr(1));
      SmallVector<bool> drop(at.size(), true);
      offsets.insert(offsets.begin() + dim, b.getIndexAttr(0));
      lengths.insert(lengths.begin() + dim, sizes[dim]);
      drop.insert(drop.begin() + dim, false);
      Value x = extractSlice(b, loc, adaptor.getX(), offsets, lengths, drop);
      Value rowKeys = copy(b, loc, x, emptyTensor(b, loc, keys, sizes[dim]));
      Value rowIndices =
          pointwise(b, loc, {}, emptyTensor(b, loc, indices, sizes[dim]),
                    [](OpBuilder &b, Location loc, ValueRange, ValueRange) {
                      Value index = linalg::IndexOp::create(b, loc, 0);
                      return SmallVector<Value>{arith::IndexCastOp::create(
                          b, loc, b.getI32Type(), index)};
                    });
      // There and back: after a round the row is where it was before.
      Value two = indexConstant(b, loc, 2);
      SmallVector<Value> sorted = sequentialLoops(
          b, loc, OpFoldResult(roundCount), {rowKeys, rowIndices},
          [&](OpBuilder &b, Location loc, ValueRange round,
              ValueRange current) {
            Value width = arith::ShLIOp::create(
                b, loc, indexConstant(b, loc, 1),
                arith::MulIOp::create(b, loc, round[0], two));
            Value wider = arith::MulIOp::create(b, loc, width, two);
            SmallVector<Value> scratch{
                emptyTensor(b, loc, keys, sizes[dim]),
                emptyTensor(b, loc, indices, sizes[dim])};
            scratch = mergeRuns(b, loc, op, size, width, current, scratch);
            return mergeRuns(b, loc, op, size, wider, scratch, current);
          });
      return SmallVector<Value>{
          insertSlice(b, loc, sorted[0], carried[0], offsets, lengths),
          insertSlice(b, loc, sorted[1], carried[1], offsets, lengths)};
    };
    b.replaceOp(op, sequentialLoops(b, loc, others,
                                    {emptyLike(b, loc, op.getValues()),
                                     emptyLike(b, loc, op.getIndices())},
                                    row));
    return success();
  }
};

} // namespace

void populateSortPatterns(RewritePatternSet &patterns, TypeConverter &types) {
  patterns.add<SortPattern>(types, patterns.getContext());
}

} // namespace lamina::lam
