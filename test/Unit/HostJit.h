//===- HostJit.h - Run upstream-dialect functions on this machine -*- C++
//-*-===//
//
// For tests of the passes below linalg: lowers a module of func, scf, vector,
// memref, arith and math to LLVM and runs it in process, without the compiler's
// own pipeline in between.
//
//===----------------------------------------------------------------------===//

#ifndef LAMINA_TEST_UNIT_HOSTJIT_H
#define LAMINA_TEST_UNIT_HOSTJIT_H

#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "mlir/Transforms/Passes.h"
#include "llvm/ExecutionEngine/Orc/JITTargetMachineBuilder.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/Transforms/Utils/Cloning.h"
#include <cstdlib>
#include <memory>

namespace lamina::test {

inline void loadDialects(mlir::MLIRContext &context) {
  mlir::DialectRegistry registry;
  registry.insert<mlir::affine::AffineDialect, mlir::arith::ArithDialect,
                  mlir::cf::ControlFlowDialect, mlir::func::FuncDialect,
                  mlir::LLVM::LLVMDialect, mlir::linalg::LinalgDialect,
                  mlir::math::MathDialect, mlir::memref::MemRefDialect,
                  mlir::scf::SCFDialect, mlir::vector::VectorDialect>();
  mlir::registerBuiltinDialectTranslation(registry);
  mlir::registerLLVMDialectTranslation(registry);
  context.appendDialectRegistry(registry);
  context.loadAllAvailableDialects();
}

inline void addLoweringToLLVM(mlir::OpPassManager &pm) {
  pm.addPass(mlir::createCanonicalizerPass());
  pm.addPass(mlir::createCSEPass());
  pm.addPass(mlir::memref::createExpandStridedMetadataPass());
  pm.addPass(mlir::createLowerAffinePass());
  pm.addPass(mlir::createSCFToControlFlowPass());
  pm.addPass(mlir::createConvertVectorToLLVMPass());
  pm.addPass(mlir::createConvertMathToLLVMPass());
  pm.addPass(mlir::createFinalizeMemRefToLLVMConversionPass());
  pm.addPass(mlir::createConvertFuncToLLVMPass());
  pm.addPass(mlir::createArithToLLVMConversionPass());
  pm.addPass(mlir::createConvertIndexToLLVMPass());
  pm.addPass(mlir::createConvertControlFlowToLLVMPass());
  pm.addPass(mlir::createReconcileUnrealizedCastsPass());
}

/// Rounds to nearest, ties to even; a NaN stays one.
inline __bf16 truncateToBrain(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof(bits));
  uint16_t rounded = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
  if (value != value)
    rounded = bits >> 16 | 0x40;
  __bf16 result;
  memcpy(&result, &rounded, sizeof(result));
  return result;
}

/// A module lowered and loaded; null from create() if any step failed.
class HostJit {
public:
  static std::unique_ptr<HostJit> create(mlir::ModuleOp module) {
    llvm::InitializeNativeTarget();
    llvm::InitializeNativeTargetAsmPrinter();
    mlir::PassManager pm(module.getContext());
    addLoweringToLLVM(pm);
    if (failed(pm.run(module)))
      return nullptr;
    auto context = std::make_unique<llvm::LLVMContext>();
    std::unique_ptr<llvm::Module> code =
        mlir::translateModuleToLLVMIR(module, *context);
    if (!code)
      return nullptr;
    auto target = llvm::orc::JITTargetMachineBuilder::detectHost();
    if (!target)
      return fail(target.takeError());
    target->setCodeGenOptLevel(llvm::CodeGenOptLevel::Default);
    auto machine = target->createTargetMachine();
    if (!machine)
      return fail(machine.takeError());
    optimize(*code, **machine);
    if (const char *path = std::getenv("LAMINA_TEST_ASM"))
      writeAssembly(*code, **machine, path);
    auto jit = llvm::orc::LLJITBuilder()
                   .setJITTargetMachineBuilder(std::move(*target))
                   .create();
    if (!jit)
      return fail(jit.takeError());
    llvm::orc::ThreadSafeModule owned(std::move(code), std::move(context));
    // What LLVM calls for bfloat16 where the processor lacks it is in the
    // compiler's library only since GCC 13.
    llvm::orc::SymbolMap symbols;
    symbols[(*jit)->mangleAndIntern("__truncsfbf2")] = {
        llvm::orc::ExecutorAddr::fromPtr(&truncateToBrain),
        llvm::JITSymbolFlags::Exported | llvm::JITSymbolFlags::Callable};
    if (llvm::Error error = (*jit)->getMainJITDylib().define(
            llvm::orc::absoluteSymbols(std::move(symbols)))) {
      llvm::consumeError(std::move(error));
      return nullptr;
    }
    if (llvm::Error error = (*jit)->addIRModule(std::move(owned)))
      return fail(std::move(error));
    auto result = std::make_unique<HostJit>();
    result->jit = std::move(*jit);
    return result;
  }

  template <class Function>
  Function *lookup(llvm::StringRef name) {
    auto address = jit->lookup(name);
    if (!address) {
      fail(address.takeError());
      return nullptr;
    }
    return address->toPtr<Function *>();
  }

private:
  static std::unique_ptr<HostJit> fail(llvm::Error error) {
    llvm::logAllUnhandledErrors(std::move(error), llvm::errs(), "jit: ");
    return nullptr;
  }
  static void optimize(llvm::Module &module, llvm::TargetMachine &machine) {
    module.setDataLayout(machine.createDataLayout());
    llvm::PassBuilder builder(&machine);
    llvm::LoopAnalysisManager loops;
    llvm::FunctionAnalysisManager functions;
    llvm::CGSCCAnalysisManager components;
    llvm::ModuleAnalysisManager modules;
    builder.registerModuleAnalyses(modules);
    builder.registerCGSCCAnalyses(components);
    builder.registerFunctionAnalyses(functions);
    builder.registerLoopAnalyses(loops);
    builder.crossRegisterProxies(loops, functions, components, modules);
    llvm::ModulePassManager passes;
    llvm::cantFail(
        builder.parsePassPipeline(passes, "function(sroa,early-cse)"));
    passes.run(module, modules);
  }
  /// What the code looks like, for whoever wants to read it.
  static void writeAssembly(const llvm::Module &module,
                            llvm::TargetMachine &machine, const char *path) {
    std::error_code error;
    llvm::raw_fd_ostream out(path, error);
    llvm::legacy::PassManager passes;
    if (error || machine.addPassesToEmitFile(
                     passes, out, nullptr, llvm::CodeGenFileType::AssemblyFile))
      return;
    std::unique_ptr<llvm::Module> copy = llvm::CloneModule(module);
    passes.run(*copy);
  }

  std::unique_ptr<llvm::orc::LLJIT> jit;
};

} // namespace lamina::test

#endif // LAMINA_TEST_UNIT_HOSTJIT_H
