//===- VectorizeDivide.cpp - Division of vectors by one number ------------===//
//
// The divider takes several times as long as everything else that is done with
// a row. Where every lane is divided by the same number, its reciprocal is
// computed once, and each quotient is corrected with its exact remainder:
//
//   q = x * r,  e = q * s - x  (exact),  q - e * r  is x / s rounded once
//
// up to results that are subnormal, and to numerators so small that the
// remainder is: these may be one unit off. A divisor so small that its reciprocal
// would overflow is scaled first.
//
//===----------------------------------------------------------------------===//

#include "VectorizeBody.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace lamina;

namespace {
/// The divisor without its sign and in a range where it has a reciprocal.
struct Divisor {
  Value magnitude, reciprocal;
  Value scale; // the sign, and the power of two it was multiplied by
};
} // namespace

static Divisor prepare(OpBuilder &b, Location loc, Value divisor) {
  Type type = divisor.getType();
  bool isSingle = type.isF32();
  auto number = [&](double value) -> Value {
    return arith::ConstantOp::create(b, loc, b.getFloatAttr(type, value));
  };
  Value magnitude = math::AbsFOp::create(b, loc, divisor), one = number(1);
  Value isSmall =
      arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OLT, magnitude,
                            number(isSingle ? 0x1p-100 : 0x1p-900));
  Value scale = arith::SelectOp::create(
      b, loc, isSmall, number(isSingle ? 0x1p64 : 0x1p512), one);
  magnitude = arith::MulFOp::create(b, loc, magnitude, scale);
  Value reciprocal = arith::DivFOp::create(b, loc, one, magnitude);
  scale = math::CopySignOp::create(b, loc, scale, divisor);
  return {magnitude, reciprocal, scale};
}

Value BodyEmitter::divideByScalar(Operation *division, Point point) {
  auto divide = dyn_cast<arith::DivFOp>(division);
  if (!divide || !plan.fuseMultiplyAdd || !isVector(divide.getResult()) ||
      isVector(divide.getRhs()))
    return {};
  Type type = divide.getType();
  if (!type.isF32() && !type.isF64())
    return {};
  Value x = toVector(valueAt(divide.getLhs(), point));
  Value divisor = valueAt(divide.getRhs(), point);
  if (isa<VectorType>(divisor.getType()) || matchPattern(divisor, m_Constant()))
    return {}; // LLVM knows what to do with powers of two
  auto [magnitude, reciprocal, scale] = [&] {
    // Where the divisor is computed, which is outside of the loops.
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointAfterValue(divisor);
    return prepare(b, loc, divisor);
  }();
  Value quotient = arith::MulFOp::create(b, loc, x, toVector(reciprocal));
  Value remainder = math::FmaOp::create(b, loc, quotient, toVector(magnitude),
                                        arith::NegFOp::create(b, loc, x));
  Value corrected =
      math::FmaOp::create(b, loc, arith::NegFOp::create(b, loc, remainder),
                          toVector(reciprocal), quotient);
  // Infinite quotients have no remainder.
  Value isNumber = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::ORD,
                                         corrected, corrected);
  corrected = arith::SelectOp::create(b, loc, isNumber, corrected, quotient);
  return arith::MulFOp::create(b, loc, corrected, toVector(scale));
}
