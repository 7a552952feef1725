//===- ModelTrainee.cpp - a model's entry points, to be trained -----------===//

#include "lamina/Training/ModelTrainee.h"
#include "lamina/Interpreter/Interpreter.h"
#include "lamina/Support/Elements.h"
#include "lamina/Target/CompiledModel.h"
#include "lamina/Target/ResidentState.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace lamina;
using namespace mlir;

std::vector<ArraySpec> TrainingEntry::argumentsOf(llvm::StringRef role) const {
  std::vector<ArraySpec> specs;
  for (const EntryTensor &argument : arguments)
    if (argument.role == role)
      specs.push_back(argument.spec);
  return specs;
}

ModelTrainee::ModelTrainee() = default;
ModelTrainee::~ModelTrainee() = default;

//===----------------------------------------------------------------------===//
// What the functions take and give
//===----------------------------------------------------------------------===//

static EntryTensor describeTensor(Type type, DictionaryAttr attrs) {
  auto text = [&](llvm::StringRef name) {
    auto attr = attrs ? attrs.getAs<StringAttr>(name) : StringAttr();
    return attr ? attr.getValue().str() : "";
  };
  auto tensor = cast<RankedTensorType>(type);
  EntryTensor result;
  result.role = text("lamina.role");
  result.of = text("lamina.of");
  result.spec = {text("lamina.name"), *fromMLIR(tensor.getElementType()), {}};
  if (auto ignored =
          attrs ? attrs.getAs<IntegerAttr>("lamina.ignored") : IntegerAttr())
    result.ignored = ignored.getInt();
  for (int64_t size : tensor.getShape())
    result.spec.shape.push_back(ShapedType::isDynamic(size) ? -1 : size);
  return result;
}

static TrainingEntry describeEntry(func::FuncOp function) {
  TrainingEntry entry;
  for (auto [i, type] : llvm::enumerate(function.getArgumentTypes()))
    entry.arguments.push_back(describeTensor(type, function.getArgAttrDict(i)));
  for (auto [i, type] : llvm::enumerate(function.getResultTypes()))
    entry.results.push_back(
        describeTensor(type, function.getResultAttrDict(i)));
  return entry;
}

llvm::Expected<std::unique_ptr<ModelTrainee>>
ModelTrainee::create(ModuleOp module) {
  auto find = [&](llvm::StringRef name) {
    return module.lookupSymbol<func::FuncOp>(name);
  };
  func::FuncOp train = find("train_step"), evaluation = find("evaluate");
  if (!train || !evaluation)
    return llvm::createStringError("the module has no functions @train_step "
                                   "and @evaluate");
  std::unique_ptr<ModelTrainee> model(new ModelTrainee());
  model->train = describeEntry(train);
  model->evaluation = describeEntry(evaluation);
  if (func::FuncOp metric = find("metrics"))
    model->metric = describeEntry(metric);
  if (func::FuncOp rate = find("learning_rate"))
    model->rate = describeEntry(rate);
  for (const EntryTensor &result : model->metric.results)
    model->names.push_back(result.spec.name);
  for (auto [i, argument] : llvm::enumerate(model->train.arguments)) {
    bool isWeight = argument.role == "weight";
    if (!isWeight && argument.role != "optimizer")
      continue;
    auto value = train.getArgAttrOfType<ElementsAttr>(i, "lamina.value");
    std::optional<NDArray> array =
        value ? fromElements(value) : std::optional<NDArray>();
    if (!array)
      return llvm::createStringError("'" + argument.spec.name +
                                     "' has no initial value");
    (isWeight ? model->weights : model->optimizer)
        .emplace_back(argument.spec.name, std::move(*array));
  }
  model->module = module.clone();
  return model;
}

llvm::Error ModelTrainee::useCompiled(std::unique_ptr<CompiledModel> model) {
  compiled = std::move(model);
  module = nullptr;
  if (!compiled->signature().usesCuda())
    return llvm::Error::success();
  auto created = ResidentState::create(*compiled);
  if (!created)
    return created.takeError();
  resident = std::move(*created);
  return llvm::Error::success();
}

std::string ModelTrainee::captureProblem() const {
  return resident ? resident->captureProblem() : "";
}

bool ModelTrainee::takesSampleWeight() const {
  return !train.argumentsOf("sample_weight").empty();
}

//===----------------------------------------------------------------------===//
// Calls
//===----------------------------------------------------------------------===//

/// The arrays in the order of `tensors`, moved out of their names.
static std::vector<NDArray> take(NamedArrays &arrays,
                                 llvm::ArrayRef<TensorSignature> tensors) {
  std::vector<NDArray> result(tensors.size());
  for (auto &[name, array] : arrays)
    result[Signature::position(tensors, name)] = std::move(array);
  return result;
}

static void giveBack(NamedArrays &arrays, std::vector<NDArray> values,
                     llvm::ArrayRef<TensorSignature> tensors) {
  for (auto &[name, array] : arrays)
    array = std::move(values[Signature::position(tensors, name)]);
}

TrainingState ModelTrainee::takeState() {
  const Signature &signature = compiled->signature();
  return {take(weights, signature.weights),
          take(optimizer, signature.optimizer)};
}

void ModelTrainee::giveBack(TrainingState state) {
  const Signature &signature = compiled->signature();
  ::giveBack(weights, std::move(state.weights), signature.weights);
  ::giveBack(optimizer, std::move(state.optimizer), signature.optimizer);
}

llvm::Error ModelTrainee::fetchState() {
  if (!resident || !isAhead || !isStored)
    return llvm::Error::success();
  TrainingState state = takeState();
  llvm::Error error = resident->fetch(state);
  giveBack(std::move(state));
  isAhead = false;
  return error;
}

