//===- DumpIR.cpp - one numbered file per change --------------------------===//
#include "DumpIR.h"
#include "lamina/Support/OutputFile.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/OperationSupport.h"
#include "mlir/Pass/Pass.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/Path.h"

using namespace mlir;
using namespace lamina;

namespace lamina {
class DumpInstrumentation : public PassInstrumentation {
public:
  DumpInstrumentation(IRDump &dump, StringRef stage)
      : dump(dump), stage(stage) {}

  void runBeforePass(Pass *pass, Operation *op) override {
    before.try_emplace(op, op);
  }

  void runAfterPass(Pass *pass, Operation *op) override {
    auto found = before.find(op);
    bool changed =
        found == before.end() || found->second != OperationFingerPrint(op);
    if (found != before.end())
      before.erase(found);
    // Adaptors only hold other passes.
    if (!changed || pass->getArgument().empty())
      return;
    Operation *root = op;
    while (root->getParentOp())
      root = root->getParentOp();
    (void)dump.write(root, stage + "-" + pass->getArgument().str());
  }

  void runAfterPassFailed(Pass *pass, Operation *op) override {
    before.erase(op);
  }

private:
  IRDump &dump;
  std::string stage;
  llvm::DenseMap<Operation *, OperationFingerPrint> before;
};
} // namespace lamina

std::unique_ptr<PassInstrumentation> IRDump::instrumentation(StringRef stage) {
  return std::make_unique<DumpInstrumentation>(*this, stage);
}

LogicalResult IRDump::stage(ModuleOp module, StringRef name) {
  return write(module, name);
}

LogicalResult IRDump::write(Operation *op, StringRef name) {
  if (failedBefore)
    return failure();
  std::string text;
  llvm::raw_string_ostream stream(text);
  op->print(stream, OpPrintingFlags().assumeVerified());
  stream << "\n";

  std::string file;
  llvm::raw_string_ostream(file)
      << llvm::format("%02u-", number++) << name << ".mlir";
  SmallString<128> path(directory);
  llvm::sys::path::append(path, file);
  if (std::error_code error = llvm::sys::fs::create_directories(directory)) {
    failedBefore = true;
    return emitError(op->getLoc(), "cannot create directory '")
           << directory << "': " << error.message();
  }
  if (llvm::Error error = writeFile(path, text)) {
    failedBefore = true;
    return emitError(op->getLoc()) << llvm::toString(std::move(error));
  }
  return success();
}
