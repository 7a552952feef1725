//===- InspectCommand.cpp - lamina inspect ----------------------------------===//

#include "Driver.h"
#include "lamina/Model/Summary.h"
#include "llvm/Support/raw_ostream.h"

using namespace lamina;
using namespace lamina::driver;
using namespace mlir;

int driver::inspect(Arguments &arguments) {
  Session session(arguments);
  std::vector<std::string> views = arguments.emit.empty() ? std::vector<std::string>{"summary"} : arguments.emit;
  for (const std::string &view : views)
    if (view != "summary" && view != "dot" && view != "ast" && !findStage(view)) {
      llvm::errs() << "lamina: --emit: there is no view '" << view << "': summary, dot, ast or a stage\n";
      return BadUsage;
    }
  std::string text;
  llvm::raw_string_ostream os(text);
  OwningOpRef<ModuleOp> module;
  for (const std::string &view : views) {
    if (view == "ast") {
      ast::Module *program = session.parse();
      if (!program)
        return session.finish();
      ast::dump(*program, os);
      continue;
    }
    if (!module)
      module = session.loadModel();
    if (!module)
      return session.finish();
    if (view == "summary" || view == "dot") {
      if (detectStage(*module) != *findStage("model")) {
        session.diagnostics.errorInFile(arguments.input, "the layers are gone behind stage 'model'; the file is at stage '" +
                                                             llvm::Twine(stageTable()[detectStage(*module)].name) + "'");
        return session.finish();
      }
      (view == "summary" ? printSummary : printDot)(*module, os);
    } else {
      if (!session.lower(*module, view))
        return session.finish();
      os << printModule(*module);
    }
  }
  session.write(arguments.output.empty() ? "-" : arguments.output, text);
  return session.finish();
}
