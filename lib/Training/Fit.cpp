//===- Fit.cpp - the training loop ----------------------------------------===//

#include "lamina/Training/Fit.h"
#include "lamina/Frontend/Diagnostics.h"
#include "lamina/Training/Random.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include <chrono>
#include <cmath>

using namespace lamina;

using Clock = std::chrono::steady_clock;

static double secondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

bool lamina::largerIsBetter(llvm::StringRef metric) {
  metric.consume_front("val_");
  std::string name = metric.lower();
  return llvm::any_of(
      llvm::ArrayRef<llvm::StringRef>{
          "acc", "auc", "precision", "recall", "f1", "fbeta", "r2", "iou",
          "true_", "cosine_similarity", "sensitivity", "specificity"},
      [&](llvm::StringRef part) {
        return llvm::StringRef(name).contains(part);
      });
}

void lamina::addTo(std::vector<NDArray> &totals,
                   llvm::ArrayRef<NDArray> added) {
  if (totals.empty())
    for (const NDArray &array : added)
      totals.emplace_back(DType::Float64, array.shape());
  for (auto [total, array] : llvm::zip_equal(totals, added))
    for (int64_t i = 0; i < array.size(); ++i)
      total.setDouble(i, total.getDouble(i) + array.getDouble(i));
}

NamedArrays Trainee::finalWeights() const {
  NamedArrays result = weights;
  for (auto &[name, array] : result) {
    // The library calls it "adam/dense_kernel_average".
    std::string average = name + "_average";
    std::replace(average.begin(), average.end(), '/', '_');
    for (const auto &[slot, value] : optimizer)
      if (llvm::StringRef(slot).split('/').second == average)
        array = value;
  }
  return result;
}

Fit::Fit(Trainee &model, DataView train, std::optional<DataView> validation,
         const FitOptions &options, FitObserver &observer)
    : model(model), train(train), validation(validation), options(options),
      observer(observer) {}

int64_t Fit::batches() const {
  return (train.rows + options.batchSize - 1) / options.batchSize;
}

std::string Fit::monitor() const {
  if (!options.monitor.empty())
    return options.monitor;
  return validation ? "val_loss" : "loss";
}

llvm::Error Fit::check() {
  if (!options.patience && !options.restoreBest && options.monitor.empty())
    return llvm::Error::success();
  std::vector<std::string> known = {"loss"};
  llvm::append_range(known, model.metricNames());
  for (size_t i = 0, n = known.size(); validation && i < n; ++i)
    known.push_back("val_" + known[i]);
  std::string name = monitor();
  if (llvm::is_contained(known, name))
    return llvm::Error::success();
  bool withoutData = !validation && llvm::StringRef(name).starts_with("val_");
  std::vector<llvm::StringRef> candidates(known.begin(), known.end());
  std::optional<llvm::StringRef> near = didYouMean(name, candidates);
  return llvm::createStringError("--monitor: there is no '" + name +
                                 "'; there are " + llvm::join(known, ", ") +
                                 (withoutData ? ", and no validation data"
                                  : near
                                      ? "; did you mean '" + near->str() + "'?"
                                      : ""));
}

llvm::ArrayRef<int64_t> Fit::rowsOf(int64_t epoch, int64_t batch) {
  if (orderEpoch != epoch) {
    if (options.shuffle) {
      order = shuffledRows(options.seed, epoch, train.rows);
    } else {
      order.resize(train.rows);
      for (int64_t i = 0; i < train.rows; ++i)
        order[i] = i;
    }
    orderEpoch = epoch;
  }
  int64_t first = batch * options.batchSize;
  return llvm::ArrayRef(order).slice(
      first, std::min(options.batchSize, train.rows - first));
}

llvm::Expected<Values> Fit::valuesOf(llvm::StringRef prefix, double lossSum,
                                     int64_t rows,
                                     llvm::ArrayRef<NDArray> totals) {
  Values values = {{(prefix + "loss").str(), lossSum / rows}};
  if (model.metricNames().empty())
    return values;
  llvm::Expected<std::vector<double>> metrics = model.metrics(totals);
  if (!metrics)
    return metrics.takeError();
  for (auto [name, value] : llvm::zip_equal(model.metricNames(), *metrics))
    values.emplace_back((prefix + name).str(), value);
  return values;
}

llvm::Expected<StepResult> Fit::step(FitState &state) {
  gather(train, rowsOf(state.epoch, state.batch), buffer);
  llvm::Expected<StepResult> result =
      model.trainStep(buffer, stepSeed(options.seed, state.step));
  if (!result)
    return result;
  ++state.batch;
  ++state.step;
  // Keras's mean of the batches' losses, by their sizes.
  state.lossSum += result->loss * buffer.rows;
  state.rows += buffer.rows;
  addTo(state.totals, result->accumulators);
  return result;
}

/// Inference on the validation data; nothing if training shall end here.
llvm::Expected<std::optional<Values>> Fit::validate() {
  double lossSum = 0;
  std::vector<NDArray> totals;
  Batch batch;
  for (int64_t first = 0; first < validation->rows;
       first += options.batchSize) {
    std::vector<int64_t> rows;
    for (int64_t i = first,
                 end = std::min(first + options.batchSize, validation->rows);
         i < end; ++i)
      rows.push_back(i);
    gather(*validation, rows, batch);
    llvm::Expected<StepResult> result = model.evaluate(batch);
    if (!result)
      return result.takeError();
    lossSum += result->loss * batch.rows;
    addTo(totals, result->accumulators);
    if (observer.stopRequested())
      return std::nullopt;
  }
  llvm::Expected<Values> values =
      valuesOf("val_", lossSum, validation->rows, totals);
  if (!values)
    return values.takeError();
  return std::optional<Values>(std::move(*values));
}

