//===- TrainingStepsTest.cpp - twenty steps equal Keras's
//------------------===//
//
// The programs and recorded numbers of Inputs/training/models (see
// test/reference/training.py), in the interpreter without rounding.
//
//===----------------------------------------------------------------------===//

#include "RecordedCases.h"
#include "Trainer.h"

using namespace lamina;

namespace {

struct Recording {
  std::vector<NDArray> weights, after;
  std::vector<std::vector<NDArray>> inputs, targets; // of every batch
  NDArray loss;
  std::map<std::string, NDArray> values; // of evaluate
};

std::string textOf(const std::string &name) {
  auto buffer = llvm::MemoryBuffer::getFile(
      LAMINA_SOURCE_DIR "/test/Unit/Inputs/training/models/" + name);
  EXPECT_TRUE(bool(buffer)) << name;
  return buffer ? (*buffer)->getBuffer().str() : "";
}

Recording read(const std::string &name) {
  Recording result;
  std::string text = textOf(name + ".txt");
  llvm::SmallVector<llvm::StringRef> lines;
  llvm::StringRef(text).split(lines, '\n');
  auto batched = [](std::vector<std::vector<NDArray>> &batches,
                    llvm::StringRef line) {
    auto [number, array] = line.split(' ');
    size_t batch = std::stoul(number.str());
    batches.resize(std::max(batches.size(), batch + 1));
    batches[batch].push_back(parseArray(array));
  };
  for (llvm::StringRef line : lines) {
    if (line.consume_front("weight "))
      result.weights.push_back(parseArray(line));
    else if (line.consume_front("after "))
      result.after.push_back(parseArray(line));
    else if (line.consume_front("input "))
      batched(result.inputs, line);
    else if (line.consume_front("target "))
      batched(result.targets, line);
    else if (line.consume_front("loss "))
      result.loss = parseArray(line);
    else if (line.consume_front("value "))
      result.values[line.split(' ').first.str()] =
          parseArray(line.split(' ').second);
  }
  return result;
}

/// The largest difference, relative to the largest element. Values are float64
/// on both sides, but constants such as 0.999 in Keras only.
double difference(const NDArray &found, const NDArray &expected,
                  double scale = 0.1) {
  EXPECT_EQ(found.shape(), expected.shape());
  double worst = 0;
  for (int64_t i = 0; i < expected.size() && i < found.size(); ++i) {
    worst =
        std::max(worst, std::fabs(found.getDouble(i) - expected.getDouble(i)));
    scale = std::max(scale, std::fabs(expected.getDouble(i)));
  }
  return worst / scale;
}

class TrainingSteps : public testing::TestWithParam<const char *> {};

TEST_P(TrainingSteps, EqualKeras) {
  Recording recorded = read(GetParam());
  Trainer trainer(textOf(GetParam() + std::string(".lam")));
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
