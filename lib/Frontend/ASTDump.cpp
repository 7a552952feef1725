//===- ASTDump.cpp - the syntax tree as an indented listing ---------------===//

#include "ASTDumper.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace llvm;

namespace lamina::ast {

void Dumper::names(ArrayRef<ImportName> names) {
  os << '\n';
  nested([&] {
    for (const ImportName &n : names) {
      line(n.name);
      if (!n.asName.empty())
        os << " as " << n.asName;
      os << '\n';
    }
  });
}

void Dumper::stmt(const Stmt *s) {
  TypeSwitch<const Stmt *>(s)
      .Case([&](const ExpressionStmt *e) {
        line("Expression\n");
        children(e->value);
      })
      .Case([&](const AssignStmt *a) {
        line("Assign\n");
        children(a->targets);
        part("Value", a->value);
      })
      .Case([&](const AugAssignStmt *a) {
        line("AugAssign ") << spelling(a->op) << "=\n";
        children({a->target, a->value});
      })
      .Case([&](const AnnAssignStmt *a) {
        line("AnnAssign\n");
        children(a->target);
        part("Annotation", a->annotation);
        part("Value", a->value);
      })
      .Case([&](const ImportStmt *i) {
        line("Import");
        names(i->names);
      })
      .Case([&](const ImportFromStmt *i) {
        line("ImportFrom ") << i->module;
        names(i->names);
      })
      .Case([&](const FunctionDefStmt *f) {
        line("FunctionDef ") << f->name << '\n';
        for (const Expr *d : f->decorators)
          part("Decorator", d);
        parameters(f->params);
        part("Body", f->body);
      })
      .Case([&](const ClassDefStmt *c) {
        line("ClassDef ") << c->name << '\n';
        for (const Expr *d : c->decorators)
          part("Decorator", d);
        arguments(c->bases);
        part("Body", c->body);
      })
      .Case([&](const ReturnStmt *r) {
        line("Return\n");
        if (r->value)
          children(r->value);
      })
      .Case([&](const IfStmt *i) {
        line("If\n");
        children(i->condition);
        part("Then", i->thenBody);
        part("Else", i->elseBody);
      })
      .Case([&](const ForStmt *f) {
        line("For\n");
        children({f->target, f->iterable});
        part("Body", f->body);
        part("Else", f->elseBody);
      })
      .Case([&](const WhileStmt *w) {
        line("While\n");
        children(w->condition);
        part("Body", w->body);
        part("Else", w->elseBody);
      })
      .Case([&](const SimpleStmt *simple) {
        line(simple->kind == StmtKind::Break      ? "Break\n"
             : simple->kind == StmtKind::Continue ? "Continue\n"
                                                  : "Pass\n");
      })
      .Case([&](const AssertStmt *a) {
        line("Assert\n");
        children(a->condition);
        part("Message", a->message);
      })
      .Case([&](const RaiseStmt *r) {
        line("Raise\n");
        if (r->value)
          children(r->value);
      })
      .Case([&](const DeleteStmt *d) {
        line("Delete\n");
        children(d->targets);
      })
      .Case([&](const ScopeStmt *n) {
        line(n->kind == StmtKind::Global ? "Global" : "Nonlocal");
        for (StringRef name : n->names)
          os << ' ' << name;
        os << '\n';
      });
}

void dump(const Module &module, raw_ostream &os) { Dumper(os).module(module); }

} // namespace lamina::ast
