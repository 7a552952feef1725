//===- Expr.cpp - operators and functions over IR values ------------------===//
//
// Every function has two readings here: of tensors it emits its lam op, of
// scalars its arith or math op. What has no single scalar op is composed in
// ScalarFormulas.cpp.
//
//===----------------------------------------------------------------------===//

#include "ScalarFormulas.h"
#include "lamina/Lam/Lam.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace lamina::lam {

//===----------------------------------------------------------------------===//
// Values and numbers
//===----------------------------------------------------------------------===//

Expr Expr::of(Value value) const {
  return Expr(value, *opBuilder, *location, isUnsigned);
}

/// The number as an attribute of the scalar type `type`.
static TypedAttr numberAttr(OpBuilder &builder, Type type, double number) {
  if (isa<FloatType>(type))
    return builder.getFloatAttr(type, number);
  auto integer = cast<IntegerType>(type);
  // A number outside the type wraps, as every other integer operation does.
  auto wide = static_cast<int64_t>(number);
  return IntegerAttr::get(type,
                          APInt(integer.getWidth(), wide, /*isSigned=*/false,
                                /*implicitTrunc=*/true));
}

Value Expr::materialize(const Expr &like) const {
  if (irValue)
    return irValue;
  Value model = like.compared ? like.compared : like.irValue;
  OpBuilder &builder = *like.opBuilder;
  Location loc = *like.location;
  auto tensor = dyn_cast<RankedTensorType>(model.getType());
  if (!tensor)
    return arith::ConstantOp::create(
        builder, loc, numberAttr(builder, model.getType(), number));

  Type element = tensor.getElementType();
  auto constant = [&](RankedTensorType type) {
    return ConstantOp::create(
        builder, loc,
        cast<ElementsAttr>(DenseElementsAttr::get(
            type, Attribute(numberAttr(builder, element, number)))));
  };
  if (tensor.hasStaticShape())
    return constant(tensor);
  // A constant has a static shape: the number itself, repeated.
  SmallVector<Value> sizes;
  for (int64_t i = 0; i < tensor.getRank(); ++i)
    if (tensor.isDynamicDim(i))
      sizes.push_back(tensor::DimOp::create(builder, loc, model, i));
  return BroadcastOp::create(builder, loc, tensor,
                             constant(RankedTensorType::get({}, element)),
                             builder.getDenseI64ArrayAttr({}), sizes);
}

//===----------------------------------------------------------------------===//
// Emission
//===----------------------------------------------------------------------===//

static bool isTensor(const Expr &x) {
  return isa<RankedTensorType>(x.irValue.getType());
}

/// A tensor op with the type of its operands.
template <class Op>
static Expr tensorOp(const Expr &like, ValueRange operands) {
  return like.of(Op::create(*like.opBuilder, *like.location,
                            operands[0].getType(), operands)
                     ->getResult(0));
}

/// A tensor comparison or predicate.
template <class Op>
static Expr tensorTest(const Expr &like, ValueRange operands) {
  Expr result = like.of(Op::create(*like.opBuilder, *like.location,
                                   boolLike(operands[0].getType()), operands)
                            ->getResult(0));
  result.compared = operands[0];
  return result;
}

Expr testResult(Expr result, Value compared) {
  result.compared = compared;
  return result;
}

// Arithmetic on numbers stays a number; otherwise the value that is there
// gives the number its type.
#define LAMINA_LIKE(A, B) const Expr &like = (A).irValue ? (A) : (B)

Expr operator+(Expr a, Expr b) {
  if (a.isNumber() && b.isNumber())
    return a.number + b.number;
  LAMINA_LIKE(a, b);
  Value l = a.materialize(like), r = b.materialize(like);
  return isTensor(like) ? tensorOp<AddOp>(like, {l, r})
                        : Scalar::add(like.of(l), like.of(r));
}

