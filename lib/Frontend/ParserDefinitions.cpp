//===- ParserDefinitions.cpp - functions, classes, imports ----------------===//

#include "ParserImpl.h"

using namespace llvm;
using namespace lamina::ast;

namespace lamina {

//===----------------------------------------------------------------------===//
// Functions and classes
//===----------------------------------------------------------------------===//

Stmt *Parser::parseDecorated() {
  SMLoc start = token.start();
  SmallVector<Expr *> decorators;
  while (accept(TokenKind::At)) {
    Expr *decorator = parseNamed();
    if (!decorator)
      return nullptr;
    decorators.push_back(decorator);
    if (!expect(TokenKind::Newline, " after the decorator"))
      return nullptr;
  }
  if (at(TokenKind::kw_def))
    return parseFunction(start, decorators);
  if (at(TokenKind::kw_class))
    return parseClass(start, decorators);
  if (at(TokenKind::kw_async))
    return refuse("'async'", "write a plain 'def'");
  return unexpected("'def' or 'class' after the decorator");
}

Stmt *Parser::parseFunction(SMLoc start, ArrayRef<Expr *> decorators) {
  Token header = token;
  advance();
  Token name = token;
  if (!expect(TokenKind::Name, " after 'def'"))
    return nullptr;
  Token open = token;
  if (!expect(TokenKind::LParen, " after the function's name"))
    return nullptr;
  std::optional<ArrayRef<Parameter>> params =
      parseParameters(TokenKind::RParen, true);
  if (!params || !expectClosing(TokenKind::RParen, open, "','"))
    return nullptr;
  // Annotations are for the reader.
  if (accept(TokenKind::Arrow) && !parseExpression())
    return nullptr;
  bool outerFunction = std::exchange(inFunction, true),
       outerLoop = std::exchange(inLoop, false);
  ++functionDepth;
  std::optional<Block> body = parseBlock("the function's head", header);
  --functionDepth;
  inFunction = outerFunction;
  inLoop = outerLoop;
  if (!body)
    return nullptr;
  return make<FunctionDefStmt>(from(start), name.text, name.range(), *params,
                               *body, context.list<Expr *>(decorators));
}

Stmt *Parser::parseClass(SMLoc start, ArrayRef<Expr *> decorators) {
  Token header = token;
  advance();
  Token name = token;
  if (!expect(TokenKind::Name, " after 'class'"))
    return nullptr;
  std::optional<ArrayRef<Argument>> bases = ArrayRef<Argument>();
  if (at(TokenKind::LParen)) {
    Token open = token;
    advance();
    bases = parseArguments(open);
    if (!bases)
      return nullptr;
  }
  bool outerFunction = std::exchange(inFunction, false),
       outerLoop = std::exchange(inLoop, false);
  std::optional<Block> body = parseBlock("the class's head", header);
  inFunction = outerFunction;
  inLoop = outerLoop;
  if (!body)
    return nullptr;
  return make<ClassDefStmt>(from(start), name.text, name.range(), *bases, *body,
                            context.list<Expr *>(decorators));
}

//===----------------------------------------------------------------------===//
// Parameters
//===----------------------------------------------------------------------===//

bool Parser::parseParameter(Items<Parameter> &params, Parameter::Kind kind,
                            bool annotations) {
  Token name = token;
  if (!expect(TokenKind::Name, kind == Parameter::Kind::VarArgs ? " after '*'"
                               : kind == Parameter::Kind::VarKeywords
                                   ? " after '**'"
                                   : " of a parameter"))
    return false;
  for (const Parameter &other : params)
    if (other.name == name.text) {
      error(name.range(), "a second parameter '" + name.text + "'")
          .note("the first is here", other.range);
      break;
    }
  if (annotations && accept(TokenKind::Colon)) {
    // `*args: *Ts` is allowed as well.
    accept(TokenKind::Star);
    if (!parseExpression())
      return false;
  }
  Expr *value = nullptr;
  bool variadic =
      kind == Parameter::Kind::VarArgs || kind == Parameter::Kind::VarKeywords;
  if (at(TokenKind::Equal)) {
    if (variadic)
      error(token.range(),
            "'" + name.text +
                "' takes all other arguments and cannot have a default");
    advance();
    value = parseExpression();
    if (!value)
      return false;
  } else if (kind == Parameter::Kind::Positional && !params.empty() &&
             params.back().defaultValue) {
    error(name.range(), "parameter '" + name.text +
                            "' without a default follows one with a default")
        .note("this one has a default", params.back().range);
  }
  params.push_back({kind, name.text, value, from(name.start())});
  return true;
}

std::optional<ArrayRef<Parameter>> Parser::parseParameters(TokenKind end,
                                                           bool annotations) {
  using Kind = Parameter::Kind;
  SmallVector<Parameter> params;
  std::optional<Token> star; // keyword-only from here on
  bool slash = false;
  while (!at(end)) {
    Token first = token;
    bool marker = false; // a bare `*`
    if (!params.empty() && params.back().kind == Kind::VarKeywords) {
      error(first.range(), "nothing can follow '**" + params.back().name + "'");
      return std::nullopt;
    }
    if (accept(TokenKind::Slash)) {
      if (slash || star || params.empty()) {
        error(first.range(), slash  ? "a second '/' in the parameters"
                             : star ? "'/' must come before '*'"
                                    : "'/' must follow at least one parameter");
        return std::nullopt;
      }
      slash = true;
      for (Parameter &p : params)
        p.positionalOnly = true;
    } else if (accept(TokenKind::Star)) {
      if (star) {
        error(first.range(), "a second '*' in the parameters")
            .note("the first is here", star->range());
        return std::nullopt;
      }
      star = first;
      marker = at(TokenKind::Comma) || at(end);
      if (!marker && !parseParameter(params, Kind::VarArgs, annotations))
        return std::nullopt;
    } else if (accept(TokenKind::StarStar)) {
      if (!parseParameter(params, Kind::VarKeywords, annotations))
        return std::nullopt;
    } else if (!parseParameter(params,
                               star ? Kind::KeywordOnly : Kind::Positional,
                               annotations)) {
      return std::nullopt;
    }
    bool comma = accept(TokenKind::Comma);
    if (marker && (at(end) || at(TokenKind::StarStar))) {
      error(first.range(), "expected a named parameter after '*'");
      return std::nullopt;
    }
    if (!comma)
      break;
  }
  return context.list<Parameter>(params);
}

//===----------------------------------------------------------------------===//
// Imports
//===----------------------------------------------------------------------===//

/// `a.b.c`, as written.
bool Parser::parseDotted(StringRef &name) {
  std::string whole = token.text.str();
  if (!expect(TokenKind::Name, " of a module"))
    return false;
  while (accept(TokenKind::Dot)) {
    whole += ("." + token.text).str();
    if (!expect(TokenKind::Name, " after '.'"))
      return false;
  }
  name = context.text(whole);
  return true;
}

bool Parser::parseAlias(StringRef &name) {
  if (!accept(TokenKind::kw_as))
    return true;
  name = token.text;
  return expect(TokenKind::Name, " after 'as'");
}

Stmt *Parser::parseImport() {
  SMLoc start = token.start();
  SmallVector<ImportName> names;
  do {
    advance();
    SMLoc first = token.start();
    ImportName name;
    if (!parseDotted(name.name) || !parseAlias(name.asName))
      return nullptr;
    name.range = from(first);
    names.push_back(name);
  } while (at(TokenKind::Comma));
  if (at(TokenKind::kw_from)) {
    StringRef module = peek().is(TokenKind::Name) ? peek().text : "module";
    error(token.range(), "'import … from …' is the wrong way round")
        .note("did you mean 'from " + module + " import " + names.front().name +
              "'?");
    return nullptr;
  }
  return make<ImportStmt>(from(start), context.list<ImportName>(names));
}

bool Parser::parseImportNames(Items<ImportName> &names) {
  Token open = token;
  bool parentheses = accept(TokenKind::LParen);
  do {
    if (parentheses && !names.empty() && at(TokenKind::RParen))
      break;
    SMLoc first = token.start();
    ImportName name;
    name.name = token.text;
    if (!expect(TokenKind::Name, " to import") || !parseAlias(name.asName))
      return false;
    name.range = from(first);
    names.push_back(name);
  } while (accept(TokenKind::Comma));
  return !parentheses || expectClosing(TokenKind::RParen, open, "','");
}

Stmt *Parser::parseImportFrom() {
  SMLoc start = token.start();
  advance();
  SMLoc moduleStart = token.start();
  std::string module;
  while (at(TokenKind::Dot) || at(TokenKind::DotDotDot)) {
    module += token.text;
    advance();
  }
  if (module.empty() || !at(TokenKind::kw_import)) {
    StringRef name;
    if (!parseDotted(name))
      return nullptr;
    module += name;
  }
  SMRange moduleRange = from(moduleStart);
  if (!expect(TokenKind::kw_import, " after the module"))
    return nullptr;
  SmallVector<ImportName> names;
  if (at(TokenKind::Star)) {
    names.push_back({"*", "", token.range()});
    advance();
  } else if (!parseImportNames(names)) {
    return nullptr;
  }
  return make<ImportFromStmt>(from(start), context.text(module), moduleRange,
                              context.list<ImportName>(names));
}

} // namespace lamina
