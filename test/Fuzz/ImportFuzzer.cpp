//===- ImportFuzzer.cpp - any bytes give a program or an error ------------===//
//
// What begins like marshalled code is taken as a body, all else as a model
// file. HDF5 is read in a process of its own, so that its inputs are slow: few
// of the corpus are that, and they are small.
//
//===----------------------------------------------------------------------===//

#include "lamina/Frontend/ASTPrint.h"
#include "lamina/Frontend/Parser.h"
#include "lamina/Import/Decompile.h"
#include "lamina/Import/Import.h"
#include "llvm/Support/Base64.h"
#include "llvm/Support/raw_ostream.h"

using namespace lamina;
using namespace lamina::import;

static void require(bool condition, const char *what,
                    const std::string &text = "") {
  if (condition)
    return;
  llvm::errs() << "violated: " << what << '\n' << text << '\n';
  abort();
}

/// A program that the importer writes can be parsed.
static void requireParses(const std::string &text) {
  Diagnostics diagnostics;
  ast::ASTContext context;
  ast::Module *module = parseModule(diagnostics.addBuffer(text, "imported.lam"),
                                    context, diagnostics);
  require(module, "what is written can be parsed", text);
}

static void checkBody(llvm::StringRef bytes) {
  ast::ASTContext context;
  llvm::Expected<Function> function = decompile(bytes, context);
  if (!function) {
    require(!llvm::toString(function.takeError()).empty(),
            "errors have a text");
    return;
  }
  std::string text;
  llvm::raw_string_ostream os(text);
  ast::Stmt *definition = context.make<ast::FunctionDefStmt>(
      llvm::SMRange(), "body", llvm::SMRange(),
      context.list(llvm::ArrayRef<ast::Parameter>(function->parameters)),
      function->body, llvm::ArrayRef<ast::Expr *>());
  ast::print(llvm::ArrayRef<ast::Stmt *>(definition), os);
  requireParses(text);
}

static void checkFile(llvm::StringRef bytes) {
  llvm::Expected<ModelFile> file = readModelFile(bytes);
  if (!file) {
    require(!llvm::toString(file.takeError()).empty(), "errors have a text");
    return;
  }
  ImportOptions options;
  options.fileName = "fuzz";
  Imported imported = importModel(*file, options);
  if (imported.errors.empty())
    requireParses(imported.program);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  llvm::StringRef bytes(reinterpret_cast<const char *>(data), size);
  if (bytes.starts_with("c") || bytes.starts_with("\xe3"))
    checkBody(bytes);
  else
    checkFile(bytes);
  return 0;
}
