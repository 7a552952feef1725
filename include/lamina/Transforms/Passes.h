//===- Passes.h - passes over upstream dialects -----------------*- C++ -*-===//
#ifndef LAMINA_TRANSFORMS_PASSES_H
#define LAMINA_TRANSFORMS_PASSES_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace lamina {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "lamina/Transforms/Passes.h.inc"

} // namespace lamina

#endif // LAMINA_TRANSFORMS_PASSES_H
