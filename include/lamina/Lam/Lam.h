//===- Lam.h - the lam dialect ----------------------------------*- C++ -*-===//
#ifndef LAMINA_LAM_LAM_H
#define LAMINA_LAM_LAM_H

#include "lamina/Lam/Expr.h"
#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace lamina::lam {
/// The tensor type of bool elements with the shape of the tensor type `type`.
mlir::Type boolLike(mlir::Type type);

/// The element types that a pointwise op takes: floats; floats and integers;
/// integers; bool and integers; all.
enum class Elements { Float, Number, Int, Integral, Any };
} // namespace lamina::lam

#include "lamina/Lam/LamDialect.h.inc"
#include "lamina/Lam/LamEnums.h.inc"
#include "lamina/Lam/LamInterfaces.h.inc"
#define GET_OP_CLASSES
#include "lamina/Lam/LamOps.h.inc"

#endif // LAMINA_LAM_LAM_H
