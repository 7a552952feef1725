//===- TracerImpl.h - shared by the files of the tracer ---------*- C++ -*-===//
#ifndef LAMINA_LIB_FRONTEND_TRACERIMPL_H
#define LAMINA_LIB_FRONTEND_TRACERIMPL_H

#include "lamina/Frontend/Tracer.h"
#include "lamina/Lam/Lam.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringMap.h"

namespace lamina::frontend {

struct Tracer::State {
  llvm::StringMap<mlir::Value> symbols;
  /// The symbol of an index value, to read sizes back from the program.
  llvm::DenseMap<mlir::Value, std::string> symbolOf;
  /// Where tensors go that are made outside of any function: models, and
  /// constants, which are copied into functions that use them.
  mlir::OwningOpRef<mlir::ModuleOp> outside;
};

//===----------------------------------------------------------------------===//
// Pointwise ops by name
//===----------------------------------------------------------------------===//

/// What the frontend knows of a pointwise op of `lam`.
struct PointwiseInfo {
  llvm::StringRef mnemonic;
  unsigned arity;
  lam::Elements elements;
  bool isPredicate;
  double (*evaluate)(llvm::ArrayRef<double>);
  lam::Integer (*evaluateInteger)(llvm::ArrayRef<lam::Integer>);
};
llvm::ArrayRef<PointwiseInfo> pointwiseOps();
const PointwiseInfo *findPointwise(llvm::StringRef mnemonic);
/// The op on static numbers and sizes only; nothing if the result is not known
/// at compile time.
std::optional<Value> evaluatePointwise(Evaluator &evaluator,
                                       const PointwiseInfo &op,
                                       llvm::ArrayRef<Value> operands);

//===----------------------------------------------------------------------===//
// Constants
//===----------------------------------------------------------------------===//

/// The ops that compute `value`, operands first; nothing if one of them is not
/// accepted or depends on a block argument.
std::optional<llvm::SetVector<mlir::Operation *>>
computationOf(mlir::Value value,
              llvm::function_ref<bool(mlir::Operation *)> accept);
/// The elements of an integer tensor as sizes, if every one is known at compile
/// time or computed from sizes alone: `shape(x)[1:]`, `prod(shape(x))`.
std::optional<std::vector<Size>> sizesOf(mlir::Value tensor,
                                         const Tracer::State &state);

//===----------------------------------------------------------------------===//
// Arguments
//===----------------------------------------------------------------------===//

/// An int (or a tensor known at compile time to be one).
std::optional<int64_t> staticInteger(Tracer &tracer, Value value);
/// The axis in [0, rank), or an error that shows the allowed interval.
mlir::FailureOr<int64_t> canonicalAxis(Evaluator &evaluator, int64_t axis,
                                       int64_t rank, llvm::SMRange at);
/// The items of a tuple, list or range; nothing for other values.
std::optional<std::vector<Value>> sequenceItems(Value value);
Size productOf(llvm::ArrayRef<Size> shape);
/// May the sizes be equal for some values of the symbols?
bool mayEqual(const Size &a, const Size &b);
/// The size that dimensions of sizes a and b broadcast to.
std::optional<Size> broadcastDimension(const Size &a, const Size &b);

} // namespace lamina::frontend

#endif // LAMINA_LIB_FRONTEND_TRACERIMPL_H
