//===- Progress.cpp - what training prints --------------------------------===//

#include "lamina/Training/Progress.h"
#include "llvm/Support/Format.h"
#include <cmath>

using namespace lamina;

/// As Keras prints numbers: small ones with an exponent.
static void print(llvm::raw_ostream &os, const Values &values) {
  for (const auto &[name, value] : values) {
    if (name == "seconds" || name == "learning_rate")
      continue;
    bool plain = std::fabs(value) > 1e-3 && std::fabs(value) < 1e7;
    os << " - " << name << ": "
       << llvm::format(plain || value == 0 ? "%.4f" : "%.4e", value);
  }
}

static void printTime(llvm::raw_ostream &os, double seconds) {
  if (seconds >= 9.95)
    os << llvm::format("%.0fs", seconds);
  else if (seconds >= 0.9995)
    os << llvm::format("%.1fs", seconds);
  else if (seconds >= 0.9995e-3)
    os << llvm::format("%.0fms", seconds * 1e3);
  else
    os << llvm::format("%.0fus", seconds * 1e6);
}

static void printTimes(llvm::raw_ostream &os, double seconds, int64_t steps) {
  printTime(os, seconds);
  os << " - ";
  printTime(os, seconds / std::max<int64_t>(steps, 1));
  os << "/step";
}

void Progress::clear() {
  if (shown)
    os << "\r\033[K";
  shown = false;
}

void Progress::batch(const FitState &state, int64_t batches,
                     llvm::function_ref<Values()> values) {
  if (!terminal)
    return;
  Clock::time_point now = Clock::now();
  if (now - start < std::chrono::seconds(1) ||
      (shown && now - drawn < std::chrono::milliseconds(100)))
    return;
  drawn = now;
  clear();
  constexpr int64_t width = 20;
  int64_t full = width * state.batch / batches;
  std::string bar;
  for (int64_t i = 0; i < width; ++i)
    bar += i < full ? "━" : "─";
  os << "Epoch " << state.epoch + 1 << "/" << epochs << " " << bar << " "
     << state.batch << "/" << batches << " - ";
  printTimes(os, state.seconds, state.batch);
  print(os, values());
  os.flush();
  shown = true;
}

void Progress::epoch(const FitState &state, int64_t batches) {
  clear();
  const Values &values = state.history.back();
  double seconds = 0;
  for (const auto &[name, value] : values)
    if (name == "seconds")
      seconds = value;
  os << "Epoch " << state.epoch << "/" << epochs << " - ";
  printTimes(os, seconds, batches);
  print(os, values);
  os << "\n";
  os.flush();
}
