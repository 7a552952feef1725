//===- Stages.cpp - the way from a model to LLVM, as a table --------------===//
#include "lamina/Pipelines/Stages.h"
#include "DumpIR.h"
#include "lamina/Gpu/Target.h"
#include "lamina/Transforms/Machine.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Pass/Pass.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Support/Timing.h"
#include "llvm/ADT/SmallSet.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/TimeProfiler.h"

using namespace mlir;
using namespace lamina;

// clang-format off
static constexpr Stage stages[] = {
    {"model", "layers, weights, inputs and outputs of a model",
     "builtin model lam func arith tensor",
     ""},

    {"lam", "one function of tensor expressions per entry point",
     "builtin lam func arith tensor",
     "convert-model-to-lam{seed=$seed},lam-select-entries{entries=$entries},canonicalize,cse"},

    {"grad", "the same without derivative operators",
     "builtin lam func arith tensor",
     "lam-differentiate,canonicalize,cse,lam-split-residuals{explain=$explain},canonicalize,cse"},

    {"linalg", "structured loops over tensors, without lam",
     "builtin linalg tensor arith math scf func affine",
     "lamina-record-signature,convert-lam-to-linalg,canonicalize,cse"},

    {"kernels", "fused and tiled loops over tensors",
     "builtin linalg tensor arith math scf func affine bufferization",
     "lamina-record-signature,lamina-add-size-functions,"
     "func.func(convert-elementwise-to-linalg),"
     "lamina-storage-types,lamina-widen-floats,"
     "func.func(lamina-fuse-elementwise,canonicalize,cse,"
     "lamina-fuse-loops{strategy=$strategy},canonicalize,cse)"},

    {"bufferized", "the same on the caller's buffers and one scratch buffer",
     "builtin linalg memref arith math scf func affine",
     "lamina-results-to-arguments,eliminate-empty-tensors,"
     "func.func(lamina-carry-in-place,lamina-read-in-place),empty-tensor-to-alloc-tensor,"
     "one-shot-bufferize{bufferize-function-boundaries "
     "function-boundary-type-conversion=identity-layout-map "
     "allow-return-allocs-from-loops},"
     "func.func(fold-memref-alias-ops,canonicalize,cse,lamina-merge-loops,canonicalize,cse),"
     "cpu(lamina-outline-products{strategy=$strategy},"
     "lamina-plan-scratch{strategy=$strategy threads=$threads}),"
     "func.func(canonicalize,cse,lamina-copies-to-linalg)"},

    {"gpu", "launches of kernels, and the kernels as functions",
     "builtin gpu nvgpu nvvm llvm linalg memref arith math scf func affine vector",
     "gpu(lamina-map-to-gpu{architecture=$oldest tf32=$tf32 matmul=$matmul},func.func(canonicalize,cse),"
     "lamina-plan-scratch{strategy=$strategy stack=false},canonicalize,cse,"
     "lamina-outline-kernels,canonicalize,cse)"},

    {"nvvm", "the kernels in the dialects of LLVM and its NVPTX target",
     "builtin gpu nvvm llvm memref arith scf func affine",
     "gpu(gpu.module(convert-linalg-to-loops,lower-affine,canonicalize,cse),"
     "lamina-expand-math{ldexp=false fma=true},lamina-expand-arith{half=true},"
     "gpu.module(lamina-expand-remainder,expand-strided-metadata,lower-affine,convert-scf-to-cf,canonicalize,cse,"
     "convert-nvgpu-to-nvvm,convert-math-to-llvm,convert-arith-to-llvm,convert-gpu-to-nvvm,convert-to-llvm,reconcile-unrealized-casts,canonicalize,cse))"},

    {"llvm-mlir", "vectorized code with C entry points in the llvm dialect",
     "builtin llvm",
     "cpu(func.func($names lamina-vectorize{strategy=$strategy},convert-linalg-to-loops),"
     "$profile lamina-outline-parallel,lamina-emit-gemm{strategy=$strategy},"
     "lamina-split-masked-stores{strategy=$strategy}),"
     "gpu(lamina-embed-kernels{chips=$chips},lamina-launch-kernels),"
     "lower-affine,canonicalize,cse,"
     "lamina-expand-math{ldexp=$ldexp fma=$fma},lamina-expand-arith{half=$half},"
     "lamina-emit-abi,"
     "func.func(lower-vector-mask,convert-vector-to-scf{full-unroll=true}),"
     "expand-strided-metadata,lower-affine,convert-scf-to-cf,canonicalize,cse,"
     "convert-vector-to-llvm,convert-to-llvm,"
     "reconcile-unrealized-casts,cse"},
};
// clang-format on

