//===- Access.h - which buffers an op reads and writes ----------*- C++ -*-===//
#ifndef LAMINA_LIB_GPU_ACCESS_H
#define LAMINA_LIB_GPU_ACCESS_H

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/ADT/SmallPtrSet.h"

namespace lamina {

/// The buffers that an op and everything inside of it touch, by their roots.
struct Access {
  llvm::SmallPtrSet<mlir::Value, 4> reads, writes;

  bool any() const { return !reads.empty() || !writes.empty(); }
  /// Whether the order of the two matters.
  bool conflicts(const Access &other) const;
  void add(const Access &other);
  void clear();
};
Access accessOf(mlir::Operation *op);

/// The allocation or argument that a view is of.
mlir::Value rootOf(mlir::Value buffer);

/// Whether the iterations of a loop write different memory and read nothing
/// that another one writes: marked so, or every access of what is written is at
/// the loop's variable.
bool iterationsAreApart(mlir::scf::ForOp loop);

/// Whether the loop's body has code that one thread has to run.
bool isThreadWork(mlir::scf::ForOp loop);

/// How many threads of a block the linalg ops in `loop` can keep busy.
int64_t threadsForBlock(mlir::scf::ForOp loop, int64_t most);

} // namespace lamina

#endif // LAMINA_LIB_GPU_ACCESS_H
