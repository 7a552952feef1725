//===- Structures.cpp - tensors in lists, tuples and dictionaries ---------===//
#include "lamina/Frontend/ModelBuilder.h"
#include "llvm/ADT/SmallPtrSet.h"
#include "llvm/ADT/StringExtras.h"

using namespace lamina;
using namespace lamina::frontend;

namespace {

/// The containers that are being walked: one that contains itself is entered
/// once.
class Path {
public:
  bool enter(const Object *container) {
    return active.insert(container).second;
  }
  void leave(const Object *container) { active.erase(container); }

private:
  llvm::SmallPtrSet<const Object *, 8> active;
};

void flatten(Value structure, std::vector<TensorObject *> &tensors,
             Path &path) {
  if (auto *tensor = structure.as<TensorObject>()) {
    tensors.push_back(tensor);
    return;
  }
  auto *list = structure.as<ListObject>();
  auto *tuple = structure.as<TupleObject>();
  auto *dict = structure.as<DictObject>();
  if ((!list && !tuple && !dict) || !path.enter(structure.object()))
    return;
  if (dict)
    for (auto &[key, item] : dict->items)
      flatten(item, tensors, path);
  else
    for (Value item : list ? list->items : tuple->items)
      flatten(item, tensors, path);
  path.leave(structure.object());
}

Value mapStructure(Evaluator &evaluator, Value structure,
                   llvm::function_ref<Value(TensorObject *)> map, Path &path) {
  if (auto *tensor = structure.as<TensorObject>())
    return map(tensor);
  auto *list = structure.as<ListObject>();
  auto *tuple = structure.as<TupleObject>();
  auto *dict = structure.as<DictObject>();
  if ((!list && !tuple && !dict) || !path.enter(structure.object()))
    return structure;
  Value mapped;
  if (dict) {
    auto *result = evaluator.make<DictObject>();
    for (auto &[key, item] : dict->items)
      result->items.emplace_back(key, mapStructure(evaluator, item, map, path));
    mapped = result;
  } else {
    std::vector<Value> items;
    for (Value item : list ? list->items : tuple->items)
      items.push_back(mapStructure(evaluator, item, map, path));
    mapped = list ? evaluator.list(std::move(items))
                  : evaluator.tuple(std::move(items));
  }
  path.leave(structure.object());
  return mapped;
}

} // namespace

void frontend::flattenTensors(Value structure,
                              std::vector<TensorObject *> &tensors) {
  Path path;
  flatten(structure, tensors, path);
}

bool frontend::hasTensors(Value structure) {
  std::vector<TensorObject *> tensors;
  flattenTensors(structure, tensors);
  return !tensors.empty();
}

Value frontend::mapTensors(Evaluator &evaluator, Value structure,
                           llvm::function_ref<Value(TensorObject *)> map) {
  Path path;
  return mapStructure(evaluator, structure, map, path);
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
