//===- VectorizeNeighbours.cpp - Ops that join a reduction ----------------===//
//
// Accumulators that go through memory cost more than a short sum: what was
// stored with one mask or width is loaded with another, which the processor
// does not forward.
//
//===----------------------------------------------------------------------===//

#include "VectorizeNeighbours.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Interfaces/ViewLikeInterface.h"

using namespace mlir;
using namespace lamina;

/// The nearest op before or behind `op` that does more than name a value.
static Operation *neighbour(Operation *op, bool before) {
  do
    op = before ? op->getPrevNode() : op->getNextNode();
  while (op && isPure(op));
  return op;
}

/// Bytes of a buffer at a constant place in another one.
struct Place {
  Value base;
  std::optional<std::pair<int64_t, int64_t>> range;
};

static Place placeOf(Value memref) {
  while (auto view = memref.getDefiningOp<ViewLikeOpInterface>()) {
    if (auto part = dyn_cast<memref::ViewOp>(view.getOperation())) {
      auto type = part.getType();
      std::optional<int64_t> begin = getConstantIntValue(part.getByteShift());
      if (!begin || !type.hasStaticShape())
        return {part.getSource(), std::nullopt};
      int64_t size = llvm::divideCeil(
          type.getNumElements() * type.getElementTypeBitWidth(), 8);
      return {part.getSource(), std::pair(*begin, *begin + size)};
    }
    memref = view.getViewSource();
  }
  return {memref, std::nullopt};
}

/// Whether no byte of `a` is one of `b`. Arguments are different buffers.
static bool areApart(Value a, Value b) {
  Place one = placeOf(a), other = placeOf(b);
  if (one.base != other.base) {
    auto isBuffer = [](Value v) {
      return isa<BlockArgument>(v) || v.getDefiningOp<memref::AllocOp>() ||
             v.getDefiningOp<memref::AllocaOp>() ||
             v.getDefiningOp<memref::GetGlobalOp>();
    };
    return isBuffer(one.base) && isBuffer(other.base);
  }
  return one.range && other.range &&
         (one.range->second <= other.range->first ||
          other.range->second <= one.range->first);
}

static bool isMemRef(Value value) { return isa<MemRefType>(value.getType()); }

static linalg::FillOp findFill(linalg::LinalgOp op, TypedAttr &initial) {
  auto fill = dyn_cast_or_null<linalg::FillOp>(neighbour(op, /*before=*/true));
  if (!fill || fill.getDpsInits()[0] != op.getDpsInits()[0] ||
      !matchPattern(fill.getInputs()[0], m_Constant(&initial)) ||
      fill.getInputs()[0].getType() !=
          getElementTypeOrSelf(op.getDpsInits()[0].getType()))
    return {};
  return fill;
}

/// Whether somebody but `known` looks at the memory that `buffer` names. It
/// must be a part of the scratch memory that has no other name.
static bool hasOtherReaders(Value buffer, ArrayRef<Operation *> known) {
  return !isa_and_nonnull<memref::ViewOp, memref::AllocOp, memref::AllocaOp>(
             buffer.getDefiningOp()) ||
         llvm::any_of(buffer.getUsers(), [&](Operation *user) {
           return !llvm::is_contained(known, user);
         });
}

static linalg::GenericOp findEpilogue(linalg::LinalgOp op, Operation *fill) {
  Value buffer = op.getDpsInits()[0];
  auto next =
      dyn_cast_or_null<linalg::GenericOp>(neighbour(op, /*before=*/false));
  if (!next || !next.hasPureBufferSemantics() ||
      next.getNumLoops() != next.getNumParallelLoops() ||
      next.getNumLoops() != cast<MemRefType>(buffer.getType()).getRank())
    return {};
  bool reads = false, writes = false;
  for (OpOperand &operand : next->getOpOperands()) {
    if (operand.get() != buffer)
      continue;
    if (!next.getMatchingIndexingMap(&operand).isIdentity())
      return {};
    reads |= !next.getMatchingBlockArgument(&operand).use_empty();
    writes |= next.isDpsInit(&operand);
  }
  if (!writes && hasOtherReaders(buffer, {fill, op, next}))
    return {};
  // It runs for the first rows while the reduction still reads for the last.
  for (Value output : next.getDpsInits())
    for (Value input : op.getDpsInputs())
      if (isMemRef(input) && !areApart(output, input))
        return {};
  return reads ? next : linalg::GenericOp();
}

Neighbours lamina::findNeighbours(linalg::LinalgOp op) {
  Neighbours result;
  if (!op.hasPureBufferSemantics() || op.getNumDpsInits() != 1 ||
      op.getNumReductionLoops() == 0)
    return result;
  result.buffer = op.getDpsInits()[0];
  result.fill = findFill(op, result.initial);
  // What was in the buffer before is for nobody else to see.
  if (result.fill)
    result.epilogue = findEpilogue(op, result.fill);
  return result;
}
