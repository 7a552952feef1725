//===- Runtime.h - functions that compiled models contain -------*- C++ -*-===//
#ifndef LAMINA_RUNTIME_RUNTIME_H
#define LAMINA_RUNTIME_RUNTIME_H

#include "llvm/IR/Module.h"
#include "llvm/Support/Error.h"

namespace lamina {

/// The functions of lib/Runtime, as generated code declares them.
inline constexpr const char *parallelRun = "lamina_parallel_run",
                            *parallelCount = "lamina_parallel_count",
                            *parallelStop = "lamina_parallel_stop",
                            *cudaBegin = "lamina_cuda_begin",
                            *cudaMultiply = "lamina_cuda_multiply",
                            *allocateScratch = "lamina_allocate",
                            *chooseVariant = "lamina_choose_variant";
inline constexpr int64_t maxThreads = 256;

/// Defines what `module` declares of them, on the threads of OpenMP or on a
/// pool of its own. Everything stays inside of the module. Gives whether it
/// shares work among threads.
llvm::Expected<bool> linkRuntime(llvm::Module &module, bool openMP);

} // namespace lamina

#endif // LAMINA_RUNTIME_RUNTIME_H
