//===- TrainingStepsTest.cpp - twenty steps equal Keras's
//------------------===//
//
// The programs and recorded numbers of Inputs/training/models (see
// test/reference/training.py), in the interpreter without rounding.
//
//===----------------------------------------------------------------------===//

#include "RecordedTraining.h"
#include "Trainer.h"

using namespace lamina;

namespace {

class TrainingSteps : public testing::TestWithParam<const char *> {};

TEST_P(TrainingSteps, EqualKeras) {
  Recording recorded = readTraining(GetParam());
  Trainer trainer(trainingText(GetParam() + std::string(".lam")));
  ASSERT_TRUE(trainer.program.ok()) << trainer.program.messages();
  // Arguments by role, in order.
  std::vector<std::string> inputs, targets, weights;
  mlir::func::FuncOp step = trainer.program.function("train_step");
  ASSERT_TRUE(bool(step)) << trainer.program.messages()
                          << trainer.program.modelText();
  for (unsigned i = 0; i < step.getNumArguments(); ++i) {
    std::string role = Trainer::textOf(step.getArgAttrDict(i), "role");
    std::string name = Trainer::textOf(step.getArgAttrDict(i), "name");
    if (role == "input")
      inputs.push_back(name);
    else if (role == "target")
      targets.push_back(name);
    else if (role == "weight")
      weights.push_back(name);
  }
  ASSERT_EQ(weights.size(), recorded.weights.size());
  for (auto [name, value] : llvm::zip(weights, recorded.weights))
    trainer.state[name] = value;
  auto batch = [&](size_t i) {
    std::map<std::string, NDArray> arguments;
    for (auto [name, value] : llvm::zip_equal(inputs, recorded.inputs[i]))
      arguments[name] = value;
    for (auto [name, value] : llvm::zip_equal(targets, recorded.targets[i]))
      arguments[name] = value;
    return arguments;
  };
  for (int64_t i = 0; i < recorded.loss.size(); ++i) {
    auto results = trainer.run("train_step", batch(i % recorded.inputs.size()));
    double expected = recorded.loss.getDouble(i);
    ASSERT_NEAR(results["loss"].getDouble(0), expected,
                1e-5 * std::max(1.0, std::fabs(expected)))
        << "step " << i;
  }
  for (auto [name, before, after] :
       llvm::zip(weights, recorded.weights, recorded.after)) {
    double scale = 0.1; // of what the weight was
    for (int64_t i = 0; i < before.size(); ++i)
      scale = std::max(scale, std::fabs(before.getDouble(i)));
    EXPECT_LT(difference(trainer.state[name], after, scale), 1e-5) << name;
  }

  // Metrics of one batch.
  auto results = trainer.run("evaluate", batch(0));
  EXPECT_LT(difference(results["loss"], recorded.values["loss"]), 1e-5);
  recorded.values.erase("loss");
  if (recorded.values.empty()) {
    EXPECT_FALSE(bool(trainer.program.function("metrics")));
    return;
  }
  auto values = trainer.run("metrics", results);
  for (auto &[name, value] : recorded.values) {
    ASSERT_TRUE(values.count(name)) << name;
    EXPECT_LT(difference(values[name], value), 1e-5) << name;
  }
  EXPECT_EQ(values.size(), recorded.values.size());
}

INSTANTIATE_TEST_SUITE_P(Models, TrainingSteps,
                         testing::Values("antirectifier", "batchnorm", "frozen",
                                         "masked", "outputs", "regularized",
                                         "root_dense", "scale", "subclass",
                                         "weighted"),
                         [](const auto &info) {
                           return std::string(info.param);
                         });

} // namespace
