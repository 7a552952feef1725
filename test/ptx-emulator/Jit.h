// Machine code of kernels.
#ifndef PTX_EMULATOR_JIT_H
#define PTX_EMULATOR_JIT_H

#include "Machine.h"
#include "llvm/ExecutionEngine/Orc/ThreadSafeModule.h"
#include <optional>

namespace llvm::orc {
class JITDylib;
}

namespace ptx {

struct PendingKernel {
  llvm::orc::ThreadSafeModule module;
};

struct CompiledKernel {
  llvm::orc::JITDylib *library = nullptr;
  KernelFunction entry = nullptr;
};

// On failure returns nothing and sets `error`.
std::optional<CompiledKernel>
compile(PendingKernel kernel, const std::string &symbol, std::string &error);
void release(const CompiledKernel &kernel);

} // namespace ptx

#endif
