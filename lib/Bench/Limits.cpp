//===- Limits.cpp - what this machine can do at best ----------------------===//
#include "lamina/Bench/Limits.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/Alignment.h"
#include <chrono>
#include <cstring>

using namespace lamina;

namespace {
constexpr unsigned accumulators = 12; // more than latency times ports
constexpr unsigned unroll = 8;        // vectors per iteration of memory loops
constexpr size_t alignment = 64;

/// Emits the loops into one module.
class LoopBuilder {
public:
  LoopBuilder(llvm::Module &module, const Machine &machine)
      : module(module), machine(machine), builder(module.getContext()),
        lanes(machine.strategy->vectorBytes / 4),
        vector(llvm::FixedVectorType::get(builder.getFloatTy(), lanes)) {}

  /// float NAME(i64 count, ptr from, ptr to): `body` for every index below
  /// `count`, on `state` vectors; gives a sum of them.
  void build(const char *name, unsigned state,
             llvm::function_ref<void(llvm::Value *index,
                                     llvm::MutableArrayRef<llvm::Value *>)>
                 body) {
    llvm::Type *number = builder.getInt64Ty(), *pointer = builder.getPtrTy();
    function = llvm::Function::Create(
        llvm::FunctionType::get(builder.getFloatTy(),
                                {number, pointer, pointer}, false),
        llvm::GlobalValue::ExternalLinkage, name, module);
    function->addFnAttr("target-cpu", machine.cpu);
    function->addFnAttr("target-features", machine.features);
    function->addFnAttr("prefer-vector-width", std::to_string(lanes * 32));
    auto block = [&] {
      return llvm::BasicBlock::Create(module.getContext(), "", function);
    };
    llvm::BasicBlock *entry = block(), *loop = block(), *end = block();
    builder.SetInsertPoint(entry);
    builder.CreateBr(loop);
    builder.SetInsertPoint(loop);
    llvm::PHINode *index = builder.CreatePHI(number, 2);
    index->addIncoming(builder.getInt64(0), entry);
    llvm::SmallVector<llvm::PHINode *> before;
    llvm::SmallVector<llvm::Value *> values;
    for (unsigned i = 0; i < state; ++i) {
      before.push_back(builder.CreatePHI(vector, 2));
      before.back()->addIncoming(llvm::ConstantAggregateZero::get(vector),
                                 entry);
      values.push_back(before.back());
    }
    body(index, values);
    llvm::Value *next = builder.CreateAdd(index, builder.getInt64(1));
    index->addIncoming(next, loop);
    for (auto [phi, value] : llvm::zip_equal(before, values))
      phi->addIncoming(value, loop);
    builder.CreateCondBr(builder.CreateICmpSLT(next, function->getArg(0)), loop,
                         end);
    builder.SetInsertPoint(end);
    llvm::Value *sum = llvm::ConstantAggregateZero::get(vector);
    for (llvm::Value *value : values)
      sum = builder.CreateFAdd(sum, value);
    builder.CreateRet(builder.CreateExtractElement(sum, uint64_t(0)));
  }

  void buildAll() {
    llvm::Value *factor = llvm::ConstantFP::get(vector, 0.999);
    llvm::Value *term = llvm::ConstantFP::get(vector, 0.001);
    build("flops", accumulators, [&](llvm::Value *, auto values) {
      for (llvm::Value *&value : values)
        value =
            machine.strategy->fusedMultiplyAdd
                ? builder.CreateIntrinsic(llvm::Intrinsic::fma, {vector},
                                          {value, factor, term})
                : builder.CreateFAdd(builder.CreateFMul(value, factor), term);
    });
    build("read", unroll, [&](llvm::Value *index, auto values) {
      for (auto [i, value] : llvm::enumerate(values))
        value = builder.CreateFAdd(value, load(index, i));
    });
    build("copy", 0, [&](llvm::Value *index, auto) {
      for (unsigned i = 0; i < unroll; ++i)
        builder.CreateAlignedStore(load(index, i), address(index, i, 2),
                                   llvm::Align(alignment));
    });
  }

private:
  llvm::Module &module;
  const Machine &machine;
  llvm::IRBuilder<> builder;
  unsigned lanes;
  llvm::FixedVectorType *vector;
  llvm::Function *function = nullptr;

