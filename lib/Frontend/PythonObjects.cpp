//===- PythonObjects.cpp - getattr, isinstance, print, property, … --------===//
#include "PythonBuiltins.h"

using namespace lamina;
using namespace lamina::frontend;

static Result getAttr(Evaluator &ev, CallArgs &args) {
  ArgParser p(ev, args, "getattr", {"object", "name", "default="});
  auto name = p.failed() ? FailureOr<std::string>(failure()) : p.string("name");
  if (failed(name))
    return failure();
  if (!p.has("default"))
    return ev.getAttribute(p["object"], *name, args.range);
  std::optional<Result> found =
      ev.findAttribute(p["object"], *name, args.range);
  return found ? *found : Result(p["default"]);
}

static Result print(Evaluator &ev, CallArgs &args) {
  std::string separator = " ", end = "\n";
  for (const auto &[name, value] : args.keywords) {
    auto *text = value.as<StringObject>();
    if (name == "sep" && text)
      separator = text->text;
    else if (name == "end" && text)
      end = text->text;
    else if (name != "sep" && name != "end" && name != "flush")
      return ev.error(args.range,
                      "print() got an unexpected keyword argument '" + name +
                          "'");
  }
  std::string text;
  for (auto [i, value] : llvm::enumerate(args.positional)) {
    if (i)
      text += separator;
    if (value.isTensor()) {
      text += ev.describe(value);
      continue;
    }
    auto shown = ev.toText(value, /*repr=*/false, args.at(i));
    if (failed(shown))
      return failure();
    text += *shown;
  }
  if (end != "\n")
    text += end;
  SMRange at = ev.inLibrary() ? ev.currentRange() : args.range;
  ev.diagnostics().remark(at, text);
  return Value::none();
}

static Result isSubclass(Evaluator &ev, CallArgs &args) {
  ArgParser p(ev, args, "issubclass", {"cls", "class_or_tuple"});
  if (p.failed())
    return failure();
  auto *type = p["cls"].as<ClassObject>();
  if (!type)
    return ev.error(p.at("cls"), "issubclass() arg 1 must be a class");
  std::vector<Value> classes{p["class_or_tuple"]};
  if (auto *tuple = classes[0].as<TupleObject>())
    classes = std::vector<Value>(tuple->items);
  for (Value other : classes) {
    auto *base = other.as<ClassObject>();
    if (!base)
      return ev.error(p.at("class_or_tuple"),
                      "issubclass() arg 2 must be a class or a tuple of "
                      "classes");
    if (type->isSubclassOf(base))
      return Value::boolean(true);
  }
  return Value::boolean(false);
}

static Result vars(Evaluator &ev, CallArgs &args) {
  ArgParser p(ev, args, "vars", {"object"});
  if (p.failed())
    return failure();
  return ev.getAttribute(p["object"], "__dict__", args.range);
}

/// The names that a value has, without those that every object has.
static Result dir(Evaluator &ev, CallArgs &args) {
  ArgParser p(ev, args, "dir", {"object"});
  if (p.failed())
    return failure();
  std::vector<std::string> names;
  auto *type = p["object"].as<ClassObject>();
  for (ClassObject *base : (type ? type : ev.classOf(p["object"]))->mro)
    for (const auto &entry : base->attributes)
      names.push_back(entry.first);
  if (auto *instance = p["object"].as<InstanceObject>())
    for (const auto &entry : instance->attributes)
      names.push_back(entry.first);
  llvm::sort(names);
  names.erase(std::unique(names.begin(), names.end()), names.end());
  std::vector<Value> items;
  for (const std::string &name : names)
    items.push_back(ev.string(name));
  return ev.list(std::move(items));
}

static void descriptor(Evaluator &ev, llvm::StringRef name,
                       DescriptorObject::Type type) {
  std::string copy = name.str();
  ev.definePython(name, [copy, type](Evaluator &ev, CallArgs &args) -> Result {
    llvm::SmallVector<llvm::StringRef> params{"function"};
    if (type == DescriptorObject::Property)
      params = {"fget", "fset=", "fdel=", "doc="};
    ArgParser p(ev, args, copy, params);
    if (p.failed())
      return failure();
    auto *result = ev.make<DescriptorObject>(type, p[params[0]]);
    result->setter = p["fset"];
    return Value(result);
  });
}

