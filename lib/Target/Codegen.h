//===- Codegen.h - LLVM IR and machine code ---------------------*- C++ -*-===//
#ifndef LAMINA_LIB_TARGET_CODEGEN_H
#define LAMINA_LIB_TARGET_CODEGEN_H

#include "lamina/Pipelines/Options.h"
#include "lamina/Transforms/Machine.h"
#include "lamina/Transforms/Signature.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/CodeGen.h"
#include "llvm/Target/TargetMachine.h"

namespace lamina {

/// LLVM's side of one module.
class Codegen {
public:
  /// Translates and optimizes. With `packed`, every entry point SYMBOL also
  /// gets `SYMBOL_packed`, which takes its arguments in an array of 8-byte
  /// words, and `SYMBOL_dims`, from the array of unknown sizes to that of the
  /// results, and `MODEL_stop` ends threads.
  static llvm::Expected<std::unique_ptr<Codegen>>
  create(mlir::ModuleOp module, const Options &options,
         const Signature &signature, bool packed);

  const Machine &machine() const { return target; }
  /// Whether the code shares work among threads.
  bool isThreaded() const { return threaded; }
  std::string llvmIR() const;
  llvm::Expected<std::string> emit(llvm::CodeGenFileType type);

private:
  Codegen() = default;
  Machine target;
  bool threaded = false;
  llvm::LLVMContext context;
  std::unique_ptr<llvm::Module> module;
  std::unique_ptr<llvm::TargetMachine> targetMachine;

  llvm::Error createTargetMachine(unsigned optLevel);
  void addAttributes();
  void optimize(unsigned optLevel);
};

/// Adds the functions that calls from arrays use; see Codegen::create.
void addPackedEntryPoints(llvm::Module &module, const Signature &signature);
void exportStop(llvm::Module &module, const Signature &signature);

} // namespace lamina

#endif // LAMINA_LIB_TARGET_CODEGEN_H
