//===- InterpretationCalls.cpp - functions and the binding of arguments ---===//
#include "Interpretation.h"
#include "lamina/Frontend/ModelBuilder.h"
#include "lamina/Frontend/Tracer.h"

using namespace lamina;
using namespace lamina::ast;
using namespace lamina::frontend;

const Value *CallArgs::keyword(llvm::StringRef name) const {
  for (const auto &[key, value] : keywords)
    if (key == name)
      return &value;
  return nullptr;
}

Result Interpretation::makeFunction(llvm::StringRef name,
                                    llvm::ArrayRef<Parameter> params,
                                    Block body, const Expr *expression,
                                    Scope &scope, SMRange range) {
  auto *function = ev.make<FunctionObject>();
  function->definedAt = range;
  function->name = name.str();
  function->params = params;
  function->body = body;
  function->expression = expression;
  function->closure = &scope;
  function->fromLibrary = scope.isLibrary;
  function->definedIn = scope.isClass ? scope.definedIn : nullptr;
  function->names =
      expression ? namesOf(expression, params) : namesOf(body, params);
  capture(scope);
  for (const Parameter &param : params) {
    Result value = Value::none();
    if (param.defaultValue)
      value = evaluate(param.defaultValue, scope);
    if (failed(value))
      return failure();
    function->defaults.push_back(*value);
    function->hasDefault.push_back(param.defaultValue != nullptr);
  }
  if (!body.empty())
    if (const auto *first = llvm::dyn_cast<ExpressionStmt>(body.front()))
      if (const auto *text = llvm::dyn_cast<ConstantExpr>(first->value))
        if (text->type == ConstantExpr::Type::String)
          function->docstring = text->stringValue.str();
  return Value(function);
}

std::string Interpretation::nameOf(const FunctionObject *function) {
  if (function->definedIn)
    return function->definedIn->name + "." + function->name;
  return function->name;
}

Result Evaluator::call(Value callee, CallArgs args) {
  Interpretation &in = *state->interpretation;
  if (!state->stackLimit) {
    Result result = failure();
    in.onDeepStack([&] { result = call(callee, std::move(args)); });
    return result;
  }
  if (failed(in.checkStack(args.range)) || failed(spend(1, args.range)))
    return failure();
  switch (callee.kind()) {
  case ValueKind::Function: {
    auto *function = callee.as<FunctionObject>();
    auto run = [&] { return in.callFunction(function, args); };
    // Of the library, and neither a method nor a closure.
    if (!function->fromLibrary || function->definedIn ||
        function->closure->parent)
      return run();
    std::vector<Value> operands = args.positional;
    for (auto &[name, value] : args.keywords)
      operands.push_back(value);
    llvm::StringRef space = function->closure->nameSpace;
    return models().operation(
        (space + (space.empty() ? "" : ".") + function->name).str(), operands,
        run);
  }
  case ValueKind::Builtin:
    return callee.as<BuiltinObject>()->function(*this, args);
  case ValueKind::BoundMethod: {
    auto *method = callee.as<BoundMethodObject>();
    args.positional.insert(args.positional.begin(), method->self);
    if (!args.positionalAt.empty())
      args.positionalAt.insert(args.positionalAt.begin(), args.range);
    return call(method->function, std::move(args));
  }
  case ValueKind::Class:
    return in.callClass(callee.as<ClassObject>(), args);
  case ValueKind::DType: {
    // np.float32(x)
    if (args.positional.size() != 1 || !args.keywords.empty())
      return error(args.range, str(callee) + "() takes one argument");
    auto tensor = tracer().asTensor(
        args.positional[0], callee.as<DTypeObject>()->dtype, args.range);
    if (failed(tensor))
      return failure();
    auto converted = tracer().cast(*tensor, callee.as<DTypeObject>()->dtype);
    if (failed(converted))
      return failure();
    return Value(*converted);
  }
  default:
    if (std::optional<Value> method = in.special(callee, "__call__"))
      return call(*method, std::move(args));
    if (callee.is(ValueKind::Namespace))
      return error(args.range, "'module' object is not callable: " +
                                   callee.as<NamespaceObject>()->path);
    return error(args.range,
                 "'" + classOf(callee)->name + "' object is not callable");
  }
}

bool Evaluator::isCallable(Value value) {
  switch (value.kind()) {
  case ValueKind::Function:
  case ValueKind::Builtin:
  case ValueKind::BoundMethod:
  case ValueKind::Class:
  case ValueKind::DType:
    return true;
  default:
    return state->interpretation->special(value, "__call__").has_value();
  }
}

Result Interpretation::callFunction(FunctionObject *function, CallArgs &args) {
  if (state.frames.size() > limits::frames)
    return error(args.range, "maximum recursion depth exceeded: '" +
                                 nameOf(function) +
                                 "' is called within more than " +
                                 llvm::Twine(limits::frames) + " other calls");
  auto owned = std::make_unique<Scope>();
  Scope &scope = *owned;
  scope.parent = function->closure;
  scope.table = function->names;
  scope.isFunction = true;
  scope.isLibrary = function->fromLibrary;
  scope.definedIn = function->definedIn;
  if (failed(bindParameters(function, args, scope)))
    return failure();
  if (!args.positional.empty())
    scope.self = args.positional.front();

  SMRange start =
      function->expression ? function->expression->range : function->definedAt;
  state.frames.push_back(
      {nameOf(function), args.range, start, function->fromLibrary});
  Result result = Value::none();
  if (function->expression) {
    result = evaluate(function->expression, scope);
  } else {
    Flow flow = execute(function->body, scope);
    if (flow == Flow::Error)
      result = failure();
    else if (flow == Flow::Return)
      result = returned;
  }
  state.frames.pop_back();
  if (scope.captured)
    state.scopes.push_back(std::move(owned));
  return result;
}

