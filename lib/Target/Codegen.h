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

/// LLVM's side of one module, or of one for each processor that it has a
/// variant for.
class Codegen {
public:
  /// Translates and optimizes `modules`, one for each of `processorsOf` what
  /// `options` asks for. With `packed`, every entry point SYMBOL also
  /// gets `SYMBOL_packed`, which takes its arguments in an array of 8-byte
  /// words, and `SYMBOL_dims`, from the array of unknown sizes to that of the
  /// results, and `MODEL_stop` ends threads.
  static llvm::Expected<std::unique_ptr<Codegen>>
  create(llvm::ArrayRef<mlir::ModuleOp> modules, const Options &options,
         const Signature &signature, bool packed);

  /// The least one that the code runs on first.
  llvm::ArrayRef<Machine> machines() const { return targets; }
  /// Whether the code shares work among threads.
  bool isThreaded() const { return threaded; }
  std::string llvmIR() const;
  llvm::Expected<std::string> emit(llvm::CodeGenFileType type);

private:
  Codegen() = default;
  std::vector<Machine> targets;
  bool threaded = false;
  llvm::LLVMContext context;
  std::unique_ptr<llvm::Module> module;
  std::unique_ptr<llvm::TargetMachine> targetMachine;

  llvm::Expected<std::unique_ptr<llvm::TargetMachine>>
  createTargetMachine(const Machine &target, unsigned optLevel);
  llvm::Error linkVariants(llvm::ArrayRef<mlir::ModuleOp> sources,
                           const Options &options, const Signature &signature);
  void optimize(llvm::Module &code, llvm::TargetMachine &machine,
                unsigned optLevel);
};

/// Makes `into`, whose functions are variants of `model`'s for the machines,
/// choose one when it runs: it gets the functions without a variant's suffix.
void addDispatch(llvm::Module &into, llvm::StringRef model,
                 llvm::ArrayRef<Machine> machines);

/// Names what the module defines for others after its machine, and drops what
/// the first variant has for all.
void makeVariant(llvm::Module &module, llvm::StringRef model,
                 llvm::ArrayRef<Machine> machines, size_t index);

/// Adds the functions that calls from arrays use; see Codegen::create.
void addPackedEntryPoints(llvm::Module &module, const Signature &signature);
void exportStop(llvm::Module &module, const Signature &signature);

} // namespace lamina

#endif // LAMINA_LIB_TARGET_CODEGEN_H