Expr operator-(Expr a, Expr b) {
  if (a.isNumber() && b.isNumber())
    return a.number - b.number;
  if (b.is(0))
    return a;
  LAMINA_LIKE(a, b);
  Value l = a.materialize(like), r = b.materialize(like);
  return isTensor(like) ? tensorOp<SubOp>(like, {l, r})
                        : Scalar::sub(like.of(l), like.of(r));
}

Expr operator*(Expr a, Expr b) {
  if (a.isNumber() && b.isNumber())
    return a.number * b.number;
  // A partial derivative that is declared 0 is 0, whatever flows in.
  if (a.is(0) || b.is(0))
    return 0.0;
  if (a.is(1))
    return b;
  if (b.is(1))
    return a;
  if (b.is(-1))
    return -a;
  if (a.is(-1))
    return -b;
  LAMINA_LIKE(a, b);
  Value l = a.materialize(like), r = b.materialize(like);
  return isTensor(like) ? tensorOp<MulOp>(like, {l, r})
                        : Scalar::mul(like.of(l), like.of(r));
}

Expr operator/(Expr a, Expr b) {
  if (a.isNumber() && b.isNumber())
    return a.number / b.number;
  if (b.is(1))
    return a;
  LAMINA_LIKE(a, b);
  Value l = a.materialize(like), r = b.materialize(like);
  return isTensor(like) ? tensorOp<DivOp>(like, {l, r})
                        : Scalar::div(like.of(l), like.of(r));
}

Expr operator-(Expr x) {
  if (x.isNumber())
    return -x.number;
  return isTensor(x) ? tensorOp<NegOp>(x, {x.irValue}) : Scalar::neg(x);
}

#define LAMINA_EXPR_UNARY(NAME, OP, EMIT)                                      \
  Expr NAME(Expr x) {                                                          \
    if (x.isNumber())                                                          \
      return NAME(x.number);                                                   \
    return isTensor(x) ? EMIT<OP>(x, {x.irValue}) : Scalar::NAME(x);           \
  }
#define LAMINA_EXPR_BINARY(NAME, OP, EMIT)                                     \
  Expr NAME(Expr a, Expr b) {                                                  \
    if (a.isNumber() && b.isNumber())                                          \
      return NAME(a.number, b.number);                                         \
    LAMINA_LIKE(a, b);                                                         \
    Value l = a.materialize(like), r = b.materialize(like);                    \
    return isTensor(like) ? EMIT<OP>(like, {l, r})                             \
                          : Scalar::NAME(like.of(l), like.of(r));              \
  }
