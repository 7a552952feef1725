//===- Differentiate.cpp - lam-differentiate ------------------------------===//

#include "PullbackBuilder.h"
#include "ReverseSweep.h"
#include "lamina/Lam/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace lamina {
#define GEN_PASS_DEF_LAMDIFFERENTIATE
#include "lamina/Lam/Passes.h.inc"
} // namespace lamina

using namespace mlir;
using namespace lamina::lam;

/// Moves the ops of `body` before `op`, its arguments become `arguments`.
static void inlineBefore(Operation *op, Block &body, ValueRange arguments) {
  for (auto [argument, value] : llvm::zip_equal(body.getArguments(), arguments))
    argument.replaceAllUsesWith(value);
  op->getBlock()->getOperations().splice(op->getIterator(),
                                         body.getOperations(), body.begin(),
                                         std::prev(body.end()));
}

static LogicalResult expand(VjpOp op) {
  Block &body = op.getBody().front();
  ValueRange outputs = body.getTerminator()->getOperands();
  FailureOr<SmallVector<Value>> gradients = reverseSweep(
      body, body.getArguments(),
      SmallVector<Value>(outputs.take_front(op.getCotangents().size())),
      op.getCotangents());
  if (failed(gradients))
    return failure();
  // Through the terminator, as an argument may be an output itself.
  SmallVector<Value> results(body.getTerminator()->getOperands());
  llvm::append_range(results, *gradients);
  body.getTerminator()->setOperands(results);
  inlineBefore(op, body, op.getPrimals());
  op->replaceAllUsesWith(body.getTerminator()->getOperands());
  op.erase();
  return success();
}

/// A vjp is linear in its cotangents u, so its own vjp with respect to them
/// maps tangents forward, whatever u is.
static void expand(JvpOp op) {
  OpBuilder builder(op);
  Location loc = op.getLoc();
  IRMapping mapping;
  Block &body = op.getBody().front();
  for (auto [argument, value] :
       llvm::zip_equal(body.getArguments(), op.getPrimals()))
    mapping.map(argument, value);
  for (Operation &inner : body.without_terminator())
    builder.clone(inner, mapping);
  SmallVector<Value> outputs, anything;
  for (Value value : body.getTerminator()->getOperands()) {
    outputs.push_back(mapping.lookupOrDefault(value));
    PullbackBuilder b(Expr(outputs.back(), builder, loc));
    anything.push_back(b.zeros(outputs.back()));
  }

  TypeRange inTypes = op.getPrimals().getTypes();
  TypeRange outTypes = op.getOutputs().getTypes();
  auto outer = VjpOp::create(builder, loc, inTypes, outTypes, anything,
                             op.getDirections());
  Block *outerBody = builder.createBlock(&outer.getBody());
  for (Type type : outTypes)
    outerBody->addArgument(type, loc);
  auto inner = VjpOp::create(builder, loc, outTypes, inTypes, op.getPrimals(),
                             outerBody->getArguments());
  YieldOp::create(builder, loc, inner.getGradients());
  inner.getBody().takeBody(op.getBody());

  llvm::append_range(outputs, outer.getGradients());
  op->replaceAllUsesWith(outputs);
  op.erase();
}

LogicalResult lamina::lam::differentiate(ModuleOp module) {
  // Post-order: inner operators are gone when their surroundings are
  // differentiated. A jvp leaves new ones.
  while (true) {
    Operation *next = nullptr;
    module.walk([&](Operation *op) {
      if (!isa<VjpOp, JvpOp>(op))
        return WalkResult::advance();
      next = op;
      return WalkResult::interrupt();
    });
    if (!next)
      break;
    if (auto jvp = dyn_cast<JvpOp>(next)) {
      expand(jvp);
      continue;
    }
    Block *block = next->getBlock();
    if (failed(expand(cast<VjpOp>(next))))
      return failure();
    eraseDeadOps(*block);
  }
  module.walk([](CustomGradientOp op) {
    op->replaceAllUsesWith(op.getValues());
    op.erase();
  });
  return success();
}

namespace {
struct LamDifferentiate
    : public lamina::impl::LamDifferentiateBase<LamDifferentiate> {
  void runOnOperation() override {
    if (failed(differentiate(getOperation())))
      signalPassFailure();
  }
};
} // namespace
