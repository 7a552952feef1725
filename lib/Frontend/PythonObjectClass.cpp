//===- PythonObjectClass.cpp - object and the exceptions ------------------===//
#include "PythonBuiltins.h"

using namespace lamina;
using namespace lamina::frontend;

/// `super().__setattr__(name, value)` and its like, where a class overrides it.
static void registerAttributeMethods(Evaluator &ev, ClassObject *object) {
  method(ev, object, "__setattr__",
         [](Evaluator &ev, CallArgs &args) -> Result {
           ArgParser p(ev, args, "__setattr__", {"self", "name", "value"});
           auto name = p.failed() ? FailureOr<std::string>(failure())
                                  : p.string("name");
           if (failed(name))
             return failure();
           auto *self = p["self"].as<InstanceObject>();
           if (!self)
             return ev.error(args.range, "__setattr__() needs an instance");
           if (failed(Interpretation::of(ev).setOwnAttribute(
                   self, *name, p["value"], args.range)))
             return failure();
           return Value::none();
         });
  method(ev, object, "__getattribute__",
         [](Evaluator &ev, CallArgs &args) -> Result {
           ArgParser p(ev, args, "__getattribute__", {"self", "name"});
           auto name = p.failed() ? FailureOr<std::string>(failure())
                                  : p.string("name");
           if (failed(name))
             return failure();
           return ev.getAttribute(p["self"], *name, args.range);
         });
  method(ev, object, "__delattr__",
         [](Evaluator &ev, CallArgs &args) -> Result {
           ArgParser p(ev, args, "__delattr__", {"self", "name"});
           auto name = p.failed() ? FailureOr<std::string>(failure())
                                  : p.string("name");
           if (failed(name))
             return failure();
           auto *self = p["self"].as<InstanceObject>();
           if (!self || !self->attributes.contains(*name))
             return ev.error(args.range,
                             "there is no attribute '" + *name + "' to delete");
           self->attributes.erase(*name);
           return Value::none();
         });
  method(ev, object, "__hash__", [](Evaluator &ev, CallArgs &args) -> Result {
    ArgParser p(ev, args, "__hash__", {"self"});
    if (p.failed())
      return failure();
    return Value::integer(Interpretation::of(ev).idOf(p["self"]));
  });
}

void frontend::registerObjectClass(Evaluator &ev, ClassObject *object) {
  object->attributes["__new__"] = ev.make<BuiltinObject>(
      "object.__new__", [](Evaluator &ev, CallArgs &args) -> Result {
        auto *type = args.positional.empty()
                         ? nullptr
                         : args.positional[0].as<ClassObject>();
        if (!type)
          return ev.error(args.range,
                          "object.__new__() needs a class as first argument");
        return Value(ev.make<InstanceObject>(type));
      });
  auto *init = ev.make<BuiltinObject>(
      "object.__init__", [](Evaluator &ev, CallArgs &args) -> Result {
        if (args.positional.size() > 1)
          return ev.error(args.range,
                          "object.__init__() takes exactly one argument (the "
                          "instance to initialize)");
        if (!args.keywords.empty())
          return ev.error(args.keywordsAt.empty() ? args.range
                                                  : args.keywordsAt[0],
                          "object.__init__() got an unexpected keyword "
                          "argument '" +
                              args.keywords[0].first + "'");
        return Value::none();
      });
  init->isMethod = true;
  object->attributes["__init__"] = init;
  method(ev, object, "__repr__", [](Evaluator &ev, CallArgs &args) -> Result {
    ArgParser p(ev, args, "__repr__", {"self"});
    if (p.failed())
      return failure();
    return ev.string("<" + ev.classOf(p["self"])->name + " object>");
  });
  Value repr = object->attributes["__repr__"]; // a new entry may move the old ones
  object->attributes["__str__"] = repr;
  method(ev, object, "__eq__", [](Evaluator &ev, CallArgs &args) -> Result {
    ArgParser p(ev, args, "__eq__", {"self", "other"});
    if (p.failed())
      return failure();
    return p["self"].same(p["other"]) ? Value::boolean(true)
                                      : Value::notImplemented();
  });
  registerAttributeMethods(ev, object);
}

ClassObject *frontend::registerExceptions(Evaluator &ev,
                                          ClassObject *&stopIteration) {
  ClassObject *base = ev.makeClass("BaseException", {});
  method(ev, base, "__init__", [](Evaluator &ev, CallArgs &args) -> Result {
    auto *self = args.positional.empty()
                     ? nullptr
                     : args.positional[0].as<InstanceObject>();
    if (!self)
      return ev.error(args.range, "__init__() needs an instance");
    self->attributes["args"] =
        ev.tuple({args.positional.begin() + 1, args.positional.end()});
    return Value::none();
  });
  ev.definePython("BaseException", base);
  static constexpr std::pair<llvm::StringRef, llvm::StringRef> table[] = {
      {"Exception", "BaseException"},
      {"KeyboardInterrupt", "BaseException"},
      {"ArithmeticError", "Exception"},
      {"ZeroDivisionError", "ArithmeticError"},
      {"OverflowError", "ArithmeticError"},
      {"FloatingPointError", "ArithmeticError"},
      {"AssertionError", "Exception"},
      {"AttributeError", "Exception"},
      {"ImportError", "Exception"},
      {"ModuleNotFoundError", "ImportError"},
      {"LookupError", "Exception"},
      {"IndexError", "LookupError"},
      {"KeyError", "LookupError"},
      {"NameError", "Exception"},
      {"OSError", "Exception"},
      {"FileNotFoundError", "OSError"},
      {"RuntimeError", "Exception"},
      {"NotImplementedError", "RuntimeError"},
      {"RecursionError", "RuntimeError"},
      {"StopIteration", "Exception"},
      {"SyntaxError", "Exception"},
      {"TypeError", "Exception"},
      {"ValueError", "Exception"},
      {"Warning", "Exception"},
      {"UserWarning", "Warning"},
      {"DeprecationWarning", "Warning"},
      {"RuntimeWarning", "Warning"},
  };
  llvm::StringMap<ClassObject *> classes;
  classes["BaseException"] = base;
  for (auto [name, parent] : table) {
    classes[name] = ev.makeClass(name, {classes[parent]});
    ev.definePython(name, classes[name]);
  }
  stopIteration = classes["StopIteration"];
  return base;
}