LAMINA_EXPR_UNARY(abs, AbsOp, tensorOp)
LAMINA_EXPR_UNARY(sign, SignOp, tensorOp)
LAMINA_EXPR_UNARY(floor, FloorOp, tensorOp)
LAMINA_EXPR_UNARY(ceil, CeilOp, tensorOp)
LAMINA_EXPR_UNARY(round, RoundOp, tensorOp)
LAMINA_EXPR_UNARY(trunc, TruncOp, tensorOp)
LAMINA_EXPR_UNARY(exp, ExpOp, tensorOp)
LAMINA_EXPR_UNARY(exp2, Exp2Op, tensorOp)
LAMINA_EXPR_UNARY(expm1, Expm1Op, tensorOp)
LAMINA_EXPR_UNARY(log, LogOp, tensorOp)
LAMINA_EXPR_UNARY(log2, Log2Op, tensorOp)
LAMINA_EXPR_UNARY(log10, Log10Op, tensorOp)
LAMINA_EXPR_UNARY(log1p, Log1pOp, tensorOp)
LAMINA_EXPR_UNARY(sqrt, SqrtOp, tensorOp)
LAMINA_EXPR_UNARY(rsqrt, RsqrtOp, tensorOp)
LAMINA_EXPR_UNARY(cbrt, CbrtOp, tensorOp)
LAMINA_EXPR_UNARY(sin, SinOp, tensorOp)
LAMINA_EXPR_UNARY(cos, CosOp, tensorOp)
LAMINA_EXPR_UNARY(tan, TanOp, tensorOp)
LAMINA_EXPR_UNARY(asin, AsinOp, tensorOp)
LAMINA_EXPR_UNARY(acos, AcosOp, tensorOp)
LAMINA_EXPR_UNARY(atan, AtanOp, tensorOp)
LAMINA_EXPR_UNARY(sinh, SinhOp, tensorOp)
LAMINA_EXPR_UNARY(cosh, CoshOp, tensorOp)
LAMINA_EXPR_UNARY(tanh, TanhOp, tensorOp)
LAMINA_EXPR_UNARY(asinh, AsinhOp, tensorOp)
LAMINA_EXPR_UNARY(acosh, AcoshOp, tensorOp)
LAMINA_EXPR_UNARY(atanh, AtanhOp, tensorOp)
LAMINA_EXPR_UNARY(erf, ErfOp, tensorOp)
LAMINA_EXPR_UNARY(erfc, ErfcOp, tensorOp)
LAMINA_EXPR_UNARY(erfinv, ErfinvOp, tensorOp)
LAMINA_EXPR_UNARY(sigmoid, SigmoidOp, tensorOp)
LAMINA_EXPR_UNARY(softplus, SoftplusOp, tensorOp)
LAMINA_EXPR_UNARY(is_nan, IsNanOp, tensorTest)
LAMINA_EXPR_UNARY(is_inf, IsInfOp, tensorTest)
LAMINA_EXPR_UNARY(is_finite, IsFiniteOp, tensorTest)
LAMINA_EXPR_UNARY(bit_not, NotOp, tensorOp)
LAMINA_EXPR_BINARY(floor_div, FloorDivOp, tensorOp)
LAMINA_EXPR_BINARY(mod, ModOp, tensorOp)
LAMINA_EXPR_BINARY(rem, RemOp, tensorOp)
LAMINA_EXPR_BINARY(pow, PowOp, tensorOp)
LAMINA_EXPR_BINARY(max, MaxOp, tensorOp)
LAMINA_EXPR_BINARY(min, MinOp, tensorOp)
LAMINA_EXPR_BINARY(atan2, Atan2Op, tensorOp)
LAMINA_EXPR_BINARY(nextafter, NextAfterOp, tensorOp)
LAMINA_EXPR_BINARY(eq, EqOp, tensorTest)
LAMINA_EXPR_BINARY(ne, NeOp, tensorTest)
LAMINA_EXPR_BINARY(lt, LtOp, tensorTest)
LAMINA_EXPR_BINARY(le, LeOp, tensorTest)
LAMINA_EXPR_BINARY(gt, GtOp, tensorTest)
LAMINA_EXPR_BINARY(ge, GeOp, tensorTest)
LAMINA_EXPR_BINARY(bit_and, AndOp, tensorOp)
LAMINA_EXPR_BINARY(bit_or, OrOp, tensorOp)
LAMINA_EXPR_BINARY(bit_xor, XorOp, tensorOp)
LAMINA_EXPR_BINARY(shift_left, ShiftLeftOp, tensorOp)
LAMINA_EXPR_BINARY(shift_right, ShiftRightOp, tensorOp)
#undef LAMINA_EXPR_UNARY
#undef LAMINA_EXPR_BINARY

Expr select(Expr c, Expr a, Expr b) {
  if (c.isNumber())
    return c.number != 0 ? a : b;
  const Expr &like = a.irValue ? a : b.irValue ? b : c;
  Value l = a.materialize(like), r = b.materialize(like);
  Expr base = a.irValue || b.irValue ? like : c;
  if (isa<RankedTensorType>(l.getType()))
    return base.of(SelectOp::create(*base.opBuilder, *base.location,
                                    l.getType(), c.irValue, l, r));
  return base.of(arith::SelectOp::create(*base.opBuilder, *base.location,
                                         c.irValue, l, r));
}

} // namespace lamina::lam
