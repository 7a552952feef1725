//===- LamToLinalgReduce.cpp - reductions and windows ---------------------===//

#include "LamToLinalg.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include <limits>

using namespace mlir;
using mlir::utils::IteratorType;

namespace lamina::lam {
namespace {

/// A tensor of the identity of `kind`, in the compute type, for a result of
/// `value`'s sizes.
Value identityTensor(OpBuilder &b, Location loc, ReduceKind kind, Type type,
                     ArrayRef<int64_t> shape, ArrayRef<OpFoldResult> sizes) {
  Value scalar = arith::ConstantOp::create(b, loc, identity(kind, type));
  return filledTensor(b, loc, RankedTensorType::get(shape, computeType(type)),
                      sizes, scalar);
}

/// The loops over `x`, of which those in `dims` reduce.
struct ReductionLoops {
  ReductionLoops(ConversionPatternRewriter &b, Location loc, Value x,
                 ArrayRef<int64_t> dims) {
    int64_t rank = cast<ShapedType>(x.getType()).getRank();
    iterators.assign(rank, IteratorType::parallel);
    SmallVector<AffineExpr> kept;
    for (int64_t i = 0; i < rank; ++i)
      if (llvm::is_contained(dims, i))
        iterators[i] = IteratorType::reduction;
      else
        kept.push_back(b.getAffineDimExpr(i));
    output = AffineMap::get(rank, 0, kept, b.getContext());
    AffineMap whole = b.getMultiDimIdentityMap(rank);
    input = resolve(b, loc, x, whole);
    // Bounds of the reducing loops come from the operand alone.
    if (input.scalar || llvm::any_of(dims, [&](int64_t dim) {
          return !input.map.isFunctionOfDim(dim);
        }))
      input = {b.getRemappedValue(x), whole, {}};
  }

  Input input;
  AffineMap output;
  SmallVector<IteratorType> iterators;
};

struct ReducePattern : OpConversionPattern<ReduceOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(ReduceOp op, OpAdaptor,
                                ConversionPatternRewriter &b) const override {
    Location loc = op.getLoc();
    Type type = elementType(op.getX());
    RankedTensorType result = signlessTensor(op);
    Value init = identityTensor(b, loc, op.getKind(), type, result.getShape(),
                                sizesOf(b, loc, op));
    ReductionLoops nest(b, loc, op.getX(), op.getDims());
    auto body = [&](OpBuilder &b, Location loc, ValueRange in, ValueRange out) {
      Value x = convertFloat(b, loc, in[0], computeType(type));
      return SmallVector<Value>{combine(b, loc, op.getKind(), type, x, out[0])};
    };
    Value y =
        loops(b, loc, nest.input, init, nest.output, nest.iterators, body)[0];
    b.replaceOp(op, roundTensor(b, loc, y, result));
    return success();
  }
};

/// Along rows the extreme comes first and then the least index where it is:
/// two reductions whose order is free. Otherwise one pass over memory carries
/// the extreme so far and its index. NaN is better than any number.
struct ArgReducePattern : OpConversionPattern<ArgReduceOp> {
  using OpConversionPattern::OpConversionPattern;

  /// Whether x is strictly better.
  static Value better(OpBuilder &b, Location loc, ReduceKind kind, Type type,
                      Value x, Value best) {
    bool max = kind == ReduceKind::Max;
    if (!isa<FloatType>(type)) {
      arith::CmpIPredicate predicate =
          readsUnsigned(type)
              ? (max ? arith::CmpIPredicate::ugt : arith::CmpIPredicate::ult)
              : (max ? arith::CmpIPredicate::sgt : arith::CmpIPredicate::slt);
      return arith::CmpIOp::create(b, loc, predicate, x, best);
    }
    Value exceeds = arith::CmpFOp::create(
        b, loc, max ? arith::CmpFPredicate::UGT : arith::CmpFPredicate::ULT, x,
        best);
    Value isNumber =
        arith::CmpFOp::create(b, loc, arith::CmpFPredicate::ORD, best, best);
    return arith::AndIOp::create(b, loc, exceeds, isNumber);
  }

