//===- ExpandMath.cpp - Math ops become inline polynomials ----------------===//
//
// float32, scalars and vectors: the expansions of VectorMath. Narrower floats
// are computed in float32. So is what there is for float64; the rest of it
// becomes libm calls, lane by lane.
//
//===----------------------------------------------------------------------===//

#include "VectorMathIR.h"
#include "lamina/Transforms/Passes.h"
#include "lamina/Transforms/VectorMath.h"
#include "mlir/Conversion/MathToLibm/MathToLibm.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/DialectConversion.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace lamina {
#define GEN_PASS_DEF_EXPANDMATH
#include "lamina/Transforms/Passes.h.inc"
} // namespace lamina

using namespace lamina;

namespace {

using vecmath::IRFloat;
using Unary = IRFloat (*)(IRFloat);
using Binary = IRFloat (*)(IRFloat, IRFloat);

/// How an op is expanded; neither, if it is not one of ours.
struct Expansion {
  Unary unary = nullptr;
  Binary binary = nullptr;
  explicit operator bool() const { return unary || binary; }
};

Expansion expansionOf(Operation *op) {
  return llvm::TypeSwitch<Operation *, Expansion>(op)
#define UNARY(OP, NAME)                                                        \
  .Case([](math::OP) { return Expansion{&vecmath::NAME<IRFloat>, nullptr}; })
#define BINARY(OP, NAME)                                                       \
  .Case([](math::OP) { return Expansion{nullptr, &vecmath::NAME<IRFloat>}; })
      // clang-format off
      UNARY(ExpOp, exp) UNARY(Exp2Op, exp2) UNARY(ExpM1Op, expm1)
      UNARY(LogOp, log) UNARY(Log2Op, log2) UNARY(Log10Op, log10)
      UNARY(Log1pOp, log1p)
      UNARY(SinOp, sin) UNARY(CosOp, cos) UNARY(TanOp, tan)
      UNARY(AsinOp, asin) UNARY(AcosOp, acos) UNARY(AtanOp, atan)
      UNARY(SinhOp, sinh) UNARY(CoshOp, cosh) UNARY(TanhOp, tanh)
      UNARY(AsinhOp, asinh) UNARY(AcoshOp, acosh) UNARY(AtanhOp, atanh)
      UNARY(ErfOp, erf) UNARY(ErfcOp, erfc)
      UNARY(CbrtOp, cbrt) UNARY(RsqrtOp, rsqrt)
      BINARY(Atan2Op, atan2) BINARY(PowFOp, pow)
                                          // clang-format on
                                          .Default([](Operation *) {
                                            return Expansion();
                                          });
#undef UNARY
#undef BINARY
}

using UnaryDouble = vecmath::IRDouble (*)(vecmath::IRDouble);

UnaryDouble doubleExpansionOf(Operation *op) {
  return llvm::TypeSwitch<Operation *, UnaryDouble>(op)
      .Case([](math::ExpOp) { return &vecmath::expD<vecmath::IRDouble>; })
      .Case([](math::ExpM1Op) { return &vecmath::expm1D<vecmath::IRDouble>; })
      .Case([](math::LogOp) { return &vecmath::logD<vecmath::IRDouble>; })
      .Case([](math::Log1pOp) { return &vecmath::log1pD<vecmath::IRDouble>; })
      .Case([](math::TanhOp) { return &vecmath::tanhD<vecmath::IRDouble>; })
      .Default([](Operation *) { return nullptr; });
}

Type withElement(Type type, Type element) {
  if (auto vector = dyn_cast<VectorType>(type))
    return vector.clone(element);
  return element;
}

bool isScalarOrVector(Type type) {
  auto vector = dyn_cast<VectorType>(type);
  return vector ? !vector.isScalable() && vector.getRank() > 0
                : isa<FloatType>(type);
}

/// Emits the expansion of an op on floats of at most 32 bits.
Value expand(OpBuilder &builder, Operation *op, Expansion expansion,
             bool ldexp) {
  Location loc = op->getLoc();
  Type type = op->getResult(0).getType();
  Type wide = withElement(type, builder.getF32Type());
  vecmath::Emitter emitter(builder, loc, wide, ldexp);
  auto operand = [&](unsigned i) -> IRFloat {
    Value v = op->getOperand(i);
    if (v.getType() != wide)
      v = arith::ExtFOp::create(builder, loc, wide, v);
    return {emitter, v};
  };
  IRFloat result = expansion.unary ? expansion.unary(operand(0))
                                   : expansion.binary(operand(0), operand(1));
  Value value = result.on(emitter);
  if (type != wide)
    value = arith::TruncFOp::create(builder, loc, type, value);
  return value;
}

Value expandDouble(OpBuilder &builder, Operation *op, UnaryDouble function) {
  vecmath::Emitter emitter(builder, op->getLoc(), op->getResult(0).getType(),
                           /*ldexp=*/false);
  return function({emitter, op->getOperand(0)}).on(emitter);
}

/// x^n by the float power; exact enough wherever n is exact in the float.
Value floatPower(OpBuilder &builder, math::FPowIOp op) {
  Type type = op.getType();
  Value exponent =
      arith::SIToFPOp::create(builder, op.getLoc(), type, op.getRhs());
  return math::PowFOp::create(builder, op.getLoc(), op.getLhs(), exponent);
}

Value divideBySquareRoot(OpBuilder &builder, math::RsqrtOp op) {
  Location loc = op.getLoc();
  Value one = arith::ConstantOp::create(
      builder, loc, cast<TypedAttr>(builder.getOneAttr(op.getType())));
  Value root = math::SqrtOp::create(builder, loc, op.getOperand());
  return arith::DivFOp::create(builder, loc, one, root);
}

/// The operand of an error function to which `sum` adds one, if that is all it
/// is for.
Value operandOfOnePlusErf(arith::AddFOp sum) {
  for (auto [one, other] : {std::pair(sum.getLhs(), sum.getRhs()),
                            std::pair(sum.getRhs(), sum.getLhs())})
    if (auto erf = other.getDefiningOp<math::ErfOp>())
      if (erf->hasOneUse() && matchPattern(one, m_OneFloat()))
        return erf.getOperand();
  return {};
}

/// 1 + erf(x), as in gelu, without cancellation.
Value onePlusErf(OpBuilder &builder, arith::AddFOp sum, Value x, bool ldexp) {
  if (getElementTypeOrSelf(sum.getType()).isF64())
    return math::ErfcOp::create(
        builder, sum.getLoc(), arith::NegFOp::create(builder, sum.getLoc(), x));
  vecmath::Emitter emitter(builder, sum.getLoc(), sum.getType(), ldexp);
  return vecmath::onePlusErf(IRFloat{emitter, x}).on(emitter);
}

/// a * b + c rounded once, without an instruction for it: the product of two
/// floats is exact in a double.
Value fusedInDouble(OpBuilder &builder, math::FmaOp op) {
  Location loc = op.getLoc();
  Type wide = withElement(op.getType(), builder.getF64Type());
  auto widen = [&](Value v) -> Value {
    return arith::ExtFOp::create(builder, loc, wide, v);
  };
  Value product =
      arith::MulFOp::create(builder, loc, widen(op.getA()), widen(op.getB()));
  Value sum = arith::AddFOp::create(builder, loc, product, widen(op.getC()));
  return arith::TruncFOp::create(builder, loc, op.getType(), sum);
}

struct ExpandMath : lamina::impl::ExpandMathBase<ExpandMath> {
  using ExpandMathBase::ExpandMathBase;

