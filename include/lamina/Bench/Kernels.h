//===- Kernels.h - what the kernels of an entry point take ------*- C++ -*-===//
#ifndef LAMINA_BENCH_KERNELS_H
#define LAMINA_BENCH_KERNELS_H

#include "lamina/Bench/Measure.h"
#include "lamina/Transforms/Profile.h"

namespace lamina {

/// One kernel, per call; seconds.
struct KernelTime {
  double seconds = 0, estimate = 0, flops = 0, bytes = 0;
};

/// Measures calls of instrumented code that adds to `table`. A kernel's time is
/// its median share of ticks; the shares are those of `whole` seconds, as the
/// kernels are the whole call.
llvm::Expected<std::vector<KernelTime>>
measureKernels(llvm::function_ref<int()> call,
               llvm::ArrayRef<KernelCounts> table, double whole,
               const Effort &effort);

} // namespace lamina

#endif // LAMINA_BENCH_KERNELS_H
