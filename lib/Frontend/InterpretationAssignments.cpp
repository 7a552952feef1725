//===- InterpretationAssignments.cpp - what = and del do ------------------===//
#include "Interpretation.h"

using namespace lamina;
using namespace lamina::ast;
using namespace lamina::frontend;

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
