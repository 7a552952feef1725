//===- Npy.h - NumPy's .npy and .npz files ----------------------*- C++ -*-===//
#ifndef LAMINA_SUPPORT_NPY_H
#define LAMINA_SUPPORT_NPY_H

#include "lamina/Support/NDArray.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/MemoryBufferRef.h"
#include <string>
#include <utility>
#include <vector>

namespace lamina {

/// Arrays by name, in file order.
using NamedArrays = std::vector<std::pair<std::string, NDArray>>;

/// Reads a .npy file image: every real NumPy dtype in either byte order,
/// Fortran order is transposed. Errors name what was found and what is accepted.
/// NumPy has no name for bfloat16: ml_dtypes stores it as 'V2', two raw bytes.
llvm::Expected<NDArray> readNpy(llvm::StringRef bytes, llvm::StringRef fileName);
/// Reads a .npz file image (stored or deflated members, zip64).
llvm::Expected<NamedArrays> readNpz(llvm::StringRef bytes, llvm::StringRef fileName);

/// The file images NumPy itself would read; the same arrays give the same bytes.
std::string writeNpy(const NDArray &array);
std::string writeNpz(const NamedArrays &arrays);

/// A zip archive of stored members, in this order, as (name, contents).
std::string writeZip(
    llvm::ArrayRef<std::pair<std::string, std::string>> members);

/// Reads `path` (`-` is standard input); an .npz with one member is accepted.
llvm::Expected<NDArray> loadNpy(llvm::StringRef path);
llvm::Expected<NamedArrays> loadNpz(llvm::StringRef path);

} // namespace lamina

#endif // LAMINA_SUPPORT_NPY_H
