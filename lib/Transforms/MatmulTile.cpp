//===- MatmulTile.cpp - The register tile of reductions -------------------===//
//
// A contraction whose lanes run along a parallel dimension n loads vectors of
// one operand (varying with k and n) and broadcasts the other (varying with m
// and k): `rows` x `columns` accumulators use every loaded vector `rows` times.
// If the lanes are the reduced dimension itself, two parallel dimensions are
// tiled and each accumulator is a vector of partial sums. Reductions without
// such reuse only take several vectors at a time, to hide the latency of the
// addition.
//
//===----------------------------------------------------------------------===//

#include "VectorizePlan.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace lamina;

namespace {

constexpr int64_t kLanesOfWord = 4; // bytes of a float32

int64_t ceilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

/// At most `most` per step so that the steps over `size` are about equal.
int64_t balanced(int64_t size, int64_t most) {
  if (ShapedType::isDynamic(size) || size <= 0)
    return most;
  return ceilDiv(size, ceilDiv(size, most));
}

class TileChooser {
public:
  TileChooser(linalg::GenericOp op, const Strategy &strategy, Plan &plan)
      : op(op), plan(plan), sizes(op.getStaticLoopRanges()), strategy(strategy),
        wantedColumns(std::max<int64_t>(
            1, strategy.matmulColumns * kLanesOfWord / strategy.vectorBytes)) {}

  void tileParallelLanes();
  void tileReducedLanes();

private:
  /// The parallel dimensions along which a loaded vector can be reused, best
  /// first.
  SmallVector<unsigned> reuseDims();
  bool mayBeLong(unsigned dim, int64_t limit) const {
    return ShapedType::isDynamic(sizes[dim]) || sizes[dim] > limit;
  }
  bool sumsFloats() const {
    return llvm::any_of(plan.accumulations, [](const Accumulation &a) {
      return isa_and_nonnull<arith::AddFOp>(a.combiner);
    });
  }
  int64_t vectorsIn(unsigned dim) const {
    return ShapedType::isDynamic(sizes[dim])
               ? ShapedType::kDynamic
               : ceilDiv(std::max<int64_t>(sizes[dim], 1), plan.lanes);
  }
  bool loadsLanesOneByOne();
  void addTile(unsigned dim, int64_t count) {
    llvm::erase(plan.outer, dim);
    plan.tiles.push_back({dim, count, 1});
  }

  linalg::GenericOp op;
  Plan &plan;
  SmallVector<int64_t> sizes;
  const Strategy &strategy;
  int64_t wantedColumns;
};

SmallVector<unsigned> TileChooser::reuseDims() {
  SmallVector<unsigned> dims;
  for (unsigned dim : plan.outer) {
    if (sizes[dim] == 1)
      continue;
    bool reused = false, needed = false;
    for (OpOperand *input : op.getDpsInputOperands()) {
      DimSet used = dimsOf(op.getMatchingIndexingMap(input));
      bool isVector = used & dimBit(plan.vectorDim);
      reused |= isVector && !(used & dimBit(dim));
      needed |= (used & dimBit(dim)) != 0;
    }
    if (reused && needed)
      dims.push_back(dim);
  }
  auto size = [&](unsigned dim) {
    return ShapedType::isDynamic(sizes[dim]) ? int64_t(1) << 20 : sizes[dim];
  };
  // The last of equals: it is the one closest to the innermost loop.
  llvm::sort(dims, [&](unsigned a, unsigned b) {
    return size(a) != size(b) ? size(a) > size(b) : a > b;
  });
  return dims;
}

bool TileChooser::loadsLanesOneByOne() {
  return llvm::any_of(op->getOpOperands(), [this](OpOperand &operand) {
    auto type = dyn_cast<MemRefType>(operand.get().getType());
    return type && motionAlong(op.getMatchingIndexingMap(&operand), type,
                               plan.vectorDim) == Motion::Strided;
  });
}

void TileChooser::tileParallelLanes() {
  SmallVector<unsigned> reuse = reuseDims();
  int64_t budget = strategy.matmulRows * wantedColumns;
  int64_t columns = wantedColumns, rows = 1;
  if (reuse.empty())
    columns *= 2; // as many loads in flight as a larger tile would have
  if (loadsLanesOneByOne())
    columns = 1;
  columns = balanced(vectorsIn(plan.vectorDim), columns);
  if (!reuse.empty())
    rows = balanced(sizes[reuse[0]],
                    std::min(budget / columns, 2 * strategy.matmulRows));
  plan.tiles.push_back({plan.vectorDim, columns, plan.lanes});
  if (!reuse.empty())
    addTile(reuse[0], rows);
  // Enough to hide what the loop costs; more terms only make code.
  if (rows > 1)
    plan.unroll = std::clamp<int64_t>(24 / (rows * columns), 2, 4);
  plan.compensate = rows == 1 && sumsFloats() && !plan.inner.empty() &&
                    mayBeLong(plan.inner.back(), 2048);
}

void TileChooser::tileReducedLanes() {
  SmallVector<unsigned> reuse = reuseDims();
  int64_t budget = strategy.matmulRows * wantedColumns >= 16 ? 16 : 8;
  plan.columns = 4;
  if (reuse.size() >= 2) {
    addTile(reuse[0], balanced(sizes[reuse[0]], 4));
    addTile(reuse[1], balanced(sizes[reuse[1]], budget / 4));
    plan.columns = 1;
  } else if (reuse.size() == 1) {
    int64_t rows = balanced(sizes[reuse[0]], 4);
    addTile(reuse[0], rows);
    plan.columns = std::min<int64_t>(4, budget / rows);
  }
  if (loadsLanesOneByOne())
    plan.columns = 1;
  int64_t vectors = vectorsIn(plan.vectorDim);
  if (!ShapedType::isDynamic(vectors))
    plan.columns = std::min(plan.columns, vectors);
  plan.compensate =
      reuse.empty() && sumsFloats() && mayBeLong(plan.vectorDim, 8192);
}

} // namespace

void lamina::chooseRegisterTile(linalg::GenericOp op, const Strategy &strategy,
                                Plan &plan) {
  TileChooser chooser(op, strategy, plan);
  if (plan.reducesLanes)
    chooser.tileReducedLanes();
  else
    chooser.tileParallelLanes();
}
