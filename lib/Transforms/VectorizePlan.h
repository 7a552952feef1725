//===- VectorizePlan.h - How one linalg op becomes vector loops -*- C++ -*-===//

#ifndef LAMINA_LIB_TRANSFORMS_VECTORIZEPLAN_H
#define LAMINA_LIB_TRANSFORMS_VECTORIZEPLAN_H

#include "lamina/Transforms/Machine.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include <optional>

namespace lamina {

/// How an operand's address moves when one loop dimension advances by one.
enum class Motion { Invariant, Contiguous, Strided };

/// A set of loop dimensions.
using DimSet = uint64_t;
inline DimSet dimBit(unsigned dim) { return DimSet(1) << dim; }

/// A dimension of the register tile: `count` steps of `step` iterations each,
/// unrolled in the innermost loop.
struct TileDim {
  unsigned dim;
  int64_t count;
  int64_t step;
};

/// What the op's body accumulates into one output.
struct Accumulation {
  mlir::Operation *combiner = nullptr; // the op that yields the new value
  unsigned operand = 0;                // which operand of it is the old value
  mlir::TypedAttr identity;            // as a scalar
};

/// The loop nest of one op: loops `outer`, the tile loops, then loops `inner`
/// (reductions) with the accumulators in registers.
struct Plan {
  unsigned vectorDim = 0;
  int64_t lanes = 1; // of one register
  /// The vector dimension is reduced: it is the innermost loop, `columns`
  /// vectors of partial results at a time. Else it is one of `tiles`.
  bool reducesLanes = false;
  int64_t columns = 1;
  int64_t unroll = 1; // of the innermost reduction loop
  /// Long sums are compensated.
  bool compensate = false;
  bool fuseMultiplyAdd = false;
  /// Operands that are contiguous along this dimension, and not along the
  /// lanes, are read in square blocks and transposed in registers.
  std::optional<unsigned> turnedDim;
  /// Whether the body may be evaluated for lanes that do not exist.
  bool maskTails = true;
  llvm::SmallVector<unsigned> outer, inner;
  llvm::SmallVector<TileDim> tiles; // in loop order
  /// One per output; no combiner where the output is stored element by element.
  llvm::SmallVector<Accumulation> accumulations;
  /// The loop dimensions every value of the body varies with.
  llvm::DenseMap<mlir::Value, DimSet> dependences;
  bool isReduction() const { return !inner.empty() || reducesLanes; }
};

/// How `operand` (a memref indexed by `map`) moves along `dim`.
Motion motionAlong(mlir::AffineMap map, mlir::MemRefType type, unsigned dim);

/// Whether an operand advances along `dim` by rows, but along `other` by
/// elements.
bool isTurned(mlir::AffineMap map, mlir::MemRefType type, unsigned dim,
              unsigned other);

/// The distance in elements at which an operand advances along `dim`, if it is
/// so small that a few vectors hold all lanes (VectorizeStrided.cpp), else 0.
int64_t smallStride(mlir::AffineMap map, mlir::MemRefType type, unsigned dim);

/// The dimensions that occur in `map`.
DimSet dimsOf(mlir::AffineMap map);

/// Whether every result of `map` is a constant or a dimension of its own.
/// (Unlike upstream's projected permutations, there may be more results than
/// dimensions.)
bool isPermutedSubset(mlir::AffineMap map);

/// The loop nest for `op`, or nothing if it needs scalar loops.
std::optional<Plan> planFor(mlir::linalg::GenericOp op,
                            const Strategy &strategy);

/// Chooses the register tile of a reduction whose lanes are parallel or
/// reduced.
void chooseRegisterTile(mlir::linalg::GenericOp op, const Strategy &strategy,
                        Plan &plan);

} // namespace lamina

#endif // LAMINA_LIB_TRANSFORMS_VECTORIZEPLAN_H
