// Tokens of PTX text.
#ifndef PTX_EMULATOR_LEXER_H
#define PTX_EMULATOR_LEXER_H

#include <cstdint>
#include <string>

namespace ptx {

struct Token {
  enum Kind {
    End,
    Identifier, // add, $L__BB0_1, %r1, %tid.x
    Dotted,     // .global, .L2::128B (text is without the first dot)
    Integer,
    Float,
    String,
    Punctuation, // one character
    Error,       // text says what is wrong
  };
  Kind kind = End;
  std::string text;
  uint64_t value = 0;  // integer, or the bits of a double
  bool single = false; // 0f literal: value holds the bits of a float
  unsigned line = 1;

  bool is(char c) const { return kind == Punctuation && text[0] == c; }
  bool isDotted(const char *name) const {
    return kind == Dotted && text == name;
  }
};

class Lexer {
public:
  explicit Lexer(const std::string &text) : cur(text.c_str()) {}
  Token next();

private:
  bool skipSpace(Token &token);
  Token number(Token token);
  const char *cur;
  unsigned line = 1;
};

} // namespace ptx

#endif
