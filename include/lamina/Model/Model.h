//===- Model.h - the model dialect ------------------------------*- C++ -*-===//
#ifndef LAMINA_MODEL_MODEL_H
#define LAMINA_MODEL_MODEL_H

#include "lamina/Lam/Lam.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/SymbolTable.h"
#include "llvm/ADT/StringMap.h"

#include "lamina/Model/ModelDialect.h.inc"
#define GET_OP_CLASSES
#include "lamina/Model/ModelOps.h.inc"

#endif // LAMINA_MODEL_MODEL_H
