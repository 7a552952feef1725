//===- ResultsToArguments.cpp - the caller owns the results ---------------===//
#include "lamina/Transforms/Passes.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace lamina {
#define GEN_PASS_DEF_RESULTSTOARGUMENTS
#include "lamina/Transforms/Passes.h.inc"
} // namespace lamina

using namespace mlir;
using namespace lamina;

/// Common-subexpression elimination gives several accumulators one initial
/// value; undo that, or all but one of them would be copied from it.
static void separateInitialValues(func::FuncOp function) {
  SmallVector<Operation *> ops;
  function.walk([&](Operation *op) {
    auto fill = dyn_cast<linalg::FillOp>(op);
    if ((fill && fill.hasPureTensorSemantics()) || isa<tensor::EmptyOp>(op))
      ops.push_back(op);
  });
  // Users first: a copy of a fill asks for a copy of its tensor.empty.
  for (Operation *op : llvm::reverse(ops))
    for (OpOperand &use : llvm::make_early_inc_range(op->getUses())) {
      if (op->hasOneUse())
        break;
      OpBuilder builder(op);
      use.set(builder.clone(*op)->getResult(0));
    }
}

namespace {
struct ResultsToArguments
    : lamina::impl::ResultsToArgumentsBase<ResultsToArguments> {
  void runOnOperation() override {
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (!function.isPrivate() && !function.isExternal()) {
        separateInitialValues(function);
        convert(function);
      }
  }

  void convert(func::FuncOp function) {
    Block &entry = function.getBody().front();
    Operation *terminator = entry.getTerminator();
    OpBuilder builder(terminator);
    for (unsigned index = 0; index < function.getNumArguments(); ++index)
      if (isa<TensorType>(function.getArgument(index).getType()))
        function.setArgAttr(index, "bufferization.writable",
                            builder.getBoolAttr(false));
    for (Value result : terminator->getOperands()) {
      auto type = cast<RankedTensorType>(result.getType());
      auto buffer = MemRefType::get(type.getShape(), type.getElementType());
      Value argument = entry.addArgument(buffer, result.getLoc());
      auto store = bufferization::MaterializeInDestinationOp::create(
          builder, function.getLoc(), TypeRange(), result, argument);
      store.setRestrict(true);
      store.setWritable(true);
    }
    terminator->setOperands({});
    SmallVector<DictionaryAttr> attributes;
    function.getAllArgAttrs(attributes);
    attributes.resize(entry.getNumArguments(), builder.getDictionaryAttr({}));
    function.setFunctionType(
        builder.getFunctionType(entry.getArgumentTypes(), {}));
    function.setAllArgAttrs(attributes);
    function.removeResAttrsAttr();
  }
};
} // namespace
