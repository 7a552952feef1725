//===- LexerTest.cpp - from text to tokens --------------------------------===//

#include "../../lib/Frontend/Lexer.h"
#include <gtest/gtest.h>

using namespace lamina;
using llvm::StringRef;

namespace {

/// The tokens, each as its text or its kind, with a blank between them.
std::string lex(StringRef text, Lexer::Mode mode = Lexer::Mode::Module) {
  Lexer lexer(text, mode);
  std::string result;
  for (unsigned i = 0; i < 1000; ++i) {
    Token token = lexer.next();
    switch (token.kind) {
    case TokenKind::EndOfFile:
      return result;
    case TokenKind::Newline:
      result += "NL ";
      break;
    case TokenKind::Indent:
      result += "{{ ";
      break;
    case TokenKind::Dedent:
      result += "}} ";
      break;
    case TokenKind::Error:
      result += "<" + lexer.errorOf(token).message + "> ";
      break;
    default:
      result += token.text.str() + " ";
    }
  }
  return result + "endless";
}

/// The kind of the only token.
TokenKind kindOf(StringRef text) {
  Lexer lexer(text, Lexer::Mode::Expression);
  Token token = lexer.next();
  EXPECT_EQ(token.text, text);
  EXPECT_TRUE(lexer.next().is(TokenKind::EndOfFile)) << text.str();
  return token.kind;
}

std::string errorOf(StringRef text) {
  Lexer lexer(text, Lexer::Mode::Module);
  for (unsigned i = 0; i < 1000; ++i) {
    Token token = lexer.next();
    if (token.is(TokenKind::Error))
      return lexer.errorOf(token).message;
    if (token.is(TokenKind::EndOfFile))
      break;
  }
  return "";
}

TEST(Lexer, Lines) {
  EXPECT_EQ(lex(""), "");
  EXPECT_EQ(lex("\n\n  # nothing\n\t\n"), "");
  EXPECT_EQ(lex("a"), "a NL ");
  EXPECT_EQ(lex("a\nb\n"), "a NL b NL ");
  EXPECT_EQ(lex("a\r\nb\r\n"), "a NL b NL ");
  EXPECT_EQ(lex("a\rb"), "a NL b NL ");
  EXPECT_EQ(lex("a # comment\nb"), "a NL b NL ");
  EXPECT_EQ(lex("\xEF\xBB\xBF"
                "a\n"),
            "a NL ");
  EXPECT_EQ(lex("a\n\f\nb\n\fc"), "a NL b NL c NL ");
}

TEST(Lexer, Indentation) {
  EXPECT_EQ(lex("a\n  b\n  c\n    d\ne"),
            "a NL {{ b NL c NL {{ d NL }} }} e NL ");
  EXPECT_EQ(lex("a\n\tb\n\n# c\n\td"), "a NL {{ b NL d NL }} ");
  EXPECT_EQ(lex("a\n  b"), "a NL {{ b NL }} ");
  EXPECT_EQ(lex("a\n        b\n\tc"), "a NL {{ b NL <inconsistent use of tabs "
                                      "and spaces in indentation> c NL }} ");
  EXPECT_EQ(lex("a\n    b\n  c\n  d\ne"),
            "a NL {{ b NL <this indentation matches no enclosing block> c NL d "
            "NL }} e NL ");
}

TEST(Lexer, DeepIndentationIsRefused) {
  std::string text;
  for (int i = 0; i < 300; ++i)
    text += std::string(i, ' ') + "a\n";
  EXPECT_EQ(errorOf(text), "more than 100 levels of indentation");
}

TEST(Lexer, JoinedLines) {
  EXPECT_EQ(lex("(a,\n  b\n)\nc"), "( a , b ) NL c NL ");
  EXPECT_EQ(lex("[a, # one\n b]\n"), "[ a , b ] NL ");
  EXPECT_EQ(lex("a + \\\n  b\n"), "a + b NL ");
  EXPECT_EQ(lex("a + \\\r\n  b\n"), "a + b NL ");
  EXPECT_EQ(lex("a\n+\nb", Lexer::Mode::Expression), "a + b ");
  EXPECT_EQ(lex("a \\ b"), "a <expected the end of the line after '\\'> b NL ");
  EXPECT_EQ(lex("a \\"), "a <expected the end of the line after '\\'> NL ");
}

TEST(Lexer, Brackets) {
  EXPECT_EQ(lex("(a\nb"), "( a b <'(' was never closed> NL ");
  EXPECT_EQ(lex("a)"), "a <')' closes nothing> NL ");
  EXPECT_EQ(lex("(a]"), "( a <']' does not close '('> NL ");
  // A keyword that begins a statement shows where the bracket should have been
  // closed.
  EXPECT_EQ(lex("x = (1\ndef f"),
            "x = ( 1 <'(' was never closed> NL def f NL ");
}

TEST(Lexer, Operators) {
  EXPECT_EQ(lex("a**=b**c*d//e//=f"), "a **= b ** c * d // e //= f NL ");
  EXPECT_EQ(lex("a<<=b>>c<=d>=e<f->g:=h"),
            "a <<= b >> c <= d >= e < f -> g := h NL ");
  EXPECT_EQ(lex("a@=b@c...~d!=e"), "a @= b @ c ... ~ d != e NL ");
  EXPECT_EQ(lex("a ? b"), "a <'?' is no token of the language> b NL ");
  EXPECT_EQ(lex("a $ `"), "a <'$' is no token of the language> <'`' is no "
                          "token of the language> NL ");
}

TEST(Lexer, NamesAndKeywords) {
  EXPECT_EQ(kindOf("lambda"), TokenKind::kw_lambda);
  EXPECT_EQ(kindOf("lambda_"), TokenKind::Name);
  EXPECT_EQ(kindOf("None"), TokenKind::kw_None);
  EXPECT_EQ(kindOf("none"), TokenKind::Name);
  EXPECT_EQ(kindOf("_x1"), TokenKind::Name);
  EXPECT_EQ(kindOf("match"), TokenKind::Name);
  EXPECT_EQ(kindOf("\u03b1\u03b2_1"), TokenKind::Name);
  EXPECT_EQ(kindOf("x\u00e9"), TokenKind::Name);
}

TEST(Lexer, OddCharacters) {
  Lexer lexer("a \u2212 b", Lexer::Mode::Module);
  lexer.next();
  Token token = lexer.next();
  ASSERT_TRUE(token.is(TokenKind::Error));
  EXPECT_EQ(lexer.errorOf(token).message,
            "the character '\u2212' (U+2212) does not belong here");
  EXPECT_EQ(lexer.errorOf(token).note, "did you mean '-'?");
  EXPECT_EQ(errorOf("\u201chi\u201d"),
            "the character '\u201c' (U+201C) does not belong here");
  EXPECT_EQ(errorOf("a\u00a0= 1"),
            "the character '\u00a0' (U+00A0) does not belong here");
  EXPECT_EQ(errorOf("\x01"),
            "a control character (code 1) does not belong here");
}

TEST(Lexer, Numbers) {
  for (const char *text : {"0", "00", "0_0", "1", "123", "1_000", "0x1F",
                           "0Xff_ff", "0x_1", "0o17", "0b1_01", "0B0"})
    EXPECT_EQ(kindOf(text), TokenKind::Int) << text;
  for (const char *text : {"1.", ".5", "0.5", "5e-1", "1e5", "1E+5", "1.5e3",
                           "1_0.0_1e1_0", "2.e3", "00.5", "09e1"})
    EXPECT_EQ(kindOf(text), TokenKind::Float) << text;
  EXPECT_EQ(lex("1if x else 2"), "1 if x else 2 NL ");
  EXPECT_EQ(lex("1..real"), "1. . real NL ");
  EXPECT_EQ(lex("x[1:2]"), "x [ 1 : 2 ] NL ");
}

TEST(Lexer, BadNumbers) {
  EXPECT_EQ(errorOf("012"), "a decimal number does not start with 0");
  EXPECT_EQ(errorOf("1_"),
            "an underscore in a number must stand between two digits");
  EXPECT_EQ(errorOf("1__0"),
            "an underscore in a number must stand between two digits");
  EXPECT_EQ(errorOf("0x"), "'0x' is not a hexadecimal number");
  EXPECT_EQ(errorOf("0xfg"), "'0xfg' is not a hexadecimal number");
  EXPECT_EQ(errorOf("0o18"), "'8' is no digit of an octal number");
  EXPECT_EQ(errorOf("0b12"), "'2' is no digit of a binary number");
  EXPECT_EQ(errorOf("1e"), "'1e' is not a decimal number");
  EXPECT_EQ(errorOf("12abc"), "'12abc' is not a decimal number");
  EXPECT_EQ(errorOf("3j"), "complex numbers are not part of the language");
  EXPECT_EQ(errorOf("1.5J"), "complex numbers are not part of the language");
  EXPECT_EQ(errorOf(std::string(5000, '1')), "this number has too many digits");
}

TEST(Lexer, Strings) {
  for (const char *text :
       {"''", "'a'", "\"it's\"", "'\\''", "r'\\'", "R\"a\"", "u'x'",
        "'''a\nb'''", "\"\"\"a\"b\"\"\"", "'a\\\nb'", "''''a'''"})
    if (StringRef(text) != "r'\\'")
      EXPECT_EQ(kindOf(text), TokenKind::String) << text;
  EXPECT_EQ(lex("'a' \"b\""), "'a' \"b\" NL ");
  EXPECT_EQ(lex("x'a'"), "x 'a' NL ");
}

TEST(Lexer, BadStrings) {
  EXPECT_EQ(lex("'abc\nd"), "<this string was never closed> NL d NL ");
  EXPECT_EQ(lex("'''abc\nd"), "<this string was never closed> NL ");
  EXPECT_EQ(errorOf("r'\\'"), "this string was never closed");
  EXPECT_EQ(errorOf("b'abc'"), "bytes are not part of the language");
  EXPECT_EQ(errorOf("uf'abc'"), "'uf' is no prefix of a string");
}

TEST(Lexer, FStrings) {
  EXPECT_EQ(lex("f''"), "f' ' NL ");
  EXPECT_EQ(lex("f'a{b}c'"), "f' a { b } c ' NL ");
  EXPECT_EQ(lex("f'{{{a}}}'"), "f' {{ { a } }} ' NL ");
  EXPECT_EQ(lex("f'{a!r:>{w}.2f}'"), "f' { a ! r : > { w } .2f } ' NL ");
  EXPECT_EQ(lex("f'{a[\"b\"]}{c[1:2]}{(d:=1)}'"),
            "f' { a [ \"b\" ] } { c [ 1 : 2 ] } { ( d := 1 ) } ' NL ");
  EXPECT_EQ(lex("f'{a!=b}'"), "f' { a != b } ' NL ");
  EXPECT_EQ(lex("f'{f\"{a}\"}'"), "f' { f\" { a } \" } ' NL ");
  EXPECT_EQ(lex("f'''a\n{b}\n'''"), "f''' a\n { b } \n ''' NL ");
  EXPECT_EQ(lex("rf'\\{a}'"), "rf' \\ { a } ' NL ");
  EXPECT_EQ(lex("f'\\N{DIGIT ONE}'"), "f' \\N{DIGIT ONE} ' NL ");
}

TEST(Lexer, BadFStrings) {
  EXPECT_EQ(errorOf("f'a}'"), "a single '}' does not belong in an f-string");
  EXPECT_EQ(errorOf("f'abc"), "this string was never closed");
  EXPECT_EQ(errorOf("f'{a:b'"), "expected '}' before the end of the f-string");
  EXPECT_EQ(errorOf("f'{a)}'"), "')' does not close '{'");
  EXPECT_EQ(errorOf("f'{a"), "this f-string was never closed");
  EXPECT_EQ(lex("f'\\N{\nb"), "f' <this string was never closed> NL b NL ");
}

TEST(Lexer, Descriptions) {
  Lexer lexer("xyz 12 + 'a' if\n", Lexer::Mode::Module);
  EXPECT_EQ(describe(lexer.next()), "name 'xyz'");
  EXPECT_EQ(describe(lexer.next()), "number '12'");
  EXPECT_EQ(describe(lexer.next()), "'+'");
  EXPECT_EQ(describe(lexer.next()), "a string");
  EXPECT_EQ(describe(lexer.next()), "'if'");
  EXPECT_EQ(describe(lexer.next()), "end of line");
  EXPECT_EQ(describe(lexer.next()), "end of file");
}

} // namespace
