//===- Primitives.h - shared by the files of the primitives -----*- C++ -*-===//
#ifndef LAMINA_LIB_FRONTEND_PRIMITIVES_H
#define LAMINA_LIB_FRONTEND_PRIMITIVES_H

#include "TracerImpl.h"

namespace lamina::frontend {

using Integers = llvm::SmallVector<int64_t>;

/// One call of a primitive: its arguments, checked as they are asked for. Every
/// failure has been reported at the call.
class PrimitiveCall {
public:
  PrimitiveCall(Evaluator &evaluator, CallArgs &args, llvm::StringRef name,
                llvm::ArrayRef<llvm::StringRef> params)
      : evaluator(evaluator), tracer(evaluator.tracer()), at(args.range),
        name(name), args(evaluator, args, name, params) {}

  bool failed() const { return args.failed(); }
  bool has(llvm::StringRef param) const { return !args[param].isNone(); }
  Value operator[](llvm::StringRef param) const { return args[param]; }

  mlir::FailureOr<TensorObject *> tensor(llvm::StringRef param,
                                         std::optional<DType> dtype = {}) {
    return tracer.asTensor(args[param], dtype, at);
  }
  mlir::FailureOr<Shape> shape(llvm::StringRef param) {
    return tracer.asShape(args[param], at);
  }
  /// The dtype, or `absent` if the argument is None.
  mlir::FailureOr<std::optional<DType>> dtype(llvm::StringRef param,
                                              std::optional<DType> absent = {});
  mlir::FailureOr<int64_t> integer(llvm::StringRef param);
  /// An int or a sequence of ints, known at compile time.
  mlir::FailureOr<Integers> integers(llvm::StringRef param);
  /// As many integers as `count`.
  mlir::FailureOr<Integers> integers(llvm::StringRef param, size_t count);
  mlir::FailureOr<int64_t> axis(llvm::StringRef param, size_t rank);
  /// Distinct axes in the order given; None means all.
  mlir::FailureOr<Integers> axes(llvm::StringRef param, size_t rank);
  mlir::FailureOr<bool> flag(llvm::StringRef param);
  /// One of the names of an enum of lam.
  template <typename Kind>
  mlir::FailureOr<Kind>
  kind(llvm::StringRef param,
       std::optional<Kind> (*symbolize)(llvm::StringRef)) {
    mlir::FailureOr<std::string> text = args.string(param);
    if (mlir::failed(text))
      return mlir::failure();
    if (std::optional<Kind> kind = symbolize(*text))
      return *kind;
    return error("unknown kind '" + *text + "'");
  }

  mlir::LogicalResult error(const llvm::Twine &message) {
    return evaluator.error(at, message);
  }
  mlir::OpBuilder &builder() { return tracer.builder(); }
  mlir::Location loc() { return evaluator.currentLocation(); }
  Value make(mlir::Value value, Shape shape) {
    return tracer.tensor(value, std::move(shape));
  }

  Evaluator &evaluator;
  Tracer &tracer;
  llvm::SMRange at;
  llvm::StringRef name;

private:
  ArgParser args;
};

/// Defines `prim.name(params…)`.
template <typename Body>
void definePrimitive(Evaluator &evaluator, llvm::StringLiteral name,
                     std::vector<llvm::StringRef> params, Body body) {
  evaluator.definePrimitive(
      name,
      [name, params = std::move(params), body](Evaluator &evaluator,
                                               CallArgs &args) -> Result {
        PrimitiveCall call(evaluator, args, name, params);
        if (call.failed())
          return mlir::failure();
        return body(call);
      });
}

void registerStaticPrimitives(Evaluator &evaluator);
void registerShapePrimitives(Evaluator &evaluator);
void registerIndexPrimitives(Evaluator &evaluator);
void registerReductionPrimitives(Evaluator &evaluator);
void registerContractionPrimitives(Evaluator &evaluator);
void registerLoopPrimitives(Evaluator &evaluator);

} // namespace lamina::frontend

#endif // LAMINA_LIB_FRONTEND_PRIMITIVES_H