ArrayRef<Stage> lamina::stageTable() { return stages; }

std::optional<unsigned> lamina::findStage(StringRef name) {
  for (auto [index, stage] : llvm::enumerate(stages))
    if (name == stage.name)
      return index;
  return std::nullopt;
}

/// Whether some value of a function is a memref.
static bool usesBuffers(ModuleOp module) {
  return module
      .walk([](Operation *op) {
        for (Region &region : op->getRegions())
          for (Block &block : region)
            if (llvm::any_of(block.getArgumentTypes(),
                             llvm::IsaPred<BaseMemRefType>))
              return WalkResult::interrupt();
        return llvm::any_of(op->getResultTypes(), llvm::IsaPred<BaseMemRefType>)
                   ? WalkResult::interrupt()
                   : WalkResult::advance();
      })
      .wasInterrupted();
}

unsigned lamina::detectStage(ModuleOp module) {
  if (auto name = module->getAttrOfType<StringAttr>("lamina.stage"))
    if (std::optional<unsigned> stage = findStage(name.getValue()))
      return *stage;
  llvm::StringSet<llvm::MallocAllocator> dialects;
  module.walk([&](Operation *op) {
    dialects.insert(op->getName().getDialectNamespace());
  });
  if (dialects.contains("model"))
    return *findStage("model");
  if (dialects.contains("lam"))
    return *findStage("lam");
  if (dialects.contains("llvm"))
    return *findStage("llvm-mlir");
  if (usesBuffers(module))
    return *findStage("bufferized");
  return *findStage("linalg");
}

/// Every op that the stage should have removed is an error.
static LogicalResult checkContract(ModuleOp module, const Stage &stage) {
  SmallVector<StringRef> legal;
  StringRef(stage.dialects).split(legal, ' ');
  unsigned errors = 0;
  module.walk([&](Operation *op) {
    if (llvm::is_contained(legal, op->getName().getDialectNamespace()) ||
        ++errors > 10)
      return;
    op->emitError() << "'" << op->getName() << "' is left after stage '"
                    << stage.name << "', which ends with " << stage.dialects
                    << " only";
  });
  return success(errors == 0);
}

namespace {
/// Records every pass in LLVM's time trace.
struct TraceTime : PassInstrumentation {
  void runBeforePass(Pass *pass, Operation *op) override {
    auto symbol = op->getAttrOfType<StringAttr>("sym_name");
    bool isNamed = !pass->getArgument().empty(); // adaptors are not
    llvm::timeTraceProfilerBegin(isNamed ? pass->getArgument()
                                         : pass->getName(),
                                 symbol ? symbol.getValue() : "");
  }
  void runAfterPass(Pass *, Operation *) override {
    llvm::timeTraceProfilerEnd();
  }
  void runAfterPassFailed(Pass *, Operation *) override {
    llvm::timeTraceProfilerEnd();
  }
};
} // namespace

/// Of parts "cpu(PASSES)" and "gpu(PASSES)" of a pipeline, keeps the passes of
/// those for `kept`.
static std::string selectParts(StringRef text, StringRef kept) {
  std::string result;
  while (!text.empty()) {
    size_t at = std::min(text.find("cpu("), text.find("gpu("));
    result += text.take_front(at);
    if (at == StringRef::npos)
      break;
    StringRef kind = text.substr(at, 3);
    text = text.drop_front(at + 4);
    size_t end = 0;
    for (int depth = 1; depth != 0; ++end)
      depth += (text[end] == '(') - (text[end] == ')');
    if (kind == kept)
      result += text.take_front(end - 1);
    text = text.drop_front(end);
    if (kind != kept)
      text.consume_front(",");
  }
  return result;
}

