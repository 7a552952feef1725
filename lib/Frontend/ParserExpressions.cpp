//===- ParserExpressions.cpp - operators, by precedence -------------------===//

#include "ParserImpl.h"

using namespace llvm;
using namespace lamina::ast;

namespace lamina {

//===----------------------------------------------------------------------===//
// Lists of expressions
//===----------------------------------------------------------------------===//

/// Where a comma can be the last token of a tuple without parentheses.
static bool endsExpressions(const Token &token) {
  switch (token.kind) {
  case TokenKind::EndOfFile:
  case TokenKind::Newline:
  case TokenKind::Semicolon:
  case TokenKind::Equal:
  case TokenKind::Colon:
  case TokenKind::RParen:
  case TokenKind::RBracket:
  case TokenKind::RBrace:
  case TokenKind::Exclaim:
    return true;
  default:
    return false;
  }
}

Expr *Parser::parseExpressions(bool allowStar) {
  SMLoc start = token.start();
  SmallVector<Expr *> items;
  bool tuple = false;
  do {
    if (!items.empty() && endsExpressions(token))
      break;
    SMLoc itemStart = token.start();
    Expr *item;
    if (allowStar && accept(TokenKind::Star)) {
      item = parseBinary(1);
      if (item)
        item = finish(make<StarredExpr>(from(itemStart), item), item);
    } else {
      item = parseExpression();
    }
    if (!item)
      return nullptr;
    items.push_back(item);
    if (!at(TokenKind::Comma))
      break;
    tuple = true;
  } while (accept(TokenKind::Comma));
  if (!tuple)
    return items.front();
  return finish(make<SequenceExpr>(from(start), ExprKind::Tuple,
                                   context.list<Expr *>(items)),
                items);
}

Expr *Parser::parseValues() {
  Expr *value = parseExpressions(true);
  if (value && value->kind == ExprKind::Starred)
    error(value->range,
          "a starred expression must be in a tuple, list or call");
  return value;
}

/// An expression or `name := expression`.
Expr *Parser::parseNamed() {
  SMLoc start = token.start();
  Expr *target = parseExpression();
  if (!target || !at(TokenKind::ColonEqual))
    return target;
  auto *name = dyn_cast<NameExpr>(target);
  if (!name || start != name->range.Start) {
    error(target->range,
          "':=' assigns to a name only, not to " + describe(target));
    return nullptr;
  }
  advance();
  Expr *value = parseExpression();
  if (!value)
    return nullptr;
  return finish(make<NamedExpr>(from(start), name, value), value);
}

Expr *Parser::parseStarOrNamed() {
  SMLoc start = token.start();
  if (!accept(TokenKind::Star))
    return parseNamed();
  Expr *value = parseBinary(1);
  if (!value)
    return nullptr;
  return finish(make<StarredExpr>(from(start), value), value);
}

//===----------------------------------------------------------------------===//
// Lambda, conditional, boolean
//===----------------------------------------------------------------------===//

Expr *Parser::parseExpression() {
  if (at(TokenKind::kw_lambda))
    return parseLambda();
  SMLoc start = token.start();
  Expr *value = parseOr();
  if (!value || !at(TokenKind::kw_if))
    return value;
  advance();
  Expr *condition = parseOr();
  if (!condition)
    return nullptr;
  if (!at(TokenKind::kw_else))
    return unexpected("'else' of the conditional expression");
  advance();
  if (tooDeep())
    return nullptr;
  Nesting level(*this);
  Expr *otherwise = parseExpression();
  if (!otherwise)
    return nullptr;
  return finish(make<IfExpr>(from(start), condition, value, otherwise),
                {value, condition, otherwise});
}

Expr *Parser::parseLambda() {
  if (tooDeep())
    return nullptr;
  Nesting level(*this);
  SMLoc start = token.start();
  advance();
  std::optional<ArrayRef<Parameter>> params =
      parseParameters(TokenKind::Colon, false);
  if (!params || !expect(TokenKind::Colon, " after the parameters of 'lambda'"))
    return nullptr;
  Expr *body = parseExpression();
  if (!body)
    return nullptr;
  SmallVector<Expr *> children{body};
  for (const Parameter &p : *params)
    children.push_back(p.defaultValue);
  return finish(make<LambdaExpr>(from(start), *params, body), children);
}

Expr *Parser::parseOr() {
  SMLoc start = token.start();
  Expr *first = parseAnd();
  if (!first || !at(TokenKind::kw_or))
    return first;
  SmallVector<Expr *> values{first};
  while (accept(TokenKind::kw_or)) {
    values.push_back(parseAnd());
    if (!values.back())
      return nullptr;
  }
  return finish(
      make<BoolOpExpr>(from(start), false, context.list<Expr *>(values)),
      values);
}

Expr *Parser::parseAnd() {
  SMLoc start = token.start();
  Expr *first = parseNot();
  if (!first || !at(TokenKind::kw_and))
    return first;
  SmallVector<Expr *> values{first};
  while (accept(TokenKind::kw_and)) {
    values.push_back(parseNot());
    if (!values.back())
      return nullptr;
  }
  return finish(
      make<BoolOpExpr>(from(start), true, context.list<Expr *>(values)),
      values);
}

Expr *Parser::parseNot() {
  SmallVector<SMLoc> starts;
  while (at(TokenKind::kw_not)) {
    starts.push_back(token.start());
    advance();
  }
  Expr *value = parseComparison();
  while (value && !starts.empty())
    value = finish(
        make<UnaryExpr>(from(starts.pop_back_val()), UnaryOp::Not, value),
        value);
  return value;
}

Expr *Parser::parseComparison() {
  SMLoc start = token.start();
  Expr *first = parseBinary(1);
  if (!first)
    return nullptr;
  SmallVector<CompareOp> ops;
  SmallVector<Expr *> rest;
  while (true) {
    std::optional<CompareOp> op;
    switch (token.kind) {
    case TokenKind::EqualEqual:
      op = CompareOp::Eq;
      break;
    case TokenKind::ExclaimEqual:
      op = CompareOp::Ne;
      break;
    case TokenKind::Less:
      op = CompareOp::Lt;
      break;
    case TokenKind::LessEqual:
      op = CompareOp::Le;
      break;
    case TokenKind::Greater:
      op = CompareOp::Gt;
      break;
    case TokenKind::GreaterEqual:
      op = CompareOp::Ge;
      break;
    case TokenKind::kw_in:
      op = CompareOp::In;
      break;
    case TokenKind::kw_not:
      if (peek().is(TokenKind::kw_in)) {
        advance();
        op = CompareOp::NotIn;
      }
      break;
    case TokenKind::kw_is:
      op = CompareOp::Is;
      if (peek().is(TokenKind::kw_not)) {
        advance();
        op = CompareOp::IsNot;
      }
      break;
    default:
      break;
    }
    if (!op)
      break;
    advance();
    Expr *operand = parseBinary(1);
    if (!operand)
      return nullptr;
    ops.push_back(*op);
    rest.push_back(operand);
  }
  if (ops.empty())
    return first;
  SmallVector<Expr *> children(rest);
  children.push_back(first);
  return finish(make<CompareExpr>(from(start), first,
                                  context.list<CompareOp>(ops),
                                  context.list<Expr *>(rest)),
                children);
}

//===----------------------------------------------------------------------===//
// Arithmetic
//===----------------------------------------------------------------------===//

/// 0 for what is no binary operator (`**` is parsePower's).
static std::pair<unsigned, BinaryOp> binaryOp(TokenKind kind) {
  switch (kind) {
  case TokenKind::Pipe:
    return {1, BinaryOp::Or};
  case TokenKind::Caret:
    return {2, BinaryOp::Xor};
  case TokenKind::Amp:
    return {3, BinaryOp::And};
  case TokenKind::LessLess:
    return {4, BinaryOp::Shl};
  case TokenKind::GreaterGreater:
    return {4, BinaryOp::Shr};
  case TokenKind::Plus:
    return {5, BinaryOp::Add};
  case TokenKind::Minus:
    return {5, BinaryOp::Sub};
  case TokenKind::Star:
    return {6, BinaryOp::Mul};
  case TokenKind::Slash:
    return {6, BinaryOp::Div};
  case TokenKind::SlashSlash:
    return {6, BinaryOp::FloorDiv};
  case TokenKind::Percent:
    return {6, BinaryOp::Mod};
  case TokenKind::At:
    return {6, BinaryOp::MatMul};
  default:
    return {0, BinaryOp::Add};
  }
}

/// Binary operators that bind at least as tightly as `precedence`.
Expr *Parser::parseBinary(unsigned precedence) {
  SMLoc start = token.start();
  Expr *lhs = parseUnary();
  while (lhs) {
    auto [level, op] = binaryOp(token.kind);
    if (level < precedence || level == 0)
      return lhs;
    SMLoc opLoc = token.start();
    advance();
    Expr *rhs = parseBinary(level + 1);
    if (!rhs)
      return nullptr;
    lhs =
        finish(make<BinaryExpr>(from(start), op, opLoc, lhs, rhs), {lhs, rhs});
  }
  return nullptr;
}

Expr *Parser::parseUnary() {
  SmallVector<Token> signs;
  while (at(TokenKind::Minus) || at(TokenKind::Plus) || at(TokenKind::Tilde)) {
    signs.push_back(token);
    advance();
  }
  negated = !signs.empty() && signs.back().is(TokenKind::Minus);
  Expr *value = parsePower();
  // The smallest integer exists only with its sign.
  if (auto *number = dyn_cast_or_null<ConstantExpr>(value);
      number && number->type == ConstantExpr::Type::Int &&
      number->intValue == INT64_MIN && !signs.empty())
    number->range.Start = signs.pop_back_val().start();
  while (value && !signs.empty()) {
    Token sign = signs.pop_back_val();
    UnaryOp op = sign.is(TokenKind::Minus)  ? UnaryOp::Neg
                 : sign.is(TokenKind::Plus) ? UnaryOp::Pos
                                            : UnaryOp::Invert;
    value = finish(make<UnaryExpr>(from(sign.start()), op, value), value);
  }
  return value;
}

Expr *Parser::parsePower() {
  SMLoc start = token.start();
  Expr *base = parsePrimary();
  if (!base || !at(TokenKind::StarStar))
    return base;
  if (tooDeep())
    return nullptr;
  Nesting level(*this);
  SMLoc opLoc = token.start();
  advance();
  // `2 ** -x`: the exponent may have a sign, and `**` goes from right to left.
  Expr *exponent = parseUnary();
  if (!exponent)
    return nullptr;
  return finish(
      make<BinaryExpr>(from(start), BinaryOp::Pow, opLoc, base, exponent),
      {base, exponent});
}

} // namespace lamina
