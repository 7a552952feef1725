//===- InterpretationExpressions.cpp - evaluation of expressions ----------===//
#include "Interpretation.h"

using namespace lamina;
using namespace lamina::ast;
using namespace lamina::frontend;

Result Interpretation::evaluate(const Expr *expr, Scope &scope) {
  if (failed(checkStack(expr->range)))
    return failure();
  switch (expr->kind) {
  case ExprKind::Constant:
    return constant(llvm::cast<ConstantExpr>(expr));
  case ExprKind::Name:
    return lookupName(llvm::cast<NameExpr>(expr)->name, scope, expr->range);
  case ExprKind::Unary: {
    const auto *unary = llvm::cast<UnaryExpr>(expr);
    Result operand = evaluate(unary->operand, scope);
    if (failed(operand))
      return failure();
    here(expr->range);
    return ev.unary(unary->op, *operand, expr->range);
  }
  case ExprKind::Binary: {
    const auto *binary = llvm::cast<BinaryExpr>(expr);
    Result lhs = evaluate(binary->lhs, scope);
    if (failed(lhs))
      return failure();
    Result rhs = evaluate(binary->rhs, scope);
    if (failed(rhs))
      return failure();
    here(expr->range);
    return ev.binary(binary->op, *lhs, *rhs, expr->range);
  }
  case ExprKind::BoolOp: {
    const auto *bools = llvm::cast<BoolOpExpr>(expr);
    Result value = failure();
    for (const Expr *operand : bools->values) {
      value = evaluate(operand, scope);
      if (failed(value) || operand == bools->values.back())
        break;
      FailureOr<bool> isTrue = ev.truth(*value, operand->range);
      if (failed(isTrue))
        return failure();
      if (*isTrue != bools->isAnd)
        break;
    }
    return value;
  }
  case ExprKind::Compare:
    return compareChain(llvm::cast<CompareExpr>(expr), scope);
  case ExprKind::IfExp: {
    const auto *choice = llvm::cast<IfExpr>(expr);
    Result condition = evaluate(choice->condition, scope);
    if (failed(condition))
      return failure();
    FailureOr<bool> isTrue = ev.truth(*condition, choice->condition->range);
    if (failed(isTrue))
      return failure();
    return evaluate(*isTrue ? choice->thenValue : choice->elseValue, scope);
  }
  case ExprKind::Call:
    return callExpr(llvm::cast<CallExpr>(expr), scope);
  case ExprKind::Attribute: {
    const auto *attribute = llvm::cast<AttributeExpr>(expr);
    Result object = evaluate(attribute->object, scope);
    if (failed(object))
      return failure();
    here(expr->range);
    return ev.getAttribute(*object, attribute->name, attribute->nameRange);
  }
  case ExprKind::Subscript:
    return subscript(llvm::cast<SubscriptExpr>(expr), scope);
  case ExprKind::Slice: {
    const auto *slice = llvm::cast<SliceExpr>(expr);
    Value parts[3];
    const Expr *exprs[] = {slice->lower, slice->upper, slice->step};
    for (int i = 0; i < 3; ++i) {
      if (!exprs[i])
        continue;
      Result part = evaluate(exprs[i], scope);
      if (failed(part))
        return failure();
      parts[i] = *part;
    }
    return Value(ev.make<SliceObject>(parts[0], parts[1], parts[2]));
  }
  case ExprKind::Tuple:
  case ExprKind::List:
  case ExprKind::Set:
    return display(llvm::cast<SequenceExpr>(expr), scope);
  case ExprKind::Dict:
    return dictionary(llvm::cast<DictExpr>(expr), scope);
  case ExprKind::Comprehension:
    return comprehension(llvm::cast<ComprehensionExpr>(expr), scope);
  case ExprKind::Lambda: {
    const auto *lambda = llvm::cast<LambdaExpr>(expr);
    return makeFunction("<lambda>", lambda->params, {}, lambda->body, scope,
                        lambda->range);
  }
  case ExprKind::Starred:
    return error(expr->range, "a starred expression is not allowed here");
  case ExprKind::FString:
    return fString(llvm::cast<FStringExpr>(expr), scope);
  case ExprKind::NamedExpr: {
    const auto *named = llvm::cast<NamedExpr>(expr);
    Result value = evaluate(named->value, scope);
    if (failed(value) ||
        failed(bind(named->target->name, *value, scope, expr->range)))
      return failure();
    return value;
  }
  }
  return error(expr->range, "this expression is not supported");
}

Result Interpretation::constant(const ConstantExpr *expr) {
  switch (expr->type) {
  case ConstantExpr::Type::None:
    return Value::none();
  case ConstantExpr::Type::True:
    return Value::boolean(true);
  case ConstantExpr::Type::False:
    return Value::boolean(false);
  case ConstantExpr::Type::Ellipsis:
    return Value::ellipsis();
  case ConstantExpr::Type::Int:
    return Value::integer(expr->intValue);
  case ConstantExpr::Type::Float:
    return Value::floating(expr->floatValue);
  case ConstantExpr::Type::String: {
    auto [entry, isNew] = state.constants.try_emplace(expr);
    if (isNew)
      entry->second = ev.string(expr->stringValue);
    return entry->second;
  }
  }
  return failure();
}

