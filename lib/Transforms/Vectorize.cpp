//===- Vectorize.cpp - linalg on buffers becomes loops over vectors -------===//
//
// Every op goes the same way: named ops are generalized, loops joined, a plan
// chosen (VectorizePlan), and the plan emitted (VectorizeNest around
// VectorizeBody). What has no plan becomes scalar loops.
//
//===----------------------------------------------------------------------===//

#include "Vectorize.h"
#include "VectorizeNest.h"
#include "lamina/Transforms/Passes.h"
#include "lamina/Transforms/Remarks.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Linalg/Utils/Utils.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace lamina {
#define GEN_PASS_DEF_VECTORIZE
#include "lamina/Transforms/Passes.h.inc"
} // namespace lamina

using namespace lamina;

namespace {

/// A copy that LLVM's memcpy does best: contiguous, and not a few elements.
bool isBlockCopy(memref::CopyOp copy) {
  constexpr int64_t kFew = 1024;
  auto isContiguous = [](Value v) {
    auto type = dyn_cast<MemRefType>(v.getType());
    return type && type.areTrailingDimsContiguous(type.getRank());
  };
  auto type = dyn_cast<MemRefType>(copy.getSource().getType());
  return isContiguous(copy.getSource()) && isContiguous(copy.getTarget()) &&
         (!type.hasStaticShape() || type.getNumElements() >= kFew);
}

struct Vectorize : lamina::impl::VectorizeBase<Vectorize> {
  using VectorizeBase::VectorizeBase;

  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    lowerCopies(rewriter);
    const Strategy &row = strategyNamed(strategy);
    // Reductions first: they take their neighbours with them.
    for (bool reductions : {true, false}) {
      SmallVector<linalg::LinalgOp> ops;
      getOperation().walk([&](linalg::LinalgOp op) {
        if (op.hasPureBufferSemantics() &&
            (op.getNumReductionLoops() > 0) == reductions)
          ops.push_back(op);
      });
      for (linalg::LinalgOp op : ops)
        if (failed(lower(rewriter, op, row)))
          return signalPassFailure();
    }
  }

  void lowerCopies(IRRewriter &rewriter) {
    SmallVector<memref::CopyOp> copies;
    getOperation().walk([&](memref::CopyOp op) { copies.push_back(op); });
    for (memref::CopyOp copy : copies) {
      if (!isa<MemRefType>(copy.getSource().getType()) ||
          !isa<MemRefType>(copy.getTarget().getType()) || isBlockCopy(copy))
        continue;
      rewriter.setInsertionPoint(copy);
      linalg::makeMemRefCopyOp(rewriter, copy.getLoc(), copy.getSource(),
                               copy.getTarget());
      rewriter.eraseOp(copy);
    }
  }

  LogicalResult lower(IRRewriter &rewriter, linalg::LinalgOp op,
                      const Strategy &row) {
    rewriter.setInsertionPoint(op);
    Neighbours neighbours = findNeighbours(op);
    if (!isa<linalg::GenericOp>(op)) {
      FailureOr<linalg::GenericOp> generic =
          linalg::generalizeNamedOp(rewriter, op);
      if (failed(generic))
        return lowerToScalarLoops(rewriter, op);
      op = cast<linalg::LinalgOp>(generic->getOperation());
    }
    auto generic = collapseLoops(rewriter, cast<linalg::GenericOp>(op));
    // There, everything that the epilogue reads has been named.
    rewriter.setInsertionPoint(neighbours.epilogue ? neighbours.epilogue
                                                   : generic);
    std::optional<Plan> plan = planFor(generic, row);
    report(generic, plan);
    if (!plan)
      return lowerToScalarLoops(rewriter,
                                cast<linalg::LinalgOp>(generic.getOperation()));
    NestEmitter nest(rewriter, generic, *plan);
    nest.join(neighbours, row);
    nest.emit();
    if (neighbours.fill)
      rewriter.eraseOp(neighbours.fill);
    if (neighbours.epilogue)
      rewriter.eraseOp(neighbours.epilogue);
    rewriter.eraseOp(generic);
    return success();
  }

  static void report(linalg::GenericOp op, const std::optional<Plan> &plan) {
    if (!remarksEnabled(op))
      return;
    std::string text = describe(op);
    llvm::raw_string_ostream os(text);
    if (!plan) {
      os << ": scalar loops: its body or its accesses have no vector form";
    } else {
      os << ": " << plan->lanes << " lanes along axis " << plan->vectorDim;
      if (plan->reducesLanes)
        os << ", which is reduced, " << plan->columns << " vectors at a time";
      for (const TileDim &tile : plan->tiles)
        os << ", " << tile.count
           << (tile.dim == plan->vectorDim ? " vectors" : " rows")
           << " of axis " << tile.dim << " at a time";
      if (plan->unroll > 1)
        os << ", " << plan->unroll << " terms at a time";
      if (plan->compensate)
        os << ", sums compensated";
      if (!plan->maskTails)
        os << ", tails one by one";
    }
    remarkOn(op, "vector") << text;
  }

  LogicalResult lowerToScalarLoops(IRRewriter &rewriter, linalg::LinalgOp op) {
    rewriter.setInsertionPoint(op);
    if (failed(linalg::linalgOpToLoops(rewriter, op)))
      return op.emitError("no loops for this op");
    rewriter.eraseOp(op);
    return success();
  }
};

} // namespace
