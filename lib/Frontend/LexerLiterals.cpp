//===- LexerLiterals.cpp - names, numbers, strings, odd characters --------===//

#include "Lexer.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/ConvertUTF.h"
#include "llvm/Support/FormatVariadic.h"

using namespace llvm;

namespace lamina {

//===----------------------------------------------------------------------===//
// Characters beyond ASCII
//===----------------------------------------------------------------------===//

/// Decodes the character at `p` of valid UTF-8 and moves behind it.
static unsigned decode(const char *&p, const char *end) {
  UTF32 c = 0;
  const auto *source = reinterpret_cast<const UTF8 *>(p);
  if (convertUTF8Sequence(&source, reinterpret_cast<const UTF8 *>(end), &c,
                          strictConversion) != conversionOK) {
    ++p;
    return 0xFFFD;
  }
  p = reinterpret_cast<const char *>(source);
  return c;
}

/// Blocks that hold no letters; everything else beyond ASCII may be in a name.
static bool isLetter(unsigned c) {
  static constexpr std::pair<unsigned, unsigned> others[] = {
      {0x80, 0xA9},       {0xAB, 0xB4},       {0xB6, 0xB9},
      {0xBB, 0xBF},       {0xD7, 0xD7},       {0xF7, 0xF7},
      {0x2000, 0x2070},   {0x2074, 0x207E},   {0x2080, 0x208F},
      {0x20A0, 0x20CF},   {0x2190, 0x2BFF},   {0x2E00, 0x2E7F},
      {0x3000, 0x3004},   {0x3008, 0x3020},   {0xD800, 0xF8FF},
      {0xFE10, 0xFE1F},   {0xFE30, 0xFE32},   {0xFE35, 0xFE4C},
      {0xFE50, 0xFE6F},   {0xFEFF, 0xFF0F},   {0xFF1A, 0xFF20},
      {0xFF3B, 0xFF3E},   {0xFF40, 0xFF40},   {0xFF5B, 0xFF65},
      {0xFFE0, 0xFFFF},   {0x1F000, 0x1FAFF}, {0xE0000, 0xE00FF},
      {0xF0000, 0x10FFFF}};
  for (auto [first, last] : others)
    if (c >= first && c <= last)
      return false;
  return true;
}

/// What somebody meant who pasted this from a formatted text.
static StringRef asciiFor(unsigned c) {
  switch (c) {
  case 0x2018:
  case 0x2019:
  case 0x201A:
  case 0x2032:
    return "'";
  case 0x201C:
  case 0x201D:
  case 0x201E:
  case 0x2033:
    return "\"";
  case 0x2010:
  case 0x2011:
  case 0x2012:
  case 0x2013:
  case 0x2014:
  case 0x2212:
    return "-";
  case 0xD7:
  case 0x22C5:
  case 0xB7:
  case 0x2217:
    return "*";
  case 0xF7:
  case 0x2215:
    return "/";
  case 0x2264:
    return "<=";
  case 0x2265:
    return ">=";
  case 0x2260:
    return "!=";
  case 0x2192:
    return "->";
  case 0x2026:
    return "...";
  case 0xFF08:
    return "(";
  case 0xFF09:
    return ")";
  case 0xFF0C:
    return ",";
  case 0xFF1A:
    return ":";
  case 0xFF1D:
    return "=";
  case 0xA0:
  case 0x202F:
  case 0x3000:
  case 0x200B:
  case 0xFEFF:
    return " ";
  case 0x2007:
  case 0x2009:
  case 0x2003:
  case 0x2002:
    return " ";
  default:
    return "";
  }
}

Token Lexer::lexUnknown() {
  const char *start = pos;
  unsigned c = decode(pos, end);
  if (isLetter(c)) {
    pos = start;
    return lexName();
  }
  StringRef meant = asciiFor(c);
  std::string note = meant == " "    ? "did you mean a plain space?"
                     : meant.empty() ? ""
                                     : ("did you mean '" + meant + "'?").str();
  return error(start, pos,
               formatv("the character '{0}' (U+{1:X-4}) does not belong here",
                       StringRef(start, pos - start), c)
                   .str(),
               note);
}

//===----------------------------------------------------------------------===//
// Names
//===----------------------------------------------------------------------===//

static bool continuesName(char c) { return isAlnum(c) || c == '_'; }

Token Lexer::lexName() {
  const char *start = pos;
  while (pos != end) {
    if (continuesName(*pos)) {
      ++pos;
    } else if (!isASCII(*pos)) {
      const char *after = pos;
      if (!isLetter(decode(after, end)))
        break;
      pos = after;
    } else {
      break;
    }
  }
  StringRef name(start, pos - start);
  if (name.size() <= 2 && (at() == '"' || at() == '\'') &&
      name.find_first_not_of("rRbBfFuU") == StringRef::npos)
    return lexString(start);
  TokenKind kind = StringSwitch<TokenKind>(name)
#define X(name) .Case(#name, TokenKind::kw_##name)
                       LAMINA_KEYWORDS(X)
#undef X
                           .Default(TokenKind::Name);
  return make(kind, start);
}

//===----------------------------------------------------------------------===//
// Numbers
//===----------------------------------------------------------------------===//

/// Passes digits of `radix` with single underscores between them and, after
/// a prefix, before them. False if there is none.
static bool skipDigits(const char *&p, const char *end, unsigned radix,
                       bool afterPrefix = false) {
  const char *start = p;
  while (p != end) {
    const char *digit = p;
    if (*digit == '_' && (p != start || afterPrefix))
      ++digit;
    if (digit == end || hexDigitValue(*digit) >= radix)
      break;
    p = digit + 1;
  }
  return p != start;
}

Token Lexer::lexNumber() {
  const char *start = pos;
  TokenKind kind = TokenKind::Int;
  unsigned radix = 10;
  StringRef name = "decimal";
  if (*pos == '0') {
    char prefix = toLower(at(1));
    radix = prefix == 'x' ? 16 : prefix == 'o' ? 8 : prefix == 'b' ? 2 : 10;
    name = prefix == 'x'   ? "hexadecimal"
           : prefix == 'o' ? "octal"
           : prefix == 'b' ? "binary"
                           : "decimal";
  }
  bool good = true;
  if (radix != 10) {
    pos += 2;
    good = skipDigits(pos, end, radix, true);
  } else {
    if (*pos != '.')
      skipDigits(pos, end, 10);
    if (at() == '.') {
      kind = TokenKind::Float;
      ++pos;
      if (isDigit(at()))
        skipDigits(pos, end, 10);
    }
    char sign = at(1);
    if ((at() == 'e' || at() == 'E') &&
        (isDigit(sign) || ((sign == '+' || sign == '-') && isDigit(at(2))))) {
      kind = TokenKind::Float;
      pos += isDigit(sign) ? 1 : 2;
      skipDigits(pos, end, 10);
    }
  }
  StringRef digits(start, pos - start);
  // `1if x else 2` is a number and a keyword.
  const char *tail = pos;
  while (tail != end && (continuesName(*tail) || !isASCII(*tail)))
    ++tail;
  StringRef after(pos, tail - pos);
  bool keyword =
      StringSwitch<bool>(after)
          .Cases({"and", "else", "for", "if", "in", "is", "not", "or"}, true)
          .Default(false);
  if (good && (after == "j" || after == "J")) {
    pos = tail;
    return error(start, pos, "complex numbers are not part of the language");
  }
  if (!good || (!after.empty() && !keyword)) {
    pos = tail;
    StringRef all(start, pos - start);
    if (all.ends_with("_") || all.contains("__"))
      return error(start, pos,
                   "an underscore in a number must stand between two digits");
    if (radix == 2 || radix == 8)
      if (!after.empty() && isDigit(after.front()))
        return error(start, pos,
                     "'" + Twine(after.front()) + "' is no digit of " +
                         (radix == 8 ? "an " : "a ") + name + " number");
    return error(start, pos,
                 "'" + all.take_front(60) + "' is not a " + name + " number");
  }
  if (kind == TokenKind::Int && radix == 10 && digits.size() > 1 &&
      digits[0] == '0' && digits.find_first_not_of("0_") != StringRef::npos)
    return error(start, pos, "a decimal number does not start with 0",
                 "an octal number is written 0o" + digits.ltrim("0_"));
  if (digits.size() > 4096)
    return error(start, pos, "this number has too many digits");
  return make(kind, start);
}

//===----------------------------------------------------------------------===//
// Strings
//===----------------------------------------------------------------------===//

Token Lexer::unterminated(const char *start, StringRef opening) {
  bool triple = opening.ends_with("\"\"\"") || opening.ends_with("'''");
  StringRef quotes = opening.take_back(triple ? 3 : 1);
  if (triple)
    pos = end;
  else
    while (pos != end && !atNewline())
      ++pos;
  const char *stop = triple ? start + opening.size() : pos;
  return error(start, stop, "this string was never closed",
               "expected " + quotes +
                   (triple ? " before the end of the file"
                           : " before the end of the line"));
}

/// `pos` is at the quote, `start` at the prefix.
Token Lexer::lexString(const char *start) {
  std::string prefix = StringRef(start, pos - start).lower();
  char quote = *pos;
  bool triple = at(1) == quote && at(2) == quote;
  pos += triple ? 3 : 1;
  StringRef opening(start, pos - start);
  StringRef quotes = opening.take_back(triple ? 3 : 1);
  bool raw = StringRef(prefix).contains('r');
  if (prefix == "f" || prefix == "fr" || prefix == "rf") {
    Token token = make(TokenKind::FStringStart, start);
    if (fstrings.size() >= 20)
      return error(start, pos, "f-strings are nested too deeply");
    fstrings.push_back({opening, quotes, raw, brackets.size(), {}});
    return token;
  }
  while (true) {
    if (pos == end || (!triple && atNewline()))
      return unterminated(start, opening);
    if (*pos == '\\' && end - pos > 1) {
      ++pos;
      if (atNewline())
        skipNewline();
      else
        ++pos;
      continue;
    }
    if (StringRef(pos, end - pos).starts_with(quotes))
      break;
    ++pos;
  }
  pos += quotes.size();
  if (prefix == "b" || prefix == "br" || prefix == "rb")
    return error(start, pos, "bytes are not part of the language",
                 "drop the 'b' for a string");
  if (!prefix.empty() && prefix != "r" && prefix != "u")
    return error(start, pos, "'" + prefix + "' is no prefix of a string");
  return make(TokenKind::String, start);
}

/// Inside an f-string, outside of the expressions: text up to a field or the
/// end, or the bracket or quotes there.
Token Lexer::lexFStringPiece() {
  FString &f = fstrings.back();
  bool inFormat = !f.formatting.empty();
  bool triple = f.quotes.size() == 3;
  const char *start = pos;
  auto stop = [&](TokenKind kind, size_t size) {
    if (pos != start)
      return make(TokenKind::FStringMiddle, start);
    pos += size;
    return make(kind, start);
  };
  while (true) {
    if (pos == end || (!triple && atNewline())) {
      FString open = f;
      brackets.truncate(open.brackets);
      fstrings.pop_back();
      return unterminated(open.opening.begin(), open.opening);
    }
    StringRef rest(pos, end - pos);
    if (rest.starts_with(f.quotes)) {
      if (inFormat) { // the field is not closed
        Token token =
            error(pos, pos + 1, "expected '}' before the end of the f-string",
                  "the field starts here",
                  {SMLoc::getFromPointer(brackets.back().place),
                   SMLoc::getFromPointer(brackets.back().place + 1)});
        brackets.truncate(f.brackets);
        f.formatting.clear();
        return token;
      }
      Token token = stop(TokenKind::FStringEnd, f.quotes.size());
      if (token.is(TokenKind::FStringEnd))
        fstrings.pop_back();
      return token;
    }
    if (*pos == '\\' && !f.raw && rest.starts_with("\\N{")) {
      // A name between braces, which may be missing.
      size_t close = rest.find_first_of("}\"'\r\n");
      pos += close != StringRef::npos && rest[close] == '}' ? close + 1 : 3;
      continue;
    }
    if (*pos == '\\' && rest.size() > 1 && rest[1] != '{' && rest[1] != '}') {
      ++pos;
      if (atNewline())
        skipNewline();
      else
        ++pos;
      continue;
    }
    if (!inFormat && (rest.starts_with("{{") || rest.starts_with("}}"))) {
      pos += 2;
      continue;
    }
    if (*pos == '{') {
      Token token = stop(TokenKind::LBrace, 1);
      if (token.is(TokenKind::LBrace)) {
        brackets.push_back({start, true});
        f.formatting.push_back(false);
      }
      return token;
    }
    if (*pos == '}') {
      if (inFormat) {
        Token token = stop(TokenKind::RBrace, 1);
        if (token.is(TokenKind::RBrace)) {
          brackets.pop_back();
          f.formatting.pop_back();
        }
        return token;
      }
      ++pos;
      return error(pos - 1, pos, "a single '}' does not belong in an f-string",
                   "write '}}' for the character");
    }
    ++pos;
  }
}

} // namespace lamina
