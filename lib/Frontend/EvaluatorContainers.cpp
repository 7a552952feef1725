//===- EvaluatorContainers.cpp - subscripts of every kind of value --------===//
#include "Interpretation.h"
#include "PythonText.h"
#include "lamina/Frontend/ModelBuilder.h"
#include "lamina/Frontend/Tracer.h"

using namespace lamina;
using namespace lamina::frontend;

FailureOr<int64_t> Evaluator::length(Value value, SMRange at) {
  Interpretation &in = *state->interpretation;
  switch (value.kind()) {
  case ValueKind::String:
    return static_cast<int64_t>(
        Characters(value.as<StringObject>()->text).size());
  case ValueKind::DType:
    return static_cast<int64_t>(
        lamina::name(value.as<DTypeObject>()->dtype).size());
  case ValueKind::Tuple:
    return static_cast<int64_t>(value.as<TupleObject>()->items.size());
  case ValueKind::List:
    return static_cast<int64_t>(value.as<ListObject>()->items.size());
  case ValueKind::Dict:
    return static_cast<int64_t>(value.as<DictObject>()->items.size());
  case ValueKind::Set:
    return static_cast<int64_t>(value.as<SetObject>()->items.size());
  case ValueKind::Range: {
    auto *range = value.as<RangeObject>();
    __int128 start = range->start, stop = range->stop, step = range->step;
    __int128 count = step > 0 ? (stop - start + step - 1) / step
                              : (start - stop - step - 1) / -step;
    if (count > INT64_MAX)
      return in.error(at, "the range is too long");
    return static_cast<int64_t>(count > 0 ? count : 0);
  }
  case ValueKind::Instance:
    if (std::optional<Value> method = in.special(value, "__len__")) {
      Result result = call(*method, std::vector<Value>{}, at);
      if (failed(result))
        return failure();
      if (!result->isInteger() || result->asInt() < 0)
        return in.error(at, "__len__() should return an integer >= 0");
      return result->asInt();
    }
    break;
  case ValueKind::Tensor: {
    auto *tensor = value.as<TensorObject>();
    if (tensor->shape.empty())
      return in.error(at, "len() of a tensor without axes");
    if (std::optional<int64_t> size = tensor->shape[0].value())
      return *size;
    return in.error(at, "len() of " + describe(value) +
                            " is not known at compile time; use shape(x)[0]");
  }
  default:
    break;
  }
  return in.error(at,
                  "object of type '" + classOf(value)->name + "' has no len()");
}

/// The index of an element, counted from the end if negative.
static FailureOr<size_t> position(Interpretation &in, Value index,
                                  size_t length, llvm::StringRef type,
                                  SMRange at) {
  if (index.is(ValueKind::Instance))
    if (auto method = in.special(index, "__index__")) {
      Result result = in.ev.call(*method, std::vector<Value>{}, at);
      if (failed(result))
        return failure();
      index = *result;
    }
  if (index.is(ValueKind::Size))
    return in.error(at, "the index " + in.ev.str(index) + " of a " + type +
                            " is not known at compile time");
  if (!index.isInteger())
    return in.error(at, type + " indices must be integers or slices, not " +
                            in.ev.classOf(index)->name);
  int64_t i = index.asInt(), size = static_cast<int64_t>(length);
  if (i < -size || i >= size)
    return in.error(at, type + " index out of range: " + llvm::Twine(i) +
                            " of " + llvm::Twine(size) + " elements");
  return static_cast<size_t>(i < 0 ? i + size : i);
}

namespace {
/// The elements of a slice: `start`, `start + step`, … `count` of them.
struct Slice {
  int64_t start, step, count, stop;
};
} // namespace

