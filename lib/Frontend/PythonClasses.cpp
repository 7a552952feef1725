//===- PythonClasses.cpp - the classes of builtin values ------------------===//
#include "PythonBuiltins.h"
#include "PythonText.h"
#include "lamina/Frontend/Tracer.h"
#include "llvm/ADT/StringExtras.h"
#include <cmath>

using namespace lamina;
using namespace lamina::frontend;

void frontend::method(Evaluator &ev, ClassObject *type, llvm::StringRef name,
                      BuiltinObject::Function function) {
  auto *builtin = ev.make<BuiltinObject>(name.str(), std::move(function));
  builtin->isMethod = true;
  type->attributes[name.str()] = builtin;
}

ClassObject *Evaluator::classOf(Value value) {
  if (auto *instance = value.as<InstanceObject>())
    return instance->type;
  return state->classes[static_cast<size_t>(value.kind())];
}

//===----------------------------------------------------------------------===//
// Constructors. The class is the first argument.
//===----------------------------------------------------------------------===//

static void constructor(Evaluator &ev, ClassObject *type,
                        BuiltinObject::Function function) {
  type->attributes["__new__"] =
      ev.make<BuiltinObject>(type->name, std::move(function));
}

static CallArgs withoutClass(const CallArgs &args) {
  CallArgs result = args;
  result.positional.erase(result.positional.begin());
  if (!result.positionalAt.empty())
    result.positionalAt.erase(result.positionalAt.begin());
  return result;
}

/// The one element of a tensor that is known at compile time.
static FailureOr<Value> scalarOf(Evaluator &ev, Value value,
                                 llvm::StringRef function, SMRange at) {
  auto *tensor = value.as<TensorObject>();
  std::optional<NDArray> known = ev.tracer().constantOf(tensor);
  if (known && known->size() == 1) {
    if (isFloat(known->dtype()))
      return Value::floating(known->getDouble(0));
    return Value::integer(known->getInt(0));
  }
  return ev.error(at, function + "() of " + ev.describe(value) +
                          ", whose value is not known at compile time; use "
                          "cast(x, dtype) to convert a tensor");
}

static Result parseInteger(Evaluator &ev, llvm::StringRef given, int64_t base,
                           SMRange at) {
  llvm::StringRef text = given.trim();
  auto bad = [&]() -> Result {
    return ev.error(at, "invalid literal for int() with base " +
                            llvm::Twine(base) + ": " + stringRepr(given));
  };
  bool negative = text.consume_front("-");
  if (!negative)
    text.consume_front("+");
  std::string digits;
  for (char c : text)
    if (c != '_')
      digits += c;
  text = digits;
  if (base == 16)
    text.consume_front_insensitive("0x");
  else if (base == 2)
    text.consume_front_insensitive("0b");
  else if (base == 8)
    text.consume_front_insensitive("0o");
  if (text.empty() || !llvm::isAlnum(text[0]))
    return bad();
  uint64_t value = 0;
  if (text.getAsInteger(static_cast<unsigned>(base), value))
    return bad();
  if (value > static_cast<uint64_t>(INT64_MAX) + negative)
    return ev.error(at, "the number does not fit into a 64-bit integer");
  return Value::integer(negative ? static_cast<int64_t>(0 - value)
                                 : static_cast<int64_t>(value));
}

