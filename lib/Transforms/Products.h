//===- Products.h - which contractions are matrix products ------*- C++ -*-===//
#ifndef LAMINA_LIB_TRANSFORMS_PRODUCTS_H
#define LAMINA_LIB_TRANSFORMS_PRODUCTS_H

#include "lamina/Transforms/Machine.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace lamina {

/// Whether `op` sums products over rows (m), columns (n) and terms (k), each at
/// least one loop, with any number of further parallel (batch) loops.
bool isProduct(mlir::linalg::LinalgOp op);

/// Whether `op` is a product for the shared functions: of one floating type
/// throughout, on a machine with masked vectors and fused multiply-add, wide
/// and deep enough to fill them. The number of rows does not count: it is often
/// unknown.
bool isLargeProduct(mlir::linalg::LinalgOp op, const Strategy &strategy);

} // namespace lamina

#endif // LAMINA_LIB_TRANSFORMS_PRODUCTS_H
