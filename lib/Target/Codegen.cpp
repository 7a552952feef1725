//===- Codegen.cpp - LLVM IR and machine code -----------------------------===//
#include "Codegen.h"
#include "lamina/Runtime/Runtime.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Verifier.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Passes/StandardInstrumentations.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/TimeProfiler.h"
#include "llvm/Transforms/Utils/Cloning.h"

using namespace lamina;

llvm::Expected<std::unique_ptr<Codegen>>
Codegen::create(mlir::ModuleOp source, const Options &options,
                const Signature &signature, bool packed) {
  llvm::TimeTraceScope trace("codegen");
  std::unique_ptr<Codegen> result(new Codegen);
  llvm::Expected<Machine> machine = machineFor(options.mcpu);
  if (!machine)
    return machine.takeError();
  result->target = std::move(*machine);

  mlir::MLIRContext &context = *source.getContext();
  mlir::registerBuiltinDialectTranslation(context);
  mlir::registerLLVMDialectTranslation(context);
  result->module =
      mlir::translateModuleToLLVMIR(source, result->context, signature.model);
  if (!result->module)
    return llvm::createStringError(
        "the module cannot be translated to LLVM IR");
  if (packed)
    addPackedEntryPoints(*result->module, signature);
  if (llvm::Error error = result->createTargetMachine(options.optLevel))
    return std::move(error);
  llvm::Expected<bool> threaded =
      linkRuntime(*result->module, signature.threads == "openmp");
  if (!threaded)
    return threaded.takeError();
  result->threaded = *threaded;
  if (packed && *threaded)
    exportStop(*result->module, signature);
  result->addAttributes();
  result->optimize(options.optLevel);
  return std::move(result);
}

/// LLVM's loop strength reduction takes most of the time of code generation on
/// our nests and gives nothing: their addresses fit x86's addressing modes. It
/// can be switched off as a command line option only.
static void disableLoopStrengthReduction() {
  auto &known = llvm::cl::getRegisteredOptions();
  if (auto found = known.find("disable-lsr"); found != known.end())
    static_cast<llvm::cl::opt<bool> *>(found->second)->setValue(true);
}

llvm::Error Codegen::createTargetMachine(unsigned optLevel) {
  disableLoopStrengthReduction();
  std::string error;
  llvm::Triple triple(target.triple);
  const llvm::Target *backend =
      llvm::TargetRegistry::lookupTarget(triple, error);
  if (!backend)
    return llvm::createStringError(error);
  llvm::TargetOptions options;
  // Products and sums are fused where the kernels say so, nowhere else.
  options.AllowFPOpFusion = llvm::FPOpFusion::Strict;
  static constexpr llvm::CodeGenOptLevel levels[] = {
      llvm::CodeGenOptLevel::None, llvm::CodeGenOptLevel::Less,
      llvm::CodeGenOptLevel::Default, llvm::CodeGenOptLevel::Aggressive};
  targetMachine.reset(backend->createTargetMachine(
      triple, target.cpu, target.features, options, llvm::Reloc::PIC_,
      std::nullopt, levels[std::min(optLevel, 3u)]));
  if (!targetMachine)
    return llvm::createStringError("LLVM has no code generator for " +
                                   target.triple);
  module->setTargetTriple(triple);
  module->setDataLayout(targetMachine->createDataLayout());
  module->setPICLevel(llvm::PICLevel::BigPIC);
  return llvm::Error::success();
}

void Codegen::addAttributes() {
  for (llvm::Function &function : *module) {
    if (function.isDeclaration())
      continue;
    function.addFnAttr("target-cpu", target.cpu);
    if (!target.features.empty())
      function.addFnAttr("target-features", target.features);
    // Kernels are scheduled as they were emitted: models of single processors
    // move loads up until accumulators spill.
    if (llvm::Triple(target.triple).isX86())
      function.addFnAttr("tune-cpu", "x86-64");
    function.addFnAttr("prefer-vector-width",
                       std::to_string(target.strategy->vectorBytes * 8));
    function.addFnAttr(llvm::Attribute::NoUnwind);
  }
}

/// The kernels arrive vectorized and in the order they should run. What pays is
/// to clean up after lowering, and to vectorize the few loops left scalar
/// (scatters, scans): a third of the time of LLVM's own -O3, for the same code.
static constexpr const char *pipeline =
    "function(sroa,early-cse<memssa>),cgscc(inline),"
    "function(instcombine<no-verify-fixpoint>,simplifycfg,"
    "loop-mssa(loop-rotate,licm),gvn,dse,loop(loop-deletion),loop-"
    "vectorize,"
    "simplifycfg,instcombine<no-verify-fixpoint>),globaldce";

void Codegen::optimize(unsigned optLevel) {
  llvm::TimeTraceScope trace("optimize");
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager components;
  llvm::ModuleAnalysisManager modules;
  llvm::PipelineTuningOptions tuning;
  tuning.LoopVectorization = optLevel >= 2;
  llvm::PassInstrumentationCallbacks callbacks;
  llvm::TimeProfilingPassesHandler traces;
  traces.registerCallbacks(callbacks);
  llvm::PassBuilder builder(targetMachine.get(), tuning, std::nullopt,
                            &callbacks);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(components);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, components, modules);
  llvm::ModulePassManager passes;
  if (optLevel >= 2)
    llvm::cantFail(builder.parsePassPipeline(passes, pipeline));
  else if (optLevel == 1)
    passes = builder.buildPerModuleDefaultPipeline(llvm::OptimizationLevel::O1);
  else
    passes = builder.buildO0DefaultPipeline(llvm::OptimizationLevel::O0);
  passes.run(*module, modules);
}

std::string Codegen::llvmIR() const {
  std::string text;
  llvm::raw_string_ostream stream(text);
  module->print(stream, nullptr);
  return text;
}

llvm::Expected<std::string> Codegen::emit(llvm::CodeGenFileType type) {
  llvm::TimeTraceScope trace("emit");
  // Code generation changes the module; others may want it as it is.
  std::unique_ptr<llvm::Module> copy = llvm::CloneModule(*module);
  llvm::SmallVector<char> bytes;
  llvm::raw_svector_ostream stream(bytes);
  llvm::legacy::PassManager passes;
  if (targetMachine->addPassesToEmitFile(passes, stream, nullptr, type))
    return llvm::createStringError("LLVM cannot write this kind of file for " +
                                   target.triple);
  passes.run(*copy);
  return std::string(bytes.begin(), bytes.end());
}
