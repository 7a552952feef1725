//===- CompileHelpers.h - compile text and call it --------------*- C++ -*-===//
#ifndef LAMINA_TEST_UNIT_COMPILEHELPERS_H
#define LAMINA_TEST_UNIT_COMPILEHELPERS_H

#include "lamina/Pipelines/Stages.h"
#include "lamina/Target/Artefacts.h"
#include "lamina/Target/CompiledModel.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "gtest/gtest.h"
#include <cstdlib>

namespace lamina {

/// A context in which modules of any stage can be compiled; collects errors.
class CompileTest : public testing::Test {
protected:
  CompileTest()
      : context(stageDialects(), mlir::MLIRContext::Threading::DISABLED) {
    context.getDiagEngine().registerHandler(
        [this](mlir::Diagnostic &diagnostic) {
          if (diagnostic.getSeverity() == mlir::DiagnosticSeverity::Error)
            errors += diagnostic.str() + "\n";
          return mlir::success();
        });
    // The same tests check the code for GPUs, on a device or an emulator.
    if (const char *target = std::getenv("LAMINA_TEST_TARGET"))
      options.target = target;
    if (const char *matmul = std::getenv("LAMINA_TEST_GPU_MATMUL"))
      options.gpuMatmul = matmul;
  }

  /// Whether a case of so many multiplications or the like is left out: an
  /// emulator takes long for it. LAMINA_TEST_ALL=1 runs everything.
  bool isTooLarge(int64_t work) const {
    return options.target != "cpu" && work > 700'000 &&
           !std::getenv("LAMINA_TEST_ALL");
  }

  /// The module at the stage called `stage`, or null.
  mlir::OwningOpRef<mlir::ModuleOp> lower(llvm::StringRef text,
                                          llvm::StringRef stage) {
    errors.clear();
    auto module = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
    if (module && failed(runStages(*module, detectStage(*module),
                                   *findStage(stage), options)))
      module = nullptr;
    return module;
  }

  std::string print(mlir::ModuleOp module) {
    std::string text;
    llvm::raw_string_ostream stream(text);
    module.print(stream);
    return text;
  }

  /// Ready to be called, or null and `errors`.
  std::unique_ptr<CompiledModel> compile(llvm::StringRef text) {
    auto module = lower(text, "llvm-mlir");
    if (!module)
      return nullptr;
    auto compiled = CompiledModel::create(*module, options);
    if (compiled)
      return std::move(*compiled);
    errors += llvm::toString(compiled.takeError());
    return nullptr;
  }

  /// The artefact's contents; empty after an error.
  std::string emit(llvm::StringRef text, llvm::StringRef artefact) {
    auto module = lower(text, "llvm-mlir");
    if (!module)
      return "";
    auto emitter = ArtefactEmitter::create(*module, options);
    if (!emitter) {
      errors += llvm::toString(emitter.takeError());
      return "";
    }
    auto contents = (*emitter)->emit(artefact);
    if (contents)
      return *contents;
    errors += llvm::toString(contents.takeError());
    return "";
  }

  Options options;
  mlir::MLIRContext context;
  std::string errors;
};

} // namespace lamina

#endif // LAMINA_TEST_UNIT_COMPILEHELPERS_H
