//===- MathFunctions.h - functions that kernels may call --------*- C++ -*-===//
#ifndef LAMINA_LIB_GPU_MATHFUNCTIONS_H
#define LAMINA_LIB_GPU_MATHFUNCTIONS_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

namespace llvm {
class Module;
}

namespace lamina {

/// Whether Math/ has the function of this name.
bool isMathFunction(llvm::StringRef name);

/// Defines the functions of Math/ that the module calls, for it alone.
llvm::Error linkMathFunctions(llvm::Module &module);

} // namespace lamina

#endif // LAMINA_LIB_GPU_MATHFUNCTIONS_H
