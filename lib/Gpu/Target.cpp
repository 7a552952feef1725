//===- Target.cpp - what --target asks for --------------------------------===//
#include "lamina/Gpu/Target.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"
#include <mutex>

using namespace lamina;

static constexpr const char *tripleName = "nvptx64-nvidia-cuda";
/// The oldest architecture there is code for, and the usual one.
static constexpr unsigned oldestKnown = 70;
static constexpr const char *usual = "sm_80";

static const llvm::Target *backend() {
  static std::once_flag once;
  std::call_once(once, [] {
    LLVMInitializeNVPTXTargetInfo();
    LLVMInitializeNVPTXTarget();
    LLVMInitializeNVPTXTargetMC();
    LLVMInitializeNVPTXAsmPrinter();
  });
  std::string error;
  return llvm::TargetRegistry::lookupTarget(llvm::Triple(tripleName), error);
}

static bool isKnown(llvm::StringRef chip) {
  unsigned number;
  llvm::StringRef digits = chip;
  if (!digits.consume_front("sm_") ||
      digits.rtrim("af").getAsInteger(10, number) || number < oldestKnown)
    return false;
  llvm::Triple triple(tripleName);
  std::unique_ptr<llvm::MCSubtargetInfo> info(
      backend()->createMCSubtargetInfo(triple, "", ""));
  return info->isCPUStringValid(chip);
}

/// 90 of "sm_90a".
static unsigned numberOf(llvm::StringRef chip) {
  unsigned number = 0;
  (void)chip.drop_front(3).rtrim("af").getAsInteger(10, number);
  return number;
}

unsigned CompileTarget::oldest() const {
  return isGpu() ? numberOf(chips.front()) : 0;
}

llvm::Expected<CompileTarget> lamina::parseTarget(llvm::StringRef text) {
  CompileTarget target;
  if (text == "cpu")
    return target;
  llvm::StringRef full = text;
  target.tf32 = text.consume_back("+tf32");
  auto [kind, list] = text.split(':');
  if (kind != "cuda")
    return llvm::createStringError("'" + full +
                                   "' is no target; there are 'cpu', 'cuda', "
                                   "'cuda:sm_80,sm_90' and 'cuda+tf32'");
  if (!backend())
    return llvm::createStringError("this LLVM has no code generator for PTX");
  llvm::SmallVector<llvm::StringRef> names;
  (text == "cuda" ? llvm::StringRef(usual) : list).split(names, ',');
  for (llvm::StringRef name : names) {
    if (!isKnown(name))
      return llvm::createStringError(
          "'" + name +
          "' is no architecture that there is code for; sm_70, sm_80 and "
          "sm_90 are some that are");
    target.chips.push_back(name.str());
  }
  llvm::sort(target.chips, [](const std::string &a, const std::string &b) {
    return std::pair(numberOf(a), a) < std::pair(numberOf(b), b);
  });
  return target;
}

llvm::Expected<std::unique_ptr<llvm::TargetMachine>>
lamina::gpuTargetMachine(llvm::StringRef chip) {
  const llvm::Target *target = backend();
  if (!target)
    return llvm::createStringError("this LLVM has no code generator for PTX");
  llvm::TargetOptions options;
  // Products and sums are fused where the kernels say so, nowhere else.
  options.AllowFPOpFusion = llvm::FPOpFusion::Strict;
  std::unique_ptr<llvm::TargetMachine> machine(target->createTargetMachine(
      llvm::Triple(tripleName), chip, "", options, std::nullopt, std::nullopt,
      llvm::CodeGenOptLevel::Aggressive));
  if (!machine)
    return llvm::createStringError("LLVM has no code generator for " + chip);
  return machine;
}
