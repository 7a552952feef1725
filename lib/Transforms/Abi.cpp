//===- Abi.cpp - what every C entry point has in common -------------------===//
#include "lamina/Transforms/Abi.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"

using namespace lamina;

bool lamina::inStruct(const TensorSignature &tensor) {
  return tensor.role == "weight" || tensor.role == "optimizer" ||
         (tensor.role == "gradient" && !tensor.of.empty());
}

llvm::ArrayRef<ErrorCode> lamina::errorCodesOf(const Signature &signature) {
  llvm::ArrayRef<ErrorCode> all(errorCodes);
  return signature.usesCuda() ? all : all.take_front(7);
}

std::string lamina::errorText(const Signature &signature,
                              const ErrorCode &code) {
  std::string text = code.text;
  if (llvm::StringRef(code.name) == "EARCH")
    text += " (" + llvm::join(signature.architectures, ", ") + ")";
  return text;
}

std::vector<AbiArgument> lamina::abiArguments(const EntryPoint &entry,
                                              bool onDevice) {
  std::vector<AbiArgument> result;
  llvm::StringSet<> used;
  auto add = [&](std::string name, std::string role,
                 const TensorSignature *tensor = nullptr,
                 bool written = false) {
    while (!used.insert(name).second)
      name += '_';
    result.push_back({std::move(name), std::move(role), tensor, written});
  };
  auto addTensors = [&](const std::vector<TensorSignature> &tensors,
                        llvm::function_ref<bool(llvm::StringRef)> which) {
    bool written = &tensors == &entry.results;
    for (const TensorSignature &tensor : tensors)
      if (!inStruct(tensor) && which(tensor.role))
        add(tensor.field(), tensor.role, &tensor, written);
  };
  auto isLate = [](llvm::StringRef role) {
    return role == "cotangent" || role == "seed";
  };
  auto isGradient = [](llvm::StringRef role) { return role == "gradient"; };

  add("w", "weights", nullptr, entry.changes("weight"));
  if (entry.has("optimizer") || !entry.updates.empty())
    add("o", "optimizer", nullptr, entry.changes("optimizer"));
  used.insert("scratch");
  if (onDevice)
    used.insert("stream");
  if (entry.threaded)
    used.insert("threads");
  for (const std::string &symbol : entry.symbols)
    add(symbol, symbol == "n" ? "batch" : "dimension");
  addTensors(entry.arguments, [&](auto role) { return !isLate(role); });
  addTensors(entry.results, [&](auto role) { return !isGradient(role); });
  addTensors(entry.arguments, [](auto role) { return role == "cotangent"; });
  addTensors(entry.results, isGradient);
  if (entry.has("cotangent"))
    add("dw", "gradients", nullptr, true);
  addTensors(entry.arguments, [](auto role) { return role == "seed"; });
  for (AbiArgument &argument : result)
    argument.onDevice = onDevice && argument.role == "seed";
  if (entry.threaded)
    result.push_back({"threads", "threads"});
  if (onDevice)
    result.push_back({"stream", "stream"});
  result.push_back({"scratch", "scratch"});
  return result;
}

std::string lamina::symbolName(const Signature &signature,
                               const EntryPoint &entry) {
  return identifier(signature.model) + "_" + identifier(entry.name);
}
