//===- BoolsToBytes.cpp - a bool in memory is a byte ----------------------===//
#include "lamina/Transforms/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"

namespace lamina {
#define GEN_PASS_DEF_BOOLSTOBYTES
#include "lamina/Transforms/Passes.h.inc"
} // namespace lamina

using namespace mlir;
using namespace lamina;

static bool isBool(Type type) { return type.isInteger(1); }

static bool isBoolTensor(Type type) {
  auto tensor = dyn_cast<TensorType>(type);
  return tensor && isBool(tensor.getElementType());
}

static Type converted(Type type) {
  if (!isBoolTensor(type))
    return type;
  return cast<TensorType>(type).clone(IntegerType::get(type.getContext(), 8));
}

/// The i1 that the byte `value` stands for.
static Value toBool(OpBuilder &builder, Location loc, Value value) {
  Value zero =
      arith::ConstantOp::create(builder, loc, builder.getI8IntegerAttr(0));
  return arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ne, value,
                               zero);
}

static Value toByte(OpBuilder &builder, Location loc, Value value) {
  return arith::ExtUIOp::create(builder, loc, builder.getI8Type(), value);
}

/// Makes the operand hold a byte if it is a scalar bool.
static void storeByte(OpBuilder &builder, OpOperand &operand) {
  if (isBool(operand.get().getType()))
    operand.set(toByte(builder, operand.getOwner()->getLoc(), operand.get()));
}

/// The body of a linalg.generic sees bytes for tensors; scalars pass unchanged.
static void convertBody(linalg::GenericOp op) {
  Block *body = op.getBody();
  OpBuilder builder = OpBuilder::atBlockBegin(body);
  for (OpOperand &operand : op->getOpOperands()) {
    BlockArgument argument = op.getMatchingBlockArgument(&operand);
    if (!isa<TensorType>(operand.get().getType()) ||
        !isBool(argument.getType()))
      continue;
    argument.setType(builder.getI8Type());
    if (argument.use_empty())
      continue;
    Value value = toBool(builder, op.getLoc(), argument);
    argument.replaceAllUsesExcept(value, value.getDefiningOp());
  }
  builder.setInsertionPoint(body->getTerminator());
  for (OpOperand &operand : body->getTerminator()->getOpOperands())
    storeByte(builder, operand);
}

static void convertOp(Operation *op) {
  OpBuilder builder(op);
  if (auto generic = dyn_cast<linalg::GenericOp>(op))
    return convertBody(generic);
  if (auto constant = dyn_cast<arith::ConstantOp>(op)) {
    auto elements = dyn_cast<DenseElementsAttr>(constant.getValue());
    if (elements && isBool(elements.getElementType()))
      constant.setValueAttr(
          elements.mapValues(builder.getI8Type(), [](const APInt &value) {
            return APInt(8, value.getZExtValue());
          }));
    return;
  }
  if (auto extract = dyn_cast<tensor::ExtractOp>(op)) {
    if (!isBool(extract.getType()))
      return;
    extract.getResult().setType(builder.getI8Type());
    builder.setInsertionPointAfter(op);
    Value value = toBool(builder, op->getLoc(), extract);
    extract.getResult().replaceUsesWithIf(value, [&](OpOperand &use) {
      return use.getOwner() != value.getDefiningOp();
    });
    return;
  }
  if (isa<tensor::InsertOp, tensor::FromElementsOp, tensor::SplatOp>(op))
    for (OpOperand &operand : op->getOpOperands())
      storeByte(builder, operand);
  if (isa<tensor::PadOp, tensor::GenerateOp>(op)) {
    Operation *yield = op->getRegion(0).front().getTerminator();
    builder.setInsertionPoint(yield);
    storeByte(builder, yield->getOpOperand(0));
  }
}

namespace {
struct BoolsToBytes : lamina::impl::BoolsToBytesBase<BoolsToBytes> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    auto touches = [](Operation *op) {
      return llvm::any_of(op->getOperandTypes(), isBoolTensor) ||
             llvm::any_of(op->getResultTypes(), isBoolTensor);
    };
    // Only linalg.generic says what its body does with the bools.
    SmallVector<linalg::LinalgOp> named;
    module.walk([&](linalg::LinalgOp op) {
      if (!isa<linalg::GenericOp>(op) && touches(op))
        named.push_back(op);
    });
    IRRewriter rewriter(&getContext());
    for (linalg::LinalgOp op : named) {
      rewriter.setInsertionPoint(op);
      if (failed(linalg::generalizeNamedOp(rewriter, op))) {
        op->emitError("has no generic form for bools");
        return signalPassFailure();
      }
    }

    SmallVector<Operation *> ops;
    module.walk([&](Operation *op) {
      if (touches(op))
        ops.push_back(op);
      for (Region &region : op->getRegions())
        for (Block &block : region)
          for (BlockArgument argument : block.getArguments())
            argument.setType(converted(argument.getType()));
    });
    for (Operation *op : ops)
      for (Value result : op->getResults())
        result.setType(converted(result.getType()));
    // Operand types changed with their definitions; now what scalars there are.
    for (Operation *op : ops)
      convertOp(op);
    for (auto function : module.getOps<func::FuncOp>())
      function.setFunctionType(FunctionType::get(
          &getContext(),
          llvm::map_to_vector(function.getArgumentTypes(), converted),
          llvm::map_to_vector(function.getResultTypes(), converted)));
  }
};
} // namespace
