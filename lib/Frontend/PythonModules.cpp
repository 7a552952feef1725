//===- PythonModules.cpp - functools, itertools, operator -----------------===//
#include "PythonBuiltins.h"

using namespace lamina;
using namespace lamina::ast;
using namespace lamina::frontend;

//===----------------------------------------------------------------------===//
// functools
//===----------------------------------------------------------------------===//

static Result partial(Evaluator &ev, CallArgs &args) {
  if (args.positional.empty() || !ev.isCallable(args.positional[0]))
    return ev.error(args.range, "the first argument of partial() must be "
                                "callable");
  CallArgs bound = args;
  return Value(ev.make<BuiltinObject>(
      "partial", [bound](Evaluator &ev, CallArgs &args) -> Result {
        CallArgs all;
        all.range = args.range;
        all.positional.assign(bound.positional.begin() + 1,
                              bound.positional.end());
        all.positional.insert(all.positional.end(), args.positional.begin(),
                              args.positional.end());
        all.keywords = bound.keywords;
        for (const auto &[name, value] : args.keywords) {
          auto found = llvm::find_if(
              all.keywords, [&](const auto &k) { return k.first == name; });
          if (found != all.keywords.end())
            found->second = value;
          else
            all.keywords.emplace_back(name, value);
        }
        return ev.call(bound.positional[0], std::move(all));
      }));
}

static Result reduce(Evaluator &ev, CallArgs &args) {
  ArgParser p(ev, args, "reduce", {"function", "iterable", "initial="});
  if (p.failed())
    return failure();
  auto items = ev.iterate(p["iterable"], p.at("iterable"));
  if (failed(items))
    return failure();
  size_t next = 0;
  Value result = p["initial"];
  if (!p.has("initial")) {
    if (items->empty())
      return ev.error(args.range,
                      "reduce() of empty iterable with no initial value");
    result = (*items)[next++];
  }
  for (; next < items->size(); ++next) {
    Result step = ev.call(p["function"], {result, (*items)[next]}, args.range);
    if (failed(step))
      return failure();
    result = *step;
  }
  return result;
}

/// wraps(f), lru_cache(maxsize=…), cache: the function as it is.
static Result sameFunction(Evaluator &ev, CallArgs &args) {
  return Value(ev.make<BuiltinObject>(
      "decorator", [](Evaluator &ev, CallArgs &args) -> Result {
        ArgParser p(ev, args, "decorator", {"function"});
        return p.failed() ? Result(failure()) : Result(p["function"]);
      }));
}

//===----------------------------------------------------------------------===//
// itertools. The results are made at once: all inputs are finite.
//===----------------------------------------------------------------------===//

static Value iteratorOf(Evaluator &ev, std::vector<Value> items) {
  return ev.make<IteratorObject>(std::move(items));
}

static Result chain(Evaluator &ev, llvm::ArrayRef<Value> iterables,
                    SMRange at) {
  std::vector<Value> result;
  for (Value iterable : iterables) {
    auto items = ev.iterate(iterable, at);
    if (failed(items))
      return failure();
    result.insert(result.end(), items->begin(), items->end());
    if (result.size() > limits::elements)
      return ev.error(at, "more than a million elements are not evaluated at "
                          "compile time");
  }
  return iteratorOf(ev, std::move(result));
}

static Result product(Evaluator &ev, CallArgs &args) {
  std::vector<std::vector<Value>> pools;
  for (auto [i, value] : llvm::enumerate(args.positional)) {
    auto items = ev.iterate(value, args.at(i));
    if (failed(items))
      return failure();
    pools.push_back(std::move(*items));
  }
  if (const Value *repeat = args.keyword("repeat")) {
    if (!repeat->isInteger() || repeat->asInt() < 0 || repeat->asInt() > 20)
      return ev.error(args.range, "repeat must be an int from 0 to 20");
    auto once = pools;
    pools.clear();
    for (int64_t i = 0; i < repeat->asInt(); ++i)
      pools.insert(pools.end(), once.begin(), once.end());
  }
  std::vector<std::vector<Value>> rows{{}};
  for (const auto &pool : pools) {
    std::vector<std::vector<Value>> longer;
    if (rows.size() * pool.size() > limits::elements ||
        failed(ev.spend(rows.size() * pool.size(), args.range)))
      return ev.error(args.range, "product() has too many elements");
    for (const auto &row : rows)
      for (Value item : pool) {
        longer.push_back(row);
        longer.back().push_back(item);
      }
    rows = std::move(longer);
  }
  std::vector<Value> result;
  for (auto &row : rows)
    result.push_back(ev.tuple(std::move(row)));
  return iteratorOf(ev, std::move(result));
}

