//===- ResidentState.cpp - a model's state on the CUDA device -------------===//
#include "lamina/Target/ResidentState.h"
#include "CompiledCall.h"
#include "CudaDevice.h"
#include <cstring>
#include <map>

using namespace lamina;

/// Calls with different sizes that are remembered at once.
static constexpr size_t maxPlans = 16;

namespace {
/// An array that is passed to the device or comes from there.
struct Passed {
  const TensorSignature *tensor;
  CudaMemory host, device;
};

/// What calls of one entry point with the same sizes share.
struct Plan {
  std::vector<Passed> inputs, results;
  std::unique_ptr<CompiledCall> call; // has what the words point to
  std::vector<uint64_t> words;        // of the C call
  CudaMemory scratch;
  bool wasRun = false; // kernels are loaded, and can be captured
  void *graph = nullptr;
};
} // namespace

struct ResidentState::State {
  explicit State(CompiledModel &model, std::unique_ptr<CudaDevice> device)
      : model(model), device(std::move(device)) {}
  ~State() { clear(); }

  CompiledModel &model;
  std::unique_ptr<CudaDevice> device;
  std::vector<CudaMemory> weights, optimizer;
  std::map<std::pair<std::string, std::vector<int64_t>>, Plan> plans;
  std::string captureProblem;

  void clear() {
    device->synchronize(device->stream);
    for (auto &[key, plan] : plans)
      if (plan.graph)
        device->destroyExecutable(plan.graph);
    plans.clear();
  }

  llvm::Error store(llvm::ArrayRef<NDArray> arrays,
                    std::vector<CudaMemory> &to);
  llvm::Error fetch(std::vector<NDArray> &arrays,
                    const std::vector<CudaMemory> &from);
  llvm::Expected<Plan> makePlan(const EntryPoint &entry, CompiledCall &call,
                                llvm::ArrayRef<NDArray> inputs);
  llvm::Error enqueue(const EntryPoint &entry, Plan &plan);
  llvm::Error capture(const EntryPoint &entry, Plan &plan);
};

ResidentState::ResidentState(std::unique_ptr<State> state)
    : state(std::move(state)) {}
ResidentState::~ResidentState() = default;
const std::string &ResidentState::captureProblem() const {
  return state->captureProblem;
}

llvm::Expected<std::unique_ptr<ResidentState>>
ResidentState::create(CompiledModel &model) {
  llvm::Expected<std::unique_ptr<CudaDevice>> device = CudaDevice::open();
  if (!device)
    return device.takeError();
  return std::unique_ptr<ResidentState>(
      new ResidentState(std::make_unique<State>(model, std::move(*device))));
}

llvm::Error ResidentState::State::store(llvm::ArrayRef<NDArray> arrays,
                                        std::vector<CudaMemory> &to) {
  for (auto [index, array] : llvm::enumerate(arrays)) {
    if (index == to.size()) {
      llvm::Expected<CudaMemory> memory =
          CudaMemory::onDevice(*device, array.bytes());
      if (!memory)
        return memory.takeError();
      to.push_back(std::move(*memory));
    }
    if (array.bytes() != 0)
      if (llvm::Error error =
              device->check(device->copyIn(to[index].number(), array.data(),
                                           array.bytes(), device->stream),
                            "copy to the device"))
        return error;
  }
  return device->check(device->synchronize(device->stream), "copy");
}

llvm::Error ResidentState::State::fetch(std::vector<NDArray> &arrays,
                                        const std::vector<CudaMemory> &from) {
  for (auto [array, memory] : llvm::zip_equal(arrays, from))
    if (array.bytes() != 0)
      if (llvm::Error error =
              device->check(device->copyOut(array.data(), memory.number(),
                                            array.bytes(), device->stream),
                            "copy to the host"))
        return error;
  return device->check(device->synchronize(device->stream), "copy");
}

llvm::Error ResidentState::store(const TrainingState &arrays) {
  if (llvm::Error error = state->store(arrays.weights, state->weights))
    return error;
  return state->store(arrays.optimizer, state->optimizer);
}

llvm::Error ResidentState::fetch(TrainingState &arrays) {
  if (llvm::Error error = state->fetch(arrays.weights, state->weights))
    return error;
  return state->fetch(arrays.optimizer, state->optimizer);
}

