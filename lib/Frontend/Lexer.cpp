//===- Lexer.cpp - lines, indentation, names, punctuation -----------------===//

#include "Lexer.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"

using namespace llvm;

namespace lamina {

static constexpr unsigned maxIndents = 100;

//===----------------------------------------------------------------------===//
// Tokens and errors
//===----------------------------------------------------------------------===//

Lexer::Lexer(StringRef text, Mode mode)
    : begin(text.begin()), pos(text.begin()), end(text.end()),
      implicitJoin(mode == Mode::Expression) {
  if (text.starts_with("\xEF\xBB\xBF")) // byte order mark
    pos += 3;
  if (implicitJoin)
    atLineStart = false;
}

Token Lexer::make(TokenKind kind, const char *start) {
  Token token;
  token.kind = kind;
  token.text = StringRef(start, pos - start);
  token.startsLine = firstOnLine;
  token.depth = brackets.size();
  firstOnLine = false;
  lineOpen = true;
  return token;
}

Token Lexer::error(const char *start, const char *stop, const Twine &message,
                   const Twine &note, SMRange noteRange) {
  Token token = make(TokenKind::Error, start);
  token.text = StringRef(start, stop - start);
  token.error = errors.size();
  errors.push_back({message.str(), note.str(), noteRange});
  return token;
}

void Lexer::skipNewline() {
  if (at() == '\r' && at(1) == '\n')
    ++pos;
  ++pos;
}

void Lexer::resumeAtLine(const char *place) {
  while (place != begin && place[-1] != '\n' && place[-1] != '\r')
    --place;
  pos = place;
  brackets.clear();
  fstrings.clear();
  pendingNewline = false;
  atLineStart = true;
}

unsigned Lexer::columnOf(const char *place) const {
  const char *p = place;
  while (p != begin && p[-1] != '\n' && p[-1] != '\r')
    --p;
  unsigned column = 0;
  for (; p != end; ++p) {
    if (*p == ' ')
      ++column;
    else if (*p == '\t')
      column = (column / 8 + 1) * 8;
    else if (*p == '\f')
      column = 0;
    else
      break;
  }
  return column;
}

//===----------------------------------------------------------------------===//
// Lines
//===----------------------------------------------------------------------===//

/// At the start of a logical line: passes blank lines, then compares the
/// indentation with the open blocks. True if that gives a token.
bool Lexer::lineStart(Token &token) {
  Indentation now{0, 0};
  const char *start = pos;
  while (true) {
    if (at() == ' ') {
      ++now.column, ++now.altColumn;
    } else if (at() == '\t') {
      now.column = (now.column / 8 + 1) * 8;
      ++now.altColumn;
    } else if (at() == '\f') {
      now = {0, 0};
    } else if (pos != end && atNewline()) {
      skipNewline();
      now = {0, 0};
      start = pos;
      continue;
    } else if (at() == '#') {
      while (pos != end && !atNewline())
        ++pos;
      continue;
    } else {
      break;
    }
    ++pos;
  }
  atLineStart = false;
  firstOnLine = true;
  if (pos == end)
    return false;

  Indentation top = indents.back();
  if (now.column == top.column && now.altColumn == top.altColumn)
    return false;
  bool ambiguous = (now.column > top.column) != (now.altColumn > top.altColumn);
  if (now.column > top.column && !ambiguous) {
    if (indents.size() > maxIndents) {
      token =
          error(start, pos,
                "more than " + Twine(maxIndents) + " levels of indentation");
      pos = end;
      return true;
    }
    indents.push_back(now);
    token = make(TokenKind::Indent, start);
    firstOnLine = true;
    return true;
  }
  while (indents.back().column > now.column) {
    indents.pop_back();
    ++pendingDedents;
  }
  Indentation level = indents.back();
  if (level.column != now.column || level.altColumn != now.altColumn) {
    token =
        level.column == now.column || ambiguous
            ? error(start, pos,
                    "inconsistent use of tabs and spaces in indentation")
            : error(start, pos, "this indentation matches no enclosing block");
    // Goes on as if the block were indented like this line.
    if (level.column == now.column) {
      indents.back() = now;
    } else if (pendingDedents) {
      indents.push_back(now);
      --pendingDedents;
    }
    firstOnLine = true;
    return true;
  }
  return false;
}

/// Passes white space, comments and joined lines. True if that gives a token.
bool Lexer::skipSpace(Token &token) {
  while (pos != end) {
    char c = *pos;
    if (c == ' ' || c == '\t' || c == '\f') {
      ++pos;
    } else if (c == '#') {
      while (pos != end && !atNewline())
        ++pos;
    } else if (c == '\\') {
      const char *start = pos++;
      if (pos == end || !atNewline()) {
        token =
            error(start, start + 1, "expected the end of the line after '\\'");
        return true;
      }
      skipNewline();
      if (pos == end) {
        token = error(start, start + 1,
                      "expected another line after '\\', found end of file");
        return true;
      }
      firstOnLine = true;
    } else if (atNewline() && joinsLines()) {
      skipNewline();
      firstOnLine = true;
    } else {
      break;
    }
  }
  return false;
}

Token Lexer::neverClosed() {
  StringRef open(brackets.back().place, 1);
  std::string what = ("'" + open + "'").str();
  if (!fstrings.empty()) {
    open = fstrings.front().opening;
    what = "this f-string";
  }
  brackets.clear();
  fstrings.clear();
  return error(open.begin(), open.end(), what + " was never closed");
}

Token Lexer::atEnd() {
  if (!brackets.empty())
    return neverClosed();
  if (lineOpen && !implicitJoin) {
    Token token = make(TokenKind::Newline, pos);
    lineOpen = false;
    return token;
  }
  if (indents.size() > 1) {
    indents.pop_back();
    Token token = make(TokenKind::Dedent, pos);
    lineOpen = false;
    return token;
  }
  Token token = make(TokenKind::EndOfFile, pos);
  lineOpen = false;
  return token;
}

/// Keywords that only ever start a statement: inside brackets they show that
/// one was not closed.
static bool startsStatement(TokenKind kind) {
  switch (kind) {
  case TokenKind::kw_def:
  case TokenKind::kw_class:
  case TokenKind::kw_return:
  case TokenKind::kw_import:
  case TokenKind::kw_while:
  case TokenKind::kw_pass:
  case TokenKind::kw_break:
  case TokenKind::kw_continue:
  case TokenKind::kw_del:
  case TokenKind::kw_raise:
  case TokenKind::kw_assert:
  case TokenKind::kw_global:
  case TokenKind::kw_nonlocal:
  case TokenKind::kw_try:
  case TokenKind::kw_with:
    return true;
  default:
    return false;
  }
}

Token Lexer::next() {
  if (!fstrings.empty() &&
      (fstrings.back().formatting.empty() || fstrings.back().formatting.back()))
    return lexFStringPiece();
  Token token;
  if (pendingNewline) {
    pendingNewline = false;
    token = make(TokenKind::Newline, pos);
    lineOpen = false;
    return token;
  }
  if (atLineStart && lineStart(token)) {
    lineOpen = token.is(TokenKind::Error);
    return token;
  }
  if (pendingDedents) {
    --pendingDedents;
    bool first = firstOnLine;
    token = make(TokenKind::Dedent, pos);
    firstOnLine = first;
    lineOpen = false;
    return token;
  }
  if (skipSpace(token))
    return token;
  if (pos == end)
    return atEnd();
  if (atNewline()) {
    const char *start = pos;
    skipNewline();
    token = make(TokenKind::Newline, start);
    lineOpen = false;
    atLineStart = true;
    return token;
  }
  const char *start = pos;
  bool first = firstOnLine;
  token = lexToken();
  if (first && !brackets.empty() && startsStatement(token.kind) &&
      columnOf(start) <= indentation()) {
    token = neverClosed();
    resumeAtLine(start);
    pendingNewline = true;
  }
  return token;
}

//===----------------------------------------------------------------------===//
// Names and punctuation
//===----------------------------------------------------------------------===//

Token Lexer::lexToken() {
  char c = *pos;
  if (isDigit(c) || (c == '.' && isDigit(at(1))))
    return lexNumber();
  if (c == '"' || c == '\'')
    return lexString(pos);
  if (isAlpha(c) || c == '_')
    return lexName();
  if (!isASCII(c))
    return lexUnknown();
  return lexPunctuation();
}

Token Lexer::lexPunctuation() {
  const char *start = pos;
  StringRef rest(pos, end - pos);
  bool inField = !brackets.empty() && brackets.back().isField;
  TokenKind kind = TokenKind::Error;
  // `!r` and `:=…` after the expression of a field are a conversion and a
  // format.
  if (inField && rest.starts_with("!") && !rest.starts_with("!="))
    kind = TokenKind::Exclaim;
  else if (inField && rest.starts_with(":"))
    kind = TokenKind::Colon;
  if (kind != TokenKind::Error) {
    ++pos;
    if (kind == TokenKind::Colon)
      fstrings.back().formatting.back() = true;
    return make(kind, start);
  }
#define X(name, spelling)                                                      \
  if (kind == TokenKind::Error && rest.starts_with(spelling)) {                \
    kind = TokenKind::name;                                                    \
    pos += sizeof(spelling) - 1;                                               \
  }
  LAMINA_PUNCTUATION(X)
#undef X
  switch (kind) {
  case TokenKind::Error: {
    ++pos;
    if (!isPrint(*start))
      return error(start, pos,
                   "a control character (code " + Twine(int(*start)) +
                       ") does not belong here");
    return error(start, pos,
                 "'" + Twine(*start) + "' is no token of the language");
  }
  case TokenKind::LParen:
  case TokenKind::LBracket:
  case TokenKind::LBrace: {
    Token token = make(kind, start);
    brackets.push_back({start, false});
    return token;
  }
  case TokenKind::RParen:
  case TokenKind::RBracket:
  case TokenKind::RBrace: {
    if (brackets.empty())
      return error(start, pos, describe(kind) + " closes nothing");
    Bracket open = brackets.back();
    char closing = *open.place == '(' ? ')' : *open.place == '[' ? ']' : '}';
    if (*start != closing) {
      Token token =
          error(start, pos,
                describe(kind) + " does not close '" + Twine(*open.place) + "'",
                "opened here",
                {SMLoc::getFromPointer(open.place),
                 SMLoc::getFromPointer(open.place + 1)});
      if (!open.isField)
        brackets.pop_back();
      return token;
    }
    Token token = make(kind, start);
    brackets.pop_back();
    if (open.isField)
      fstrings.back().formatting.pop_back();
    return token;
  }
  default:
    return make(kind, start);
  }
}

} // namespace lamina
