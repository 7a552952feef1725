//===- EvaluatorFuzzer.cpp - any program ends, with or without errors -----===//

#include "lamina/Frontend/Evaluator.h"
#include "lamina/Frontend/Parser.h"
#include "lamina/Frontend/Tracer.h"
#include "lamina/Lam/Lam.h"
#include "lamina/Model/Model.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/Support/raw_ostream.h"

using namespace lamina;

static void require(bool condition, const char *what) {
  if (condition)
    return;
  llvm::errs() << "violated: " << what << '\n';
  abort();
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  llvm::StringRef text(reinterpret_cast<const char *>(data), size);
  Diagnostics diags;
  ast::ASTContext trees;
  const ast::Module *module =
      parseModule(diags.addBuffer(text, "fuzz.lam"), trees, diags);
  if (!module)
    return 0;
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  context.loadDialect<mlir::func::FuncDialect, mlir::arith::ArithDialect,
                      mlir::tensor::TensorDialect, lam::LamDialect,
                      model::ModelDialect>();
  frontend::Evaluator evaluator(context, diags);
  bool ok = mlir::succeeded(evaluator.run(*module));
  require(ok == !diags.hasErrors(), "success, or errors");
  for (const auto &entry : evaluator.globals().names)
    (void)evaluator.describe(entry.getValue());
  diags.print(llvm::nulls(), Diagnostics::Format::Text, false);
  return 0;
}
