//===- Frame.h - the values of a block that is being interpreted *- C++ -*-===//
#ifndef LAMINA_LIB_INTERPRETER_FRAME_H
#define LAMINA_LIB_INTERPRETER_FRAME_H

#include "Tensor.h"
#include "lamina/Interpreter/Interpreter.h"
#include "lamina/Lam/Lam.h"
#include "llvm/ADT/DenseMap.h"

namespace lamina::interpreter {

using Result = mlir::FailureOr<Tensor>;

/// Tensors, and integers for values of type `index` or an integer.
class Frame {
public:
  explicit Frame(Rounding rounding) : rounding(rounding) {}

  bool has(mlir::Value value) const {
    return tensors.contains(value) || scalars.contains(value);
  }
  const Tensor &tensor(mlir::Value value) const {
    return tensors.find(value)->second;
  }
  int64_t scalar(mlir::Value value) const { return scalars.lookup(value); }
  void set(mlir::Value value, Tensor tensor) {
    tensors[value] = std::move(tensor);
  }
  void set(mlir::Value value, int64_t scalar) { scalars[value] = scalar; }
  void forget(mlir::Value value) {
    tensors.erase(value);
    scalars.erase(value);
  }
  /// `value` in the float type `type`.
  double round(double value, DType type) const {
    return rounds() ? roundTo(value, type) : value;
  }
  bool rounds() const { return rounding == Rounding::Declared; }

private:
  Rounding rounding;
  llvm::DenseMap<mlir::Value, Tensor> tensors;
  llvm::DenseMap<mlir::Value, int64_t> scalars;
};

/// The element type of a tensor value.
DType dtypeOf(mlir::Value value);

/// The shape of `result`, whose dynamic sizes are `sizes` in order. Fails with
/// an error at the op when a size is negative or no memory could hold it.
mlir::FailureOr<Shape> shapeOf(mlir::Operation *op, mlir::Value result,
                               mlir::ValueRange sizes, const Frame &frame);
/// Fails with an error at `op` if `shape` has more elements than memory holds.
llvm::LogicalResult checkSize(mlir::Operation *op,
                              llvm::ArrayRef<int64_t> shape);
/// "[2, 3]".
std::string toString(llvm::ArrayRef<int64_t> shape);

// One function per lam op that is not pointwise.
Result evaluatePointwise(mlir::Operation *op, const Frame &frame);
Result evaluate(lam::SelectOp op, const Frame &frame);
Result evaluate(lam::CastOp op, const Frame &frame);
Result evaluate(lam::BitcastOp op, const Frame &frame);
Result evaluate(lam::BroadcastOp op, const Frame &frame);
Result evaluate(lam::ReshapeOp op, const Frame &frame);
Result evaluate(lam::TransposeOp op, const Frame &frame);
Result evaluate(lam::SliceOp op, const Frame &frame);
Result evaluate(lam::PadOp op, const Frame &frame);
Result evaluate(lam::ReverseOp op, const Frame &frame);
Result evaluate(lam::ConcatOp op, const Frame &frame);
Result evaluate(lam::IotaOp op, const Frame &frame);
Result evaluate(lam::GatherOp op, const Frame &frame);
Result evaluate(lam::ScatterOp op, const Frame &frame);
Result evaluate(lam::ReduceOp op, const Frame &frame);
Result evaluate(lam::ArgReduceOp op, const Frame &frame);
Result evaluate(lam::CumulativeOp op, const Frame &frame);
/// The sorted values and their places.
mlir::FailureOr<std::pair<Tensor, Tensor>> evaluate(lam::SortOp op,
                                                    const Frame &frame);
Result evaluate(lam::DotOp op, const Frame &frame);
Result evaluate(lam::ConvOp op, const Frame &frame);
Result evaluate(lam::WindowOp op, const Frame &frame);
Result evaluate(lam::RandomBitsOp op, const Frame &frame);

/// A tensor, or an integer.
using Cell = std::pair<std::optional<Tensor>, int64_t>;
using Cells = llvm::SmallVector<Cell>;
/// Evaluates a region with these arguments; the values that it yields.
using RunBlock = llvm::function_ref<mlir::FailureOr<Cells>(
    mlir::Block &, llvm::ArrayRef<Cell>)>;
mlir::FailureOr<Cells> evaluate(lam::ScanOp op, const Frame &frame,
                                RunBlock run);
mlir::FailureOr<Cells> evaluate(lam::WhileOp op, const Frame &frame,
                                RunBlock run);

/// An op of `arith` on integers; fails with an error at the op if it is not
/// known or divides by zero.
mlir::FailureOr<int64_t> evaluateArith(mlir::Operation *op, const Frame &frame);

/// The neutral element of a reduction in `type`.
double realIdentity(lam::ReduceKind kind);
int64_t integerIdentity(lam::ReduceKind kind, DType type);
/// How two values meet in a reduction; integers are not wrapped.
double combine(lam::ReduceKind kind, double a, double b);
int64_t combine(lam::ReduceKind kind, int64_t a, int64_t b, bool isUnsigned);

} // namespace lamina::interpreter

#endif // LAMINA_LIB_INTERPRETER_FRAME_H
