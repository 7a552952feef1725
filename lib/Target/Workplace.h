//===- Workplace.h - files for a run of another program ---------*- C++ -*-===//
#ifndef LAMINA_LIB_TARGET_WORKPLACE_H
#define LAMINA_LIB_TARGET_WORKPLACE_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/Error.h"
#include <string>

namespace lamina {

/// A temporary folder, which goes with the object.
class Workplace {
public:
  Workplace() = default;
  Workplace(const Workplace &) = delete;
  ~Workplace();

  llvm::Error create();
  /// The path of a file in it.
  std::string file(llvm::StringRef name) const;
  llvm::Error write(llvm::StringRef name, llvm::StringRef contents) const;
  llvm::Expected<std::string> read(llvm::StringRef name) const;
  /// Runs a program; what it prints is in the files "out" and "log", and the
  /// latter in the error if it fails.
  llvm::Error run(llvm::ArrayRef<llvm::StringRef> command) const;

private:
  llvm::SmallString<128> folder;
};

} // namespace lamina

#endif // LAMINA_LIB_TARGET_WORKPLACE_H
