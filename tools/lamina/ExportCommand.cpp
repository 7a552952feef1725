//===- ExportCommand.cpp - lamina export -----------------------------------===//

#include "Driver.h"
#include "lamina/Export/Export.h"
#include "llvm/Support/raw_ostream.h"

using namespace lamina;
using namespace lamina::driver;
using namespace mlir;

/// lamina export: the model as a file of another framework, told by its name.
int driver::exportFile(Arguments &arguments) {
  llvm::StringRef output = arguments.output;
  bool isKeras = output.ends_with(".keras");
  if (!isKeras && !output.ends_with(".onnx")) {
    llvm::errs() << "lamina: -o " << output << ": the name must end in .keras or .onnx\n";
    return BadUsage;
  }
  arguments.options.entries = {"forward"};
  Session session(arguments);
  OwningOpRef<ModuleOp> module = session.loadModel();
  if (!module)
    return session.finish();
  rememberLayers(*module);
  if (isKeras)
    keepKerasLayers(*module);
  if (!session.lower(*module, "lam") || !session.setWeights(*module) || !session.lower(*module, "grad"))
    return session.finish();
  FailureOr<std::string> contents = isKeras ? exportKeras(*module) : exportOnnx(*module);
  if (succeeded(contents))
    session.write(output, *contents);
  return session.finish();
}
