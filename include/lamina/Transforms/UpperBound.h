//===- UpperBound.h - sizes that are known before a loop --------*- C++ -*-===//
#ifndef LAMINA_TRANSFORMS_UPPERBOUND_H
#define LAMINA_TRANSFORMS_UPPERBOUND_H

#include "mlir/Interfaces/ValueBoundsOpInterface.h"

namespace lamina {

/// An upper bound as a map of values, or of their dimensions.
struct UpperBound {
  mlir::AffineMap map;
  mlir::ValueDimList operands;
};

/// A bound of `size` that does not move with the loops around its definition;
/// of these, with `within`, the ones that are `within` or inside of it.
mlir::FailureOr<UpperBound>
upperBoundOutsideLoops(mlir::Value size, mlir::Operation *within = nullptr);

} // namespace lamina

#endif // LAMINA_TRANSFORMS_UPPERBOUND_H
