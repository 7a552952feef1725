//===- FitTest.cpp - the training loop on a model of one weight -----------===//

#include "lamina/Support/Safetensors.h"
#include "lamina/Training/Checkpoint.h"
#include "lamina/Training/Progress.h"
#include "lamina/Training/Random.h"
#include "llvm/Support/raw_ostream.h"
#include "gtest/gtest.h"
#include <cmath>
#include <cstring>

using namespace lamina;

namespace {

/// y = w * x by steepest descent, with a bit of noise from the seed, a metric
/// (the mean of the predictions) and a counter as the optimizer's state.
class Line : public Trainee {
public:
  Line() {
    weights.emplace_back("line/w", NDArray(DType::Float32, {}));
    optimizer.emplace_back("sgd/iteration", NDArray(DType::Int64, {}));
  }

  double w() const { return weights[0].second.getDouble(0); }

  llvm::Expected<StepResult> trainStep(const Batch &batch,
                                       uint64_t seed) override {
    StepResult result = *evaluate(batch);
    double gradient = 0;
    for (int64_t i = 0; i < batch.rows; ++i) {
      double x = batch.inputs[0].getDouble(i);
      gradient += 2 * (w() * x - batch.targets[0].getDouble(i)) * x;
    }
    double noise = double(seed >> 40) * 1e-12;
    weights[0].second.setDouble(0, w() - rate * gradient / batch.rows + noise);
    optimizer[0].second.setInt(0, optimizer[0].second.getInt(0) + 1);
    sizes.push_back(batch.rows);
    if (int64_t(sizes.size()) == breakWeightAt)
      weights[0].second.setDouble(0, NAN);
    return result;
  }

  llvm::Expected<StepResult> evaluate(const Batch &batch) override {
    StepResult result;
    NDArray sum(DType::Float32, {2});
    for (int64_t i = 0; i < batch.rows; ++i) {
      double y = w() * batch.inputs[0].getDouble(i);
      result.loss += std::pow(y - batch.targets[0].getDouble(i), 2);
      sum.setDouble(0, sum.getDouble(0) + y);
      sum.setDouble(1, sum.getDouble(1) + 1);
    }
    result.loss /= batch.rows;
    result.accumulators.push_back(sum);
    return result;
  }

  llvm::Expected<std::vector<double>>
  metrics(llvm::ArrayRef<NDArray> totals) override {
    return std::vector<double>{totals[0].getDouble(0) / totals[0].getDouble(1)};
  }
  llvm::ArrayRef<std::string> metricNames() const override { return names; }
  std::optional<double> learningRate() override { return rate; }

