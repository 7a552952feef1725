//===- DictMethods.cpp - methods of dict and set --------------------------===//
#include "PythonBuiltins.h"

using namespace lamina;
using namespace lamina::frontend;

template <typename T>
static FailureOr<T *> selfAs(Evaluator &ev, const ArgParser &p) {
  if (p.failed())
    return failure();
  if (auto *self = p["self"].as<T>())
    return self;
  return ev.error(p.at("self"),
                  "this method is not one of " + ev.describe(p["self"]));
}

//===----------------------------------------------------------------------===//
// dict
//===----------------------------------------------------------------------===//

/// Copies the pairs of a mapping, or of an iterable of pairs, and keywords.
static LogicalResult update(Evaluator &ev, DictObject *dict, Value from,
                            SMRange at) {
  if (from.isNone())
    return success();
  if (auto *other = from.as<DictObject>()) {
    auto items = other->items;
    for (auto [key, value] : items)
      if (failed(ev.store(dict, key, value, at)))
        return failure();
    return success();
  }
  auto pairs = ev.iterate(from, at);
  if (failed(pairs))
    return failure();
  for (Value pair : *pairs) {
    auto items = ev.iterate(pair, at);
    if (failed(items))
      return failure();
    if (items->size() != 2)
      return ev.error(at, "update() needs pairs of key and value, not " +
                              ev.describe(pair));
    if (failed(ev.store(dict, (*items)[0], (*items)[1], at)))
      return failure();
  }
  return success();
}

/// keys, values and items give lists; they show as lists and not as views.
static void listing(Evaluator &ev, ClassObject *type, llvm::StringRef name,
                    Value (*element)(Evaluator &, Value, Value)) {
  std::string copy = name.str();
  method(ev, type, name,
         [copy, element](Evaluator &ev, CallArgs &args) -> Result {
           ArgParser p(ev, args, copy, {"self"});
           auto self = selfAs<DictObject>(ev, p);
           if (failed(self) ||
               failed(ev.spend((*self)->items.size() / 4, args.range)))
             return failure();
           std::vector<Value> items;
           for (auto [key, value] : (*self)->items)
             items.push_back(element(ev, key, value));
           return ev.list(std::move(items));
         });
}

static Result missingKey(Evaluator &ev, Value key, SMRange at) {
  return ev.error(at, "the dictionary has no key " + ev.repr(key));
}

