//===- FuseElementwise.cpp - chains of pointwise ops become one op --------===//
#include "Cost.h"
#include "lamina/Transforms/Passes.h"
#include "lamina/Transforms/Remarks.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/MemRef/Transforms/Transforms.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Tensor/Transforms/Transforms.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace lamina {
#define GEN_PASS_DEF_FUSEELEMENTWISE
#include "lamina/Transforms/Passes.h.inc"
} // namespace lamina

using namespace mlir;
using namespace lamina;

/// Beyond this many ops a body spills more registers than fusion saves loads.
static constexpr unsigned maxBodyOps = 160;

/// Whether the consumer reads every element of the operand exactly once.
static bool readsOnce(OpOperand *operand) {
  auto consumer = dyn_cast<linalg::GenericOp>(operand->getOwner());
  if (!consumer)
    return false;
  AffineMap map = consumer.getMatchingIndexingMap(operand);
  return map.isPermutation();
}

/// Whether computing the producer in each of its users reads more than storing
/// its result once and loading it there. It keeps long chains of cheap ops with
/// several uses from being computed from their beginning again and again.
static bool recomputingReadsMore(linalg::GenericOp producer) {
  SmallPtrSet<Operation *, 8> users(producer->getUsers().begin(),
                                    producer->getUsers().end());
  unsigned reads =
      llvm::count_if(producer.getDpsInputOperands(), [&](OpOperand *operand) {
        return producer.getMatchingIndexingMap(operand).getNumResults() ==
               producer.getNumLoops();
      });
  return users.size() * reads > reads + 1 + users.size();
}

/// Why the operand's producer is kept in memory; empty if it is to be computed
/// where it is read. Fusing must not multiply work: with several uses, or where
/// a consumer reads an element more than once, only bodies of next to no cost
/// are recomputed.
static StringRef reasonToKeep(OpOperand *operand, linalg::GenericOp generic) {
  auto consumer = dyn_cast<linalg::GenericOp>(operand->getOwner());
  if (generic->getBlock() != operand->getOwner()->getBlock())
    return "it is computed once, ahead of a loop";
  if (consumer && generic.getBody()->getOperations().size() +
                          consumer.getBody()->getOperations().size() >
                      maxBodyOps)
    return "both together have too large a body";
  unsigned cost = bodyCost(generic);
  if (!readsOnce(operand))
    return cost == 0 ? "" : "every element is read more than once";
  bool onlyUse = llvm::all_of(generic->getUsers(), [&](Operation *user) {
    return user == operand->getOwner();
  });
  if (onlyUse)
    return "";
  if (cost > cheapCost)
    return "others read it too, and it costs more than to load it";
  if (recomputingReadsMore(generic))
    return "others read it too, and its operands are more than it";
  // What is stored anyway is read again, not computed again: its operands may
  // be overwritten by it.
  bool stored = llvm::any_of(generic->getUsers(), [](Operation *user) {
    return isa<func::ReturnOp>(user);
  });
  return stored ? "it is a result" : "";
}

/// A reshape that adds or removes unit dimensions. Loops have none by now, and
/// would get them back.
static bool isUnitReshape(Operation *op) {
  if (!isa_and_nonnull<tensor::CollapseShapeOp, tensor::ExpandShapeOp>(op))
    return false;
  auto isUnit = [](int64_t size) { return size == 1; };
  SmallVector<int64_t> from(
      cast<RankedTensorType>(op->getOperand(0).getType()).getShape());
  SmallVector<int64_t> to(
      cast<RankedTensorType>(op->getResult(0).getType()).getShape());
  llvm::erase_if(from, isUnit);
  llvm::erase_if(to, isUnit);
  return from == to;
}

