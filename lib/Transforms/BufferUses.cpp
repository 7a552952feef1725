//===- BufferUses.cpp - which ops touch the same memory -------------------===//
#include "BufferUses.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Interfaces/ViewLikeInterface.h"

using namespace mlir;
using namespace lamina;

static bool isBuffer(Value value) {
  return isa<BaseMemRefType>(value.getType());
}

Value lamina::baseOf(Value view) {
  while (auto op = view.getDefiningOp<ViewLikeOpInterface>())
    view = op.getViewSource();
  return view;
}

/// Ops of which only the result matters.
static bool touchesNothing(Operation *op) {
  return isa<memref::AllocOp, memref::AllocaOp, ViewLikeOpInterface>(op) ||
         op->hasTrait<OpTrait::IsTerminator>() || isMemoryEffectFree(op);
}

static void collect(Operation *op, bool nested, BufferUses &result) {
  auto use = [&](OpOperand &operand, bool reads, bool writes) {
    if (isBuffer(operand.get()) && (reads || writes))
      result.uses.push_back(
          {operand.get(), reads, writes, nested ? nullptr : &operand});
  };
  if (auto linalgOp = dyn_cast<linalg::LinalgOp>(op)) {
    for (OpOperand &operand : op->getOpOperands()) {
      bool isInit = linalgOp.isDpsInit(&operand);
      use(operand, !isInit || linalgOp.payloadUsesValueFromOperand(&operand),
          isInit);
    }
  } else if (auto copy = dyn_cast<memref::CopyOp>(op)) {
    use(copy.getSourceMutable(), true, false);
    use(copy.getTargetMutable(), false, true);
  } else if (auto load = dyn_cast<memref::LoadOp>(op)) {
    use(load.getMemrefMutable(), true, false);
  } else if (auto store = dyn_cast<memref::StoreOp>(op)) {
    use(store.getMemrefMutable(), false, true);
  } else if (!op->getNumRegions() && !touchesNothing(op)) {
    result.unknown = true;
  }
  // The body of a linalg op may load.
  for (Region &region : op->getRegions())
    for (Block &block : region)
      for (Operation &inner : block)
        collect(&inner, true, result);
}

BufferUses lamina::buffersUsedBy(Operation *op) {
  BufferUses result;
  collect(op, false, result);
  return result;
}

/// Memory that nothing but its own views overlaps.
static bool isIdentified(Value base) {
  if (auto argument = dyn_cast<BlockArgument>(base))
    return isa<func::FuncOp>(argument.getOwner()->getParentOp());
  return base.getDefiningOp<memref::AllocOp>() ||
         base.getDefiningOp<memref::AllocaOp>() ||
         base.getDefiningOp<memref::GetGlobalOp>();
}

/// Two parts of one buffer that have no index of some axis in common.
static bool areDisjoint(memref::SubViewOp a, memref::SubViewOp b) {
  for (auto [axis, size] : llvm::enumerate(a.getMixedSizes())) {
    auto end = [axis = axis](memref::SubViewOp part) -> std::optional<int64_t> {
      std::optional<int64_t> from =
          getConstantIntValue(part.getMixedOffsets()[axis]);
      std::optional<int64_t> count =
          getConstantIntValue(part.getMixedSizes()[axis]);
      if (!from || !count ||
          !isConstantIntValue(part.getMixedStrides()[axis], 1))
        return std::nullopt;
      return *from + *count;
    };
    std::optional<int64_t> endA = end(a), endB = end(b);
    if (endA && endB &&
        (*endA <= *getConstantIntValue(b.getMixedOffsets()[axis]) ||
         *endB <= *getConstantIntValue(a.getMixedOffsets()[axis])))
      return true;
  }
  return false;
}

Overlap lamina::overlapOf(Value a, Value b) {
  if (a == b)
    return Overlap::Same;
  Value baseA = baseOf(a), baseB = baseOf(b);
  if (baseA != baseB)
    return isIdentified(baseA) && isIdentified(baseB) ? Overlap::None
                                                      : Overlap::Some;
  auto partA = a.getDefiningOp<memref::SubViewOp>();
  auto partB = b.getDefiningOp<memref::SubViewOp>();
  if (!partA || !partB || partA.getSource() != partB.getSource())
    return Overlap::Some;
  if (partA.getType() == partB.getType() &&
      partA.getMixedOffsets() == partB.getMixedOffsets() &&
      partA.getMixedSizes() == partB.getMixedSizes() &&
      partA.getMixedStrides() == partB.getMixedStrides())
    return Overlap::Same;
  return areDisjoint(partA, partB) ? Overlap::None : Overlap::Some;
}
