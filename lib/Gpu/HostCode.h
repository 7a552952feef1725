//===- HostCode.h - what the host does between launches ---------*- C++ -*-===//
#ifndef LAMINA_LIB_GPU_HOSTCODE_H
#define LAMINA_LIB_GPU_HOSTCODE_H

#include "Access.h"
#include "Products.h"

namespace lamina {

/// What each launch reads and writes.
using LaunchAccesses = llvm::DenseMap<mlir::Operation *, Access>;

/// Whether the host runs the loop, and launches kernels of what is inside: its
/// iterations follow each other, and have work for more than one block.
bool isHostLoop(mlir::Operation *op);

/// The loads in a block that the host runs, which are of the device's memory.
class HostReads {
public:
  explicit HostReads(mlir::Block &block) : block(block) {}
  void add(mlir::Operation *load) { reads.insert(load); }

  /// Lets kernels read what they need. What the host itself needs, for a loop's
  /// condition or a size, stays: the host waits for the device and reads it.
  void moveToKernels(const LaunchAccesses &accesses);

private:
  mlir::Block &block;
  llvm::SetVector<mlir::Operation *> reads; // and what is computed from them

  void moveTo(mlir::gpu::LaunchOp launch,
              llvm::ArrayRef<mlir::Operation *> ordered,
              const LaunchAccesses &accesses);
};

} // namespace lamina

#endif // LAMINA_LIB_GPU_HOSTCODE_H
