#include "Lexer.h"
#include <cctype>
#include <cstdlib>
#include <cstring>

using namespace ptx;

static bool isWord(char c) {
  return isalnum((unsigned char)c) || c == '_' || c == '$';
}

// False at an unterminated comment.
bool Lexer::skipSpace(Token &token) {
  for (;;) {
    if (*cur == '\n')
      ++line, ++cur;
    else if (isspace((unsigned char)*cur))
      ++cur;
    else if (cur[0] == '/' && cur[1] == '/')
      cur += strcspn(cur, "\n");
    else if (cur[0] == '/' && cur[1] == '*') {
      token.line = line;
      const char *end = strstr(cur + 2, "*/");
      if (!end)
        return false;
      for (; cur != end; ++cur)
        line += *cur == '\n';
      cur += 2;
    } else
      return true;
  }
}

Token Lexer::number(Token token) {
  const char *start = cur;
  bool prefixed = cur[0] == '0';
  char second = prefixed ? tolower((unsigned char)cur[1]) : 0;
  char *end = nullptr;
  if (prefixed && (second == 'f' || second == 'd')) {
    unsigned digits = second == 'f' ? 8 : 16;
    unsigned seen = 0;
    for (cur += 2; isxdigit((unsigned char)*cur); ++cur, ++seen)
      token.value =
          token.value << 4 |
          (isdigit((unsigned char)*cur) ? *cur - '0' : (*cur | 32) - 'a' + 10);
    token.kind = seen == digits ? Token::Float : Token::Error;
    token.single = second == 'f';
    token.text = seen == digits
                     ? std::string(start, cur)
                     : "a float literal needs " + std::to_string(digits) +
                           " hexadecimal digits";
    return token;
  }
  size_t digits = strspn(cur, "0123456789");
  if (second != 'x' && second != 'b' &&
      (cur[digits] == '.' || tolower((unsigned char)cur[digits]) == 'e')) {
    double value = strtod(cur, &end);
    memcpy(&token.value, &value, sizeof value);
    token.kind = Token::Float;
  } else {
    int base = second == 'x' ? 16 : second == 'b' ? 2 : prefixed ? 8 : 10;
    token.value = strtoull(cur + (base == 16 || base == 2 ? 2 : 0), &end, base);
    token.kind = Token::Integer;
    if (*end == 'U')
      ++end;
  }
  cur = end;
  token.text.assign(start, cur);
  if (isWord(*cur)) {
    token.kind = Token::Error;
    token.text = "malformed number '" + token.text + *cur + "'";
  }
  return token;
}

Token Lexer::next() {
  Token token;
  if (!skipSpace(token)) {
    token.kind = Token::Error;
    token.text = "unterminated comment";
    return token;
  }
  token.line = line;
  const char *start = cur;
  if (!*cur)
    return token;
  if (isdigit((unsigned char)*cur))
    return number(token);
  if (*cur == '"') {
    size_t length = strcspn(cur + 1, "\"\n");
    if (cur[1 + length] != '"') {
      token.kind = Token::Error;
      token.text = "unterminated string";
      return token;
    }
    token.kind = Token::String;
    token.text.assign(cur + 1, length);
    cur += length + 2;
    return token;
  }
  if (*cur == '.' && isWord(cur[1])) {
    for (++cur; isWord(*cur) || (cur[0] == ':' && cur[1] == ':');)
      cur += *cur == ':' ? 2 : 1;
    token.kind = Token::Dotted;
    token.text.assign(start + 1, cur);
    return token;
  }
  if (isWord(*cur) || *cur == '%') {
    for (++cur; isWord(*cur);)
      ++cur;
    // %tid.x is one name.
    if (*start == '%' && cur[0] == '.' && strchr("xyzw", cur[1]) && cur[1] &&
        !isWord(cur[2]))
      cur += 2;
    token.kind = Token::Identifier;
    token.text.assign(start, cur);
    return token;
  }
  token.kind = Token::Punctuation;
  token.text = *cur++;
  return token;
}
