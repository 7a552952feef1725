//===- BlockCode.h - code that a block of threads runs together -*- C++ -*-===//
#ifndef LAMINA_LIB_GPU_BLOCKCODE_H
#define LAMINA_LIB_GPU_BLOCKCODE_H

#include "Access.h"
#include "Points.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

namespace lamina {

/// Makes code for all threads of a block of code for one: linalg ops are
/// shared, other writes are the first thread's, loops and branches are run by
/// all.
class BlockCode {
public:
  BlockCode(mlir::gpu::LaunchOp launch, int64_t threads);
  llvm::LogicalResult run(mlir::Operation *op);

private:
  mlir::gpu::LaunchOp launch;
  int64_t threads;
  mlir::ImplicitLocOpBuilder b;
  Team team;
  Access pending; // since the last barrier

  void barrier();
  void order(const Access &next);
  llvm::LogicalResult runInside(mlir::Operation *op);
  void share(mlir::linalg::LinalgOp op);
  mlir::Value exchangeOf(mlir::Type type, unsigned number);
  llvm::DenseMap<std::pair<mlir::Type, unsigned>, mlir::Value> buffers;
};

/// Gives what several ops of the loop's body read of a row of memory a copy,
/// which becomes a temporary: the row is read once.
void cacheRows(mlir::ImplicitLocOpBuilder &b, mlir::scf::ForOp loop);

/// Memory for the temporaries inside of a loop that becomes a kernel.
class PrivateMemory {
public:
  PrivateMemory(mlir::ImplicitLocOpBuilder &b, mlir::Operation *op);

  /// One set per block: in shared memory what fits, the rest in buffers for
  /// `owners` blocks or, with `perThread`, threads.
  llvm::LogicalResult plan(mlir::Value owners, bool perThread);
  /// Replaces the allocations in a copy of the op, within the launch.
  void place(mlir::Operation *copy, mlir::Value owner,
             mlir::gpu::LaunchOp launch);

private:
  struct Temporary {
    mlir::memref::AllocOp op;
    int64_t elements = 0; // at most; 0 where only the program knows
    mlir::Value bytes, buffer;
  };
  mlir::ImplicitLocOpBuilder &b;
  mlir::Operation *op;
  bool perThread = false;
  std::vector<Temporary> temporaries;

  llvm::LogicalResult measure(Temporary &temporary);
};

} // namespace lamina

#endif // LAMINA_LIB_GPU_BLOCKCODE_H
