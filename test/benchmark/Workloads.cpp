//===- Workloads.cpp - every entry point of every workload, timed ---------===//
//
// `lamina-benchmark --benchmark_filter=W6` compiles what it measures in
// process, for the machine it runs on, with the batch fixed.
//
//===----------------------------------------------------------------------===//

#include "lamina/Bench/Measure.h"
#include "lamina/Bench/Work.h"
#include "lamina/Frontend/ModelModule.h"
#include "lamina/Frontend/Parser.h"
#include "lamina/Pipelines/Stages.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"
#include <benchmark/benchmark.h>

using namespace lamina;

namespace {
struct Workload {
  const char *name, *model;
  std::vector<int64_t> batches;
  std::vector<const char *> entries;
};

/// A workload compiled for one entry point.
class Compiled {
public:
  Compiled(const Workload &workload, int64_t batch, const std::string &entry)
      : evaluator((frontend::loadDialects(context), context), diagnostics) {
    error = build(workload, batch, entry);
    if (!error.empty())
      diagnostics.print(llvm::errs(), Diagnostics::Format::Text, false);
  }

  std::unique_ptr<PreparedCall> call;
  std::optional<Work> work;
  std::string error;

private:
  mlir::MLIRContext context{stageDialects(),
                            mlir::MLIRContext::Threading::DISABLED};
  Diagnostics diagnostics;
  ast::ASTContext trees;
  frontend::Evaluator evaluator;
  std::unique_ptr<CompiledModel> model;

  std::string build(const Workload &workload, int64_t batch,
                    const std::string &entry) {
    std::string path = std::string(LAMINA_MODELS "/") + workload.model + ".lam";
    auto text = llvm::MemoryBuffer::getFile(path);
    if (!text)
      return path + ": " + text.getError().message();
    unsigned id = diagnostics.addBuffer((*text)->getBuffer().str(), path);
    ast::Module *program = parseModule(id, trees, diagnostics);
    if (!program)
      return "the program does not parse";
    frontend::setBatch(evaluator, batch);
    if (failed(evaluator.run(*program)))
      return "the program fails";
    auto module = frontend::buildModelModule(
        evaluator, "", {/*entries=*/entry == "train_step", false});
    Options options;
    options.entries = {entry};
    auto lower = [&](llvm::StringRef stage) {
      return succeeded(
          runStages(*module, detectStage(*module), *findStage(stage), options));
    };
    if (!module || !lower("grad"))
      return "the model does not compile";
    if (auto function = module->lookupSymbol<mlir::func::FuncOp>(entry))
      work = countWork(function);
    if (!lower("llvm-mlir"))
      return "the model does not compile";
    auto compiled = CompiledModel::create(*module, options);
    if (!compiled)
      return llvm::toString(compiled.takeError());
    model = std::move(*compiled);
    for (const EntryPoint &point : model->signature().entries) {
      if (point.name != entry)
        continue;
      CheckRandom random(0);
      auto prepared = PreparedCall::create(
          *model, point, {}, [&](const TensorSignature &, NDArray &array) {
            fillTypical(array, random);
          });
      if (!prepared)
        return llvm::toString(prepared.takeError());
      call = std::move(*prepared);
      return "";
    }
    return "there is no entry point " + entry;
  }
};

void measureEntry(benchmark::State &state, const Workload &workload,
                  int64_t batch, const std::string &entry) {
  Compiled compiled(workload, batch, entry);
  if (!compiled.error.empty())
    return state.SkipWithError(compiled.error.c_str());
  for (auto _ : state)
    if ((*compiled.call)()) {
      state.SkipWithError("the call fails");
      break;
    }
  state.SetItemsProcessed(state.iterations() * batch);
  if (!compiled.work)
    return;
  state.SetBytesProcessed(state.iterations() * int64_t(compiled.work->bytes));
  if (compiled.work->flops > 0)
    state.counters["FLOP/s"] = benchmark::Counter(
        compiled.work->flops, benchmark::Counter::kIsIterationInvariantRate);
}
} // namespace

int main(int argc, char **argv) {
  const Workload workloads[] = {
      {"W1", "w1", {1024}, {"forward", "vjp"}},
      {"W1_small", "w1_small", {64}, {"forward", "vjp"}},
      {"W2", "w2", {32, 4096}, {"forward", "train_step"}},
      {"W3", "w3", {32}, {"forward", "train_step"}},
      {"W4", "w4", {4096}, {"forward", "vjp"}},
      {"W5", "w5", {1024}, {"forward", "vjp"}},
      {"W6", "w6", {1, 32, 128, 1024}, {"forward", "train_step"}},
      {"W7_softmax", "w7_softmax", {4096}, {"forward", "vjp"}},
      {"W7_layernorm", "w7_layernorm", {4096}, {"forward", "vjp"}},
      {"W8", "w8", {8}, {"forward", "vjp"}},
      {"W9", "w9", {512}, {"forward", "vjp"}},
  };
  for (const Workload &workload : workloads)
    for (int64_t batch : workload.batches)
      for (std::string entry : workload.entries)
        benchmark::RegisterBenchmark(
            (std::string(workload.name) + "/" + entry + "/" +
             std::to_string(batch))
                .c_str(),
            [&workload, batch, entry](benchmark::State &state) {
              measureEntry(state, workload, batch, entry);
            })
            ->Unit(benchmark::kMicrosecond);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv))
    return 1;
  benchmark::RunSpecifiedBenchmarks();
}
