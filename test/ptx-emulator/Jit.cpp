#include "Jit.h"
#include "llvm/ExecutionEngine/Orc/ExecutionUtils.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Transforms/InstCombine/InstCombine.h"
#include "llvm/Transforms/Scalar/EarlyCSE.h"
#include "llvm/Transforms/Scalar/SROA.h"
#include "llvm/Transforms/Scalar/SimplifyCFG.h"

using namespace llvm;
using namespace ptx;

static Expected<std::unique_ptr<orc::LLJIT>> create() {
  InitializeNativeTarget();
  InitializeNativeTargetAsmPrinter();
  Expected<orc::JITTargetMachineBuilder> machine =
      orc::JITTargetMachineBuilder::detectHost();
  if (!machine)
    return machine.takeError();
  machine->setCodeGenOptLevel(CodeGenOptLevel::Less);
  machine->getOptions().AllowFPOpFusion = FPOpFusion::Strict;
  return orc::LLJITBuilder()
      .setJITTargetMachineBuilder(std::move(*machine))
      .create();
}

// Registers become values; no more, kernels of tests run shortly.
static void simplify(llvm::Module &module) {
  LoopAnalysisManager loops;
  FunctionAnalysisManager functions;
  CGSCCAnalysisManager components;
  ModuleAnalysisManager modules;
  PassBuilder builder;
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(components);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, components, modules);
  FunctionPassManager passes;
  passes.addPass(SROAPass(SROAOptions::ModifyCFG));
  passes.addPass(EarlyCSEPass());
  passes.addPass(InstCombinePass());
  passes.addPass(SimplifyCFGPass());
  ModulePassManager all;
  all.addPass(createModuleToFunctionPassAdaptor(std::move(passes)));
  all.run(module, modules);
}

static orc::LLJIT *jit(std::string &error) {
  // Never destroyed: kernels may run while the process exits.
  static std::string problem;
  static orc::LLJIT *instance = []() -> orc::LLJIT * {
    Expected<std::unique_ptr<orc::LLJIT>> made = create();
    if (made)
      return made->release();
    problem = toString(made.takeError());
    return nullptr;
  }();
  error = problem;
  return instance;
}

std::optional<CompiledKernel> ptx::compile(PendingKernel kernel,
                                           const std::string &symbol,
                                           std::string &error) {
  static unsigned serial = 0;
  orc::LLJIT *instance = jit(error);
  if (!instance)
    return std::nullopt;
  kernel.module.withModuleDo([&](llvm::Module &module) {
    module.setDataLayout(instance->getDataLayout());
    module.setTargetTriple(instance->getTargetTriple());
    simplify(module);
  });
  auto failed = [&](Error problem) {
    error = toString(std::move(problem));
    return std::nullopt;
  };
  Expected<orc::JITDylib &> library =
      instance->createJITDylib("kernel" + std::to_string(serial++));
  if (!library)
    return failed(library.takeError());
  // rint, fma and their like where the host lacks the instruction.
  auto host = orc::DynamicLibrarySearchGenerator::GetForCurrentProcess(
      instance->getDataLayout().getGlobalPrefix());
  if (!host)
    return failed(host.takeError());
  library->addGenerator(std::move(*host));
  if (Error problem = instance->addIRModule(*library, std::move(kernel.module)))
    return failed(std::move(problem));
  Expected<orc::ExecutorAddr> entry = instance->lookup(*library, symbol);
  if (!entry)
    return failed(entry.takeError());
  return CompiledKernel{&*library, entry->toPtr<KernelFunction>()};
}

void ptx::release(const CompiledKernel &kernel) {
  std::string error;
  orc::LLJIT *instance = jit(error);
  if (instance && kernel.library)
    consumeError(
        instance->getExecutionSession().removeJITDylib(*kernel.library));
}