static Result makeInt(Evaluator &ev, CallArgs &all) {
  CallArgs args = withoutClass(all);
  if (args.positional.empty() && args.keywords.empty())
    return Value::integer(0);
  ArgParser p(ev, args, "int", {"x", "base="});
  if (p.failed())
    return failure();
  Value x = p["x"];
  if (auto *text = x.as<StringObject>()) {
    auto base = p.has("base") ? p.integer("base") : FailureOr<int64_t>(10);
    if (failed(base))
      return failure();
    if (*base < 0 || *base == 1 || *base > 36)
      return ev.error(p.at("base"), "int() base must be >= 2 and <= 36, or 0");
    return parseInteger(ev, text->text, *base, p.at("x"));
  }
  if (x.isTensor()) {
    auto scalar = scalarOf(ev, x, "int", p.at("x"));
    if (failed(scalar))
      return failure();
    x = *scalar;
  }
  if (x.is(ValueKind::Size))
    return x;
  if (x.isInteger())
    return Value::integer(x.asInt());
  if (x.is(ValueKind::Float)) {
    double number = std::trunc(x.asDouble());
    if (std::isnan(number))
      return ev.error(p.at("x"), "cannot convert float NaN to integer");
    if (std::isinf(number))
      return ev.error(p.at("x"), "cannot convert float infinity to integer");
    if (number < -0x1p63 || number >= 0x1p63)
      return ev.error(p.at("x"),
                      "the number does not fit into a 64-bit integer");
    return Value::integer(static_cast<int64_t>(number));
  }
  for (llvm::StringRef name : {"__int__", "__index__", "__trunc__"})
    if (x.is(ValueKind::Instance))
      if (auto method = ev.findAttribute(x, name, p.at("x")))
        return failed(*method)
                   ? Result(failure())
                   : ev.call(**method, std::vector<Value>{}, p.at("x"));
  return ev.error(p.at("x"), "int() argument must be a string or a real "
                             "number, not '" +
                                 ev.classOf(x)->name + "'");
}

static Result makeFloat(Evaluator &ev, CallArgs &all) {
  CallArgs args = withoutClass(all);
  if (args.positional.empty() && args.keywords.empty())
    return Value::floating(0);
  ArgParser p(ev, args, "float", {"x"});
  if (p.failed())
    return failure();
  Value x = p["x"];
  if (x.isNumber())
    return Value::floating(x.asDouble());
  if (auto *text = x.as<StringObject>()) {
    std::string digits;
    for (char c : llvm::StringRef(text->text).trim())
      if (c != '_')
        digits += c;
    std::string lower = llvm::StringRef(digits).lower();
    llvm::StringRef unsignedText = llvm::StringRef(lower).ltrim("+-");
    bool named = unsignedText == "inf" || unsignedText == "infinity" ||
                 unsignedText == "nan";
    char *end = nullptr;
    double value = std::strtod(lower.c_str(), &end);
    bool hex = unsignedText.starts_with("0x");
    if (lower.empty() || *end || hex || (!named && std::isnan(value)) ||
        (!named && !llvm::any_of(lower, llvm::isDigit)))
      return ev.error(p.at("x"), "could not convert string to float: " +
                                     stringRepr(text->text));
    return Value::floating(value);
  }
  if (x.isTensor()) {
    auto scalar = scalarOf(ev, x, "float", p.at("x"));
    if (failed(scalar))
      return failure();
    return Value::floating(scalar->asDouble());
  }
  if (x.is(ValueKind::Size)) {
    auto tensor = ev.tracer().asTensor(x, DType::Float32, p.at("x"));
    if (failed(tensor))
      return failure();
    return Value(*tensor);
  }
  if (x.is(ValueKind::Instance))
    if (auto method = ev.findAttribute(x, "__float__", p.at("x")))
      return failed(*method)
                 ? Result(failure())
                 : ev.call(**method, std::vector<Value>{}, p.at("x"));
  return ev.error(p.at("x"), "float() argument must be a string or a real "
                             "number, not '" +
                                 ev.classOf(x)->name + "'");
}

static Result makeBool(Evaluator &ev, CallArgs &all) {
  CallArgs args = withoutClass(all);
  if (args.positional.empty())
    return Value::boolean(false);
  ArgParser p(ev, args, "bool", {"x"});
  if (p.failed())
    return failure();
  auto value = ev.truth(p["x"], p.at("x"));
  if (failed(value))
    return failure();
  return Value::boolean(*value);
}

static Result makeString(Evaluator &ev, CallArgs &all) {
  CallArgs args = withoutClass(all);
  if (args.positional.empty() && args.keywords.empty())
    return ev.string("");
  ArgParser p(ev, args, "str", {"object"});
  if (p.failed())
    return failure();
  auto text = ev.toText(p["object"], /*repr=*/false, p.at("object"));
  if (failed(text))
    return failure();
  return ev.string(*text);
}

