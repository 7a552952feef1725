//===- CacheRows.cpp - rows that are read once ----------------------------===//
#include "Access.h"
#include "BlockCode.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"

using namespace mlir;
using namespace lamina;

/// Bytes of shared memory for copies, so that several blocks still fit in a
/// multiprocessor.
static constexpr int64_t cacheBytes = 16384;

/// The linalg ops that read `view`, or none if something else does.
static SmallVector<OpOperand *> readsOf(memref::SubViewOp view) {
  SmallVector<OpOperand *> reads;
  for (OpOperand &use : view->getUses()) {
    auto op = dyn_cast<linalg::LinalgOp>(use.getOwner());
    if (!op || op.isDpsInit(&use))
      return {};
    if (op.payloadUsesValueFromOperand(&use))
      reads.push_back(&use);
  }
  return reads;
}

void lamina::cacheRows(ImplicitLocOpBuilder &b, scf::ForOp loop) {
  Access access = accessOf(loop);
  int64_t left = cacheBytes;
  for (auto view : llvm::make_early_inc_range(
           loop.getBody()->getOps<memref::SubViewOp>())) {
    MemRefType type = view.getType();
    if (!type.hasStaticShape() || access.writes.contains(rootOf(view)))
      continue;
    int64_t bytes = type.getNumElements() *
                    llvm::divideCeil(type.getElementTypeBitWidth(), 8);
    SmallVector<OpOperand *> reads = readsOf(view);
    if (reads.size() < 2 || bytes > left)
      continue;
    left -= bytes;
    OpBuilder::InsertionGuard guard(b);
    b.setLoc(view.getLoc());
    b.setInsertionPointAfter(view);
    Value copy = memref::AllocOp::create(
        b, MemRefType::get(type.getShape(), type.getElementType()));
    linalg::CopyOp::create(b, view.getResult(), copy);
    for (OpOperand *read : reads)
      read->set(copy);
  }
}
