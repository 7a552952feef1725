//===- Link.h - libraries of one object -------------------------*- C++ -*-===//
#ifndef LAMINA_LIB_TARGET_LINK_H
#define LAMINA_LIB_TARGET_LINK_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/Error.h"
#include <string>

namespace lamina {

/// A static archive with `object` as the member `NAME.o`.
llvm::Expected<std::string> makeArchive(llvm::StringRef object,
                                        llvm::StringRef name);

/// A shared library, linked against libm and `libraries` by the C compiler on
/// the PATH.
llvm::Expected<std::string>
makeSharedLibrary(llvm::StringRef object, llvm::StringRef name,
                  llvm::ArrayRef<const char *> libraries);

} // namespace lamina

#endif // LAMINA_LIB_TARGET_LINK_H