  void runOnOperation() override {
    // Ops that other ops on this list are made of come last.
    getOperation().walk([&](math::SincosOp op) {
      OpBuilder b(op);
      Value sin = math::SinOp::create(b, op.getLoc(), op.getOperand());
      Value cos = math::CosOp::create(b, op.getLoc(), op.getOperand());
      op->replaceAllUsesWith(ValueRange{sin, cos});
      op->erase();
    });
    getOperation().walk([&](math::FPowIOp op) {
      OpBuilder b(op);
      op->replaceAllUsesWith(ValueRange{floatPower(b, op)});
      op->erase();
    });
    getOperation().walk([&](arith::AddFOp op) {
      Type element = getElementTypeOrSelf(op.getType());
      Value x = operandOfOnePlusErf(op);
      if (!x || !isScalarOrVector(op.getType()) ||
          !(element.isF32() || element.isF64()))
        return;
      OpBuilder b(op);
      op.replaceAllUsesWith(onePlusErf(b, op, x, ldexp));
      op.erase(); // and the error function, which nobody reads, later
    });
    getOperation().walk([&](Operation *op) {
      Expansion expansion = expansionOf(op);
      if (!expansion || !isScalarOrVector(op->getResult(0).getType()))
        return;
      if (op->use_empty())
        return op->erase();
      Type element = getElementTypeOrSelf(op->getResult(0).getType());
      OpBuilder builder(op);
      Value value;
      if (element.getIntOrFloatBitWidth() <= 32)
        value = expand(builder, op, expansion, ldexp);
      else if (auto rsqrt = dyn_cast<math::RsqrtOp>(op))
        value = divideBySquareRoot(builder, rsqrt);
      else if (UnaryDouble function = doubleExpansionOf(op); function && fma)
        value = expandDouble(builder, op, function);
      else
        return;
      op->replaceAllUsesWith(ValueRange{value});
      op->erase();
    });
    if (!fma)
      getOperation().walk([&](math::FmaOp op) {
        if (!getElementTypeOrSelf(op.getType()).isF32())
          return;
        OpBuilder b(op);
        op->replaceAllUsesWith(ValueRange{fusedInDouble(b, op)});
        op->erase();
      });
    if (failed(callLibrary()))
      signalPassFailure();
  }

  /// What is left of the list is float64.
  LogicalResult callLibrary() {
    RewritePatternSet patterns(&getContext());
    populateMathToLibmConversionPatterns(patterns);
    ConversionTarget target(getContext());
    target.markUnknownOpDynamicallyLegal([](Operation *op) {
      return !expansionOf(op) || !isScalarOrVector(op->getResult(0).getType());
    });
    return applyPartialConversion(getOperation(), target, std::move(patterns));
  }
};

} // namespace
