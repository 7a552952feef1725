//===- ParserAtoms.cpp - names, numbers, displays, comprehensions ---------===//

#include "ParserImpl.h"
#include "llvm/ADT/StringExtras.h"

using namespace llvm;
using namespace lamina::ast;

namespace lamina {

Expr *Parser::parseAtom() {
  bool afterMinus = std::exchange(negated, false);
  SMRange range = token.range();
  auto constant = [&](ConstantExpr::Type type) {
    advance();
    return make<ConstantExpr>(range, type);
  };
  switch (token.kind) {
  case TokenKind::Name: {
    StringRef name = token.text;
    advance();
    return make<NameExpr>(range, name);
  }
  case TokenKind::Int:
  case TokenKind::Float:
    return parseNumber(afterMinus);
  case TokenKind::String:
  case TokenKind::FStringStart:
    return parseStrings();
  case TokenKind::kw_None:
    return constant(ConstantExpr::Type::None);
  case TokenKind::kw_True:
    return constant(ConstantExpr::Type::True);
  case TokenKind::kw_False:
    return constant(ConstantExpr::Type::False);
  case TokenKind::DotDotDot:
    return constant(ConstantExpr::Type::Ellipsis);
  case TokenKind::LParen:
  case TokenKind::LBracket:
  case TokenKind::LBrace: {
    if (tooDeep())
      return nullptr;
    Nesting level(*this);
    return at(TokenKind::LParen)     ? parseParenthesized()
           : at(TokenKind::LBracket) ? parseListDisplay()
                                     : parseBraces();
  }
  case TokenKind::kw_lambda:
    error(range, "a lambda here needs parentheses");
    return nullptr;
  default:
    return expectedExpression();
  }
}

Expr *Parser::parseNumber(bool afterMinus) {
  Token number = token;
  std::string digits;
  for (char c : number.text)
    if (c != '_')
      digits += c;
  advance();
  if (number.is(TokenKind::Float)) {
    auto *node = make<ConstantExpr>(number.range(), ConstantExpr::Type::Float);
    // Too large is infinity, as in Python.
    if (StringRef(digits).getAsDouble(node->floatValue)) {
      error(number.range(), "'" + number.text + "' is not a number");
      return nullptr;
    }
    return node;
  }
  auto *node = make<ConstantExpr>(number.range(), ConstantExpr::Type::Int);
  // The lexer has seen to it that only the radix of the prefix is possible.
  bool hasRadix = digits.size() > 1 && !isDigit(digits[1]);
  unsigned radix = !hasRadix                   ? 10
                   : toLower(digits[1]) == 'x' ? 16
                   : toLower(digits[1]) == 'o' ? 8
                                               : 2;
  uint64_t value = 0;
  bool large =
      StringRef(digits).drop_front(hasRadix ? 2 : 0).getAsInteger(radix, value);
  constexpr uint64_t limit = uint64_t(1) << 63;
  bool alone = !at(TokenKind::StarStar) && !at(TokenKind::Dot) &&
               !at(TokenKind::LParen) && !at(TokenKind::LBracket);
  if (large || value > limit || (value == limit && !(afterMinus && alone))) {
    error(number.range(), "this integer does not fit in 64 bits")
        .note("the largest is 9223372036854775807; a float is written with a "
              "'.' or exponent");
    return nullptr;
  }
  node->intValue = static_cast<int64_t>(value);
  return node;
}

//===----------------------------------------------------------------------===//
// Displays
//===----------------------------------------------------------------------===//

/// `(…)`: an expression, a tuple or a generator.
Expr *Parser::parseParenthesized() {
  Token open = token;
  advance();
  SmallVector<Expr *> items;
  bool tuple = at(TokenKind::RParen);
  while (!at(TokenKind::RParen)) {
    Expr *item = parseStarOrNamed();
    if (!item)
      return nullptr;
    if (items.empty() && at(TokenKind::kw_for))
      return comprehension(open, TokenKind::RParen,
                           ComprehensionExpr::Type::Generator, nullptr, item);
    items.push_back(item);
    if (!accept(TokenKind::Comma))
      break;
    tuple = true;
  }
  if (!expectClosing(TokenKind::RParen, open, "','"))
    return nullptr;
  if (tuple)
    return finish(make<SequenceExpr>(from(open.start()), ExprKind::Tuple,
                                     context.list<Expr *>(items)),
                  items);
  if (items.front()->kind == ExprKind::Starred) {
    error(items.front()->range,
          "a starred expression must be in a tuple, list or call")
        .note("a tuple of one has a comma: (*x,)");
    return nullptr;
  }
  return items.front();
}

Expr *Parser::parseListDisplay() {
  Token open = token;
  advance();
  SmallVector<Expr *> items;
  while (!at(TokenKind::RBracket)) {
    Expr *item = parseStarOrNamed();
    if (!item)
      return nullptr;
    if (items.empty() && at(TokenKind::kw_for))
      return comprehension(open, TokenKind::RBracket,
                           ComprehensionExpr::Type::List, nullptr, item);
    items.push_back(item);
    if (!accept(TokenKind::Comma))
      break;
  }
  if (!expectClosing(TokenKind::RBracket, open, "','"))
    return nullptr;
  return finish(make<SequenceExpr>(from(open.start()), ExprKind::List,
                                   context.list<Expr *>(items)),
                items);
}

/// `{…}`: a set or a dictionary.
Expr *Parser::parseBraces() {
  Token open = token;
  advance();
  if (at(TokenKind::RBrace) || at(TokenKind::StarStar))
    return parseDict(open, nullptr);
  Expr *first = parseStarOrNamed();
  if (!first)
    return nullptr;
  if (at(TokenKind::Colon) && first->kind != ExprKind::Starred)
    return parseDict(open, first);
  if (at(TokenKind::kw_for))
    return comprehension(open, TokenKind::RBrace, ComprehensionExpr::Type::Set,
                         nullptr, first);
  SmallVector<Expr *> items{first};
  while (accept(TokenKind::Comma) && !at(TokenKind::RBrace)) {
    items.push_back(parseStarOrNamed());
    if (!items.back())
      return nullptr;
  }
  if (!expectClosing(TokenKind::RBrace, open, "','"))
    return nullptr;
  return finish(make<SequenceExpr>(from(open.start()), ExprKind::Set,
                                   context.list<Expr *>(items)),
                items);
}

/// The items of a dictionary; `key` is the first one's if it has been read.
Expr *Parser::parseDict(const Token &open, Expr *key) {
  SmallVector<Expr *> keys, values;
  while (key || !at(TokenKind::RBrace)) {
    Expr *value;
    if (!key && accept(TokenKind::StarStar)) {
      value = parseBinary(1);
    } else {
      if (!key)
        key = parseExpression();
      if (!key || !expect(TokenKind::Colon, " after the key of a dictionary"))
        return nullptr;
      value = parseExpression();
    }
    if (!value)
      return nullptr;
    if (keys.empty() && at(TokenKind::kw_for)) {
      if (!key) {
        error(value->range, "'**' cannot be in a comprehension");
        return nullptr;
      }
      return comprehension(open, TokenKind::RBrace,
                           ComprehensionExpr::Type::Dict, key, value);
    }
    keys.push_back(std::exchange(key, nullptr));
    values.push_back(value);
    if (!accept(TokenKind::Comma))
      break;
  }
  if (!expectClosing(TokenKind::RBrace, open, "','"))
    return nullptr;
  SmallVector<Expr *> children(keys);
  children.append(values);
  return finish(make<DictExpr>(from(open.start()), context.list<Expr *>(keys),
                               context.list<Expr *>(values)),
                children);
}

//===----------------------------------------------------------------------===//
// Comprehensions
//===----------------------------------------------------------------------===//

/// `for target in iterable if condition …`, at least one.
bool Parser::parseForClauses(Items<ForClause> &clauses,
                             Items<Expr *> &children) {
  while (at(TokenKind::kw_for)) {
    advance();
    Expr *target = parseLoopTarget();
    if (!target || !expect(TokenKind::kw_in, " after the target of 'for'"))
      return false;
    Expr *iterable = parseOr();
    if (!iterable)
      return false;
    children.push_back(target);
    children.push_back(iterable);
    SmallVector<Expr *> conditions;
    while (accept(TokenKind::kw_if)) {
      Expr *condition = parseOr();
      if (!condition)
        return false;
      if (at(TokenKind::kw_else)) {
        error(token.range(), "the condition of a comprehension has no 'else'")
            .note("a conditional expression goes before 'for'");
        return false;
      }
      conditions.push_back(condition);
      children.push_back(condition);
    }
    clauses.push_back({target, iterable, context.list<Expr *>(conditions)});
  }
  if (at(TokenKind::kw_async)) {
    refuse("'async'", "write a plain 'for'");
    return false;
  }
  return true;
}

Expr *Parser::comprehension(const Token &open, TokenKind close,
                            ComprehensionExpr::Type type, Expr *key,
                            Expr *element) {
  if (element->kind == ExprKind::Starred) {
    error(element->range, "a comprehension cannot unpack with '*'")
        .note("use a second 'for'");
    return nullptr;
  }
  SmallVector<ForClause> clauses;
  SmallVector<Expr *> children{key, element};
  if (!parseForClauses(clauses, children) ||
      !expectClosing(close, open, "'for', 'if'"))
    return nullptr;
  return finish(make<ComprehensionExpr>(from(open.start()), type, key, element,
                                        context.list<ForClause>(clauses)),
                children);
}

} // namespace lamina
