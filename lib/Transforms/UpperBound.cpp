//===- UpperBound.cpp - sizes that are known before a loop ----------------===//
#include "lamina/Transforms/UpperBound.h"
#include "mlir/Interfaces/LoopLikeInterface.h"

using namespace mlir;
using namespace lamina;

FailureOr<UpperBound> lamina::upperBoundOutsideLoops(Value size,
                                                     Operation *within) {
  SmallVector<Value> moving;
  for (Operation *parent = size.getDefiningOp();
       parent && (!within || within->isAncestor(parent));
       parent = parent->getParentOp())
    if (auto loop = dyn_cast<LoopLikeOpInterface>(parent))
      if (auto variables = loop.getLoopInductionVars())
        llvm::append_range(moving, *variables);
  UpperBound bound;
  if (failed(ValueBoundsConstraintSet::computeIndependentBound(
          bound.map, bound.operands, presburger::BoundType::UB,
          ValueBoundsConstraintSet::Variable(size), moving,
          /*closedUB=*/true)))
    return failure();
  return bound;
}
