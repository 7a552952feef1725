//===- LayerBody.cpp - Layer.__call__: the body as a model.layer ----------===//
#include "LayerCall.h"
#include "mlir/IR/IRMapping.h"

using namespace lamina;
using namespace lamina::frontend;
using mlir::failed;
using mlir::failure;
using mlir::FailureOr;
using mlir::LogicalResult;
using mlir::succeeded;
using mlir::success;

Result LayerCall::trace() {
  if (!models.inWorkspace())
    return invoke();
  Value userInputs = *firstArgument();
  mlir::OpBuilder &builder = evaluator.tracer().builder();
  Result outputs = failure();
  effects.emplace(models);
  {
    mlir::OpBuilder::InsertionGuard guard(builder);
    enter();
    outputs = invoke();
  }
  if (failed(outputs))
    return failure();
  outputs = leave(*outputs);

  // A model that the user's own call defines is what its first call on inputs
  // computes.
  if (succeeded(outputs) && state.isModel && !state.graph) {
    ModelGraph graph;
    flattenTensors(userInputs, graph.inputTensors);
    flattenTensors(*outputs, graph.outputTensors);
    if (!graph.inputTensors.empty() &&
        llvm::all_of(graph.inputTensors,
                     [&](TensorObject *x) { return models.isInput(x); })) {
      graph.inputs = userInputs;
      graph.outputs = *outputs;
      state.graph = std::move(graph);
    }
  }
  return outputs;
}

/// Calls `call`, then `compute_mask`.
Result LayerCall::invoke() {
  Value first = *firstArgument();
  Value *mask = argument("mask");
  previousMask = mask && !mask->isNone() ? *mask : masksOf(evaluator, first);
  Result method = evaluator.getAttribute(layer, "call", at);
  if (failed(method))
    return failure();
  Result output = evaluator.call(*method, args);
  if (failed(output))
    return failure();
  output = normalize(*output);
  if (failed(output) || failed(regularize(*output)) ||
      failed(setMasks(*output)))
    return failure();
  return output;
}

/// The activity regularizer adds a loss for every output, per sample.
LogicalResult LayerCall::regularize(Value outputs) {
  Value regularizer = attribute("activity_regularizer");
  if (!models.entryTrace() || regularizer.isNone())
    return success();
  CallArgs call;
  call.range = at;
  call.positional = {regularizer, outputs};
  std::optional<Result> function =
      evaluator.library("training", "activity_losses");
  if (!function || failed(*function))
    return failure();
  Result losses = evaluator.call(**function, std::move(call));
  return failed(losses) ? LogicalResult(failure())
                        : LogicalResult(models.addLoss(*losses, at));
}

/// What a layer may return: tensors, alone or in lists, tuples and dicts.
Result LayerCall::normalize(Value output) {
  bool ok = true;
  std::function<Value(Value)> visit = [&](Value value) -> Value {
    if (auto *tensor = value.as<TensorObject>()) {
      // A new handle: the mask of the layer's result is its own.
      auto *copy = evaluator.make<TensorObject>(tensor->value, tensor->shape);
      copy->definedAt = tensor->definedAt;
      bool isArgument = mlir::isa<mlir::BlockArgument>(tensor->value);
      copy->keras = isArgument ? Value() : tensor->keras;
      return copy;
    }
    if (value.isNumber() || value.is(ValueKind::Size)) {
      FailureOr<TensorObject *> tensor =
          evaluator.tracer().asTensor(value, std::nullopt, at);
      ok = ok && succeeded(tensor);
      return ok ? Value(*tensor) : Value();
    }
    auto visitAll = [&](llvm::ArrayRef<Value> items) {
      std::vector<Value> result;
      for (Value item : items)
        result.push_back(visit(item));
      return result;
    };
    if (auto *list = value.as<ListObject>())
      return evaluator.list(visitAll(list->items));
    if (auto *tuple = value.as<TupleObject>())
      return evaluator.tuple(visitAll(tuple->items));
    if (auto *dict = value.as<DictObject>()) {
      auto *result = evaluator.make<DictObject>();
      for (auto &[key, item] : dict->items)
        result->items.emplace_back(key, visit(item));
      return result;
    }
    if (!value.isNone()) {
      (void)evaluator.error(at, "layer '" + models.nameOf(layer) +
                                    "' must return tensors, got " +
                                    evaluator.describe(value));
      ok = false;
    }
    return value;
  };
  Value result = visit(output);
  if (!ok)
    return failure();
  std::vector<TensorObject *> tensors;
  flattenTensors(result, tensors);
  if (tensors.empty())
    return evaluator.error(at, "layer '" + models.nameOf(layer) +
                                   "' must return a tensor, got " +
                                   evaluator.describe(output));
  return result;
}

