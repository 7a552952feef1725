//===- PythonSequences.cpp - zip, map, sorted, iter and their like --------===//
#include "PythonBuiltins.h"

using namespace lamina;
using namespace lamina::ast;
using namespace lamina::frontend;

using Next = FailureOr<std::optional<Value>>;

static Value lazy(Evaluator &ev, IteratorObject::Step step) {
  return ev.make<IteratorObject>(std::move(step));
}

FailureOr<std::vector<Value>> frontend::sortValues(Evaluator &ev,
                                                   std::vector<Value> items,
                                                   Value key, bool reverse,
                                                   SMRange at) {
  std::vector<std::pair<Value, Value>> keyed;
  for (Value item : items) {
    Value by = item;
    if (!key.isNone()) {
      Result result = ev.call(key, {item}, at);
      if (failed(result))
        return failure();
      by = *result;
    }
    keyed.emplace_back(by, item);
  }
  // A merge sort of our own: comparisons may fail, and need not be an order.
  std::vector<std::pair<Value, Value>> buffer(keyed.size());
  for (size_t width = 1; width < keyed.size(); width *= 2) {
    for (size_t low = 0; low < keyed.size(); low += 2 * width) {
      size_t middle = std::min(low + width, keyed.size());
      size_t high = std::min(low + 2 * width, keyed.size());
      size_t a = low, b = middle;
      for (size_t out = low; out < high; ++out) {
        bool takeRight = a >= middle;
        if (!takeRight && b < high) {
          // Equal elements keep their order, also in reverse.
          Value left = keyed[a].first, right = keyed[b].first;
          Result less = reverse ? ev.compare(CompareOp::Lt, left, right, at)
                                : ev.compare(CompareOp::Lt, right, left, at);
          if (failed(less))
            return failure();
          auto isLess = ev.truth(*less, at);
          if (failed(isLess) || failed(ev.spend(1, at)))
            return failure();
          takeRight = *isLess;
        }
        buffer[out] = takeRight ? keyed[b++] : keyed[a++];
      }
    }
    keyed.swap(buffer);
  }
  for (auto [i, pair] : llvm::enumerate(keyed))
    items[i] = pair.second;
  return items;
}

static Result sorted(Evaluator &ev, CallArgs &args) {
  if (args.positional.size() > 1)
    return ev.error(args.at(1), "sorted() takes its key and reverse as "
                                "keywords");
  ArgParser p(ev, args, "sorted", {"iterable", "key=", "reverse="});
  if (p.failed())
    return failure();
  auto items = ev.iterate(p["iterable"], p.at("iterable"));
  auto reverse = failed(items) ? FailureOr<bool>(failure())
                               : ev.truth(p["reverse"], p.at("reverse"));
  if (failed(reverse))
    return failure();
  auto result =
      sortValues(ev, std::move(*items), p["key"], *reverse, args.range);
  if (failed(result))
    return failure();
  return ev.list(std::move(*result));
}

static Result reversed(Evaluator &ev, CallArgs &args) {
  ArgParser p(ev, args, "reversed", {"sequence"});
  if (p.failed())
    return failure();
  Value sequence = p["sequence"];
  if (sequence.is(ValueKind::Set) || sequence.is(ValueKind::Iterator))
    return ev.error(p.at("sequence"), "'" + ev.classOf(sequence)->name +
                                          "' object is not reversible");
  if (sequence.is(ValueKind::Instance))
    if (auto method = ev.findAttribute(sequence, "__reversed__"))
      return failed(*method)
                 ? Result(failure())
                 : ev.call(**method, std::vector<Value>{}, args.range);
  auto items = ev.iterate(sequence, p.at("sequence"));
  if (failed(items))
    return failure();
  std::reverse(items->begin(), items->end());
  return Value(ev.make<IteratorObject>(std::move(*items)));
}

static Result zip(Evaluator &ev, CallArgs &args) {
  bool strict = false;
  for (const auto &[name, value] : args.keywords) {
    if (name != "strict")
      return ev.error(args.range, "zip() got an unexpected keyword argument '" +
                                      name + "'");
    auto given = ev.truth(value, args.range);
    if (failed(given))
      return failure();
    strict = *given;
  }
  std::vector<IteratorObject *> inputs;
  for (auto [i, value] : llvm::enumerate(args.positional)) {
    auto input = ev.iterator(value, args.at(i));
    if (failed(input))
      return failure();
    inputs.push_back(*input);
  }
  SMRange at = args.range;
  return lazy(ev, [=](Evaluator &ev) -> Next {
    std::vector<Value> row;
    for (auto [i, input] : llvm::enumerate(inputs)) {
      auto item = ev.next(input, at);
      if (failed(item))
        return failure();
      if (*item) {
        if (strict && row.size() < i)
          return ev.error(at, "zip() argument " + llvm::Twine(i + 1) +
                                  " is longer than argument 1");
        row.push_back(**item);
        continue;
      }
      if (!strict)
        return std::optional<Value>();
      if (!row.empty())
        return ev.error(at, "zip() argument " + llvm::Twine(i + 1) +
                                " is shorter than argument 1");
    }
    if (row.empty())
      return std::optional<Value>();
    return std::optional<Value>(ev.tuple(std::move(row)));
  });
}

