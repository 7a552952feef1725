//===- ParserPrimaries.cpp - calls, subscripts, attributes ----------------===//

#include "ParserImpl.h"

using namespace llvm;
using namespace lamina::ast;

namespace lamina {

Expr *Parser::parsePrimary() {
  SMLoc start = token.start();
  Expr *value = parseAtom();
  while (value) {
    bool brackets = at(TokenKind::LParen) || at(TokenKind::LBracket);
    if (brackets && tooDeep())
      return nullptr;
    Nesting level(*this);
    if (at(TokenKind::Dot)) {
      advance();
      Token name = token;
      if (isKeyword(name.kind)) {
        error(name.range(), "expected a name after '.', found the keyword '" +
                                name.text + "'");
        return nullptr;
      }
      if (!expect(TokenKind::Name, " after '.'"))
        return nullptr;
      value = finish(
          make<AttributeExpr>(from(start), value, name.text, name.range()),
          value);
    } else if (at(TokenKind::LParen)) {
      Token open = token;
      advance();
      std::optional<ArrayRef<Argument>> args = parseArguments(open);
      if (!args)
        return nullptr;
      SmallVector<Expr *> children{value};
      for (const Argument &arg : *args)
        children.push_back(arg.value);
      value = finish(make<CallExpr>(from(start), value, *args), children);
    } else if (at(TokenKind::LBracket)) {
      Token open = token;
      advance();
      if (at(TokenKind::RBracket)) {
        error({open.start(), token.end()},
              "expected an index between '[' and ']'");
        return nullptr;
      }
      Expr *index = parseSubscript();
      if (!index || !expectClosing(TokenKind::RBracket, open, "','"))
        return nullptr;
      value = finish(make<SubscriptExpr>(from(start), value, index),
                     {value, index});
    } else {
      return value;
    }
  }
  return nullptr;
}

//===----------------------------------------------------------------------===//
// Calls
//===----------------------------------------------------------------------===//

/// The arguments after `open` and the closing parenthesis.
std::optional<ArrayRef<Argument>> Parser::parseArguments(const Token &open) {
  SmallVector<Argument> args;
  while (!at(TokenKind::RParen)) {
    if (!parseArgument(args, open))
      return std::nullopt;
    if (!accept(TokenKind::Comma))
      break;
  }
  if (!expectClosing(TokenKind::RParen, open, "','"))
    return std::nullopt;
  return context.list<Argument>(args);
}

bool Parser::parseArgument(Items<Argument> &args, const Token &open) {
  using Kind = Argument::Kind;
  SMLoc start = token.start();
  if (at(TokenKind::Star) || at(TokenKind::StarStar)) {
    Kind kind = at(TokenKind::Star) ? Kind::Star : Kind::DoubleStar;
    advance();
    Expr *value = parseExpression();
    if (!value)
      return false;
    if (kind == Kind::Star)
      for (const Argument &other : args)
        if (other.kind == Kind::DoubleStar) {
          error(from(start), "'*' argument follows a '**' argument")
              .note("it is here", other.range);
          break;
        }
    args.push_back({kind, "", value, from(start)});
    return true;
  }
  if (at(TokenKind::Name) && peek().is(TokenKind::Equal)) {
    Token name = token;
    advance();
    advance();
    Expr *value = parseExpression();
    if (!value)
      return false;
    for (const Argument &other : args)
      if (other.kind == Kind::Keyword && other.name == name.text) {
        error(name.range(), "a second argument '" + name.text + "'")
            .note("the first is here", other.range);
        break;
      }
    args.push_back({Kind::Keyword, name.text, value, from(start)});
    return true;
  }
  Expr *value = parseNamed();
  if (!value)
    return false;
  if (at(TokenKind::Equal)) {
    error(value->range,
          "the name of a keyword argument cannot be " + describe(value))
        .note("did you mean '=='?");
    return false;
  }
  if (at(TokenKind::kw_for)) {
    // The only argument may go without parentheses of its own.
    SmallVector<ForClause> clauses;
    SmallVector<Expr *> children{value};
    if (!parseForClauses(clauses, children))
      return false;
    bool alone = args.empty() && at(TokenKind::RParen);
    SMRange range = alone ? SMRange(open.start(), token.end()) : from(start);
    if (!alone && (!args.empty() || at(TokenKind::Comma)))
      error(range,
            "a generator expression among several arguments needs parentheses");
    value = finish(make<ComprehensionExpr>(
                       range, ComprehensionExpr::Type::Generator, nullptr,
                       value, context.list<ForClause>(clauses)),
                   children);
    if (!value)
      return false;
  }
  for (const Argument &other : args)
    if (other.kind == Kind::Keyword || other.kind == Kind::DoubleStar) {
      error(value->range, "a positional argument follows a keyword argument")
          .note("it is here", other.range);
      break;
    }
  args.push_back({Kind::Positional, "", value, from(start)});
  return true;
}

//===----------------------------------------------------------------------===//
// Subscripts
//===----------------------------------------------------------------------===//

/// What stands between brackets: an item, or a tuple of them.
Expr *Parser::parseSubscript() {
  SMLoc start = token.start();
  SmallVector<Expr *> items;
  bool tuple = false;
  do {
    if (at(TokenKind::RBracket))
      break;
    items.push_back(parseSubscriptItem());
    if (!items.back())
      return nullptr;
    if (!at(TokenKind::Comma))
      break;
    tuple = true;
  } while (accept(TokenKind::Comma));
  if (!tuple && items.front()->kind != ExprKind::Starred)
    return items.front();
  return finish(make<SequenceExpr>(from(start), ExprKind::Tuple,
                                   context.list<Expr *>(items)),
                items);
}

Expr *Parser::parseSubscriptItem() {
  SMLoc start = token.start();
  Expr *lower = nullptr, *upper = nullptr, *step = nullptr;
  auto absent = [&] {
    return at(TokenKind::Colon) || at(TokenKind::Comma) ||
           at(TokenKind::RBracket);
  };
  if (!at(TokenKind::Colon)) {
    lower = parseStarOrNamed();
    if (!lower || !at(TokenKind::Colon))
      return lower;
  }
  advance();
  if (!absent()) {
    upper = parseExpression();
    if (!upper)
      return nullptr;
  }
  if (accept(TokenKind::Colon) && !absent()) {
    step = parseExpression();
    if (!step)
      return nullptr;
  }
  return finish(make<SliceExpr>(from(start), lower, upper, step),
                {lower, upper, step});
}

} // namespace lamina
