//===- Interpreter.h - the reference semantics of lam -----------*- C++ -*-===//
#ifndef LAMINA_INTERPRETER_INTERPRETER_H
#define LAMINA_INTERPRETER_INTERPRETER_H

#include "lamina/Support/NDArray.h"
#include "mlir/IR/Block.h"
#include "mlir/Support/LLVM.h"

namespace mlir::func {
class FuncOp;
}

namespace lamina {

/// What happens to a float whose type is narrower than float64.
enum class Rounding {
  Declared, // inputs, casts and results have their types
  None,     // every float is float64: inputs of any float type are taken as they are, casts between floats and results keep all digits
};

/// Evaluates a function of `lam` (with `tensor.dim`, `arith` on `index`, calls) on
/// the given arrays: every float in float64, rounded only by a `lam.cast` to its type,
/// every integer in 64 bits wrapped to its width. Results have the types of the
/// function. Emits an error at the op and fails when an op's precondition is
/// broken (a reshape that does not fit, …).
mlir::FailureOr<std::vector<NDArray>> interpret(mlir::func::FuncOp function, llvm::ArrayRef<NDArray> inputs,
                                                Rounding rounding = Rounding::Declared);

/// The same for the ops of `block`, whose arguments are `inputs`; returns the
/// operands of its terminator. Used for initializers and constants.
mlir::FailureOr<std::vector<NDArray>> interpret(mlir::Block &block, llvm::ArrayRef<NDArray> inputs,
                                                Rounding rounding = Rounding::Declared);

} // namespace lamina

#endif // LAMINA_INTERPRETER_INTERPRETER_H
