//===- Target.h - what --target asks for ------------------------*- C++ -*-===//
#ifndef LAMINA_GPU_TARGET_H
#define LAMINA_GPU_TARGET_H

#include "llvm/Support/Error.h"
#include "llvm/Target/TargetMachine.h"
#include <memory>
#include <string>
#include <vector>

namespace lamina {

/// What the code of a model runs on.
struct CompileTarget {
  /// The architectures of GPUs to make kernels for, oldest first: "sm_80"; none
  /// for code that runs on the processor alone.
  std::vector<std::string> chips;
  /// Tensor cores may round float32 to multiply it.
  bool tf32 = false;

  bool isGpu() const { return !chips.empty(); }
  /// The number of the oldest architecture, 80; 0 without any.
  unsigned oldest() const;
};

/// `cpu`, `cuda` or `cuda:sm_80,sm_90`; `+tf32` behind the latter two allows
/// TF32.
llvm::Expected<CompileTarget> parseTarget(llvm::StringRef text);

/// LLVM's code generator for an architecture.
llvm::Expected<std::unique_ptr<llvm::TargetMachine>>
gpuTargetMachine(llvm::StringRef chip);

} // namespace lamina

#endif // LAMINA_GPU_TARGET_H
