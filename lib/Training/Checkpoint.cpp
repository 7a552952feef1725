//===- Checkpoint.cpp - training that can be resumed ----------------------===//

#include "lamina/Training/Checkpoint.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/JSON.h"
#include <charconv>
#include <cmath>

using namespace lamina;

static constexpr llvm::StringLiteral prefix = "lamina.checkpoint/";
static constexpr int64_t version = 1;

bool lamina::isLoopState(llvm::StringRef name) {
  return name.starts_with(prefix);
}

//===----------------------------------------------------------------------===//
// Writing
//===----------------------------------------------------------------------===//

namespace {
struct Packer {
  NamedArrays arrays;

  void add(const llvm::Twine &name, NDArray array) {
    arrays.emplace_back((prefix + name).str(), std::move(array));
  }
  void integer(llvm::StringRef name, int64_t value,
               DType dtype = DType::Int64) {
    NDArray array(dtype, {});
    array.setInt(0, value);
    add(name, std::move(array));
  }
  void number(llvm::StringRef name, double value) {
    NDArray array(DType::Float64, {});
    array.setDouble(0, value);
    add(name, std::move(array));
  }
};
} // namespace

NamedArrays lamina::packCheckpoint(const Trainee &model, const FitState &state,
                                   const FitSetting &setting) {
  Packer pack{model.weights};
  llvm::append_range(pack.arrays, model.optimizer);
  pack.integer("version", version);
  pack.integer("seed", setting.seed, DType::UInt64);
  pack.integer("batch_size", setting.batchSize);
  pack.integer("rows", setting.rows);
  pack.integer("shuffle", setting.shuffle, DType::Bool);
  pack.integer("data", setting.data, DType::UInt64);
  pack.integer("epoch", state.epoch);
  pack.integer("batch", state.batch);
  pack.integer("step", state.step);
  pack.number("loss_sum", state.lossSum);
  pack.number("seconds", state.seconds);
  pack.integer("rows_seen", state.rows);
  for (auto [i, total] : llvm::enumerate(state.totals))
    pack.add("totals/" + llvm::Twine(i), total);
  if (state.best)
    pack.number("best", *state.best);
  pack.integer("best_epoch", state.bestEpoch);
  pack.integer("wait", state.wait);
  for (const auto &[name, array] : state.bestWeights)
    pack.add("best_weights/" + llvm::Twine(name), array);
  // A column for each name; a value that an epoch did not have is NaN.
  std::vector<std::string> names;
  for (const Values &values : state.history)
    for (const auto &[name, value] : values)
      if (!llvm::is_contained(names, name))
        names.push_back(name);
  for (const std::string &name : names) {
    NDArray column(DType::Float64, {int64_t(state.history.size())});
    for (auto [i, values] : llvm::enumerate(state.history)) {
      auto found = llvm::find_if(
          values, [&](const auto &value) { return value.first == name; });
      column.setDouble(i, found == values.end() ? NAN : found->second);
    }
    pack.add("history/" + llvm::Twine(name), std::move(column));
  }
  return std::move(pack.arrays);
}

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

namespace {
/// Takes the arrays of the loop out of all; the first problem is kept.
class Unpacker {
public:
  explicit Unpacker(NamedArrays &arrays) : arrays(arrays) {}

  int64_t integer(llvm::StringRef name, DType dtype = DType::Int64) {
    const NDArray *array = scalar(name, dtype);
    return array ? array->getInt(0) : 0;
  }
  /// A number of something.
  int64_t count(llvm::StringRef name) {
    int64_t value = integer(name);
    if (value < 0 && problem.empty())
      problem = (name + " is negative").str();
    return std::max<int64_t>(value, 0);
  }
  double number(llvm::StringRef name) {
    const NDArray *array = scalar(name, DType::Float64);
    return array ? array->getDouble(0) : 0;
  }
  const NDArray *find(llvm::StringRef name) {
    for (const auto &[key, array] : arrays)
      if (llvm::StringRef(key).starts_with(prefix) &&
          llvm::StringRef(key).drop_front(prefix.size()) == name)
        return &array;
    return nullptr;
  }
  /// Everything below `folder`, without its name.
  NamedArrays folder(llvm::StringRef folder) {
    NamedArrays result;
    for (const auto &[key, array] : arrays) {
      llvm::StringRef name = key;
      if (name.consume_front(prefix) && name.consume_front(folder))
        result.emplace_back(name.str(), array);
    }
    return result;
  }

  std::string problem;

private:
  const NDArray *scalar(llvm::StringRef name, DType dtype) {
    const NDArray *array = find(name);
    if (array && array->dtype() == dtype && array->rank() == 0)
      return array;
    if (problem.empty())
      problem = ("'" + prefix + name +
                 (array ? "' is not of the right type" : "' is missing"))
                    .str();
    return nullptr;
  }
  NamedArrays &arrays;
};
} // namespace

