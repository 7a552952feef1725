//===- SizeFunction.cpp - sizes as functions of unknown dimensions --------===//
#include "SizeFunction.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace lamina;

std::optional<DimensionOf> lamina::dimensionOfArgument(Value value) {
  Value source;
  std::optional<int64_t> axis;
  if (auto dim = value.getDefiningOp<tensor::DimOp>()) {
    source = dim.getSource();
    axis = dim.getConstantIndex();
  } else if (auto dim = value.getDefiningOp<memref::DimOp>()) {
    source = dim.getSource();
    axis = dim.getConstantIndex();
  }
  auto argument = dyn_cast_or_null<BlockArgument>(source);
  if (!argument || !axis ||
      !isa<func::FuncOp>(argument.getOwner()->getParentOp()))
    return std::nullopt;
  return DimensionOf{argument.getArgNumber(), *axis};
}

Value SizeCloner::cloneDimension(Operation *op, DimensionOf dimension) {
  Value &result = dimensions[{dimension.argument, dimension.axis}];
  if (result)
    return result;
  if (!entry) {
    Operation *copy = op->clone();
    // Its axis is a constant that may be defined further down.
    copy->setOperand(1, arith::ConstantIndexOp::create(builder, op->getLoc(),
                                                       dimension.axis));
    return result = builder.insert(copy)->getResult(0);
  }
  if (dimension.argument >= entry->arguments.size())
    return {};
  const std::string &text =
      entry->arguments[dimension.argument].dims[dimension.axis];
  if (int64_t number; !StringRef(text).getAsInteger(10, number))
    return result =
               arith::ConstantIndexOp::create(builder, op->getLoc(), number);
  auto symbol = llvm::find(entry->symbols, text);
  if (symbol == entry->symbols.end())
    return {};
  return result = symbols[symbol - entry->symbols.begin()];
}

Value SizeCloner::clone(Value value) {
  if (Value found = known.lookup(value))
    return found;
  Operation *op = value.getDefiningOp();
  if (!op)
    return {};
  if (std::optional<DimensionOf> dimension = dimensionOfArgument(value)) {
    Value result = cloneDimension(op, *dimension);
    return known[value] = result;
  }
  bool arithmetic =
      isa_and_nonnull<arith::ArithDialect>(op->getDialect()) ||
      isa<affine::AffineApplyOp, affine::AffineMinOp, affine::AffineMaxOp>(op);
  if (!arithmetic || op->getNumResults() != 1)
    return {};
  IRMapping mapping;
  for (Value operand : op->getOperands()) {
    Value copy = clone(operand);
    if (!copy)
      return {};
    mapping.map(operand, copy);
  }
  Value result = builder.clone(*op, mapping)->getResult(0);
  return known[value] = result;
}

func::FuncOp lamina::createSizeFunction(func::FuncOp after, StringRef name,
                                        const EntryPoint &entry,
                                        unsigned results, unsigned more) {
  OpBuilder builder(after.getContext());
  builder.setInsertionPointAfter(after);
  Type index = builder.getIndexType();
  auto function = func::FuncOp::create(
      builder, after.getLoc(), name,
      builder.getFunctionType(SmallVector<Type>(entry.symbols.size() + more, index),
                              SmallVector<Type>(results, index)));
  function.setPrivate();
  function.addEntryBlock();
  return function;
}
