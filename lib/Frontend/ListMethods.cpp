//===- ListMethods.cpp - methods of list and tuple ------------------------===//
#include "PythonBuiltins.h"

using namespace lamina;
using namespace lamina::frontend;

static FailureOr<ListObject *> listSelf(Evaluator &ev, const ArgParser &p) {
  if (p.failed())
    return failure();
  if (auto *list = p["self"].as<ListObject>())
    return list;
  return ev.error(p.at("self"), "this is a method of a list, not of " +
                                    ev.describe(p["self"]));
}

static const std::vector<Value> *itemsOf(Value value) {
  if (auto *list = value.as<ListObject>())
    return &list->items;
  if (auto *tuple = value.as<TupleObject>())
    return &tuple->items;
  return nullptr;
}

static Result listIndex(Evaluator &ev, CallArgs &args) {
  ArgParser p(ev, args, "index", {"self", "value", "start=", "stop="});
  if (p.failed())
    return failure();
  const std::vector<Value> *items = itemsOf(p["self"]);
  if (!items)
    return ev.error(args.range, "index() is called on a list or tuple");
  int64_t size = static_cast<int64_t>(items->size()), bounds[2] = {0, size};
  static constexpr llvm::StringRef names[] = {"start", "stop"};
  for (auto [i, name] : llvm::enumerate(names)) {
    if (p[name].isNone())
      continue;
    auto given = p.integer(name);
    if (failed(given))
      return failure();
    bounds[i] =
        std::clamp(*given < 0 ? *given + size : *given, int64_t(0), size);
  }
  for (int64_t i = bounds[0]; i < bounds[1]; ++i) {
    FailureOr<bool> same = ev.equal((*items)[i], p["value"], args.range);
    if (failed(same) || failed(ev.spend(1, args.range)))
      return failure();
    if (*same)
      return Value::integer(i);
  }
  return ev.error(p.at("value"), ev.repr(p["value"]) + " is not in " +
                                     ev.classOf(p["self"])->name);
}

static Result count(Evaluator &ev, CallArgs &args) {
  ArgParser p(ev, args, "count", {"self", "value"});
  if (p.failed())
    return failure();
  const std::vector<Value> *items = itemsOf(p["self"]);
  if (!items)
    return ev.error(args.range, "count() is called on a list or tuple");
  int64_t found = 0;
  for (Value item : *items) {
    FailureOr<bool> same = ev.equal(item, p["value"], args.range);
    if (failed(same) || failed(ev.spend(1, args.range)))
      return failure();
    found += *same;
  }
  return Value::integer(found);
}

static Result pop(Evaluator &ev, CallArgs &args) {
  ArgParser p(ev, args, "pop", {"self", "index="});
  auto list = listSelf(ev, p);
  if (failed(list))
    return failure();
  auto &items = (*list)->items;
  auto at = p.has("index") ? p.integer("index") : FailureOr<int64_t>(-1);
  if (failed(at))
    return failure();
  if (items.empty())
    return ev.error(args.range, "pop from empty list");
  int64_t size = static_cast<int64_t>(items.size());
  int64_t i = *at < 0 ? *at + size : *at;
  if (i < 0 || i >= size)
    return ev.error(p.at("index"), "pop index out of range");
  Value value = items[i];
  items.erase(items.begin() + i);
  if (failed(ev.spend((size - i) / 16, args.range)))
    return failure();
  return value;
}

static Result sort(Evaluator &ev, CallArgs &args) {
  // key and reverse are keywords only.
  if (args.positional.size() > 1)
    return ev.error(args.at(1), "sort() takes no positional arguments");
  ArgParser p(ev, args, "sort", {"self", "key=", "reverse="});
  auto list = listSelf(ev, p);
  if (failed(list))
    return failure();
  auto reverse = ev.truth(p["reverse"], p.at("reverse"));
  if (failed(reverse))
    return failure();
  auto sorted = sortValues(ev, (*list)->items, p["key"], *reverse, args.range);
  if (failed(sorted))
    return failure();
  (*list)->items = std::move(*sorted);
  return Value::none();
}

