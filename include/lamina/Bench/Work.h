//===- Work.h - what a computation has to do --------------------*- C++ -*-===//
#ifndef LAMINA_BENCH_WORK_H
#define LAMINA_BENCH_WORK_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include <optional>

namespace lamina {

/// Lower bounds of what a function of `lam` costs, whatever code is made of it.
struct Work {
  /// Multiplications and additions of products and convolutions.
  double flops = 0;
  /// Of the arguments that are read and of the results, once each. What an
  /// update replaces is read and written.
  double bytes = 0;
};

/// Counts; empty if a size is known at a call only.
std::optional<Work> countWork(mlir::func::FuncOp function);

} // namespace lamina

#endif // LAMINA_BENCH_WORK_H
