//===- Diagnostics.h - errors with a source range, notes, hints -*- C++ -*-===//
#ifndef LAMINA_FRONTEND_DIAGNOSTICS_H
#define LAMINA_FRONTEND_DIAGNOSTICS_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/SourceMgr.h"
#include <optional>
#include <string>
#include <vector>

namespace lamina {

enum class Severity { Error, Warning, Note };

/// One message; `notes` are attached to an error or warning.
struct Diagnostic {
  Severity severity;
  std::string message;
  llvm::SMRange range;       // invalid: about no place in a file
  std::string file;          // for messages about a file without a place in it
  std::vector<Diagnostic> notes;

  Diagnostic &note(const llvm::Twine &message, llvm::SMRange range = {});
};

/// Collects diagnostics and prints them: `file:line:col: error: …`, the source
/// line and a caret as text, or one JSON object a line. Text is printed by
/// llvm::SourceMgr. Reporting the same message at the same place twice keeps one.
class Diagnostics {
public:
  enum class Format { Text, JSON };

  llvm::SourceMgr &sources() { return sourceMgr; }
  /// Adds a buffer under `name`; returns its id.
  unsigned addBuffer(llvm::StringRef text, llvm::StringRef name);

  Diagnostic &error(llvm::SMRange range, const llvm::Twine &message);
  Diagnostic &warning(llvm::SMRange range, const llvm::Twine &message);
  Diagnostic &remark(llvm::SMRange range, const llvm::Twine &message); // a bare note
  /// An error about a file or an option rather than a place in the source.
  Diagnostic &errorInFile(llvm::StringRef file, const llvm::Twine &message);

  bool hasErrors() const { return errorCount != 0; }
  unsigned errors() const { return errorCount; }
  const std::vector<Diagnostic *> &all() const { return list; }

  /// Prints what was not printed yet.
  void print(llvm::raw_ostream &os, Format format, bool colour);

  Diagnostics();
  ~Diagnostics();

private:
  llvm::SourceMgr sourceMgr;
  std::vector<Diagnostic *> list;
  size_t printed = 0;
  unsigned errorCount = 0;
};

/// The candidate closest to `name`, if it is close enough to be a misspelling.
std::optional<llvm::StringRef> didYouMean(llvm::StringRef name, llvm::ArrayRef<llvm::StringRef> candidates);

} // namespace lamina

#endif // LAMINA_FRONTEND_DIAGNOSTICS_H
