//===- CompiledTrainingTest.cpp - compiled steps equal Keras's
//-------------===//
//
// The programs and numbers of TrainingStepsTest, in float32 and compiled.
//
//===----------------------------------------------------------------------===//

#include "CompileHelpers.h"
#include "ModelProgram.h"
#include "RecordedTraining.h"
#include "lamina/Training/ModelTrainee.h"

using namespace lamina;

namespace {

NDArray converted(const NDArray &from, DType dtype) {
  NDArray result(dtype, from.shape());
  for (int64_t i = 0; i < from.size(); ++i)
    if (isFloat(dtype))
      result.setDouble(i, from.getDouble(i));
    else
      result.setInt(i, from.getInt(i));
  return result;
}

class CompiledTraining : public CompileTest,
                         public testing::WithParamInterface<const char *> {};

TEST_P(CompiledTraining, EqualsKeras) {
  std::string name = GetParam();
  Recording recorded = readTraining(name);
  ModelProgram program(trainingText(name + ".lam"), "", 0, {/*entries=*/true});
  ASSERT_TRUE(program.ok()) << program.messages();
  options.entries = {"all"};
  options.optLevel = 1;
  auto module = lower(program.modelText(), "grad");
  ASSERT_TRUE(bool(module)) << errors;
  auto created = ModelTrainee::create(*module);
  ASSERT_TRUE(bool(created)) << llvm::toString(created.takeError());
  ModelTrainee &model = **created;
  ASSERT_TRUE(mlir::succeeded(
      runStages(*module, *findStage("grad"), *findStage("llvm-mlir"), options)))
      << errors;
  auto compiled = CompiledModel::create(*module, options);
  ASSERT_TRUE(bool(compiled)) << llvm::toString(compiled.takeError());
  llvm::cantFail(model.useCompiled(std::move(*compiled)));

  ASSERT_EQ(model.weights.size(), recorded.weights.size());
  for (auto [weight, value] : llvm::zip(model.weights, recorded.weights))
    weight.second = converted(value, weight.second.dtype());
  auto take = [](std::vector<NDArray> &to, const std::vector<NDArray> &from) {
    for (const NDArray &array : from)
      to.push_back(converted(array, isFloat(array.dtype()) ? DType::Float32
                                                           : array.dtype()));
  };
  for (int64_t i = 0; i < recorded.loss.size(); ++i) {
    size_t number = i % recorded.inputs.size();
    Batch batch;
    take(batch.inputs, recorded.inputs[number]);
    take(batch.targets, recorded.targets[number]);
    batch.rows = batch.inputs.front().shape()[0];
    auto step = model.trainStep(batch, i);
    ASSERT_TRUE(bool(step)) << llvm::toString(step.takeError());
    double expected = recorded.loss.getDouble(i);
    ASSERT_NEAR(step->loss, expected, 1e-5 * std::max(1.0, std::fabs(expected)))
        << "step " << i;
  }
  llvm::cantFail(model.fetchState());
  for (auto [weight, before, after] :
       llvm::zip(model.weights, recorded.weights, recorded.after)) {
    double scale = 0.1; // of what the weight was
    for (int64_t i = 0; i < before.size(); ++i)
      scale = std::max(scale, std::fabs(before.getDouble(i)));
    EXPECT_LT(difference(weight.second, after, scale), 1e-5) << weight.first;
  }
}

INSTANTIATE_TEST_SUITE_P(Models, CompiledTraining,
                         testing::Values("antirectifier", "batchnorm", "masked",
                                         "outputs", "root_dense", "scale",
                                         "weighted"),
                         [](const auto &info) {
                           return std::string(info.param);
                         });

} // namespace