/// Results without the updates, which are made in place.
llvm::Expected<std::vector<NDArray>>
ModelTrainee::runCompiled(llvm::StringRef name, std::vector<NDArray> inputs) {
  if (!resident) {
    TrainingState state = takeState();
    auto results = compiled->run(name, inputs, state);
    giveBack(std::move(state));
    return results;
  }
  if (!isStored) {
    TrainingState state = takeState();
    llvm::Error error = resident->store(state);
    giveBack(std::move(state));
    if (error)
      return std::move(error);
    isStored = true;
    isAhead = false;
  }
  auto results = resident->run(name, inputs);
  isAhead |= name == "train_step";
  return results;
}

llvm::Expected<std::vector<NDArray>>
ModelTrainee::runInterpreted(llvm::StringRef name, const TrainingEntry &entry,
                             std::vector<NDArray> inputs) {
  std::vector<NDArray> arguments;
  size_t next = 0, weight = 0, state = 0;
  for (const EntryTensor &argument : entry.arguments)
    arguments.push_back(argument.role == "weight" ? weights[weight++].second
                        : argument.role == "optimizer"
                            ? optimizer[state++].second
                            : std::move(inputs[next++]));
  auto values = interpret(module->lookupSymbol<func::FuncOp>(name), arguments);
  if (failed(values))
    return llvm::createStringError("the interpreter failed in '" + name + "'");
  std::vector<NDArray> results;
  for (auto [result, value] : llvm::zip_equal(entry.results, *values)) {
    if (result.role != "update") {
      results.push_back(std::move(value));
      continue;
    }
    for (NamedArrays *arrays : {&weights, &optimizer})
      for (auto &[of, array] : *arrays)
        if (of == result.of)
          array = std::move(value);
  }
  return results;
}

llvm::Expected<std::vector<NDArray>>
ModelTrainee::run(llvm::StringRef name, const TrainingEntry &entry,
                  std::vector<NDArray> inputs) {
  return compiled ? runCompiled(name, std::move(inputs))
                  : runInterpreted(name, entry, std::move(inputs));
}

/// The two words of a key, the lower one first.
static NDArray seedArray(uint64_t seed) {
  NDArray array(DType::UInt32, {2});
  array.setInt(0, static_cast<uint32_t>(seed));
  array.setInt(1, static_cast<uint32_t>(seed >> 32));
  return array;
}

static NDArray ones(DType dtype, int64_t rows) {
  NDArray array(dtype, {rows});
  for (int64_t i = 0; i < rows; ++i)
    array.setInt(i, 1);
  return array;
}

llvm::Expected<std::vector<NDArray>>
ModelTrainee::call(llvm::StringRef name, const TrainingEntry &entry,
                   const Batch &batch, uint64_t seed) {
  std::vector<NDArray> inputs;
  size_t input = 0, target = 0;
  for (const EntryTensor &argument : entry.arguments) {
    if (argument.role == "weight" || argument.role == "optimizer")
      continue;
    if (argument.role == "input") {
      inputs.push_back(batch.inputs[input++]);
    } else if (argument.role == "target") {
      inputs.push_back(batch.targets[target++]);
    } else if (argument.role == "seed") {
      inputs.push_back(seedArray(seed));
    } else if (argument.role == "sample_weight") {
      inputs.push_back(batch.sampleWeight
                           ? *batch.sampleWeight
                           : ones(argument.spec.dtype, batch.rows));
    } else {
      return llvm::createStringError(
          "'" + name + "' takes an argument of the unknown role '" +
          argument.role + "'");
    }
  }
  return run(name, entry, std::move(inputs));
}

/// Loss and accumulators among the results.
static StepResult split(const TrainingEntry &entry,
                        std::vector<NDArray> results) {
  StepResult step;
  size_t next = 0;
  for (const EntryTensor &result : entry.results) {
    if (result.role == "update")
      continue;
    NDArray &array = results[next++];
    if (result.role == "loss")
      step.loss = array.getDouble(0);
    else if (result.role == "metric")
      step.accumulators.push_back(std::move(array));
  }
  return step;
}

llvm::Expected<StepResult> ModelTrainee::trainStep(const Batch &batch,
                                                   uint64_t seed) {
  auto results = call("train_step", train, batch, seed);
  if (!results)
    return results.takeError();
  return split(train, std::move(*results));
}

llvm::Expected<StepResult> ModelTrainee::evaluate(const Batch &batch) {
  auto results = call("evaluate", evaluation, batch, 0);
  if (!results)
    return results.takeError();
  return split(evaluation, std::move(*results));
}

llvm::Expected<std::vector<double>>
ModelTrainee::metrics(llvm::ArrayRef<NDArray> totals) {
  std::vector<NDArray> arguments;
  if (totals.size() != metric.arguments.size())
    return llvm::createStringError(
        "'metrics' takes " + llvm::Twine(metric.arguments.size()) +
        " totals, there are " + llvm::Twine(totals.size()));
  for (auto [total, argument] : llvm::zip_equal(totals, metric.arguments))
    arguments.push_back(total.cast(argument.spec.dtype));
  auto results = run("metrics", metric, std::move(arguments));
  if (!results)
    return results.takeError();
  std::vector<double> values;
  for (const NDArray &result : *results)
    values.push_back(result.size() > 0 ? result.getDouble(0) : 0);
  return values;
}

std::optional<double> ModelTrainee::learningRate() {
  if (rate.arguments.size() != 1)
    return std::nullopt;
  for (const auto &[name, array] : optimizer)
    if (llvm::StringRef(name).ends_with("/iteration")) {
      auto results = run("learning_rate", rate, {array});
      if (results && results->size() == 1)
        return results->front().getDouble(0);
      llvm::consumeError(results.takeError()); // nothing depends on it
    }
  return std::nullopt;
}