void frontend::registerDictMethods(Evaluator &ev, ClassObject *type) {
  listing(ev, type, "keys", [](Evaluator &, Value key, Value) { return key; });
  listing(ev, type, "values",
          [](Evaluator &, Value, Value value) { return value; });
  listing(ev, type, "items", [](Evaluator &ev, Value key, Value value) {
    return ev.tuple({key, value});
  });
  method(ev, type, "get", [](Evaluator &ev, CallArgs &args) -> Result {
    ArgParser p(ev, args, "get", {"self", "key", "default="});
    auto self = selfAs<DictObject>(ev, p);
    if (failed(self))
      return failure();
    auto found = ev.lookup(*self, p["key"], p.at("key"));
    if (failed(found))
      return failure();
    return *found ? **found : p["default"];
  });
  method(ev, type, "setdefault", [](Evaluator &ev, CallArgs &args) -> Result {
    ArgParser p(ev, args, "setdefault", {"self", "key", "default="});
    auto self = selfAs<DictObject>(ev, p);
    if (failed(self))
      return failure();
    auto found = ev.lookup(*self, p["key"], p.at("key"));
    if (failed(found))
      return failure();
    if (*found)
      return **found;
    if (failed(ev.store(*self, p["key"], p["default"], p.at("key"))))
      return failure();
    return p["default"];
  });
  method(ev, type, "pop", [](Evaluator &ev, CallArgs &args) -> Result {
    ArgParser p(ev, args, "pop", {"self", "key", "default="});
    auto self = selfAs<DictObject>(ev, p);
    if (failed(self))
      return failure();
    auto removed = ev.remove(*self, p["key"], p.at("key"));
    if (failed(removed))
      return failure();
    if (*removed)
      return **removed;
    if (p.has("default"))
      return p["default"];
    return missingKey(ev, p["key"], p.at("key"));
  });
  method(ev, type, "popitem", [](Evaluator &ev, CallArgs &args) -> Result {
    ArgParser p(ev, args, "popitem", {"self"});
    auto self = selfAs<DictObject>(ev, p);
    if (failed(self))
      return failure();
    if ((*self)->items.empty())
      return ev.error(args.range, "popitem(): dictionary is empty");
    auto [key, value] = (*self)->items.back();
    (*self)->items.pop_back();
    (*self)->index = {};
    return ev.tuple({key, value});
  });
  method(ev, type, "update", [](Evaluator &ev, CallArgs &args) -> Result {
    if (args.positional.size() > 2)
      return ev.error(args.range, "update expected at most 1 argument");
    auto *self =
        args.positional.empty() ? nullptr : args.positional[0].as<DictObject>();
    if (!self)
      return ev.error(args.range, "update() is called on a dictionary");
    if (args.positional.size() == 2 &&
        failed(update(ev, self, args.positional[1], args.at(1))))
      return failure();
    for (const auto &[key, value] : args.keywords)
      if (failed(ev.store(self, ev.string(key), value, args.range)))
        return failure();
    return Value::none();
  });
  method(ev, type, "copy", [](Evaluator &ev, CallArgs &args) -> Result {
    ArgParser p(ev, args, "copy", {"self"});
    auto self = selfAs<DictObject>(ev, p);
    if (failed(self) || failed(ev.spend((*self)->items.size() / 4, args.range)))
      return failure();
    auto *copy = ev.make<DictObject>();
    copy->items = (*self)->items;
    return Value(copy);
  });
  method(ev, type, "clear", [](Evaluator &ev, CallArgs &args) -> Result {
    ArgParser p(ev, args, "clear", {"self"});
    auto self = selfAs<DictObject>(ev, p);
    if (failed(self))
      return failure();
    (*self)->items.clear();
    (*self)->index = {};
    return Value::none();
  });
  auto *fromKeys = ev.make<BuiltinObject>(
      "fromkeys", [](Evaluator &ev, CallArgs &args) -> Result {
        ArgParser p(ev, args, "fromkeys", {"iterable", "value="});
        if (p.failed())
          return failure();
        auto keys = ev.iterate(p["iterable"], p.at("iterable"));
        if (failed(keys))
          return failure();
        auto *dict = ev.make<DictObject>();
        for (Value key : *keys)
          if (failed(ev.store(dict, key, p["value"], p.at("iterable"))))
            return failure();
        return Value(dict);
      });
  type->attributes["fromkeys"] = fromKeys;
}

//===----------------------------------------------------------------------===//
// set
//===----------------------------------------------------------------------===//

static Result asSet(Evaluator &ev, Value value, SMRange at) {
  if (value.is(ValueKind::Set))
    return value;
  auto items = ev.iterate(value, at);
  if (failed(items))
    return failure();
  auto *set = ev.make<SetObject>();
  for (Value item : *items)
    if (failed(ev.insert(set, item, at)))
      return failure();
  return Value(set);
}

/// union, intersection, … with any iterables.
static void setMethod(Evaluator &ev, ClassObject *type, llvm::StringRef name,
                      ast::BinaryOp op, bool inPlace) {
  std::string copy = name.str();
  method(ev, type, name,
         [copy, op, inPlace](Evaluator &ev, CallArgs &args) -> Result {
           ArgParser p(ev, args, copy, {"self", "*others"});
           auto self = selfAs<SetObject>(ev, p);
           if (failed(self))
             return failure();
           Value result = Value(*self);
           bool copied = inPlace;
           for (Value other : p["others"].as<TupleObject>()->items) {
             Result right = asSet(ev, other, p.at("others"));
             if (failed(right))
               return failure();
             Result next = inPlace
                               ? ev.augmented(op, result, *right, args.range)
                               : ev.binary(op, result, *right, args.range);
             if (failed(next))
               return failure();
             result = *next;
             copied = true;
           }
           if (!copied)
             return ev.binary(ast::BinaryOp::Or, result, result, args.range);
           return inPlace ? Value::none() : result;
         });
}

