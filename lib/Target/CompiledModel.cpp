//===- CompiledModel.cpp - compiled code called in process ----------------===//
#include "lamina/Target/CompiledModel.h"
#include "Codegen.h"
#include "CompiledCall.h"
#include "lamina/Transforms/Abi.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/Support/DynamicLibrary.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/TimeProfiler.h"

using namespace lamina;

struct CompiledModel::State {
  Signature signature;
  std::unique_ptr<llvm::orc::LLJIT> jit;
  bool threaded = false;

  /// The threads run code that goes away.
  ~State() {
    if (!threaded)
      return;
    if (auto stop = find<void()>(identifier(signature.model) + "_stop"))
      (*stop)();
    else
      llvm::consumeError(stop.takeError());
  }

  llvm::Expected<std::vector<llvm::SmallVector<int64_t>>>
  resultShapes(const EntryPoint &entry, llvm::ArrayRef<int64_t> symbols);

  template <typename Function>
  llvm::Expected<Function *> find(const std::string &symbol) {
    llvm::Expected<llvm::orc::ExecutorAddr> address = jit->lookup(symbol);
    if (!address)
      return address.takeError();
    return address->toPtr<Function *>();
  }
};

/// Makes the symbols of an OpenMP runtime known to this process.
static llvm::Error loadOpenMP() {
  for (const char *name :
       {"libomp.so.5", "libomp.so", "libgomp.so.1", "libgomp.so"})
    if (!llvm::sys::DynamicLibrary::LoadLibraryPermanently(name))
      return llvm::Error::success();
  return llvm::createStringError(
      "--threads=openmp needs libgomp or libomp, and neither can be loaded");
}

CompiledModel::CompiledModel(std::unique_ptr<State> state)
    : state(std::move(state)) {}
CompiledModel::~CompiledModel() = default;
const Signature &CompiledModel::signature() const { return state->signature; }

llvm::Expected<std::unique_ptr<CompiledModel>>
CompiledModel::create(mlir::ModuleOp module, const Options &options) {
  mlir::FailureOr<Signature> signature = readSignature(module);
  if (failed(signature))
    return llvm::createStringError(
        "the module does not describe its entry points");
  auto state = std::make_unique<State>();
  state->signature = std::move(*signature);
  llvm::Expected<std::unique_ptr<Codegen>> code =
      Codegen::create(module, options, state->signature, /*packed=*/true);
  if (!code)
    return code.takeError();
  if ((*code)->isThreaded() && state->signature.threads == "openmp")
    if (llvm::Error error = loadOpenMP())
      return std::move(error);
  llvm::Expected<std::string> object =
      (*code)->emit(llvm::CodeGenFileType::ObjectFile);
  if (!object)
    return object.takeError();

  llvm::TimeTraceScope trace("load");
  llvm::Expected<std::unique_ptr<llvm::orc::LLJIT>> jit =
      llvm::orc::LLJITBuilder().create();
  if (!jit)
    return jit.takeError();
  if (llvm::Error error = (*jit)->addObjectFile(
          llvm::MemoryBuffer::getMemBufferCopy(*object, "model.o")))
    return std::move(error);
  state->jit = std::move(*jit);
  state->threaded = (*code)->isThreaded();
  return std::unique_ptr<CompiledModel>(new CompiledModel(std::move(state)));
}

llvm::Expected<std::vector<llvm::SmallVector<int64_t>>>
CompiledModel::State::resultShapes(const EntryPoint &entry,
                                   llvm::ArrayRef<int64_t> symbols) {
  std::vector<int64_t> unknown;
  for (const TensorSignature &result : entry.results)
    if (!result.isStatic())
      unknown.resize(unknown.size() + result.dims.size());
  if (!unknown.empty()) {
    auto function = find<void(const int64_t *, int64_t *)>(
        symbolName(signature, entry) + "_dims");
    if (!function)
      return function.takeError();
    (*function)(symbols.data(), unknown.data());
  }
  std::vector<llvm::SmallVector<int64_t>> shapes;
  size_t next = 0;
  for (const TensorSignature &result : entry.results) {
    llvm::SmallVector<int64_t> &shape = shapes.emplace_back();
    for (const std::string &dim : result.dims) {
      int64_t number;
      if (llvm::StringRef(dim).getAsInteger(10, number))
        number = unknown[next++];
      if (number < 0)
        return llvm::createStringError("output '" + result.name +
                                       "' would have the size " +
                                       llvm::Twine(number));
      shape.push_back(number);
    }
  }
  return shapes;
}

