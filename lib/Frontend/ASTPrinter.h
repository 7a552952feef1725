//===- ASTPrinter.h - a syntax tree as source text --------------*- C++ -*-===//
#ifndef LAMINA_FRONTEND_ASTPRINTER_H
#define LAMINA_FRONTEND_ASTPRINTER_H

#include "lamina/Frontend/ASTPrint.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/raw_ostream.h"

namespace lamina::ast {

/// How tightly the parts of an expression hold together, loosest first.
enum Level {
  Named,
  Conditional,
  Or,
  And,
  Not,
  Comparison,
  BitOr,
  BitXor,
  BitAnd,
  Shift,
  Sum,
  Product,
  Sign,
  Power,
  Primary
};

const char *textOf(BinaryOp op);

class Printer {
public:
  explicit Printer(llvm::raw_ostream &os) : os(os) {}
  void expr(const Expr *e, Level least = Named);
  void block(Block block, unsigned level);

private:
  llvm::raw_ostream &os;

  template <typename List, typename Function>
  void separated(const List &list, Function each) {
    llvm::interleave(list, os, each, ", ");
  }
  void sequence(ArrayRef<Expr *> items) {
    separated(items, [&](Expr *e) { expr(e); });
  }
  void constant(const ConstantExpr &e);
  void argument(const Argument &argument);
  void parameters(ArrayRef<Parameter> parameters);
  void comprehension(const ComprehensionExpr &e);
  void fstring(const FStringExpr &e);
  void index(const Expr *e);
  void bare(const Expr *e);
  void indent(unsigned level) { os.indent(4 * level); }
  void statement(const Stmt &s, unsigned level);
  void conditional(const IfStmt &s, unsigned level, const char *word);
  void body(Block block, unsigned level);
  void target(const Expr *e) { bare(e); }
};

} // namespace lamina::ast

#endif // LAMINA_FRONTEND_ASTPRINTER_H