  /// Whether x is the extreme, which is NaN if any element is.
  static Value isExtreme(OpBuilder &b, Location loc, Type type, Value x,
                         Value extreme) {
    if (!isa<FloatType>(type))
      return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, x,
                                   extreme);
    Value same =
        arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OEQ, x, extreme);
    Value isNaN =
        arith::CmpFOp::create(b, loc, arith::CmpFPredicate::UNO, x, x);
    return arith::OrIOp::create(b, loc, same, isNaN);
  }

  static Value indexOf(OpBuilder &b, Location loc, int64_t dim) {
    return arith::IndexCastOp::create(b, loc, b.getI32Type(),
                                      linalg::IndexOp::create(b, loc, dim));
  }

  LogicalResult matchAndRewrite(ArgReduceOp op, OpAdaptor,
                                ConversionPatternRewriter &b) const override {
    Location loc = op.getLoc();
    Type type = elementType(op.getX());
    RankedTensorType result = signlessTensor(op);
    SmallVector<OpFoldResult> sizes = sizesOf(b, loc, op);
    int64_t dim = op.getDim();
    ReductionLoops nest(b, loc, op.getX(), dim);
    Value best =
        identityTensor(b, loc, op.getKind(), type, result.getShape(), sizes);
    auto indices = [&](int32_t fill) {
      Value scalar =
          arith::ConstantOp::create(b, loc, b.getI32IntegerAttr(fill));
      return filledTensor(b, loc, result, sizes, scalar);
    };
    if (dim + 1 == cast<ShapedType>(op.getX().getType()).getRank()) {
      auto extreme = [&](OpBuilder &b, Location loc, ValueRange in,
                         ValueRange out) {
        Value x = convertFloat(b, loc, in[0], computeType(type));
        return SmallVector<Value>{
            combine(b, loc, op.getKind(), type, x, out[0])};
      };
      best = loops(b, loc, nest.input, best, nest.output, nest.iterators,
                   extreme)[0];
      auto first = [&](OpBuilder &b, Location loc, ValueRange in,
                       ValueRange out) {
        Value x = convertFloat(b, loc, in[0], computeType(type));
        Value none = arith::ConstantOp::create(
            b, loc, b.getI32IntegerAttr(std::numeric_limits<int32_t>::max()));
        Value place =
            arith::SelectOp::create(b, loc, isExtreme(b, loc, type, x, in[1]),
                                    indexOf(b, loc, dim), none);
        return SmallVector<Value>{
            arith::MinSIOp::create(b, loc, place, out[0])};
      };
      b.replaceOp(op, loops(b, loc, {nest.input, {best, nest.output, {}}},
                            indices(std::numeric_limits<int32_t>::max()),
                            nest.output, nest.iterators, first)[0]);
      return success();
    }
    auto body = [&](OpBuilder &b, Location loc, ValueRange in, ValueRange out) {
      Value x = convertFloat(b, loc, in[0], computeType(type));
      Value take = better(b, loc, op.getKind(), type, x, out[0]);
      return SmallVector<Value>{
          arith::SelectOp::create(b, loc, take, x, out[0]),
          arith::SelectOp::create(b, loc, take, indexOf(b, loc, dim), out[1])};
    };
    b.replaceOp(op, loops(b, loc, nest.input, {best, indices(0)},
                          {nest.output, nest.output}, nest.iterators, body)[1]);
    return success();
  }
};

struct WindowPattern : OpConversionPattern<WindowOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(WindowOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &b) const override {
    Location loc = op.getLoc();
    Type type = elementType(op.getX());
    RankedTensorType result = signlessTensor(op);
    SmallVector<OpFoldResult> sizes = sizesOf(b, loc, op);
    Value init =
        identityTensor(b, loc, op.getKind(), type, result.getShape(), sizes);

    // The padding is the identity in the operand's own type.
    TypedAttr neutral = identity(op.getKind(), type);
    if (isa<FloatType>(type) && neutral.getType() != type) {
      APFloat number = cast<FloatAttr>(neutral).getValue();
      bool inexact;
      number.convert(cast<FloatType>(type).getFloatSemantics(),
                     APFloat::rmNearestTiesToEven, &inexact);
      neutral = b.getFloatAttr(type, number);
    }
    SmallVector<int64_t> noHoles(result.getRank(), 1);
    Value x = padWindowed(b, loc, adaptor.getX(), sizesOf(b, loc, op.getX()),
                          arith::ConstantOp::create(b, loc, neutral),
                          op.getPadLow(), op.getPadHigh(), noHoles);
    x = trimToWindows(b, loc, x, sizes, op.getWindow(), op.getStrides(),
                      op.getDilation());

    // Loops over the result, then over the window where it is not trivial.
    SmallVector<int64_t> window;
    SmallVector<AffineExpr> place, inWindow;
    int64_t rank = result.getRank();
    for (int64_t i = 0; i < rank; ++i) {
      AffineExpr at = b.getAffineDimExpr(i) * op.getStrides()[i];
      if (op.getWindow()[i] != 1) {
        AffineExpr inside = b.getAffineDimExpr(rank + window.size());
        at = at + inside * op.getDilation()[i];
        inWindow.push_back(inside);
        window.push_back(op.getWindow()[i]);
      }
      place.push_back(at);
    }
    int64_t loopCount = rank + window.size();
    auto map = [&](ArrayRef<AffineExpr> exprs) {
      return AffineMap::get(loopCount, 0, exprs, b.getContext());
    };
    SmallVector<AffineExpr> output;
    for (int64_t i = 0; i < rank; ++i)
      output.push_back(b.getAffineDimExpr(i));
    SmallVector<IteratorType> iterators(rank, IteratorType::parallel);
    iterators.append(window.size(), IteratorType::reduction);

    SmallVector<Input> inputs{{x, map(place), {}}};
    // Only its shape counts: it bounds the loops over the window.
    if (!window.empty())
      inputs.push_back(
          {tensor::EmptyOp::create(b, loc, window, computeType(type)),
           map(inWindow),
           {}});
    auto body = [&](OpBuilder &b, Location loc, ValueRange in, ValueRange out) {
      Value x = convertFloat(b, loc, in[0], computeType(type));
      return SmallVector<Value>{combine(b, loc, op.getKind(), type, x, out[0])};
    };
    Value y = loops(b, loc, inputs, init, map(output), iterators, body)[0];
    b.replaceOp(op, roundTensor(b, loc, y, result));
    return success();
  }
};

} // namespace

void populateReducePatterns(RewritePatternSet &patterns, TypeConverter &types) {
  patterns.add<ReducePattern, ArgReducePattern, WindowPattern>(
      types, patterns.getContext());
}

} // namespace lamina::lam
