//===- Promotion.h - Keras's dtype promotion --------------------*- C++ -*-===//
#ifndef LAMINA_FRONTEND_PROMOTION_H
#define LAMINA_FRONTEND_PROMOTION_H

#include "lamina/Support/NDArray.h"

namespace lamina::frontend {

/// What an operand contributes to promotion: a dtype, or only "an integer" or
/// "a float" for Python scalars and sizes (weak).
struct PromotionType {
  enum Kind { Strong, WeakInt, WeakFloat } kind;
  DType dtype = DType::Float32; // of Strong

  PromotionType(DType dtype) : kind(Strong), dtype(dtype) {}
  static PromotionType weakInt() { return {WeakInt, DType::Int32}; }
  static PromotionType weakFloat() { return {WeakFloat, DType::Float32}; }

private:
  PromotionType(Kind kind, DType dtype) : kind(kind), dtype(dtype) {}
};

/// The least upper bound in JAX's lattice, as keras.backend.result_type, except
/// that 64-bit types stay. Weak types alone give int32 and float32; no types
/// give float32.
DType promoteTypes(llvm::ArrayRef<PromotionType> types);

/// The dtype of a function that only has float results (exp, division, …):
/// floats stay, everything else gives float32.
inline DType toFloating(DType dtype) {
  return isFloat(dtype) ? dtype : DType::Float32;
}

} // namespace lamina::frontend

#endif // LAMINA_FRONTEND_PROMOTION_H
