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
    // Of code for CUDA only, as lib/Runtime/Cuda.h has them.
    {7, "EDRIVER", "the CUDA driver (libcuda.so.1) cannot be loaded"},
    {8, "EDEVICE", "there is no CUDA device"},
    {9, "EARCH",
     "the CUDA device is older than all that the code was compiled for, or of "
     "another kind"},
    {10, "EDEVICEMEMORY", "out of memory on the CUDA device"},
    {11, "EPOINTER", "a pointer is not one to the CUDA device's memory"},
    {12, "ECUDA", "a function of the CUDA driver failed"},
    {13, "ECUBLASLT", "the cuBLASLt library (libcublasLt.so) cannot be loaded"},
    {14, "EPTX", "the CUDA driver is older than the PTX of the code"},
};
/// Those that code for `signature`'s target can give.
llvm::ArrayRef<ErrorCode> errorCodesOf(const Signature &signature);
/// The text of a code; of GPUs it names those that there is code for.
std::string errorText(const Signature &signature, const ErrorCode &code);

/// One C argument of an entry point.
struct AbiArgument {
  std::string name; // of the C argument
  /// That of its tensor, or "weights", "optimizer", "gradients" (structs of
  /// pointers), "batch", "dimension", "threads", "scratch".
  std::string role;
  /// The tensor that is passed, by pointer or, as the host's seed, as a number.
  const TensorSignature *tensor = nullptr;
  /// Whether the tensor, or those behind a struct of pointers, are written.
  bool written = false;
  /// Whether a number is passed by a pointer to the device's memory.
  bool onDevice = false;
};

/// The C arguments of `entry` in order. Pointers into `entry`. `onDevice`: of the
/// function that takes pointers to a GPU's memory, and the stream to work on.
std::vector<AbiArgument> abiArguments(const EntryPoint &entry,
                                      bool onDevice = false);

/// Whether the caller gives a tensor by its pointer in a struct.
bool inStruct(const TensorSignature &tensor);

/// "model_forward".
std::string symbolName(const Signature &signature, const EntryPoint &entry);

} // namespace lamina

#endif // LAMINA_TRANSFORMS_ABI_H
