//===- Tokens.cpp - what tokens are called in messages --------------------===//

#include "Lexer.h"
#include "llvm/Support/ErrorHandling.h"

using namespace llvm;

namespace lamina {

bool isKeyword(TokenKind kind) {
  return kind >= TokenKind::kw_False && kind <= TokenKind::kw_yield;
}

std::string describe(TokenKind kind) {
  switch (kind) {
  case TokenKind::EndOfFile:
    return "end of file";
  case TokenKind::Newline:
    return "end of line";
  case TokenKind::Indent:
    return "indentation";
  case TokenKind::Dedent:
    return "end of block";
  case TokenKind::Error:
    return "an error";
  case TokenKind::Name:
    return "a name";
  case TokenKind::Int:
  case TokenKind::Float:
    return "a number";
  case TokenKind::String:
    return "a string";
  case TokenKind::FStringStart:
  case TokenKind::FStringMiddle:
  case TokenKind::FStringEnd:
    return "an f-string";
#define X(name)                                                                \
  case TokenKind::kw_##name:                                                   \
    return "'" #name "'";
    LAMINA_KEYWORDS(X)
#undef X
#define X(name, spelling)                                                      \
  case TokenKind::name:                                                        \
    return "'" spelling "'";
    LAMINA_PUNCTUATION(X)
#undef X
  }
  llvm_unreachable("a token kind without description");
}

std::string describe(const Token &token) {
  switch (token.kind) {
  case TokenKind::Name:
    return ("name '" + token.text.take_front(60) + "'").str();
  case TokenKind::Int:
  case TokenKind::Float:
    return ("number '" + token.text.take_front(60) + "'").str();
  default:
    return describe(token.kind);
  }
}

} // namespace lamina