llvm::Expected<Plan>
ResidentState::State::makePlan(const EntryPoint &entry, CompiledCall &call,
                               llvm::ArrayRef<NDArray> inputs) {
  auto scratchBytes =
      model.lookup(symbolName(model.signature(), entry) + "_scratch_packed");
  if (!scratchBytes)
    return scratchBytes.takeError();
  std::vector<int64_t> sizes = call.knownSizes();
  size_t bytes = reinterpret_cast<size_t (*)(const int64_t *)>(*scratchBytes)(
      sizes.data());
  llvm::Expected<CudaMemory> scratch = CudaMemory::onDevice(*device, bytes);
  if (!scratch)
    return scratch.takeError();
  Plan plan{{}, {}, {}, {}, std::move(*scratch)};
  auto add = [&](std::vector<Passed> &list, const TensorSignature &tensor,
                 const NDArray &array) -> llvm::Error {
    llvm::Expected<CudaMemory> host =
        CudaMemory::pinned(*device, array.bytes());
    if (!host)
      return host.takeError();
    llvm::Expected<CudaMemory> there =
        CudaMemory::onDevice(*device, array.bytes());
    if (!there)
      return there.takeError();
    call.addressOf(tensor) = there->get();
    list.push_back({&tensor, std::move(*host), std::move(*there)});
    return llvm::Error::success();
  };
  size_t next = 0;
  for (const TensorSignature &argument : entry.arguments)
    if (!inStruct(argument))
      if (llvm::Error error = add(plan.inputs, argument, inputs[next++]))
        return std::move(error);
  for (auto [result, array] : llvm::zip_equal(entry.results, call.results))
    if (llvm::Error error = add(plan.results, result, array))
      return std::move(error);
  auto pointers = [](const std::vector<CudaMemory> &from) {
    std::vector<const void *> result;
    for (const CudaMemory &memory : from)
      result.push_back(memory.get());
    return result;
  };
  call.structOf("weights") = pointers(weights);
  call.structOf("optimizer") = pointers(optimizer);
  plan.words =
      call.words(/*onDevice=*/true, device->stream, plan.scratch.get());
  return std::move(plan);
}

/// Puts everything that a call does into the stream.
llvm::Error ResidentState::State::enqueue(const EntryPoint &entry, Plan &plan) {
  auto function =
      model.lookup(symbolName(model.signature(), entry) + "_cuda_packed");
  if (!function)
    return function.takeError();
  for (Passed &input : plan.inputs)
    if (input.host.size() != 0)
      if (llvm::Error error = device->check(
              device->copyIn(input.device.number(), input.host.get(),
                             input.host.size(), device->stream),
              "copy to the device"))
        return error;
  if (int code = reinterpret_cast<int (*)(const uint64_t *)>(*function)(
          plan.words.data()))
    return llvm::createStringError(
        "'" + entry.name +
        "' failed: " + errorText(model.signature(), errorCodes[code]));
  for (Passed &result : plan.results)
    if (result.host.size() != 0)
      if (llvm::Error error = device->check(
              device->copyOut(result.host.get(), result.device.number(),
                              result.host.size(), device->stream),
              "copy to the host"))
        return error;
  return llvm::Error::success();
}

/// Makes the graph of a plan.
llvm::Error ResidentState::State::capture(const EntryPoint &entry, Plan &plan) {
  constexpr int relaxed = 2; // other threads may do what they want
  if (llvm::Error error = device->check(
          device->beginCapture(device->stream, relaxed), "begin a capture"))
    return error;
  llvm::Error error = enqueue(entry, plan);
  void *graph = nullptr;
  llvm::Error ended = device->check(device->endCapture(device->stream, &graph),
                                    "end the capture");
  if (error) {
    llvm::consumeError(std::move(error));
    llvm::consumeError(std::move(ended));
    return llvm::createStringError(
        "'" + entry.name +
        "' waits for the device while it runs, as a while loop does to know "
        "whether it goes on");
  }
  error = std::move(ended);
  if (!error)
    error = device->check(device->instantiate(&plan.graph, graph, 0),
                          "make a graph");
  if (graph)
    device->destroyGraph(graph);
  return error;
}

llvm::Expected<std::vector<NDArray>>
ResidentState::run(llvm::StringRef name, llvm::ArrayRef<NDArray> inputs) {
  llvm::Expected<const EntryPoint *> found = state->model.findEntry(name);
  if (!found)
    return found.takeError();
  const EntryPoint &entry = **found;
  auto call = std::make_unique<CompiledCall>(state->model, entry);
  if (llvm::Error error = call->bindInputs(inputs))
    return std::move(error);
  if (llvm::Error error = call->makeResults())
    return std::move(error);
  std::pair key(entry.name, call->knownSizes());
  auto known = state->plans.find(key);
  if (known == state->plans.end()) {
    if (state->plans.size() == maxPlans)
      state->clear();
    llvm::Expected<Plan> plan = state->makePlan(entry, *call, inputs);
    if (!plan)
      return plan.takeError();
    known = state->plans.emplace(std::move(key), std::move(*plan)).first;
  }
  Plan &plan = known->second;
  std::vector<NDArray> results = std::move(call->results);
  if (!plan.call)
    plan.call = std::move(call);
  for (auto [passed, array] : llvm::zip_equal(plan.inputs, inputs))
    if (array.bytes() != 0)
      std::memcpy(passed.host.get(), array.data(), array.bytes());

  CudaDevice &device = *state->device;
  if (plan.wasRun && !plan.graph && state->captureProblem.empty())
    if (llvm::Error error = state->capture(entry, plan))
      state->captureProblem = llvm::toString(std::move(error));
  plan.wasRun = true;
  if (llvm::Error error =
          plan.graph
              ? device.check(device.launchGraph(plan.graph, device.stream),
                             "launch a graph")
              : state->enqueue(entry, plan))
    return std::move(error);
  if (llvm::Error error =
          device.check(device.synchronize(device.stream), "run the kernels"))
    return std::move(error);
  for (auto [passed, array] : llvm::zip_equal(plan.results, results))
    if (array.bytes() != 0)
      std::memcpy(array.data(), passed.host.get(), array.bytes());
  return results;
}