static FailureOr<std::vector<Value>> elements(Evaluator &ev, CallArgs &all,
                                              llvm::StringRef function) {
  CallArgs args = withoutClass(all);
  if (args.positional.empty() && args.keywords.empty())
    return std::vector<Value>();
  ArgParser p(ev, args, function, {"iterable"});
  if (p.failed())
    return failure();
  return ev.iterate(p["iterable"], p.at("iterable"));
}

static Result makeDict(Evaluator &ev, CallArgs &all) {
  CallArgs args = withoutClass(all);
  auto *dict = ev.make<DictObject>();
  if (args.positional.size() > 1)
    return ev.error(args.range, "dict expected at most 1 argument, got " +
                                    llvm::Twine(args.positional.size()));
  if (args.positional.size() == 1) {
    Value from = args.positional[0];
    if (auto *other = from.as<DictObject>()) {
      dict->items = other->items;
    } else {
      auto pairs = ev.iterate(from, args.at(0));
      if (failed(pairs))
        return failure();
      for (Value pair : *pairs) {
        auto items = ev.iterate(pair, args.at(0));
        if (failed(items))
          return failure();
        if (items->size() != 2)
          return ev.error(args.at(0), "dict() needs pairs of key and value, "
                                      "not " +
                                          ev.describe(pair));
        if (failed(ev.store(dict, (*items)[0], (*items)[1], args.at(0))))
          return failure();
      }
    }
  }
  for (const auto &[key, value] : args.keywords)
    if (failed(ev.store(dict, ev.string(key), value, args.range)))
      return failure();
  return Value(dict);
}

static Result makeRange(Evaluator &ev, CallArgs &all) {
  CallArgs args = withoutClass(all);
  if (args.positional.empty() || args.positional.size() > 3 ||
      !args.keywords.empty())
    return ev.error(args.range, "range expected 1 to 3 arguments, got " +
                                    llvm::Twine(args.positional.size() +
                                                args.keywords.size()));
  int64_t numbers[3] = {0, 0, 1};
  for (auto [i, value] : llvm::enumerate(args.positional)) {
    if (value.isTensor()) {
      auto scalar = scalarOf(ev, value, "range", args.at(i));
      if (failed(scalar))
        return failure();
      value = *scalar;
    }
    if (value.is(ValueKind::Size))
      return ev.error(args.at(i), "range() of the size " + ev.str(value) +
                                      ", which is not known at compile time; "
                                      "use arange()");
    if (!value.isInteger())
      return ev.error(args.at(i),
                      "'" + ev.classOf(value)->name +
                          "' object cannot be interpreted as an integer");
    numbers[args.positional.size() == 1 ? 1 : i] = value.asInt();
  }
  if (numbers[2] == 0)
    return ev.error(args.at(2), "range() arg 3 must not be zero");
  return Value(ev.make<RangeObject>(numbers[0], numbers[1], numbers[2]));
}

static Result makeSlice(Evaluator &ev, CallArgs &all) {
  CallArgs args = withoutClass(all);
  size_t count = args.positional.size();
  if (count < 1 || count > 3 || !args.keywords.empty())
    return ev.error(args.range, "slice expected 1 to 3 arguments");
  if (count == 1)
    return Value(
        ev.make<SliceObject>(Value::none(), args.positional[0], Value::none()));
  return Value(
      ev.make<SliceObject>(args.positional[0], args.positional[1],
                           count == 3 ? args.positional[2] : Value::none()));
}

/// type(x), or type(name, bases, attributes).
static Result makeType(Evaluator &ev, CallArgs &all) {
  CallArgs args = withoutClass(all);
  if (args.positional.size() == 1 && args.keywords.empty())
    return Value(ev.classOf(args.positional[0]));
  return ev.error(args.range, "type() takes one argument");
}

//===----------------------------------------------------------------------===//
// Registration
//===----------------------------------------------------------------------===//

