//===- EmbedKernels.cpp - kernels as PTX ----------------------------------===//
#include "MathFunctions.h"
#include "lamina/Gpu/Passes.h"
#include "lamina/Gpu/Target.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/GPU/GPUToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/NVVM/NVVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Target/TargetMachine.h"

namespace lamina {
#define GEN_PASS_DEF_EMBEDKERNELS
#include "lamina/Gpu/Passes.h.inc"
} // namespace lamina

using namespace lamina;

static void optimize(llvm::Module &module, llvm::TargetMachine &machine) {
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager components;
  llvm::ModuleAnalysisManager modules;
  llvm::PipelineTuningOptions tuning;
  tuning.LoopVectorization = false;
  tuning.SLPVectorization = false;
  llvm::PassBuilder builder(&machine, tuning);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(components);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, components, modules);
  builder.buildPerModuleDefaultPipeline(llvm::OptimizationLevel::O2)
      .run(module, modules);
}

namespace {
struct EmbedKernels : lamina::impl::EmbedKernelsBase<EmbedKernels> {
  using EmbedKernelsBase::EmbedKernelsBase;

  void runOnOperation() override {
    mlir::ModuleOp module = getOperation();
    mlir::MLIRContext &context = getContext();
    mlir::registerBuiltinDialectTranslation(context);
    mlir::registerLLVMDialectTranslation(context);
    mlir::registerNVVMDialectTranslation(context);
    mlir::registerGPUDialectTranslation(context);
    llvm::SmallVector<mlir::NamedAttribute> images;
    for (auto kernels : module.getOps<mlir::gpu::GPUModuleOp>()) {
      if (failed(checkSymbols(kernels)))
        return signalPassFailure();
      for (const std::string &chip : chips) {
        llvm::Expected<std::string> text = translate(kernels, chip);
        if (!text) {
          kernels.emitError(llvm::toString(text.takeError()));
          return signalPassFailure();
        }
        images.emplace_back(mlir::StringAttr::get(&context, chip),
                            mlir::StringAttr::get(&context, *text));
      }
    }
    llvm::SmallVector<llvm::StringRef> names(chips.begin(), chips.end());
    module->setAttr("lamina.architectures",
                    mlir::OpBuilder(&context).getStrArrayAttr(names));
    module->setAttr("lamina.ptx", mlir::DictionaryAttr::get(&context, images));
  }

  /// A driver cannot load PTX that calls a function it does not define.
  mlir::LogicalResult checkSymbols(mlir::gpu::GPUModuleOp kernels) {
    auto result = mlir::success();
    kernels.walk([&](mlir::LLVM::CallOp call) {
      std::optional<llvm::StringRef> callee = call.getCallee();
      if (!callee || callee->starts_with("llvm."))
        return;
      // Functions of the C library are called through wrappers.
      constexpr const char *wrapped = "_mlir_ciface_";
      bool isWrapper = kernels.lookupSymbol((wrapped + *callee).str());
      auto function = kernels.lookupSymbol<mlir::LLVM::LLVMFuncOp>(*callee);
      if (callee->starts_with(wrapped) || isMathFunction(*callee) ||
          (function && !function.isExternal() && !isWrapper))
        return;
      call.emitError() << "'" << *callee
                       << "' is a function of the C library, which a GPU "
                          "does not have";
      result = mlir::failure();
    });
    return result;
  }

  static llvm::Expected<std::string> translate(mlir::gpu::GPUModuleOp kernels,
                                               llvm::StringRef chip) {
    llvm::LLVMContext context;
    std::unique_ptr<llvm::Module> module =
        mlir::translateModuleToLLVMIR(kernels, context, "kernels");
    if (!module)
      return llvm::createStringError(
          "the kernels cannot be translated to LLVM IR");
    auto machine = gpuTargetMachine(chip);
    if (!machine)
      return machine.takeError();
    module->setTargetTriple((*machine)->getTargetTriple());
    module->setDataLayout((*machine)->createDataLayout());
    if (llvm::Error error = linkMathFunctions(*module))
      return std::move(error);
    optimize(*module, **machine);
    for (llvm::Function &function : *module)
      if (function.isDeclaration() && !function.isIntrinsic() &&
          !function.use_empty())
        return llvm::createStringError("the kernels need '" +
                                       function.getName() +
                                       "', which a GPU does not have");
    llvm::SmallString<0> text;
    llvm::raw_svector_ostream stream(text);
    llvm::legacy::PassManager passes;
    if ((*machine)->addPassesToEmitFile(passes, stream, nullptr,
                                        llvm::CodeGenFileType::AssemblyFile))
      return llvm::createStringError("LLVM cannot write PTX");
    passes.run(*module);
    return text.str().str();
  }
};
} // namespace