static void setTest(Evaluator &ev, ClassObject *type, llvm::StringRef name,
                    ast::CompareOp op) {
  std::string copy = name.str();
  method(ev, type, name, [copy, op](Evaluator &ev, CallArgs &args) -> Result {
    ArgParser p(ev, args, copy, {"self", "other"});
    auto self = selfAs<SetObject>(ev, p);
    if (failed(self))
      return failure();
    Result other = asSet(ev, p["other"], p.at("other"));
    if (failed(other))
      return failure();
    return ev.compare(op, Value(*self), *other, args.range);
  });
}

void frontend::registerSetMethods(Evaluator &ev, ClassObject *type) {
  using ast::BinaryOp;
  setMethod(ev, type, "union", BinaryOp::Or, false);
  setMethod(ev, type, "intersection", BinaryOp::And, false);
  setMethod(ev, type, "difference", BinaryOp::Sub, false);
  setMethod(ev, type, "symmetric_difference", BinaryOp::Xor, false);
  setMethod(ev, type, "update", BinaryOp::Or, true);
  setMethod(ev, type, "difference_update", BinaryOp::Sub, true);
  setMethod(ev, type, "intersection_update", BinaryOp::And, true);
  setTest(ev, type, "issubset", ast::CompareOp::Le);
  setTest(ev, type, "issuperset", ast::CompareOp::Ge);
  method(ev, type, "isdisjoint", [](Evaluator &ev, CallArgs &args) -> Result {
    ArgParser p(ev, args, "isdisjoint", {"self", "other"});
    auto self = selfAs<SetObject>(ev, p);
    Result other =
        failed(self) ? Result(failure()) : asSet(ev, p["other"], p.at("other"));
    if (failed(other))
      return failure();
    Result both = ev.binary(BinaryOp::And, Value(*self), *other, args.range);
    if (failed(both))
      return failure();
    return Value::boolean(both->as<SetObject>()->items.empty());
  });
  method(ev, type, "add", [](Evaluator &ev, CallArgs &args) -> Result {
    ArgParser p(ev, args, "add", {"self", "item"});
    auto self = selfAs<SetObject>(ev, p);
    if (failed(self) || failed(ev.insert(*self, p["item"], p.at("item"))))
      return failure();
    return Value::none();
  });
  for (llvm::StringRef name : {"remove", "discard"}) {
    bool mustExist = name == "remove";
    method(ev, type, name,
           [mustExist](Evaluator &ev, CallArgs &args) -> Result {
             ArgParser p(ev, args, mustExist ? "remove" : "discard",
                         {"self", "item"});
             auto self = selfAs<SetObject>(ev, p);
             if (failed(self))
               return failure();
             auto removed = ev.remove(*self, p["item"], p.at("item"));
             if (failed(removed))
               return failure();
             if (!*removed && mustExist)
               return ev.error(p.at("item"), "the set does not contain " +
                                                 ev.repr(p["item"]));
             return Value::none();
           });
  }
  method(ev, type, "pop", [](Evaluator &ev, CallArgs &args) -> Result {
    ArgParser p(ev, args, "pop", {"self"});
    auto self = selfAs<SetObject>(ev, p);
    if (failed(self))
      return failure();
    if ((*self)->items.empty())
      return ev.error(args.range, "pop from an empty set");
    Value value = (*self)->items.front();
    (*self)->items.erase((*self)->items.begin());
    (*self)->index = {};
    return value;
  });
  method(ev, type, "copy", [](Evaluator &ev, CallArgs &args) -> Result {
    ArgParser p(ev, args, "copy", {"self"});
    auto self = selfAs<SetObject>(ev, p);
    if (failed(self))
      return failure();
    return ev.binary(BinaryOp::Or, Value(*self), Value(*self), args.range);
  });
  method(ev, type, "clear", [](Evaluator &ev, CallArgs &args) -> Result {
    ArgParser p(ev, args, "clear", {"self"});
    auto self = selfAs<SetObject>(ev, p);
    if (failed(self))
      return failure();
    (*self)->items.clear();
    (*self)->index = {};
    return Value::none();
  });
}
