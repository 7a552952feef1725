//===- Derivatives.cpp - a function's derivatives as functions ------------===//

#include "lamina/Lam/Derivatives.h"
#include "lamina/Lam/Lam.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace lamina::lam;

bool lamina::lam::isFloatTensor(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor && isa<FloatType>(tensor.getElementType());
}

/// Positions of the float tensors among `types`.
static SmallVector<unsigned> floatsOf(TypeRange types) {
  SmallVector<unsigned> positions;
  for (auto [i, type] : llvm::enumerate(types))
    if (isFloatTensor(type))
      positions.push_back(i);
  return positions;
}

namespace {
/// A new function that starts with the arguments of an old one.
struct Derivative {
  func::FuncOp function, result;
  SmallVector<unsigned> floatArguments, floatResults;
  OpBuilder builder;
  Block *entry;

  Derivative(func::FuncOp function, StringRef name)
      : function(function),
        floatArguments(floatsOf(function.getArgumentTypes())),
        floatResults(floatsOf(function.getResultTypes())),
        builder(function.getContext()) {
    builder.setInsertionPointAfter(function);
    result = func::FuncOp::create(builder, function.getLoc(), name,
                                  builder.getFunctionType({}, {}));
    entry = builder.createBlock(&result.getBody());
    for (BlockArgument argument : function.getArguments())
      entry->addArgument(argument.getType(), argument.getLoc());
  }

  SmallVector<Value> primals() {
    SmallVector<Value> values;
    for (unsigned i : floatArguments)
      values.push_back(entry->getArgument(i));
    return values;
  }

  SmallVector<Value> addArguments(TypeRange types) {
    SmallVector<Value> added;
    for (Type type : types)
      added.push_back(entry->addArgument(type, function.getLoc()));
    return added;
  }

  /// Clones the function's body into `region`, whose arguments are the primals;
  /// yields the results at `yielded`.
  void fill(Region &region, ArrayRef<unsigned> yielded) {
    OpBuilder::InsertionGuard guard(builder);
    Block *body = builder.createBlock(&region);
    IRMapping mapping;
    for (auto [i, argument] : llvm::enumerate(function.getArguments()))
      mapping.map(argument,
                  isFloatTensor(argument.getType())
                      ? body->addArgument(argument.getType(), argument.getLoc())
                      : entry->getArgument(i));
    Block &old = function.getBody().front();
    for (Operation &op : old.without_terminator())
      builder.clone(op, mapping);
    SmallVector<Value> values;
    for (unsigned i : yielded)
      values.push_back(
          mapping.lookupOrDefault(old.getTerminator()->getOperand(i)));
    YieldOp::create(builder, function.getLoc(), values);
  }

  func::FuncOp finish(ValueRange results) {
    func::ReturnOp::create(builder, function.getLoc(), results);
    result.setFunctionType(
        builder.getFunctionType(entry->getArgumentTypes(), results.getTypes()));
    return result;
  }
};

SmallVector<Type> pick(TypeRange types, ArrayRef<unsigned> positions) {
  SmallVector<Type> picked;
  for (unsigned i : positions)
    picked.push_back(types[i]);
  return picked;
}
} // namespace

func::FuncOp lamina::lam::addVjp(func::FuncOp function, StringRef name) {
  Derivative d(function, name);
  // Outputs with cotangents come first in lam.vjp.
  SmallVector<unsigned> order = d.floatResults;
  for (unsigned i = 0; i < function.getNumResults(); ++i)
    if (!llvm::is_contained(d.floatResults, i))
      order.push_back(i);
  SmallVector<Value> primals = d.primals();
  SmallVector<Value> cotangents =
      d.addArguments(pick(function.getResultTypes(), d.floatResults));
  auto vjp = VjpOp::create(d.builder, function.getLoc(),
                           pick(function.getResultTypes(), order),
                           ValueRange(primals).getTypes(), primals, cotangents);
  d.fill(vjp.getBody(), order);
  SmallVector<Value> results(order.size());
  for (auto [value, i] : llvm::zip_equal(vjp.getOutputs(), order))
    results[i] = value;
  llvm::append_range(results, vjp.getGradients());
  return d.finish(results);
}

func::FuncOp lamina::lam::addJvp(func::FuncOp function, StringRef name) {
  Derivative d(function, name);
  SmallVector<Value> primals = d.primals();
  SmallVector<Value> tangents = d.addArguments(ValueRange(primals).getTypes());
  SmallVector<Type> outputs = pick(function.getResultTypes(), d.floatResults);
  auto jvp = JvpOp::create(d.builder, function.getLoc(), outputs, outputs,
                           primals, tangents);
  d.fill(jvp.getBody(), d.floatResults);
  return d.finish(jvp.getResults());
}
