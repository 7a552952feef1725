//===- DumpIR.h - one numbered file per change ------------------*- C++ -*-===//
#ifndef LAMINA_LIB_PIPELINES_DUMPIR_H
#define LAMINA_LIB_PIPELINES_DUMPIR_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/PassInstrumentation.h"
#include <string>

namespace lamina {

/// Writes `DIR/NN-STAGE-PASS.mlir` after every pass that changed something, and
/// `DIR/NN-STAGE.mlir` after every stage.
class IRDump {
public:
  /// `number` is that of the next file, and counts on.
  IRDump(std::string directory, unsigned &number)
      : directory(std::move(directory)), number(number) {}

  /// To be added to the pass manager of a stage; refers to this object.
  std::unique_ptr<mlir::PassInstrumentation>
  instrumentation(llvm::StringRef stage);
  llvm::LogicalResult stage(mlir::ModuleOp module, llvm::StringRef name);

private:
  std::string directory;
  unsigned &number;
  /// Reports the first failure on `op`.
  llvm::LogicalResult write(mlir::Operation *op, llvm::StringRef name);
  bool failedBefore = false;
  friend class DumpInstrumentation;
};

} // namespace lamina

#endif // LAMINA_LIB_PIPELINES_DUMPIR_H
