//===- Random.h - random numbers that stay the same -------------*- C++ -*-===//
//
// The order of the rows and the seeds of the steps depend on these functions
// alone, not on a library's version: SplitMix64 (Steele, Lea, Flood 2014) and
// the shuffle of Fisher and Yates, from the last row to the first.
//
//===----------------------------------------------------------------------===//
#ifndef LAMINA_TRAINING_RANDOM_H
#define LAMINA_TRAINING_RANDOM_H

#include <cstdint>
#include <vector>

namespace lamina {

class SplitMix64 {
public:
  explicit SplitMix64(uint64_t state) : state(state) {}
  uint64_t next();
  /// A number below `limit`, each with the same probability.
  uint64_t below(uint64_t limit);

private:
  uint64_t state;
};

/// One number of two, without an order in either.
uint64_t mix(uint64_t seed, uint64_t index);

/// The order of `rows` rows in epoch `epoch`, the first being 0.
std::vector<int64_t> shuffledRows(uint64_t seed, uint64_t epoch, int64_t rows);

/// What `train_step` is given as its seed in step `step` since the beginning.
/// The upper word is the number of the batch's first row: 0.
inline uint64_t stepSeed(uint64_t seed, uint64_t step) {
  return static_cast<uint32_t>(mix(seed, 2 * step + 1));
}

} // namespace lamina

#endif // LAMINA_TRAINING_RANDOM_H
