//===- ModelModule.h - the model IR of an evaluated program -----*- C++ -*-===//
#ifndef LAMINA_FRONTEND_MODELMODULE_H
#define LAMINA_FRONTEND_MODELMODULE_H

#include "lamina/Frontend/Evaluator.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace lamina::frontend {

/// What the module holds besides the forward graph.
struct TrainingOptions {
  /// train_step, evaluate and metrics, if the model was compiled with a loss.
  bool entries = false;
  bool sampleWeight = false; // they take weights of the samples
};

/// Fixes the batch of every input made from now on (`--batch=N`); to be called
/// before Evaluator::run.
void setBatch(Evaluator &evaluator, int64_t batch);

/// The IR (stage `model`) of one model of the program that `evaluator` has run:
/// the one named `modelName` (its variable or its Keras name); or, if that is
/// empty, the variable `model` or else the only model there is. Null after an
/// error, which has been reported.
mlir::OwningOpRef<mlir::ModuleOp>
buildModelModule(Evaluator &evaluator, llvm::StringRef modelName,
                 const TrainingOptions &options = {});

/// Loads the dialects that evaluation emits into `context`.
void loadDialects(mlir::MLIRContext &context);

} // namespace lamina::frontend

#endif // LAMINA_FRONTEND_MODELMODULE_H
