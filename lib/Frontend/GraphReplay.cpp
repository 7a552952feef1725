//===- GraphReplay.cpp - the calls of a graph made again ------------------===//
#include "GraphReplay.h"
#include "lamina/Frontend/Tracer.h"

using namespace lamina;
using namespace lamina::frontend;
using mlir::failed;
using mlir::failure;
using mlir::LogicalResult;
using mlir::success;

/// `to` stands for `from`, also in copied operations, which need its type.
void GraphReplay::map(TensorObject *from, TensorObject *to) {
  Tracer &tracer = evaluator.tracer();
  known[from->value] = to;
  auto type = mlir::cast<mlir::RankedTensorType>(from->value.getType());
  mlir::Value value = to->value;
  if (value.getType() != type) {
    llvm::SmallVector<mlir::Value> sizes;
    for (auto [i, size] : llvm::enumerate(to->shape))
      if (type.isDynamicDim(i))
        sizes.push_back(tracer.sizeValue(size));
    value = lam::ReshapeOp::create(
        tracer.builder(), evaluator.currentLocation(), type, value, sizes);
  }
  mapping.map(from->value, value);
  auto *mask = from->keras.as<TensorObject>();
  auto *newMask = to->keras.as<TensorObject>();
  if (mask && newMask)
    map(mask, newMask);
}

Value GraphReplay::replaced(TensorObject *tensor) {
  if (models.infoOf(tensor))
    return tensor;
  if (TensorObject *found = known.lookup(tensor->value))
    return found;
  if (!mapping.contains(tensor->value))
    return tensor; // made of nothing that is an input
  Tracer &tracer = evaluator.tracer();
  Shape shape;
  for (const Size &size : tensor->shape)
    shape.push_back(substitute(size, symbols));
  mlir::Value value = mapping.lookup(tensor->value);
  auto type = tracer.tensorType(shape, Tracer::dtypeOf(tensor));
  if (value.getType() != type)
    value =
        lam::ReshapeOp::create(tracer.builder(), evaluator.currentLocation(),
                               type, value, tracer.dynamicSizes(shape));
  auto *result = tracer.tensor(value, shape, tensor->weak).as<TensorObject>();
  if (auto *mask = tensor->keras.as<TensorObject>())
    result->keras = replaced(mask);
  known[tensor->value] = result;
  return result;
}

LogicalResult GraphReplay::callAgain(const RecordedCall &call) {
  CallArgs args = call.args;
  auto replace = [&](TensorObject *tensor) { return replaced(tensor); };
  for (Value &value : args.positional)
    value = mapTensors(evaluator, value, replace);
  for (auto &[name, value] : args.keywords)
    value = mapTensors(evaluator, value, replace);
  // Keras's graphs have it from the call of the model, whatever the layer was
  // given when the graph was made.
  llvm::erase_if(args.keywords,
                 [](auto &keyword) { return keyword.first == "training"; });
  args.keywords.emplace_back("training", Value::boolean(training));
  args.keywordsAt.clear();
  Result outputs = models.callLayer(call.layer, std::move(args));
  if (failed(outputs))
    return failure();
  std::vector<TensorObject *> before, after;
  flattenTensors(call.outputs, before);
  flattenTensors(*outputs, after);
  bool same = before.size() == after.size();
  for (size_t i = 0; same && i < before.size(); ++i)
    same = before[i]->shape.size() == after[i]->shape.size() &&
           Tracer::dtypeOf(before[i]) == Tracer::dtypeOf(after[i]);
  if (!same)
    return evaluator.error(call.args.range,
                           "layer '" + models.nameOf(call.layer) + "' gives " +
                               evaluator.describe(*outputs) +
                               " in training and " +
                               evaluator.describe(call.outputs) + " otherwise");
  for (auto [from, to] : llvm::zip(before, after))
    map(from, to);
  return success();
}

Result GraphReplay::run(llvm::ArrayRef<TensorObject *> inputs,
                        llvm::SMRange at) {
  GraphCopy copy(models, graph);
  if (failed(copy.collect(at)))
    return failure();
  for (auto [from, to] : llvm::zip(graph.inputTensors, inputs))
    map(from, to);
  Tracer &tracer = evaluator.tracer();
  for (mlir::Operation *op : copy.ops()) {
    if (llvm::StringRef symbol = symbolOf(op); !symbol.empty()) {
      auto it = symbols.find(symbol);
      mapping.map(op->getResult(0),
                  tracer.sizeValue(it == symbols.end() ? Size::symbol(symbol)
                                                       : it->second));
      continue;
    }
    auto call = models.calls.find(op);
    if (call == models.calls.end())
      tracer.builder().clone(*op, mapping);
    else if (failed(callAgain(RecordedCall(call->second))))
      return failure();
  }
  return mapTensors(evaluator, graph.outputs, [&](TensorObject *output) {
    Value result = replaced(output);
    auto *mask = output->keras.as<TensorObject>();
    auto *tensor = result.as<TensorObject>();
    if (mask && !tensor->keras.isTensor())
      tensor->keras = replaced(mask);
    return result;
  });
}
