//===- LamToLinalgCast.cpp - conversions between element types ------------===//

#include "LamToLinalg.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace lamina::lam {

static Value floatConstant(OpBuilder &b, Location loc, Type type,
                           double number) {
  return arith::ConstantOp::create(b, loc, b.getFloatAttr(type, number));
}

static Value integerConstant(OpBuilder &b, Location loc, Type type,
                             const APInt &number) {
  return arith::ConstantOp::create(b, loc, b.getIntegerAttr(type, number));
}

/// An f64 as an f32 such that rounding it once more, to a type with at least
/// two bits less, gives what rounding the f64 directly would give: an inexact
/// result takes the neighbour with an odd last bit.
static Value roundToOdd(OpBuilder &b, Location loc, Value x) {
  Type f32 = b.getF32Type(), f64 = b.getF64Type(), i32 = b.getI32Type();
  Value y = arith::TruncFOp::create(b, loc, f32, x);
  Value back = arith::ExtFOp::create(b, loc, f64, y);
  // False for NaN, so that it stays one.
  Value inexact =
      arith::CmpFOp::create(b, loc, arith::CmpFPredicate::ONE, back, x);
  Value positive = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OGT, x,
                                         floatConstant(b, loc, f64, 0));
  Value above =
      arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OGT, back, x);
  // Away from zero: above a positive number, not above a negative one.
  Value away =
      arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, above, positive);
  Value bits = arith::BitcastOp::create(b, loc, i32, y);
  Value step = arith::ExtUIOp::create(b, loc, i32, away);
  Value towards = arith::SubIOp::create(b, loc, bits, step);
  Value odd = arith::OrIOp::create(b, loc, towards,
                                   integerConstant(b, loc, i32, APInt(32, 1)));
  Value chosen = arith::SelectOp::create(b, loc, inexact, odd, bits);
  return arith::BitcastOp::create(b, loc, f32, chosen);
}

Value convertFloat(OpBuilder &b, Location loc, Value x, Type to) {
  Type from = x.getType();
  if (from == to || !isa<FloatType>(from) || !isa<FloatType>(to))
    return x;
  unsigned have = from.getIntOrFloatBitWidth(),
           want = to.getIntOrFloatBitWidth();
  if (have < want)
    return b.createOrFold<arith::ExtFOp>(loc, to, x);
  if (have == want) // f16 and bf16
    return convertFloat(b, loc, convertFloat(b, loc, x, b.getF32Type()), to);
  if (have == 64 && want == 16)
    x = roundToOdd(b, loc, x);
  return b.createOrFold<arith::TruncFOp>(loc, to, x);
}

static Value floatToInteger(OpBuilder &b, Location loc, Value x, IntegerType to,
                            bool isUnsigned) {
  x = convertFloat(b, loc, x, computeType(x.getType()));
  Type from = x.getType();
  unsigned width = to.getWidth();
  APInt low =
      isUnsigned ? APInt::getZero(width) : APInt::getSignedMinValue(width);
  APInt high =
      isUnsigned ? APInt::getMaxValue(width) : APInt::getSignedMaxValue(width);
  // Both powers of two are exact in every float type. The conversion itself
  // is only defined for values that fit, so others (and NaN) become 0 first.
  Value least = floatConstant(b, loc, from,
                              isUnsigned ? 0.0 : -std::ldexp(1.0, width - 1));
  Value limit = floatConstant(b, loc, from,
                              std::ldexp(1.0, isUnsigned ? width : width - 1));
  auto compare = [&](arith::CmpFPredicate predicate, Value bound) -> Value {
    return arith::CmpFOp::create(b, loc, predicate, x, bound);
  };
  Value fits =
      arith::AndIOp::create(b, loc, compare(arith::CmpFPredicate::OGE, least),
                            compare(arith::CmpFPredicate::OLT, limit));
  Value inside =
      arith::SelectOp::create(b, loc, fits, x, floatConstant(b, loc, from, 0));
  Value number = isUnsigned
                     ? arith::FPToUIOp::create(b, loc, to, inside).getResult()
                     : arith::FPToSIOp::create(b, loc, to, inside).getResult();
  number =
      arith::SelectOp::create(b, loc, compare(arith::CmpFPredicate::OGE, limit),
                              integerConstant(b, loc, to, high), number);
  if (isUnsigned) // below 0 is 0 already
    return number;
  return arith::SelectOp::create(b, loc,
                                 compare(arith::CmpFPredicate::OLT, least),
                                 integerConstant(b, loc, to, low), number);
}

static Value integerToFloat(OpBuilder &b, Location loc, Value x, FloatType to,
                            bool isUnsigned) {
  // 16-bit floats go through a type that holds the integer exactly.
  Type through = to;
  if (to.getWidth() == 16)
    through = x.getType().getIntOrFloatBitWidth() <= 16 ? Type(b.getF32Type())
                                                        : b.getF64Type();
  Value number = isUnsigned
                     ? arith::UIToFPOp::create(b, loc, through, x).getResult()
                     : arith::SIToFPOp::create(b, loc, through, x).getResult();
  return convertFloat(b, loc, number, to);
}

Value castScalar(OpBuilder &b, Location loc, Value x, Type from, Type to) {
  if (from == to)
    return x;
  Type result = signless(to);
  if (to.isInteger(1)) {
    if (isa<FloatType>(from)) // NaN is not 0
      return arith::CmpFOp::create(b, loc, arith::CmpFPredicate::UNE, x,
                                   floatConstant(b, loc, from, 0));
    Value zero = integerConstant(b, loc, x.getType(),
                                 APInt::getZero(from.getIntOrFloatBitWidth()));
    return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne, x, zero);
  }
  if (isa<FloatType>(from)) {
    if (isa<FloatType>(to))
      return convertFloat(b, loc, x, to);
    return floatToInteger(b, loc, x, cast<IntegerType>(result),
                          to.isUnsignedInteger());
  }
  if (auto floats = dyn_cast<FloatType>(to))
    return integerToFloat(b, loc, x, floats, readsUnsigned(from));
  unsigned have = from.getIntOrFloatBitWidth(),
           want = to.getIntOrFloatBitWidth();
  if (have == want)
    return x;
  if (have > want)
    return arith::TruncIOp::create(b, loc, result, x);
  if (readsUnsigned(from))
    return arith::ExtUIOp::create(b, loc, result, x);
  return arith::ExtSIOp::create(b, loc, result, x);
}

Value roundTensor(OpBuilder &b, Location loc, Value x, RankedTensorType type) {
  if (x.getType() == type)
    return x;
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, loc, x);
  Input input{x, b.getMultiDimIdentityMap(type.getRank()), {}};
  return pointwise(b, loc, input, emptyTensor(b, loc, type, sizes),
                   [&](OpBuilder &b, Location loc, ValueRange in, ValueRange) {
                     return SmallVector<Value>{
                         convertFloat(b, loc, in[0], type.getElementType())};
                   });
}

} // namespace lamina::lam
