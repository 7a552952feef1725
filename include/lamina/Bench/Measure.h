//===- Measure.h - how long calls of compiled code take ---------*- C++ -*-===//
#ifndef LAMINA_BENCH_MEASURE_H
#define LAMINA_BENCH_MEASURE_H

#include "lamina/Check/GradientCheck.h"
#include "lamina/Target/CompiledModel.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringMap.h"
#include <optional>

namespace lamina {

/// Floats are positive and not close to zero, as square roots and logarithms
/// are common; integers are 0 or 1, which index almost everything.
void fillTypical(NDArray &array, CheckRandom &random);

/// A call of an entry point with arrays and scratch of its own, to be made
/// again and again: nothing but the call of the C function is left to do.
class PreparedCall {
public:
  /// Gives the elements of an argument.
  using Fill = llvm::function_ref<void(const TensorSignature &, NDArray &)>;

  /// Makes arrays for a call of `entry` with these unknown sizes. Weights and
  /// state have their initial values; every other argument is `fill`ed. The
  /// model must outlive the call.
  static llvm::Expected<std::unique_ptr<PreparedCall>>
  create(CompiledModel &model, const EntryPoint &entry,
         const llvm::StringMap<int64_t> &sizes, Fill fill);

  /// 0, or the code of what is wrong.
  int operator()() const { return function(words.data()); }

private:
  PreparedCall() = default;
  int (*function)(const uint64_t *) = nullptr;
  std::vector<uint64_t> words;
  std::vector<std::vector<char>> memory;
  std::vector<const void *> weights, optimizer, gradients;

  /// Memory that begins a cache line.
  char *allocate(size_t bytes);
  char *copy(const NDArray &array);
};

/// What samples of a call's time say, in seconds.
struct Latency {
  double min = 0, median = 0, p99 = 0;
  int64_t samples = 0, calls = 0; // so many calls a sample
};

/// How long to measure: so many samples, or as many as fit into `seconds`.
struct Effort {
  std::optional<int64_t> samples;
  double seconds = 0.5;
};

/// Calls until caches are warm, then takes samples. A sample of a short call is
/// the mean of some, so that reading the clock does not count. Stops at the
/// first call that does not return 0.
llvm::Expected<Latency> measure(llvm::function_ref<int()> call,
                                const Effort &effort);

} // namespace lamina

#endif // LAMINA_BENCH_MEASURE_H