std::string lamina::expandPipeline(const Stage &stage, const Machine &machine,
                                   const Options &options) {
  CompileTarget target = llvm::cantFail(parseTarget(options.target));
  std::string text =
      selectParts(stage.pipeline, target.isGpu() ? "gpu" : "cpu");
  auto replace = [&](StringRef name, StringRef value) {
    for (size_t at; (at = text.find(name)) != std::string::npos;)
      text.replace(at, name.size(), value);
  };
  bool avx512 = machine.strategy->vectorBytes == 64;
  replace("$strategy", target.isGpu() ? "gpu" : machine.strategy->name);
  replace("$tf32", target.tf32 ? "true" : "false");
  replace("$matmul", options.gpuMatmul);
  replace("$oldest", std::to_string(target.oldest()));
  replace("$chips", llvm::join(target.chips, ","));
  replace("$entries", llvm::join(options.entries, ","));
  replace("$explain", options.explainResiduals ? "true" : "false");
  replace("$threads", options.threads);
  replace("$names ", options.profile ? "lamina-name-kernels," : "");
  replace("$profile ", options.profile ? "lamina-profile-kernels," : "");
  replace("$seed", std::to_string(options.seed));
  replace("$half", machine.hasHalfConversions ? "false" : "true");
  replace("$fma", machine.strategy->fusedMultiplyAdd ? "true" : "false");
  replace("$ldexp", avx512 ? "true" : "false");
  return text;
}

LogicalResult
lamina::runStages(ModuleOp module, unsigned from, unsigned to,
                  const Options &options,
                  function_ref<LogicalResult(const Stage &)> reached) {
  registerStagePasses();
  llvm::Expected<Machine> machine = machineFor(options.mcpu);
  if (!machine)
    return module.emitError(llvm::toString(machine.takeError()));
  llvm::Expected<CompileTarget> target = parseTarget(options.target);
  if (!target)
    return module.emitError(llvm::toString(target.takeError()));
  // Who shares work is decided where temporaries are placed.
  auto planned = module->getAttrOfType<StringAttr>("lamina.threads");
  if (from >= *findStage("bufferized") && !options.threads.empty() &&
      options.threads != (planned ? planned.getValue() : ""))
    return module.emitError("the module was made with --threads=")
           << (planned ? planned.getValue() : "none")
           << "; it cannot be changed behind stage 'kernels'";
  std::unique_ptr<IRDump> dump;
  if (!options.dumpDir.empty()) {
    module.getContext()->disableMultithreading(); // files are numbered in order
    dump = std::make_unique<IRDump>(options.dumpDir, *options.dumped);
  }
  DefaultTimingManager timing;
  timing.setEnabled(options.timePasses);
  TimingScope root = timing.getRootScope();

  for (const Stage &stage :
       stageTable().slice(from + 1, to > from ? to - from : 0)) {
    llvm::TimeTraceScope trace("stage", stage.name);
    TimingScope scope = root.nest(stage.name);
    PassManager passes(module.getContext(), ModuleOp::getOperationName());
    // Once per stage; behind every pass it takes a sixth of compilation.
    passes.enableVerifier(dump != nullptr);
    passes.enableTiming(scope);
    std::string pipeline = expandPipeline(stage, *machine, options);
    if (pipeline.empty() && *stage.pipeline)
      continue; // of another target
    if (failed(parsePassPipeline(pipeline, passes)))
      return module.emitError("the pipeline of stage '")
             << stage.name << "' does not parse";
    if (dump)
      passes.addInstrumentation(dump->instrumentation(stage.name));
    if (llvm::timeTraceProfilerEnabled())
      passes.addInstrumentation(std::make_unique<TraceTime>());
    if (failed(passes.run(module)) || failed(verify(module)))
      return failure();
    module->setAttr("lamina.stage",
                    StringAttr::get(module.getContext(), stage.name));
    if (failed(checkContract(module, stage)))
      return failure();
    if (dump && failed(dump->stage(module, stage.name)))
      return failure();
    if (reached && failed(reached(stage)))
      return failure();
  }
  return success();
}
