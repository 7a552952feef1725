//===- ParallelLoops.h - loops whose iterations may run at once -*- C++ -*-===//
#ifndef LAMINA_LIB_TRANSFORMS_PARALLELLOOPS_H
#define LAMINA_LIB_TRANSFORMS_PARALLELLOOPS_H

#include "CostModel.h"
#include "lamina/Transforms/Machine.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

namespace lamina {

/// Set on an `scf.for` whose iterations write different memory and read nothing
/// that another one writes, by whoever emits it.
inline constexpr const char *parallelAttribute = "lamina.parallel";

/// Set on an `scf.for` over blocks of iterations which would be parallel but
/// for the sums of a block that it adds to totals at the end of each.
inline constexpr const char *blockSumsAttribute = "lamina.block_sums";

/// Set on a `memref.alloca` at a function's start that stands for one in such a
/// loop: every thread needs its own.
inline constexpr const char *privateAttribute = "lamina.private";

/// The outermost loop so marked around `op`, or null.
mlir::scf::ForOp outermostParallel(mlir::Operation *op);

/// Calls, at the start of the body of such a loop, the function that stands for
/// the number of the thread that runs the iteration.
mlir::Value callWorker(mlir::scf::ForOp loop);
inline constexpr const char *workerFunction = "lamina_worker";

/// The estimated time (CostModel.h) of a loop or of a call of a function that
/// products share.
mlir::Value estimateCost(mlir::OpBuilder &builder, mlir::Operation *op);

/// What it takes to wake threads that have gone to sleep, about 20 us.
inline constexpr int64_t worthThreads = 20 * unitsPerMicrosecond;

/// Makes parallel loops of large products in `kernel`.
void splitProducts(mlir::func::FuncOp kernel, const Strategy &strategy,
                   mlir::Value threads);

/// Makes the loops that only sum up blocks parallel.
void splitSums(mlir::func::FuncOp kernel);

} // namespace lamina

#endif // LAMINA_LIB_TRANSFORMS_PARALLELLOOPS_H