Result Interpretation::compareChain(const CompareExpr *expr, Scope &scope) {
  Result lhs = evaluate(expr->first, scope);
  if (failed(lhs))
    return failure();
  Result value = failure();
  SMRange start = expr->first->range;
  for (auto [i, op] : llvm::enumerate(expr->ops)) {
    Result rhs = evaluate(expr->rest[i], scope);
    if (failed(rhs))
      return failure();
    SMRange at(start.Start, expr->rest[i]->range.End);
    here(at);
    value = ev.compare(op, *lhs, *rhs, at);
    if (failed(value) || i + 1 == expr->ops.size())
      return value;
    FailureOr<bool> isTrue = ev.truth(*value, at);
    if (failed(isTrue))
      return failure();
    if (!*isTrue)
      return value;
    lhs = rhs;
    start = expr->rest[i]->range;
  }
  return value;
}

//===----------------------------------------------------------------------===//
// Subscripts, calls, text
//===----------------------------------------------------------------------===//

Result Interpretation::subscript(const SubscriptExpr *expr, Scope &scope) {
  Result object = evaluate(expr->object, scope);
  if (failed(object))
    return failure();
  Result index = evaluate(expr->index, scope);
  if (failed(index))
    return failure();
  here(expr->range);
  return ev.getItem(*object, *index, expr->range);
}

FailureOr<CallArgs> Interpretation::arguments(llvm::ArrayRef<Argument> args,
                                              Scope &scope, SMRange range) {
  CallArgs result;
  result.range = range;
  auto keyword = [&](llvm::StringRef name, Value value,
                     SMRange at) -> LogicalResult {
    if (result.keyword(name))
      return ev.error(at, "keyword argument '" + name + "' is given twice");
    result.keywords.emplace_back(name.str(), value);
    result.keywordsAt.push_back(at);
    return success();
  };
  for (const Argument &arg : args) {
    Result value = evaluate(arg.value, scope);
    if (failed(value))
      return failure();
    switch (arg.kind) {
    case Argument::Kind::Positional:
      result.positional.push_back(*value);
      result.positionalAt.push_back(arg.range);
      break;
    case Argument::Kind::Keyword:
      if (failed(keyword(arg.name, *value, arg.range)))
        return failure();
      break;
    case Argument::Kind::Star: {
      auto items = ev.iterate(*value, arg.range);
      if (failed(items))
        return failure();
      for (Value item : *items) {
        result.positional.push_back(item);
        result.positionalAt.push_back(arg.range);
      }
      break;
    }
    case Argument::Kind::DoubleStar: {
      auto *dict = value->as<DictObject>();
      if (!dict)
        return error(arg.range, "argument after ** must be a dictionary, not " +
                                    ev.describe(*value));
      for (auto [key, item] : dict->items) {
        auto *name = key.as<StringObject>();
        if (!name)
          return error(arg.range, "keywords must be strings");
        if (failed(keyword(name->text, item, arg.range)))
          return failure();
      }
      break;
    }
    }
  }
  return result;
}

Result Interpretation::callExpr(const CallExpr *expr, Scope &scope) {
  Result callee = evaluate(expr->callee, scope);
  if (failed(callee))
    return failure();
  FailureOr<CallArgs> args = arguments(expr->args, scope, expr->range);
  if (failed(args))
    return failure();
  here(expr->range);
  // super() looks at the scope it is written in.
  state.callScope = &scope;
  return ev.call(*callee, std::move(*args));
}

FailureOr<std::string> Interpretation::fStringText(const FStringExpr *expr,
                                                   Scope &scope) {
  std::string text;
  for (const FStringPart &part : expr->parts) {
    text += part.text;
    if (!part.value)
      continue;
    Result value = evaluate(part.value, scope);
    if (failed(value))
      return failure();
    std::string spec;
    if (part.format) {
      auto inner = fStringText(llvm::cast<FStringExpr>(part.format), scope);
      if (failed(inner))
        return failure();
      spec = *inner;
    }
    Value shown = *value;
    if (part.conversion) {
      auto converted =
          ev.toText(shown, part.conversion != 's', part.value->range);
      if (failed(converted))
        return failure();
      shown = ev.string(*converted);
    }
    auto formatted = ev.format(shown, spec, part.value->range);
    if (failed(formatted))
      return failure();
    text += *formatted;
    if (text.size() > limits::text)
      return ev.error(expr->range, "the string is too long");
  }
  return text;
}

Result Interpretation::fString(const FStringExpr *expr, Scope &scope) {
  auto text = fStringText(expr, scope);
  if (failed(text))
    return failure();
  return ev.string(*text);
}