static FailureOr<Slice> resolve(Interpretation &in, const SliceObject *slice,
                                size_t length, SMRange at) {
  auto part = [&](Value value, std::optional<int64_t> &out) -> LogicalResult {
    if (value.isNone())
      return success();
    if (value.is(ValueKind::Instance))
      if (auto method = in.special(value, "__index__")) {
        Result result = in.ev.call(*method, std::vector<Value>{}, at);
        if (failed(result))
          return failure();
        value = *result;
      }
    if (!value.isInteger()) {
      (void)in.error(at, "slice indices must be integers or None, not " +
                             in.ev.describe(value));
      return failure();
    }
    out = value.asInt();
    return success();
  };
  std::optional<int64_t> lower, upper, step;
  if (failed(part(slice->lower, lower)) || failed(part(slice->upper, upper)) ||
      failed(part(slice->step, step)))
    return failure();
  int64_t size = static_cast<int64_t>(length), by = step.value_or(1);
  if (by == 0)
    return in.error(at, "slice step cannot be zero");
  by = std::max(by, -INT64_MAX);
  int64_t low = by > 0 ? 0 : -1, high = by > 0 ? size : size - 1;
  auto clamp = [&](std::optional<int64_t> value, int64_t fallback) {
    if (!value)
      return fallback;
    int64_t i = *value < 0 ? *value + size : *value;
    return std::clamp(i, low, high);
  };
  int64_t start = clamp(lower, by > 0 ? low : high);
  int64_t stop = clamp(upper, by > 0 ? high : low);
  int64_t count = by > 0 ? (stop > start ? (stop - start - 1) / by + 1 : 0)
                         : (start > stop ? (start - stop - 1) / -by + 1 : 0);
  return Slice{start, by, count, stop};
}

Result Evaluator::getItem(Value object, Value index, SMRange at) {
  Interpretation &in = *state->interpretation;
  auto *slice = index.as<SliceObject>();
  if (auto *dtype = object.as<DTypeObject>())
    object = string(lamina::name(dtype->dtype));
  switch (object.kind()) {
  case ValueKind::Tensor:
    return models().operation("get_item", {object, index}, [&] {
      return tracer().getItem(object.as<TensorObject>(), index, at);
    });
  case ValueKind::Tuple:
  case ValueKind::List: {
    bool isTuple = object.is(ValueKind::Tuple);
    const std::vector<Value> &items = isTuple ? object.as<TupleObject>()->items
                                              : object.as<ListObject>()->items;
    if (!slice) {
      auto i =
          position(in, index, items.size(), isTuple ? "tuple" : "list", at);
      if (failed(i))
        return failure();
      return items[*i];
    }
    auto part = resolve(in, slice, items.size(), at);
    if (failed(part) || failed(spend(part->count / 8, at)))
      return failure();
    std::vector<Value> result;
    for (int64_t i = 0; i < part->count; ++i)
      result.push_back(items[part->start + i * part->step]);
    return isTuple ? tuple(std::move(result)) : list(std::move(result));
  }
  case ValueKind::String: {
    Characters text(object.as<StringObject>()->text);
    if (!slice) {
      auto i = position(in, index, text.size(), "string", at);
      if (failed(i))
        return failure();
      return string(text[*i]);
    }
    auto part = resolve(in, slice, text.size(), at);
    if (failed(part) || failed(spend(part->count / 16, at)))
      return failure();
    if (part->step == 1)
      return string(text.slice(part->start, part->start + part->count));
    std::string result;
    for (int64_t i = 0; i < part->count; ++i)
      result += text[part->start + i * part->step];
    return string(result);
  }
  case ValueKind::Range: {
    auto *range = object.as<RangeObject>();
    auto length = this->length(object, at);
    if (failed(length))
      return failure();
    auto element = [&](int64_t i) { return elementOf(range, i); };
    if (!slice) {
      auto i = position(in, index, *length, "range object", at);
      if (failed(i))
        return failure();
      return Value::integer(element(*i));
    }
    auto part = resolve(in, slice, *length, at);
    if (failed(part))
      return failure();
    int64_t step = 0;
    if (__builtin_mul_overflow(range->step, part->step, &step))
      step = part->step < 0 ? -1 : 1; // at most one element
    return Value(
        make<RangeObject>(element(part->start), element(part->stop), step));
  }
  case ValueKind::Dict: {
    auto *dict = object.as<DictObject>();
    auto found = lookup(dict, index, at);
    if (failed(found))
      return failure();
    if (*found)
      return **found;
    std::vector<llvm::StringRef> keys;
    for (auto [key, value] : dict->items)
      if (auto *text = key.as<StringObject>())
        keys.push_back(text->text);
    auto *key = index.as<StringObject>();
    return in.error(at, "the dictionary has no key " + repr(index) +
                            (key ? suggestion(key->text, keys) : ""));
  }
  case ValueKind::Class: // list[int]
    if (const Value *method =
            object.as<ClassObject>()->find("__class_getitem__")) {
      Value function = *method;
      if (auto *descriptor = function.as<DescriptorObject>())
        function = descriptor->function;
      return call(function, {object, index}, at);
    }
    if (!object.as<ClassObject>()->definedAt.isValid())
      return object;
    break;
  case ValueKind::Namespace:
    if (object.as<NamespaceObject>()->path == "typing")
      return object;
    break;
  default:
    if (std::optional<Value> method = in.special(object, "__getitem__"))
      return call(*method, {index}, at);
    break;
  }
  return in.error(at, "'" + classOf(object)->name +
                          "' object is not subscriptable");
}