/// A decorator without effect: `@tf.function`, `@f(…)` with any arguments.
static Result inertDecorator(Evaluator &ev, CallArgs &args) {
  if (args.positional.size() == 1 && args.keywords.empty() &&
      ev.isCallable(args.positional[0]))
    return args.positional[0];
  return Value(ev.make<BuiltinObject>(
      "decorator", [](Evaluator &ev, CallArgs &args) -> Result {
        ArgParser p(ev, args, "decorator", {"function"});
        return p.failed() ? Result(failure()) : Result(p["function"]);
      }));
}

void frontend::registerObjectBuiltins(Evaluator &ev) {
  ev.definePython("getattr", getAttr);
  ev.definePython("print", print);
  ev.definePython("issubclass", isSubclass);
  ev.definePython("vars", vars);
  ev.definePython("dir", dir);
  ev.definePython("NotImplemented", Value::notImplemented());
  ev.definePython("Ellipsis", Value::ellipsis());
  descriptor(ev, "property", DescriptorObject::Property);
  descriptor(ev, "staticmethod", DescriptorObject::StaticMethod);
  descriptor(ev, "classmethod", DescriptorObject::ClassMethod);
  ev.definePython("hasattr", [](Evaluator &ev, CallArgs &args) -> Result {
    ArgParser p(ev, args, "hasattr", {"object", "name"});
    auto name =
        p.failed() ? FailureOr<std::string>(failure()) : p.string("name");
    if (failed(name))
      return failure();
    auto found = ev.findAttribute(p["object"], *name, args.range);
    if (found && failed(*found))
      return failure();
    return Value::boolean(found.has_value());
  });
  ev.definePython("setattr", [](Evaluator &ev, CallArgs &args) -> Result {
    ArgParser p(ev, args, "setattr", {"object", "name", "value"});
    auto name =
        p.failed() ? FailureOr<std::string>(failure()) : p.string("name");
    if (failed(name) ||
        failed(ev.setAttribute(p["object"], *name, p["value"], args.range)))
      return failure();
    return Value::none();
  });
  ev.definePython("delattr", [](Evaluator &ev, CallArgs &args) -> Result {
    ArgParser p(ev, args, "delattr", {"object", "name"});
    auto name =
        p.failed() ? FailureOr<std::string>(failure()) : p.string("name");
    if (failed(name) ||
        failed(ev.deleteAttribute(p["object"], *name, args.range)))
      return failure();
    return Value::none();
  });
  ev.definePython("callable", [](Evaluator &ev, CallArgs &args) -> Result {
    ArgParser p(ev, args, "callable", {"object"});
    if (p.failed())
      return failure();
    return Value::boolean(ev.isCallable(p["object"]));
  });
  ev.definePython("isinstance", [](Evaluator &ev, CallArgs &args) -> Result {
    ArgParser p(ev, args, "isinstance", {"object", "class_or_tuple"});
    if (p.failed())
      return failure();
    auto result =
        ev.isInstance(p["object"], p["class_or_tuple"], p.at("class_or_tuple"));
    if (failed(result))
      return failure();
    return Value::boolean(*result);
  });
  ev.definePython("repr", [](Evaluator &ev, CallArgs &args) -> Result {
    ArgParser p(ev, args, "repr", {"object"});
    if (p.failed())
      return failure();
    auto text = ev.toText(p["object"], /*repr=*/true, args.range);
    if (failed(text))
      return failure();
    return ev.string(*text);
  });
  ev.definePython("format", [](Evaluator &ev, CallArgs &args) -> Result {
    ArgParser p(ev, args, "format", {"value", "format_spec="});
    if (p.failed())
      return failure();
    auto spec = p.has("format_spec") ? p.string("format_spec")
                                     : FailureOr<std::string>(std::string());
    if (failed(spec))
      return failure();
    auto text = ev.format(p["value"], *spec, args.range);
    if (failed(text))
      return failure();
    return ev.string(*text);
  });
  ev.definePython("id", [](Evaluator &ev, CallArgs &args) -> Result {
    ArgParser p(ev, args, "id", {"object"});
    if (p.failed())
      return failure();
    // Numbered in the order of asking, so that a program's output is the same
    // in every run.
    return Value::integer(Interpretation::of(ev).idOf(p["object"]));
  });
  for (llvm::StringRef name : {"register_keras_serializable", "do_not_convert"})
    ev.define(name, inertDecorator);
  ev.defineIn("tf", "function", inertDecorator);
}
