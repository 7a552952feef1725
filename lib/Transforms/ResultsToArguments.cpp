//===- ResultsToArguments.cpp - the caller owns the results ---------------===//
#include "TensorViews.h"
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

/// `buffer` as the type of what `reshape` is made of, if that is evident: it is
/// computed there then, and not copied from somewhere else.
static Value withSourceShape(OpBuilder &builder, Operation *reshape,
                             Value buffer) {
  Location loc = reshape->getLoc();
  auto source = cast<RankedTensorType>(reshape->getOperand(0).getType());
  if (auto expand = dyn_cast<tensor::ExpandShapeOp>(reshape))
    return memref::CollapseShapeOp::create(builder, loc, buffer,
                                           expand.getReassociationIndices());
  auto collapse = cast<tensor::CollapseShapeOp>(reshape);
  SmallVector<OpFoldResult> sizes;
  for (auto [axis, group] :
       llvm::enumerate(collapse.getReassociationIndices())) {
    bool isKnown = llvm::none_of(
        group, [&](int64_t dim) { return source.isDynamicDim(dim); });
    bool hasOne = llvm::count_if(group, [&](int64_t dim) {
                    return source.getDimSize(dim) != 1;
                  }) == 1;
    if (!isKnown && !hasOne)
      return {};
    for (int64_t dim : group)
      if (source.isDynamicDim(dim))
        sizes.push_back(
            memref::DimOp::create(builder, loc, buffer, axis).getResult());
      else
        sizes.push_back(builder.getIndexAttr(source.getDimSize(dim)));
  }
  auto type = MemRefType::get(source.getShape(), source.getElementType());
  return memref::ExpandShapeOp::create(
      builder, loc, type, buffer, collapse.getReassociationIndices(), sizes);
}

static void store(OpBuilder &builder, Value tensor, Value buffer) {
  while (Operation *op = tensor.getDefiningOp()) {
    if (!isa<tensor::CollapseShapeOp, tensor::ExpandShapeOp>(op))
      break;
    Value before = withSourceShape(builder, op, buffer);
    if (!before)
      break;
    buffer = before;
    tensor = op->getOperand(0);
  }
  auto op = bufferization::MaterializeInDestinationOp::create(
      builder, tensor.getLoc(), TypeRange(), tensor, buffer);
  op.setRestrict(true);
  op.setWritable(true);
}

namespace {
/// A result that replaces the value of an argument.
struct Update {
  unsigned argument;
  Value value;
};

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
    SmallVector<Update> updates;
    for (auto [index, result] : llvm::enumerate(terminator->getOperands())) {
      if (auto place = function.getResultAttrOfType<IntegerAttr>(
              index, "lamina.in_place")) {
        updates.push_back({unsigned(place.getInt()), result});
        continue;
      }
      auto type = cast<RankedTensorType>(result.getType());
      auto buffer = MemRefType::get(type.getShape(), type.getElementType());
      store(builder, result, entry.addArgument(buffer, result.getLoc()));
    }
    updateInPlace(function, updates);
    terminator->setOperands({});
    SmallVector<DictionaryAttr> attributes;
    function.getAllArgAttrs(attributes);
    attributes.resize(entry.getNumArguments(), builder.getDictionaryAttr({}));
    function.setFunctionType(
        builder.getFunctionType(entry.getArgumentTypes(), {}));
    function.setAllArgAttrs(attributes);
    function.removeResAttrsAttr();
  }

  /// Makes the arguments buffers, into which the updates go after everything
  /// else. They are written as tensors first, for bufferization to see who
  /// still needs the old values, and to compute in place where nobody does.
  static void updateInPlace(func::FuncOp function, ArrayRef<Update> updates) {
    Block &entry = function.getBody().front();
    OpBuilder builder(entry.getTerminator());
    SmallVector<Value> values;
    for (const Update &update : updates) {
      // Another argument may itself have been replaced by now.
      if (BlockArgument viewed = viewedArgument(update.value);
          viewed && viewed.getArgNumber() != update.argument)
        values.push_back(bufferization::AllocTensorOp::create(
            builder, function.getLoc(),
            cast<RankedTensorType>(update.value.getType()), ValueRange(),
            update.value));
      else
        values.push_back(update.value);
    }
    SmallVector<std::pair<Value, Value>> stores;
    for (auto [update, value] : llvm::zip_equal(updates, values)) {
      BlockArgument argument = entry.getArgument(update.argument);
      if (value == argument)
        continue; // stays as it is
      auto type = cast<RankedTensorType>(argument.getType());
      auto buffer = MemRefType::get(type.getShape(), type.getElementType());
      builder.setInsertionPointToStart(&entry);
      auto old = bufferization::ToTensorOp::create(
          builder, function.getLoc(), type, argument, /*restrict=*/true,
          /*writable=*/true);
      argument.replaceAllUsesExcept(old, old);
      argument.setType(buffer);
      function.removeArgAttr(update.argument, "bufferization.writable");
      builder.setInsertionPoint(entry.getTerminator());
      stores.emplace_back(bufferization::MaterializeInDestinationOp::create(
                              builder, function.getLoc(), type, value, old)
                              .getResult(),
                          argument);
    }
    for (auto [tensor, buffer] : stores)
      store(builder, tensor, buffer);
  }
};
} // namespace
