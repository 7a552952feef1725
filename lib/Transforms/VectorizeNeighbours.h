//===- VectorizeNeighbours.h - Ops that join a reduction --------*- C++ -*-===//

#ifndef LAMINA_LIB_TRANSFORMS_VECTORIZENEIGHBOURS_H
#define LAMINA_LIB_TRANSFORMS_VECTORIZENEIGHBOURS_H

#include "VectorizePlan.h"

namespace lamina {

/// What stands before and behind a reduction into one buffer, and can be done
/// while its accumulators are in registers.
struct Neighbours {
  mlir::Value buffer;
  /// Gives the buffer its initial value, a constant.
  mlir::linalg::FillOp fill;
  mlir::TypedAttr initial;
  /// A pointwise op that is the only reader of the buffer.
  mlir::linalg::GenericOp epilogue;
};

/// The neighbours of `op`, a reduction. Nothing is changed.
Neighbours findNeighbours(mlir::linalg::LinalgOp op);

} // namespace lamina

#endif // LAMINA_LIB_TRANSFORMS_VECTORIZENEIGHBOURS_H
