//===- TrainData.cpp - the arrays of lamina train -----------------------------===//

#include "TrainData.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"

using namespace lamina;
using namespace lamina::driver;

namespace {
/// Reads the arrays of `words` (FILE, or NAME=FILE) for the columns `specs`, which the option `option` gives.
bool readColumns(Session &session, llvm::ArrayRef<std::string> words, llvm::ArrayRef<ArraySpec> specs,
                 llvm::StringRef role, llvm::StringRef option, std::vector<Column> &columns) {
  std::vector<std::string> names;
  for (const ArraySpec &spec : specs)
    names.push_back(spec.name);
  std::vector<std::optional<Column>> bound(specs.size());
  size_t next = 0;
  bool ok = true;
  auto fail = [&](llvm::StringRef file, const llvm::Twine &message) {
    session.diagnostics.errorInFile(file, message);
    ok = false;
  };
  for (llvm::StringRef word : words) {
    auto [name, file] = word.contains('=') ? word.split('=') : std::pair<llvm::StringRef, llvm::StringRef>("", word);
    while (name.empty() && next < bound.size() && bound[next])
      ++next;
    size_t index = name.empty() ? next : llvm::find(names, name) - names.begin();
    std::string known = "; the model has " + (names.empty() ? "none" : llvm::join(names, ", "));
    if (index == specs.size()) {
      llvm::SmallVector<llvm::StringRef> candidates(names.begin(), names.end());
      std::optional<llvm::StringRef> near = name.empty() ? std::nullopt : didYouMean(name, candidates);
      fail(session.arguments.input, (name.empty() ? option + ": there are more arrays than the model has " + role + "s"
                                                  : option + ": there is no " + role + " '" + name + "'") +
                                        known + (near ? "; did you mean '" + near->str() + "'?" : std::string()));
      continue;
    }
    if (bound[index]) {
      fail(session.arguments.input, option + ": " + role + " '" + names[index] + "' is given twice");
      continue;
    }
    llvm::Expected<NDArray> array = loadNpy(file);
    if (!array) {
      ok = !session.error(array.takeError(), file);
      continue;
    }
    bound[index] = Column{names[index], file.str(), std::move(*array)};
    if (llvm::Error error = fitColumn(*bound[index], specs[index], role))
      ok = !session.error(std::move(error), file);
  }
  if (!ok)
    return false;
  for (auto [column, name] : llvm::zip_equal(bound, names)) {
    if (!column)
      fail(session.arguments.input, "no array for " + role + " '" + name + "': give " + option + " " + name + "=FILE.npy");
    else
      columns.push_back(std::move(*column));
  }
  return ok;
}

/// The file that an error of the training library begins with.
bool report(Session &session, llvm::Error error, const Dataset &data) {
  if (!error)
    return false;
  std::string message = llvm::toString(std::move(error));
  for (const Column *column : data.columns())
    if (llvm::StringRef(message).starts_with(column->file + ": ")) {
      session.diagnostics.errorInFile(column->file, llvm::StringRef(message).drop_front(column->file.size() + 2));
      return true;
    }
  session.diagnostics.errorInFile(session.arguments.input, message);
  return true;
}
} // namespace

std::unique_ptr<Dataset> TrainingData::read(Session &session, const ModelTrainee &model,
                                            llvm::ArrayRef<std::string> inputs, llvm::ArrayRef<std::string> targets,
                                            llvm::StringRef option) {
  auto result = std::make_unique<Dataset>();
  const TrainingEntry &entry = model.trainEntry();
  bool ok = readColumns(session, inputs, entry.argumentsOf("input"), "input", (option + "input").str(), result->inputs);
  ok &= readColumns(session, targets, entry.argumentsOf("target"), "target", (option + "target").str(), result->targets);
  if (!ok || report(session, result->check(), *result))
    return nullptr;
  return result;
}

