//===- ExpandArith.cpp - arithmetic that LLVM would make calls of --------===//
#include "lamina/Transforms/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace lamina {
#define GEN_PASS_DEF_EXPANDARITH
#include "lamina/Transforms/Passes.h.inc"
} // namespace lamina

using namespace mlir;
using namespace lamina;

namespace {
/// Builds the conversions for scalars and vectors alike.
class Expander {
public:
  Expander(Operation *op, bool half)
      : builder(op->getLoc(), op), half(half),
        shape(op->getOperand(0).getType()) {}

  Value extend(Value value, Type to) {
    Type from = getElementTypeOrSelf(value);
    Value wide;
    if (from.isBF16())
      wide = bits(shl(extui(bits(value, i(16)), i(32)), 16), f32());
    else
      wide = half ? extendHalf(value) : ext(value, f32());
    return getElementTypeOrSelf(to).isF64() ? ext(wide, builder.getF64Type())
                                            : wide;
  }

  Value truncate(Value value, Type to) {
    if (getElementTypeOrSelf(value).isF64())
      value = roundToOdd(value);
    if (getElementTypeOrSelf(to).isBF16())
      return truncateToBrain(value);
    return half ? truncateToHalf(value)
                : Value(arith::TruncFOp::create(
                      builder, like(builder.getF16Type()), value));
  }

private:
  ImplicitLocOpBuilder builder;
  bool half;
  Type shape;

  Type f32() { return builder.getF32Type(); }
  Type i(unsigned width) { return builder.getIntegerType(width); }
  Type like(Type element) {
    auto shaped = dyn_cast<ShapedType>(shape);
    return shaped ? Type(shaped.clone(element)) : element;
  }
  Value number(uint32_t value) {
    auto attribute = builder.getI32IntegerAttr(int32_t(value));
    auto shaped = dyn_cast<ShapedType>(like(i(32)));
    return arith::ConstantOp::create(
        builder,
        shaped ? TypedAttr(DenseElementsAttr::get(shaped, attribute.getValue()))
               : TypedAttr(attribute));
  }
  Value bits(Value value, Type element) {
    return arith::BitcastOp::create(builder, like(element), value);
  }
  Value extui(Value value, Type element) {
    return arith::ExtUIOp::create(builder, like(element), value);
  }
  Value trunci(Value value) {
    return arith::TruncIOp::create(builder, like(i(16)), value);
  }
  Value ext(Value value, Type element) {
    return arith::ExtFOp::create(builder, like(element), value);
  }
  Value shl(Value value, unsigned by) {
    return arith::ShLIOp::create(builder, value, number(by));
  }
  Value shr(Value value, unsigned by) {
    return arith::ShRUIOp::create(builder, value, number(by));
  }
  Value add(Value a, Value b) { return arith::AddIOp::create(builder, a, b); }
  Value conj(Value a, uint32_t b) {
    return arith::AndIOp::create(builder, a, number(b));
  }
  Value disj(Value a, Value b) { return arith::OrIOp::create(builder, a, b); }
  Value uge(Value a, uint32_t b) {
    return arith::CmpIOp::create(builder, arith::CmpIPredicate::uge, a,
                                 number(b));
  }
  Value select(Value c, Value a, Value b) {
    return arith::SelectOp::create(builder, c, a, b);
  }

  /// Scaling by 2^112 maps the exponent range, subnormals included, exactly.
  Value extendHalf(Value value) {
    Value wide = extui(bits(value, i(16)), i(32));
    Value sign = shl(conj(wide, 0x8000), 16), magnitude = conj(wide, 0x7fff);
    Value scale = bits(number(0x77800000), f32());
    Value finite = bits(
        arith::MulFOp::create(builder, bits(shl(magnitude, 13), f32()), scale),
        i(32));
    Value special = disj(shl(magnitude, 13), number(0x7f800000));
    return bits(disj(select(uge(magnitude, 0x7c00), special, finite), sign),
                f32());
  }

  /// Round to nearest, ties to even, on the bits; a NaN stays one.
  Value truncateToBrain(Value value) {
    Value wide = bits(value, i(32));
    Value rounded =
        shr(add(add(wide, number(0x7fff)), conj(shr(wide, 16), 1)), 16);
    Value nan = disj(shr(wide, 16), number(0x40));
    return bits(
        trunci(select(uge(conj(wide, 0x7fffffff), 0x7f800001), nan, rounded)),
        builder.getBF16Type());
  }

