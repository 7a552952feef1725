//===- ResidentState.h - a model's state on the CUDA device -----*- C++ -*-===//
#ifndef LAMINA_TARGET_RESIDENTSTATE_H
#define LAMINA_TARGET_RESIDENTSTATE_H

#include "lamina/Target/CompiledModel.h"

namespace lamina {

/// Weights and optimizer's state of a model that was compiled for CUDA, in the
/// device's memory, and calls of entry points that work on them there. A call
/// copies its inputs to the device and its results back, nothing else. A call
/// with sizes that it had before is captured as a CUDA graph and replayed.
class ResidentState {
public:
  /// An error if there is no driver, no device or too little memory.
  static llvm::Expected<std::unique_ptr<ResidentState>>
  create(CompiledModel &model);
  ~ResidentState();

  /// Copies the state to the device, and back.
  llvm::Error store(const TrainingState &state);
  llvm::Error fetch(TrainingState &state);

  /// Calls `name` with its inputs in order, on the state that is there.
  llvm::Expected<std::vector<NDArray>> run(llvm::StringRef name,
                                           llvm::ArrayRef<NDArray> inputs);

  /// Why calls are not replayed as graphs; empty where nothing speaks against
  /// it.
  const std::string &captureProblem() const;

private:
  struct State;
  explicit ResidentState(std::unique_ptr<State> state);
  std::unique_ptr<State> state;
};

} // namespace lamina

#endif // LAMINA_TARGET_RESIDENTSTATE_H
