//===- Parser.cpp - tokens, errors, recovery ------------------------------===//

#include "ParserImpl.h"
#include "llvm/Support/ConvertUTF.h"

using namespace llvm;

namespace lamina {

Parser::Parser(StringRef text, StringRef fileName, Lexer::Mode mode,
               ast::ASTContext &context, Diagnostics &diags)
    : text(text), fileName(fileName), context(context), diags(diags),
      lexer(text, mode) {
  token = lexer.next();
  lastEnd = token.start();
}

void Parser::advance() {
  // A statement's range ends with its last word, not with the line's end.
  if (!at(TokenKind::Newline) && !at(TokenKind::Indent) &&
      !at(TokenKind::Dedent))
    lastEnd = token.end();
  if (hasAhead) {
    token = ahead;
    hasAhead = false;
  } else {
    token = lexer.next();
  }
}

const Token &Parser::peek() {
  if (!hasAhead) {
    ahead = lexer.next();
    hasAhead = true;
  }
  return ahead;
}

bool Parser::accept(TokenKind kind) {
  if (!at(kind))
    return false;
  advance();
  return true;
}

bool Parser::expect(TokenKind kind, const Twine &where) {
  if (accept(kind))
    return true;
  unexpected(lamina::describe(kind) + where);
  return false;
}

/// The bracket that closes `open`; `otherwise` names what else could stand
/// here.
bool Parser::expectClosing(TokenKind kind, const Token &open,
                           const Twine &otherwise) {
  if (accept(kind))
    return true;
  if (token.startsLine && !at(TokenKind::Error)) {
    // The line is over and a new one cannot go on like this.
    error(open.range(), "'" + open.text + "' was never closed")
        .note("expected " + lamina::describe(kind) + " before this " +
                  (at(TokenKind::EndOfFile) ? "end of file" : "line"),
              token.range());
    return false;
  }
  unsigned before = errorCount;
  Token found = token;
  unexpected(otherwise + " or " + lamina::describe(kind));
  if (errorCount != before && !found.is(TokenKind::Error))
    lastError->note("'" + open.text + "' opened here", open.range());
  return false;
}

//===----------------------------------------------------------------------===//
// Errors
//===----------------------------------------------------------------------===//

Diagnostic &Parser::error(SMRange range, const Twine &message) {
  // A single statement can have any number of errors; nobody reads them all.
  if (errorCount++ < maxErrors)
    lastError = &diags.error(range, message);
  else
    lastError = &(unreported = {});
  return *lastError;
}

std::nullptr_t Parser::unexpected(const Twine &expected) {
  if (at(TokenKind::Error)) {
    const Lexer::Error &lexical = lexer.errorOf(token);
    Diagnostic &d = error(token.range(), lexical.message);
    if (!lexical.note.empty())
      d.note(lexical.note, lexical.noteRange);
    return nullptr;
  }
  if (at(TokenKind::kw_yield))
    return refuse("'yield'", "return a list, or use a comprehension");
  if (at(TokenKind::kw_await))
    return refuse("'await'", "call the function directly");
  Diagnostic &d = error(token.range(), "expected " + expected + ", found " +
                                           lamina::describe(token));
  if (at(TokenKind::Equal))
    d.note("did you mean '=='?");
  else if (at(TokenKind::ColonEqual))
    d.note("an assignment inside an expression needs parentheses");
  else if (at(TokenKind::Exclaim))
    d.note("did you mean 'not'?");
  return nullptr;
}

std::nullptr_t Parser::expectedExpression() {
  unsigned before = errorCount;
  // The last two characters before.
  size_t read = lastEnd.getPointer() - text.begin();
  StringRef before2 = text.take_front(read).take_back(2);
  Token found = token;
  unexpected("an expression");
  if (errorCount == before || found.is(TokenKind::Error))
    return nullptr;
  Diagnostic &d = *lastError;
  if (found.is(TokenKind::Amp) && before2.ends_with("&"))
    d.note("did you mean 'and'?");
  else if (found.is(TokenKind::Pipe) && before2.ends_with("|"))
    d.note("did you mean 'or'?");
  else if (before2 == "++")
    d.note("there is no '++'; did you mean '+= 1'?");
  else if (isKeyword(found.kind))
    d.note("'" + found.text + "' is a keyword and cannot be a name");
  return nullptr;
}

/// What Python has and the language has not.
std::nullptr_t Parser::refuse(StringRef what, StringRef instead) {
  error(token.range(), what + " is not part of the language").note(instead);
  return nullptr;
}

bool Parser::tooDeep() {
  if (nesting < maxNesting)
    return false;
  error(token.range(), "this is nested too deeply (more than " +
                           Twine(maxNesting) + " levels)")
      .note("give the inner part a name of its own");
  return true;
}

ast::Expr *Parser::finish(Expr *node, ArrayRef<Expr *> children) {
  unsigned height = 0;
  for (const Expr *child : children)
    if (child)
      height = std::max(height, child->height);
  node->height = height + 1;
  if (node->height <= maxHeight)
    return node;
  error(node->range, "this expression is nested too deeply (more than " +
                         Twine(maxHeight) + " levels)")
      .note("split it over several statements");
  return nullptr;
}

/// Passes the rest of a statement that was given up, and the block below it,
/// whose statements may be fine or have errors of their own.
void Parser::recover() {
  afterError = true;
  while (!at(TokenKind::EndOfFile)) {
    if (accept(TokenKind::Newline))
      break;
    bool closes = at(TokenKind::RParen) || at(TokenKind::RBracket) ||
                  at(TokenKind::RBrace);
    if (token.startsLine && token.depth > 0 && !closes &&
        lexer.columnOf(token.start().getPointer()) <= lexer.indentation()) {
      // A bracket was not closed, this line is a new statement.
      lexer.resumeAtLine(token.start().getPointer());
      hasAhead = false;
      token = lexer.next();
      break;
    }
    advance();
  }
  if (at(TokenKind::Indent))
    parseStrayBlock();
  skipBlock = false;
}

/// A block without a good header: only its errors are of interest.
void Parser::parseStrayBlock() {
  advance();
  if (skipBlock) {
    for (unsigned depth = 1; !at(TokenKind::EndOfFile); advance()) {
      if (at(TokenKind::Indent))
        ++depth;
      else if (at(TokenKind::Dedent) && --depth == 0)
        break;
    }
  }
  ++functionDepth;
  bool outerFunction = std::exchange(inFunction, true),
       outerLoop = std::exchange(inLoop, true);
  SmallVector<Stmt *> ignored;
  parseStatements(ignored, false);
  accept(TokenKind::Dedent);
  --functionDepth;
  inFunction = outerFunction;
  inLoop = outerLoop;
  afterError = true;
}

//===----------------------------------------------------------------------===//
// Entry points
//===----------------------------------------------------------------------===//

ast::Module *Parser::parseModule() {
  SmallVector<Stmt *> body;
  parseStatements(body, true);
  if (errorCount)
    return nullptr;
  return make<ast::Module>(ast::Module{fileName, context.list<Stmt *>(body)});
}

ast::Expr *Parser::parseWholeExpression() {
  Expr *expr = parseExpressions(true);
  if (!expr)
    return nullptr;
  if (!at(TokenKind::EndOfFile))
    return unexpected("an operator or the end of the expression");
  return errorCount ? nullptr : expr;
}

/// Reports the first byte that is not text.
static bool checkText(StringRef text, Diagnostics &diags) {
  auto place = [&](size_t offset) {
    const char *p = text.data() + offset;
    return SMRange(SMLoc::getFromPointer(p), SMLoc::getFromPointer(p + 1));
  };
  const auto *bytes = reinterpret_cast<const UTF8 *>(text.begin());
  const UTF8 *p = bytes;
  if (!isLegalUTF8String(&p, reinterpret_cast<const UTF8 *>(text.end()))) {
    diags.error(place(p - bytes), "the file is not valid UTF-8 here (byte 0x" +
                                      Twine::utohexstr(*p) + ")");
    return false;
  }
  size_t nul = text.find('\0');
  if (nul != StringRef::npos)
    diags.error(place(nul),
                "the file has a NUL byte here; it is not a text file");
  return nul == StringRef::npos;
}

ast::Module *parseModule(unsigned bufferId, ast::ASTContext &context,
                         Diagnostics &diags) {
  const MemoryBuffer *buffer = diags.sources().getMemoryBuffer(bufferId);
  if (!checkText(buffer->getBuffer(), diags))
    return nullptr;
  return Parser(buffer->getBuffer(), buffer->getBufferIdentifier(),
                Lexer::Mode::Module, context, diags)
      .parseModule();
}

ast::Expr *parseExpression(unsigned bufferId, ast::ASTContext &context,
                           Diagnostics &diags) {
  const MemoryBuffer *buffer = diags.sources().getMemoryBuffer(bufferId);
  if (!checkText(buffer->getBuffer(), diags))
    return nullptr;
  return Parser(buffer->getBuffer(), buffer->getBufferIdentifier(),
                Lexer::Mode::Expression, context, diags)
      .parseWholeExpression();
}

} // namespace lamina
