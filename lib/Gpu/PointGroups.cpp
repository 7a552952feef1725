//===- PointGroups.cpp - neighbouring points in wide accesses -------------===//
#include "Points.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace lamina;

/// Bytes of the widest access of a thread.
static constexpr int64_t accessBytes = 16;

static bool isScalar(linalg::LinalgOp op, OpOperand &operand) {
  return !isa<MemRefType>(operand.get().getType());
}

int64_t Points::groupWidth() {
  int64_t bytes = 1;
  for (OpOperand &operand : op->getOpOperands()) {
    if (isScalar(op, operand))
      continue;
    auto type = cast<MemRefType>(operand.get().getType());
    if (!op.getMatchingIndexingMap(&operand).isIdentity() ||
        !type.getLayout().isIdentity() || type.getRank() == 0)
      return 1;
    bytes = std::max<int64_t>(
        bytes, llvm::divideCeil(type.getElementTypeBitWidth(), 8));
  }
  bool placed =
      op.getBlock()
          ->walk([](linalg::IndexOp) { return WalkResult::interrupt(); })
          .wasInterrupted();
  return placed || !isPointwise() ? 1 : accessBytes / bytes;
}

/// The body at `width` neighbours, whose elements are lanes of vectors.
SmallVector<Value> Points::bodyOfLanes(ValueRange operands, int64_t width) {
  Block *block = op.getBlock();
  Values results;
  for (OpOperand &init : op.getDpsInitsMutable()) {
    auto type =
        VectorType::get({width}, getElementTypeOrSelf(init.get().getType()));
    results.push_back(
        arith::ConstantOp::create(b, cast<TypedAttr>(b.getZeroAttr(type))));
  }
  for (int64_t lane = 0; lane < width; ++lane) {
    IRMapping mapping;
    for (auto [argument, value] :
         llvm::zip_equal(block->getArguments(), operands))
      if (!argument.use_empty())
        mapping.map(argument,
                    isa<VectorType>(value.getType())
                        ? vector::ExtractOp::create(b, value, lane).getResult()
                        : value);
    for (Operation &inner : block->without_terminator())
      b.clone(inner, mapping);
    for (auto [index, yielded] :
         llvm::enumerate(block->getTerminator()->getOperands()))
      results[index] = vector::InsertOp::create(
          b, mapping.lookupOrDefault(yielded), results[index], lane);
  }
  return results;
}

void Points::shareGroups(const Team &team, int64_t width) {
  if (width == 1)
    return shareResults(team);
  Value total = results(), groupSize = number(b, width);
  // All buffers as rows of elements, and whether they can be read in groups.
  Values flat;
  Value address = number(b, 0);
  for (OpOperand &operand : op->getOpOperands()) {
    if (isScalar(op, operand)) {
      flat.push_back(operand.get());
      continue;
    }
    auto type = cast<MemRefType>(operand.get().getType());
    flat.push_back(memref::ReinterpretCastOp::create(
        b, operand.get(), OpFoldResult(b.getIndexAttr(0)),
        ArrayRef<OpFoldResult>{total},
        ArrayRef<OpFoldResult>{b.getIndexAttr(1)}));
    Value bits =
        memref::ExtractAlignedPointerAsIndexOp::create(b, operand.get());
    // A group of narrower elements needs less.
    int64_t bytes = width * llvm::divideCeil(type.getElementTypeBitWidth(), 8);
    bits = arith::AndIOp::create(b, bits, number(b, bytes - 1));
    address = arith::OrIOp::create(b, address, bits);
  }
  Value aligned =
      arith::CmpIOp::create(b, arith::CmpIPredicate::eq, address, number(b, 0));
  Value groups = arith::SelectOp::create(
      b, aligned, arith::DivUIOp::create(b, total, groupSize), number(b, 0));
  unsigned inputs = op.getNumDpsInputs();
  loop(b, team.id, groups, team.count, {}, [&](Value group, ValueRange) {
    Value first = arith::MulIOp::create(b, group, groupSize);
    Values operands;
    for (auto [index, buffer] : llvm::enumerate(flat)) {
      auto type = dyn_cast<MemRefType>(buffer.getType());
      bool isRead = !op.getBlock()->getArgument(index).use_empty();
      if (!type || !isRead) {
        operands.push_back(buffer);
        continue;
      }
      auto lanes = VectorType::get({width}, type.getElementType());
      operands.push_back(vector::LoadOp::create(
          b, lanes, buffer, ValueRange{first}, /*nontemporal=*/false,
          llvm::MaybeAlign(width * lanes.getElementTypeBitWidth() / 8)));
    }
    for (auto [index, value] : llvm::enumerate(bodyOfLanes(operands, width))) {
      int64_t bits = cast<VectorType>(value.getType()).getElementTypeBitWidth();
      vector::StoreOp::create(b, value, flat[inputs + index], ValueRange{first},
                              /*nontemporal=*/false,
                              llvm::MaybeAlign(width * bits / 8));
    }
    return Values();
  });
  // What is left: a few elements, or everything.
  Value done = arith::MulIOp::create(b, groups, groupSize);
  Value start = arith::AddIOp::create(b, done, team.id);
  loop(b, start, total, team.count, {}, [&](Value result, ValueRange) {
    Values point(sizes.size());
    locate(kept, result, point);
    body(point, {});
    return Values();
  });
}