bool TrainingData::readSampleWeight(Session &session, const ModelTrainee &model) {
  const TrainArguments &train = session.arguments.train;
  if (train.sampleWeight.empty() && train.classWeight.empty())
    return true;
  if (!model.takesSampleWeight()) {
    session.diagnostics.errorInFile(session.arguments.input, "the model's train_step takes no weights of samples");
    return false;
  }
  if (!train.sampleWeight.empty()) {
    llvm::Expected<NDArray> array = loadNpy(train.sampleWeight);
    if (!array)
      return !session.error(array.takeError(), train.sampleWeight);
    ArraySpec spec = model.trainEntry().argumentsOf("sample_weight").front();
    Column column{spec.name, train.sampleWeight, std::move(*array)};
    if (llvm::Error error = fitColumn(column, spec, "target"))
      return !session.error(std::move(error), train.sampleWeight);
    data->sampleWeight = std::move(column);
  }
  return !report(session, data->check(), *data);
}

/// Integer targets without the last axis of their output are numbers of classes.
bool TrainingData::checkClasses(Session &session, const ModelTrainee &model, const ForwardFunction &forward,
                                const Dataset &data) {
  size_t next = 0;
  for (const EntryTensor &target : model.trainEntry().arguments) {
    if (target.role != "target")
      continue;
    const Column &column = data.targets[next++];
    const ArraySpec &spec = target.spec;
    if (isFloat(spec.dtype))
      continue;
    mlir::func::FuncOp function = forward.function;
    for (auto [name, type] : llvm::zip(forward.outputs, function.getResultTypes())) {
      auto output = llvm::cast<mlir::RankedTensorType>(type);
      bool own = forward.outputs.size() == 1 || spec.name == name + "_true";
      if (!own || output.getRank() != int64_t(spec.shape.size()) + 1 || output.isDynamicDim(output.getRank() - 1))
        continue;
      int64_t classes = output.getShape().back();
      if (report(session, checkLabels(column, classes, target.ignored), data))
        return false;
    }
  }
  return true;
}

bool TrainingData::load(Session &session, const ModelTrainee &model, const ForwardFunction &forward) {
  const TrainArguments &train = session.arguments.train;
  data = read(session, model, session.arguments.inputs, train.targets, "--");
  if (!data || !readSampleWeight(session, model) || !checkClasses(session, model, forward, *data))
    return false;
  training = *data;
  if (!train.validationInputs.empty() || !train.validationTargets.empty()) {
    validationData = read(session, model, train.validationInputs, train.validationTargets, "--validation-");
    if (!validationData || !checkClasses(session, model, forward, *validationData))
      return false;
    validation = *validationData;
  }
  if (train.validationSplit) {
    auto split = splitData(*data, *train.validationSplit);
    if (!split)
      return !session.error(split.takeError(), session.arguments.input);
    training = split->first;
    validation = split->second;
  }
  // Classes have weights in training only, as in Keras.
  if (!train.classWeight.empty()) {
    if (train.validationSplit) {
      validationData = std::make_unique<Dataset>(*data);
      validation = DataView(*validationData, validation->first, validation->rows);
    }
    if (report(session, applyClassWeights(*data, train.classWeight), *data))
      return false;
  }
  for (const ArraySpec &spec : model.trainEntry().argumentsOf("input"))
    if (spec.shape.front() >= 0)
      fixedBatch = spec.shape.front();
  return true;
}

bool TrainingData::checkBatch(Session &session, int64_t batchSize) {
  if (!fixedBatch)
    return true;
  auto fail = [&](const llvm::Twine &message) {
    session.diagnostics.errorInFile(session.arguments.input, "the model's batch is fixed to " +
                                                                 llvm::Twine(*fixedBatch) + ": " + message);
    return false;
  };
  if (batchSize != *fixedBatch)
    return fail("give --batch-size " + llvm::Twine(*fixedBatch));
  for (const DataView &view : {training, validation.value_or(training)})
    if (view.rows % batchSize != 0)
      return fail(llvm::Twine(view.rows) + " rows are no whole number of batches");
  return true;
}
