//===- GraphCopy.cpp - functional models ----------------------------------===//
#include "GraphReplay.h"
#include "lamina/Frontend/Tracer.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace lamina;
using namespace lamina::frontend;
using mlir::failed;
using mlir::failure;
using mlir::FailureOr;
using mlir::LogicalResult;
using mlir::succeeded;
using mlir::success;

bool frontend::isSymbol(const Size &size) {
  auto &terms = size.terms();
  return terms.size() == 1 && terms.begin()->second == 1 &&
         terms.begin()->first.size() == 1 &&
         terms.begin()->first[0].kind == Size::Atom::Symbol;
}

llvm::StringRef frontend::symbolOf(mlir::Operation *op) {
  auto dim = mlir::dyn_cast<mlir::tensor::DimOp>(op);
  auto input =
      dim ? dim.getSource().getDefiningOp<model::InputOp>() : model::InputOp();
  std::optional<int64_t> index = input ? dim.getConstantIndex() : std::nullopt;
  if (!index || *index < 0 || *index >= int64_t(input.getDims().size()))
    return "";
  auto symbol = mlir::dyn_cast<mlir::StringAttr>(input.getDims()[*index]);
  return symbol ? symbol.getValue() : "";
}

//===----------------------------------------------------------------------===//
// The ops of a graph
//===----------------------------------------------------------------------===//

/// What the regions of `op` use from outside.
static void captured(mlir::Operation *op,
                     llvm::SmallVector<mlir::Value> &values) {
  for (mlir::Region &region : op->getRegions())
    region.walk([&](mlir::Operation *inner) {
      for (mlir::Value operand : inner->getOperands())
        if (!region.isAncestor(operand.getParentRegion()))
          values.push_back(operand);
    });
}

/// Adds the ops that compute these values; whether an input is among what they
/// use.
FailureOr<bool> GraphCopy::reach(llvm::SmallVector<mlir::Value> worklist,
                                 llvm::DenseSet<mlir::Operation *> &needed,
                                 llvm::SMRange at) {
  llvm::DenseSet<mlir::Value> inputs;
  for (TensorObject *tensor : graph.inputTensors)
    inputs.insert(tensor->value);
  llvm::DenseSet<mlir::Value> seen;
  bool connected = false;
  while (!worklist.empty()) {
    mlir::Value value = worklist.pop_back_val();
    if (!seen.insert(value).second)
      continue;
    if (inputs.contains(value)) {
      connected = true;
      continue;
    }
    mlir::Operation *op = value.getDefiningOp();
    if (!op || op->getBlock() != models.workspaceBlock())
      return models.evaluator.error(
          at, "an output of the model was made in the call of a layer; return "
              "it from there");
    if (auto input = mlir::dyn_cast<model::InputOp>(op))
      return models.evaluator.error(
          at, "an output of the model depends on the Input '" +
                  input.getName() + "', which is not among the model's inputs");
    if (mlir::isa<model::WeightOp>(op)) {
      weights.insert(value);
      continue;
    }
    needed.insert(op);
    if (!symbolOf(op).empty())
      continue;
    worklist.append(op->operand_begin(), op->operand_end());
    captured(op, worklist);
  }
  return connected;
}

LogicalResult GraphCopy::visit(TensorObject *output, mlir::Value from,
                               llvm::DenseSet<mlir::Operation *> &needed,
                               llvm::SMRange at) {
  FailureOr<bool> connected = reach({from}, needed, at);
  if (failed(connected))
    return failure();
  if (!*connected)
    return models.evaluator.error(at, "an output of the model (" +
                                          models.evaluator.describe(output) +
                                          ") is not connected to its inputs");
  return success();
}

LogicalResult GraphCopy::collect(llvm::SMRange at,
                                 llvm::ArrayRef<model::EntryOp> others) {
  llvm::DenseSet<mlir::Operation *> needed;
  for (TensorObject *output : graph.outputTensors) {
    if (failed(visit(output, output->value, needed, at)))
      return failure();
    auto *mask = output->keras.as<TensorObject>();
    if (mask && failed(visit(mask, mask->value, needed, at)))
      return failure();
  }
  for (model::EntryOp entry : others) {
    llvm::SmallVector<mlir::Value> values;
    captured(entry, values);
    if (failed(reach(std::move(values), needed, at)))
      return failure();
    needed.insert(entry);
  }
  for (mlir::Operation &op : *models.workspaceBlock())
    if (needed.contains(&op))
      ordered.push_back(&op);
  return success();
}

void GraphCopy::copy(mlir::OpBuilder &builder, mlir::IRMapping &mapping,
                     llvm::function_ref<mlir::Value(llvm::StringRef)> sizeOf) {
  for (mlir::Operation *op : ordered) {
    if (llvm::StringRef symbol = symbolOf(op); !symbol.empty())
      mapping.map(op->getResult(0), sizeOf(symbol));
    else
      builder.clone(*op, mapping);
  }
}

//===----------------------------------------------------------------------===//
// Model(inputs, outputs)
//===----------------------------------------------------------------------===//