//===----------------------------------------------------------------------===//
// Binding
//===----------------------------------------------------------------------===//

/// "'x'", "'x' and 'y'", "'x', 'y', and 'z'".
static std::string joinNames(llvm::ArrayRef<llvm::StringRef> names) {
  std::string text;
  for (size_t i = 0; i < names.size(); ++i) {
    if (i && names.size() > 2)
      text += ",";
    if (i)
      text += i + 1 == names.size() ? " and " : " ";
    text += ("'" + names[i] + "'").str();
  }
  return text;
}

static std::string missing(const std::string &function,
                           llvm::ArrayRef<llvm::StringRef> names,
                           llvm::StringRef kind) {
  return (function + "() missing " + llvm::Twine(names.size()) + " required " +
          kind + " argument" + (names.size() > 1 ? "s" : "") + ": " +
          joinNames(names))
      .str();
}

LogicalResult Interpretation::bindParameters(FunctionObject *function,
                                             CallArgs &args, Scope &scope) {
  std::string name = nameOf(function);
  llvm::ArrayRef<Parameter> params = function->params;
  const Parameter *varArgs = nullptr, *varKeywords = nullptr;
  size_t positionalCount = 0, positionalDefaults = 0;
  for (auto [i, param] : llvm::enumerate(params)) {
    if (param.kind == Parameter::Kind::VarArgs)
      varArgs = &param;
    if (param.kind == Parameter::Kind::VarKeywords)
      varKeywords = &param;
    if (param.kind == Parameter::Kind::Positional) {
      ++positionalCount;
      positionalDefaults += function->hasDefault[i];
    }
  }

  // Positional arguments
  size_t given = args.positional.size(), next = 0;
  for (const Parameter &param : params)
    if (param.kind == Parameter::Kind::Positional && next < given)
      scope.names[param.name] = args.positional[next++];
  if (varArgs) {
    scope.names[varArgs->name] = ev.tuple(std::vector<Value>(
        args.positional.begin() + next, args.positional.end()));
  } else if (next < given) {
    std::string takes =
        positionalDefaults
            ? "from " + std::to_string(positionalCount - positionalDefaults) +
                  " to " + std::to_string(positionalCount)
            : std::to_string(positionalCount);
    return ev.error(
        args.at(next),
        name + "() takes " + takes + " positional argument" +
            (positionalCount == 1 && !positionalDefaults ? "" : "s") + " but " +
            llvm::Twine(given) + (given == 1 ? " was" : " were") + " given");
  }

  // Keywords
  DictObject *rest = nullptr;
  if (varKeywords) {
    rest = ev.make<DictObject>();
    scope.names[varKeywords->name] = rest;
  }
  for (auto [i, keyword] : llvm::enumerate(args.keywords)) {
    SMRange at = i < args.keywordsAt.size() ? args.keywordsAt[i] : args.range;
    llvm::StringRef key = keyword.first;
    const auto *param = llvm::find_if(params, [&](const Parameter &p) {
      return p.name == key && !p.positionalOnly &&
             (p.kind == Parameter::Kind::Positional ||
              p.kind == Parameter::Kind::KeywordOnly);
    });
    if (param != params.end()) {
      if (!scope.names.try_emplace(key, keyword.second).second)
        return ev.error(at, name + "() got multiple values for argument '" +
                                key + "'");
      continue;
    }
    if (rest) {
      rest->items.emplace_back(ev.string(key), keyword.second);
      continue;
    }
    // TensorFlow's functions name their graph node; that has no effect here.
    if (key == "name" && function->fromLibrary && !function->definedIn)
      continue;
    std::vector<llvm::StringRef> candidates;
    for (const Parameter &p : params) {
      if (p.name == key && p.positionalOnly)
        return ev.error(at, name +
                                "() got some positional-only arguments "
                                "passed as keyword arguments: '" +
                                key + "'");
      if (!p.positionalOnly)
        candidates.push_back(p.name);
    }
    return ev.error(at, name + "() got an unexpected keyword argument '" + key +
                            "'" + suggestion(key, candidates));
  }

  // Defaults
  std::vector<llvm::StringRef> missingPositional, missingKeywords;
  for (auto [i, param] : llvm::enumerate(params)) {
    if (&param == varArgs || &param == varKeywords ||
        scope.names.contains(param.name))
      continue;
    if (function->hasDefault[i])
      scope.names[param.name] = function->defaults[i];
    else if (param.kind == Parameter::Kind::Positional)
      missingPositional.push_back(param.name);
    else
      missingKeywords.push_back(param.name);
  }
  if (missingPositional.empty() && missingKeywords.empty())
    return success();
  Diagnostic &diagnostic = ev.diagnose(
      args.range, missingPositional.empty()
                      ? missing(name, missingKeywords, "keyword-only")
                      : missing(name, missingPositional, "positional"));
  // A misspelt argument may have ended up in **kwargs.
  llvm::append_range(missingPositional, missingKeywords);
  if (rest)
    for (auto &[key, value] : rest->items) {
      llvm::StringRef given = key.as<StringObject>()->text;
      if (std::optional<llvm::StringRef> near =
              didYouMean(given, missingPositional))
        diagnostic.note(("'" + given + "' is not an argument; did you mean '" +
                         *near + "'?")
                            .str());
    }
  if (!function->fromLibrary)
    diagnostic.note("'" + function->name + "' is defined here",
                    function->definedAt);
  return failure();
}
