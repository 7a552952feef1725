//===- Evaluator.cpp - construction, running, definitions -----------------===//
#include "lamina/Frontend/Evaluator.h"
#include "Interpretation.h"
#include "lamina/Frontend/ModelBuilder.h"
#include "lamina/Frontend/Tracer.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/thread.h"

using namespace lamina;
using namespace lamina::frontend;

Evaluator::Evaluator(mlir::MLIRContext &context, Diagnostics &diags)
    : mlirContext(context), diags(diags),
      state(std::make_unique<State>(*this)) {
  state->interpretation = std::make_unique<Interpretation>(*this);
  state->frames.push_back({"", {}, {}, false});
  registerPythonBuiltins(*this);
  state->globals.names["__name__"] = string("__main__");
  tracerValue = std::make_unique<Tracer>(*this);
  modelBuilder = std::make_unique<ModelBuilder>(*this);
  registerTensorPrimitives(*this);
  registerModelBuiltins(*this);
  registerTrainingPrimitives(*this);
}

Evaluator::~Evaluator() = default;

Scope &Evaluator::globals() { return state->globals; }

LogicalResult Evaluator::run(const ast::Module &module) {
  unsigned before = diags.errors();
  state->interpretation->onDeepStack(
      [&] { state->interpretation->runModule(module); });
  return success(diags.errors() == before);
}

Result Evaluator::evaluate(const ast::Expr *expr, Scope &scope) {
  Result result = failure();
  state->interpretation->onDeepStack(
      [&] { result = state->interpretation->evaluate(expr, scope); });
  return result;
}

Result Evaluator::call(Value callee, std::vector<Value> positional,
                       llvm::SMRange at) {
  CallArgs args;
  args.positional = std::move(positional);
  args.range = at;
  return call(callee, std::move(args));
}

/// The native stack is a thread's own: a program that recurses to the limit
/// must not depend on the caller's stack size.
void Interpretation::onDeepStack(llvm::function_ref<void()> work) {
  if (state.stackLimit) {
    work();
    return;
  }
  auto body = [&] {
    char *base = static_cast<char *>(__builtin_frame_address(0));
    state.stackLimit = base - limits::stack + (4u << 20);
    work();
    state.stackLimit = nullptr;
  };
  llvm::thread worker(std::optional<unsigned>(limits::stack), body);
  worker.join();
}

LogicalResult Interpretation::checkStack(llvm::SMRange at) {
  char *top = static_cast<char *>(__builtin_frame_address(0));
  if (!state.stackLimit || top > state.stackLimit)
    return success();
  return ev.error(at, "calls and expressions are nested too deeply");
}

void Interpretation::runModule(const ast::Module &module) {
  for (ast::Stmt *stmt : module.body) {
    if (state.exhausted)
      return;
    if (execute(stmt, state.globals) != Flow::Error)
      continue;
    // What the statement would have set is unknown from here on.
    NameTable table;
    collectNames(ast::Block(stmt), table);
    for (const auto &entry : table.locals) {
      state.globals.names.erase(entry.getKey());
      state.poisoned.insert(entry.getKey());
    }
  }
}

//===----------------------------------------------------------------------===//
// Values and names
//===----------------------------------------------------------------------===//

Value Evaluator::size(const Size &size) {
  if (std::optional<int64_t> value = size.value())
    return Value::integer(*value);
  return make<SizeObject>(size);
}

Value Evaluator::dict(llvm::ArrayRef<std::pair<std::string, Value>> items) {
  auto *result = make<DictObject>();
  for (const auto &[key, value] : items)
    result->items.emplace_back(string(key), value);
  return result;
}

static Value builtin(Evaluator &ev, llvm::StringRef name,
                     BuiltinObject::Function function) {
  return ev.make<BuiltinObject>(name.str(), std::move(function));
}

void Evaluator::define(llvm::StringRef name, Value value) {
  state->defined[name] = value;
}
void Evaluator::define(llvm::StringRef name, BuiltinObject::Function function) {
  define(name, builtin(*this, name, std::move(function)));
}
void Evaluator::definePython(llvm::StringRef name, Value value) {
  state->python[name] = value;
}
void Evaluator::definePython(llvm::StringRef name,
                             BuiltinObject::Function function) {
  definePython(name, builtin(*this, name, std::move(function)));
}
void Evaluator::defineIn(llvm::StringRef nameSpace, llvm::StringRef name,
                         Value value) {
  state->inNamespace[(nameSpace + "." + name).str()] = value;
}
void Evaluator::defineIn(llvm::StringRef nameSpace, llvm::StringRef name,
                         BuiltinObject::Function function) {
  defineIn(nameSpace, name, builtin(*this, name, std::move(function)));
}
void Evaluator::definePrimitive(llvm::StringRef name,
                                BuiltinObject::Function function) {
  defineIn("prim", name, std::move(function));
}

std::optional<Result> Evaluator::library(llvm::StringRef nameSpace,
                                         llvm::StringRef name) {
  std::optional<Result> result;
  state->interpretation->onDeepStack(
      [&] { result = state->interpretation->library(nameSpace, name); });
  return result;
}

Result Evaluator::callLibrary(llvm::StringRef name, CallArgs args) {
  std::optional<Result> function = library("", name);
  if (!function)
    return error(args.range, "the library has no function '" + name + "'");
  if (failed(*function))
    return failure();
  return call(**function, std::move(args));
}
