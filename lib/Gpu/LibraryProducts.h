//===- LibraryProducts.h - products that cuBLASLt may compute ---*- C++ -*-===//
//
// A plain product of contiguous matrices can be left to cuBLASLt, which is
// opened when the program runs. The generated kernel is in the object as well:
// for programs without the library, and for sizes for which it is not worth a
// call.
//
//===----------------------------------------------------------------------===//
#ifndef LAMINA_LIB_GPU_LIBRARYPRODUCTS_H
#define LAMINA_LIB_GPU_LIBRARYPRODUCTS_H

#include "Products.h"

namespace lamina {

/// The function of lib/Runtime/CublasLt.c. Stage `gpu` calls it by this name
/// and the type of the operands: with the operands, the result, the bias (or
/// the result again) and the workspace as memrefs, then rows, columns, terms,
/// batches, type and flags as indices.
inline constexpr const char *multiplyFunction = "lamina_cuda_multiply";
/// Declares it for all types.
void declareMultiply(mlir::ModuleOp module);

/// A product as cuBLASLt takes it.
class LibraryProduct {
public:
  /// `product`, if the library can compute it, and it may be worth a call.
  static std::optional<LibraryProduct>
  find(mlir::ImplicitLocOpBuilder &b, Product product, ProductOptions options);

  /// Emits the call, and gives whether the library computes the product.
  mlir::Value call(mlir::ImplicitLocOpBuilder &b);
  /// Whether the epilogue is done by the library, too.
  bool includesEpilogue() const { return bool(bias); }

private:
  Product product;
  mlir::Value result, bias, worth;
  int64_t type = 0, flags = 0, workspaceBytes = 0;

  bool describe(ProductOptions options);
  void findBias();
  mlir::Value isWorthIt(mlir::ImplicitLocOpBuilder &b);
};

} // namespace lamina

#endif // LAMINA_LIB_GPU_LIBRARYPRODUCTS_H