LogicalResult Evaluator::setItem(Value object, Value index, Value value,
                                 SMRange at) {
  Interpretation &in = *state->interpretation;
  if (auto *dict = object.as<DictObject>())
    return store(dict, index, value, at);
  if (auto *list = object.as<ListObject>()) {
    auto *slice = index.as<SliceObject>();
    if (!slice) {
      auto i = position(in, index, list->items.size(), "list", at);
      if (failed(i))
        return failure();
      list->items[*i] = value;
      return success();
    }
    auto part = resolve(in, slice, list->items.size(), at);
    if (failed(part))
      return failure();
    auto items = iterate(value, at);
    if (failed(items))
      return failure();
    if (list->items.size() + items->size() > limits::elements)
      return error(at, "the list has more than a million elements");
    if (part->step == 1) {
      auto begin = list->items.begin() + part->start;
      begin = list->items.erase(begin, begin + part->count);
      list->items.insert(begin, items->begin(), items->end());
      heapBytes += items->size() * sizeof(Value);
      return spend(list->items.size() / 8, at);
    }
    if (static_cast<int64_t>(items->size()) != part->count)
      return error(at, "attempt to assign sequence of size " +
                           llvm::Twine(items->size()) +
                           " to extended slice of size " +
                           llvm::Twine(part->count));
    for (int64_t i = 0; i < part->count; ++i)
      list->items[part->start + i * part->step] = (*items)[i];
    return success();
  }
  if (object.isTensor())
    return error(at, "a tensor cannot be changed in place; make a new one with "
                     "where(), concatenate() or slice_update()");
  if (object.is(ValueKind::Instance))
    if (std::optional<Value> method = in.special(object, "__setitem__"))
      return call(*method, {index, value}, at);
  return error(at, "'" + classOf(object)->name +
                       "' object does not support item assignment");
}

LogicalResult Evaluator::deleteItem(Value object, Value index, SMRange at) {
  Interpretation &in = *state->interpretation;
  if (auto *dict = object.as<DictObject>()) {
    auto removed = remove(dict, index, at);
    if (failed(removed))
      return failure();
    if (*removed)
      return success();
    return error(at, "the dictionary has no key " + repr(index));
  }
  if (auto *list = object.as<ListObject>()) {
    if (auto *slice = index.as<SliceObject>()) {
      auto part = resolve(in, slice, list->items.size(), at);
      if (failed(part))
        return failure();
      std::vector<bool> gone(list->items.size());
      for (int64_t i = 0; i < part->count; ++i)
        gone[part->start + i * part->step] = true;
      std::vector<Value> kept;
      for (auto [i, item] : llvm::enumerate(list->items))
        if (!gone[i])
          kept.push_back(item);
      list->items = std::move(kept);
      return spend(gone.size() / 8, at);
    }
    auto i = position(in, index, list->items.size(), "list", at);
    if (failed(i))
      return failure();
    list->items.erase(list->items.begin() + *i);
    return success();
  }
  if (object.is(ValueKind::Instance))
    if (std::optional<Value> method = in.special(object, "__delitem__"))
      return call(*method, {index}, at);
  return error(at, "'" + classOf(object)->name +
                       "' object does not support item deletion");
}
