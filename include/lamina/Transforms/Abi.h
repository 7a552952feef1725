//===- Abi.h - what every C entry point has in common -----------*- C++ -*-===//
#ifndef LAMINA_TRANSFORMS_ABI_H
#define LAMINA_TRANSFORMS_ABI_H

#include "lamina/Transforms/Signature.h"

namespace lamina {

/// A value that an entry point returns, and what `MODEL_error` says about it.
struct ErrorCode {
  int value;
  const char *name; // after "MODEL_"
  const char *text;
};
inline constexpr ErrorCode errorCodes[] = {
    {0, "OK", "success"},
    {1, "ENULL", "a tensor argument is NULL"},
    {2, "ESIZE", "a size is negative or too large"},
    {3, "EWEIGHTS",
     "the weights are NULL and not embedded, or one of them is NULL"},
    {4, "ENOMEM", "out of memory for the scratch buffer"},
};

/// One C argument of an entry point.
struct AbiArgument {
  std::string name; // of the C argument
  std::string
      role; // "weights", "batch", "dimension", "input", "output", "scratch"
  /// The tensor behind a pointer, if it is one.
  const TensorSignature *tensor = nullptr;
};

/// The C arguments of `entry` in order. Pointers into `entry`.
std::vector<AbiArgument> abiArguments(const EntryPoint &entry);

/// "model_forward".
std::string symbolName(const Signature &signature, const EntryPoint &entry);

} // namespace lamina

#endif // LAMINA_TRANSFORMS_ABI_H
