//===- PythonReductions.cpp - sum, min, max, any, all ---------------------===//
//
// On static values they are Python's. On tensors: `axis=` and `keepdims=` make
// them the library's ops of that name; without, they do what Python does where
// Python can: sum() adds up the slices along the first axis, min() and max() of
// several tensors compare by element.
//
//===----------------------------------------------------------------------===//
#include "PythonBuiltins.h"
#include "lamina/Frontend/ModelBuilder.h"
#include "lamina/Frontend/Tracer.h"

using namespace lamina;
using namespace lamina::ast;
using namespace lamina::frontend;

static bool hasKeyword(const CallArgs &args, llvm::StringRef a,
                       llvm::StringRef b) {
  return args.keyword(a) || args.keyword(b);
}

static CallArgs single(const CallArgs &args, Value value) {
  CallArgs result;
  result.positional = {value};
  result.range = args.range;
  return result;
}

static Result sum(Evaluator &ev, CallArgs &args) {
  bool ofTensor = !args.positional.empty() && args.positional[0].isTensor();
  if (hasKeyword(args, "axis", "keepdims") ||
      (ofTensor && args.keyword("dtype")))
    return ev.callLibrary("sum", args);
  ArgParser p(ev, args, "sum", {"iterable", "start="});
  if (p.failed())
    return failure();
  Value total = p.has("start") ? p["start"] : Value::integer(0);
  if (total.is(ValueKind::String))
    return ev.error(p.at("start"),
                    "sum() can't sum strings [use ''.join(seq) instead]");
  if (ofTensor) {
    auto *tensor = p["iterable"].as<TensorObject>();
    if (tensor->shape.empty())
      return ev.error(p.at("iterable"), "iteration over a tensor without axes");
    CallArgs inner = single(args, tensor);
    inner.keywords.emplace_back("axis", Value::integer(0));
    Result result = ev.callLibrary("sum", inner);
    if (failed(result) || (total.is(ValueKind::Int) && total.asInt() == 0))
      return result;
    return ev.binary(BinaryOp::Add, total, *result, args.range);
  }
  auto items = ev.iterator(p["iterable"], p.at("iterable"));
  if (failed(items))
    return failure();
  bool first = !p.has("start");
  while (true) {
    auto item = ev.next(*items, p.at("iterable"));
    if (failed(item) || failed(ev.spend(1, args.range)))
      return failure();
    if (!*item)
      return total;
    // 0 + x is x, also in the compiled program; for Keras it is an Add.
    if (first && (*item)->isTensor()) {
      Result same = ev.models().operation("add", {**item},
                                          [&]() -> Result { return **item; });
      if (failed(same))
        return failure();
      total = *same;
    } else {
      Result next = ev.binary(BinaryOp::Add, total, **item, args.range);
      if (failed(next))
        return failure();
      total = *next;
    }
    first = false;
  }
}

static Result extreme(Evaluator &ev, CallArgs &args, bool isMax) {
  llvm::StringRef name = isMax ? "max" : "min";
  if (args.positional.empty())
    return ev.error(args.range, name + " expected at least 1 argument, got 0");
  bool alone = args.positional.size() == 1;
  bool keyed = hasKeyword(args, "key", "default");
  if ((alone && args.positional[0].isTensor() && !keyed) ||
      hasKeyword(args, "axis", "keepdims"))
    return ev.callLibrary(name, args);
  Value key, fallback;
  bool hasDefault = false;
  for (const auto &[keyword, value] : args.keywords) {
    if (keyword == "key") {
      key = value;
    } else if (keyword == "default") {
      fallback = value;
      hasDefault = true;
    } else {
      return ev.error(args.range,
                      name + "() got an unexpected keyword argument '" +
                          keyword + "'");
    }
  }
  std::vector<Value> items = args.positional;
  if (alone) {
    auto elements = ev.iterate(args.positional[0], args.at(0));
    if (failed(elements))
      return failure();
    items = std::move(*elements);
  }
  if (items.empty()) {
    if (hasDefault)
      return fallback;
    return ev.error(args.range, name + "() iterable argument is empty");
  }
  Value best, bestKey;
  for (auto [i, item] : llvm::enumerate(items)) {
    Value itemKey = item;
    if (!key.isNone()) {
      Result keyed = ev.call(key, {item}, args.range);
      if (failed(keyed))
        return failure();
      itemKey = *keyed;
    }
    if (i == 0) {
      best = item;
      bestKey = itemKey;
      continue;
    }
    if (key.isNone() && (item.isTensor() || best.isTensor())) {
      CallArgs pair;
      pair.positional = {best, item};
      pair.range = args.range;
      Result larger = ev.callLibrary(isMax ? "maximum" : "minimum", pair);
      if (failed(larger))
        return failure();
      best = bestKey = *larger;
      continue;
    }
    // The larger of two sizes is a size, whichever it is.
    auto isSize = [](Value v) {
      return v.is(ValueKind::Size) || v.isInteger();
    };
    if (key.isNone() && isSize(item) && isSize(best) &&
        (item.is(ValueKind::Size) || best.is(ValueKind::Size))) {
      auto sizeOf = [](Value v) {
        auto *size = v.as<SizeObject>();
        return size ? size->size : Size(v.asInt());
      };
      Size a = sizeOf(best), b = sizeOf(item);
      best = bestKey = ev.size(isMax ? Size::max(a, b) : Size::min(a, b));
      continue;
    }
    Result better = ev.compare(isMax ? CompareOp::Gt : CompareOp::Lt, itemKey,
                               bestKey, args.range);
    if (failed(better))
      return failure();
    auto isBetter = ev.truth(*better, args.range);
    if (failed(isBetter) || failed(ev.spend(1, args.range)))
      return failure();
    if (*isBetter) {
      best = item;
      bestKey = itemKey;
    }
  }
  return best;
}

static Result anyOrAll(Evaluator &ev, CallArgs &args, bool isAny) {
  llvm::StringRef name = isAny ? "any" : "all";
  if ((!args.positional.empty() && args.positional[0].isTensor()) ||
      hasKeyword(args, "axis", "keepdims"))
    return ev.callLibrary(name, args);
  ArgParser p(ev, args, name, {"iterable"});
  if (p.failed())
    return failure();
  auto items = ev.iterator(p["iterable"], p.at("iterable"));
  if (failed(items))
    return failure();
  while (true) {
    auto item = ev.next(*items, p.at("iterable"));
    if (failed(item) || failed(ev.spend(1, args.range)))
      return failure();
    if (!*item)
      return Value::boolean(!isAny);
    auto isTrue = ev.truth(**item, p.at("iterable"));
    if (failed(isTrue))
      return failure();
    if (*isTrue == isAny)
      return Value::boolean(isAny);
  }
}

void frontend::registerReductionBuiltins(Evaluator &ev) {
  ev.definePython("sum", sum);
  ev.definePython("max", [](Evaluator &ev, CallArgs &args) {
    return extreme(ev, args, /*isMax=*/true);
  });
  ev.definePython("min", [](Evaluator &ev, CallArgs &args) {
    return extreme(ev, args, /*isMax=*/false);
  });
  ev.definePython("any", [](Evaluator &ev, CallArgs &args) {
    return anyOrAll(ev, args, /*isAny=*/true);
  });
  ev.definePython("all", [](Evaluator &ev, CallArgs &args) {
    return anyOrAll(ev, args, /*isAny=*/false);
  });
}
