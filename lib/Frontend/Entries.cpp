//===- Entries.cpp - the functions of a model that train it ---------------===//
#include "Effects.h"
#include "GraphReplay.h"
#include "Interpretation.h"
#include "lamina/Frontend/Tracer.h"

using namespace lamina;
using namespace lamina::frontend;
using mlir::failed;
using mlir::failure;
using mlir::FailureOr;
using mlir::LogicalResult;
using mlir::success;

namespace lamina::frontend {

/// Traces a function of the library into a `model.entry`.
class EntryBuilder {
public:
  EntryBuilder(ModelBuilder &models, llvm::SMRange at)
      : models(models), evaluator(models.evaluator), tracer(evaluator.tracer()),
        builder(tracer.builder()), at(at) {}

  Result run(llvm::StringRef name, Value arguments, Value function,
             bool isTraining, bool standalone);

private:
  ModelBuilder &models;
  Evaluator &evaluator;
  Tracer &tracer;
  mlir::OpBuilder &builder;
  llvm::SMRange at;
  std::vector<mlir::Attribute> argAttrs, resultAttrs;
  std::vector<mlir::Value> results;

  mlir::Attribute describe(llvm::StringRef role, llvm::StringRef name,
                           llvm::ArrayRef<Size> shape, llvm::StringRef of = "");
  FailureOr<Value> addArgument(mlir::Block *block, Value description);
  LogicalResult addResult(Value description);
  void addUpdates();
  bool callFunction(Value function, CallArgs call);
};

} // namespace lamina::frontend

mlir::Attribute EntryBuilder::describe(llvm::StringRef role,
                                       llvm::StringRef name,
                                       llvm::ArrayRef<Size> shape,
                                       llvm::StringRef of) {
  llvm::SmallVector<mlir::Attribute> dims;
  for (const Size &size : shape)
    dims.push_back(size.isStatic() ? mlir::Attribute(builder.getI64IntegerAttr(
                                         *size.value()))
                                   : builder.getStringAttr(size.str()));
  mlir::NamedAttrList attrs;
  attrs.set("role", builder.getStringAttr(role));
  attrs.set("name", builder.getStringAttr(name));
  attrs.set("dims", builder.getArrayAttr(dims));
  if (!of.empty())
    attrs.set("of", builder.getStringAttr(of));
  return attrs.getDictionary(builder.getContext());
}

/// The tensor for (role, name, shape, dtype) or (…, the label to ignore).
FailureOr<Value> EntryBuilder::addArgument(mlir::Block *block,
                                           Value description) {
  auto items = evaluator.iterate(description, at);
  if (failed(items))
    return failure();
  FailureOr<Shape> shape = tracer.asShape((*items)[2], at);
  FailureOr<DType> dtype = tracer.asDType((*items)[3], at);
  if (failed(shape) || failed(dtype))
    return failure();
  std::string name = evaluator.str((*items)[1]);
  for (const Size &size : *shape)
    if (!size.isStatic() && !isSymbol(size))
      return evaluator.error(
          at, "the argument '" + name + "' of shape " + toString(*shape) +
                  " has a size that is no input's: " + size.str());
  mlir::Value value = block->addArgument(tracer.tensorType(*shape, *dtype),
                                         evaluator.currentLocation());
  mlir::NamedAttrList attrs(mlir::cast<mlir::DictionaryAttr>(
      describe(evaluator.str((*items)[0]), name, *shape)));
  if (items->size() > 4 && (*items)[4].is(ValueKind::Int))
    attrs.set("ignored", builder.getI64IntegerAttr((*items)[4].asInt()));
  argAttrs.push_back(attrs.getDictionary(builder.getContext()));
  return tracer.tensor(value, *shape);
}

/// A result (role, name, tensor).
LogicalResult EntryBuilder::addResult(Value description) {
  auto items = evaluator.iterate(description, at);
  if (failed(items))
    return failure();
  FailureOr<TensorObject *> tensor =
      tracer.asTensor((*items)[2], std::nullopt, at);
  if (failed(tensor))
    return failure();
  results.push_back((*tensor)->value);
  resultAttrs.push_back(describe(evaluator.str((*items)[0]),
                                 evaluator.str((*items)[1]), (*tensor)->shape));
  return success();
}

/// What was assigned in the entry, in the order of the weights.
void EntryBuilder::addUpdates() {
  const Effects &effects = models.entry->regions.back();
  for (const WeightUse &use : models.written)
    if (effects.assigned.contains(use.weight)) {
      results.push_back(use.weight->value);
      resultAttrs.push_back(
          describe("update", use.name, use.weight->shape, use.name));
    }
}

