//===- NpyHeader.h - the header of an .npy file -----------------*- C++ -*-===//
#ifndef LAMINA_LIB_SUPPORT_NPYHEADER_H
#define LAMINA_LIB_SUPPORT_NPYHEADER_H

#include "lamina/Support/NDArray.h"
#include "llvm/Support/Error.h"

namespace lamina {

/// What the header says about the bytes that follow it.
struct NpyHeader {
  DType dtype = DType::Float32;
  bool bigEndian = false;
  bool fortranOrder = false;
  llvm::SmallVector<int64_t> shape;
  int64_t count = 1; // elements
  size_t size = 0;   // bytes of the header itself
};

llvm::Expected<NpyHeader> parseNpyHeader(llvm::StringRef bytes,
                                         llvm::StringRef fileName);
/// The header that NumPy writes.
std::string makeNpyHeader(DType dtype, llvm::ArrayRef<int64_t> shape);

/// "FILE: MESSAGE".
llvm::Error fileError(llvm::StringRef fileName, const llvm::Twine &message);

} // namespace lamina

#endif // LAMINA_LIB_SUPPORT_NPYHEADER_H
