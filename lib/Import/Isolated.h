//===- Isolated.h - work that may crash, in a child process -----*- C++ -*-===//
#ifndef LAMINA_IMPORT_ISOLATED_H
#define LAMINA_IMPORT_ISOLATED_H

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/Support/Error.h"
#include <string>

namespace lamina::import {

/// What a child process may take.
struct ProcessLimits {
  double seconds; ///< of processor time
  uint64_t bytes; ///< of memory, besides what it begins with
};

/// What `work` gives in a child process. A crash there, or a need of more than
/// `limits`, is an error here.
llvm::Expected<std::string>
isolated(ProcessLimits limits,
         llvm::function_ref<llvm::Expected<std::string>()> work);

} // namespace lamina::import

#endif // LAMINA_IMPORT_ISOLATED_H
