//===- Diagnose.h - where a number stopped being finite ---------*- C++ -*-===//
#ifndef LAMINA_TRAINING_DIAGNOSE_H
#define LAMINA_TRAINING_DIAGNOSE_H

#include "lamina/Pipelines/Options.h"
#include "lamina/Training/Data.h"
#include "mlir/IR/BuiltinOps.h"

namespace lamina {

/// Runs the model of a module of stage `model` layer by layer on the inputs of
/// a batch, and tells which layer is the first with an output that is not
/// finite: "the output of layer 'dense' (Dense) is inf". Empty if all are
/// finite.
llvm::Expected<std::string> findLayer(mlir::ModuleOp module,
                                      const NamedArrays &weights,
                                      const Batch &batch,
                                      const Options &options);

} // namespace lamina

#endif // LAMINA_TRAINING_DIAGNOSE_H
