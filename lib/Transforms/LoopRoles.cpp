//===- LoopRoles.cpp - how an op takes part in a tile loop ----------------===//
#include "LoopGroups.h"
#include "Products.h"
#include "mlir/Interfaces/ValueBoundsOpInterface.h"

using namespace mlir;
using namespace lamina;

/// Whether `size` is the whole of axis `axis` of `tensor`.
static bool isWholeAxis(OpFoldResult size, Value tensor, unsigned axis) {
  std::optional<int64_t> constant = getConstantIntValue(size);
  int64_t extent = cast<RankedTensorType>(tensor.getType()).getDimSize(axis);
  if (constant && !ShapedType::isDynamic(extent))
    return *constant == extent;
  FailureOr<bool> equal = ValueBoundsConstraintSet::areEqual(
      ValueBoundsConstraintSet::Variable(size),
      ValueBoundsConstraintSet::Variable(tensor, axis));
  return succeeded(equal) && *equal;
}

/// The number of leading axes that a slice of `whole` leaves alone.
static unsigned untouchedAxes(OffsetSizeAndStrideOpInterface slice, Value whole,
                              Value part) {
  unsigned rank = cast<RankedTensorType>(whole.getType()).getRank();
  if (cast<RankedTensorType>(part.getType()).getRank() != int64_t(rank))
    return 0;
  unsigned axis = 0;
  for (; axis < rank; ++axis)
    if (!isConstantIntValue(slice.getMixedOffsets()[axis], 0) ||
        !isConstantIntValue(slice.getMixedStrides()[axis], 1) ||
        !isWholeAxis(slice.getMixedSizes()[axis], whole, axis))
      break;
  return axis;
}

static unsigned singletonGroups(ArrayRef<ReassociationIndices> groups) {
  unsigned count = 0;
  while (count < groups.size() && groups[count].size() == 1)
    ++count;
  return count;
}

/// The leading axes of its largest operand that `op` reduces over: a sum of
/// rows goes along with a loop over the rows.
static SmallVector<unsigned> accumulatedLoops(linalg::LinalgOp op) {
  SmallVector<utils::IteratorType> iterators = op.getIteratorTypesArray();
  AffineMap largest;
  for (OpOperand *input : op.getDpsInputOperands()) {
    AffineMap map = op.getMatchingIndexingMap(input);
    if (map.isProjectedPermutation() &&
        (!largest || map.getNumResults() > largest.getNumResults()))
      largest = map;
  }
  SmallVector<unsigned> loops;
  if (largest)
    for (AffineExpr expr : largest.getResults()) {
      unsigned dim = cast<AffineDimExpr>(expr).getPosition();
      if (iterators[dim] != utils::IteratorType::reduction)
        break;
      loops.push_back(dim);
    }
  return loops;
}

static LoopRole roleOfLinalg(linalg::LinalgOp op) {
  LoopRole role;
  if (!op.hasPureTensorSemantics())
    return role;
  SmallVector<utils::IteratorType> iterators = op.getIteratorTypesArray();
  for (auto [index, init] : llvm::enumerate(op.getDpsInitsMutable())) {
    AffineMap map = op.getMatchingIndexingMap(&init);
    if (!map.isProjectedPermutation())
      return {};
    SmallVector<unsigned> loops;
    for (AffineExpr expr : map.getResults()) {
      unsigned dim = cast<AffineDimExpr>(expr).getPosition();
      if (iterators[dim] != utils::IteratorType::parallel)
        break;
      loops.push_back(dim);
    }
    if (index == 0)
      role.loops = loops;
    size_t common = 0;
    while (common < std::min(loops.size(), role.loops.size()) &&
           loops[common] == role.loops[common])
      ++common;
    role.loops.truncate(common);
  }
  role.product = isProduct(op);
  if (!role.product && !op.hasIndexSemantics())
    if (SmallVector<unsigned> loops = accumulatedLoops(op); !loops.empty()) {
      role.loops = loops;
      role.accumulates = true;
    }
  return role;
}

LoopRole lamina::loopRole(Operation *op) {
  auto glue = [](unsigned depth) {
    LoopRole role;
    role.loops.assign(depth, 0);
    return role;
  };
  if (auto linalgOp = dyn_cast<linalg::LinalgOp>(op))
    return roleOfLinalg(linalgOp);
  if (auto slice = dyn_cast<tensor::InsertSliceOp>(op))
    return glue(untouchedAxes(slice, slice.getDest(), slice.getSource()));
  if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op))
    return glue(untouchedAxes(slice, slice.getSource(), slice.getResult()));
  if (auto reshape = dyn_cast<tensor::ExpandShapeOp>(op))
    return glue(singletonGroups(reshape.getReassociationIndices()));
  if (auto reshape = dyn_cast<tensor::CollapseShapeOp>(op))
    return glue(singletonGroups(reshape.getReassociationIndices()));
  return {};
}

unsigned lamina::sharedDepth(OpOperand &operand, const LoopRole &role) {
  auto op = dyn_cast<linalg::LinalgOp>(operand.getOwner());
  if (!op)
    return isa<RankedTensorType>(operand.get().getType()) ? role.depth() : 0;
  AffineMap map = op.getMatchingIndexingMap(&operand);
  unsigned depth = 0;
  while (depth < std::min<size_t>(role.depth(), map.getNumResults()) &&
         map.getResult(depth) ==
             getAffineDimExpr(role.loops[depth], map.getContext()))
    ++depth;
  // A loop that moves along two axes of the operand cannot walk one of them.
  for (unsigned axis = depth; axis < map.getNumResults(); ++axis)
    for (unsigned loop = 0; loop < depth; ++loop)
      if (map.getResult(axis).isFunctionOfDim(role.loops[loop]))
        depth = loop;
  return depth;
}
