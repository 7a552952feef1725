//===- Trainee.h - what the training loop needs of a model ------*- C++ -*-===//
#ifndef LAMINA_TRAINING_TRAINEE_H
#define LAMINA_TRAINING_TRAINEE_H

#include "lamina/Training/Data.h"

namespace lamina {

/// What one batch gave: its mean loss, and what the metrics add up.
struct StepResult {
  double loss = 0;
  std::vector<NDArray> accumulators;
};

/// A model that is trained: its entry points, and the state they work on.
class Trainee {
public:
  virtual ~Trainee() = default;

  /// One update of `weights` and `optimizer`, in place. Loss and accumulators
  /// are those before it.
  virtual llvm::Expected<StepResult> trainStep(const Batch &batch,
                                               uint64_t seed) = 0;
  /// Loss and accumulators in inference mode.
  virtual llvm::Expected<StepResult> evaluate(const Batch &batch) = 0;
  /// The values of the metrics for totals of accumulators.
  virtual llvm::Expected<std::vector<double>>
  metrics(llvm::ArrayRef<NDArray> totals) = 0;
  virtual llvm::ArrayRef<std::string> metricNames() const = 0;
  /// The learning rate of the next step, where it is known.
  virtual std::optional<double> learningRate() { return std::nullopt; }

  /// Where steps are made elsewhere, on a device: brings `weights` and
  /// `optimizer` up to date.
  virtual llvm::Error fetchState() { return llvm::Error::success(); }
  /// Said by whoever changes them: the next step begins with what they are now.
  virtual void stateChanged() {}

  /// The weights after the last step: moving averages of them, where the
  /// optimizer keeps such (Keras's `use_ema`).
  NamedArrays finalWeights() const;

  /// After fetchState, before which they may be older.
  NamedArrays weights, optimizer;
};

} // namespace lamina

#endif // LAMINA_TRAINING_TRAINEE_H
