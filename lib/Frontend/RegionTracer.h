//===- RegionTracer.h - regions of derivative operators and loops *- C++
//-*-===//
#ifndef LAMINA_LIB_FRONTEND_REGIONTRACER_H
#define LAMINA_LIB_FRONTEND_REGIONTRACER_H

#include "Derivatives.h"

namespace lamina::frontend {

/// The region of an operator while it is traced. The types of the operator's
/// results are known only afterwards, so the region begins in a scaffold.
class RegionTracer {
public:
  RegionTracer(Evaluator &evaluator, llvm::SMRange at)
      : evaluator(evaluator), tracer(evaluator.tracer()), at(at),
        loc(evaluator.currentLocation()) {
    mlir::OpBuilder &builder = tracer.builder();
    scaffold =
        lam::VjpOp::create(builder, loc, mlir::TypeRange(), mlir::TypeRange(),
                           mlir::ValueRange(), mlir::ValueRange());
    place = builder.saveInsertionPoint();
    block = builder.createBlock(&scaffold.getBody());
  }
  ~RegionTracer() { close(); }

  /// An argument of the region that stands for `x`.
  TensorObject *argument(TensorObject *x) {
    mlir::Value value = block->addArgument(x->value.getType(), loc);
    auto *inner = evaluator.make<TensorObject>(value, x->shape);
    inner->definedAt = x->definedAt;
    inner->weak = x->weak;
    inner->keras = x->keras;
    return inner;
  }

  TensorObject *argument(const Shape &shape, DType dtype) {
    mlir::Value value =
        block->addArgument(tracer.tensorType(shape, dtype), loc);
    auto *inner = evaluator.make<TensorObject>(value, shape);
    inner->definedAt = evaluator.currentRange();
    return inner;
  }

  void yield(llvm::ArrayRef<mlir::Value> values) {
    lam::YieldOp::create(tracer.builder(), loc, values);
    tracer.builder().restoreInsertionPoint(place);
    tracer.builder().setInsertionPoint(scaffold);
    closed = true;
  }
  /// Gives the region to the finished operator.
  void moveTo(mlir::Region &region) { region.takeBody(scaffold.getBody()); }

  mlir::Region &region() { return scaffold.getBody(); }

private:
  void close() {
    if (!closed) {
      // After an error: what was emitted is of no use, but may be referred to.
      tracer.builder().restoreInsertionPoint(place);
      return;
    }
    mlir::OpBuilder &builder = tracer.builder();
    builder.setInsertionPointAfter(scaffold);
    scaffold.erase();
  }

  Evaluator &evaluator;
  Tracer &tracer;
  llvm::SMRange at;
  mlir::Location loc;
  lam::VjpOp scaffold;
  mlir::OpBuilder::InsertPoint place;
  mlir::Block *block = nullptr;
  bool closed = false;
};

inline bool isFloatTensor(const TensorObject *x) {
  return isFloat(Tracer::dtypeOf(x));
}

/// What a function returns: tensors and numbers in tuples, lists and dicts, the
/// numbers as tensors.
Result toTensors(Evaluator &evaluator, Value value, llvm::SMRange at);

/// `value` as a cotangent or tangent of `x`: of its dtype and shape.
mlir::FailureOr<mlir::Value> matching(Evaluator &evaluator, Value value,
                                      TensorObject *x, const llvm::Twine &what,
                                      llvm::SMRange at);

inline llvm::SmallVector<mlir::Type>
typesOf(llvm::ArrayRef<mlir::Value> values) {
  return llvm::SmallVector<mlir::Type>(mlir::ValueRange(values).getTypes());
}

} // namespace lamina::frontend

#endif // LAMINA_LIB_FRONTEND_REGIONTRACER_H
