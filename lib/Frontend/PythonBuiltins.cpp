//===- PythonBuiltins.cpp - registration of Python's own names ------------===//
#include "PythonBuiltins.h"
#include "lamina/Frontend/Tracer.h"

using namespace lamina;
using namespace lamina::frontend;

void frontend::registerPythonBuiltins(Evaluator &ev) {
  Interpretation::of(ev).registerClasses();
  Interpretation::of(ev).registerScopeBuiltins();
  registerNumberBuiltins(ev);
  registerReductionBuiltins(ev);
  registerSequenceBuiltins(ev);
  registerObjectBuiltins(ev);
  registerMathModule(ev);
  registerFunctionalModules(ev);
}

void Interpretation::registerScopeBuiltins() {
  ev.definePython("super", [this](Evaluator &, CallArgs &args) -> Result {
    return makeSuper(args);
  });
  ev.definePython("hash", [this](Evaluator &, CallArgs &args) -> Result {
    ArgParser p(ev, args, "hash", {"object"});
    if (p.failed())
      return failure();
    auto value = hash(p["object"], p.at("object"));
    if (failed(value))
      return failure();
    return Value::integer(static_cast<int64_t>(*value >> 1));
  });
  ev.definePython("globals", [this](Evaluator &, CallArgs &args) -> Result {
    ArgParser p(ev, args, "globals", {});
    if (p.failed())
      return failure();
    std::vector<llvm::StringRef> names;
    for (const auto &entry : state.globals.names)
      names.push_back(entry.getKey());
    llvm::sort(names);
    auto *dict = ev.make<DictObject>();
    for (llvm::StringRef name : names)
      dict->items.emplace_back(ev.string(name), state.globals.names[name]);
    return Value(dict);
  });
  ev.definePython("type", state.classes[static_cast<size_t>(ValueKind::Class)]);
}

int64_t Interpretation::idOf(Value value) {
  if (!value.object())
    return value.is(ValueKind::Float)
               ? std::bit_cast<int64_t>(value.asDouble())
               : (value.asInt() << 5) + static_cast<int>(value.kind());
  return state.ids.try_emplace(value.object(), (state.ids.size() + 1) << 6)
      .first->second;
}
