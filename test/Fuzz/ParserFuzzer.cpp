//===- ParserFuzzer.cpp - any bytes give a tree or an error ---------------===//

#include "lamina/Frontend/Parser.h"
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
  ast::ASTContext context;
  ast::Module *module =
      parseModule(diags.addBuffer(text, "fuzz.lam"), context, diags);
  require((module == nullptr) == diags.hasErrors(), "a module, or errors");
  if (module)
    dump(*module, llvm::nulls());
  unsigned before = diags.errors();
  ast::Expr *expr =
      parseExpression(diags.addBuffer(text, "fuzz.txt"), context, diags);
  require((expr == nullptr) == (diags.errors() != before),
          "an expression, or errors");
  // Every place that a message mentions can be shown.
  diags.print(llvm::nulls(), Diagnostics::Format::Text, false);
  for (const Diagnostic *d : diags.all())
    require(d->range.Start.isValid() &&
                d->range.Start.getPointer() <= d->range.End.getPointer(),
            "a range in order");
  return 0;
}