Result ModelBuilder::setGraph(InstanceObject *model, Value inputs,
                              Value outputs, llvm::SMRange at) {
  ModelGraph graph;
  graph.inputs = inputs;
  graph.outputs = outputs;
  flattenTensors(inputs, graph.inputTensors);
  flattenTensors(outputs, graph.outputTensors);
  if (graph.inputTensors.empty())
    return evaluator.error(at, "the inputs of a model must be tensors made by "
                               "Input(), got " +
                                   evaluator.describe(inputs));
  if (graph.outputTensors.empty())
    return evaluator.error(at, "the outputs of a model must be tensors, got " +
                                   evaluator.describe(outputs));
  GraphCopy copy(*this, graph);
  if (failed(copy.collect(at)))
    return failure();
  llvm::SetVector<InstanceObject *> layers;
  llvm::StringSet<> names;
  for (mlir::Operation *op : copy.ops()) {
    auto layer = mlir::dyn_cast<model::LayerOp>(op);
    auto call = calls.find(op);
    bool isNew =
        call != calls.end() ? layers.insert(call->second.layer) : bool(layer);
    if (isNew && !names.insert(layer.getName()).second)
      return evaluator.error(at, "two layers of the model are named '" +
                                     layer.getName() +
                                     "'; the names must be unique");
  }
  graph.layers.assign(layers.begin(), layers.end());
  stateOf(model)->graph = std::move(graph);
  model->attributes["built"] = Value::boolean(true);
  return Value::none();
}

/// Items of `args` in the order of the graph's inputs: by key if both are
/// dictionaries.
static std::vector<TensorObject *> matchInputs(const ModelGraph &graph,
                                               Value args) {
  std::vector<TensorObject *> tensors;
  auto *wanted = graph.inputs.as<DictObject>();
  auto *given = args.as<DictObject>();
  if (!wanted || !given) {
    flattenTensors(args, tensors);
    return tensors;
  }
  for (auto &[key, unused] : wanted->items) {
    auto *name = key.as<StringObject>();
    for (auto &[givenKey, value] : given->items) {
      auto *givenName = givenKey.as<StringObject>();
      if (name && givenName && name->text == givenName->text)
        flattenTensors(value, tensors);
    }
  }
  return tensors;
}

Result ModelBuilder::callGraph(InstanceObject *model, Value inputs,
                               llvm::SMRange at) {
  LayerState *state = stateOf(model);
  std::string name = nameOf(model);
  if (!state->graph || state->graph->inputTensors.empty())
    return evaluator.error(at, "model '" + name +
                                   "' has no call() and no inputs and outputs");
  const ModelGraph &graph = *state->graph;
  std::vector<TensorObject *> args = matchInputs(graph, inputs);
  if (args.size() != graph.inputTensors.size())
    return evaluator.error(at, "model '" + name + "' has " +
                                   llvm::Twine(graph.inputTensors.size()) +
                                   " inputs, got " +
                                   evaluator.describe(inputs));

  Tracer &tracer = evaluator.tracer();
  mlir::OpBuilder &builder = tracer.builder();
  mlir::Location loc = evaluator.currentLocation();
  GraphCopy copy(*this, graph);
  if (failed(copy.collect(at)))
    return failure();

  // Every size of an input gets the size of the argument.
  std::vector<TensorObject *> converted;
  llvm::StringMap<Size> symbols;
  mlir::IRMapping mapping;
  for (auto [wanted, arg] : llvm::zip(graph.inputTensors, args)) {
    auto mismatch = [&, wanted = wanted, arg = arg] {
      return evaluator.error(at, "model '" + name + "' takes " +
                                     evaluator.describe(wanted) + ", got " +
                                     evaluator.describe(arg));
    };
    if (arg->shape.size() != wanted->shape.size())
      return mismatch();
    for (auto [size, given] : llvm::zip(wanted->shape, arg->shape)) {
      if (size.isStatic()) {
        if (size != given)
          return mismatch();
        continue;
      }
      auto [entry, isNew] = symbols.try_emplace(size.str(), given);
      if (!isNew && entry->second != given)
        return mismatch();
    }
    FailureOr<TensorObject *> tensor =
        tracer.cast(arg, Tracer::dtypeOf(wanted));
    if (failed(tensor))
      return failure();
    // A size that is known here may be unknown in the graph.
    auto type = mlir::cast<mlir::RankedTensorType>(wanted->value.getType());
    mlir::Value value = (*tensor)->value;
    if (value.getType() != type) {
      llvm::SmallVector<mlir::Value> sizes;
      for (auto [i, size] : llvm::enumerate(arg->shape))
        if (type.isDynamicDim(i))
          sizes.push_back(tracer.sizeValue(size));
      value = lam::ReshapeOp::create(builder, loc, type, value, sizes);
    }
    mapping.map(wanted->value, value);
    converted.push_back(*tensor);
  }
  // What layers do may depend on training, or have effects that an entry needs.
  if (entry) {
    Value flag = trainingFlags.empty() ? Value() : trainingFlags.back();
    bool training = flag.is(ValueKind::Bool) && flag.asBool();
    return GraphReplay(*this, graph, symbols, training).run(converted, at);
  }
  copy.copy(builder, mapping, [&](llvm::StringRef symbol) {
    auto it = symbols.find(symbol);
    return tracer.sizeValue(it == symbols.end() ? Size::symbol(symbol)
                                                : it->second);
  });

  auto result = [&](TensorObject *tensor) -> TensorObject * {
    Shape shape;
    for (const Size &size : tensor->shape)
      shape.push_back(substitute(size, symbols));
    mlir::Value value = mapping.lookupOrDefault(tensor->value);
    auto type = tracer.tensorType(shape, Tracer::dtypeOf(tensor));
    if (value.getType() != type)
      value = lam::ReshapeOp::create(builder, loc, type, value,
                                     tracer.dynamicSizes(shape));
    return tracer.tensor(value, shape).as<TensorObject>();
  };
  return mapTensors(evaluator, graph.outputs, [&](TensorObject *output) {
    TensorObject *tensor = result(output);
    if (auto *mask = output->keras.as<TensorObject>())
      tensor->keras = result(mask);
    return Value(tensor);
  });
}
