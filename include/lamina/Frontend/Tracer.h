//===- Tracer.h - operations on tensors, emitted as lam ---------*- C++ -*-===//
#ifndef LAMINA_FRONTEND_TRACER_H
#define LAMINA_FRONTEND_TRACER_H

#include "lamina/Frontend/Evaluator.h"
#include "lamina/Frontend/Promotion.h"
#include "mlir/IR/Builders.h"

namespace lamina::frontend {

struct PointwiseInfo;

/// Emits `lam` at its builder's insertion point: NumPy broadcasting, Keras's
/// dtype promotion, NumPy indexing. Knows the shape of every tensor
/// symbolically and makes the `index` values that ops need for dynamic sizes.
class Tracer {
public:
  explicit Tracer(Evaluator &evaluator);
  ~Tracer();

  mlir::OpBuilder &builder() { return opBuilder; }
  /// Where tensors go that are made outside of any function: the inputs,
  /// weights and layers of models, and constants.
  mlir::Block *outside();

  // ---- sizes
  /// Binds the symbol `name` to an `index` value; later uses of the size refer
  /// to it. The value must dominate every insertion point used from then on.
  void bindSymbol(llvm::StringRef name, mlir::Value index);
  /// The size as an `index` value at the insertion point (constants and arith
  /// ops are CSE'd later).
  mlir::Value sizeValue(const Size &size);
  /// The values for the dynamic dimensions of `shape`, as ops take them.
  llvm::SmallVector<mlir::Value> dynamicSizes(llvm::ArrayRef<Size> shape);
  mlir::RankedTensorType tensorType(llvm::ArrayRef<Size> shape, DType dtype);

  // ---- values
  /// `x`, or its computation repeated here if it was made outside of any
  /// function.
  mlir::Value valueOf(TensorObject *x) { return localize(x->value); }
  /// A tensor for `value` of the current program (its shape's symbols must be
  /// bound).
  Value tensor(mlir::Value value, Shape shape, bool weak = false);
  static DType dtypeOf(const TensorObject *tensor);
  /// A static number, size, (nested) list of such, or tensor as a tensor;
  /// `dtype` or the default of its kind (float32, int32, bool). Python scalars
  /// become weak tensors.
  mlir::FailureOr<TensorObject *>
  asTensor(Value value, std::optional<DType> dtype, llvm::SMRange at);
  mlir::FailureOr<TensorObject *> constant(const NDArray &array);
  mlir::FailureOr<TensorObject *> cast(TensorObject *x, DType dtype);
  mlir::FailureOr<TensorObject *>
  broadcastTo(TensorObject *x, llvm::ArrayRef<Size> shape, llvm::SMRange at);
  mlir::FailureOr<TensorObject *>
  reshape(TensorObject *x, llvm::ArrayRef<Size> shape, llvm::SMRange at);
  /// The dtype that Keras gives to an operation on these (JAX's lattice, Python
  /// scalars weak, float64 kept).
  DType promote(llvm::ArrayRef<Value> operands);
  /// Appends what each operand contributes to promotion.
  void collectPromotion(llvm::ArrayRef<Value> operands,
                        llvm::SmallVectorImpl<PromotionType> &types);
  /// Broadcast shape, or an error that shows the shapes.
  mlir::FailureOr<Shape>
  broadcastShapes(llvm::ArrayRef<TensorObject *> operands, llvm::SMRange at);
  mlir::FailureOr<Shape>
  broadcastShapes(llvm::ArrayRef<Shape> shapes, llvm::SMRange at,
                  llvm::ArrayRef<TensorObject *> operands = {});
  /// A shape argument: ints, sizes, None/-1 not included; a tensor made by
  /// `shape(x)` counts as its sizes.
  mlir::FailureOr<Shape> asShape(Value value, llvm::SMRange at);
  mlir::FailureOr<DType> asDType(Value value, llvm::SMRange at);
  /// The elements if the tensor is known at compile time.
  std::optional<NDArray> constantOf(TensorObject *x);
  /// The elements of an integer tensor if they are known or computed from sizes
  /// alone.
  std::optional<std::vector<Size>> knownSizes(TensorObject *x);

  // ---- Python's operators, with at least one tensor among the operands
  Result unary(ast::UnaryOp op, Value x, llvm::SMRange at);
  Result binary(ast::BinaryOp op, Value a, Value b, llvm::SMRange at);
  Result compare(ast::CompareOp op, Value a, Value b, llvm::SMRange at);
  Result getItem(TensorObject *x, Value index, llvm::SMRange at);
  /// `.shape`, `.dtype`, `.ndim`, `.T`, `.size`, and methods such as `.astype`,
  /// `.sum` that forward to the library; nothing if unknown.
  std::optional<Result> attribute(TensorObject *x, llvm::StringRef name,
                                  llvm::SMRange at);
  /// The names that `attribute` knows on every tensor.
  static std::vector<llvm::StringRef> attributeNames();
  /// Any pointwise op of `lam` by mnemonic: promotes, broadcasts, emits.
  Result pointwise(llvm::StringRef mnemonic, llvm::ArrayRef<Value> operands,
                   llvm::SMRange at);

  struct State;

private:
  mlir::Value localize(mlir::Value value);
  mlir::FailureOr<DType> pointwiseType(const PointwiseInfo &op, DType promoted,
                                       llvm::SMRange at);
  TensorObject *emitPointwise(llvm::StringRef mnemonic,
                              llvm::ArrayRef<TensorObject *> operands,
                              DType result);
  mlir::FailureOr<llvm::SmallVector<TensorObject *>>
  broadcastTogether(llvm::ArrayRef<Value> operands,
                    llvm::ArrayRef<DType> dtypes, llvm::SMRange at);
  Result select(llvm::ArrayRef<Value> operands, llvm::SMRange at);
  mlir::FailureOr<TensorObject *> stackSequence(Value sequence, DType dtype,
                                                llvm::SMRange at);

  Evaluator &evaluator;
  mlir::OpBuilder opBuilder;
  std::unique_ptr<State> state;
};

/// Registers the primitives (`prim.reduce`, `prim.slice`, …; every pointwise op
/// under its mnemonic).
void registerTensorPrimitives(Evaluator &evaluator);
/// Registers Python's own builtins (`len`, `range`, `isinstance`, `sum`, …).
void registerPythonBuiltins(Evaluator &evaluator);
/// Registers Layer, Input, Model, Sequential, Variable.
void registerModelBuiltins(Evaluator &evaluator);
/// Registers what training.lam is written on.
void registerTrainingPrimitives(Evaluator &evaluator);

} // namespace lamina::frontend

#endif // LAMINA_FRONTEND_TRACER_H
