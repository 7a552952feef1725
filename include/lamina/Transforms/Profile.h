//===- Profile.h - where instrumented code leaves its counts ----*- C++ -*-===//
#ifndef LAMINA_TRANSFORMS_PROFILE_H
#define LAMINA_TRANSFORMS_PROFILE_H

#include "llvm/ADT/StringRef.h"
#include <cstdint>
#include <string>

namespace lamina {

/// A module attribute: the names of every entry point's kernels, in order.
inline constexpr const char *kernelsAttribute = "lamina.kernels";

/// One row of an entry point's table, summed over all calls.
struct KernelCounts {
  int64_t ticks;    // of the processor's clock
  int64_t estimate; // in units of time of the cost model
  int64_t flops, bytes;
};

inline constexpr double secondsPerEstimate = 0.25e-9;

/// The symbol of the table of an entry point's kernels.
inline std::string profileTable(llvm::StringRef entry) {
  return ("lamina_kernels_" + entry).str();
}

} // namespace lamina

#endif // LAMINA_TRANSFORMS_PROFILE_H
