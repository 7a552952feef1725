//===- CompiledModel.cpp - compiled code called in process ----------------===//
#include "lamina/Target/CompiledModel.h"
#include "Codegen.h"
#include "lamina/Transforms/Abi.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
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

/// "float32[2,10]".
static std::string describe(DType dtype, llvm::ArrayRef<int64_t> shape) {
  std::string text = (name(dtype) + "[").str();
  llvm::raw_string_ostream out(text);
  llvm::interleave(shape, out, ",");
  out << "]";
  return text;
}

static std::string describe(const TensorSignature &tensor) {
  return (name(tensor.dtype) + "[" + llvm::join(tensor.dims, ",") + "]").str();
}

/// Checks an array against its description and learns the unknown sizes.
static llvm::Error bind(const NDArray &array, const TensorSignature &tensor,
                        llvm::StringMap<int64_t> &sizes) {
  auto mismatch = [&](const llvm::Twine &why) {
    return llvm::createStringError(tensor.role + " '" + tensor.name + "' is " +
                                   describe(array.dtype(), array.shape()) +
                                   ", expected " + describe(tensor) + why);
  };
  if (array.dtype() != tensor.dtype || array.rank() != tensor.dims.size())
    return mismatch("");
  for (auto [size, dim] : llvm::zip_equal(array.shape(), tensor.dims)) {
    int64_t number;
    if (!llvm::StringRef(dim).getAsInteger(10, number)) {
      if (number != size)
        return mismatch("");
    } else if (isSymbol(dim)) {
      auto [known, fresh] = sizes.try_emplace(dim, size);
      if (known->second != size)
        return mismatch(", where " + dim + " is " + llvm::Twine(known->second) +
                        " by the inputs before");
    }
  }
  return llvm::Error::success();
}

/// One call of an entry point: binds arrays, makes the results, and passes
/// their addresses.
class CompiledModel::Call {
public:
  Call(State &model, const EntryPoint &entry)
      : model(model), entry(entry), symbol(symbolName(model.signature, entry)) {
  }

  llvm::Error bindInputs(llvm::ArrayRef<NDArray> inputs);
  llvm::Error bindStruct(llvm::StringRef role, llvm::ArrayRef<NDArray> arrays,
                         llvm::ArrayRef<TensorSignature> tensors);
  llvm::Error makeResults();
  llvm::Expected<std::vector<NDArray>> run();

private:
  State &model;
  const EntryPoint &entry;
  std::string symbol;
  llvm::StringMap<int64_t> sizes;
  std::vector<NDArray> results;
  llvm::DenseMap<const TensorSignature *, const void *> addresses;
  /// The structs of pointers, by the role of their C argument.
  llvm::StringMap<std::vector<const void *>> structs;

  std::vector<int64_t> knownSizes();
  std::vector<uint64_t> words();
};

static llvm::Error wrongCount(size_t given, size_t expected,
                              llvm::StringRef what) {
  return llvm::createStringError(llvm::Twine(given) + " " + what +
                                 " given for " + llvm::Twine(expected));
}

llvm::Error CompiledModel::Call::bindInputs(llvm::ArrayRef<NDArray> inputs) {
  size_t next = 0;
  for (const TensorSignature &argument : entry.arguments) {
    if (inStruct(argument))
      continue;
    if (next == inputs.size())
      return llvm::createStringError("there is no array for " + argument.role +
                                     " '" + argument.name + "'");
    addresses[&argument] = inputs[next].data();
    if (llvm::Error error = bind(inputs[next++], argument, sizes))
      return error;
  }
  if (next != inputs.size())
    return wrongCount(inputs.size(), next, "arrays");
  return llvm::Error::success();
}

llvm::Error
CompiledModel::Call::bindStruct(llvm::StringRef role,
                                llvm::ArrayRef<NDArray> arrays,
                                llvm::ArrayRef<TensorSignature> tensors) {
  if (arrays.size() != tensors.size())
    return wrongCount(arrays.size(), tensors.size(), role);
  std::vector<const void *> &pointers = structs[role];
  for (auto [array, tensor] : llvm::zip_equal(arrays, tensors)) {
    if (llvm::Error error = bind(array, tensor, sizes))
      return error;
    pointers.push_back(array.data());
  }
  return llvm::Error::success();
}

std::vector<int64_t> CompiledModel::Call::knownSizes() {
  std::vector<int64_t> known;
  for (const std::string &size : entry.symbols)
    known.push_back(sizes.lookup(size));
  return known;
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

llvm::Error CompiledModel::Call::makeResults() {
  auto shapes = model.resultShapes(entry, knownSizes());
  if (!shapes)
    return shapes.takeError();
  results.reserve(entry.results.size()); // they stay where they are
  std::vector<const void *> gradients(model.signature.weights.size());
  for (auto [result, shape] : llvm::zip_equal(entry.results, *shapes)) {
    void *data = results.emplace_back(result.dtype, shape).data();
    if (inStruct(result))
      gradients[Signature::position(model.signature.weights, result.of)] = data;
    else
      addresses[&result] = data;
  }
  structs["gradients"] = std::move(gradients);
  return llvm::Error::success();
}

/// The C arguments as words.
std::vector<uint64_t> CompiledModel::Call::words() {
  std::vector<uint64_t> result;
  auto pass = [&](const void *pointer) {
    result.push_back(reinterpret_cast<uintptr_t>(pointer));
  };
  size_t symbol = 0;
  std::vector<int64_t> known = knownSizes();
  for (const AbiArgument &argument : abiArguments(entry)) {
    if (argument.role == "seed") {
      auto words = static_cast<const uint32_t *>(addresses[argument.tensor]);
      result.push_back(words[0] | uint64_t(words[1]) << 32);
    } else if (argument.tensor) {
      pass(addresses[argument.tensor]);
    } else if (argument.role == "batch" || argument.role == "dimension") {
      result.push_back(known[symbol++]);
    } else if (argument.role == "threads") {
      result.push_back(0); // as compiled
    } else {
      auto table = structs.find(argument.role); // nothing: no scratch, or
      pass(table == structs.end() ? nullptr     // the embedded weights
                                  : table->second.data());
    }
  }
  return result;
}

llvm::Expected<std::vector<NDArray>> CompiledModel::Call::run() {
  auto function = model.find<int(const uint64_t *)>(symbol + "_packed");
  if (!function)
    return function.takeError();
  if (int code = (*function)(words().data()))
    return llvm::createStringError(
        "'" + entry.name + "' failed: " + llvm::Twine(errorCodes[code].text));
  return std::move(results);
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
  const Signature &signature = state->signature;
  auto entry = llvm::find_if(signature.entries, [&](const EntryPoint &entry) {
    return entry.name == name;
  });
  if (entry == signature.entries.end())
    return llvm::createStringError("there is no entry point '" + name + "'");
  Call call(*state, *entry);
  if (llvm::Error error = call.bindInputs(inputs))
    return std::move(error);
  if (!weights.empty())
    if (llvm::Error error =
            call.bindStruct("weights", weights, signature.weights))
      return std::move(error);
  if (entry->has("optimizer") || !optimizer.empty())
    if (llvm::Error error =
            call.bindStruct("optimizer", optimizer, signature.optimizer))
      return std::move(error);
  if (llvm::Error error = call.makeResults())
    return std::move(error);
  return call.run();
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
