//===- Vectorize.h - Steps of lamina-vectorize ------------------*- C++ -*-===//

#ifndef LAMINA_LIB_TRANSFORMS_VECTORIZE_H
#define LAMINA_LIB_TRANSFORMS_VECTORIZE_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/PatternMatch.h"

namespace lamina {

/// Joins adjacent loops of `op` that are contiguous in all its operands;
/// returns the op that replaces it, or `op`. With `keepLast` the last loop
/// stays on its own.
mlir::linalg::GenericOp collapseLoops(mlir::RewriterBase &rewriter,
                                      mlir::linalg::GenericOp op,
                                      bool keepLast = false);

} // namespace lamina

#endif // LAMINA_LIB_TRANSFORMS_VECTORIZE_H
