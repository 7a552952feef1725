//===- Checkpoint.h - training that can be resumed --------------*- C++ -*-===//
//
// A checkpoint is a file of arrays: the weights and the optimizer's state under
// their names, so that it is a file of weights, too, and all that the training
// loop knows under `lamina.checkpoint/`.
//
//===----------------------------------------------------------------------===//
#ifndef LAMINA_TRAINING_CHECKPOINT_H
#define LAMINA_TRAINING_CHECKPOINT_H

#include "lamina/Training/Fit.h"

namespace lamina {

/// What must be the same for a resumed run to give the same results.
struct FitSetting {
  uint64_t seed = 0;
  int64_t batchSize = 0, rows = 0;
  bool shuffle = true;
  uint64_t data = 0; // fingerprint
};

struct Checkpoint {
  NamedArrays arrays; // weights and optimizer's state
  FitState state;
  FitSetting setting;
};

/// Whether the array of this name belongs to the training loop.
bool isLoopState(llvm::StringRef name);

NamedArrays packCheckpoint(const Trainee &model, const FitState &state,
                           const FitSetting &setting);
/// The error is about the file as a whole: it is no checkpoint, or one of
/// another version, or something is missing in it.
llvm::Expected<Checkpoint> unpackCheckpoint(NamedArrays arrays);

/// Takes the state from a checkpoint. The error says what does not fit.
llvm::Error restore(Checkpoint checkpoint, Trainee &model, FitState &state);

/// The history as Keras's `History.history`: a list for each name.
std::string historyJSON(llvm::ArrayRef<Values> history);

} // namespace lamina

#endif // LAMINA_TRAINING_CHECKPOINT_H
