//===- Loops.cpp - scan and while -----------------------------------------===//

#include "Frame.h"
#include <algorithm>

using namespace mlir;

namespace lamina::interpreter {

/// Elements `from`, `from + count`, … of a row-major tensor are consecutive, so
/// a slice along dimension 0 is a copy of a part.
static void copyElements(const Tensor &to, int64_t toPlace, const Tensor &from,
                         int64_t fromPlace, int64_t count) {
  visit(
      [&](auto *target, auto *source) {
        std::copy_n(source + fromPlace, count, target + toPlace);
      },
      to, from);
}

static void appendOperands(ValueRange operands, const Frame &frame,
                           Cells &cells) {
  for (Value operand : operands) {
    if (isa<RankedTensorType>(operand.getType()))
      cells.emplace_back(frame.tensor(operand), 0);
    else
      cells.emplace_back(std::nullopt, frame.scalar(operand));
  }
}

FailureOr<Cells> evaluate(lam::ScanOp op, const Frame &frame, RunBlock run) {
  int64_t count = frame.scalar(op.getCount());
  for (Value sequence : op.getSequences())
    if (frame.tensor(sequence).shape[0] != count)
      return op->emitError("a sequence of ") << frame.tensor(sequence).shape[0]
                                             << " steps in a loop of " << count;
  unsigned carries = op.getInits().size();
  Cells carried;
  appendOperands(op.getInits(), frame, carried);
  SmallVector<Tensor> stacked;
  for (auto [i, value] : llvm::enumerate(op.getStacked())) {
    FailureOr<Shape> shape = shapeOf(op, value, op.sizesOf(i), frame);
    if (failed(shape))
      return failure();
    if ((*shape)[0] != count)
      return op->emitError("stacks ")
             << (*shape)[0] << " results of " << count << " steps";
    stacked.emplace_back(dtypeOf(value), *shape);
  }
  for (int64_t step = 0; step < count; ++step) {
    int64_t place = op.getReverse() ? count - 1 - step : step;
    Cells arguments(carried);
    for (Value value : op.getSequences()) {
      const Tensor &sequence = frame.tensor(value);
      Tensor slice(sequence.type, ArrayRef(sequence.shape).drop_front());
      copyElements(slice, 0, sequence, place * slice.count, slice.count);
      arguments.emplace_back(std::move(slice), 0);
    }
    appendOperands(op.getInvariants(), frame, arguments);
    FailureOr<Cells> yielded = run(op.getBody().front(), arguments);
    if (failed(yielded))
      return failure();
    for (auto [i, all] : llvm::enumerate(stacked)) {
      const Tensor &part = *(*yielded)[carries + i].first;
      if (ArrayRef(part.shape) != ArrayRef(all.shape).drop_front())
        return op->emitError("a step yields a slice of shape ")
               << toString(part.shape) << " for a stack of shape "
               << toString(all.shape);
      copyElements(all, place * part.count, part, 0, part.count);
    }
    carried.assign(yielded->begin(), yielded->begin() + carries);
  }
  for (Tensor &all : stacked)
    carried.emplace_back(std::move(all), 0);
  return carried;
}

FailureOr<Cells> evaluate(lam::WhileOp op, const Frame &frame, RunBlock run) {
  Cells carried, invariants;
  appendOperands(op.getInits(), frame, carried);
  appendOperands(op.getInvariants(), frame, invariants);
  // A loop that does not end would hang the tests that compare with it.
  constexpr int64_t most = 100'000'000;
  for (int64_t step = 0;; ++step) {
    if (step == most)
      return op->emitError("has not ended after ") << most << " steps";
    Cells arguments(carried);
    llvm::append_range(arguments, invariants);
    FailureOr<Cells> goesOn = run(op.getCondition().front(), arguments);
    if (failed(goesOn))
      return failure();
    if (!(*goesOn)[0].first->integers()[0])
      return carried;
    FailureOr<Cells> next = run(op.getBody().front(), arguments);
    if (failed(next))
      return failure();
    carried = *next;
  }
}

} // namespace lamina::interpreter