/// Index tuples of `length` out of `count`, in lexicographic order.
static bool choose(size_t count, size_t length, bool ordered, bool repeated,
                   std::vector<size_t> &current,
                   std::vector<std::vector<size_t>> &out) {
  if (current.size() == length) {
    out.push_back(current);
    return out.size() <= 200'000;
  }
  size_t first =
      ordered || current.empty() ? 0 : current.back() + (repeated ? 0 : 1);
  for (size_t i = first; i < count; ++i) {
    if (ordered && llvm::is_contained(current, i))
      continue;
    current.push_back(i);
    if (!choose(count, length, ordered, repeated, current, out))
      return false;
    current.pop_back();
  }
  return true;
}

static void selection(Evaluator &ev, llvm::StringRef name, bool ordered,
                      bool repeated) {
  std::string copy = name.str();
  ev.defineIn(
      "itertools", name,
      [copy, ordered, repeated](Evaluator &ev, CallArgs &args) -> Result {
        ArgParser p(ev, args, copy, {"iterable", "r="});
        if (p.failed())
          return failure();
        auto items = ev.iterate(p["iterable"], p.at("iterable"));
        if (failed(items))
          return failure();
        auto length = p["r"].isNone() ? FailureOr<int64_t>(items->size())
                                      : p.integer("r");
        if (failed(length))
          return failure();
        if (*length < 0)
          return ev.error(p.at("r"), "r must be non-negative");
        std::vector<size_t> current;
        std::vector<std::vector<size_t>> chosen;
        bool fits = *length <= static_cast<int64_t>(items->size()) || repeated;
        if (*length > 1000 ||
            (fits && !choose(items->size(), *length, ordered, repeated, current,
                             chosen)) ||
            failed(ev.spend(chosen.size(), args.range)))
          return ev.error(args.range, copy + "() has too many elements");
        std::vector<Value> result;
        for (const auto &indices : chosen) {
          std::vector<Value> row;
          for (size_t i : indices)
            row.push_back((*items)[i]);
          result.push_back(ev.tuple(std::move(row)));
        }
        return iteratorOf(ev, std::move(result));
      });
}

static Result accumulate(Evaluator &ev, CallArgs &args) {
  ArgParser p(ev, args, "accumulate", {"iterable", "func=", "initial="});
  if (p.failed())
    return failure();
  auto items = ev.iterate(p["iterable"], p.at("iterable"));
  if (failed(items))
    return failure();
  if (!p["initial"].isNone())
    items->insert(items->begin(), p["initial"]);
  for (size_t i = 1; i < items->size(); ++i) {
    Value last = (*items)[i - 1], next = (*items)[i];
    Result sum = p["func"].isNone()
                     ? ev.binary(BinaryOp::Add, last, next, args.range)
                     : ev.call(p["func"], {last, next}, args.range);
    if (failed(sum))
      return failure();
    (*items)[i] = *sum;
  }
  return iteratorOf(ev, std::move(*items));
}

static Result slice(Evaluator &ev, CallArgs &args) {
  if (args.positional.size() < 2 || args.positional.size() > 4)
    return ev.error(args.range, "islice() takes 2 to 4 arguments");
  int64_t bounds[3] = {0, INT64_MAX, 1};
  for (size_t i = 1; i < args.positional.size(); ++i) {
    Value value = args.positional[i];
    size_t which = args.positional.size() == 2 ? 1 : i - 1;
    if (value.isNone())
      continue;
    if (!value.isInteger() || value.asInt() < (which == 2))
      return ev.error(args.at(i), "islice() needs non-negative integers");
    bounds[which] = value.asInt();
  }
  auto input = ev.iterator(args.positional[0], args.at(0));
  if (failed(input))
    return failure();
  std::vector<Value> items;
  for (int64_t i = 0; i < bounds[1]; ++i) {
    auto item = ev.next(*input, args.range);
    if (failed(item) || failed(ev.spend(1, args.range)))
      return failure();
    if (!*item)
      break;
    if (i >= bounds[0] && (i - bounds[0]) % bounds[2] == 0)
      items.push_back(**item);
  }
  return iteratorOf(ev, std::move(items));
}

static void registerIterTools(Evaluator &ev) {
  auto *chainFunction = ev.makeClass("chain", {});
  chainFunction->attributes["__new__"] =
      ev.make<BuiltinObject>("chain", [](Evaluator &ev, CallArgs &args) {
        return chain(ev, llvm::ArrayRef(args.positional).drop_front(),
                     args.range);
      });
  chainFunction->attributes["from_iterable"] = ev.make<BuiltinObject>(
      "from_iterable", [](Evaluator &ev, CallArgs &args) -> Result {
        ArgParser p(ev, args, "from_iterable", {"iterable"});
        if (p.failed())
          return failure();
        auto items = ev.iterate(p["iterable"], p.at("iterable"));
        if (failed(items))
          return failure();
        return chain(ev, *items, args.range);
      });
  ev.defineIn("itertools", "chain", chainFunction);
  ev.defineIn("itertools", "product", product);
  ev.defineIn("itertools", "accumulate", accumulate);
  ev.defineIn("itertools", "islice", slice);
  selection(ev, "permutations", true, false);
  selection(ev, "combinations", false, false);
  selection(ev, "combinations_with_replacement", false, true);
  ev.defineIn("itertools", "repeat",
              [](Evaluator &ev, CallArgs &args) -> Result {
                ArgParser p(ev, args, "repeat", {"object", "times="});
                auto times = p.failed() ? FailureOr<int64_t>(failure())
                                        : p.integer("times");
                if (failed(times))
                  return failure();
                Result list = ev.binary(BinaryOp::Mul, ev.list({p["object"]}),
                                        p["times"], args.range);
                if (failed(list))
                  return failure();
                return iteratorOf(ev, list->as<ListObject>()->items);
              });
  ev.defineIn(
      "itertools", "starmap", [](Evaluator &ev, CallArgs &args) -> Result {
        ArgParser p(ev, args, "starmap", {"function", "iterable"});
        if (p.failed())
          return failure();
        auto rows = ev.iterate(p["iterable"], p.at("iterable"));
        if (failed(rows))
          return failure();
        for (Value &row : *rows) {
          auto items = ev.iterate(row, p.at("iterable"));
          Result value = failed(items)
                             ? Result(failure())
                             : ev.call(p["function"], *items, args.range);
          if (failed(value))
            return failure();
          row = *value;
        }
        return iteratorOf(ev, std::move(*rows));
      });
}

