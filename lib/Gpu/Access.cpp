//===- Access.cpp - which buffers an op reads and writes ------------------===//
#include "Access.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace lamina;

bool Access::conflicts(const Access &other) const {
  auto overlap = [](const auto &a, const auto &b) {
    return llvm::any_of(a, [&](Value value) { return b.contains(value); });
  };
  return overlap(writes, other.writes) || overlap(writes, other.reads) ||
         overlap(reads, other.writes);
}

void Access::add(const Access &other) {
  reads.insert(other.reads.begin(), other.reads.end());
  writes.insert(other.writes.begin(), other.writes.end());
}

void Access::clear() {
  reads.clear();
  writes.clear();
}

Value lamina::rootOf(Value buffer) {
  while (Operation *op = buffer.getDefiningOp()) {
    if (auto view = dyn_cast<ViewLikeOpInterface>(op))
      buffer = view.getViewSource();
    else if (isa<memref::MemorySpaceCastOp, memref::CastOp>(op))
      buffer = op->getOperand(0);
    else
      break;
  }
  return buffer;
}

/// Calls `visit` with every buffer that `op` itself accesses, and how.
static void
forEachAccess(Operation *op,
              llvm::function_ref<void(Value, bool reads, bool writes)> visit) {
  if (auto linalgOp = dyn_cast<linalg::LinalgOp>(op)) {
    for (OpOperand &operand : op->getOpOperands())
      if (isa<MemRefType>(operand.get().getType()))
        visit(operand.get(), linalgOp.payloadUsesValueFromOperand(&operand),
              linalgOp.isDpsInit(&operand));
  } else if (auto load = dyn_cast<memref::LoadOp>(op)) {
    visit(load.getMemRef(), true, false);
  } else if (auto store = dyn_cast<memref::StoreOp>(op)) {
    visit(store.getMemRef(), false, true);
  } else if (auto copy = dyn_cast<memref::CopyOp>(op)) {
    visit(copy.getSource(), true, false);
    visit(copy.getTarget(), false, true);
  }
}

Access lamina::accessOf(Operation *op) {
  Access result;
  op->walk([&](Operation *inner) {
    forEachAccess(inner, [&](Value buffer, bool reads, bool writes) {
      Value root = rootOf(buffer);
      if (reads)
        result.reads.insert(root);
      if (writes)
        result.writes.insert(root);
    });
  });
  return result;
}

/// The axis of the root at which every access through `buffer` is at `index`.
static std::optional<unsigned> pinnedAxis(Value buffer, Value index) {
  while (Operation *op = buffer.getDefiningOp()) {
    auto view = dyn_cast<memref::SubViewOp>(op);
    if (view && rootOf(buffer) == view.getSource())
      for (auto [axis, offset, size] :
           llvm::enumerate(view.getMixedOffsets(), view.getMixedSizes()))
        if (dyn_cast<Value>(offset) == index && isConstantIntValue(size, 1))
          return axis;
    auto any = dyn_cast<ViewLikeOpInterface>(op);
    if (!any)
      break;
    buffer = any.getViewSource();
  }
  return std::nullopt;
}

bool lamina::iterationsAreApart(scf::ForOp loop) {
  if (loop.getNumResults() != 0)
    return false;
  if (loop->hasAttr("lamina.parallel"))
    return true;
  Access whole = accessOf(loop);
  auto isInside = [&](Value root) {
    Operation *op = root.getDefiningOp();
    return op && loop->isProperAncestor(op);
  };
  llvm::DenseMap<Value, unsigned> axes;
  bool apart = true;
  loop.getBody()->walk([&](Operation *op) {
    forEachAccess(op, [&](Value buffer, bool, bool) {
      Value root = rootOf(buffer);
      if (isInside(root) || !whole.writes.contains(root))
        return;
      std::optional<unsigned> axis = pinnedAxis(buffer, loop.getInductionVar());
      if (!axis && buffer == root) {
        auto find = [&](ValueRange indices) {
          for (auto [position, index] : llvm::enumerate(indices))
            if (index == loop.getInductionVar() && !axis)
              axis = position;
        };
        if (auto load = dyn_cast<memref::LoadOp>(op))
          find(load.getIndices());
        if (auto store = dyn_cast<memref::StoreOp>(op))
          find(store.getIndices());
      }
      apart &= axis && axes.try_emplace(root, *axis).first->second == *axis;
    });
  });
  return apart;
}

bool lamina::isThreadWork(scf::ForOp loop) {
  return loop.walk([](memref::StoreOp) { return WalkResult::interrupt(); })
      .wasInterrupted();
}

int64_t lamina::threadsForBlock(scf::ForOp loop, int64_t most) {
  int64_t points = 1;
  loop.walk([&](linalg::LinalgOp op) {
    int64_t product = 1;
    for (int64_t range : op.getStaticLoopRanges())
      product *=
          ShapedType::isDynamic(range) ? most : std::max<int64_t>(range, 1);
    points = std::max(points, product);
  });
  // Each takes about four points.
  return std::clamp<int64_t>(llvm::PowerOf2Ceil(points / 4), 32, most);
}
