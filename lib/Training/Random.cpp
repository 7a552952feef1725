//===- Random.cpp - random numbers that stay the same ---------------------===//

#include "lamina/Training/Random.h"
#include <utility>

using namespace lamina;

uint64_t SplitMix64::next() {
  uint64_t z = state += 0x9e3779b97f4a7c15;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

uint64_t SplitMix64::below(uint64_t limit) {
  // The numbers below 2^64 mod limit would make some results likelier.
  uint64_t first = (0 - limit) % limit;
  uint64_t number;
  do
    number = next();
  while (number < first);
  return number % limit;
}

uint64_t lamina::mix(uint64_t seed, uint64_t index) {
  return SplitMix64(SplitMix64(seed).next() ^ index).next();
}

std::vector<int64_t> lamina::shuffledRows(uint64_t seed, uint64_t epoch,
                                          int64_t rows) {
  std::vector<int64_t> order(rows);
  for (int64_t i = 0; i < rows; ++i)
    order[i] = i;
  SplitMix64 random(mix(seed, 2 * epoch)); // the steps have the odd numbers
  for (int64_t i = rows - 1; i > 0; --i)
    std::swap(order[i], order[random.below(i + 1)]);
  return order;
}
