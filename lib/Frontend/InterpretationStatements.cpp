//===- InterpretationStatements.cpp - execution of statements -------------===//
#include "Interpretation.h"

using namespace lamina;
using namespace lamina::ast;
using namespace lamina::frontend;

Flow Interpretation::execute(Block block, Scope &scope) {
  for (const Stmt *stmt : block) {
    Flow flow = execute(stmt, scope);
    if (flow != Flow::Next)
      return flow;
  }
  return Flow::Next;
}

static Flow flowOf(LogicalResult result) {
  return succeeded(result) ? Flow::Next : Flow::Error;
}

Flow Interpretation::execute(const Stmt *stmt, Scope &scope) {
  if (failed(checkStack(stmt->range)))
    return Flow::Error;
  here(stmt->range);
  switch (stmt->kind) {
  case StmtKind::Expression:
    return flowOf(evaluate(llvm::cast<ExpressionStmt>(stmt)->value, scope));
  case StmtKind::Assign: {
    const auto *assignment = llvm::cast<AssignStmt>(stmt);
    Result value = evaluate(assignment->value, scope);
    if (failed(value))
      return Flow::Error;
    for (const Expr *target : assignment->targets) {
      if (failed(assign(target, *value, scope)))
        return Flow::Error;
      announce(target, *value);
    }
    return Flow::Next;
  }
  case StmtKind::AugAssign:
    return flowOf(augmentedAssign(llvm::cast<AugAssignStmt>(stmt), scope));
  case StmtKind::AnnAssign: {
    const auto *annotated = llvm::cast<AnnAssignStmt>(stmt);
    if (!annotated->value)
      return Flow::Next;
    Result value = evaluate(annotated->value, scope);
    if (failed(value))
      return Flow::Error;
    if (failed(assign(annotated->target, *value, scope)))
      return Flow::Error;
    announce(annotated->target, *value);
    return Flow::Next;
  }
  case StmtKind::Import:
    return flowOf(import(llvm::cast<ImportStmt>(stmt), scope));
  case StmtKind::ImportFrom:
    return flowOf(importFrom(llvm::cast<ImportFromStmt>(stmt), scope));
  case StmtKind::FunctionDef:
    return flowOf(defineFunction(llvm::cast<FunctionDefStmt>(stmt), scope));
  case StmtKind::ClassDef:
    return flowOf(defineClass(llvm::cast<ClassDefStmt>(stmt), scope));
  case StmtKind::Return: {
    Value value;
    if (const Expr *expr = llvm::cast<ReturnStmt>(stmt)->value) {
      Result result = evaluate(expr, scope);
      if (failed(result))
        return Flow::Error;
      value = *result;
    }
    returned = value;
    return Flow::Return;
  }
  case StmtKind::If: {
    const auto *choice = llvm::cast<IfStmt>(stmt);
    Result condition = evaluate(choice->condition, scope);
    if (failed(condition))
      return Flow::Error;
    FailureOr<bool> isTrue = ev.truth(*condition, choice->condition->range);
    if (failed(isTrue))
      return Flow::Error;
    return execute(*isTrue ? choice->thenBody : choice->elseBody, scope);
  }
  case StmtKind::For:
    return forLoop(llvm::cast<ForStmt>(stmt), scope);
  case StmtKind::While:
    return whileLoop(llvm::cast<WhileStmt>(stmt), scope);
  case StmtKind::Break:
    return Flow::Break;
  case StmtKind::Continue:
    return Flow::Continue;
  case StmtKind::Pass:
    return Flow::Next;
  case StmtKind::Assert:
    return flowOf(assertion(llvm::cast<AssertStmt>(stmt), scope));
  case StmtKind::Raise:
    return flowOf(raise(llvm::cast<RaiseStmt>(stmt), scope));
  case StmtKind::Delete:
    for (const Expr *target : llvm::cast<DeleteStmt>(stmt)->targets)
      if (failed(remove(target, scope)))
        return Flow::Error;
    return Flow::Next;
  case StmtKind::Nonlocal:
  case StmtKind::Global:
    return Flow::Next; // the function's table of names has them
  }
  return Flow::Error;
}

//===----------------------------------------------------------------------===//
// Assignment
//===----------------------------------------------------------------------===//

/// Tells who listens that an assignment of the user's gave `value` a name;
/// loops and parameters do not name what they are bound to.
void Interpretation::announce(const Expr *target, Value value) {
  if (!ev.onAssign || ev.inLibrary())
    return;
  if (const auto *name = llvm::dyn_cast<NameExpr>(target)) {
    ev.onAssign(name->name, value);
    return;
  }
  const auto *targets = llvm::dyn_cast<SequenceExpr>(target);
  auto *tuple = value.as<TupleObject>();
  auto *list = value.as<ListObject>();
  if (!targets || (!tuple && !list))
    return;
  const std::vector<Value> &items = tuple ? tuple->items : list->items;
  if (items.size() == targets->items.size())
    for (auto [inner, item] : llvm::zip(targets->items, items))
      announce(inner, item);
}

