//===- Isolated.h - work that may crash, in a process of its own -*- C++
//-*-===//
#ifndef LAMINA_IMPORT_ISOLATED_H
#define LAMINA_IMPORT_ISOLATED_H

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/Support/Error.h"
#include <string>

namespace lamina::import {

/// What `work` gives in a child process. A crash there, or more than `seconds`
/// of processor time, is an error here.
llvm::Expected<std::string>
isolated(double seconds,
         llvm::function_ref<llvm::Expected<std::string>()> work);

} // namespace lamina::import

#endif // LAMINA_IMPORT_ISOLATED_H
