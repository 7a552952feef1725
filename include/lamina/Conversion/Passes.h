//===- Passes.h - passes from one dialect to another ------------*- C++ -*-===//
#ifndef LAMINA_CONVERSION_PASSES_H
#define LAMINA_CONVERSION_PASSES_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace lamina {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "lamina/Conversion/Passes.h.inc"

} // namespace lamina

#endif // LAMINA_CONVERSION_PASSES_H
