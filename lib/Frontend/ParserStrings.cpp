//===- ParserStrings.cpp - strings, their escapes, f-strings --------------===//

#include "ParserImpl.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/ConvertUTF.h"
#include "llvm/Support/Unicode.h"

using namespace llvm;
using namespace lamina::ast;

namespace lamina {

/// Literals next to each other are one string.
Expr *Parser::parseStrings() {
  SMLoc start = token.start();
  SmallVector<FStringPart> parts;
  SmallVector<Expr *> children;
  bool formatted = false;
  while (at(TokenKind::String) || at(TokenKind::FStringStart)) {
    if (at(TokenKind::FStringStart)) {
      formatted = true;
      if (!parseFString(parts, children))
        return nullptr;
      continue;
    }
    std::string decoded;
    if (!decodeString(token.text, decoded))
      return nullptr;
    addText(parts, decoded);
    advance();
  }
  if (formatted)
    return finish(
        make<FStringExpr>(from(start), context.list<FStringPart>(parts)),
        children);
  auto *node = make<ConstantExpr>(from(start), ConstantExpr::Type::String);
  if (!parts.empty())
    node->stringValue = parts.front().text;
  return node;
}

/// Appends literal text, to the last part if that is text too.
void Parser::addText(Items<FStringPart> &parts, StringRef text) {
  if (text.empty())
    return;
  if (!parts.empty() && !parts.back().value)
    parts.back().text = context.text((parts.back().text + text).str());
  else
    parts.push_back({context.text(text), nullptr, 0, nullptr});
}

//===----------------------------------------------------------------------===//
// f-strings
//===----------------------------------------------------------------------===//

bool Parser::parseFString(Items<FStringPart> &parts, Items<Expr *> &children) {
  bool raw = token.text.contains_insensitive("r");
  advance();
  while (!accept(TokenKind::FStringEnd)) {
    if (at(TokenKind::FStringMiddle)) {
      std::string decoded;
      if (!decodeText(token.text, raw, true, decoded))
        return false;
      addText(parts, decoded);
      advance();
    } else if (!at(TokenKind::LBrace)) {
      unexpected("the end of the f-string");
      return false;
    } else if (!parseField(parts, children, raw)) {
      return false;
    }
  }
  return true;
}

/// `{expression=!conversion:format}`
bool Parser::parseField(Items<FStringPart> &parts, Items<Expr *> &children,
                        bool raw) {
  if (tooDeep())
    return false;
  Nesting level(*this);
  Token open = token;
  advance();
  if (at(TokenKind::RBrace)) {
    error({open.start(), token.end()},
          "expected an expression between '{' and '}'")
        .note("write '{{' for the character");
    return false;
  }
  Expr *value = parseValues();
  if (!value)
    return false;
  FStringPart part{"", value, 0, nullptr};
  if (accept(TokenKind::Equal)) {
    // Shows its own source, then the value.
    // (An error's token may lie before.)
    const char *first = open.end().getPointer();
    const char *last =
        std::max(lastEnd.getPointer(), token.start().getPointer());
    addText(parts, StringRef(first, last - first));
    part.conversion = at(TokenKind::Colon) ? 0 : 'r';
  }
  if (accept(TokenKind::Exclaim)) {
    if (!at(TokenKind::Name) ||
        (token.text != "r" && token.text != "s" && token.text != "a")) {
      unexpected("the conversion 'r', 's' or 'a' after '!'");
      return false;
    }
    part.conversion = token.text.front();
    advance();
  }
  if (accept(TokenKind::Colon)) {
    SMLoc start = token.start();
    SmallVector<FStringPart> format;
    SmallVector<Expr *> inner;
    while (at(TokenKind::FStringMiddle) || at(TokenKind::LBrace)) {
      if (at(TokenKind::LBrace)) {
        if (!parseField(format, inner, raw))
          return false;
        continue;
      }
      std::string decoded;
      if (!decodeText(token.text, raw, false, decoded))
        return false;
      addText(format, decoded);
      advance();
    }
    part.format = finish(
        make<FStringExpr>(from(start), context.list<FStringPart>(format)),
        inner);
    if (!part.format)
      return false;
    children.push_back(part.format);
  }
  if (!expectClosing(TokenKind::RBrace, open, "an operator"))
    return false;
  children.push_back(value);
  parts.push_back(part);
  return true;
}

//===----------------------------------------------------------------------===//
// Escapes
//===----------------------------------------------------------------------===//

/// A whole literal with prefix and quotes.
bool Parser::decodeString(StringRef literal, std::string &out) {
  size_t quote = literal.find_first_of("'\"");
  bool raw = literal.take_front(quote).contains_insensitive("r");
  StringRef body = literal.drop_front(quote);
  size_t size = body.starts_with("'''") || body.starts_with("\"\"\"") ? 3 : 1;
  return decodeText(body.drop_front(size).drop_back(size), raw, false, out);
}

bool Parser::decodeText(StringRef source, bool raw, bool doubledBraces,
                        std::string &out) {
  for (const char *p = source.begin(), *end = source.end(); p != end;) {
    char c = *p;
    if (c == '\r') { // a line ends in '\n', however the file is written
      out += '\n';
      p += p + 1 != end && p[1] == '\n' ? 2 : 1;
    } else if (c == '\\' && !raw && p + 1 != end) {
      if (!decodeEscape(p, end, out))
        return false;
    } else {
      out += c;
      ++p;
      if (doubledBraces && (c == '{' || c == '}') && p != end && *p == c)
        ++p;
    }
  }
  return true;
}

/// One escape sequence at `p`, which moves behind it.
bool Parser::decodeEscape(const char *&p, const char *end, std::string &out) {
  const char *start = p++;
  auto range = [&](const char *stop) {
    return SMRange(SMLoc::getFromPointer(start), SMLoc::getFromPointer(stop));
  };
  auto append = [&](uint32_t c) {
    char buffer[4], *stop = buffer;
    if (c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF) ||
        !ConvertCodePointToUTF8(c, stop)) {
      error(range(p), "this escape is no character of Unicode");
      return false;
    }
    out.append(buffer, stop);
    return true;
  };
  char c = *p++;
  static constexpr StringRef letters = "abfnrtv\\'\"",
                             values = "\a\b\f\n\r\t\v\\'\"";
  if (size_t i = letters.find(c); i != StringRef::npos) {
    out += values[i];
    return true;
  }
  if (c == '\n')
    return true;
  if (c == '\r') {
    if (p != end && *p == '\n')
      ++p;
    return true;
  }
  if (c >= '0' && c <= '7') {
    uint32_t value = c - '0';
    for (int i = 0; i < 2 && p != end && *p >= '0' && *p <= '7'; ++i)
      value = value * 8 + (*p++ - '0');
    return append(value);
  }
  if (c == 'x' || c == 'u' || c == 'U') {
    unsigned count = c == 'x' ? 2 : c == 'u' ? 4 : 8;
    uint32_t value = 0;
    for (unsigned i = 0; i < count; ++i) {
      unsigned digit = p == end ? ~0U : hexDigitValue(*p);
      if (digit > 15) {
        error(range(p), "'\\" + Twine(c) + "' needs " + Twine(count) +
                            " hexadecimal digits");
        return false;
      }
      value = value * 16 + digit;
      ++p;
    }
    return append(value);
  }
  if (c == 'N') {
    StringRef rest(p, end - p);
    size_t close = rest.find('}');
    std::optional<char32_t> named;
    if (rest.starts_with("{") && close != StringRef::npos) {
      named = sys::unicode::nameToCodepointStrict(rest.slice(1, close));
      p += close + 1;
    }
    if (!named) {
      error(range(p), "unknown name of a character")
          .note("it is written \\N{GREEK SMALL LETTER ALPHA}, or \\u03b1");
      return false;
    }
    return append(*named);
  }
  // Kept as it is, as in Python, which warns as well.
  diags.warning(range(p), "'\\" + Twine(c) + "' is no escape sequence")
      .note("write '\\\\', or a string r'…'");
  out += '\\';
  --p;
  return true;
}

} // namespace lamina
