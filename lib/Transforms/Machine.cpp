//===- Machine.cpp - what the generated code runs on ----------------------===//
#include "lamina/Transforms/Machine.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/SubtargetFeature.h"
#include "llvm/TargetParser/Triple.h"
#include <mutex>

using namespace lamina;

// The first row is the fallback. Register tiles: the accumulators and one row
// of operands fit in the register file (32 x 64 bytes, 16 x 32 bytes, …).
// clang-format off
static constexpr GemmStrategy noCalls =
    {{4, 4, 0, 0}, 192, 2048, 256, 48, 32, 2048, 0, 0};
static constexpr Strategy strategies[] = {
    {"cpu-generic", 16, 4, 8, 4096, false, false, noCalls},
    // A panel is one line wide: rows far apart compete for the cache's lines.
    {"cpu-avx2", 32, 6, 16, 4096, true, false,
     {{8, 6, 0, 0}, 192, 2048, 256, 48, 1, 0, 32 << 10, 256}},
    {"cpu-avx512", 64, 6, 64, 4096, true, true,
     {{12, 12, 8, 6}, 192, 2048, 384, 48, 32, 2048, 0, 256}},
    // A tile is what a block of threads shares.
    {"gpu", 16, 16, 64, 2048, true, true, noCalls},
};
// clang-format on

const Strategy &lamina::strategyNamed(llvm::StringRef name) {
  for (const Strategy &strategy : strategies)
    if (name == strategy.name)
      return strategy;
  return strategies[0];
}

static llvm::Expected<const llvm::Target *>
findTarget(const llvm::Triple &triple) {
  static std::once_flag once;
  std::call_once(once, [] {
    llvm::InitializeNativeTarget();
    llvm::InitializeNativeTargetAsmPrinter();
    llvm::InitializeNativeTargetAsmParser(); // cpuid in lib/Runtime
  });
  std::string error;
  const llvm::Target *target =
      llvm::TargetRegistry::lookupTarget(triple, error);
  if (!target)
    return llvm::createStringError(error);
  return target;
}

/// The features of the machine we run on, as LLVM spells them, sorted so that
/// the same machine always gives the same text.
static std::string hostFeatures() {
  llvm::StringMap<bool> host = llvm::sys::getHostCPUFeatures();
  std::vector<std::string> names;
  for (const auto &feature : host)
    if (feature.second)
      names.push_back(("+" + feature.first()).str());
  llvm::sort(names);
  return llvm::join(names, ",");
}

static llvm::Error unknownProcessor(const llvm::MCSubtargetInfo &info,
                                    llvm::StringRef name) {
  llvm::SmallVector<std::pair<unsigned, llvm::StringRef>> close;
  for (const llvm::SubtargetSubTypeKV &entry :
       info.getAllProcessorDescriptions())
    close.push_back({name.edit_distance(entry.Key), entry.Key});
  llvm::sort(close); // by distance, then name
  std::string hint;
  for (const auto &[distance, key] : llvm::ArrayRef(close).take_front(3))
    hint += (hint.empty() ? "" : ", ") + key.str();
  return llvm::createStringError("unknown processor '" + name +
                                 "' for --mcpu; did you mean one of: native, " +
                                 hint + "?");
}

int lamina::levelOf(llvm::StringRef processor) {
  return llvm::StringSwitch<int>(processor)
      .Case("x86-64", 1)
      .Case("x86-64-v2", 2)
      .Case("x86-64-v3", 3)
      .Case("x86-64-v4", 4)
      .Default(0);
}

llvm::Expected<std::vector<std::string>>
lamina::processorsOf(llvm::StringRef mcpu) {
  if (!mcpu.contains(','))
    return std::vector<std::string>{mcpu.str()};
  if (!llvm::Triple(llvm::sys::getDefaultTargetTriple()).isX86_64())
    return llvm::createStringError(
        "--mcpu: lists of processors are for x86-64 only");
  std::vector<std::string> names;
  for (llvm::StringRef name : llvm::split(mcpu, ',')) {
    if (!levelOf(name))
      return llvm::createStringError(
          "--mcpu: '" + name +
          "' cannot be in a list; a list has some of x86-64, x86-64-v2, "
          "x86-64-v3, x86-64-v4");
    if (llvm::is_contained(names, name))
      return llvm::createStringError("--mcpu: '" + name +
                                     "' is in the list twice");
    names.push_back(name.str());
  }
  llvm::sort(names); // as their levels
  return names;
}

llvm::Expected<Machine> lamina::machineFor(llvm::StringRef mcpu) {
  Machine machine;
  machine.triple = llvm::sys::getDefaultTargetTriple();
  llvm::Triple triple(machine.triple);
  llvm::Expected<const llvm::Target *> target = findTarget(triple);
  if (!target)
    return target.takeError();

  // LLVM names some virtual CPUs wrongly, so native code is described by
  // features.
  if (mcpu.contains(','))
    return llvm::createStringError("--mcpu: '" + mcpu +
                                   "' is a list, from which only the code of "
                                   "lamina compile can choose; give one name");
  bool native = mcpu.empty() || mcpu == "native";
  std::unique_ptr<llvm::MCSubtargetInfo> generic(
      (*target)->createMCSubtargetInfo(triple, "", ""));
  if (!native && !generic->isCPUStringValid(mcpu))
    return unknownProcessor(*generic, mcpu);
  machine.cpu = native ? (triple.isX86() ? "x86-64" : "generic") : mcpu.str();
  machine.features = native ? hostFeatures() : "";

  std::unique_ptr<llvm::MCSubtargetInfo> info(
      (*target)->createMCSubtargetInfo(triple, machine.cpu, machine.features));
  auto has = [&](llvm::StringRef feature) {
    return triple.isX86() && info->checkFeatures(("+" + feature).str());
  };
  machine.hasHalfConversions = !triple.isX86() || has("f16c");
  bool avx512 =
      has("avx512f") && has("avx512vl") && has("avx512bw") && has("avx512dq");
  machine.strategy =
      &strategyNamed(avx512                      ? "cpu-avx512"
                     : has("avx2") && has("fma") ? "cpu-avx2"
                                                 : "cpu-generic");
  // Some tunings avoid the wide registers that the kernels are written for.
  if (avx512)
    machine.features +=
        machine.features.empty() ? "-prefer-256-bit" : ",-prefer-256-bit";
  return machine;
}