//===----------------------------------------------------------------------===//
// operator
//===----------------------------------------------------------------------===//

static void registerOperators(Evaluator &ev) {
  static constexpr std::pair<llvm::StringRef, BinaryOp> binary[] = {
      {"add", BinaryOp::Add},           {"sub", BinaryOp::Sub},
      {"mul", BinaryOp::Mul},           {"truediv", BinaryOp::Div},
      {"floordiv", BinaryOp::FloorDiv}, {"mod", BinaryOp::Mod},
      {"pow", BinaryOp::Pow},           {"matmul", BinaryOp::MatMul},
      {"and_", BinaryOp::And},          {"or_", BinaryOp::Or},
      {"xor", BinaryOp::Xor},           {"lshift", BinaryOp::Shl},
      {"rshift", BinaryOp::Shr}};
  for (auto [name, op] : binary)
    ev.defineIn("operator", name,
                [op = op](Evaluator &ev, CallArgs &args) -> Result {
                  ArgParser p(ev, args, "operator", {"a", "b"});
                  return p.failed() ? Result(failure())
                                    : ev.binary(op, p["a"], p["b"], args.range);
                });
  static constexpr std::pair<llvm::StringRef, CompareOp> compare[] = {
      {"eq", CompareOp::Eq},  {"ne", CompareOp::Ne},
      {"lt", CompareOp::Lt},  {"le", CompareOp::Le},
      {"gt", CompareOp::Gt},  {"ge", CompareOp::Ge},
      {"is_", CompareOp::Is}, {"is_not", CompareOp::IsNot}};
  for (auto [name, op] : compare)
    ev.defineIn(
        "operator", name, [op = op](Evaluator &ev, CallArgs &args) -> Result {
          ArgParser p(ev, args, "operator", {"a", "b"});
          return p.failed() ? Result(failure())
                            : ev.compare(op, p["a"], p["b"], args.range);
        });
  static constexpr std::pair<llvm::StringRef, UnaryOp> unary[] = {
      {"neg", UnaryOp::Neg},
      {"pos", UnaryOp::Pos},
      {"invert", UnaryOp::Invert},
      {"not_", UnaryOp::Not}};
  for (auto [name, op] : unary)
    ev.defineIn("operator", name,
                [op = op](Evaluator &ev, CallArgs &args) -> Result {
                  ArgParser p(ev, args, "operator", {"a"});
                  return p.failed() ? Result(failure())
                                    : ev.unary(op, p["a"], args.range);
                });
  ev.defineIn(
      "operator", "itemgetter", [](Evaluator &ev, CallArgs &args) -> Result {
        std::vector<Value> keys = args.positional;
        auto get = [keys](Evaluator &ev, CallArgs &args) -> Result {
          ArgParser p(ev, args, "itemgetter", {"object"});
          if (p.failed())
            return failure();
          std::vector<Value> items;
          for (Value key : keys) {
            Result item = ev.getItem(p["object"], key, args.range);
            if (failed(item))
              return failure();
            items.push_back(*item);
          }
          return items.size() == 1 ? items[0] : ev.tuple(std::move(items));
        };
        return Value(ev.make<BuiltinObject>("itemgetter", get));
      });
}

void frontend::registerFunctionalModules(Evaluator &ev) {
  ev.defineIn("functools", "partial", partial);
  ev.defineIn("functools", "reduce", reduce);
  ev.defineIn("functools", "wraps", sameFunction);
  for (llvm::StringRef name : {"lru_cache", "cache"})
    ev.defineIn("functools", name, [](Evaluator &ev, CallArgs &args) -> Result {
      if (args.positional.size() == 1 && args.keywords.empty() &&
          ev.isCallable(args.positional[0]))
        return args.positional[0];
      return sameFunction(ev, args);
    });
  registerIterTools(ev);
  registerOperators(ev);
}
