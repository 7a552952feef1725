//===- ParserImpl.h - the recursive-descent parser --------------*- C++ -*-===//
//
// One method for each rule of the grammar in docs/language.md. A method that
// returns null has reported an error; the statement is then given up and
// parsing goes on at the next one.
//
//===----------------------------------------------------------------------===//

#ifndef LAMINA_LIB_FRONTEND_PARSERIMPL_H
#define LAMINA_LIB_FRONTEND_PARSERIMPL_H

#include "Lexer.h"
#include "lamina/Frontend/Parser.h"
#include "llvm/ADT/STLFunctionalExtras.h"

namespace lamina {

class Parser {
public:
  /// Bounds that keep recursion over the text and over the tree off the stack's
  /// end.
  static constexpr unsigned maxNesting = 200;
  static constexpr unsigned maxHeight = 1000;
  static constexpr unsigned maxErrors = 50;

  Parser(llvm::StringRef text, llvm::StringRef fileName, Lexer::Mode mode,
         ast::ASTContext &context, Diagnostics &diags);
  ast::Module *parseModule();
  ast::Expr *parseWholeExpression();

private:
  using Expr = ast::Expr;
  using Stmt = ast::Stmt;
  template <typename T>
  using Items = llvm::SmallVectorImpl<T>;

  // ---- Parser.cpp: tokens, errors, recovery
  void advance();
  const Token &peek();
  bool at(TokenKind kind) const { return token.is(kind); }
  bool accept(TokenKind kind);
  bool expect(TokenKind kind, const llvm::Twine &where);
  bool expectClosing(TokenKind kind, const Token &open,
                     const llvm::Twine &otherwise);
  llvm::SMRange from(llvm::SMLoc start) const { return {start, lastEnd}; }

  Diagnostic &error(llvm::SMRange range, const llvm::Twine &message);
  /// Reports that `expected` was expected; returns null.
  std::nullptr_t unexpected(const llvm::Twine &expected);
  std::nullptr_t expectedExpression();
  std::nullptr_t refuse(llvm::StringRef what, llvm::StringRef instead);
  void recover();
  void parseStrayBlock();
  bool stopped() const { return errorCount >= maxErrors; }

  template <typename T, typename... Args>
  T *make(Args &&...args) {
    return context.make<T>(std::forward<Args>(args)...);
  }
  /// Sets the height of a new node from its children's; null if that is too
  /// deep.
  Expr *finish(Expr *node, llvm::ArrayRef<Expr *> children);

  /// Counts a level of nesting as long as it lives.
  struct Nesting {
    Parser &parser;
    explicit Nesting(Parser &parser) : parser(parser) { ++parser.nesting; }
    ~Nesting() { --parser.nesting; }
  };
  bool tooDeep();

  // ---- ParserStatements.cpp
  void parseStatements(llvm::SmallVectorImpl<Stmt *> &out, bool module);
  bool parseStatement(llvm::SmallVectorImpl<Stmt *> &out);
  bool parseSimpleLine(llvm::SmallVectorImpl<Stmt *> &out);
  bool endOfStatement();
  std::optional<ast::Block> parseBlock(llvm::StringRef what,
                                       const Token &header);
  Stmt *parseSimple();
  Stmt *parseExpressionStatement();
  Stmt *parseAssign(llvm::SMLoc start, Expr *first);
  Stmt *parseAnnotated(llvm::SMLoc start, Expr *target);
  Stmt *parseIf();
  Stmt *parseFor();
  Stmt *parseWhile();
  Stmt *parseReturn();
  Stmt *parseAssert();
  Stmt *parseRaise();
  Stmt *parseDelete();
  Stmt *parseScope();
  std::optional<ast::Block> parseElse(bool inLoop);
  Expr *parseCondition(llvm::StringRef what);

