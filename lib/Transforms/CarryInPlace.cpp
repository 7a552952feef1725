//===- CarryInPlace.cpp - what a loop carries stays where it is -----------===//
#include "TensorViews.h"
#include "lamina/Transforms/Passes.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"

namespace lamina {
#define GEN_PASS_DEF_CARRYINPLACE
#include "lamina/Transforms/Passes.h.inc"
} // namespace lamina

using namespace mlir;
using namespace lamina;

/// The tensor that `value` was written into, at its beginning.
static Value startOf(Value value) {
  while (auto result = dyn_cast<OpResult>(value)) {
    Operation *op = result.getOwner();
    if (auto insert = dyn_cast<tensor::InsertSliceOp>(op))
      value = insert.getDest();
    else if (auto insert = dyn_cast<tensor::InsertOp>(op))
      value = insert.getDest();
    else if (auto loop = dyn_cast<scf::ForOp>(op))
      value = loop.getInitArgs()[result.getResultNumber()];
    else if (auto writes = dyn_cast<DestinationStyleOpInterface>(op))
      value = writes.getTiedOpOperand(result)->get();
    else
      break;
  }
  return value;
}

/// What the terminator of a loop's body hands to the next iteration is written
/// over the old values, `arguments`.
static void writeOver(Operation *terminator, ValueRange arguments) {
  OpBuilder builder(terminator);
  Location loc = terminator->getLoc();
  SmallVector<OpOperand *> moved;
  for (auto [operand, argument] :
       llvm::zip_equal(terminator->getOpOperands(), arguments))
    if (isa<RankedTensorType>(argument.getType()) &&
        startOf(operand.get()) != argument)
      moved.push_back(&operand);
  // Old values that move elsewhere are saved before the first is replaced.
  for (OpOperand *operand : moved)
    if (BlockArgument viewed = viewedArgument(operand->get());
        viewed && llvm::is_contained(arguments, viewed))
      operand->set(bufferization::AllocTensorOp::create(
          builder, loc, cast<RankedTensorType>(operand->get().getType()),
          ValueRange(), operand->get()));
  for (OpOperand *operand : moved) {
    Value argument = arguments[operand->getOperandNumber()];
    operand->set(bufferization::MaterializeInDestinationOp::create(
                     builder, loc, argument.getType(), operand->get(), argument)
                     .getResult());
  }
}

namespace {
struct CarryInPlace : lamina::impl::CarryInPlaceBase<CarryInPlace> {
  void runOnOperation() override {
    getOperation().walk([](Operation *op) {
      if (auto loop = dyn_cast<scf::ForOp>(op))
        writeOver(loop.getBody()->getTerminator(), loop.getRegionIterArgs());
      else if (auto loop = dyn_cast<scf::WhileOp>(op))
        writeOver(loop.getYieldOp(), loop.getAfterArguments());
    });
  }
};
} // namespace
