//===- Structures.cpp - tensors in lists, tuples and dictionaries ---------===//
#include "lamina/Frontend/ModelBuilder.h"
#include "llvm/ADT/StringExtras.h"

using namespace lamina;
using namespace lamina::frontend;

void frontend::flattenTensors(Value structure,
                              std::vector<TensorObject *> &tensors) {
  if (auto *tensor = structure.as<TensorObject>())
    tensors.push_back(tensor);
  else if (auto *list = structure.as<ListObject>())
    for (Value item : list->items)
      flattenTensors(item, tensors);
  else if (auto *tuple = structure.as<TupleObject>())
    for (Value item : tuple->items)
      flattenTensors(item, tensors);
  else if (auto *dict = structure.as<DictObject>())
    for (auto &[key, item] : dict->items)
      flattenTensors(item, tensors);
}

bool frontend::hasTensors(Value structure) {
  std::vector<TensorObject *> tensors;
  flattenTensors(structure, tensors);
  return !tensors.empty();
}

Value frontend::mapTensors(Evaluator &evaluator, Value structure,
                           llvm::function_ref<Value(TensorObject *)> map) {
  auto mapAll = [&](llvm::ArrayRef<Value> items) {
    std::vector<Value> result;
    for (Value item : items)
      result.push_back(mapTensors(evaluator, item, map));
    return result;
  };
  if (auto *tensor = structure.as<TensorObject>())
    return map(tensor);
  if (auto *list = structure.as<ListObject>())
    return evaluator.list(mapAll(list->items));
  if (auto *tuple = structure.as<TupleObject>())
    return evaluator.tuple(mapAll(tuple->items));
  if (auto *dict = structure.as<DictObject>()) {
    auto *result = evaluator.make<DictObject>();
    for (auto &[key, item] : dict->items)
      result->items.emplace_back(key, mapTensors(evaluator, item, map));
    return result;
  }
  return structure;
}

Size frontend::substitute(const Size &size,
                          const llvm::StringMap<Size> &symbols) {
  Size sum;
  for (const auto &[monomial, coefficient] : size.terms()) {
    Size product(coefficient);
    for (const Size::Atom &atom : monomial) {
      if (atom.kind == Size::Atom::Symbol) {
        auto it = symbols.find(atom.text);
        product = product *
                  (it == symbols.end() ? Size::symbol(atom.text) : it->second);
        continue;
      }
      Size lhs = substitute(*atom.lhs, symbols);
      Size rhs = substitute(*atom.rhs, symbols);
      product = product * (atom.kind == Size::Atom::FloorDiv ? lhs.floorDiv(rhs)
                                                             : lhs.mod(rhs));
    }
    sum = sum + product;
  }
  return sum;
}

std::string frontend::toSnakeCase(llvm::StringRef className) {
  // Keras: drop what is no word character, then put "_" before a capital that
  // begins a word ("(.)([A-Z][a-z]+)"), then between "([a-z])([A-Z])".
  std::string word;
  for (char c : className)
    if (llvm::isAlnum(c) || c == '_')
      word += c;
  std::string split;
  auto isUpper = [](char c) { return c >= 'A' && c <= 'Z'; };
  auto isLower = [](char c) { return c >= 'a' && c <= 'z'; };
  size_t firstFree = 0; // the regular expression's matches do not overlap
  for (size_t i = 0; i < word.size(); ++i) {
    if (i > firstFree && isUpper(word[i]) && i + 1 < word.size() &&
        isLower(word[i + 1])) {
      split += '_';
      firstFree = i + 1;
      while (firstFree < word.size() && isLower(word[firstFree]))
        ++firstFree;
    }
    split += word[i];
  }
  std::string result;
  for (size_t i = 0; i < split.size(); ++i) {
    if (i > 0 && isLower(split[i - 1]) && isUpper(split[i]))
      result += '_';
    result += llvm::toLower(split[i]);
  }
  return result;
}
