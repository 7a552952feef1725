//===- EvaluatorIteration.cpp - iter(), next() and their shortcuts --------===//
#include "Interpretation.h"
#include "PythonText.h"
#include "lamina/Frontend/Tracer.h"

using namespace lamina;
using namespace lamina::frontend;

using Next = FailureOr<std::optional<Value>>;

FailureOr<std::optional<Value>> Evaluator::next(IteratorObject *iterator,
                                                SMRange at) {
  if (iterator->step)
    return iterator->step(*this);
  if (iterator->position < iterator->items.size())
    return std::optional<Value>(iterator->items[iterator->position++]);
  return std::optional<Value>();
}

/// `raise StopIteration` in a `__next__` is the end, not an error.
Next Interpretation::callNext(Value method, SMRange at) {
  ++state.nextCalls;
  Result value = ev.call(method, std::vector<Value>{}, at);
  --state.nextCalls;
  if (succeeded(value))
    return std::optional<Value>(*value);
  if (!std::exchange(state.stopIteration, false))
    return failure();
  return std::optional<Value>();
}

/// An instance with `__iter__`, or with `__getitem__` and `__len__`.
static FailureOr<IteratorObject *> iterateInstance(Interpretation &in,
                                                   Value value, SMRange at) {
  Evaluator &ev = in.ev;
  if (std::optional<Value> method = in.special(value, "__iter__")) {
    Result result = ev.call(*method, std::vector<Value>{}, at);
    if (failed(result))
      return failure();
    if (!result->is(ValueKind::Instance))
      return ev.iterator(*result, at);
    std::optional<Value> next = in.special(*result, "__next__");
    if (!next)
      return in.error(at, "iter() returned non-iterator of type '" +
                              ev.classOf(*result)->name + "'");
    return ev.make<IteratorObject>(
        IteratorObject::Step([method = *next, at, &in](Evaluator &) {
          return in.callNext(method, at);
        }));
  }
  std::optional<Value> item = in.special(value, "__getitem__");
  if (!item || !in.special(value, "__len__"))
    return in.error(at,
                    "'" + ev.classOf(value)->name + "' object is not iterable");
  auto length = ev.length(value, at);
  if (failed(length))
    return failure();
  int64_t count = *length, i = 0;
  Value getItem = *item;
  return ev.make<IteratorObject>(
      IteratorObject::Step([=](Evaluator &ev) mutable -> Next {
        if (i >= count)
          return std::optional<Value>();
        Result value = ev.call(getItem, {Value::integer(i++)}, at);
        if (failed(value))
          return failure();
        return std::optional<Value>(*value);
      }));
}

FailureOr<IteratorObject *> Evaluator::iterator(Value iterable, SMRange at) {
  Interpretation &in = *state->interpretation;
  switch (iterable.kind()) {
  case ValueKind::Iterator:
    return iterable.as<IteratorObject>();
  case ValueKind::List: {
    // Sees what is appended meanwhile, as in Python.
    auto *list = iterable.as<ListObject>();
    size_t i = 0;
    return make<IteratorObject>(
        IteratorObject::Step([list, i](Evaluator &) mutable -> Next {
          if (i >= list->items.size())
            return std::optional<Value>();
          return std::optional<Value>(list->items[i++]);
        }));
  }
  case ValueKind::Tuple:
    return make<IteratorObject>(iterable.as<TupleObject>()->items);
  case ValueKind::Range: {
    auto *range = iterable.as<RangeObject>();
    auto length = this->length(iterable, at);
    if (failed(length))
      return failure();
    int64_t count = *length, i = 0;
    return make<IteratorObject>(
        IteratorObject::Step([range, count, i](Evaluator &) mutable -> Next {
          if (i >= count)
            return std::optional<Value>();
          return std::optional<Value>(Value::integer(elementOf(range, i++)));
        }));
  }
  case ValueKind::Dict: {
    auto *dict = iterable.as<DictObject>();
    size_t size = dict->items.size(), i = 0;
    return make<IteratorObject>(
        IteratorObject::Step([=](Evaluator &ev) mutable -> Next {
          if (dict->items.size() != size)
            return ev.error(at, "dictionary changed size during iteration");
          if (i >= size)
            return std::optional<Value>();
          return std::optional<Value>(dict->items[i++].first);
        }));
  }
  case ValueKind::Set: {
    auto *set = iterable.as<SetObject>();
    return make<IteratorObject>(set->items);
  }
  case ValueKind::String: {
    Characters text(iterable.as<StringObject>()->text);
    std::vector<Value> items;
    if (text.size() > limits::elements)
      return in.error(at, "the string is too long to iterate over");
    for (size_t i = 0; i < text.size(); ++i)
      items.push_back(string(text[i]));
    return make<IteratorObject>(std::move(items));
  }
  case ValueKind::Tensor: {
    auto *tensor = iterable.as<TensorObject>();
    if (tensor->shape.empty())
      return in.error(at, "iteration over a tensor without axes");
    std::optional<int64_t> size = tensor->shape[0].value();
    if (!size)
      return in.error(at, "cannot iterate over the first axis of " +
                              describe(iterable) + ", its size " +
                              tensor->shape[0].str() +
                              " is not known at compile time");
    int64_t count = *size, i = 0;
    return make<IteratorObject>(
        IteratorObject::Step([=](Evaluator &ev) mutable -> Next {
          if (i >= count)
            return std::optional<Value>();
          Result row = ev.tracer().getItem(tensor, Value::integer(i++), at);
          if (failed(row))
            return failure();
          return std::optional<Value>(*row);
        }));
  }
  case ValueKind::Instance:
    return iterateInstance(in, iterable, at);
  default:
    return in.error(at,
                    "'" + classOf(iterable)->name + "' object is not iterable");
  }
}

FailureOr<std::vector<Value>> Evaluator::iterate(Value iterable, SMRange at) {
  if (auto *tuple = iterable.as<TupleObject>()) {
    if (failed(spend(tuple->items.size() / 8, at)))
      return failure();
    return tuple->items;
  }
  if (auto *list = iterable.as<ListObject>()) {
    if (failed(spend(list->items.size() / 8, at)))
      return failure();
    return list->items;
  }
  auto elements = iterator(iterable, at);
  if (failed(elements))
    return failure();
  std::vector<Value> items;
  while (true) {
    auto item = next(*elements, at);
    if (failed(item))
      return failure();
    if (!*item)
      return items;
    if (items.size() >= limits::elements)
      return state->interpretation->error(
          at, "more than a million elements are not evaluated at compile time");
    items.push_back(**item);
    if (failed(spend(1, at)))
      return failure();
  }
}
