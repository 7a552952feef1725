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
