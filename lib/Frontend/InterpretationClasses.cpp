//===- InterpretationClasses.cpp - class statements, instances, super() ---===//
#include "Interpretation.h"

using namespace lamina;
using namespace lamina::ast;
using namespace lamina::frontend;

bool ClassObject::isSubclassOf(const ClassObject *other) const {
  return llvm::is_contained(mro, other);
}

const Value *ClassObject::find(llvm::StringRef name) const {
  std::string key = name.str();
  for (const ClassObject *type : mro) {
    auto found = type->attributes.find(key);
    if (found != type->attributes.end())
      return &found->second;
  }
  return nullptr;
}

/// Python's C3: each class before its bases, bases in their order.
bool Interpretation::linearize(ClassObject *type) {
  std::vector<std::vector<ClassObject *>> lists;
  for (ClassObject *base : type->bases)
    lists.push_back(base->mro);
  lists.push_back(type->bases);
  type->mro = {type};
  while (true) {
    llvm::erase_if(lists, [](const auto &list) { return list.empty(); });
    if (lists.empty())
      return true;
    ClassObject *next = nullptr;
    for (const auto &list : lists) {
      ClassObject *candidate = list.front();
      bool blocked = llvm::any_of(lists, [&](const auto &other) {
        return llvm::is_contained(llvm::ArrayRef(other).drop_front(),
                                  candidate);
      });
      if (!blocked) {
        next = candidate;
        break;
      }
    }
    if (!next)
      return false;
    type->mro.push_back(next);
    for (auto &list : lists)
      if (list.front() == next)
        list.erase(list.begin());
  }
}

ClassObject *Evaluator::makeClass(llvm::StringRef name,
                                  llvm::ArrayRef<ClassObject *> bases) {
  auto *type = make<ClassObject>();
  type->name = name.str();
  type->bases.assign(bases.begin(), bases.end());
  if (type->bases.empty() && state->objectClass)
    type->bases.push_back(state->objectClass);
  state->interpretation->linearize(type);
  return type;
}

LogicalResult Interpretation::defineClass(const ClassDefStmt *stmt,
                                          Scope &scope) {
  FailureOr<CallArgs> args = arguments(stmt->bases, scope, stmt->nameRange);
  if (failed(args))
    return failure();
  auto *type = ev.make<ClassObject>();
  type->name = stmt->name.str();
  type->definedAt = stmt->nameRange;
  type->fromLibrary = scope.isLibrary;
  for (auto [i, base] : llvm::enumerate(args->positional)) {
    auto *baseClass = base.as<ClassObject>();
    if (!baseClass)
      return ev.error(args->at(i),
                      "a base class must be a class, not " + ev.describe(base));
    // Values of these are not instances with attributes of their own.
    if (const Value *make = baseClass->find("__new__"))
      if (baseClass != state.objectClass && make->is(ValueKind::Builtin) &&
          !baseClass->isSubclassOf(state.exceptionClass) &&
          make->as<BuiltinObject>()->name != "object.__new__")
        return ev.error(args->at(i), "subclasses of '" + baseClass->name +
                                         "' are not supported");
    if (llvm::is_contained(type->bases, baseClass))
      return ev.error(args->at(i),
                      "duplicate base class '" + baseClass->name + "'");
    type->bases.push_back(baseClass);
  }
  if (!args->keywords.empty() && args->keywords.front().first == "metaclass")
    return ev.error(args->keywordsAt.front(), "metaclasses are not supported");
  if (type->bases.empty())
    type->bases.push_back(state.objectClass);
  if (!linearize(type))
    return ev.error(stmt->nameRange,
                    "no consistent method resolution order for the bases of '" +
                        stmt->name + "'");

  auto owned = std::make_unique<Scope>();
  Scope &body = *owned;
  state.scopes.push_back(std::move(owned));
  body.parent = &scope;
  body.isClass = true;
  body.isLibrary = scope.isLibrary;
  body.definedIn = type;
  body.captured = true;
  capture(scope);
  if (!stmt->body.empty())
    if (const auto *first = llvm::dyn_cast<ExpressionStmt>(stmt->body.front()))
      if (const auto *text = llvm::dyn_cast<ConstantExpr>(first->value))
        if (text->type == ConstantExpr::Type::String)
          type->attributes["__doc__"] = ev.string(text->stringValue);
  if (execute(stmt->body, body) == Flow::Error)
    return failure();

  for (llvm::StringRef name : body.order)
    if (body.names.contains(name))
      type->attributes[name.str()] = body.names[name];

  CallArgs hook;
  hook.keywords = args->keywords;
  hook.keywordsAt = args->keywordsAt;
  hook.range = stmt->nameRange;
  if (failed(callHook("__init_subclass__", type, hook)))
    return failure();
  for (const auto &[name, value] : type->attributes) {
    if (!value.is(ValueKind::Instance))
      continue;
    if (std::optional<Value> setName = special(value, "__set_name__"))
      if (failed(ev.call(*setName, {Value(type), ev.string(name)},
                         stmt->nameRange)))
        return failure();
  }
  Result decorated = decorate(stmt->decorators, type, scope);
  if (failed(decorated))
    return failure();
  return bind(stmt->name, *decorated, scope, stmt->nameRange);
}

