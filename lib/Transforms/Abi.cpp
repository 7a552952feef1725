//===- Abi.cpp - what every C entry point has in common -------------------===//
#include "lamina/Transforms/Abi.h"
#include "llvm/ADT/StringSet.h"

using namespace lamina;

std::vector<AbiArgument> lamina::abiArguments(const EntryPoint &entry) {
  std::vector<AbiArgument> result;
  llvm::StringSet<> used;
  auto add = [&](std::string name, std::string role,
                 const TensorSignature *tensor = nullptr) {
    while (!used.insert(name).second)
      name += '_';
    result.push_back({std::move(name), std::move(role), tensor});
  };
  add("w", "weights");
  used.insert("scratch");
  for (const std::string &symbol : entry.symbols)
    add(symbol, symbol == "n" ? "batch" : "dimension");
  for (const TensorSignature &argument : entry.arguments)
    if (argument.role != "weight")
      add(argument.field(), argument.role, &argument);
  for (const TensorSignature &tensor : entry.results)
    add(tensor.field(), tensor.role, &tensor);
  result.push_back({"scratch", "scratch", nullptr});
  return result;
}

std::string lamina::symbolName(const Signature &signature,
                               const EntryPoint &entry) {
  return identifier(signature.model) + "_" + identifier(entry.name);
}