void frontend::registerListMethods(Evaluator &ev, ClassObject *list,
                                   ClassObject *tuple) {
  for (ClassObject *type : {list, tuple}) {
    method(ev, type, "index", listIndex);
    method(ev, type, "count", count);
  }
  // tf.TensorShape
  method(ev, tuple, "as_list", [](Evaluator &ev, CallArgs &args) -> Result {
    ArgParser p(ev, args, "as_list", {"self"});
    const auto *items = p.failed() ? nullptr : itemsOf(p["self"]);
    return items ? Result(ev.list(*items)) : Result(failure());
  });
  method(ev, list, "pop", pop);
  method(ev, list, "sort", sort);
  method(ev, list, "append", [](Evaluator &ev, CallArgs &args) -> Result {
    ArgParser p(ev, args, "append", {"self", "object"});
    auto self = listSelf(ev, p);
    if (failed(self))
      return failure();
    if ((*self)->items.size() >= limits::elements)
      return ev.error(args.range, "the list has more than a million elements");
    (*self)->items.push_back(p["object"]);
    return Value::none();
  });
  method(ev, list, "extend", [](Evaluator &ev, CallArgs &args) -> Result {
    ArgParser p(ev, args, "extend", {"self", "iterable"});
    auto self = listSelf(ev, p);
    if (failed(self))
      return failure();
    Result result = ev.augmented(ast::BinaryOp::Add, Value(*self),
                                 p["iterable"], p.at("iterable"));
    return failed(result) ? result : Result(Value::none());
  });
  method(ev, list, "insert", [](Evaluator &ev, CallArgs &args) -> Result {
    ArgParser p(ev, args, "insert", {"self", "index", "object"});
    auto self = listSelf(ev, p);
    auto at = failed(self) ? FailureOr<int64_t>(failure()) : p.integer("index");
    if (failed(at))
      return failure();
    auto &items = (*self)->items;
    int64_t size = static_cast<int64_t>(items.size());
    if (items.size() >= limits::elements)
      return ev.error(args.range, "the list has more than a million elements");
    int64_t i = std::clamp(*at < 0 ? *at + size : *at, int64_t(0), size);
    items.insert(items.begin() + i, p["object"]);
    if (failed(ev.spend((size - i) / 16, args.range)))
      return failure();
    return Value::none();
  });
  method(ev, list, "remove", [](Evaluator &ev, CallArgs &args) -> Result {
    ArgParser p(ev, args, "remove", {"self", "value"});
    auto self = listSelf(ev, p);
    if (failed(self))
      return failure();
    auto &items = (*self)->items;
    for (size_t i = 0; i < items.size(); ++i) {
      FailureOr<bool> same = ev.equal(items[i], p["value"], args.range);
      if (failed(same) || failed(ev.spend(1, args.range)))
        return failure();
      if (*same) {
        items.erase(items.begin() + i);
        return Value::none();
      }
    }
    return ev.error(p.at("value"), "list.remove(x): x not in list");
  });
  method(ev, list, "reverse", [](Evaluator &ev, CallArgs &args) -> Result {
    ArgParser p(ev, args, "reverse", {"self"});
    auto self = listSelf(ev, p);
    if (failed(self))
      return failure();
    std::reverse((*self)->items.begin(), (*self)->items.end());
    return Value::none();
  });
  method(ev, list, "clear", [](Evaluator &ev, CallArgs &args) -> Result {
    ArgParser p(ev, args, "clear", {"self"});
    auto self = listSelf(ev, p);
    if (failed(self))
      return failure();
    (*self)->items.clear();
    return Value::none();
  });
  method(ev, list, "copy", [](Evaluator &ev, CallArgs &args) -> Result {
    ArgParser p(ev, args, "copy", {"self"});
    auto self = listSelf(ev, p);
    if (failed(self) || failed(ev.spend((*self)->items.size() / 8, args.range)))
      return failure();
    return ev.list((*self)->items);
  });
}
