//===- EvaluatorDictionaries.cpp - hashing, dictionaries and sets ---------===//
#include "Interpretation.h"
#include "lamina/Frontend/Evaluator.h"
#include "llvm/ADT/Hashing.h"
#include <cmath>

using namespace lamina;
using namespace lamina::frontend;

static uint64_t hashText(llvm::StringRef text) {
  return static_cast<size_t>(llvm::hash_value(text));
}

/// Equal values have equal hashes: 1, 1.0 and True; a dtype and its name.
FailureOr<uint64_t> Interpretation::hash(Value value, SMRange at) {
  NestingGuard guard(state.nesting);
  if (state.nesting > limits::nesting)
    return error(at, "the key is nested too deeply");
  switch (value.kind()) {
  case ValueKind::Bool:
  case ValueKind::Int:
    return static_cast<size_t>(llvm::hash_value(value.asInt()));
  case ValueKind::Float: {
    double number = value.asDouble();
    if (number == std::floor(number) && std::fabs(number) < 9e18)
      return static_cast<size_t>(
          llvm::hash_value(static_cast<int64_t>(number)));
    return static_cast<size_t>(
        llvm::hash_value(std::bit_cast<int64_t>(number)));
  }
  case ValueKind::String:
    return hashText(value.as<StringObject>()->text);
  case ValueKind::DType:
    return hashText(lamina::name(value.as<DTypeObject>()->dtype));
  case ValueKind::Size:
    return hashText(value.as<SizeObject>()->size.str());
  case ValueKind::Namespace:
    return hashText(value.as<NamespaceObject>()->path);
  case ValueKind::Tuple: {
    uint64_t result = 7;
    for (Value item : value.as<TupleObject>()->items) {
      FailureOr<uint64_t> inner = hash(item, at);
      if (failed(inner))
        return failure();
      result = static_cast<size_t>(llvm::hash_combine(result, *inner));
    }
    return result;
  }
  case ValueKind::Range: {
    auto *range = value.as<RangeObject>();
    auto length = ev.length(value, at);
    return static_cast<size_t>(llvm::hash_combine(
        *length, *length ? range->start : 0, *length > 1 ? range->step : 0));
  }
  case ValueKind::List:
  case ValueKind::Dict:
  case ValueKind::Set:
  case ValueKind::Slice:
    return error(at, "unhashable type: '" + ev.classOf(value)->name + "'");
  case ValueKind::BoundMethod:
    return hash(value.as<BoundMethodObject>()->function, at);
  case ValueKind::Instance: {
    if (std::optional<Value> method = special(value, "__hash__")) {
      Result result = ev.call(*method, std::vector<Value>{}, at);
      if (failed(result))
        return failure();
      if (!result->isInteger())
        return error(at, "__hash__ method should return an integer");
      return static_cast<size_t>(llvm::hash_value(result->asInt()));
    }
    if (special(value, "__eq__"))
      return error(at, "unhashable type: '" + ev.classOf(value)->name + "'");
    break;
  }
  default:
    break;
  }
  // By identity. The address does not decide the order of anything.
  return static_cast<size_t>(llvm::hash_combine(
      static_cast<int>(value.kind()), static_cast<void *>(value.object())));
}

static constexpr size_t absent = ~size_t(0);

/// The position of the key, or `absent`.
FailureOr<size_t> Interpretation::find(KeyIndex &index, size_t count,
                                       llvm::function_ref<Value(size_t)> keyAt,
                                       Value key, SMRange at) {
  if (index.covered > count)
    index = {};
  for (; index.covered < count; ++index.covered) {
    FailureOr<uint64_t> hashed = hash(keyAt(index.covered), at);
    if (failed(hashed))
      return failure();
    index.positions.emplace(*hashed, index.covered);
  }
  FailureOr<uint64_t> hashed = hash(key, at);
  if (failed(hashed))
    return failure();
  auto [begin, end] = index.positions.equal_range(*hashed);
  for (auto it = begin; it != end; ++it) {
    FailureOr<bool> same = equal(keyAt(it->second), key, at);
    if (failed(same))
      return failure();
    if (*same)
      return it->second;
    if (failed(ev.spend(1, at)))
      return failure();
  }
  return absent;
}

FailureOr<Value *> Evaluator::lookup(DictObject *dict, Value key, SMRange at) {
  auto position = state->interpretation->find(
      dict->index, dict->items.size(),
      [&](size_t i) { return dict->items[i].first; }, key, at);
  if (failed(position))
    return failure();
  return *position == absent ? nullptr : &dict->items[*position].second;
}

Value *Evaluator::lookup(DictObject *dict, llvm::StringRef key) {
  for (auto &[name, value] : dict->items)
    if (auto *text = name.as<StringObject>(); text && text->text == key)
      return &value;
  return nullptr;
}

LogicalResult Evaluator::store(DictObject *dict, Value key, Value value,
                               SMRange at) {
  FailureOr<Value *> slot = lookup(dict, key, at);
  if (failed(slot))
    return failure();
  if (*slot) {
    **slot = value;
    return success();
  }
  dict->items.emplace_back(key, value);
  heapBytes += 96; // the entry and its place in the index
  return success();
}

FailureOr<std::optional<Value>> Evaluator::remove(DictObject *dict, Value key,
                                                  SMRange at) {
  FailureOr<Value *> slot = lookup(dict, key, at);
  if (failed(slot))
    return failure();
  if (!*slot)
    return std::optional<Value>();
  Value value = **slot;
  size_t position = 0;
  while (&dict->items[position].second != *slot)
    ++position;
  dict->items.erase(dict->items.begin() + position);
  dict->index = {};
  if (failed(spend(dict->items.size() / 8, at)))
    return failure();
  return std::optional<Value>(value);
}

FailureOr<bool> Evaluator::lookup(SetObject *set, Value item, SMRange at) {
  auto position = state->interpretation->find(
      set->index, set->items.size(), [&](size_t i) { return set->items[i]; },
      item, at);
  if (failed(position))
    return failure();
  return *position != absent;
}

LogicalResult Evaluator::insert(SetObject *set, Value item, SMRange at) {
  FailureOr<bool> present = lookup(set, item, at);
  if (failed(present))
    return failure();
  if (!*present) {
    set->items.push_back(item);
    heapBytes += 80;
  }
  return success();
}

FailureOr<bool> Evaluator::remove(SetObject *set, Value item, SMRange at) {
  auto position = state->interpretation->find(
      set->index, set->items.size(), [&](size_t i) { return set->items[i]; },
      item, at);
  if (failed(position))
    return failure();
  if (*position == absent)
    return false;
  set->items.erase(set->items.begin() + *position);
  set->index = {};
  if (failed(spend(set->items.size() / 8, at)))
    return failure();
  return true;
}
