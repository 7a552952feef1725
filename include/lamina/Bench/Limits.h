//===- Limits.h - what this machine can do at best --------------*- C++ -*-===//
#ifndef LAMINA_BENCH_LIMITS_H
#define LAMINA_BENCH_LIMITS_H

#include "lamina/Transforms/Machine.h"
#include "llvm/Support/Error.h"
#include <memory>

namespace lamina {

/// Small loops for one processor, compiled in process, that reach its limits.
class Limits {
public:
  static llvm::Expected<std::unique_ptr<Limits>> create(const Machine &machine);
  ~Limits();

  /// The best float32 rate of multiplications and additions in registers, in
  /// operations per second.
  double measureFlops();
  /// The best rate of reading, or of copying, `bytes` of memory again and
  /// again, in bytes per second.
  double measureBandwidth(size_t bytes);

private:
  struct State;
  explicit Limits(std::unique_ptr<State> state);
  std::unique_ptr<State> state;
};

} // namespace lamina

#endif // LAMINA_BENCH_LIMITS_H
