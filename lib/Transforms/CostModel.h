//===- CostModel.h - what work takes ----------------------------*- C++ -*-===//
//
// One table of weights (CostModel.cpp) for every decision that compares costs,
// and for the estimates that `lamina bench` prints beside its measurements. The
// unit is a quarter of a nanosecond, about one addition of vectors with what
// belongs to it.
//
//===----------------------------------------------------------------------===//
#ifndef LAMINA_LIB_TRANSFORMS_COSTMODEL_H
#define LAMINA_LIB_TRANSFORMS_COSTMODEL_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

namespace lamina {

inline constexpr int64_t unitsPerMicrosecond = 4000;

/// Of one op without its regions, on one vector or scalar.
int64_t operationCost(mlir::Operation &op);

/// Estimates as values of type index, in terms of values that are known ahead
/// of the op.
struct WorkEstimate {
  mlir::Value time;  // the larger one of computing and of moving the bytes
  mlir::Value flops; // multiplications, additions and functions of floats
  mlir::Value bytes; // of the buffers from outside, once each
};

/// Of a loop, or of a call of a function that products share.
WorkEstimate estimateWork(mlir::OpBuilder &builder, mlir::Operation *op);

} // namespace lamina

#endif // LAMINA_LIB_TRANSFORMS_COSTMODEL_H
