//===- Codegen.cpp - LLVM IR and machine code -----------------------------===//
#include "Codegen.h"
#include "lamina/Runtime/Runtime.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Verifier.h"
#include "llvm/Linker/Linker.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Passes/StandardInstrumentations.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/TimeProfiler.h"
#include "llvm/Transforms/Utils/Cloning.h"

using namespace lamina;

static llvm::Expected<std::unique_ptr<llvm::Module>>
translate(mlir::ModuleOp source, llvm::LLVMContext &context,
          const Signature &signature, const llvm::TargetMachine &machine) {
  mlir::MLIRContext &known = *source.getContext();
  mlir::registerBuiltinDialectTranslation(known);
  mlir::registerLLVMDialectTranslation(known);
  auto module = mlir::translateModuleToLLVMIR(source, context, signature.model);
  if (!module)
    return llvm::createStringError(
        "the module cannot be translated to LLVM IR");
  module->setTargetTriple(machine.getTargetTriple());
  module->setDataLayout(machine.createDataLayout());
  module->setPICLevel(llvm::PICLevel::BigPIC);
  return module;
}

/// Every function without a machine gets this one.
static void addAttributes(llvm::Module &module, const Machine &target) {
  for (llvm::Function &function : module) {
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

llvm::Expected<std::unique_ptr<Codegen>>
Codegen::create(llvm::ArrayRef<mlir::ModuleOp> sources, const Options &options,
                const Signature &signature, bool packed) {
  llvm::TimeTraceScope trace("codegen");
  std::unique_ptr<Codegen> result(new Codegen);
  llvm::Expected<std::vector<std::string>> processors =
      processorsOf(options.mcpu);
  if (!processors)
    return processors.takeError();
  assert(processors->size() == sources.size() && "a module for each processor");
  for (const std::string &processor : *processors) {
    llvm::Expected<Machine> machine = machineFor(processor);
    if (!machine)
      return machine.takeError();
    result->targets.push_back(std::move(*machine));
  }
  const Machine &least = result->targets.front();
  auto machine = result->createTargetMachine(least, options.optLevel);
  if (!machine)
    return machine.takeError();
  result->targetMachine = std::move(*machine);
  auto module = translate(sources.front(), result->context, signature,
                          *result->targetMachine);
  if (!module)
    return module.takeError();
  result->module = std::move(*module);
  if (sources.size() > 1) {
    if (llvm::Error error = result->linkVariants(sources, options, signature))
      return std::move(error);
    return std::move(result);
  }

  if (packed)
    addPackedEntryPoints(*result->module, signature);
  llvm::Expected<bool> threaded =
      linkRuntime(*result->module, signature.threads == "openmp");
  if (!threaded)
    return threaded.takeError();
  result->threaded = *threaded;
  if (packed && *threaded)
    exportStop(*result->module, signature);
  addAttributes(*result->module, least);
  result->optimize(*result->module, *result->targetMachine, options.optLevel);
  return std::move(result);
}

llvm::Error Codegen::linkVariants(llvm::ArrayRef<mlir::ModuleOp> sources,
                                  const Options &options,
                                  const Signature &signature) {
  std::string model = identifier(signature.model);
  for (auto [index, source] : llvm::enumerate(sources)) {
    auto machine = createTargetMachine(targets[index], options.optLevel);
    if (!machine)
      return machine.takeError();
    std::unique_ptr<llvm::Module> variant;
    if (index > 0) {
      auto translated = translate(source, context, signature, **machine);
      if (!translated)
        return translated.takeError();
      variant = std::move(*translated);
    }
    llvm::Module &code = variant ? *variant : *module;
    makeVariant(code, model, targets, index);
    addAttributes(code, targets[index]);
    optimize(code, **machine, options.optLevel);
    if (variant && llvm::Linker::linkModules(*module, std::move(variant)))
      return llvm::createStringError(
          "the variants of the model cannot be linked");
  }
  addDispatch(*module, model, targets);
  llvm::Expected<bool> linked =
      linkRuntime(*module, signature.threads == "openmp");
  if (!linked)
    return linked.takeError();
  threaded = *linked;
  for (llvm::Function &function : *module)
    if (!function.isDeclaration())
      function.addFnAttr(llvm::Attribute::NoUnwind);
  return llvm::Error::success();
}

/// LLVM's loop strength reduction takes most of the time of code generation on
/// our nests and gives nothing: their addresses fit x86's addressing modes. It
/// can be switched off as a command line option only.
static void disableLoopStrengthReduction() {
  auto &known = llvm::cl::getRegisteredOptions();
  if (auto found = known.find("disable-lsr"); found != known.end())
    static_cast<llvm::cl::opt<bool> *>(found->second)->setValue(true);
}

llvm::Expected<std::unique_ptr<llvm::TargetMachine>>
Codegen::createTargetMachine(const Machine &target, unsigned optLevel) {
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
  std::unique_ptr<llvm::TargetMachine> machine(backend->createTargetMachine(
      triple, target.cpu, target.features, options, llvm::Reloc::PIC_,
      std::nullopt, levels[std::min(optLevel, 3u)]));
  if (!machine)
    return llvm::createStringError("LLVM has no code generator for " +
                                   target.triple);
  return machine;
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

void Codegen::optimize(llvm::Module &code, llvm::TargetMachine &machine,
                       unsigned optLevel) {
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
  llvm::PassBuilder builder(&machine, tuning, std::nullopt, &callbacks);
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
  passes.run(code, modules);
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
                                   targets.front().triple);
  passes.run(*copy);
  return std::string(bytes.begin(), bytes.end());
}