  llvm::Value *address(llvm::Value *index, unsigned part, unsigned argument) {
    llvm::Value *offset =
        builder.CreateAdd(builder.CreateMul(index, builder.getInt64(unroll)),
                          builder.getInt64(part));
    return builder.CreateGEP(vector, function->getArg(argument), offset);
  }
  llvm::Value *load(llvm::Value *index, unsigned part) {
    return builder.CreateAlignedLoad(
        vector, address(index, part, 1),
        llvm::Align(machine.strategy->vectorBytes));
  }
};

using Loop = float (*)(int64_t count, const char *from, char *to);

/// Seconds of the fastest of some runs.
double fastest(llvm::function_ref<void()> run) {
  double best = 1e30;
  auto begin = std::chrono::steady_clock::now();
  auto since = [](auto start) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() -
                                         start)
        .count();
  };
  for (int i = 0; i < 5 || (i < 200 && since(begin) < 0.1); ++i) {
    auto start = std::chrono::steady_clock::now();
    run();
    best = std::min(best, since(start));
  }
  return best;
}
} // namespace

struct Limits::State {
  std::unique_ptr<llvm::orc::LLJIT> jit;
  Loop flops = nullptr, read = nullptr, copy = nullptr;
  unsigned vectorBytes = 0;
};

Limits::Limits(std::unique_ptr<State> state) : state(std::move(state)) {}
Limits::~Limits() = default;

llvm::Expected<std::unique_ptr<Limits>> Limits::create(const Machine &machine) {
  auto context = std::make_unique<llvm::LLVMContext>();
  auto module = std::make_unique<llvm::Module>("limits", *context);
  LoopBuilder(*module, machine).buildAll();

  llvm::orc::JITTargetMachineBuilder target{llvm::Triple(machine.triple)};
  target.setCPU(machine.cpu);
  llvm::SmallVector<llvm::StringRef> features;
  llvm::StringRef(machine.features).split(features, ',', -1, false);
  target.addFeatures(
      std::vector<std::string>(features.begin(), features.end()));
  llvm::Expected<std::unique_ptr<llvm::orc::LLJIT>> jit =
      llvm::orc::LLJITBuilder()
          .setJITTargetMachineBuilder(std::move(target))
          .create();
  if (!jit)
    return jit.takeError();
  module->setDataLayout((*jit)->getDataLayout());
  if (llvm::Error error = (*jit)->addIRModule(
          {std::move(module),
           llvm::orc::ThreadSafeContext(std::move(context))}))
    return std::move(error);

  auto state = std::make_unique<State>();
  state->vectorBytes = machine.strategy->vectorBytes;
  for (auto [name, loop] : {std::pair{"flops", &state->flops},
                            {"read", &state->read},
                            {"copy", &state->copy}}) {
    llvm::Expected<llvm::orc::ExecutorAddr> address = (*jit)->lookup(name);
    if (!address)
      return address.takeError();
    *loop = address->toPtr<Loop>();
  }
  state->jit = std::move(*jit);
  return std::unique_ptr<Limits>(new Limits(std::move(state)));
}

double Limits::measureFlops() {
  constexpr int64_t count = 100000;
  double seconds = fastest([&] { state->flops(count, nullptr, nullptr); });
  return 2.0 * accumulators * (state->vectorBytes / 4) * count / seconds;
}

double Limits::measureBandwidth(size_t bytes) {
  size_t step = size_t(unroll) * state->vectorBytes;
  int64_t count = std::max<int64_t>(1, bytes / step);
  std::vector<char> memory(count * step + alignment);
  auto address = reinterpret_cast<uintptr_t>(memory.data());
  char *begin = memory.data() + (llvm::alignTo(address, alignment) - address);
  // A run shall last longer than the clock takes to be read.
  int64_t repeats = std::max<int64_t>(1, (1 << 18) / (count * step));
  double read = fastest([&] {
    for (int64_t i = 0; i < repeats; ++i)
      state->read(count, begin, nullptr);
  });
  double best = count * step * repeats / read;
  if (int64_t half = count / 2) {
    double copy = fastest([&] {
      for (int64_t i = 0; i < repeats; ++i)
        state->copy(half, begin, begin + half * step);
    });
    best = std::max(best, 2.0 * half * step * repeats / copy);
  }
  return best;
}
