//===- Machine.h - what the generated code runs on --------------*- C++ -*-===//
#ifndef LAMINA_TRANSFORMS_MACHINE_H
#define LAMINA_TRANSFORMS_MACHINE_H

#include "llvm/Support/Error.h"
#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace lamina {

/// How large matrix products are cut.
struct GemmStrategy {
  /// Rows of the register tile that is one, two, … vectors wide; 0 where the
  /// accumulators and a row of operands would not fit in the registers.
  std::array<int64_t, 4> rows;
  /// A block of the left operand (rows x depth) and a packed block of the right
  /// one (depth x bytes of columns) share the second-level cache.
  int64_t rowBlock, columnBytes, depthBlock;
  /// Rows of a block that an epilogue reads while it is in that cache.
  int64_t epilogueRows;
  /// The right operand is read where it is, and not packed, by so many rows of
  /// the left one at most, or if its own rows are so many bytes apart at most,
  /// or if it is so many bytes at most.
  int64_t fewRows, nearBytes, smallBytes;
  /// Bytes of a row of the right operand that are read at once where that is
  /// more than a panel: far fewer, and every row costs a fetch of its own.
  int64_t wideBytes;
};

/// How kernels are shaped for a family of machines: one row per family.
struct Strategy {
  const char *name;     // "cpu-avx512"
  unsigned vectorBytes; // of one register
  /// The register tile of a matrix product: rows, and columns in f32 lanes.
  int64_t matmulRows, matmulColumns;
  /// Elements that the temporaries of one tile of a row loop should have.
  int64_t tileElements;
  bool fusedMultiplyAdd; // in hardware
  bool maskRegisters;    // a masked store takes as long as a plain one
  GemmStrategy gemm;
};

/// Caches and memory as estimates of time see them, for one busy core.
struct MemoryModel {
  int64_t ownBytes, sharedBytes; // of the second level, of the last one
  int64_t sharedGigabytesPerSecond, gigabytesPerSecond;
};
inline constexpr MemoryModel typicalMemory = {2 << 20, 32 << 20, 25, 14};

/// The row called `name`; the generic one if there is none.
const Strategy &strategyNamed(llvm::StringRef name);

/// A processor as LLVM wants it described, and the strategy that suits it.
struct Machine {
  std::string triple, cpu, features;
  const Strategy *strategy = nullptr;
  bool hasHalfConversions = false; // float16 <-> float32 in hardware
};

/// The names that `--mcpu` lists for code with a variant for each, lowest level
/// first, or the one that it has. Only levels that a program can ask the
/// processor for may be listed.
llvm::Expected<std::vector<std::string>> processorsOf(llvm::StringRef mcpu);

/// The level of x86-64 that a processor's name stands for, or 0.
int levelOf(llvm::StringRef processor);

/// `native` (the host's features), or a name LLVM knows (`x86-64-v3`). The
/// error for an unknown name suggests the closest ones.
llvm::Expected<Machine> machineFor(llvm::StringRef mcpu);

} // namespace lamina

#endif // LAMINA_TRANSFORMS_MACHINE_H
