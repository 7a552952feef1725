//===- Passes.h - passes inside the lam dialect -----------------*- C++ -*-===//
#ifndef LAMINA_LAM_PASSES_H
#define LAMINA_LAM_PASSES_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace lamina {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "lamina/Lam/Passes.h.inc"

namespace lam {
/// What the pass lam-differentiate does.
mlir::LogicalResult differentiate(mlir::ModuleOp module);
} // namespace lam

} // namespace lamina

#endif // LAMINA_LAM_PASSES_H
