//===- WidenFloats.cpp - 16-bit floats compute in 32 bits -----------------===//
#include "lamina/Transforms/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Builders.h"

namespace lamina {
#define GEN_PASS_DEF_WIDENFLOATS
#include "lamina/Transforms/Passes.h.inc"
} // namespace lamina

using namespace mlir;
using namespace lamina;

static bool isNarrow(Type type) {
  Type element = getElementTypeOrSelf(type);
  return element.isF16() || element.isBF16();
}

static Type widened(Type type) {
  if (!isNarrow(type))
    return type;
  Type wide = Float32Type::get(type.getContext());
  auto shaped = dyn_cast<ShapedType>(type);
  return shaped ? shaped.clone(wide) : wide;
}

/// Ops that only move bits, or are the conversions themselves.
static bool isArithmetic(Operation *op) {
  if (!isa_and_nonnull<arith::ArithDialect, math::MathDialect>(
          op->getDialect()))
    return false;
  return !isa<arith::ConstantOp, arith::ExtFOp, arith::TruncFOp,
              arith::BitcastOp, arith::SelectOp>(op);
}

namespace {
struct WidenFloats : lamina::impl::WidenFloatsBase<WidenFloats> {
  void runOnOperation() override {
    SmallVector<Operation *> ops;
    getOperation().walk([&](Operation *op) {
      bool narrow = llvm::any_of(op->getOperandTypes(), isNarrow) ||
                    llvm::any_of(op->getResultTypes(), isNarrow);
      if (narrow && isArithmetic(op))
        ops.push_back(op);
    });
    for (Operation *op : ops) {
      OpBuilder builder(op);
      for (OpOperand &operand : op->getOpOperands())
        if (isNarrow(operand.get().getType()))
          operand.set(arith::ExtFOp::create(builder, op->getLoc(),
                                            widened(operand.get().getType()),
                                            operand.get()));
      builder.setInsertionPointAfter(op);
      for (Value result : op->getResults()) {
        if (!isNarrow(result.getType()))
          continue;
        Type narrow = result.getType();
        result.setType(widened(narrow));
        Operation *back =
            arith::TruncFOp::create(builder, op->getLoc(), narrow, result);
        result.replaceUsesWithIf(back->getResult(0), [&](OpOperand &use) {
          return use.getOwner() != back;
        });
      }
    }
  }
};
} // namespace