static bool shouldFuse(OpOperand *operand) {
  auto generic = operand->get().getDefiningOp<linalg::GenericOp>();
  if (!generic) {
    Operation *reshape = operand->get().getDefiningOp();
    return !isUnitReshape(reshape ? reshape : operand->getOwner());
  }
  if (!reasonToKeep(operand, generic).empty())
    return false;
  remarkOn(generic, "fusion") << describe(generic) << " is computed inside "
                              << describe(operand->getOwner());
  return true;
}

/// Says why the producers that are left are.
static void reportKept(func::FuncOp function) {
  if (!remarksEnabled(function))
    return;
  function.walk([](linalg::GenericOp consumer) {
    for (OpOperand *operand : consumer.getDpsInputOperands())
      if (auto generic = operand->get().getDefiningOp<linalg::GenericOp>())
        if (StringRef reason = reasonToKeep(operand, generic); !reason.empty())
          remarkOn(generic, "fusion") << describe(generic) << " (cost "
                                      << std::to_string(bodyCost(generic))
                                      << ") is not computed inside "
                                      << describe(consumer) << ": " << reason;
  });
}

static void generalize(func::FuncOp function) {
  SmallVector<linalg::LinalgOp> named;
  function.walk([&](linalg::LinalgOp op) {
    // Matrix products, convolutions and fills are recognized by name later.
    if (!isa<linalg::GenericOp, linalg::FillOp, linalg::ContractionOpInterface,
             linalg::ConvolutionOpInterface>(op.getOperation()))
      named.push_back(op);
  });
  IRRewriter rewriter(function.getContext());
  for (linalg::LinalgOp op : named) {
    rewriter.setInsertionPoint(op);
    (void)linalg::generalizeNamedOp(rewriter, op);
  }
}

/// An op without iterations leaves its destinations as they are.
static void dropEmptyLoops(func::FuncOp function) {
  function.walk([](linalg::LinalgOp op) {
    if (!op.hasPureTensorSemantics() ||
        !llvm::is_contained(op.getStaticLoopRanges(), 0))
      return;
    op->replaceAllUsesWith(op.getDpsInits());
    op->erase();
  });
}

namespace {
struct FuseElementwise : lamina::impl::FuseElementwiseBase<FuseElementwise> {
  void runOnOperation() override {
    func::FuncOp function = getOperation();
    dropEmptyLoops(function);
    generalize(function);
    MLIRContext *context = &getContext();
    GreedyRewriteConfig config;
    config.setMaxIterations(GreedyRewriteConfig::kNoLimit);

    RewritePatternSet units(context);
    linalg::ControlDropUnitDims options;
    linalg::populateFoldUnitExtentDimsPatterns(units, options);
    linalg::populateFoldUnitExtentDimsCanonicalizationPatterns(units, options);
    linalg::populateInlineConstantOperandsPatterns(units);
    tensor::populateDecomposeTensorConcatPatterns(units);
    memref::populateResolveRankedShapedTypeResultDimsPatterns(units);
    if (failed(applyPatternsGreedily(function, std::move(units), config)))
      return signalPassFailure();

    RewritePatternSet patterns(context);
    linalg::populateElementwiseOpsFusionPatterns(patterns, shouldFuse);
    linalg::populateFoldReshapeOpsByExpansionPatterns(patterns, shouldFuse);
    linalg::populateInlineConstantOperandsPatterns(patterns);
    linalg::GenericOp::getCanonicalizationPatterns(patterns, context);
    tensor::ExpandShapeOp::getCanonicalizationPatterns(patterns, context);
    tensor::CollapseShapeOp::getCanonicalizationPatterns(patterns, context);
    tensor::EmptyOp::getCanonicalizationPatterns(patterns, context);
    context->getLoadedDialect<linalg::LinalgDialect>()
        ->getCanonicalizationPatterns(patterns);
    tensor::populateFoldTensorEmptyPatterns(patterns);
    memref::populateResolveRankedShapedTypeResultDimsPatterns(patterns);
    if (failed(applyPatternsGreedily(function, std::move(patterns), config)))
      return signalPassFailure();
    reportKept(function);
  }
};
} // namespace