  double rate = 0.01;
  int64_t breakWeightAt = -1;
  std::vector<int64_t> sizes;
  std::vector<std::string> names = {"mean"};
};

struct Stop : FitObserver {
  int64_t batches = -1; // stop after so many
  int64_t seen = 0;
  void onBatch(const FitState &, int64_t,
               llvm::function_ref<Values()>) override {
    ++seen;
  }
  bool stopRequested() override { return batches >= 0 && seen >= batches; }
};

Dataset line(int64_t rows = 10, double slope = 3) {
  Dataset data;
  data.inputs.push_back({"x", "x.npy", NDArray(DType::Float32, {rows, 1})});
  data.targets.push_back({"y", "y.npy", NDArray(DType::Float32, {rows, 1})});
  for (int64_t i = 0; i < rows; ++i) {
    data.inputs[0].array.setDouble(i, 0.1 * i);
    data.targets[0].array.setDouble(i, 0.1 * slope * i);
  }
  return data;
}

double valueOf(const Values &values, llvm::StringRef name) {
  for (const auto &[key, value] : values)
    if (key == name)
      return value;
  ADD_FAILURE() << "no " << name.str();
  return NAN;
}

/// Everything but the times.
std::string resultOf(const Line &model, const FitState &state) {
  std::string text;
  llvm::raw_string_ostream os(text);
  for (const NamedArrays *arrays : {&model.weights, &model.optimizer})
    for (const auto &[name, array] : *arrays)
      os << name << " " << llvm::format("%a", array.getDouble(0)) << "\n";
  for (const Values &values : state.history)
    for (const auto &[name, value] : values)
      if (name != "seconds")
        os << name << " " << llvm::format("%a", value) << "\n";
  return text;
}

TEST(Fit, LossIsTheMeanByBatchSize) {
  Dataset data = line();
  Line model;
  model.rate = 0;
  FitOptions options;
  options.batchSize = 4;
  options.shuffle = false;
  FitObserver none;
  Fit fit(model, data, std::nullopt, options, none);
  FitState state;
  auto end = fit.run(state);
  ASSERT_TRUE(bool(end));
  EXPECT_EQ(*end, FitEnd::Finished);
  EXPECT_EQ(model.sizes, (std::vector<int64_t>{4, 4, 2})); // the rest is used
  // The weight stays near 0, so the loss is the mean square of the targets.
  EXPECT_NEAR(valueOf(state.history[0], "loss"), 0.09 * 28.5, 1e-4);
  EXPECT_NEAR(valueOf(state.history[0], "mean"), 0, 1e-4);
  EXPECT_EQ(valueOf(state.history[0], "learning_rate"), 0);
}

TEST(Fit, Learns) {
  Dataset data = line();
  auto split = splitData(data, 0.2);
  ASSERT_TRUE(bool(split));
  Line model;
  model.rate = 0.1;
  FitOptions options;
  options.epochs = 100;
  options.batchSize = 3;
  FitObserver none;
  Fit fit(model, split->first, split->second, options, none);
  FitState state;
  ASSERT_TRUE(bool(fit.run(state)));
  EXPECT_NEAR(model.w(), 3, 1e-3);
  EXPECT_EQ(state.history.size(), 100u);
  EXPECT_NEAR(valueOf(state.history.back(), "val_loss"), 0, 1e-4);
  EXPECT_NEAR(valueOf(state.history.back(), "val_mean"), 3 * 0.85, 1e-3);
  EXPECT_EQ(state.step, 300);
}

TEST(Fit, ShufflesEveryEpochAnew) {
  Dataset data = line();
  FitOptions options;
  options.epochs = 3;
  options.batchSize = 3;
  auto train = [&](bool shuffle, uint64_t seed) {
    options.shuffle = shuffle;
    options.seed = seed;
    Line model;
    FitObserver none;
    FitState state;
    EXPECT_TRUE(bool(Fit(model, data, std::nullopt, options, none).run(state)));
    return resultOf(model, state);
  };
  EXPECT_EQ(train(true, 1), train(true, 1));
  EXPECT_NE(train(true, 1), train(true, 2));
  EXPECT_NE(train(true, 1), train(false, 1));
}

/// Trains for five epochs; interrupted after `stop` batches, saved, restored
/// into another model and continued, if it is not negative.
std::string trainWithBreak(int64_t stop, bool npz) {
  Dataset data = line();
  auto split = splitData(data, 0.2);
  EXPECT_TRUE(bool(split));
  FitOptions options;
  options.epochs = 5;
  options.batchSize = 3;
  options.seed = 9;
  options.restoreBest = true;
  options.patience = 4;
  Line model;
  FitState state;
  Stop observer;
  observer.batches = stop;
  auto end =
      Fit(model, split->first, split->second, options, observer).run(state);
  EXPECT_TRUE(bool(end));
  if (stop < 0)
    return resultOf(model, state);
  EXPECT_EQ(*end, FitEnd::Interrupted);
  FitSetting setting{options.seed, 3, split->first.rows, true, 77};
  NamedArrays packed = packCheckpoint(model, state, setting);
  auto arrays = npz ? readNpz(writeNpz(packed), "c")
                    : readSafetensors(writeSafetensors(packed), "c");
  EXPECT_TRUE(bool(arrays));
  auto checkpoint = unpackCheckpoint(std::move(*arrays));
  EXPECT_TRUE(bool(checkpoint));
  EXPECT_EQ(checkpoint->setting.seed, options.seed);
  EXPECT_EQ(checkpoint->setting.data, 77u);
  Line second;
  FitState resumed;
  EXPECT_FALSE(bool(restore(std::move(*checkpoint), second, resumed)));
  FitObserver none;
  auto again =
      Fit(second, split->first, split->second, options, none).run(resumed);
  EXPECT_TRUE(bool(again));
  EXPECT_EQ(resumed.bestEpoch, 5);
  return resultOf(second, resumed);
}

TEST(Fit, ResumedRunIsTheSame) {
  std::string whole = trainWithBreak(-1, false);
  for (int64_t stop : {0, 1, 2, 3, 4, 7, 14, 15})
    EXPECT_EQ(trainWithBreak(stop, stop & 1), whole) << stop;
}

TEST(Fit, EarlyStoppingAndTheBestWeights) {
  Dataset data = line(10, 3), other = line(4, 1);
  Line model;
  FitOptions options;
  options.epochs = 500;
  options.batchSize = 5;
  options.patience = 3;
  options.restoreBest = true;
  FitObserver none;
  Fit fit(model, data, DataView(other), options, none);
  EXPECT_EQ(fit.monitor(), "val_loss");
  FitState state;
  auto end = fit.run(state);
  ASSERT_TRUE(bool(end));
  // The validation data has another slope: it gets worse from there on.
  EXPECT_EQ(*end, FitEnd::StoppedEarly);
  EXPECT_EQ(state.epoch, state.bestEpoch + 3);
  ASSERT_EQ(state.bestWeights.size(), 1u);
  EXPECT_NEAR(state.bestWeights[0].second.getDouble(0), 1, 0.2);
  EXPECT_EQ(*state.best,
            valueOf(state.history[state.bestEpoch - 1], "val_loss"));
}

TEST(Fit, WhatIsMonitoredMustExist) {
  Dataset data = line();
  Line model;
  FitObserver none;
  FitOptions options;
  options.monitor = "maen";
  EXPECT_EQ(
      llvm::toString(Fit(model, data, std::nullopt, options, none).check()),
      "--monitor: there is no 'maen'; there are loss, mean; did you mean "
      "'mean'?");
  options.monitor = "val_loss";
  EXPECT_EQ(
      llvm::toString(Fit(model, data, std::nullopt, options, none).check()),
      "--monitor: there is no 'val_loss'; there are loss, mean, and no "
      "validation data");
  EXPECT_FALSE(bool(Fit(model, data, DataView(data), options, none).check()));
  EXPECT_TRUE(largerIsBetter("val_accuracy"));
  EXPECT_TRUE(largerIsBetter("AUC"));
  EXPECT_FALSE(largerIsBetter("val_loss"));
  EXPECT_FALSE(largerIsBetter("mean_absolute_error"));
}

TEST(Fit, CauseOfALossThatIsNotFinite) {
  Dataset data = line(12);
  FitOptions options;
  options.epochs = 2;
  options.batchSize = 3;
  FitObserver none;
  { // a number in the data
    data.inputs[0].array.setDouble(7, NAN);
    Line model;
    Fit fit(model, data, std::nullopt, options, none);
    FitState state;
    auto end = fit.run(state);
    ASSERT_TRUE(bool(end));
    ASSERT_EQ(*end, FitEnd::NonFinite);
    auto cause = fit.findCause(state);
    ASSERT_TRUE(bool(cause));
    EXPECT_EQ(cause->weight, "");
    EXPECT_EQ(cause->epoch, 0);
    EXPECT_EQ(findNonFinite(data, cause->rows), "x.npy: 'x'[7, 0] is nan");
    EXPECT_TRUE(std::isfinite(model.w())); // before the batch
    data.inputs[0].array.setDouble(7, 0.7);
  }
  { // an update: seen in the loss of the batch after it
    Line model;
    model.breakWeightAt = 6; // in the second epoch
    Fit fit(model, data, std::nullopt, options, none);
    FitState state;
    auto end = fit.run(state);
    ASSERT_TRUE(bool(end));
    ASSERT_EQ(*end, FitEnd::NonFinite);
    EXPECT_EQ(state.batch, 3);
    model.sizes.resize(4); // as if the first epoch had been all
    auto cause = fit.findCause(state);
    ASSERT_TRUE(bool(cause));
    EXPECT_EQ(cause->weight, "line/w");
    EXPECT_EQ(cause->epoch, 1);
    EXPECT_EQ(cause->batch, 1);
    EXPECT_TRUE(std::isfinite(model.w()));
  }
}

TEST(Fit, TheLastUpdateOfAnEpochBreaksAWeight) {
  Dataset data = line(12);
  FitOptions options;
  options.epochs = 2;
  options.batchSize = 3;
  FitObserver none;
  Line model;
  model.breakWeightAt = 4;
  Fit fit(model, data, std::nullopt, options, none);
  FitState state;
  auto end = fit.run(state);
  ASSERT_TRUE(bool(end));
  ASSERT_EQ(*end, FitEnd::NonFinite);
  EXPECT_EQ(state.epoch, 0);
  model.sizes.clear();
  auto cause = fit.findCause(state);
  ASSERT_TRUE(bool(cause));
  EXPECT_EQ(cause->weight, "line/w");
  EXPECT_EQ(cause->batch, 3);
  fit.rollBack(state);
  EXPECT_EQ(model.w(), 0);
  EXPECT_EQ(state.batch, 0);
}

TEST(Checkpoint, WhatIsWrongWithAFile) {
  Line model;
  FitState state;
  FitSetting setting{1, 3, 10, true, 0};
  NamedArrays good = packCheckpoint(model, state, setting);
  ASSERT_TRUE(bool(unpackCheckpoint(good)));
  EXPECT_EQ(llvm::toString(unpackCheckpoint(model.weights).takeError()),
            "this is no checkpoint of lamina; --weights takes a file of "
            "weights");
  for (size_t i = 2; i < good.size(); ++i) { // each is needed
    NamedArrays bad = good;
    bad.erase(bad.begin() + i);
    auto read = unpackCheckpoint(std::move(bad));
    EXPECT_FALSE(bool(read)) << good[i].first;
    llvm::consumeError(read.takeError());
  }
  NamedArrays other = good;
  other[0].first = "line/v";
  auto checkpoint = unpackCheckpoint(other);
  ASSERT_TRUE(bool(checkpoint));
  EXPECT_NE(llvm::toString(restore(std::move(*checkpoint), model, state))
                .find("missing: line/w"),
            std::string::npos);
}

TEST(Progress, LinesAndHistory) {
  FitState state;
  state.epoch = 2;
  state.history = {{{"loss", 0.5}, {"seconds", 0.25}},
                   {{"loss", 0.00025}, {"val_loss", NAN}, {"seconds", 0.25}}};
  std::string text;
  llvm::raw_string_ostream os(text);
  Progress(os, false, 10).epoch(state, 100);
  EXPECT_EQ(
      text,
      "Epoch 2/10 - 250ms - 2ms/step - loss: 2.5000e-04 - val_loss: nan\n");
  EXPECT_EQ(historyJSON(state.history),
            "{\n  \"loss\": [\n    0.5,\n    0.00025\n  ],\n"
            "  \"seconds\": [\n    0.25,\n    0.25\n  ],\n"
            "  \"val_loss\": [\n    null,\n    null\n  ]\n}\n");
}

} // namespace