  Value truncateToHalf(Value value) {
    Value wide = bits(value, i(32));
    Value magnitude = conj(wide, 0x7fffffff),
          sign = shr(conj(wide, 0x80000000u), 16);
    Value special =
        select(uge(magnitude, 0x7f800001), number(0x7e00), number(0x7c00));
    // Adding 0.5 lets the float adder round at the last place of a subnormal.
    Value half = bits(number(0x3f000000), f32());
    Value tiny =
        add(bits(arith::AddFOp::create(builder, bits(magnitude, f32()), half),
                 i(32)),
            number(0xc1000000u));
    // Rebias the exponent by 15 - 127 and round at bit 13.
    Value normal = shr(
        add(add(magnitude, number(0xc8000fffu)), conj(shr(magnitude, 13), 1)),
        13);
    Value result = select(uge(magnitude, 0x38800000), normal, tiny);
    result = select(uge(magnitude, 0x47800000), special, result);
    return bits(trunci(disj(result, sign)), builder.getF16Type());
  }

  /// float64 to float32 so that a second rounding gives what one would have:
  /// towards zero, with the last bit set if anything was lost.
  Value roundToOdd(Value value) {
    Value nearest = arith::TruncFOp::create(builder, like(f32()), value);
    Value back = ext(nearest, builder.getF64Type());
    Value inexact =
        arith::CmpFOp::create(builder, arith::CmpFPredicate::ONE, back, value);
    Value above = arith::CmpIOp::create(builder, arith::CmpIPredicate::ugt,
                                        magnitude(back), magnitude(value));
    Value wide = bits(nearest, i(32));
    Value towardsZero = select(above, add(wide, number(0xffffffffu)), wide);
    return bits(select(inexact, disj(towardsZero, number(1)), wide), f32());
  }

  /// The bits of a float64 without its sign, for comparison.
  Value magnitude(Value value) {
    auto one = builder.getI64IntegerAttr(1);
    auto shaped = dyn_cast<ShapedType>(like(i(64)));
    Value amount = arith::ConstantOp::create(
        builder, shaped
                     ? TypedAttr(DenseElementsAttr::get(shaped, one.getValue()))
                     : TypedAttr(one));
    return arith::ShLIOp::create(builder, bits(value, i(64)), amount);
  }
};

struct ExpandArith : lamina::impl::ExpandArithBase<ExpandArith> {
  using ExpandArithBase::ExpandArithBase;

  void runOnOperation() override {
    auto narrow = [](Value value) {
      Type type = getElementTypeOrSelf(value);
      return type.isF16() || type.isBF16();
    };
    SmallVector<Operation *> casts;
    getOperation().walk([&](Operation *op) {
      if ((isa<arith::ExtFOp>(op) && narrow(op->getOperand(0))) ||
          (isa<arith::TruncFOp>(op) && narrow(op->getResult(0))))
        casts.push_back(op);
    });
    for (Operation *op : casts) {
      Type to = op->getResult(0).getType();
      Expander expander(op, half);
      Value result = isa<arith::ExtFOp>(op)
                         ? expander.extend(op->getOperand(0), to)
                         : expander.truncate(op->getOperand(0), to);
      op->getResult(0).replaceAllUsesWith(result);
      op->erase();
    }
    // A choice between narrow floats is one between their bits.
    SmallVector<arith::SelectOp> selects;
    getOperation().walk([&](arith::SelectOp op) {
      if (narrow(op.getResult()))
        selects.push_back(op);
    });
    for (arith::SelectOp op : selects) {
      ImplicitLocOpBuilder builder(op.getLoc(), op);
      Type type = op.getType(), bits = builder.getI16Type();
      if (auto shaped = dyn_cast<ShapedType>(type))
        bits = shaped.clone(bits);
      Value a = arith::BitcastOp::create(builder, bits, op.getTrueValue());
      Value b = arith::BitcastOp::create(builder, bits, op.getFalseValue());
      Value chosen = arith::SelectOp::create(builder, op.getCondition(), a, b);
      op.replaceAllUsesWith(
          Value(arith::BitcastOp::create(builder, type, chosen)));
      op.erase();
    }
    // Not the rest of upstream's expansions: those lose the sign of zero.
    RewritePatternSet patterns(&getContext());
    arith::populateCeilFloorDivExpandOpsPatterns(patterns);
    arith::BitcastOp::getCanonicalizationPatterns(patterns, &getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace
