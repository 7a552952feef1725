//===- OutputFile.h - files that appear whole or not at all -----*- C++ -*-===//
#ifndef LAMINA_SUPPORT_OUTPUTFILE_H
#define LAMINA_SUPPORT_OUTPUTFILE_H

#include "llvm/Support/Error.h"

namespace lamina {

/// Writes `contents` to a temporary beside `path` and renames it. `-` is
/// standard output; a pipe or device is written to directly. A full disk or a
/// failed close is an error, and leaves what was there before.
llvm::Error writeFile(llvm::StringRef path, llvm::StringRef contents, bool executable = false);

} // namespace lamina

#endif // LAMINA_SUPPORT_OUTPUTFILE_H
