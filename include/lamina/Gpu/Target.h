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

  bool isGpu() const { return !chips.empty(); }
};

/// `cpu`, `cuda` or `cuda:sm_80,sm_90`.
llvm::Expected<CompileTarget> parseTarget(llvm::StringRef text);

/// LLVM's code generator for an architecture.
llvm::Expected<std::unique_ptr<llvm::TargetMachine>>
gpuTargetMachine(llvm::StringRef chip);

} // namespace lamina

#endif // LAMINA_GPU_TARGET_H
