//===- InterpretationDisplays.cpp - displays and comprehensions -----------===//
#include "Interpretation.h"

using namespace lamina;
using namespace lamina::ast;
using namespace lamina::frontend;

Result Interpretation::display(const SequenceExpr *expr, Scope &scope) {
  std::vector<Value> items;
  items.reserve(expr->items.size());
  for (const Expr *item : expr->items) {
    if (const auto *starred = llvm::dyn_cast<StarredExpr>(item)) {
      Result sequence = evaluate(starred->value, scope);
      if (failed(sequence))
        return failure();
      auto values = ev.iterate(*sequence, starred->range);
      if (failed(values))
        return failure();
      items.insert(items.end(), values->begin(), values->end());
      continue;
    }
    Result value = evaluate(item, scope);
    if (failed(value))
      return failure();
    items.push_back(*value);
  }
  if (failed(ev.spend(items.size() / 8, expr->range)))
    return failure();
  if (expr->kind == ExprKind::Tuple)
    return ev.tuple(std::move(items));
  if (expr->kind == ExprKind::List)
    return ev.list(std::move(items));
  auto *set = ev.make<SetObject>();
  for (Value item : items)
    if (failed(ev.insert(set, item, expr->range)))
      return failure();
  return Value(set);
}

Result Interpretation::dictionary(const DictExpr *expr, Scope &scope) {
  auto *dict = ev.make<DictObject>();
  for (auto [keyExpr, valueExpr] : llvm::zip_equal(expr->keys, expr->values)) {
    if (!keyExpr) {
      Result other = evaluate(valueExpr, scope);
      if (failed(other))
        return failure();
      auto *mapping = other->as<DictObject>();
      if (!mapping)
        return error(valueExpr->range,
                     ev.describe(*other) + " after ** is not a dictionary");
      auto items = mapping->items;
      for (auto [key, value] : items)
        if (failed(ev.store(dict, key, value, valueExpr->range)))
          return failure();
      continue;
    }
    Result key = evaluate(keyExpr, scope);
    if (failed(key))
      return failure();
    Result value = evaluate(valueExpr, scope);
    if (failed(value) || failed(ev.store(dict, *key, *value, keyExpr->range)))
      return failure();
  }
  return Value(dict);
}

//===----------------------------------------------------------------------===//
// Comprehensions
//===----------------------------------------------------------------------===//

/// Walks the nested `for` clauses, one element at a time.
struct Interpretation::Generator {
  Interpretation &in;
  const ComprehensionExpr *expr;
  Scope *scope;
  std::vector<IteratorObject *> active; // of the clauses entered so far

  /// Sets the variables of the next element; false at the end.
  FailureOr<bool> advance() {
    while (!active.empty()) {
      const ForClause &clause = expr->clauses[active.size() - 1];
      if (failed(in.ev.spend(1, clause.iterable->range)))
        return failure();
      auto item = in.ev.next(active.back(), clause.iterable->range);
      if (failed(item))
        return failure();
      if (!*item) {
        active.pop_back();
        continue;
      }
      if (failed(in.assign(clause.target, **item, *scope)))
        return failure();
      FailureOr<bool> wanted = accepts(clause);
      if (failed(wanted))
        return failure();
      if (!*wanted)
        continue;
      if (active.size() == expr->clauses.size())
        return true;
      if (failed(enter(*scope)))
        return failure();
    }
    return false;
  }

  FailureOr<bool> accepts(const ForClause &clause) {
    for (const Expr *condition : clause.conditions) {
      Result value = in.evaluate(condition, *scope);
      if (failed(value))
        return failure();
      FailureOr<bool> isTrue = in.ev.truth(*value, condition->range);
      if (failed(isTrue) || !*isTrue)
        return isTrue;
    }
    return true;
  }

  /// Starts the next clause. The first iterable belongs to the enclosing scope.
  LogicalResult enter(Scope &from) {
    const Expr *iterable = expr->clauses[active.size()].iterable;
    Result value = in.evaluate(iterable, from);
    if (failed(value))
      return failure();
    auto iterator = in.ev.iterator(*value, iterable->range);
    if (failed(iterator))
      return failure();
    active.push_back(*iterator);
    return success();
  }
};

Result Interpretation::comprehension(const ComprehensionExpr *expr,
                                     Scope &scope) {
  auto owned = std::make_unique<Scope>();
  Scope *inner = owned.get();
  inner->parent = &scope;
  inner->isComprehension = true;
  inner->isLibrary = scope.isLibrary;
  Generator generator{*this, expr, inner, {}};
  if (failed(generator.enter(scope)))
    return failure();

  if (expr->type == ComprehensionExpr::Type::Generator) {
    capture(*inner);
    state.scopes.push_back(std::move(owned));
    auto step =
        [generator](
            Evaluator &evaluator) mutable -> FailureOr<std::optional<Value>> {
      FailureOr<bool> more = generator.advance();
      if (failed(more))
        return failure();
      if (!*more)
        return std::optional<Value>();
      Result value =
          generator.in.evaluate(generator.expr->element, *generator.scope);
      if (failed(value))
        return failure();
      return std::optional<Value>(*value);
    };
    return Value(ev.make<IteratorObject>(IteratorObject::Step(step)));
  }

  std::vector<Value> items;
  auto *dict = expr->type == ComprehensionExpr::Type::Dict
                   ? ev.make<DictObject>()
                   : nullptr;
  bool ok = true;
  while (ok) {
    FailureOr<bool> more = generator.advance();
    ok = succeeded(more);
    if (!ok || !*more)
      break;
    Result key = dict ? evaluate(expr->key, *inner) : Result(Value::none());
    Result value =
        failed(key) ? Result(failure()) : evaluate(expr->element, *inner);
    ok = succeeded(value) &&
         (!dict || succeeded(ev.store(dict, *key, *value, expr->range)));
    if (ok && !dict)
      items.push_back(*value);
  }
  if (inner->captured)
    state.scopes.push_back(std::move(owned));
  if (!ok)
    return failure();
  if (dict)
    return Value(dict);
  if (expr->type == ComprehensionExpr::Type::List)
    return ev.list(std::move(items));
  auto *set = ev.make<SetObject>();
  for (Value item : items)
    if (failed(ev.insert(set, item, expr->range)))
      return failure();
  return Value(set);
}

void Interpretation::capture(Scope &scope) {
  for (Scope *s = &scope; s && !s->captured; s = s->parent)
    s->captured = true;
}