void Interpretation::registerClasses() {
  state.objectClass = ev.makeClass("object", {});
  registerObjectClass(ev, state.objectClass);
  ev.definePython("object", state.objectClass);
  state.exceptionClass = registerExceptions(ev, state.stopIterationClass);

  ClassObject *object = state.objectClass;
  state.classes.assign(static_cast<size_t>(ValueKind::Tensor) + 1, object);
  auto add = [&](ValueKind kind, llvm::StringRef name, ClassObject *base,
                 BuiltinObject::Function make) {
    ClassObject *type = ev.makeClass(name, {base});
    state.classes[static_cast<size_t>(kind)] = type;
    if (make) {
      constructor(ev, type, std::move(make));
      ev.definePython(name, type);
    }
    return type;
  };
  auto none = BuiltinObject::Function();
  ClassObject *intClass = add(ValueKind::Int, "int", object, makeInt);
  add(ValueKind::Bool, "bool", intClass, makeBool);
  state.classes[static_cast<size_t>(ValueKind::Size)] = intClass;
  ClassObject *floatClass = add(ValueKind::Float, "float", object, makeFloat);
  registerNumberMethods(ev, intClass, floatClass);
  ClassObject *str = add(ValueKind::String, "str", object, makeString);
  registerStringMethods(ev, str);
  registerStringSearch(ev, str);
  registerStringFormat(ev, str);
  state.classes[static_cast<size_t>(ValueKind::DType)] = str;
  ClassObject *tuple = add(ValueKind::Tuple, "tuple", object,
                           [](Evaluator &ev, CallArgs &args) -> Result {
                             auto items = elements(ev, args, "tuple");
                             if (failed(items))
                               return failure();
                             return ev.tuple(std::move(*items));
                           });
  ClassObject *list = add(ValueKind::List, "list", object,
                          [](Evaluator &ev, CallArgs &args) -> Result {
                            auto items = elements(ev, args, "list");
                            if (failed(items))
                              return failure();
                            return ev.list(std::move(*items));
                          });
  registerListMethods(ev, list, tuple);
  registerDictMethods(ev, add(ValueKind::Dict, "dict", object, makeDict));
  ClassObject *set = add(ValueKind::Set, "set", object,
                         [](Evaluator &ev, CallArgs &args) -> Result {
                           auto items = elements(ev, args, "set");
                           if (failed(items))
                             return failure();
                           auto *set = ev.make<SetObject>();
                           for (Value item : *items)
                             if (failed(ev.insert(set, item, args.range)))
                               return failure();
                           return Value(set);
                         });
  registerSetMethods(ev, set);
  ev.definePython("frozenset", set);
  add(ValueKind::Range, "range", object, makeRange);
  add(ValueKind::Slice, "slice", object, makeSlice);
  add(ValueKind::Class, "type", object, makeType);
  add(ValueKind::None, "NoneType", object, none);
  add(ValueKind::Ellipsis, "ellipsis", object, none);
  add(ValueKind::NotImplemented, "NotImplementedType", object, none);
  add(ValueKind::Iterator, "generator", object, none);
  add(ValueKind::Function, "function", object, none);
  add(ValueKind::Builtin, "builtin_function_or_method", object, none);
  add(ValueKind::BoundMethod, "method", object, none);
  add(ValueKind::Descriptor, "property", object, none);
  add(ValueKind::Super, "super", object, none);
  add(ValueKind::Namespace, "module", object, none);

  // isinstance(x, tf.Tensor)
  ClassObject *tensor = add(ValueKind::Tensor, "Tensor", object, none);
  for (llvm::StringRef name : {"Tensor", "KerasTensor", "EagerTensor"})
    ev.define(name, tensor);
  ev.defineIn("np", "ndarray", ev.makeClass("ndarray", {}));
  for (llvm::StringRef name : {"RaggedTensor", "SparseTensor"})
    ev.defineIn("tf", name, ev.makeClass(name, {}));
  ClassObject *number = ev.makeClass("number", {});
  ev.defineIn("np", "number", number);
  for (llvm::StringRef name : {"integer", "floating"})
    ev.defineIn("np", name, ev.makeClass(name, {number}));
}
