//===- Kernels.cpp - what the kernels of an entry point take --------------===//
#include "lamina/Bench/Kernels.h"
#include "llvm/ADT/STLExtras.h"

using namespace lamina;

llvm::Expected<std::vector<KernelTime>>
lamina::measureKernels(llvm::function_ref<int()> call,
                       llvm::ArrayRef<KernelCounts> table, double whole,
                       const Effort &effort) {
  // Interrupts hit one kernel or another: sums would show where they did.
  constexpr size_t most = 10000;
  std::vector<std::vector<int64_t>> ticks(table.size());
  std::vector<KernelCounts> before(table.size());
  auto measured = measure(
      [&] {
        before.assign(table.begin(), table.end());
        int code = call();
        for (auto [old, now, samples] : llvm::zip_equal(before, table, ticks))
          if (samples.size() < most)
            samples.push_back(now.ticks - old.ticks);
        return code;
      },
      effort);
  if (!measured)
    return measured.takeError();

  std::vector<KernelTime> kernels;
  double sum = 0;
  for (auto [old, now, samples] : llvm::zip_equal(before, table, ticks)) {
    auto middle = samples.begin() + samples.size() / 2;
    std::nth_element(samples.begin(), middle, samples.end());
    sum += double(*middle);
    kernels.push_back({double(*middle),
                       double(now.estimate - old.estimate) * secondsPerEstimate,
                       double(now.flops - old.flops),
                       double(now.bytes - old.bytes)});
  }
  for (KernelTime &kernel : kernels)
    kernel.seconds *= sum > 0 ? whole / sum : 0;
  return kernels;
}
