//===- Derivatives.h - a function's derivatives as functions ----*- C++ -*-===//
#ifndef LAMINA_LAM_DERIVATIVES_H
#define LAMINA_LAM_DERIVATIVES_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace lamina::lam {

/// Adds `name` to the module of `function`, with `lam.vjp` around its body. It
/// takes the function's arguments and one cotangent per float result, and gives
/// the function's results and one gradient per float argument.
mlir::func::FuncOp addVjp(mlir::func::FuncOp function, llvm::StringRef name);

/// The same with `lam.jvp`: takes the function's arguments and one tangent per
/// float argument, gives its float results and one derivative for each.
mlir::func::FuncOp addJvp(mlir::func::FuncOp function, llvm::StringRef name);

/// Whether `type` is a tensor of floats, which derivatives are about.
bool isFloatTensor(mlir::Type type);

} // namespace lamina::lam

#endif // LAMINA_LAM_DERIVATIVES_H