/// `__init_subclass__` of the bases, with the new class as first argument.
LogicalResult Interpretation::callHook(llvm::StringRef hook, ClassObject *type,
                                       CallArgs &args) {
  for (ClassObject *base : llvm::drop_begin(type->mro)) {
    auto found = base->attributes.find(hook.str());
    if (found == base->attributes.end())
      continue;
    Value function = found->second;
    if (auto *descriptor = function.as<DescriptorObject>())
      function = descriptor->function;
    args.positional.insert(args.positional.begin(), Value(type));
    return ev.call(function, args);
  }
  if (!args.keywords.empty())
    return ev.error(args.range, type->name +
                                    ".__init_subclass__() takes no keyword "
                                    "arguments");
  return success();
}

Result Interpretation::callClass(ClassObject *type, CallArgs &args) {
  const Value *make = type->find("__new__");
  Value created;
  if (make && (!make->is(ValueKind::Builtin) ||
               make->as<BuiltinObject>()->name != "object.__new__")) {
    Value function = *make;
    if (auto *descriptor = function.as<DescriptorObject>())
      function = descriptor->function;
    CallArgs withClass = args;
    withClass.positional.insert(withClass.positional.begin(), Value(type));
    if (!withClass.positionalAt.empty())
      withClass.positionalAt.insert(withClass.positionalAt.begin(), args.range);
    Result value = ev.call(function, std::move(withClass));
    if (failed(value))
      return failure();
    created = *value;
    auto *instance = created.as<InstanceObject>();
    if (!instance || !instance->type->isSubclassOf(type))
      return created;
  } else {
    created = ev.make<InstanceObject>(type);
  }
  created.object()->definedAt = args.range;
  const Value *init = type->find("__init__");
  if (!init)
    return created;
  if (init->is(ValueKind::Builtin) &&
      init->as<BuiltinObject>()->name == "object.__init__") {
    if ((!args.positional.empty() || !args.keywords.empty()) &&
        !make->is(ValueKind::Function))
      return error(args.range, type->name + "() takes no arguments");
    return created;
  }
  Result method = bindAttribute(*init, created, type, args.range);
  if (failed(method))
    return failure();
  Result result = ev.call(*method, std::move(args));
  if (failed(result))
    return failure();
  if (!result->isNone())
    return error(args.range, type->name +
                                 ".__init__() should return None, "
                                 "not " +
                                 ev.describe(*result));
  return created;
}

/// `super()` in a method, or `super(Class, self)`.
Result Interpretation::makeSuper(CallArgs &args) {
  if (!args.keywords.empty() || args.positional.size() > 2)
    return error(args.range, "super() takes at most two arguments");
  ClassObject *after = nullptr;
  Value self;
  if (args.positional.empty()) {
    Scope *s = state.callScope;
    while (s && !(s->isFunction && s->definedIn))
      s = s->parent;
    if (!s)
      return error(args.range, "super(): no arguments outside of a method");
    after = s->definedIn;
    self = s->self;
  } else {
    after = args.positional[0].as<ClassObject>();
    if (!after)
      return error(args.at(0), "super() argument 1 must be a class, not " +
                                   ev.describe(args.positional[0]));
    if (args.positional.size() < 2)
      return error(args.range, "super() needs an instance as well");
    self = args.positional[1];
  }
  auto *type = self.as<ClassObject>();
  if (!type)
    type = ev.classOf(self);
  if (!type->isSubclassOf(after))
    return error(args.range, "super(type, obj): obj must be an instance or "
                             "subtype of type '" +
                                 after->name + "'");
  return Value(ev.make<SuperObject>(after, self));
}
