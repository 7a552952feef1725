//===- BufferUses.h - which ops touch the same memory -----------*- C++ -*-===//
#ifndef LAMINA_LIB_TRANSFORMS_BUFFERUSES_H
#define LAMINA_LIB_TRANSFORMS_BUFFERUSES_H

#include "mlir/IR/Operation.h"

namespace lamina {

/// A buffer that an op (or an op in its regions) reads or writes.
struct BufferUse {
  mlir::Value buffer;
  bool reads, writes;
  /// The operand of the op itself; null for those of ops in its regions.
  mlir::OpOperand *operand;
};

/// What an op does with memory. `unknown` if it may touch any buffer.
struct BufferUses {
  llvm::SmallVector<BufferUse> uses;
  bool unknown = false;
};

BufferUses buffersUsedBy(mlir::Operation *op);

/// How two views of memory relate.
enum class Overlap { None, Same, Some };
Overlap overlapOf(mlir::Value a, mlir::Value b);

/// The allocation or argument that `view` is a part of.
mlir::Value baseOf(mlir::Value view);

} // namespace lamina

#endif // LAMINA_LIB_TRANSFORMS_BUFFERUSES_H
