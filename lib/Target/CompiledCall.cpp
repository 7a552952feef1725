//===- CompiledCall.cpp - one call of an entry point ----------------------===//
#include "CompiledCall.h"
#include "llvm/ADT/StringExtras.h"

using namespace lamina;

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

static llvm::Error wrongCount(size_t given, size_t expected,
                              llvm::StringRef what) {
  return llvm::createStringError(llvm::Twine(given) + " " + what +
                                 " given for " + llvm::Twine(expected));
}

llvm::Error CompiledCall::bindInputs(llvm::ArrayRef<NDArray> inputs) {
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

llvm::Error CompiledCall::bindStruct(llvm::StringRef role,
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

std::vector<int64_t> CompiledCall::knownSizes() const {
  std::vector<int64_t> known;
  for (const std::string &size : entry.symbols)
    known.push_back(sizes.lookup(size));
  return known;
}

llvm::Error CompiledCall::makeResults() {
  auto shapes = model.resultShapes(entry, knownSizes());
  if (!shapes)
    return shapes.takeError();
  results.reserve(entry.results.size()); // they stay where they are
  std::vector<const void *> gradients(model.signature().weights.size());
  for (auto [result, shape] : llvm::zip_equal(entry.results, *shapes)) {
    void *data = results.emplace_back(result.dtype, shape).data();
    if (inStruct(result))
      gradients[Signature::position(model.signature().weights, result.of)] =
          data;
    else
      addresses[&result] = data;
  }
  structs["gradients"] = std::move(gradients);
  return llvm::Error::success();
}

/// The C arguments as words.
std::vector<uint64_t> CompiledCall::words(bool onDevice, void *stream,
                                          void *scratch) {
  std::vector<uint64_t> result;
  auto pass = [&](const void *pointer) {
    result.push_back(reinterpret_cast<uintptr_t>(pointer));
  };
  size_t symbol = 0;
  std::vector<int64_t> known = knownSizes();
  for (const AbiArgument &argument : abiArguments(entry, onDevice)) {
    if (argument.role == "seed" && !argument.onDevice) {
      auto words = static_cast<const uint32_t *>(addresses[argument.tensor]);
      result.push_back(words[0] | uint64_t(words[1]) << 32);
    } else if (argument.tensor) {
      pass(addresses[argument.tensor]);
    } else if (argument.role == "batch" || argument.role == "dimension") {
      result.push_back(known[symbol++]);
    } else if (argument.role == "stream") {
      pass(stream);
    } else if (argument.role == "scratch") {
      pass(scratch);
    } else if (argument.role == "threads") {
      result.push_back(0); // as compiled
    } else {
      auto table = structs.find(argument.role);
      pass(table == structs.end() ? nullptr // the embedded weights
                                  : table->second.data());
    }
  }
  return result;
}