llvm::Error Fit::updateBest(FitState &state, const Values &values) {
  if (!options.patience && !options.restoreBest)
    return llvm::Error::success();
  std::string name = monitor();
  auto found = llvm::find_if(
      values, [&](const auto &value) { return value.first == name; });
  if (found == values.end())
    return llvm::createStringError("there is no value of '" + name + "'");
  double value = found->second;
  ++state.wait;
  bool better = !state.best || (largerIsBetter(name) ? value > *state.best
                                                     : value < *state.best);
  if (!better || std::isnan(value))
    return llvm::Error::success();
  state.best = value;
  state.bestEpoch = state.epoch;
  state.wait = 0;
  if (options.restoreBest)
    state.bestWeights = model.weights;
  return llvm::Error::success();
}

llvm::Expected<FitEnd> Fit::runEpoch(FitState &state) {
  snapshot = {state, model.weights, model.optimizer};
  Clock::time_point start = Clock::now();
  double before = state.seconds;
  for (int64_t count = batches(); state.batch < count;) {
    llvm::Expected<StepResult> result = step(state);
    if (!result)
      return result.takeError();
    state.seconds = before + secondsSince(start);
    if (!std::isfinite(result->loss))
      return FitEnd::NonFinite;
    observer.onBatch(state, count, [&] {
      llvm::Expected<Values> values =
          valuesOf("", state.lossSum, state.rows, state.totals);
      if (values)
        return std::move(*values);
      llvm::consumeError(values.takeError()); // reported at the epoch's end
      return Values();
    });
    if (observer.stopRequested()) {
      if (llvm::Error error = model.fetchState())
        return std::move(error);
      return FitEnd::Interrupted;
    }
  }
  if (llvm::Error error = model.fetchState())
    return std::move(error);

  // The last update would show only in the next epoch.
  if (!brokenWeight().empty())
    return FitEnd::NonFinite;

  llvm::Expected<Values> values =
      valuesOf("", state.lossSum, state.rows, state.totals);
  if (!values)
    return values.takeError();
  if (validation) {
    llvm::Expected<std::optional<Values>> validated = validate();
    if (!validated)
      return validated.takeError();
    if (!*validated)
      return FitEnd::Interrupted;
    llvm::append_range(*values, **validated);
  }
  if (std::optional<double> rate = model.learningRate())
    values->emplace_back("learning_rate", *rate);
  values->emplace_back("seconds", before + secondsSince(start));
  ++state.epoch;
  state.batch = 0;
  state.rows = 0;
  state.lossSum = state.seconds = 0;
  state.totals.clear();
  state.history.push_back(*values);
  if (llvm::Error error = updateBest(state, *values))
    return std::move(error);
  if (llvm::Error error = observer.onEpoch(state))
    return std::move(error);
  return FitEnd::Finished;
}

llvm::Expected<FitEnd> Fit::run(FitState &state) {
  FitEnd end = FitEnd::Finished;
  // A resumed run may have nothing left to do.
  auto stopsEarly = [&] {
    return options.patience && state.best && state.epoch > 0 &&
           state.wait >= std::max<int64_t>(*options.patience, 1);
  };
  while (end == FitEnd::Finished && state.epoch < options.epochs) {
    if (stopsEarly()) {
      end = FitEnd::StoppedEarly;
      break;
    }
    if (observer.stopRequested()) {
      end = FitEnd::Interrupted;
      break;
    }
    llvm::Expected<FitEnd> ended = runEpoch(state);
    if (!ended)
      return ended;
    end = *ended;
  }
  if (end == FitEnd::Finished && stopsEarly())
    end = FitEnd::StoppedEarly;
  return end;
}

/// The last one in the model's order: a gradient that is not finite spoils
/// those of all layers before.
std::string Fit::brokenWeight() const {
  std::string broken;
  for (auto [now, before] : llvm::zip_equal(model.weights, snapshot.weights))
    if (firstNonFinite(now.second, 0, now.second.size()) &&
        !firstNonFinite(before.second, 0, before.second.size()))
      broken = now.first;
  return broken;
}

void Fit::rollBack(FitState &state) {
  state = snapshot.state;
  model.weights = snapshot.weights;
  model.optimizer = snapshot.optimizer;
  model.stateChanged();
}

llvm::Expected<Fit::Cause> Fit::findCause(FitState &state) {
  int64_t last = state.batch;
  rollBack(state);
  Cause cause;
  cause.epoch = state.epoch;
  NamedArrays weights, optimizer;
  while (state.batch < last) {
    cause.batch = state.batch;
    cause.rows = rowsOf(state.epoch, state.batch).vec();
    weights = model.weights;
    optimizer = model.optimizer;
    llvm::Expected<StepResult> result = step(state);
    if (!result)
      return result.takeError();
    if (!std::isfinite(result->loss))
      break;
    if (llvm::Error error = model.fetchState())
      return std::move(error);
    cause.weight = brokenWeight();
    if (!cause.weight.empty())
      break;
  }
  model.weights = std::move(weights);
  model.optimizer = std::move(optimizer);
  model.stateChanged();
  return cause;
}
