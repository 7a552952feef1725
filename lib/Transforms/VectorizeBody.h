//===- VectorizeBody.h - Values of a linalg body at tile points -*- C++ -*-===//

#ifndef LAMINA_LIB_TRANSFORMS_VECTORIZEBODY_H
#define LAMINA_LIB_TRANSFORMS_VECTORIZEBODY_H

#include "VectorizePlan.h"
#include "mlir/IR/Builders.h"

namespace lamina {

/// A dimension that is unrolled where code is emitted: `count` steps from the
/// current index on. If `mask` is set, it holds for the lanes of the last step,
/// of which `valid` are in range.
struct Unrolled {
  unsigned dim;
  int64_t count;
  int64_t step;
  mlir::Value mask, valid;
};

/// One step of each unrolled dimension.
using Point = llvm::ArrayRef<int64_t>;

/// Emits the loads, computations and stores of an op's body. A value that does
/// not vary with the vector dimension stays scalar, and a value that does not
/// vary with an unrolled dimension is emitted once for all its steps.
class BodyEmitter {
public:
  BodyEmitter(mlir::OpBuilder &builder, mlir::linalg::GenericOp op,
              const Plan &plan, llvm::ArrayRef<mlir::OpFoldResult> sizes);

  /// Lanes per vector; 1 emits scalars.
  int64_t lanes;
  /// The current index of each loop dimension.
  llvm::SmallVector<mlir::Value> indices;
  llvm::SmallVector<Unrolled> unrolled;

  /// The values emitted so far, which are only good inside the block they were
  /// emitted in.
  struct Emitted {
    llvm::DenseMap<std::pair<mlir::Value, unsigned>, mlir::Value> values;
    llvm::DenseMap<mlir::Value, mlir::Value> broadcasts;
  };
  Emitted emitted;

  /// The value of `v`, an argument of the body or computed in it, at `point`.
  mlir::Value valueAt(mlir::Value v, Point point);
  /// Declares what an output's old value is at `point`.
  void setValueAt(mlir::Value v, Point point, mlir::Value value);
  /// Loads what output `operand` holds at `point`.
  mlir::Value load(mlir::OpOperand &operand, Point point);
  void store(mlir::OpOperand &operand, Point point, mlir::Value value);
  mlir::Value maskAt(Point point) const;
  /// Emits what `point` needs and what does not vary with any of `dims`, ahead
  /// of their loops.
  void hoist(DimSet dims, Point point);

  mlir::Type vectorOf(mlir::Type element) const;
  /// `value` in every lane, unless it is a vector already.
  mlir::Value toVector(mlir::Value value);
  mlir::Value index(int64_t value);

private:
  bool isVector(mlir::Value v) const {
    return lanes > 1 &&
           (plan.dependences.lookup(v) & dimBit(plan.vectorDim)) != 0;
  }
  unsigned keyOf(mlir::Value v, Point point) const;
  const Unrolled *vectorDimAt(Point point) const;
  /// The current index of a dimension at `point`, in lane `lane` if it is the
  /// vector dimension.
  mlir::Value indexAt(unsigned dim, Point point, int64_t lane = 0);
  llvm::SmallVector<mlir::Value> indicesAt(mlir::AffineMap map, Point point,
                                           int64_t lane = 0);
  mlir::Value loadLanes(mlir::OpOperand &operand, Point point);
  /// VectorizeTurned.cpp: the same for an operand that lies across, together
  /// with the following steps; nothing where it is not worth it.
  mlir::Value loadTurned(mlir::OpOperand &operand, Point point);
  /// VectorizeStrided.cpp: the lanes' memory from the first to the last of
  /// them, which are `stride` apart, as one row; a load of such lanes, or
  /// nothing where they lie otherwise.
  mlir::Value spanAt(mlir::OpOperand &operand, Point point, int64_t stride);
  mlir::Value loadStrided(mlir::OpOperand &operand, Point point);
  /// The element that lane `lane` reads, the last one for lanes out of range.
  llvm::SmallVector<mlir::Value> existingIndices(mlir::AffineMap map,
                                                 Point point, int64_t lane);
  void storeLanes(mlir::OpOperand &operand, Point point, mlir::Value value);
  mlir::Value loadContiguous(mlir::Value memref, mlir::ValueRange at,
                             Point point);
  mlir::Value gather(mlir::Operation *load, Point point);
  /// An index in lane 0; the next lanes follow it or go before it.
  struct Walk {
    mlir::Value first;
    bool forwards;
  };
  std::optional<Walk> walkOf(mlir::Value index, Point point);
  void emitOp(mlir::Operation *op, Point point);
  mlir::Value fusedMultiplyAdd(mlir::Operation *op, Point point);
  /// VectorizeDivide.cpp: the quotient, if all lanes have the same divisor.
  mlir::Value divideByScalar(mlir::Operation *op, Point point);

  mlir::OpBuilder &b;
  mlir::Location loc;
  mlir::linalg::GenericOp op;
  const Plan &plan;
  llvm::ArrayRef<mlir::OpFoldResult> sizes;
};

} // namespace lamina

#endif // LAMINA_LIB_TRANSFORMS_VECTORIZEBODY_H
