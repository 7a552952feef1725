//===- Library.h - the library written in the language ----------*- C++ -*-===//
#ifndef LAMINA_FRONTEND_LIBRARY_H
#define LAMINA_FRONTEND_LIBRARY_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringRef.h"
#include <string>
#include <vector>

namespace lamina {

/// The `.lam` files of lib/Library, embedded in the binary. A file is a list of
/// definitions (`def`, `class`, `name = …`), found by a scan of its lines and
/// parsed only when first used. A first line `# namespace tf` puts its
/// definitions in that namespace; files without one are the flat namespace, in
/// scope everywhere.
///
/// An attribute of a namespace path resolves along `searchPath`:
/// `tf.random.normal` looks in "tf.random", then "random", then "tf", then the
/// flat namespace. A top-level namespace such as "math" is no shared part:
/// `tf.math` does not look in "math".
class Library {
public:
  struct Definition {
    std::string name, nameSpace; // "" is flat
    llvm::StringRef file, text;  // text: decorators, comment above and body
    unsigned line;               // of text in file, 1-based
  };

  static const Library &get();

  const Definition *find(llvm::StringRef nameSpace, llvm::StringRef name) const;
  /// The first hit along the search path of `path`.
  const Definition *resolve(llvm::StringRef path, llvm::StringRef name) const;
  std::vector<std::string> searchPath(llvm::StringRef path) const;
  llvm::ArrayRef<Definition> definitions() const { return list; }
  /// Does a file define names in exactly this namespace?
  bool isNamespace(llvm::StringRef path) const;
  /// Is `path` a namespace a user may import ("tensorflow.math",
  /// "keras.layers")? Gives its canonical form ("tf.math"), or "".
  std::string canonicalNamespace(llvm::StringRef path) const;

private:
  Library();
  std::vector<Definition> list;
  llvm::StringMap<unsigned> byName; // "namespace:name"
};

} // namespace lamina

#endif // LAMINA_FRONTEND_LIBRARY_H
