//===- AddSizeFunctions.cpp - sizes of results from those of arguments ----===//
#include "SizeFunction.h"
#include "lamina/Transforms/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/Transforms/Transforms.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/SCF/Transforms/Patterns.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace lamina {
#define GEN_PASS_DEF_ADDSIZEFUNCTIONS
#include "lamina/Transforms/Passes.h.inc"
} // namespace lamina

using namespace mlir;
using namespace lamina;

/// A value of the same shape that is written earlier: what an op writes into,
/// a loop starts with, or both branches hand on.
static Value shapeSource(Value value) {
  auto result = dyn_cast<OpResult>(value);
  if (!result)
    return value;
  Operation *op = result.getOwner();
  unsigned i = result.getResultNumber();
  if (auto insert = dyn_cast<tensor::InsertOp>(op))
    return shapeSource(insert.getDest());
  if (auto writes = dyn_cast<DestinationStyleOpInterface>(op))
    return shapeSource(writes.getDpsInitOperand(i)->get());
  if (auto branch = dyn_cast<scf::IfOp>(op)) {
    Value a = shapeSource(branch.thenYield().getOperand(i));
    return a == shapeSource(branch.elseYield().getOperand(i)) ? a : value;
  }
  // What loops carry keeps its shape, whether they are of lam or over tiles.
  if (auto loop = dyn_cast<scf::ForOp>(op))
    return shapeSource(loop.getInitArgs()[i]);
  if (auto loop = dyn_cast<scf::WhileOp>(op))
    return shapeSource(loop.getInits()[i]);
  return value;
}

namespace {
struct DimOfShapeSource : OpRewritePattern<tensor::DimOp> {
  DimOfShapeSource(MLIRContext *context)
      : OpRewritePattern(context, /*benefit=*/2) {}

  LogicalResult matchAndRewrite(tensor::DimOp dim,
                                PatternRewriter &rewriter) const override {
    Value source = shapeSource(dim.getSource());
    if (source == dim.getSource())
      return failure();
    rewriter.modifyOpInPlace(dim,
                             [&] { dim.getSourceMutable().assign(source); });
    return success();
  }
};

struct AddSizeFunctions : lamina::impl::AddSizeFunctionsBase<AddSizeFunctions> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    FailureOr<Signature> signature = readSignature(module);
    if (failed(signature))
      return signalPassFailure();
    for (const EntryPoint &entry : signature->entries)
      if (failed(
              addSizes(module.lookupSymbol<func::FuncOp>(entry.name), entry)))
        return signalPassFailure();
  }

  /// Adds `NAME_dims`, from the unknown sizes of the arguments to those of the
  /// results: a copy of the function of which only the shapes are left.
  static LogicalResult addSizes(func::FuncOp function,
                                const EntryPoint &entry) {
    OpBuilder builder(function);
    func::FuncOp copy = function.clone();
    function->getBlock()->getOperations().insertAfter(function->getIterator(),
                                                      copy);
    Operation *terminator = copy.getBody().front().getTerminator();
    builder.setInsertionPoint(terminator);
    SmallVector<Value> sizes;
    for (Value result : terminator->getOperands())
      for (auto [axis, size] :
           llvm::enumerate(cast<RankedTensorType>(result.getType()).getShape()))
        if (ShapedType::isDynamic(size))
          sizes.push_back(
              tensor::DimOp::create(builder, copy.getLoc(), result, axis));
    if (sizes.empty()) {
      copy.erase();
      return success();
    }
    terminator->setOperands(sizes);
    copy.setFunctionType(builder.getFunctionType(copy.getArgumentTypes(),
                                                 ValueRange(sizes).getTypes()));
    copy.setAllResultAttrs(ArrayRef<DictionaryAttr>());
    RewritePatternSet patterns(copy.getContext());
    patterns.add<DimOfShapeSource>(copy.getContext());
    memref::populateResolveRankedShapedTypeResultDimsPatterns(patterns);
    memref::populateResolveShapedTypeResultDimsPatterns(patterns);
    scf::populateSCFForLoopCanonicalizationPatterns(patterns);
    tensor::DimOp::getCanonicalizationPatterns(patterns, copy.getContext());
    tensor::EmptyOp::getCanonicalizationPatterns(patterns, copy.getContext());
    (void)applyPatternsGreedily(copy, std::move(patterns));

    func::FuncOp result = createSizeFunction(
        function, (function.getName() + "_dims").str(), entry, sizes.size());
    builder.setInsertionPointToEnd(&result.getBody().front());
    SizeCloner cloner(builder, entry, result.getArguments());
    SmallVector<Value> values;
    for (Value size : copy.getBody().front().getTerminator()->getOperands())
      values.push_back(cloner.clone(size));
    copy.erase();
    if (llvm::is_contained(values, Value()))
      return function.emitError("the size of a result depends on more than the "
                                "sizes of the arguments");
    func::ReturnOp::create(builder, function.getLoc(), values);
    return success();
  }
};
} // namespace
