//===- Measure.cpp - how long calls of compiled code take -----------------===//
#include "lamina/Bench/Measure.h"
#include "lamina/Transforms/Abi.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/Support/Alignment.h"
#include "llvm/Support/MathExtras.h"
#include <chrono>
#include <cstring>

using namespace lamina;

namespace {
using Packed = int(const uint64_t *);
using PackedSize = size_t(const uint64_t *);

/// The dimensions of a tensor whose unknown sizes are given.
llvm::Expected<llvm::SmallVector<int64_t>>
shapeOf(const TensorSignature &tensor, const llvm::StringMap<int64_t> &sizes) {
  llvm::SmallVector<int64_t> shape;
  for (const std::string &dim : tensor.dims) {
    int64_t size;
    if (llvm::StringRef(dim).getAsInteger(10, size)) {
      auto known = sizes.find(dim);
      if (known == sizes.end())
        return llvm::createStringError(tensor.role + " '" + tensor.name +
                                       "' has the size '" + dim +
                                       "', which no argument gives");
      size = known->second;
    }
    shape.push_back(size);
  }
  return shape;
}
} // namespace

void lamina::fillTypical(NDArray &array, CheckRandom &random) {
  for (int64_t i = 0; i < array.size(); ++i)
    if (isFloat(array.dtype()))
      array.setDouble(i, random.uniform(0.1, 1));
    else
      array.setInt(i, random.integer(0, 1));
}

char *PreparedCall::allocate(size_t bytes) {
  constexpr size_t line = 64;
  std::vector<char> &block = memory.emplace_back(bytes + line);
  auto address = reinterpret_cast<uintptr_t>(block.data());
  return block.data() + (llvm::alignTo(address, line) - address);
}

char *PreparedCall::copy(const NDArray &array) {
  char *place = allocate(array.bytes());
  std::memcpy(place, array.data(), array.bytes());
  return place;
}

llvm::Expected<std::unique_ptr<PreparedCall>>
PreparedCall::create(CompiledModel &model, const EntryPoint &entry,
                     const llvm::StringMap<int64_t> &sizes, Fill fill) {
  const Signature &signature = model.signature();
  std::unique_ptr<PreparedCall> call(new PreparedCall);
  std::vector<int64_t> known;
  for (const std::string &symbol : entry.symbols)
    known.push_back(sizes.lookup(symbol));
  auto shapes = model.resultShapes(entry, known);
  if (!shapes)
    return shapes.takeError();

  llvm::DenseMap<const TensorSignature *, void *> places;
  llvm::StringMap<llvm::ArrayRef<int64_t>> outputs;
  call->gradients.resize(signature.weights.size());
  for (auto [result, shape] : llvm::zip_equal(entry.results, *shapes)) {
    char *place = call->copy(NDArray(result.dtype, shape));
    places[&result] = place;
    if (inStruct(result))
      call->gradients[Signature::position(signature.weights, result.of)] =
          place;
    else
      outputs[result.name] = shape;
  }
  for (const TensorSignature &argument : entry.arguments) {
    if (inStruct(argument))
      continue;
    llvm::SmallVector<int64_t> shape;
    if (argument.role == "cotangent") {
      shape = llvm::to_vector(outputs.lookup(argument.of));
    } else {
      auto sized = shapeOf(argument, sizes);
      if (!sized)
        return sized.takeError();
      shape = std::move(*sized);
    }
    NDArray array(argument.dtype, shape);
    fill(argument, array);
    places[&argument] = call->copy(array);
  }
  if (!entry.updates.empty()) {
    llvm::Expected<TrainingState> state = model.initialState();
    if (!state)
      return state.takeError();
    for (const NDArray &array : state->weights)
      call->weights.push_back(call->copy(array));
    for (const NDArray &array : state->optimizer)
      call->optimizer.push_back(call->copy(array));
  }

  std::string symbol = symbolName(signature, entry);
  auto function = model.lookup(symbol + "_packed");
  if (!function)
    return function.takeError();
  call->function = reinterpret_cast<Packed *>(*function);
  auto scratchSize = model.lookup(symbol + "_scratch_packed");
  if (!scratchSize)
    return scratchSize.takeError();
  std::vector<uint64_t> numbers(known.begin(), known.end());
  numbers.push_back(0); // of threads: as compiled
  size_t bytes = reinterpret_cast<PackedSize *>(*scratchSize)(numbers.data());
  void *scratch = bytes ? call->allocate(bytes) : nullptr;

  size_t next = 0;
  auto pass = [&](const void *pointer) {
    call->words.push_back(reinterpret_cast<uintptr_t>(pointer));
  };
  auto passTable = [&](const std::vector<const void *> &table) {
    pass(table.empty() ? nullptr : table.data());
  };
  for (const AbiArgument &argument : abiArguments(entry)) {
    if (argument.role == "seed")
      call->words.push_back(1);
    else if (argument.tensor)
      pass(places[argument.tensor]);
    else if (argument.role == "batch" || argument.role == "dimension")
      call->words.push_back(known[next++]);
    else if (argument.role == "weights")
      passTable(call->weights); // none: those in the object
    else if (argument.role == "optimizer")
      passTable(call->optimizer);
    else if (argument.role == "gradients")
      passTable(call->gradients);
    else if (argument.role == "scratch")
      pass(scratch);
    else
      call->words.push_back(0);
  }
  return std::move(call);
}

//===----------------------------------------------------------------------===//
// Time
//===----------------------------------------------------------------------===//

llvm::Expected<Latency> lamina::measure(llvm::function_ref<int()> call,
                                        const Effort &effort) {
  using Clock = std::chrono::steady_clock;
  auto since = [](Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
  };
  constexpr double shortest = 2e-6; // of a sample
  int code = 0;
  int64_t calls = 1;
  auto sample = [&] {
    auto start = Clock::now();
    for (int64_t i = 0; i < calls && !code; ++i)
      code = call();
    return since(start);
  };
  auto start = Clock::now();
  for (int i = 0; !code && (i < 3 || (i < 200 && since(start) < 0.1)); ++i)
    if (sample() < shortest)
      calls *= 2;

  std::vector<double> times;
  start = Clock::now();
  auto isEnough = [&] {
    if (effort.samples)
      return int64_t(times.size()) >= *effort.samples;
    return times.size() >= 8 && since(start) >= effort.seconds;
  };
  while (!code && !isEnough())
    times.push_back(sample() / calls);
  if (code)
    return llvm::createStringError(errorCodes[code].text);
  llvm::sort(times);
  Latency latency;
  latency.samples = times.size();
  latency.calls = calls;
  latency.min = times.front();
  latency.median = times[times.size() / 2];
  latency.p99 =
      times[std::min<size_t>(times.size() - 1, times.size() * 99 / 100)];
  return latency;
}
