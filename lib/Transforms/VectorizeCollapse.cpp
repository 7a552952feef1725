//===- VectorizeCollapse.cpp - Fewer, longer loops ------------------------===//
//
// Adjacent loops over memory that is contiguous in every operand become one, so
// that a pointwise op on a whole tensor has one long loop and no tail per row.
//
//===----------------------------------------------------------------------===//

#include "Vectorize.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace lamina;

namespace {

using Groups = SmallVector<ReassociationIndices>;

/// The result of `map` that is exactly `dim`; -1 if none is, nothing if `dim`
/// occurs in another way.
std::optional<int64_t> positionOf(AffineMap map, int64_t dim) {
  int64_t position = -1;
  for (auto [i, expr] : llvm::enumerate(map.getResults())) {
    if (!expr.isFunctionOfDim(dim))
      continue;
    if (!isa<AffineDimExpr>(expr) || position >= 0)
      return std::nullopt;
    position = i;
  }
  return position;
}

/// The results of `map` as groups, those of the loops in `loops` in one.
Groups resultGroups(AffineMap map, ArrayRef<ReassociationIndices> loops) {
  Groups groups;
  for (int64_t i = 0, n = map.getNumResults(); i < n;) {
    ReassociationIndices group{i};
    auto dim = dyn_cast<AffineDimExpr>(map.getResult(i));
    for (ArrayRef<int64_t> loop : loops)
      if (dim && loop.front() == int64_t(dim.getPosition()))
        for (size_t k = 1; k < loop.size(); ++k)
          group.push_back(i + k);
    i += group.size();
    groups.push_back(group);
  }
  return groups;
}

/// Whether `next` can join the loops of `group`, which precede it.
bool canJoin(linalg::GenericOp op, const ReassociationIndices &group,
             int64_t next) {
  SmallVector<utils::IteratorType> kinds = op.getIteratorTypesArray();
  if (kinds[group.back()] != kinds[next])
    return false;
  ReassociationIndices joined = group;
  joined.push_back(next);
  for (OpOperand &operand : op->getOpOperands()) {
    AffineMap map = op.getMatchingIndexingMap(&operand);
    std::optional<int64_t> last = positionOf(map, group.back()),
                           position = positionOf(map, next);
    if (!last || !position)
      return false;
    if (*last < 0 && *position < 0)
      continue;
    auto type = dyn_cast<MemRefType>(operand.get().getType());
    // Upstream's type of a collapsed empty dimension is inconsistent.
    if (*last < 0 || *position != *last + 1 || !type ||
        llvm::is_contained(type.getShape(), 0) ||
        !memref::CollapseShapeOp::isGuaranteedCollapsible(
            type, resultGroups(map, {joined})))
      return false;
  }
  return true;
}

} // namespace

linalg::GenericOp lamina::collapseLoops(RewriterBase &rewriter,
                                        linalg::GenericOp op, bool keepLast) {
  if (op.hasIndexSemantics() || op.getNumLoops() < 2)
    return op;
  Groups loops;
  for (int64_t dim = 0, n = op.getNumLoops(); dim < n; ++dim) {
    bool stays = keepLast && dim + 1 == n;
    if (!stays && !loops.empty() && canJoin(op, loops.back(), dim))
      loops.back().push_back(dim);
    else
      loops.push_back({dim});
  }
  if (loops.size() == op.getNumLoops())
    return op;

  OpBuilder::InsertionGuard guard(rewriter);
  rewriter.setInsertionPoint(op);
  SmallVector<AffineExpr> newDims(op.getNumLoops());
  SmallVector<utils::IteratorType> kinds;
  for (auto [i, loop] : llvm::enumerate(loops)) {
    kinds.push_back(op.getIteratorTypesArray()[loop.front()]);
    for (int64_t dim : loop) // only the first of a group is kept in a map
      newDims[dim] = rewriter.getAffineDimExpr(i);
  }
  SmallVector<Value> operands;
  SmallVector<AffineMap> maps;
  for (OpOperand &operand : op->getOpOperands()) {
    AffineMap map = op.getMatchingIndexingMap(&operand);
    Groups groups = resultGroups(map, loops);
    SmallVector<AffineExpr> results;
    for (const ReassociationIndices &group : groups)
      results.push_back(map.getResult(group.front()).replaceDims(newDims));
    maps.push_back(
        AffineMap::get(loops.size(), 0, results, rewriter.getContext()));
    Value value = operand.get();
    if (groups.size() != map.getNumResults())
      value =
          memref::CollapseShapeOp::create(rewriter, op.getLoc(), value, groups);
    operands.push_back(value);
  }
  unsigned inputs = op.getNumDpsInputs();
  auto collapsed = linalg::GenericOp::create(
      rewriter, op.getLoc(), TypeRange(),
      ArrayRef<Value>(operands).take_front(inputs),
      ArrayRef<Value>(operands).drop_front(inputs), maps, kinds);
  rewriter.inlineRegionBefore(op.getRegion(), collapsed.getRegion(),
                              collapsed.getRegion().begin());
  rewriter.eraseOp(op);
  return collapsed;
}