llvm::Expected<Checkpoint> lamina::unpackCheckpoint(NamedArrays arrays) {
  Unpacker unpack(arrays);
  if (!unpack.find("version"))
    return llvm::createStringError(
        "this is no checkpoint of lamina; --weights takes a file of weights");
  if (int64_t found = unpack.integer("version"); found != version)
    return llvm::createStringError("the checkpoint is of version " +
                                   llvm::Twine(found) + ", this is version " +
                                   llvm::Twine(version));
  Checkpoint result;
  FitSetting &setting = result.setting;
  setting.seed = unpack.integer("seed", DType::UInt64);
  setting.batchSize = unpack.count("batch_size");
  setting.rows = unpack.count("rows");
  setting.shuffle = unpack.integer("shuffle", DType::Bool);
  setting.data = unpack.integer("data", DType::UInt64);
  FitState &state = result.state;
  state.epoch = unpack.count("epoch");
  state.batch = unpack.count("batch");
  state.step = unpack.count("step");
  state.lossSum = unpack.number("loss_sum");
  state.seconds = unpack.number("seconds");
  state.rows = unpack.count("rows_seen");
  if (unpack.find("best"))
    state.best = unpack.number("best");
  state.bestEpoch = unpack.count("best_epoch");
  state.wait = unpack.count("wait");
  state.bestWeights = unpack.folder("best_weights/");
  NamedArrays totals = unpack.folder("totals/");
  state.totals.resize(totals.size());
  for (auto &[name, array] : totals) {
    size_t i = 0;
    if (llvm::StringRef(name).getAsInteger(10, i) || i >= totals.size() ||
        array.dtype() != DType::Float64)
      return llvm::createStringError("broken checkpoint: unexpected totals");
    state.totals[i] = std::move(array);
  }
  for (auto &[name, column] : unpack.folder("history/")) {
    if (column.dtype() != DType::Float64 || column.rank() != 1 ||
        column.shape()[0] != state.epoch)
      return llvm::createStringError("broken checkpoint: the history of '" +
                                     llvm::Twine(name) +
                                     "' does not have a value per epoch");
    state.history.resize(state.epoch);
    for (int64_t i = 0; i < state.epoch; ++i)
      if (!std::isnan(column.getDouble(i)))
        state.history[i].emplace_back(name, column.getDouble(i));
  }
  if (unpack.problem.empty() &&
      (setting.batchSize == 0 || setting.rows == 0 ||
       state.batch > (setting.rows - 1) / setting.batchSize + 1))
    unpack.problem = "there is no such batch";
  if (unpack.problem.empty() && state.history.size() != size_t(state.epoch))
    unpack.problem = "the history is missing";
  if (!unpack.problem.empty())
    return llvm::createStringError("broken checkpoint: " + unpack.problem);
  for (auto &entry : arrays)
    if (!isLoopState(entry.first))
      result.arrays.push_back(std::move(entry));
  return result;
}

static std::vector<ArraySpec> specsOf(const NamedArrays &arrays) {
  std::vector<ArraySpec> specs;
  for (const auto &[name, array] : arrays)
    specs.push_back(
        {name, array.dtype(), llvm::SmallVector<int64_t>(array.shape())});
  return specs;
}

llvm::Error lamina::restore(Checkpoint checkpoint, Trainee &model,
                            FitState &state) {
  std::vector<ArraySpec> specs = specsOf(model.weights);
  llvm::append_range(specs, specsOf(model.optimizer));
  auto values = matchArrays(std::move(checkpoint.arrays), specs,
                            "weights and the optimizer's state");
  if (!values)
    return values.takeError();
  NamedArrays &best = checkpoint.state.bestWeights;
  if (!best.empty()) {
    auto matched =
        matchArrays(std::move(best), specsOf(model.weights), "best weights");
    if (!matched)
      return matched.takeError();
    best.clear();
    for (auto [entry, array] : llvm::zip_equal(model.weights, *matched))
      best.emplace_back(entry.first, std::move(array));
  }
  size_t next = 0;
  for (NamedArrays *arrays : {&model.weights, &model.optimizer})
    for (auto &entry : *arrays)
      entry.second = std::move((*values)[next++]);
  state = std::move(checkpoint.state);
  return llvm::Error::success();
}

/// The fewest digits that give the same number back.
static std::string shortest(double value) {
  char text[32];
  return std::string(text, std::to_chars(text, std::end(text), value).ptr);
}

std::string lamina::historyJSON(llvm::ArrayRef<Values> history) {
  std::vector<std::string> names;
  for (const Values &values : history)
    for (const auto &[name, value] : values)
      if (!llvm::is_contained(names, name))
        names.push_back(name);
  std::string text;
  llvm::raw_string_ostream os(text);
  llvm::json::OStream json(os, /*IndentSize=*/2);
  json.object([&] {
    for (const std::string &name : names)
      json.attributeArray(name, [&] {
        for (const Values &values : history) {
          auto found = llvm::find_if(
              values, [&](const auto &value) { return value.first == name; });
          // JSON has no NaN and no infinity.
          if (found == values.end() || !std::isfinite(found->second))
            json.value(nullptr);
          else
            json.rawValue(shortest(found->second));
        }
      });
  });
  os << "\n";
  return text;
}
