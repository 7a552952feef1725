//===- Points.h - linalg ops, point by point --------------------*- C++ -*-===//
#ifndef LAMINA_LIB_GPU_POINTS_H
#define LAMINA_LIB_GPU_POINTS_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace lamina {

/// Threads that share work: who one is, and how many there are.
struct Team {
  mlir::Value id, count;
};

/// The threads of a warp.
inline constexpr int64_t warpSize = 32;

/// Emits the points of one linalg op on buffers.
class Points {
public:
  Points(mlir::ImplicitLocOpBuilder &b, mlir::linalg::LinalgOp op);

  /// Whether there is nothing to add up.
  bool isPointwise() const { return reduced.empty(); }
  /// Whether parts of every reduction can be computed apart and combined.
  bool isCombinable() const { return combinable; }
  /// Whether neighbours in memory are points that are added up.
  bool reducesNeighbours() const { return neighbours; }
  /// Static sizes, or dynamic.
  int64_t staticResults() { return product(kept); }
  int64_t staticTerms() { return product(reduced); }
  mlir::Value results() { return volume(kept); } // how many there are
  mlir::Value terms() { return volume(reduced); }

  /// The team takes the results in turn; a thread adds up all terms of one.
  void shareResults(const Team &team);
  /// Every warp takes results in turn; its lanes share the terms.
  void shareTermsInWarps(const Team &team);
  /// All threads of the block share the terms of each result: as many warps as
  /// `team` has, whose sums meet in `exchange`, a buffer of the element type
  /// per output with an element per warp.
  void shareTermsInBlock(const Team &team, mlir::ValueRange exchange);
  /// Part `part` of `parts` of all terms, for the result `result`, into element
  /// [part, result] of a buffer per accumulator.
  void partialResult(mlir::Value result, mlir::Value part, mlir::Value parts,
                     mlir::ValueRange partials);
  /// Adds the parts to what the outputs hold.
  void combinePartials(mlir::Value result, mlir::Value parts,
                       mlir::ValueRange partials);
  /// The element types of the outputs that are sums.
  llvm::SmallVector<mlir::Type> accumulatorTypes();

  // PointGroups.cpp: neighbours in memory together.
  /// How many points one wide access of every buffer covers, if the op is
  /// pointwise and all buffers are walked in order; else 1.
  int64_t groupWidth();
  /// The team takes groups of so many neighbours, where the buffers turn out to
  /// be aligned for that.
  void shareGroups(const Team &team, int64_t width);

  using Value = mlir::Value;
  using Values = llvm::SmallVector<mlir::Value>;
  /// Known values of operands at a point.
  using Known = llvm::SmallDenseMap<mlir::OpOperand *, Value>;

  const Values &loopSizes() const { return sizes; }
  Value volume(llvm::ArrayRef<unsigned> loops);
  /// The position in `loops` of number `index` of their points.
  void locate(llvm::ArrayRef<unsigned> loops, Value index, Values &point);
  /// Where an operand is read at a point.
  Values elementOf(mlir::OpOperand &operand, llvm::ArrayRef<Value> point);
  /// One evaluation of the body; sums start from `carried` and are returned,
  /// other outputs are stored.
  Values body(llvm::ArrayRef<Value> point, mlir::ValueRange carried,
              const Known &known = Known());

private:
  mlir::ImplicitLocOpBuilder &b;
  mlir::linalg::LinalgOp op;
  Values sizes; // of the loops
  llvm::SmallVector<unsigned> kept, reduced;
  llvm::SmallVector<unsigned> sums; // outputs that no reduced loop indexes
  bool combinable = true, neighbours = false;

  bool isSum(unsigned output) const { return llvm::is_contained(sums, output); }
  int64_t product(llvm::ArrayRef<unsigned> loops);
  mlir::Operation *combinerOf(unsigned output);
  Values bodyOfLanes(mlir::ValueRange operands, int64_t width);
  /// The terms first, first + step, … of a result.
  Values accumulate(Values point, Value first, Value step,
                    mlir::ValueRange initial);
  Values neutral();
  Values loadSums(llvm::ArrayRef<Value> point);
  void storeSums(llvm::ArrayRef<Value> point, mlir::ValueRange values);
  Values combine(mlir::ValueRange left, mlir::ValueRange right);
  Values acrossWarp(mlir::ValueRange values);
};

/// `for (i = from; i < to; i += step) carried = body(i, carried)`.
llvm::SmallVector<mlir::Value>
loop(mlir::ImplicitLocOpBuilder &b, mlir::Value from, mlir::Value to,
     mlir::Value step, mlir::ValueRange carried,
     llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::Value,
                                                       mlir::ValueRange)>
         body);
void when(mlir::ImplicitLocOpBuilder &b, mlir::Value condition,
          llvm::function_ref<void()> body);
mlir::Value number(mlir::ImplicitLocOpBuilder &b, int64_t value);
/// Rounded up, of numbers that are not negative.
mlir::Value divideUp(mlir::ImplicitLocOpBuilder &b, mlir::Value a,
                     mlir::Value by);

} // namespace lamina

#endif // LAMINA_LIB_GPU_POINTS_H