LogicalResult LayerCall::setMasks(Value outputs) {
  std::vector<TensorObject *> tensors, flatMasks;
  flattenTensors(outputs, tensors);
  Value supports = attribute("supports_masking");
  if (!supports.is(ValueKind::Bool) || !supports.asBool()) {
    std::vector<TensorObject *> lost;
    flattenTensors(previousMask, lost);
    if (!lost.empty())
      evaluator.diagnostics().warning(
          evaluator.currentRange(),
          "layer '" + models.nameOf(layer) + "' (" + state.className +
              ") does not support masking: the mask of its input is lost");
    return success();
  }
  if (llvm::all_of(tensors, [](auto *x) { return x->keras.isTensor(); }))
    return success();
  CallArgs maskArgs;
  maskArgs.range = at;
  maskArgs.positional = {*firstArgument(), previousMask};
  Result method = evaluator.getAttribute(layer, "compute_mask", at);
  Result computed = failure();
  if (succeeded(method))
    computed = evaluator.call(*method, std::move(maskArgs));
  if (failed(computed))
    return failure();
  if (computed->isNone())
    return success();
  // One mask per output, in order; None for an output without.
  std::vector<Value> leaves;
  std::function<void(Value)> flatten = [&](Value value) {
    if (auto *list = value.as<ListObject>())
      llvm::for_each(list->items, flatten);
    else if (auto *tuple = value.as<TupleObject>())
      llvm::for_each(tuple->items, flatten);
    else
      leaves.push_back(value);
  };
  bool isMaskLiteral = tensors.size() == 1 && !hasTensors(*computed);
  if (isMaskLiteral)
    leaves.push_back(*computed);
  else
    flatten(*computed);
  for (auto [tensor, value] : llvm::zip(tensors, leaves)) {
    if (tensor->keras.isTensor() || value.isNone())
      continue;
    FailureOr<TensorObject *> mask =
        evaluator.tracer().asTensor(value, std::nullopt, at);
    if (succeeded(mask) && Tracer::dtypeOf(*mask) != DType::Bool)
      mask = evaluator.tracer().cast(*mask, DType::Bool);
    if (failed(mask))
      return failure();
    tensor->keras = *mask;
  }
  return success();
}

//===----------------------------------------------------------------------===//
// The op
//===----------------------------------------------------------------------===//

/// Opens the body: the tensors among the arguments become its arguments.
void LayerCall::enter() {
  mlir::OpBuilder &builder = evaluator.tracer().builder();
  mlir::Location loc = evaluator.currentLocation();
  scaffold = model::LayerOp::create(
      builder, loc, mlir::TypeRange(), mlir::TypeRange(), mlir::TypeRange(),
      models.nameOf(layer), state.className, builder.getDictionaryAttr({}),
      mlir::ValueRange(), mlir::ValueRange(), mlir::ValueRange());
  mlir::Block *block = builder.createBlock(&scaffold.getBody());

  auto isMaskName = [](llvm::StringRef name) {
    return name == "mask" || name.ends_with("_mask");
  };
  llvm::SetVector<TensorObject *> maskTensors;
  llvm::DenseMap<TensorObject *, TensorObject *> innerMasks;
  std::vector<TensorObject *> inner; // still without their masks
  auto bindInput = [&](TensorObject *tensor) -> Value {
    if (models.infoOf(tensor))
      return tensor; // captured, like every weight
    inputs.push_back(tensor->value);
    mlir::Value arg = block->addArgument(tensor->value.getType(), loc);
    auto *copy = evaluator.make<TensorObject>(arg, tensor->shape);
    copy->definedAt = tensor->definedAt;
    copy->keras = tensor->keras;
    if (auto *mask = tensor->keras.as<TensorObject>())
      maskTensors.insert(mask);
    inner.push_back(copy);
    return copy;
  };
  auto noteMask = [&](TensorObject *tensor) -> Value {
    maskTensors.insert(tensor);
    return tensor;
  };
  for (auto [i, value] : llvm::enumerate(args.positional)) {
    bool isMask = isMaskName(parameterAt(i));
    value = isMask ? mapTensors(evaluator, value, noteMask)
                   : mapTensors(evaluator, value, bindInput);
  }
  for (auto &[name, value] : args.keywords)
    value = isMaskName(name) ? mapTensors(evaluator, value, noteMask)
                             : mapTensors(evaluator, value, bindInput);
  for (TensorObject *mask : maskTensors) {
    masks.push_back(mask->value);
    innerMasks[mask] = evaluator.make<TensorObject>(
        block->addArgument(mask->value.getType(), loc), mask->shape);
  }
  auto replaceMask = [&](TensorObject *mask) -> Value {
    auto it = innerMasks.find(mask);
    return it == innerMasks.end() ? mask : it->second;
  };
  for (TensorObject *tensor : inner)
    tensor->keras = mapTensors(evaluator, tensor->keras, replaceMask);
  for (auto [i, value] : llvm::enumerate(args.positional))
    if (isMaskName(parameterAt(i)))
      value = mapTensors(evaluator, value, replaceMask);
  for (auto &[name, value] : args.keywords)
    if (isMaskName(name))
      value = mapTensors(evaluator, value, replaceMask);
}

