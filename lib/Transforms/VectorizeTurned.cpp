//===- VectorizeTurned.cpp - Operands that lie across the lanes -----------===//
//
// A square block, as many rows as lanes, is read by rows and transposed in
// registers. Its columns are what the steps of the other dimension need.
//
//===----------------------------------------------------------------------===//

#include "VectorizeBody.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace lamina;

/// Fewer steps than this are read lane by lane.
static constexpr int64_t fewSteps = 4;

/// log2(n) times, the two halves of the rows are interleaved.
static SmallVector<Value> transposed(OpBuilder &b, Location loc,
                                     SmallVector<Value> rows) {
  int64_t n = rows.size();
  SmallVector<int64_t> low, high;
  for (int64_t i = 0; i < n / 2; ++i) {
    low.append({i, n + i});
    high.append({n / 2 + i, n + n / 2 + i});
  }
  for (int64_t width = 1; width < n; width *= 2) {
    SmallVector<Value> next;
    for (int64_t i = 0; i < n / 2; ++i)
      for (ArrayRef<int64_t> half : {ArrayRef(low), ArrayRef(high)})
        next.push_back(
            vector::ShuffleOp::create(b, loc, rows[i], rows[i + n / 2], half));
    rows = std::move(next);
  }
  return rows;
}

Value BodyEmitter::loadTurned(OpOperand &operand, Point point) {
  auto type = cast<MemRefType>(operand.get().getType());
  AffineMap map = op.getMatchingIndexingMap(&operand);
  if (!plan.turnedDim || !isTurned(map, type, plan.vectorDim, *plan.turnedDim))
    return {};
  const Unrolled *across = llvm::find_if(
      unrolled, [&](const Unrolled &u) { return u.dim == *plan.turnedDim; });
  if (across == unrolled.end() || across->step != 1 ||
      across->count < fewSteps || across->count > lanes)
    return {};
  auto vector = cast<VectorType>(vectorOf(type.getElementType()));
  SmallVector<int64_t> place(point);
  int64_t &step = place[across - unrolled.begin()];
  int64_t wanted = std::exchange(step, 0);
  Value mask, nothing;
  if (across->count < lanes) {
    mask = vector::CreateMaskOp::create(
        b, loc, VectorType::get({lanes}, b.getI1Type()), index(across->count));
    nothing = arith::ConstantOp::create(b, loc, vector, b.getZeroAttr(vector));
  }
  SmallVector<Value> rows;
  for (int64_t lane = 0; lane < lanes; ++lane) {
    SmallVector<Value> at = existingIndices(map, place, lane);
    if (mask)
      rows.push_back(vector::MaskedLoadOp::create(b, loc, vector, operand.get(),
                                                  at, mask, nothing));
    else
      rows.push_back(vector::LoadOp::create(b, loc, vector, operand.get(), at));
  }
  rows = transposed(b, loc, std::move(rows));
  BlockArgument argument = op.getMatchingBlockArgument(&operand);
  for (step = 0; step < across->count; ++step)
    setValueAt(argument, place, rows[step]);
  return rows[wanted];
}