llvm::Expected<std::vector<llvm::SmallVector<int64_t>>>
CompiledModel::resultShapes(const EntryPoint &entry,
                            llvm::ArrayRef<int64_t> symbols) {
  return state->resultShapes(entry, symbols);
}

llvm::Expected<std::vector<NDArray>>
CompiledModel::run(llvm::StringRef name, llvm::ArrayRef<NDArray> inputs,
                   llvm::ArrayRef<NDArray> weights) {
  for (const EntryPoint &entry : state->signature.entries)
    if (entry.name == name && !entry.updates.empty())
      return llvm::createStringError(
          "'" + entry.name + "' changes its state and must be given it");
  return call(name, inputs, weights, {});
}

llvm::Expected<std::vector<NDArray>>
CompiledModel::run(llvm::StringRef name, llvm::ArrayRef<NDArray> inputs,
                   TrainingState &state) {
  return call(name, inputs, state.weights, state.optimizer);
}

llvm::Expected<std::vector<NDArray>>
CompiledModel::call(llvm::StringRef name, llvm::ArrayRef<NDArray> inputs,
                    llvm::ArrayRef<NDArray> weights,
                    llvm::ArrayRef<NDArray> optimizer) {
  llvm::Expected<const EntryPoint *> entry = findEntry(name);
  if (!entry)
    return entry.takeError();
  const Signature &signature = state->signature;
  CompiledCall call(*this, **entry);
  if (llvm::Error error = call.bindInputs(inputs))
    return std::move(error);
  if (!weights.empty())
    if (llvm::Error error =
            call.bindStruct("weights", weights, signature.weights))
      return std::move(error);
  if ((*entry)->has("optimizer") || !optimizer.empty())
    if (llvm::Error error =
            call.bindStruct("optimizer", optimizer, signature.optimizer))
      return std::move(error);
  if (llvm::Error error = call.makeResults())
    return std::move(error);
  auto function = state->find<int(const uint64_t *)>(
      symbolName(signature, **entry) + "_packed");
  if (!function)
    return function.takeError();
  if (int code = (*function)(call.words().data()))
    return llvm::createStringError(
        "'" + name + "' failed: " + errorText(signature, errorCodes[code]));
  return std::move(call.results);
}

llvm::Expected<const EntryPoint *>
CompiledModel::findEntry(llvm::StringRef name) const {
  for (const EntryPoint &entry : state->signature.entries)
    if (entry.name == name)
      return &entry;
  return llvm::createStringError("there is no entry point '" + name + "'");
}

llvm::Expected<void *> CompiledModel::lookup(const std::string &symbol) {
  llvm::Expected<llvm::orc::ExecutorAddr> address = state->jit->lookup(symbol);
  if (!address)
    return address.takeError();
  return address->toPtr<void *>();
}

llvm::Expected<TrainingState> CompiledModel::initialState() {
  const Signature &signature = state->signature;
  if (!signature.hasInit())
    return llvm::createStringError(
        "the model has no entry point that changes its weights");
  TrainingState result;
  auto make = [](llvm::ArrayRef<TensorSignature> tensors,
                 std::vector<NDArray> &arrays) {
    std::vector<void *> pointers;
    arrays.reserve(tensors.size());
    for (const TensorSignature &tensor : tensors) {
      llvm::SmallVector<int64_t> shape;
      for (const std::string &dim : tensor.dims)
        shape.push_back(std::stoll(dim));
      arrays.emplace_back(tensor.dtype, shape);
      pointers.push_back(arrays.back().data());
    }
    return pointers;
  };
  std::vector<void *> weights = make(signature.weights, result.weights);
  std::vector<void *> optimizer = make(signature.optimizer, result.optimizer);
  auto init = state->find<int(void *const *const *)>(
      identifier(signature.model) + "_init_packed");
  if (!init)
    return init.takeError();
  void *const *words[] = {weights.data(), optimizer.data()};
  if (int code = (*init)(words))
    return llvm::createStringError("the initial values cannot be set: " +
                                   llvm::Twine(errorCodes[code].text));
  return result;
}
