//===- Safetensors.h - arrays by name in one flat file ----------*- C++ -*-===//
#ifndef LAMINA_SUPPORT_SAFETENSORS_H
#define LAMINA_SUPPORT_SAFETENSORS_H

#include "lamina/Support/Npy.h"

namespace lamina {

/// Reads a .safetensors file image. Every byte of it must belong to exactly one
/// tensor; what else may be wrong with it is an error that names the tensor.
llvm::Expected<NamedArrays> readSafetensors(llvm::StringRef bytes,
                                            llvm::StringRef fileName);

/// The file image: wider elements first, as the reference implementation
/// orders them, so that each tensor is aligned. Names must be unique.
std::string writeSafetensors(const NamedArrays &arrays);

/// Reads arrays by name from an .npz or .safetensors file, told apart by how
/// the file begins (`-` is standard input).
llvm::Expected<NamedArrays> loadArrays(llvm::StringRef path);

/// The file image that the extension of `path` asks for: .safetensors, or else
/// .npz.
std::string writeArraysFor(llvm::StringRef path, const NamedArrays &arrays);

} // namespace lamina

#endif // LAMINA_SUPPORT_SAFETENSORS_H