/// A tensor that another layer's body made is not visible in this one.
LogicalResult LayerCall::checkCaptures() {
  LogicalResult result = success();
  mlir::Region &region = scaffold.getBody();
  region.walk([&](mlir::Operation *op) {
    for (mlir::Value operand : op->getOperands())
      if (!operand.getParentRegion()->isAncestor(op->getParentRegion())) {
        result = evaluator.error(
            at, "layer '" + models.nameOf(layer) +
                    "' uses a tensor that was made in the call of another "
                    "layer; return it from there and pass it in");
        return mlir::WalkResult::interrupt();
      }
    return mlir::WalkResult::advance();
  });
  return result;
}

/// The layer's weights, and others that its body captures, become operands.
void LayerCall::captureWeights() {
  llvm::SetVector<mlir::Value> found;
  for (const WeightUse &use : models.weightsOf(layer))
    found.insert(use.weight->value);
  mlir::Region &region = scaffold.getBody();
  std::vector<mlir::Operation *> captured;
  region.walk([&](mlir::Operation *op) {
    for (mlir::Value operand : op->getOperands())
      if (auto weight = operand.getDefiningOp<model::WeightOp>();
          weight && !found.contains(operand))
        captured.push_back(weight);
  });
  llvm::sort(captured, [](mlir::Operation *a, mlir::Operation *b) {
    return a->isBeforeInBlock(b);
  });
  for (mlir::Operation *op : captured) {
    if (!found.insert(op->getResult(0)))
      continue;
    // A variable that no layer holds belongs to the one that uses it.
    WeightInfo &info = models.weights[op];
    if (!info.holder && info.tensor)
      state.ownWeights.push_back(info.tensor);
  }
  for (mlir::Value weight : found) {
    weights.push_back(weight);
    mlir::Value arg =
        region.front().addArgument(weight.getType(), scaffold.getLoc());
    weight.replaceUsesWithIf(arg, [&](mlir::OpOperand &use) {
      return region.isAncestor(use.getOwner()->getParentRegion());
    });
  }
}

Result LayerCall::leave(Value outputs) {
  mlir::OpBuilder &builder = evaluator.tracer().builder();
  mlir::Block &block = scaffold.getBody().front();
  std::vector<TensorObject *> tensors;
  flattenTensors(outputs, tensors);
  std::vector<mlir::Value> values, maskValues;
  for (TensorObject *tensor : tensors)
    values.push_back(tensor->value);
  for (TensorObject *tensor : tensors)
    if (auto *mask = tensor->keras.as<TensorObject>())
      maskValues.push_back(mask->value);
  std::vector<mlir::Value> effectValues = effects->leave();
  auto yielded = values;
  llvm::append_range(yielded, maskValues);
  llvm::append_range(yielded, effectValues);
  {
    mlir::OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToEnd(&block);
    model::YieldOp::create(builder, scaffold.getLoc(), yielded);
  }
  if (failed(checkCaptures()))
    return failure();
  // Masks that nothing reads are not passed in.
  for (size_t i = masks.size(); i-- > 0;)
    if (block.getArgument(inputs.size() + i).use_empty()) {
      block.eraseArgument(inputs.size() + i);
      masks.erase(masks.begin() + i);
    }
  captureWeights();

  mlir::OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPoint(scaffold);
  auto op = model::LayerOp::create(
      builder, scaffold.getLoc(), mlir::TypeRange(mlir::ValueRange(values)),
      mlir::TypeRange(mlir::ValueRange(maskValues)),
      mlir::TypeRange(mlir::ValueRange(effectValues)), models.nameOf(layer),
      state.className, configOf(evaluator, layer), inputs, masks, weights);
  // Its name may be that of a class of the library, which it is not.
  if (!layer->type->fromLibrary)
    op->setAttr("own", builder.getUnitAttr());
  op.getBody().takeBody(scaffold.getBody());
  scaffold.erase();
  effects->apply(op.getEffects());

  size_t index = 0, maskIndex = 0;
  Value results = mapTensors(evaluator, outputs, [&](TensorObject *tensor) {
    Value result =
        evaluator.tracer().tensor(op.getOutputs()[index++], tensor->shape);
    if (auto *mask = tensor->keras.as<TensorObject>())
      result.as<TensorObject>()->keras = evaluator.tracer().tensor(
          op.getOutputMasks()[maskIndex++], mask->shape);
    return result;
  });
  recorded.outputs = results;
  models.calls[op] = recorded;
  return results;
}