  // ---- ParserDefinitions.cpp
  Stmt *parseDecorated();
  Stmt *parseFunction(llvm::SMLoc start, llvm::ArrayRef<Expr *> decorators);
  Stmt *parseClass(llvm::SMLoc start, llvm::ArrayRef<Expr *> decorators);
  /// Up to `end`, which is not consumed; annotations only in a `def`.
  std::optional<llvm::ArrayRef<ast::Parameter>>
  parseParameters(TokenKind end, bool annotations);
  bool parseParameter(Items<ast::Parameter> &params, ast::Parameter::Kind kind,
                      bool annotations);
  Stmt *parseImport();
  Stmt *parseImportFrom();
  bool parseImportNames(Items<ast::ImportName> &names);
  bool parseDotted(llvm::StringRef &name);
  bool parseAlias(llvm::StringRef &name);

  // ---- ParserTargets.cpp: what can be assigned to
  enum class TargetUse { Assign, AugAssign, Annotate, Loop, Delete };
  bool checkTarget(Expr *target, TargetUse use, bool inSequence = false);
  /// The targets of `for`, in a statement or comprehension.
  Expr *parseLoopTarget();
  static llvm::StringRef describe(const Expr *expr);

  // ---- ParserExpressions.cpp
  Expr *
  parseExpressions(bool allowStar); // a, b, *c: a tuple if there is a comma
  Expr *parseValues();              // the same, but not a lone *c
  Expr *parseNamed();
  Expr *parseStarOrNamed();
  Expr *parseExpression();
  Expr *parseLambda();
  Expr *parseOr();
  Expr *parseAnd();
  Expr *parseNot();
  Expr *parseComparison();
  Expr *parseBinary(unsigned precedence);
  Expr *parseUnary();
  Expr *parsePower();

  // ---- ParserPrimaries.cpp
  Expr *parsePrimary();
  std::optional<llvm::ArrayRef<ast::Argument>>
  parseArguments(const Token &open);
  bool parseArgument(Items<ast::Argument> &args, const Token &open);
  Expr *parseSubscript();
  Expr *parseSubscriptItem();

  // ---- ParserAtoms.cpp
  Expr *parseAtom();
  Expr *parseNumber(bool afterMinus);
  Expr *parseParenthesized();
  Expr *parseListDisplay();
  Expr *parseBraces();
  Expr *parseDict(const Token &open, Expr *key);
  bool parseForClauses(Items<ast::ForClause> &clauses, Items<Expr *> &children);
  Expr *comprehension(const Token &open, TokenKind close,
                      ast::ComprehensionExpr::Type type, Expr *key,
                      Expr *element);

  // ---- ParserStrings.cpp
  Expr *parseStrings();
  bool parseFString(Items<ast::FStringPart> &parts, Items<Expr *> &children);
  bool parseField(Items<ast::FStringPart> &parts, Items<Expr *> &children,
                  bool raw);
  bool decodeString(llvm::StringRef text, std::string &out);
  bool decodeText(llvm::StringRef text, bool raw, bool doubledBraces,
                  std::string &out);
  bool decodeEscape(const char *&p, const char *end, std::string &out);
  void addText(Items<ast::FStringPart> &parts, llvm::StringRef text);

  llvm::StringRef text;
  llvm::StringRef fileName;
  ast::ASTContext &context;
  Diagnostics &diags;
  Lexer lexer;
  Token token, ahead;
  bool hasAhead = false;
  llvm::SMLoc lastEnd; // of the token before
  unsigned errorCount = 0;
  Diagnostic *lastError = nullptr;
  Diagnostic unreported;
  unsigned nesting = 0;
  unsigned functionDepth = 0; // classes between do not matter
  bool inFunction = false, inLoop = false;
  bool skipBlock = false;  // below a statement that was refused
  bool afterError = false; // the statement before was given up
  bool negated = false;    // the next number follows a minus
};

} // namespace lamina

#endif // LAMINA_LIB_FRONTEND_PARSERIMPL_H
