//===- Products.h - which contractions are matrix products ------*- C++ -*-===//
#ifndef LAMINA_LIB_TRANSFORMS_PRODUCTS_H
#define LAMINA_LIB_TRANSFORMS_PRODUCTS_H

#include "lamina/Transforms/Machine.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/BuiltinOps.h"

namespace lamina {

/// Whether `op` sums products over rows (m), columns (n) and terms (k), each at
/// least one loop, with any number of further parallel (batch) loops.
bool isProduct(mlir::linalg::LinalgOp op);

/// Whether `op` is a product for the shared functions: of one floating type
/// throughout, on a machine with masked vectors and fused multiply-add, wide
/// and deep enough to fill them. The number of rows does not count: it is often
/// unknown.
bool isLargeProduct(mlir::linalg::LinalgOp op, const Strategy &strategy);

/// The fill with zeros that starts the sums of `op`, if it runs just before.
mlir::linalg::FillOp zeroFillOf(mlir::linalg::LinalgOp op);

/// Has the weights that are only read by the shared functions embedded as they
/// read them.
void packWeights(mlir::ModuleOp module, const Strategy &strategy);

/// Attribute of a module: by the name of a weight that is embedded as panels,
/// the columns of a panel and of a vector. Attribute of a function: before its
/// scratch buffer it takes an index that says whether it is given these.
inline constexpr llvm::StringLiteral kPackedWeights = "lamina.packed_weights";

} // namespace lamina

#endif // LAMINA_LIB_TRANSFORMS_PRODUCTS_H
