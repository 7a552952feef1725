//===- ParserStatements.cpp - blocks and statements -----------------------===//

#include "ParserImpl.h"

using namespace llvm;
using namespace lamina::ast;

namespace lamina {

//===----------------------------------------------------------------------===//
// Blocks
//===----------------------------------------------------------------------===//

/// Statements up to the end of the block or file.
void Parser::parseStatements(SmallVectorImpl<Stmt *> &out, bool module) {
  while (!at(TokenKind::EndOfFile) && (module || !at(TokenKind::Dedent)) &&
         !stopped()) {
    if (accept(TokenKind::Dedent)) // left over from an error
      continue;
    if (!parseStatement(out))
      recover();
  }
  if (stopped())
    while (!at(TokenKind::EndOfFile))
      advance();
}

bool Parser::parseStatement(SmallVectorImpl<Stmt *> &out) {
  bool wasAfterError = std::exchange(afterError, false);
  Stmt *stmt = nullptr;
  switch (token.kind) {
  case TokenKind::Indent: {
    if (!wasAfterError)
      error(token.range(), "unexpected indentation")
          .note("the line before does not begin a block");
    parseStrayBlock();
    return true;
  }
  case TokenKind::kw_if:
    stmt = parseIf();
    break;
  case TokenKind::kw_for:
    stmt = parseFor();
    break;
  case TokenKind::kw_while:
    stmt = parseWhile();
    break;
  case TokenKind::kw_def:
    stmt = parseFunction(token.start(), {});
    break;
  case TokenKind::kw_class:
    stmt = parseClass(token.start(), {});
    break;
  case TokenKind::At:
    stmt = parseDecorated();
    break;
  case TokenKind::kw_try:
    refuse("'try'", "there are no exceptions to catch at compile time; test "
                    "the condition with 'if'");
    return false;
  case TokenKind::kw_with:
    refuse("'with'", "write its body without it; derivatives are grad(f), "
                     "vjp(f, …) and jvp(f, …)");
    return false;
  case TokenKind::kw_async:
    refuse("'async'", "write a plain 'def'");
    return false;
  case TokenKind::kw_else:
  case TokenKind::kw_elif:
  case TokenKind::kw_except:
  case TokenKind::kw_finally:
    if (!wasAfterError) {
      Diagnostic &d =
          error(token.range(),
                "'" + token.text + "' does not belong to a statement above");
      if (at(TokenKind::kw_else) || at(TokenKind::kw_elif))
        d.note(
            "it must be indented like its 'if' and follow its block directly");
    }
    return false;
  default:
    return parseSimpleLine(out);
  }
  if (!stmt)
    return false;
  out.push_back(stmt);
  return true;
}

/// `a; b; c` up to the end of the line.
bool Parser::parseSimpleLine(SmallVectorImpl<Stmt *> &out) {
  while (true) {
    Stmt *stmt = parseSimple();
    if (!stmt)
      return false;
    out.push_back(stmt);
    if (!accept(TokenKind::Semicolon))
      return endOfStatement();
    if (accept(TokenKind::Newline))
      return true;
  }
}

bool Parser::endOfStatement() {
  if (accept(TokenKind::Newline))
    return true;
  unexpected("the end of the statement");
  return false;
}

std::optional<Block> Parser::parseBlock(StringRef what, const Token &header) {
  if (!at(TokenKind::Colon)) {
    unexpected("':' after " + what);
    return std::nullopt;
  }
  advance();
  SmallVector<Stmt *> body;
  if (!at(TokenKind::Newline)) {
    switch (token.kind) {
    case TokenKind::kw_if:
    case TokenKind::kw_for:
    case TokenKind::kw_while:
    case TokenKind::kw_def:
    case TokenKind::kw_class:
    case TokenKind::At:
      error(token.range(), "'" + token.text + "' must begin a line of its own");
      return std::nullopt;
    case TokenKind::kw_try:
    case TokenKind::kw_with:
    case TokenKind::kw_async: {
      parseStatement(body); // reports it
      return std::nullopt;
    }
    default:
      break;
    }
    if (!parseSimpleLine(body))
      return std::nullopt;
    return context.list<Stmt *>(body);
  }
  advance();
  if (!at(TokenKind::Indent)) {
    if (at(TokenKind::Error)) {
      unexpected("a block");
      return std::nullopt;
    }
    error(token.range(),
          "expected an indented block, found " + lamina::describe(token))
        .note("it belongs to " + what + " here", header.range());
    return Block();
  }
  advance();
  parseStatements(body, false);
  accept(TokenKind::Dedent);
  return context.list<Stmt *>(body);
}

//===----------------------------------------------------------------------===//
// Compound statements
//===----------------------------------------------------------------------===//

Expr *Parser::parseCondition(StringRef what) {
  Expr *condition = parseNamed();
  if (condition && !at(TokenKind::Colon))
    return unexpected("':' after " + what);
  return condition;
}

Stmt *Parser::parseIf() {
  // A long chain of elif must not be a long chain of calls.
  struct Branch {
    SMLoc start;
    Expr *condition;
    Block body;
  };
  SmallVector<Branch> branches;
  Block otherwise;
  while (true) {
    Token header = token;
    StringRef what =
        branches.empty() ? "the condition of 'if'" : "the condition of 'elif'";
    advance();
    Expr *condition = parseCondition(what);
    if (!condition)
      return nullptr;
    std::optional<Block> body = parseBlock(what, header);
    if (!body)
      return nullptr;
    branches.push_back({header.start(), condition, *body});
    if (branches.size() > maxHeight) {
      error(header.range(), "more than " + Twine(maxHeight) + " branches");
      return nullptr;
    }
    if (at(TokenKind::kw_elif))
      continue;
    std::optional<Block> last = parseElse(inLoop);
    if (!last)
      return nullptr;
    otherwise = *last;
    break;
  }
  // The range ends with the last token, not with the line's end.
  SMLoc stop = lastEnd;
  Stmt *result = nullptr;
  for (Branch &branch : reverse(branches)) {
    if (result)
      otherwise = context.list<Stmt *>(result);
    result = make<IfStmt>(SMRange(branch.start, stop), branch.condition,
                          branch.body, otherwise);
  }
  return result;
}

/// The else branch, if there is one.
std::optional<Block> Parser::parseElse(bool loop) {
  if (!at(TokenKind::kw_else))
    return Block();
  Token header = token;
  advance();
  if (at(TokenKind::kw_if)) {
    error({header.start(), token.end()},
          "expected ':' after 'else', found 'if'")
        .note("did you mean 'elif'?");
    return std::nullopt;
  }
  bool outer = std::exchange(inLoop, loop);
  std::optional<Block> body = parseBlock("'else'", header);
  inLoop = outer;
  return body;
}

Stmt *Parser::parseFor() {
  Token header = token;
  advance();
  Expr *target = parseLoopTarget();
  if (!target)
    return nullptr;
  if (!expect(TokenKind::kw_in, " after the target of 'for'"))
    return nullptr;
  Expr *iterable = parseValues();
  if (!iterable)
    return nullptr;
  bool outer = std::exchange(inLoop, true);
  std::optional<Block> body = parseBlock("the iterable of 'for'", header);
  inLoop = outer;
  std::optional<Block> otherwise = body ? parseElse(outer) : std::nullopt;
  if (!otherwise)
    return nullptr;
  return make<ForStmt>(from(header.start()), target, iterable, *body,
                       *otherwise);
}

Stmt *Parser::parseWhile() {
  Token header = token;
  advance();
  Expr *condition = parseCondition("the condition of 'while'");
  if (!condition)
    return nullptr;
  bool outer = std::exchange(inLoop, true);
  std::optional<Block> body = parseBlock("the condition of 'while'", header);
  inLoop = outer;
  std::optional<Block> otherwise = body ? parseElse(outer) : std::nullopt;
  if (!otherwise)
    return nullptr;
  return make<WhileStmt>(from(header.start()), condition, *body, *otherwise);
}

//===----------------------------------------------------------------------===//
// Simple statements
//===----------------------------------------------------------------------===//

Stmt *Parser::parseSimple() {
  Token first = token;
  auto word = [&](StmtKind kind) -> Stmt * {
    advance();
    if (kind != StmtKind::Pass && !inLoop)
      error(first.range(), "'" + first.text + "' outside of a loop");
    return make<SimpleStmt>(first.range(), kind);
  };
  switch (token.kind) {
  case TokenKind::kw_pass:
    return word(StmtKind::Pass);
  case TokenKind::kw_break:
    return word(StmtKind::Break);
  case TokenKind::kw_continue:
    return word(StmtKind::Continue);
  case TokenKind::kw_return:
    return parseReturn();
  case TokenKind::kw_assert:
    return parseAssert();
  case TokenKind::kw_raise:
    return parseRaise();
  case TokenKind::kw_del:
    return parseDelete();
  case TokenKind::kw_global:
  case TokenKind::kw_nonlocal:
    return parseScope();
  case TokenKind::kw_import:
    return parseImport();
  case TokenKind::kw_from:
    return parseImportFrom();
  case TokenKind::kw_if:
  case TokenKind::kw_for:
  case TokenKind::kw_while:
  case TokenKind::kw_def:
  case TokenKind::kw_class:
    error(token.range(), "'" + token.text + "' must begin a line of its own");
    return nullptr;
  default:
    return parseExpressionStatement();
  }
}

static bool endsSimple(const Token &token) {
  return token.is(TokenKind::Newline) || token.is(TokenKind::Semicolon) ||
         token.is(TokenKind::EndOfFile);
}

Stmt *Parser::parseReturn() {
  SMRange word = token.range();
  if (!inFunction)
    error(word, "'return' outside of a function");
  advance();
  Expr *value = nullptr;
  if (!endsSimple(token)) {
    value = parseValues();
    if (!value)
      return nullptr;
  }
  return make<ReturnStmt>(from(word.Start), value);
}

Stmt *Parser::parseAssert() {
  SMLoc start = token.start();
  advance();
  Expr *condition = parseExpression(), *message = nullptr;
  if (!condition)
    return nullptr;
  if (accept(TokenKind::Comma)) {
    message = parseExpression();
    if (!message)
      return nullptr;
  }
  return make<AssertStmt>(from(start), condition, message);
}

Stmt *Parser::parseRaise() {
  SMLoc start = token.start();
  advance();
  Expr *value = nullptr;
  if (!endsSimple(token)) {
    value = parseExpression();
    if (!value)
      return nullptr;
    // The cause is of no use without exceptions that propagate.
    if (accept(TokenKind::kw_from) && !parseExpression())
      return nullptr;
  }
  return make<RaiseStmt>(from(start), value);
}

Stmt *Parser::parseDelete() {
  SMLoc start = token.start();
  SmallVector<Expr *> targets;
  do {
    advance();
    if (!targets.empty() && endsSimple(token))
      break;
    Expr *target = parseBinary(1);
    if (!target || !checkTarget(target, TargetUse::Delete))
      return nullptr;
    targets.push_back(target);
  } while (at(TokenKind::Comma));
  return make<DeleteStmt>(from(start), context.list<Expr *>(targets));
}

Stmt *Parser::parseScope() {
  Token word = token;
  StmtKind kind =
      at(TokenKind::kw_global) ? StmtKind::Global : StmtKind::Nonlocal;
  if (kind == StmtKind::Nonlocal && !functionDepth)
    error(word.range(), "'nonlocal' outside of a function");
  SmallVector<StringRef> names;
  do {
    advance();
    StringRef name = token.text;
    if (!expect(TokenKind::Name, " after '" + word.text + "'"))
      return nullptr;
    names.push_back(name);
  } while (at(TokenKind::Comma));
  return make<ScopeStmt>(from(word.start()), kind,
                         context.list<StringRef>(names));
}

} // namespace lamina