static Result enumerate(Evaluator &ev, CallArgs &args) {
  ArgParser p(ev, args, "enumerate", {"iterable", "start="});
  if (p.failed())
    return failure();
  auto start = p.has("start") ? p.integer("start") : FailureOr<int64_t>(0);
  if (failed(start))
    return failure();
  auto input = ev.iterator(p["iterable"], p.at("iterable"));
  if (failed(input))
    return failure();
  IteratorObject *items = *input;
  SMRange at = args.range;
  uint64_t i = static_cast<uint64_t>(*start);
  return lazy(ev, [=](Evaluator &ev) mutable -> Next {
    auto item = ev.next(items, at);
    if (failed(item) || !*item)
      return item;
    return std::optional<Value>(
        ev.tuple({Value::integer(static_cast<int64_t>(i++)), **item}));
  });
}

static Result map(Evaluator &ev, CallArgs &args) {
  if (args.positional.size() < 2 || !args.keywords.empty())
    return ev.error(args.range, "map() must have at least two arguments.");
  Value function = args.positional[0];
  std::vector<IteratorObject *> inputs;
  for (size_t i = 1; i < args.positional.size(); ++i) {
    auto input = ev.iterator(args.positional[i], args.at(i));
    if (failed(input))
      return failure();
    inputs.push_back(*input);
  }
  SMRange at = args.range;
  return lazy(ev, [=](Evaluator &ev) -> Next {
    std::vector<Value> row;
    for (IteratorObject *input : inputs) {
      auto item = ev.next(input, at);
      if (failed(item) || !*item)
        return item;
      row.push_back(**item);
    }
    Result value = ev.call(function, std::move(row), at);
    if (failed(value))
      return failure();
    return std::optional<Value>(*value);
  });
}

static Result filter(Evaluator &ev, CallArgs &args) {
  ArgParser p(ev, args, "filter", {"function", "iterable"});
  if (p.failed())
    return failure();
  auto input = ev.iterator(p["iterable"], p.at("iterable"));
  if (failed(input))
    return failure();
  Value function = p["function"];
  IteratorObject *items = *input;
  SMRange at = args.range;
  return lazy(ev, [=](Evaluator &ev) -> Next {
    while (true) {
      auto item = ev.next(items, at);
      if (failed(item) || !*item || failed(ev.spend(1, at)))
        return failed(item) ? Next(failure()) : item;
      Result wanted =
          function.isNone() ? Result(**item) : ev.call(function, {**item}, at);
      if (failed(wanted))
        return failure();
      auto isWanted = ev.truth(*wanted, at);
      if (failed(isWanted))
        return failure();
      if (*isWanted)
        return item;
    }
  });
}

static Result next(Evaluator &ev, CallArgs &args) {
  ArgParser p(ev, args, "next", {"iterator", "default="});
  if (p.failed())
    return failure();
  Value object = p["iterator"];
  Next item = failure();
  if (auto *iterator = object.as<IteratorObject>()) {
    item = ev.next(iterator, args.range);
  } else {
    std::optional<Result> method =
        object.is(ValueKind::Instance)
            ? ev.findAttribute(object, "__next__", args.range)
            : std::nullopt;
    if (!method)
      return ev.error(p.at("iterator"), "'" + ev.classOf(object)->name +
                                            "' object is not an iterator");
    if (succeeded(*method))
      item = Interpretation::of(ev).callNext(**method, args.range);
  }
  if (failed(item))
    return failure();
  if (*item)
    return **item;
  if (p.has("default"))
    return p["default"];
  return ev.error(args.range, "the iterator has no more elements");
}

void frontend::registerSequenceBuiltins(Evaluator &ev) {
  ev.definePython("sorted", sorted);
  ev.definePython("reversed", reversed);
  ev.definePython("zip", zip);
  ev.definePython("enumerate", enumerate);
  ev.definePython("map", map);
  ev.definePython("filter", filter);
  ev.definePython("next", next);
  ev.definePython("iter", [](Evaluator &ev, CallArgs &args) -> Result {
    ArgParser p(ev, args, "iter", {"iterable"});
    if (p.failed())
      return failure();
    auto result = ev.iterator(p["iterable"], p.at("iterable"));
    if (failed(result))
      return failure();
    return Value(*result);
  });
  ev.definePython("len", [](Evaluator &ev, CallArgs &args) -> Result {
    ArgParser p(ev, args, "len", {"object"});
    if (p.failed())
      return failure();
    auto *tensor = p["object"].as<TensorObject>();
    if (tensor && !tensor->shape.empty())
      return ev.size(tensor->shape[0]);
    auto length = ev.length(p["object"], p.at("object"));
    if (failed(length))
      return failure();
    return Value::integer(*length);
  });
}
