//===- ExpandRemainder.cpp - exact remainders of floats -------------------===//
//
// NVPTX computes x - y * trunc(x / y), which is wrong where the quotient has
// more digits than a float. Long division, a binary digit at a time, is exact.
//
//===----------------------------------------------------------------------===//
#include "lamina/Gpu/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "llvm/ADT/TypeSwitch.h"

namespace lamina {
#define GEN_PASS_DEF_EXPANDREMAINDER
#include "lamina/Gpu/Passes.h.inc"
} // namespace lamina

using namespace mlir;

/// `while (condition(values)) values = step(values)`.
static SmallVector<Value>
repeat(ImplicitLocOpBuilder &b, ValueRange initial,
       llvm::function_ref<Value(ValueRange)> condition,
       llvm::function_ref<SmallVector<Value>(ValueRange)> step) {
  auto loop = scf::WhileOp::create(
      b, initial.getTypes(), initial,
      [&](OpBuilder &inner, Location loc, ValueRange values) {
        OpBuilder::InsertionGuard guard(b);
        b.restoreInsertionPoint(inner.saveInsertionPoint());
        scf::ConditionOp::create(b, condition(values), values);
      },
      [&](OpBuilder &inner, Location loc, ValueRange values) {
        OpBuilder::InsertionGuard guard(b);
        b.restoreInsertionPoint(inner.saveInsertionPoint());
        scf::YieldOp::create(b, step(values));
      });
  return SmallVector<Value>(loop.getResults());
}

static Value expand(arith::RemFOp op) {
  ImplicitLocOpBuilder b(op.getLoc(), op);
  Type type = op.getType();
  auto number = [&](double value) -> Value {
    return arith::ConstantOp::create(b, b.getFloatAttr(type, value));
  };
  auto holds = [&](arith::CmpFPredicate predicate, Value x, Value y) -> Value {
    return arith::CmpFOp::create(b, predicate, x, y);
  };
  using P = arith::CmpFPredicate;
  Value two = number(2), half = number(0.5);
  Value infinity = number(std::numeric_limits<double>::infinity());
  Value x = math::AbsFOp::create(b, op.getLhs());
  Value y = math::AbsFOp::create(b, op.getRhs());
  Value isNumber = arith::AndIOp::create(b, holds(P::OLT, x, infinity),
                                         holds(P::OGT, y, number(0)));
  // The loops have nothing to do where the result is not a number, or x.
  Value divides =
      arith::AndIOp::create(b, isNumber, holds(P::OLT, y, infinity));
  Value dividend = arith::SelectOp::create(b, divides, x, number(0));
  Value divisor = arith::SelectOp::create(b, divides, y, number(1));
  auto scaled = repeat(
      b, divisor,
      [&](ValueRange v) {
        return holds(P::OLE, arith::MulFOp::create(b, v[0], two), dividend);
      },
      [&](ValueRange v) {
        return SmallVector<Value>{arith::MulFOp::create(b, v[0], two)};
      });
  auto rest = repeat(
      b, {dividend, scaled[0]},
      [&](ValueRange v) { return holds(P::OGE, v[1], divisor); },
      [&](ValueRange v) {
        Value less = arith::SubFOp::create(b, v[0], v[1]);
        Value fits = holds(P::OGE, v[0], v[1]);
        return SmallVector<Value>{arith::SelectOp::create(b, fits, less, v[0]),
                                  arith::MulFOp::create(b, v[1], half)};
      });
  Value nan = number(std::numeric_limits<double>::quiet_NaN());
  Value whole = arith::SelectOp::create(b, divides, rest[0], x);
  Value result = arith::SelectOp::create(b, isNumber, whole, nan);
  return math::CopySignOp::create(b, result, op.getLhs());
}

namespace {
struct ExpandRemainder : lamina::impl::ExpandRemainderBase<ExpandRemainder> {
  /// The conversion to NVVM has only calls of libdevice for these, while NVPTX
  /// has instructions.
  static StringRef intrinsicOf(Operation *op) {
    return llvm::TypeSwitch<Operation *, StringRef>(op)
        .Case([](math::AbsFOp) { return "llvm.fabs"; })
        .Case([](math::CopySignOp) { return "llvm.copysign"; })
        .Case([](math::CeilOp) { return "llvm.ceil"; })
        .Case([](math::FloorOp) { return "llvm.floor"; })
        .Case([](math::RoundEvenOp) { return "llvm.roundeven"; })
        .Case([](math::RoundOp) { return "llvm.round"; })
        .Case([](math::SqrtOp) { return "llvm.sqrt"; })
        .Default([](Operation *) { return ""; });
  }

  void runOnOperation() override {
    getOperation()->walk([](arith::RemFOp op) {
      op.getResult().replaceAllUsesWith(expand(op));
      op.erase();
    });
    getOperation()->walk([](Operation *op) {
      StringRef name = intrinsicOf(op);
      if (name.empty())
        return;
      OpBuilder b(op);
      auto call = LLVM::CallIntrinsicOp::create(
          b, op->getLoc(), op->getResult(0).getType(), b.getStringAttr(name),
          op->getOperands());
      op->replaceAllUsesWith(call->getResults());
      op->erase();
    });
  }
};
} // namespace
