//===- FoldPointwise.cpp - folds of pointwise ops -------------------------===//
//
// Only what holds for every value: NaN, infinities and the sign of zero are
// part of an expression's meaning.
//
//===----------------------------------------------------------------------===//

#include "FoldConstants.h"
#include "lamina/Lam/Lam.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace lamina::lam;

namespace {
/// A constant all of whose elements are one number, seen through broadcasts.
struct Splat {
  std::optional<APFloat> real;
  std::optional<APInt> integer;

  bool isReal(double number, bool negativeZero = false) const {
    return real && real->convertToDouble() == number &&
           (number != 0 || real->isNegative() == negativeZero);
  }
  bool isInteger(int64_t number) const {
    return integer && *integer == APInt(integer->getBitWidth(), number,
                                        /*isSigned=*/true,
                                        /*implicitTrunc=*/true);
  }
  /// 1 or any other number that has one representation.
  bool is(int64_t number) const {
    return isReal(static_cast<double>(number)) || isInteger(number);
  }
};
} // namespace

static Splat splatOf(Value value) {
  while (auto broadcast = value.getDefiningOp<BroadcastOp>())
    value = broadcast.getX();
  DenseElementsAttr elements;
  Splat splat;
  if (!matchPattern(value, m_Constant(&elements)) || !elements.isSplat())
    return splat;
  if (isa<FloatType>(elements.getElementType()))
    splat.real = elements.getSplatValue<APFloat>();
  else
    splat.integer = elements.getSplatValue<APInt>();
  return splat;
}

OpFoldResult AddOp::fold(FoldAdaptor) {
  // -0 is the neutral element of floats: -0 + 0 is 0.
  for (auto [number, other] :
       {std::pair(getB(), getA()), std::pair(getA(), getB())}) {
    Splat splat = splatOf(number);
    if (splat.isInteger(0) || splat.isReal(0, /*negativeZero=*/true))
      return other;
  }
  return {};
}

OpFoldResult SubOp::fold(FoldAdaptor) {
  Splat b = splatOf(getB());
  if (b.isInteger(0) || b.isReal(0))
    return getA();
  return {};
}

OpFoldResult MulOp::fold(FoldAdaptor) {
  for (auto [number, other] :
       {std::pair(getB(), getA()), std::pair(getA(), getB())}) {
    Splat splat = splatOf(number);
    if (splat.is(1))
      return other;
    // Of floats inf * 0 is NaN.
    if (splat.isInteger(0))
      return number;
  }
  return {};
}

OpFoldResult DivOp::fold(FoldAdaptor) {
  return splatOf(getB()).is(1) ? OpFoldResult(getA()) : OpFoldResult();
}

OpFoldResult PowOp::fold(FoldAdaptor) {
  return splatOf(getB()).is(1) ? OpFoldResult(getA()) : OpFoldResult();
}

OpFoldResult NegOp::fold(FoldAdaptor) {
  if (auto inner = getX().getDefiningOp<NegOp>())
    return inner.getX();
  return {};
}

OpFoldResult NotOp::fold(FoldAdaptor) {
  if (auto inner = getX().getDefiningOp<NotOp>())
    return inner.getX();
  return {};
}

OpFoldResult SelectOp::fold(FoldAdaptor) {
  if (getA() == getB())
    return getA();
  Splat condition = splatOf(getC());
  if (condition.integer)
    return condition.integer->isZero() ? getB() : getA();
  return {};
}

//===----------------------------------------------------------------------===//
// Canonicalization
//===----------------------------------------------------------------------===//

namespace {
/// Any pointwise op of constants is a constant.
struct PointwiseOfConstants : OpInterfaceRewritePattern<PointwiseOpInterface> {
  using OpInterfaceRewritePattern::OpInterfaceRewritePattern;
  LogicalResult matchAndRewrite(PointwiseOpInterface op,
                                PatternRewriter &rewriter) const override {
    SmallVector<Attribute> operands;
    for (Value operand : op->getOperands())
      if (!matchPattern(operand, m_Constant(&operands.emplace_back())))
        return failure();
    OpFoldResult folded = foldPointwise(op, operands);
    auto value =
        dyn_cast_or_null<ElementsAttr>(dyn_cast_if_present<Attribute>(folded));
    if (!value)
      return failure();
    rewriter.replaceOpWithNewOp<ConstantOp>(op, value);
    return success();
  }
};

/// x + (-y) is x - y.
struct AddOfNeg : OpRewritePattern<AddOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(AddOp op,
                                PatternRewriter &rewriter) const override {
    for (auto [x, y] :
         {std::pair(op.getA(), op.getB()), std::pair(op.getB(), op.getA())})
      if (auto negated = y.getDefiningOp<NegOp>()) {
        rewriter.replaceOpWithNewOp<SubOp>(op, op.getType(), x, negated.getX());
        return success();
      }
    return failure();
  }
};

/// x * -1 is -x.
struct MulByMinusOne : OpRewritePattern<MulOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(MulOp op,
                                PatternRewriter &rewriter) const override {
    for (auto [x, y] :
         {std::pair(op.getA(), op.getB()), std::pair(op.getB(), op.getA())})
      if (splatOf(y).is(-1)) {
        rewriter.replaceOpWithNewOp<NegOp>(op, op.getType(), x);
        return success();
      }
    return failure();
  }
};

/// Small whole powers are products. (x^0.5 is not sqrt: they differ at -0 and
/// -inf.)
struct PowOfSmallNumber : OpRewritePattern<PowOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(PowOp op,
                                PatternRewriter &rewriter) const override {
    Splat exponent = splatOf(op.getB());
    Value x = op.getA();
    Type type = op.getType();
    auto mul = [&](Value a, Value b) -> Value {
      return MulOp::create(rewriter, op.getLoc(), type, a, b);
    };
    if (exponent.is(2)) {
      rewriter.replaceOp(op, mul(x, x));
    } else if (exponent.is(3)) {
      rewriter.replaceOp(op, mul(mul(x, x), x));
    } else if (exponent.is(4)) {
      Value square = mul(x, x);
      rewriter.replaceOp(op, mul(square, square));
    } else if (exponent.isReal(-1)) {
      Expr base(x, rewriter, op.getLoc());
      rewriter.replaceOp(op, (1.0 / base).value());
    } else {
      return failure();
    }
    return success();
  }
};
} // namespace

void AddOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                        MLIRContext *context) {
  // The pattern of all pointwise ops is registered once, here.
  patterns.add<AddOfNeg, PointwiseOfConstants>(context);
}
void MulOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                        MLIRContext *context) {
  patterns.add<MulByMinusOne>(context);
}
void PowOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                        MLIRContext *context) {
  patterns.add<PowOfSmallNumber>(context);
}