LogicalResult Interpretation::assign(const Expr *target, Value value,
                                     Scope &scope) {
  switch (target->kind) {
  case ExprKind::Name:
    // A comprehension's own variables, other than those of `:=`, stay inside.
    if (scope.isComprehension) {
      scope.names[llvm::cast<NameExpr>(target)->name] = value;
      return success();
    }
    return bind(llvm::cast<NameExpr>(target)->name, value, scope,
                target->range);
  case ExprKind::Attribute: {
    const auto *attribute = llvm::cast<AttributeExpr>(target);
    Result object = evaluate(attribute->object, scope);
    if (failed(object))
      return failure();
    return ev.setAttribute(*object, attribute->name, value, target->range);
  }
  case ExprKind::Subscript: {
    const auto *subscript = llvm::cast<SubscriptExpr>(target);
    Result object = evaluate(subscript->object, scope);
    if (failed(object))
      return failure();
    Result index = evaluate(subscript->index, scope);
    if (failed(index))
      return failure();
    return ev.setItem(*object, *index, value, target->range);
  }
  case ExprKind::Tuple:
  case ExprKind::List:
    return unpack(llvm::cast<SequenceExpr>(target)->items, value, scope,
                  target->range);
  default:
    return ev.error(target->range, "cannot assign to this expression");
  }
}

LogicalResult Interpretation::unpack(llvm::ArrayRef<Expr *> targets,
                                     Value value, Scope &scope, SMRange at) {
  auto items = ev.iterate(value, at);
  if (failed(items))
    return failure();
  const auto *star = llvm::find_if(
      targets, [](const Expr *e) { return e->kind == ExprKind::Starred; });
  size_t count = items->size(), wanted = targets.size();
  if (star == targets.end()) {
    if (count > wanted)
      return ev.error(at, "too many values to unpack (expected " +
                              llvm::Twine(wanted) + ", got " +
                              llvm::Twine(count) + ")");
    if (count < wanted)
      return ev.error(at, "not enough values to unpack (expected " +
                              llvm::Twine(wanted) + ", got " +
                              llvm::Twine(count) + ")");
    for (size_t i = 0; i < wanted; ++i)
      if (failed(assign(targets[i], (*items)[i], scope)))
        return failure();
    return success();
  }
  if (count + 1 < wanted)
    return ev.error(at, "not enough values to unpack (expected at least " +
                            llvm::Twine(wanted - 1) + ", got " +
                            llvm::Twine(count) + ")");
  size_t before = star - targets.begin(), after = wanted - before - 1;
  for (size_t i = 0; i < before; ++i)
    if (failed(assign(targets[i], (*items)[i], scope)))
      return failure();
  Value middle = ev.list(
      std::vector<Value>(items->begin() + before, items->end() - after));
  if (failed(assign(llvm::cast<StarredExpr>(*star)->value, middle, scope)))
    return failure();
  for (size_t i = 0; i < after; ++i)
    if (failed(assign(targets[before + 1 + i], (*items)[count - after + i],
                      scope)))
      return failure();
  return success();
}

LogicalResult Interpretation::augmentedAssign(const AugAssignStmt *stmt,
                                              Scope &scope) {
  // Object and index are evaluated once.
  Value object, index;
  Result old = failure();
  const auto *attribute = llvm::dyn_cast<AttributeExpr>(stmt->target);
  const auto *subscript = llvm::dyn_cast<SubscriptExpr>(stmt->target);
  if (attribute || subscript) {
    Result base =
        evaluate(attribute ? attribute->object : subscript->object, scope);
    if (failed(base))
      return failure();
    object = *base;
    if (subscript) {
      Result key = evaluate(subscript->index, scope);
      if (failed(key))
        return failure();
      index = *key;
      old = ev.getItem(object, index, stmt->target->range);
    } else {
      old = ev.getAttribute(object, attribute->name, stmt->target->range);
    }
  } else {
    old = evaluate(stmt->target, scope);
  }
  if (failed(old))
    return failure();
  Result operand = evaluate(stmt->value, scope);
  if (failed(operand))
    return failure();
  here(stmt->range);
  Result value = ev.augmented(stmt->op, *old, *operand, stmt->range);
  if (failed(value))
    return failure();
  if (attribute)
    return ev.setAttribute(object, attribute->name, *value,
                           stmt->target->range);
  if (subscript)
    return ev.setItem(object, index, *value, stmt->target->range);
  return assign(stmt->target, *value, scope);
}

LogicalResult Interpretation::remove(const Expr *target, Scope &scope) {
  if (const auto *sequence = llvm::dyn_cast<SequenceExpr>(target)) {
    for (const Expr *item : sequence->items)
      if (failed(remove(item, scope)))
        return failure();
    return success();
  }
  if (const auto *name = llvm::dyn_cast<NameExpr>(target)) {
    Result old = lookupName(name->name, scope, target->range);
    if (failed(old))
      return failure();
    for (Scope *s = &scope; s; s = s->parent)
      if (s->names.erase(name->name))
        return success();
    return ev.error(target->range, "cannot delete '" + name->name + "'");
  }
  const auto *attribute = llvm::dyn_cast<AttributeExpr>(target);
  const auto *subscript = llvm::dyn_cast<SubscriptExpr>(target);
  if (!attribute && !subscript)
    return ev.error(target->range, "cannot delete this expression");
  Result object =
      evaluate(attribute ? attribute->object : subscript->object, scope);
  if (failed(object))
    return failure();
  if (attribute)
    return ev.deleteAttribute(*object, attribute->name, target->range);
  Result index = evaluate(subscript->index, scope);
  if (failed(index))
    return failure();
  return ev.deleteItem(*object, *index, target->range);
}

