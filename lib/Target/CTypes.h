//===- CTypes.h - element types in C ----------------------------*- C++ -*-===//
#ifndef LAMINA_LIB_TARGET_CTYPES_H
#define LAMINA_LIB_TARGET_CTYPES_H

#include "lamina/Transforms/Abi.h"

namespace lamina {

/// The C type of an element: a bool is a byte, 16-bit floats are their bits.
inline const char *cElementType(DType type) {
  switch (type) {
  case DType::Bool:
  case DType::UInt8:
    return "uint8_t";
  case DType::Int8:
    return "int8_t";
  case DType::Int16:
    return "int16_t";
  case DType::Int32:
    return "int32_t";
  case DType::Int64:
    return "int64_t";
  case DType::UInt16:
  case DType::Float16:
  case DType::BFloat16:
    return "uint16_t";
  case DType::UInt32:
    return "uint32_t";
  case DType::UInt64:
    return "uint64_t";
  case DType::Float32:
    return "float";
  case DType::Float64:
    return "double";
  }
  return "void";
}

/// The C type of an entry point's argument.
inline std::string cType(const Signature &signature,
                         const AbiArgument &argument) {
  std::string model = identifier(signature.model);
  auto structOf = [&](const char *what) {
    return (argument.written ? "struct " : "const struct ") + model + what +
           " *";
  };
  if (argument.role == "weights" || argument.role == "gradients")
    return structOf("_weights");
  if (argument.role == "optimizer")
    return structOf("_optimizer");
  if (argument.role == "scratch" || argument.role == "stream")
    return "void *";
  if (argument.role == "seed")
    return argument.onDevice ? "const uint64_t *" : "uint64_t";
  if (argument.role == "threads")
    return "int";
  if (!argument.tensor)
    return "int64_t";
  return (argument.written ? "" : "const ") +
         std::string(cElementType(argument.tensor->dtype)) + " *";
}

} // namespace lamina

#endif // LAMINA_LIB_TARGET_CTYPES_H
