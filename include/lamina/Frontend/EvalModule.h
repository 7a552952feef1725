//===- EvalModule.h - a function applied to inputs, as a module -*- C++ -*-===//
#ifndef LAMINA_FRONTEND_EVALMODULE_H
#define LAMINA_FRONTEND_EVALMODULE_H

#include "lamina/Frontend/Evaluator.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace lamina::frontend {

/// An argument of `@forward`. Without a name it is the next parameter. A
/// dimension that is a symbol is dynamic; equal symbols are equal sizes.
struct EvalInput {
  std::string name;
  DType dtype = DType::Float32;
  Shape shape;
};

/// A module with `func.func @forward` that calls `function` on tensors of these
/// types, bound to its parameters by name, and returns its results flattened:
/// tensors and numbers in nested tuples, lists and dicts, as `out0`, `out1`, ….
/// With `gradient` it returns instead, as `d_<input>`, the derivative of the
/// sum of all float results by every float input.
/// Null after an error, which has been reported.
mlir::OwningOpRef<mlir::ModuleOp>
buildEvalModule(Evaluator &evaluator, Value function,
                llvm::ArrayRef<EvalInput> inputs, bool gradient = false);
/// The same with the types of the arrays.
mlir::OwningOpRef<mlir::ModuleOp>
buildEvalModule(Evaluator &evaluator, Value function,
                llvm::ArrayRef<std::pair<std::string, const NDArray *>> inputs,
                bool gradient = false);

} // namespace lamina::frontend

#endif // LAMINA_FRONTEND_EVALMODULE_H
