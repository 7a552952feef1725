//===- Lexer.h - from text to tokens ----------------------------*- C++ -*-===//
//
// Python's tokens: indentation becomes Indent and Dedent, logical lines end in
// Newline, lines are joined inside brackets and after a backslash. An f-string
// is FStringStart, its pieces, FStringEnd; a piece is FStringMiddle or
// '{' tokens '}'. Lexical errors are tokens too, so that the parser reports
// them in source order and decides where to go on.
//
//===----------------------------------------------------------------------===//

#ifndef LAMINA_LIB_FRONTEND_LEXER_H
#define LAMINA_LIB_FRONTEND_LEXER_H

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/SMLoc.h"
#include <string>
#include <vector>

namespace lamina {

// clang-format off
#define LAMINA_KEYWORDS(X)                                                     \
  X(False) X(None) X(True) X(and) X(as) X(assert) X(async) X(await) X(break)   \
  X(class) X(continue) X(def) X(del) X(elif) X(else) X(except) X(finally)      \
  X(for) X(from) X(global) X(if) X(import) X(in) X(is) X(lambda) X(nonlocal)   \
  X(not) X(or) X(pass) X(raise) X(return) X(try) X(while) X(with) X(yield)

// Longer spellings first: the lexer takes the first that fits.
#define LAMINA_PUNCTUATION(X)                                                  \
  X(StarStarEqual, "**=") X(SlashSlashEqual, "//=") X(LessLessEqual, "<<=")    \
  X(GreaterGreaterEqual, ">>=") X(DotDotDot, "...")                            \
  X(StarStar, "**") X(SlashSlash, "//") X(LessLess, "<<")                      \
  X(GreaterGreater, ">>") X(EqualEqual, "==") X(ExclaimEqual, "!=")            \
  X(LessEqual, "<=") X(GreaterEqual, ">=") X(Arrow, "->") X(ColonEqual, ":=")  \
  X(PlusEqual, "+=") X(MinusEqual, "-=") X(StarEqual, "*=")                    \
  X(SlashEqual, "/=") X(PercentEqual, "%=") X(AtEqual, "@=")                   \
  X(AmpEqual, "&=") X(PipeEqual, "|=") X(CaretEqual, "^=")                     \
  X(LParen, "(") X(RParen, ")") X(LBracket, "[") X(RBracket, "]")              \
  X(LBrace, "{") X(RBrace, "}") X(Comma, ",") X(Colon, ":") X(Dot, ".")        \
  X(Semicolon, ";") X(Equal, "=") X(Plus, "+") X(Minus, "-") X(Star, "*")      \
  X(Slash, "/") X(Percent, "%") X(At, "@") X(Amp, "&") X(Pipe, "|")            \
  X(Caret, "^") X(Tilde, "~") X(Less, "<") X(Greater, ">") X(Exclaim, "!")
// clang-format on

enum class TokenKind {
  EndOfFile,
  Newline,
  Indent,
  Dedent,
  Error,
  Name,
  Int,
  Float,
  String,
  FStringStart,
  FStringMiddle,
  FStringEnd,
#define X(name) kw_##name,
  LAMINA_KEYWORDS(X)
#undef X
#define X(name, spelling) name,
      LAMINA_PUNCTUATION(X)
#undef X
};

struct Token {
  TokenKind kind = TokenKind::EndOfFile;
  llvm::StringRef text;    // in the buffer
  bool startsLine = false; // nothing but white space before it on its line
  unsigned depth = 0;      // open brackets before it
  unsigned error = 0;      // of an Error: the number of its message

  bool is(TokenKind k) const { return kind == k; }
  llvm::SMLoc start() const {
    return llvm::SMLoc::getFromPointer(text.begin());
  }
  llvm::SMLoc end() const { return llvm::SMLoc::getFromPointer(text.end()); }
  llvm::SMRange range() const { return {start(), end()}; }
};

/// How a token kind is written, quoted: "'+'", or what it is: "end of line".
std::string describe(TokenKind kind);
/// What was found: "name 'x'", "'+'", "end of line".
std::string describe(const Token &token);
bool isKeyword(TokenKind kind);

class Lexer {
public:
  /// In an Expression newlines do not count, as within brackets.
  enum class Mode { Module, Expression };
  struct Error {
    std::string message;
    std::string note; // or empty
    llvm::SMRange noteRange;
  };

  /// `text` must be valid UTF-8 without NUL.
  Lexer(llvm::StringRef text, Mode mode);

  Token next();
  const Error &errorOf(const Token &token) const { return errors[token.error]; }

  /// Forgets what is open and goes on with the line that contains `place` as
  /// with a new statement.
  void resumeAtLine(const char *place);
  /// The indentation of the current block.
  unsigned indentation() const { return indents.back().column; }
  /// The indentation of the line that contains `place`.
  unsigned columnOf(const char *place) const;

private:
  struct Indentation {
    unsigned column;    // tabs go to multiples of 8
    unsigned altColumn; // tabs count 1: both must agree on what is deeper
  };
  struct Bracket {
    const char *place;
    bool isField; // opens a replacement field of an f-string
  };
  struct FString {
    llvm::StringRef opening; // prefix and quotes
    llvm::StringRef quotes;
    bool raw;
    size_t brackets; // open before it
    llvm::SmallVector<bool, 2>
        formatting; // one for each open field: in its format
  };

  Token make(TokenKind kind, const char *start);
  Token error(const char *start, const char *end, const llvm::Twine &message,
              const llvm::Twine &note = "", llvm::SMRange noteRange = {});
  char at(size_t offset = 0) const {
    return size_t(end - pos) > offset ? pos[offset] : '\0';
  }
  bool atNewline() const { return at() == '\n' || at() == '\r'; }
  void skipNewline();
  bool joinsLines() const { return implicitJoin || !brackets.empty(); }

  bool lineStart(Token &token);
  bool skipSpace(Token &token);
  Token neverClosed();
  Token atEnd();
  Token lexToken();
  Token lexName();
  Token lexNumber();
  Token lexString(const char *start);
  Token lexFStringPiece();
  Token unterminated(const char *start, llvm::StringRef opening);
  Token lexPunctuation();
  Token lexUnknown();

  const char *begin, *pos, *end;
  bool implicitJoin;
  bool atLineStart = true;
  bool firstOnLine = false;    // of the physical line
  bool pendingNewline = false; // owed before the next line
  bool lineOpen = false;       // tokens since the last Newline
  unsigned pendingDedents = 0;
  llvm::SmallVector<Indentation> indents{{0, 0}};
  llvm::SmallVector<Bracket> brackets;
  llvm::SmallVector<FString, 1> fstrings;
  std::vector<Error> errors;
};

} // namespace lamina

#endif // LAMINA_LIB_FRONTEND_LEXER_H
