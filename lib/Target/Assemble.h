//===- Assemble.h - machine code of kernels ---------------------*- C++ -*-===//
#ifndef LAMINA_LIB_TARGET_ASSEMBLE_H
#define LAMINA_LIB_TARGET_ASSEMBLE_H

#include "llvm/Support/Error.h"

namespace lamina {

/// PTX as machine code of `chip`, by NVIDIA's assembler `ptxas`. `log` receives
/// what it says of every kernel.
llvm::Expected<std::string> assembleKernels(llvm::StringRef ptx,
                                            llvm::StringRef chip,
                                            std::string *log = nullptr);

/// Machine code as text, by `nvdisasm`.
llvm::Expected<std::string> disassembleKernels(llvm::StringRef cubin);

/// A table of what every kernel takes of a multiprocessor: registers, shared
/// memory, what does not fit in registers, and how many of the threads that a
/// multiprocessor has room for it leaves room for.
llvm::Expected<std::string> reportKernels(llvm::StringRef ptx,
                                          llvm::StringRef chip);

} // namespace lamina

#endif // LAMINA_LIB_TARGET_ASSEMBLE_H
