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
     "the weights are NULL where they are not embedded or would change, or one "
     "of them is NULL"},
    {4, "ENOMEM", "out of memory for the scratch buffer"},
    {5, "EOPTIMIZER", "the optimizer's state is NULL, or a part of it is NULL"},
    {6, "EGRADIENTS",
     "the weights' gradients are NULL, or that of a float weight is NULL"},
};

/// One C argument of an entry point.
struct AbiArgument {
  std::string name; // of the C argument
  /// That of its tensor, or "weights", "optimizer", "gradients" (structs of
  /// pointers), "batch", "dimension", "threads", "scratch".
  std::string role;
  /// The tensor that is passed, by pointer or, as a seed, as a number.
  const TensorSignature *tensor = nullptr;
  /// Whether the tensor, or those behind a struct of pointers, are written.
  bool written = false;
};

/// The C arguments of `entry` in order. Pointers into `entry`.
std::vector<AbiArgument> abiArguments(const EntryPoint &entry);

/// Whether the caller gives a tensor by its pointer in a struct.
bool inStruct(const TensorSignature &tensor);

/// "model_forward".
std::string symbolName(const Signature &signature, const EntryPoint &entry);

} // namespace lamina

#endif // LAMINA_TRANSFORMS_ABI_H