/// Calls the function and takes its results; false after an error.
bool EntryBuilder::callFunction(Value function, CallArgs call) {
  EffectsScope effects(models);
  Result returned = evaluator.call(function, std::move(call));
  if (failed(returned))
    return false;
  auto items = evaluator.iterate(*returned, at);
  if (failed(items))
    return false;
  for (Value item : *items)
    if (failed(addResult(item)))
      return false;
  addUpdates();
  return true;
}

Result EntryBuilder::run(llvm::StringRef name, Value arguments, Value function,
                         bool isTraining, bool standalone) {
  mlir::OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToEnd(models.workspaceBlock());
  auto op = model::EntryOp::create(builder, evaluator.currentLocation(), name,
                                   standalone, builder.getArrayAttr({}),
                                   builder.getArrayAttr({}));
  mlir::Block *block = builder.createBlock(&op.getBody());
  auto descriptions = evaluator.iterate(arguments, at);
  if (failed(descriptions))
    return failure();
  CallArgs call;
  call.range = at;
  for (Value description : *descriptions) {
    FailureOr<Value> argument = addArgument(block, description);
    if (failed(argument))
      return failure();
    call.positional.push_back(*argument);
  }
  models.entry.emplace();
  models.entry->op = op;
  models.entry->isTraining = isTraining;
  bool ok = callFunction(function, std::move(call));
  mlir::Value seed = models.entry->seed;
  models.entry.reset();
  if (!ok)
    return failure();
  if (seed)
    argAttrs.push_back(describe("seed", "seed", {Size(2)}));
  model::YieldOp::create(builder, op.getLoc(), results);
  op.setArgAttrsAttr(builder.getArrayAttr(argAttrs));
  op.setResultAttrsAttr(builder.getArrayAttr(resultAttrs));
  models.entries.push_back(op);
  return Value();
}

Result ModelBuilder::addEntry(llvm::StringRef name, Value arguments,
                              Value function, bool isTraining, bool standalone,
                              llvm::SMRange at) {
  return EntryBuilder(*this, at).run(name, arguments, function, isTraining,
                                     standalone);
}

LogicalResult ModelBuilder::traceEntries(InstanceObject *model,
                                         const TrainingOptions &options) {
  LayerState &state = *stateOf(model);
  auto loss = llvm::find_if(state.compileArgs,
                            [](auto &arg) { return arg.first == "loss"; });
  if (!options.entries || loss == state.compileArgs.end() ||
      loss->second.isNone())
    return success();
  Value compiled = evaluator.dict(state.compileArgs);
  // The program has ended; what is emitted now comes from here.
  Interpretation::of(evaluator).here(state.compiledAt);
  CallArgs call;
  call.range = state.compiledAt;
  std::vector<Value> names;
  for (const std::string &name : outputNames(*state.graph, /*asLayers=*/true))
    names.push_back(evaluator.string(name));
  std::vector<Value> publicNames;
  for (const std::string &name : outputNames(*state.graph, /*asLayers=*/false))
    publicNames.push_back(evaluator.string(name));
  call.positional = {model, compiled, evaluator.list(std::move(names)),
                     evaluator.list(std::move(publicNames)),
                     Value::boolean(options.sampleWeight)};
  std::optional<Result> function = evaluator.library("training", "compile");
  if (!function || failed(*function))
    return failure();
  return evaluator.call(**function, std::move(call));
}

Result ModelBuilder::replay(InstanceObject *model, bool training,
                            llvm::SMRange at) {
  LayerState *state = stateOf(model);
  scopes.emplace_back(model, nameOf(model));
  llvm::StringMap<Size> symbols;
  Result outputs = GraphReplay(*this, *state->graph, symbols, training)
                       .run(state->graph->inputTensors, at);
  scopes.pop_back();
  return outputs;
}

Result ModelBuilder::optimizerState(llvm::StringRef name, Value value,
                                    llvm::SMRange at) {
  WeightInfo info;
  info.name = name.str();
  FailureOr<TensorObject *> weight = makeWeight(
      std::nullopt, std::nullopt, /*trainable=*/false, info,
      [&]() -> Result { return value; }, at);
  if (failed(weight))
    return failure();
  (*weight)->value.getDefiningOp<model::WeightOp>().setOptimizer(true);
  std::string unique = name.str();
  for (unsigned i = 1; llvm::any_of(
           written, [&](const WeightUse &use) { return use.name == unique; });
       ++i)
    unique = (name + "_" + llvm::Twine(i)).str();
  written.push_back({*weight, false, unique});
  return Value(*weight);
}
