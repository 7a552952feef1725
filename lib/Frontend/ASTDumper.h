//===- ASTDumper.h - writes syntax trees ------------------------*- C++ -*-===//
#ifndef LAMINA_LIB_FRONTEND_ASTDUMPER_H
#define LAMINA_LIB_FRONTEND_ASTDUMPER_H

#include "lamina/Frontend/AST.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"

namespace lamina::ast {

using llvm::function_ref;
using llvm::raw_ostream;

/// One line for each node, children indented below it.
class Dumper {
public:
  explicit Dumper(raw_ostream &os) : os(os) {}
  void module(const Module &m) {
    line("Module") << '\n';
    block(m.body);
  }

private:
  raw_ostream &line(StringRef text) { return os.indent(2 * depth) << text; }
  /// Runs `body` one level deeper.
  void nested(function_ref<void()> body) {
    ++depth;
    body();
    --depth;
  }
  /// A named group of children; left out if there is nothing in it.
  void part(StringRef name, const Expr *e) {
    if (!e)
      return;
    nested([&] {
      line(name) << '\n';
      nested([&] { expr(e); });
    });
  }
  void part(StringRef name, Block b) {
    if (b.empty())
      return;
    nested([&] {
      line(name) << '\n';
      block(b);
    });
  }
  void children(ArrayRef<Expr *> list) {
    nested([&] {
      for (const Expr *e : list)
        expr(e);
    });
  }
  void block(Block statements) {
    nested([&] {
      for (const Stmt *s : statements)
        stmt(s);
    });
  }
  void quoted(StringRef text) {
    os << '"';
    llvm::printEscapedString(text, os);
    os << '"';
  }

  void node(const ConstantExpr *c);
  void node(const FStringExpr *f);
  void node(const ComprehensionExpr *c);
  void node(const NameExpr *n);
  void node(const UnaryExpr *u);
  void node(const BinaryExpr *b);
  void node(const BoolOpExpr *b);
  void node(const CompareExpr *c);
  void node(const IfExpr *i);
  void node(const CallExpr *c);
  void node(const AttributeExpr *a);
  void node(const SubscriptExpr *s);
  void node(const SliceExpr *s);
  void node(const SequenceExpr *s);
  void node(const DictExpr *d);
  void node(const LambdaExpr *l);
  void node(const StarredExpr *s);
  void node(const NamedExpr *n);
  void arguments(ArrayRef<Argument> args);
  void parameters(ArrayRef<Parameter> params);
  void names(ArrayRef<ImportName> names);
  void expr(const Expr *e);
  void stmt(const Stmt *s);

  raw_ostream &os;
  unsigned depth = 0;
};

StringRef spelling(UnaryOp op);
StringRef spelling(BinaryOp op);
StringRef spelling(CompareOp op);

} // namespace lamina::ast

#endif // LAMINA_LIB_FRONTEND_ASTDUMPER_H
