//===- VectorizeNest.h - The loops around a linalg body ---------*- C++ -*-===//

#ifndef LAMINA_LIB_TRANSFORMS_VECTORIZENEST_H
#define LAMINA_LIB_TRANSFORMS_VECTORIZENEST_H

#include "VectorizeBody.h"
#include "VectorizeNeighbours.h"

namespace lamina {

/// Emits the loop nest that `plan` describes.
class NestEmitter {
public:
  NestEmitter(mlir::OpBuilder &builder, mlir::linalg::GenericOp op,
              const Plan &plan);
  /// Emits `neighbours` of the op as well, as far as the plans fit; takes from
  /// them what has to be emitted apart.
  void join(Neighbours &neighbours, const Strategy &strategy);
  void emit() { emitOuter(0); }

private:
  using Values = llvm::SmallVector<mlir::Value>;
  using Bound = mlir::OpFoldResult;
  /// Emits a loop's body; returns the new values of what the loop carries.
  using LoopBody =
      llvm::function_ref<Values(mlir::Value index, mlir::ValueRange carried)>;

  // VectorizeNest.cpp: parallel loops and the register tile.
  void emitOuter(unsigned level);
  void emitTiles(unsigned level);
  void emitStaticTile(unsigned level, int64_t size);
  void emitDynamicTile(unsigned level);
  void emitTileAt(unsigned level, int64_t count, mlir::Value index,
                  mlir::Value valid = {});
  void emitScalarTail(unsigned level, Bound begin, Bound end);
  void emitPointwise();
  llvm::SmallVector<llvm::SmallVector<int64_t>> points() const;

  // VectorizeReduction.cpp: reductions with accumulators in registers.
  void emitReduction();
  Values reduceLoops(unsigned level, Values carried);
  Values reduceUnrolled(unsigned dim, Values carried);
  Values reduceVectors(Values carried);
  Values reduceInBlocks(Bound begin, Bound end, int64_t step, Values carried,
                        LoopBody body);
  Values reduceStep(mlir::ValueRange carried);
  Values identities();
  Values mergeSums(Values sums, mlir::ValueRange part);
  mlir::Value combine(unsigned accumulator, mlir::Value a, mlir::Value b);
  mlir::Value reduceLanes(unsigned accumulator, mlir::Value vector);
  void finishReduction(Values carried);
  Values initialValues();
  mlir::Value initialValue(mlir::OpOperand &output, Point point);
  /// Stores an accumulated value, or what the epilogue makes of it.
  void finish(mlir::OpOperand &output, Point point, mlir::Value value);

  /// A loop, or just its body if it runs once; what it carried last.
  Values loop(Bound begin, Bound end, int64_t step, mlir::ValueRange carried,
              LoopBody body);
  /// begin + the largest multiple of `step` that fits.
  Bound roundDown(Bound begin, Bound end, int64_t step);
  mlir::Value toValue(Bound bound);
  Bound constant(int64_t value) { return b.getIndexAttr(value); }

  mlir::OpBuilder &b;
  mlir::Location loc;
  mlir::linalg::GenericOp op;
  const Plan &plan;
  llvm::SmallVector<Bound> sizes;
  BodyEmitter body;

  /// What the accumulators begin with, instead of what the output holds.
  mlir::TypedAttr initial;
  /// The pointwise op behind a reduction, and the op's loop dimension for each
  /// of its own.
  struct Epilogue {
    mlir::linalg::GenericOp op;
    mlir::Value buffer;
    Plan plan;
    llvm::SmallVector<unsigned> dims;
    llvm::SmallVector<Bound> sizes; // of its own loops
    std::optional<BodyEmitter> body;
  };
  std::unique_ptr<Epilogue> epilogue;

  /// The outputs that are accumulated, and the points of the tile, of a
  /// reduction being emitted. Accumulator i belongs to output
  /// accumulated[i / tile.size()] at tile[i % tile.size()].
  llvm::SmallVector<unsigned> accumulated;
  llvm::SmallVector<llvm::SmallVector<int64_t>> tile;
};

} // namespace lamina

#endif // LAMINA_LIB_TRANSFORMS_VECTORIZENEST_H
