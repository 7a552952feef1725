//===- CompiledModel.cpp - compiled code called in process ----------------===//
#include "lamina/Target/CompiledModel.h"
#include "Codegen.h"
#include "lamina/Transforms/Abi.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/TimeProfiler.h"

using namespace lamina;

struct CompiledModel::State {
  Signature signature;
  std::unique_ptr<llvm::orc::LLJIT> jit;

  template <typename Function>
  llvm::Expected<Function *> find(const std::string &symbol) {
    llvm::Expected<llvm::orc::ExecutorAddr> address = jit->lookup(symbol);
    if (!address)
      return address.takeError();
    return address->toPtr<Function *>();
  }
};

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

llvm::Expected<std::vector<NDArray>>
CompiledModel::run(llvm::StringRef name, llvm::ArrayRef<NDArray> inputs,
                   llvm::ArrayRef<NDArray> weights) {
  const Signature &signature = state->signature;
  auto entry = llvm::find_if(signature.entries, [&](const EntryPoint &entry) {
    return entry.name == name;
  });
  if (entry == signature.entries.end())
    return llvm::createStringError("there is no entry point '" + name + "'");
  std::string symbol = symbolName(signature, *entry);

  llvm::StringMap<int64_t> sizes;
  size_t next = 0;
  for (const TensorSignature &argument : entry->arguments) {
    if (argument.role == "weight")
      continue;
    if (next == inputs.size())
      return llvm::createStringError("there is no array for " + argument.role +
                                     " '" + argument.name + "'");
    if (llvm::Error error = bind(inputs[next++], argument, sizes))
      return std::move(error);
  }
  if (next != inputs.size())
    return llvm::createStringError(llvm::Twine(inputs.size()) +
                                   " arrays given for " + llvm::Twine(next) +
                                   " inputs");
  if (!weights.empty() && weights.size() != signature.weights.size())
    return llvm::createStringError(llvm::Twine(weights.size()) +
                                   " weights given for " +
                                   llvm::Twine(signature.weights.size()));
  std::vector<const void *> weightTable;
  for (auto [array, weight] : llvm::zip(weights, signature.weights)) {
    if (llvm::Error error = bind(array, weight, sizes))
      return std::move(error);
    weightTable.push_back(array.data());
  }

  // The shapes of the results.
  std::vector<int64_t> known, unknown;
  for (const std::string &size : entry->symbols)
    known.push_back(sizes.lookup(size));
  bool dynamic =
      llvm::any_of(entry->results, [](const TensorSignature &result) {
        return !result.isStatic();
      });
  if (dynamic) {
    auto function =
        state->find<void(const int64_t *, int64_t *)>(symbol + "_dims");
    if (!function)
      return function.takeError();
    for (const TensorSignature &result : entry->results)
      unknown.resize(unknown.size() + result.dims.size());
    (*function)(known.data(), unknown.data());
  }
  std::vector<NDArray> results;
  next = 0;
  for (const TensorSignature &result : entry->results) {
    llvm::SmallVector<int64_t> shape;
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
    results.emplace_back(result.dtype, shape);
  }

  // The C arguments as words.
  std::vector<uint64_t> words;
  auto pass = [&](const void *pointer) {
    words.push_back(reinterpret_cast<uintptr_t>(pointer));
  };
  pass(weights.empty() ? nullptr : weightTable.data());
  words.insert(words.end(), known.begin(), known.end());
  for (const NDArray &input : inputs)
    pass(input.data());
  for (NDArray &result : results)
    pass(result.data());
  pass(nullptr);
  auto function = state->find<int(const uint64_t *)>(symbol + "_packed");
  if (!function)
    return function.takeError();
  if (int code = (*function)(words.data()))
    return llvm::createStringError(
        "'" + name + "' failed: " + llvm::Twine(errorCodes[code].text));
  return results;
}
