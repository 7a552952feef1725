//===- ModelTrainee.h - a model's entry points, to be trained ---*- C++ -*-===//
#ifndef LAMINA_TRAINING_MODELTRAINEE_H
#define LAMINA_TRAINING_MODELTRAINEE_H

#include "lamina/Training/Trainee.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace lamina {

class CompiledModel;
class ResidentState;
struct TrainingState;

/// One argument or result of an entry point.
struct EntryTensor {
  ArraySpec spec;
  std::string role, of;
  std::optional<int64_t> ignored; // a target's label that is no class
};

/// A function of a module of stage `lam`.
struct TrainingEntry {
  std::vector<EntryTensor> arguments, results;
  std::vector<ArraySpec> argumentsOf(llvm::StringRef role) const;
};

/// The entry points `train_step`, `evaluate` and `metrics` of a model, run by
/// compiled code or by the interpreter.
class ModelTrainee : public Trainee {
public:
  /// From a module of stage `lam`. Weights and optimizer's state have their
  /// initial values. Fails if the module has no `train_step`.
  static llvm::Expected<std::unique_ptr<ModelTrainee>>
  create(mlir::ModuleOp module);
  ~ModelTrainee() override;

  /// Before the first step: how the functions are called. Without a compiled
  /// model, the interpreter runs a copy of the module. A model for a GPU keeps
  /// its state in the memory of the device, which must be there.
  llvm::Error useCompiled(std::unique_ptr<CompiledModel> compiled);

  const TrainingEntry &trainEntry() const { return train; }
  bool takesSampleWeight() const;

  llvm::Expected<StepResult> trainStep(const Batch &batch,
                                       uint64_t seed) override;
  llvm::Expected<StepResult> evaluate(const Batch &batch) override;
  llvm::Expected<std::vector<double>>
  metrics(llvm::ArrayRef<NDArray> totals) override;
  llvm::ArrayRef<std::string> metricNames() const override { return names; }
  std::optional<double> learningRate() override;
  llvm::Error fetchState() override;
  void stateChanged() override { isStored = false; }
  /// Why steps on a GPU are not replayed as one CUDA graph; empty if they are.
  std::string captureProblem() const;

private:
  ModelTrainee();
  llvm::Expected<std::vector<NDArray>> call(llvm::StringRef name,
                                            const TrainingEntry &entry,
                                            const Batch &batch, uint64_t seed);
  /// Calls a function with its arguments but weights and optimizer's state;
  /// these are changed, the other results returned.
  llvm::Expected<std::vector<NDArray>> run(llvm::StringRef name,
                                           const TrainingEntry &entry,
                                           std::vector<NDArray> inputs);
  llvm::Expected<std::vector<NDArray>> runCompiled(llvm::StringRef name,
                                                   std::vector<NDArray> inputs);
  llvm::Expected<std::vector<NDArray>>
  runInterpreted(llvm::StringRef name, const TrainingEntry &entry,
                 std::vector<NDArray> inputs);

  TrainingEntry train, evaluation, metric, rate;
  std::vector<std::string> names;
  TrainingState takeState();
  void giveBack(TrainingState state);

  std::unique_ptr<CompiledModel> compiled;
  std::unique_ptr<ResidentState> resident;
  bool isStored = false; // what the device has is what the arrays had
  bool isAhead = false;  // the device has made steps since
  mlir::OwningOpRef<mlir::ModuleOp> module; // what the interpreter runs
};

} // namespace lamina

#endif // LAMINA_TRAINING_MODELTRAINEE_H
