//===- Options.h - what a compilation can be asked for ----------*- C++ -*-===//
#ifndef LAMINA_PIPELINES_OPTIONS_H
#define LAMINA_PIPELINES_OPTIONS_H

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace lamina {

/// The options of a compilation; the driver binds its command line to them.
struct Options {
  std::string target = "cpu";
  /// Who computes large matrix products on a GPU: "generated" kernels,
  /// "cublaslt" (NVIDIA's library, opened at run time), "auto" for the faster.
  std::string gpuMatmul = "auto";
  std::string mcpu = "native"; // or a name LLVM knows
  unsigned optLevel = 3;       // of LLVM, 0 to 3
  uint64_t seed = 0;           // of the initial weights
  /// Who shares the work of large loops: empty for nobody, "openmp", "auto" for
  /// as many threads as there are processors, or their number.
  std::string threads;
  std::optional<int64_t> batch;
  /// The entry points to make, see lam-select-entries; empty for the usual ones.
  std::vector<std::string> entries;
  /// Print what the backward function keeps and what it computes again.
  bool explainResiduals = false;
  /// The directory for one file per stage and per pass that changed something;
  /// empty for none.
  std::string dumpDir;
  /// How many of these files there are: their numbers go on where several runs
  /// of stages make one compilation.
  std::shared_ptr<unsigned> dumped = std::make_shared<unsigned>(0);
  /// Code that adds up the time of each of its kernels, see
  /// lamina-profile-kernels.
  bool profile = false;
  bool timePasses = false; // a report on standard error
};

} // namespace lamina

#endif // LAMINA_PIPELINES_OPTIONS_H