//===----------------------------------------------------------------------===//
// Loops
//===----------------------------------------------------------------------===//

Flow Interpretation::forLoop(const ForStmt *stmt, Scope &scope) {
  Result iterable = evaluate(stmt->iterable, scope);
  if (failed(iterable))
    return Flow::Error;
  auto iterator = ev.iterator(*iterable, stmt->iterable->range);
  if (failed(iterator))
    return Flow::Error;
  while (true) {
    if (failed(ev.spend(1, stmt->iterable->range)))
      return Flow::Error;
    auto item = ev.next(*iterator, stmt->iterable->range);
    if (failed(item))
      return Flow::Error;
    if (!*item)
      return execute(stmt->elseBody, scope);
    if (failed(assign(stmt->target, **item, scope)))
      return Flow::Error;
    Flow flow = execute(stmt->body, scope);
    if (flow == Flow::Break)
      return Flow::Next;
    if (flow == Flow::Return || flow == Flow::Error)
      return flow;
  }
}

Flow Interpretation::whileLoop(const WhileStmt *stmt, Scope &scope) {
  while (true) {
    if (failed(ev.spend(1, stmt->condition->range)))
      return Flow::Error;
    Result condition = evaluate(stmt->condition, scope);
    if (failed(condition))
      return Flow::Error;
    FailureOr<bool> isTrue = ev.truth(*condition, stmt->condition->range);
    if (failed(isTrue))
      return Flow::Error;
    if (!*isTrue)
      return execute(stmt->elseBody, scope);
    Flow flow = execute(stmt->body, scope);
    if (flow == Flow::Break)
      return Flow::Next;
    if (flow == Flow::Return || flow == Flow::Error)
      return flow;
  }
}

//===----------------------------------------------------------------------===//
// Errors that the program raises
//===----------------------------------------------------------------------===//

LogicalResult Interpretation::raise(const RaiseStmt *stmt, Scope &scope) {
  if (!stmt->value)
    return ev.error(stmt->range, "raise without an exception");
  Result value = evaluate(stmt->value, scope);
  if (failed(value))
    return failure();
  auto isException = [&](const ClassObject *type) {
    return type->isSubclassOf(state.exceptionClass);
  };
  auto *type = value->as<ClassObject>();
  auto *instance = value->as<InstanceObject>();
  ClassObject *raised = type ? type : instance ? instance->type : nullptr;
  if (raised && raised->isSubclassOf(state.stopIterationClass) &&
      state.nextCalls) {
    state.stopIteration = true;
    return failure();
  }
  if (type && isException(type))
    return ev.error(stmt->range, type->name);
  if (!instance || !isException(instance->type))
    return ev.error(stmt->range, "exceptions must derive from BaseException");
  auto text = ev.toText(*value, /*repr=*/false, stmt->range);
  if (failed(text))
    return failure();
  return ev.error(stmt->range, text->empty() ? instance->type->name : *text);
}

LogicalResult Interpretation::assertion(const AssertStmt *stmt, Scope &scope) {
  Result condition = evaluate(stmt->condition, scope);
  if (failed(condition))
    return failure();
  FailureOr<bool> holds = ev.truth(*condition, stmt->condition->range);
  if (failed(holds))
    return failure();
  if (*holds)
    return success();
  if (!stmt->message)
    return ev.error(stmt->condition->range, "assertion failed");
  Result message = evaluate(stmt->message, scope);
  if (failed(message))
    return failure();
  auto text = ev.toText(*message, /*repr=*/false, stmt->message->range);
  if (failed(text))
    return failure();
  return ev.error(stmt->condition->range, "assertion failed: " + *text);
}

//===----------------------------------------------------------------------===//
// def
//===----------------------------------------------------------------------===//

LogicalResult Interpretation::defineFunction(const FunctionDefStmt *stmt,
                                             Scope &scope) {
  Result function = makeFunction(stmt->name, stmt->params, stmt->body, nullptr,
                                 scope, stmt->nameRange);
  if (failed(function))
    return failure();
  Result decorated = decorate(stmt->decorators, *function, scope);
  if (failed(decorated))
    return failure();
  return bind(stmt->name, *decorated, scope, stmt->nameRange);
}

Result Interpretation::decorate(llvm::ArrayRef<Expr *> decorators, Value value,
                                Scope &scope) {
  for (const Expr *decorator : llvm::reverse(decorators)) {
    Result callee = evaluate(decorator, scope);
    if (failed(callee))
      return failure();
    Result result = ev.call(*callee, {value}, decorator->range);
    if (failed(result))
      return failure();
    value = *result;
  }
  return value;
}
