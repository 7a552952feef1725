//===- Fit.h - the training loop --------------------------------*- C++ -*-===//
#ifndef LAMINA_TRAINING_FIT_H
#define LAMINA_TRAINING_FIT_H

#include "lamina/Training/Trainee.h"
#include "llvm/ADT/STLFunctionalExtras.h"

namespace lamina {

struct FitOptions {
  int64_t epochs = 1, batchSize = 32;
  uint64_t seed = 0;
  bool shuffle = true;
  /// What early stopping and the best weights go by; "" for val_loss, or loss
  /// without validation.
  std::string monitor;
  std::optional<int64_t> patience; // early stopping
  bool restoreBest = false;
};

/// Names and values in the order in which they are shown.
using Values = std::vector<std::pair<std::string, double>>;

/// Where training is, apart from the weights and the optimizer's state:
/// together they determine everything that follows.
struct FitState {
  int64_t epoch = 0; // finished epochs
  int64_t batch = 0; // finished batches of the epoch after them
  int64_t step = 0;  // updates since the beginning
  /// Of the batches of the unfinished epoch.
  double lossSum = 0, seconds = 0;
  int64_t rows = 0;
  std::vector<NDArray> totals; // float64
  /// The best value of what is monitored, and the epochs since.
  std::optional<double> best;
  int64_t bestEpoch = 0, wait = 0;
  NamedArrays bestWeights;
  /// Per finished epoch: loss, metrics, val_*, learning_rate, seconds.
  std::vector<Values> history;
};

/// Is told how it goes on.
class FitObserver {
public:
  virtual ~FitObserver() = default;
  /// After a batch; `values` computes loss and metrics of the epoch so far.
  virtual void onBatch(const FitState &state, int64_t batches,
                       llvm::function_ref<Values()> values) {}
  /// After an epoch; the last of state.history is this epoch's.
  virtual llvm::Error onEpoch(const FitState &state) {
    return llvm::Error::success();
  }
  /// Asked after every batch: shall training end here?
  virtual bool stopRequested() { return false; }
};

enum class FitEnd { Finished, StoppedEarly, Interrupted, NonFinite };

/// The loop over epochs and batches, as Keras's `fit`.
class Fit {
public:
  Fit(Trainee &model, DataView train, std::optional<DataView> validation,
      const FitOptions &options, FitObserver &observer);

  /// Checks what can be wrong before anything is computed.
  llvm::Error check();
  /// Goes on from `state`. After FitEnd::NonFinite, `state` is behind the batch
  /// whose loss is not finite, or at the end of an epoch with such a weight.
  llvm::Expected<FitEnd> run(FitState &state);

  int64_t batches() const;
  /// The name of what is monitored.
  std::string monitor() const;

  /// After FitEnd::NonFinite: goes back to the beginning of the epoch, and on
  /// to the batch that was the first to be wrong.
  struct Cause {
    int64_t epoch = 0, batch = 0;
    std::vector<int64_t> rows; // of the batch, in the training data
    /// The weight that its update made non-finite; empty if the loss itself
    /// became so. The model's weights are those before the batch.
    std::string weight;
  };
  llvm::Expected<Cause> findCause(FitState &state);
  /// Goes back to the beginning of the epoch.
  void rollBack(FitState &state);

private:
  llvm::Expected<FitEnd> runEpoch(FitState &state);
  llvm::Expected<StepResult> step(FitState &state);
  llvm::Expected<std::optional<Values>> validate();
  llvm::Expected<Values> valuesOf(llvm::StringRef prefix, double lossSum,
                                  int64_t rows, llvm::ArrayRef<NDArray> totals);
  /// The first weight that was finite at the beginning of the epoch and is not
  /// any more; "" if there is none.
  std::string brokenWeight() const;
  llvm::Error updateBest(FitState &state, const Values &values);
  llvm::ArrayRef<int64_t> rowsOf(int64_t epoch, int64_t batch);

  Trainee &model;
  DataView train;
  std::optional<DataView> validation;
  FitOptions options;
  FitObserver &observer;
  std::vector<int64_t> order; // of the rows in `orderEpoch`
  int64_t orderEpoch = -1;
  Batch buffer;
  /// The beginning of the epoch, to find the cause of a loss that is not
  /// finite.
  struct Snapshot {
    FitState state;
    NamedArrays weights, optimizer;
  } snapshot;
};

/// Whether a larger value of the metric is a better one (accuracy and its
/// like).
bool largerIsBetter(llvm::StringRef metric);

/// Adds arrays element by element in float64.
void addTo(std::vector<NDArray> &totals, llvm::ArrayRef<NDArray> added);

} // namespace lamina

#endif // LAMINA_TRAINING_FIT_H
