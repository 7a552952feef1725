//===- Stages.h - the way from a model to LLVM, as a table ------*- C++ -*-===//
#ifndef LAMINA_PIPELINES_STAGES_H
#define LAMINA_PIPELINES_STAGES_H

#include "lamina/Pipelines/Options.h"
#include "mlir/IR/BuiltinOps.h"

namespace mlir {
class DialectRegistry;
}

namespace lamina {

/// One stage of the compiler. The module's attribute `lamina.stage` names the
/// stage it has reached.
struct Stage {
  const char *name;
  const char *description;
  /// The dialects that may be left when the stage is done, separated by spaces.
  const char *dialects;
  /// The passes that lead here from the stage before, as `lamina-opt` takes
  /// them; `$strategy`, `$half` and `$ldexp` stand for the machine's values, `$seed` for the option.
  const char *pipeline;
};

/// Every stage in order.
llvm::ArrayRef<Stage> stageTable();

/// The position of the stage called `name` in the table.
std::optional<unsigned> findStage(llvm::StringRef name);

/// The stage that `module` has reached, from its attribute or else from what is
/// in it.
unsigned detectStage(mlir::ModuleOp module);

/// Runs the stages after `from` up to and including `to`, checking on leaving
/// each that only its dialects are left. `reached` is called with every stage
/// that was run. Diagnostics go to the context.
llvm::LogicalResult runStages(
    mlir::ModuleOp module, unsigned from, unsigned to, const Options &options,
    llvm::function_ref<llvm::LogicalResult(const Stage &)> reached = nullptr);

/// The passes of a stage with the machine's values filled in.
std::string expandPipeline(const Stage &stage, const struct Machine &machine, const Options &options);

/// Registers the passes that the table names, once.
void registerStagePasses();
/// Registers the dialects that any stage has, with their interfaces.
void registerStageDialects(mlir::DialectRegistry &registry);
/// The same, registered once.
const mlir::DialectRegistry &stageDialects();

} // namespace lamina

#endif // LAMINA_PIPELINES_STAGES_H
