//===- Hdf5.h - conservative reading of HDF5 files ---------------*- C++
//-*-===//
#ifndef LAMINA_IMPORT_HDF5_H
#define LAMINA_IMPORT_HDF5_H

#include "lamina/Support/NDArray.h"
#include "llvm/Support/Error.h"
#include <memory>
#include <string>
#include <vector>

namespace lamina::import {

/// An HDF5 file in memory. Only what Keras writes is read: groups by hard
/// links, arrays of numbers in the file itself, attributes with text. External
/// and soft links, external and virtual storage and plugins are refused.
class Hdf5File {
public:
  static llvm::Expected<std::unique_ptr<Hdf5File>> open(llvm::StringRef bytes);
  ~Hdf5File();

  enum class Kind { Nothing, Group, Array };
  Kind kindOf(llvm::StringRef path);
  /// The names in a group, sorted.
  llvm::Expected<std::vector<std::string>> children(llvm::StringRef path);
  llvm::Expected<NDArray> array(llvm::StringRef path);
  bool hasAttribute(llvm::StringRef path, llvm::StringRef name);
  llvm::Expected<std::string> text(llvm::StringRef path, llvm::StringRef name);
  /// A list of texts, which Keras splits over `name0`, `name1`, … if it is
  /// long.
  llvm::Expected<std::vector<std::string>> texts(llvm::StringRef path,
                                                 llvm::StringRef name);

private:
  Hdf5File(int64_t file, size_t size) : file(file), size(size) {}
  llvm::Expected<std::vector<std::string>> attribute(llvm::StringRef path,
                                                     llvm::StringRef name);
  llvm::Error checkPath(llvm::StringRef path);

  int64_t file;
  size_t size;   // of the file
  size_t budget; // of elements still to be read, in bytes
  friend class Hdf5Reader;
};

} // namespace lamina::import

#endif // LAMINA_IMPORT_HDF5_H
