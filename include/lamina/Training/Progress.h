//===- Progress.h - what training prints ------------------------*- C++ -*-===//
#ifndef LAMINA_TRAINING_PROGRESS_H
#define LAMINA_TRAINING_PROGRESS_H

#include "lamina/Training/Fit.h"
#include "llvm/Support/raw_ostream.h"
#include <chrono>

namespace lamina {

/// A line for each epoch; before it, on a terminal and once the work lasts over
/// a second, a bar for its batches.
class Progress {
public:
  Progress(llvm::raw_ostream &os, bool terminal, int64_t epochs)
      : os(os), terminal(terminal), epochs(epochs) {}

  void batch(const FitState &state, int64_t batches,
             llvm::function_ref<Values()> values);
  void epoch(const FitState &state, int64_t batches);
  /// Removes the bar, so that something else can be printed.
  void clear();

private:
  using Clock = std::chrono::steady_clock;
  llvm::raw_ostream &os;
  bool terminal, shown = false;
  int64_t epochs;
  Clock::time_point start = Clock::now(), drawn = start;
};

} // namespace lamina

#endif // LAMINA_TRAINING_PROGRESS_H
