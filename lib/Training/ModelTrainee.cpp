//===- ModelTrainee.cpp - a model's entry points, to be trained -----------===//

#include "lamina/Training/ModelTrainee.h"
#include "lamina/Interpreter/Interpreter.h"
#include "lamina/Support/Elements.h"
#include "lamina/Target/CompiledModel.h"
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

void ModelTrainee::useCompiled(std::unique_ptr<CompiledModel> model) {
  compiled = std::move(model);
  module = nullptr;
}

bool ModelTrainee::takesSampleWeight() const {
  return !train.argumentsOf("sample_weight").empty();
}

//===----------------------------------------------------------------------===//
// Calls
//===----------------------------------------------------------------------===//

llvm::Expected<std::vector<NDArray>>
ModelTrainee::run(llvm::StringRef name, const TrainingEntry &entry,
                  std::vector<NDArray> arguments) {
  if (!compiled) {
    auto results =
        interpret(module->lookupSymbol<func::FuncOp>(name), arguments);
    if (failed(results))
      return llvm::createStringError("the interpreter failed in '" + name +
                                     "'");
    return std::move(*results);
  }
  return runCompiled(name, arguments);
}

/// Lends weights and state to the call, which changes them in place.
llvm::Expected<std::vector<NDArray>>
ModelTrainee::runCompiled(llvm::StringRef name,
                          llvm::ArrayRef<NDArray> inputs) {
  TrainingState state;
  std::vector<std::pair<NDArray *, NDArray *>> lent;
  auto lend = [&](NamedArrays &from, llvm::ArrayRef<TensorSignature> tensors,
                  std::vector<NDArray> &to) {
    to.resize(tensors.size());
    for (auto [tensor, place] : llvm::zip_equal(tensors, to))
      for (auto &[name, value] : from)
        if (name == tensor.name) {
          place = std::move(value);
          lent.emplace_back(&value, &place);
        }
  };
  lend(weights, compiled->signature().weights, state.weights);
  lend(optimizer, compiled->signature().optimizer, state.optimizer);
  auto results = compiled->run(name, inputs, state);
  for (auto [owner, place] : lent)
    *owner = std::move(*place);
  return results;
}

/// The two words of a key, the lower one first.
static NDArray seedArray(uint64_t seed) {
  NDArray array(DType::UInt32, {2});
  array.setInt(0, static_cast<uint32_t>(seed));
  array.setInt(1, static_cast<uint32_t>(seed >> 32));
  return array;
}

llvm::Expected<std::vector<NDArray>>
ModelTrainee::call(llvm::StringRef name, const TrainingEntry &entry,
                   const Batch &batch, uint64_t seed) {
  std::vector<NDArray> arguments;
  size_t input = 0, target = 0, weight = 0, state = 0;
  for (const EntryTensor &argument : entry.arguments) {
    if (argument.role == "input") {
      arguments.push_back(batch.inputs[input++]);
    } else if (argument.role == "target") {
      arguments.push_back(batch.targets[target++]);
    } else if (compiled &&
               (argument.role == "weight" || argument.role == "optimizer")) {
      continue; // lent to the call
    } else if (argument.role == "weight") {
      arguments.push_back(weights[weight++].second);
    } else if (argument.role == "optimizer") {
      arguments.push_back(optimizer[state++].second);
    } else if (argument.role == "seed") {
      arguments.push_back(seedArray(seed));
    } else if (argument.role == "sample_weight") {
      NDArray ones(argument.spec.dtype, {batch.rows});
      for (int64_t i = 0; i < batch.rows; ++i)
        ones.setInt(i, 1);
      arguments.push_back(batch.sampleWeight ? *batch.sampleWeight
                                             : std::move(ones));
    } else {
      return llvm::createStringError(
          "'" + name + "' takes an argument of the unknown role '" +
          argument.role + "'");
    }
  }
  return run(name, entry, std::move(arguments));
}

/// Loss and accumulators; updates, which are last and which compiled code makes
/// in place, go where they belong.
StepResult ModelTrainee::split(const TrainingEntry &entry,
                               std::vector<NDArray> results) {
  StepResult step;
  for (auto [result, array] : llvm::zip(entry.results, results)) {
    if (result.role == "loss")
      step.loss = array.getDouble(0);
    else if (result.role == "metric")
      step.accumulators.push_back(std::move(array));
    else if (result.role == "update")
      for (NamedArrays *arrays : {&weights, &optimizer})
        for (auto &[name, value] : *arrays)
          if (name == result.of)
            value = std::move(array);
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
