//===- ASTDump.cpp - the syntax tree as an indented listing ---------------===//

#include "lamina/Frontend/AST.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace lamina::ast {
namespace {

StringRef spelling(BinaryOp op) {
  static constexpr StringRef names[] = {"+", "-", "*", "/", "//", "%", "**",
                                        "@", "&", "|", "^", "<<", ">>"};
  return names[size_t(op)];
}
StringRef spelling(UnaryOp op) {
  static constexpr StringRef names[] = {"-", "+", "~", "not"};
  return names[size_t(op)];
}
StringRef spelling(CompareOp op) {
  static constexpr StringRef names[] = {"==", "!=", "<",      "<=", ">",
                                        ">=", "is", "is not", "in", "not in"};
  return names[size_t(op)];
}

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
    printEscapedString(text, os);
    os << '"';
  }

  void constant(const ConstantExpr *c);
  void fstring(const FStringExpr *f);
  void comprehension(const ComprehensionExpr *c);
  void arguments(ArrayRef<Argument> args);
  void parameters(ArrayRef<Parameter> params);
  void names(ArrayRef<ImportName> names);
  void expr(const Expr *e);
  void stmt(const Stmt *s);

  raw_ostream &os;
  unsigned depth = 0;
};

} // namespace

void Dumper::constant(const ConstantExpr *c) {
  switch (c->type) {
  case ConstantExpr::Type::None:
    line("None\n");
    return;
  case ConstantExpr::Type::True:
    line("True\n");
    return;
  case ConstantExpr::Type::False:
    line("False\n");
    return;
  case ConstantExpr::Type::Ellipsis:
    line("Ellipsis\n");
    return;
  case ConstantExpr::Type::Int:
    line("Int ") << c->intValue << '\n';
    return;
  case ConstantExpr::Type::Float:
    line("Float ") << format("%.17g", c->floatValue) << '\n';
    return;
  case ConstantExpr::Type::String:
    line("String ");
    quoted(c->stringValue);
    os << '\n';
    return;
  }
}

void Dumper::fstring(const FStringExpr *f) {
  line("FString\n");
  nested([&] {
    for (const FStringPart &part : f->parts) {
      if (!part.value) {
        line("Text ");
        quoted(part.text);
        os << '\n';
        continue;
      }
      line("Field");
      if (part.conversion)
        os << " !" << part.conversion;
      os << '\n';
      children(part.value);
      this->part("Format", part.format);
    }
  });
}

void Dumper::comprehension(const ComprehensionExpr *c) {
  static constexpr StringRef names[] = {"List", "Set", "Dict", "Generator"};
  line("Comprehension ") << names[size_t(c->type)] << '\n';
  part("Key", c->key);
  children(c->element);
  nested([&] {
    for (const ForClause &clause : c->clauses) {
      line("For\n");
      children({clause.target, clause.iterable});
      for (const Expr *condition : clause.conditions)
        part("If", condition);
    }
  });
}

void Dumper::arguments(ArrayRef<Argument> args) {
  nested([&] {
    for (const Argument &arg : args) {
      switch (arg.kind) {
      case Argument::Kind::Positional:
        expr(arg.value);
        continue;
      case Argument::Kind::Keyword:
        line("Keyword ") << arg.name << '\n';
        break;
      case Argument::Kind::Star:
        line("Star\n");
        break;
      case Argument::Kind::DoubleStar:
        line("DoubleStar\n");
        break;
      }
      children(arg.value);
    }
  });
}

void Dumper::parameters(ArrayRef<Parameter> params) {
  nested([&] {
    for (const Parameter &p : params) {
      StringRef prefix = p.kind == Parameter::Kind::VarArgs       ? "*"
                         : p.kind == Parameter::Kind::VarKeywords ? "**"
                                                                  : "";
      line("Parameter ") << prefix << p.name;
      if (p.kind == Parameter::Kind::KeywordOnly)
        os << " (keyword-only)";
      if (p.positionalOnly)
        os << " (positional-only)";
      os << '\n';
      if (p.defaultValue)
        children(p.defaultValue);
    }
  });
}

void Dumper::expr(const Expr *e) {
  TypeSwitch<const Expr *>(e)
      .Case([&](const ConstantExpr *c) { constant(c); })
      .Case([&](const NameExpr *n) { line("Name ") << n->name << '\n'; })
      .Case([&](const UnaryExpr *u) {
        line("Unary ") << spelling(u->op) << '\n';
        children(u->operand);
      })
      .Case([&](const BinaryExpr *b) {
        line("Binary ") << spelling(b->op) << '\n';
        children({b->lhs, b->rhs});
      })
      .Case([&](const BoolOpExpr *b) {
        line("BoolOp ") << (b->isAnd ? "and" : "or") << '\n';
        children(b->values);
      })
      .Case([&](const CompareExpr *c) {
        line("Compare");
        for (CompareOp op : c->ops)
          os << ' ' << spelling(op);
        os << '\n';
        children(c->first);
        children(c->rest);
      })
      .Case([&](const IfExpr *i) {
        line("IfExp\n");
        children(i->condition);
        part("Then", i->thenValue);
        part("Else", i->elseValue);
      })
      .Case([&](const CallExpr *c) {
        line("Call\n");
        children(c->callee);
        arguments(c->args);
      })
      .Case([&](const AttributeExpr *a) {
        line("Attribute ") << a->name << '\n';
        children(a->object);
      })
      .Case([&](const SubscriptExpr *s) {
        line("Subscript\n");
        children({s->object, s->index});
      })
      .Case([&](const SliceExpr *s) {
        line("Slice\n");
        part("Lower", s->lower);
        part("Upper", s->upper);
        part("Step", s->step);
      })
      .Case([&](const SequenceExpr *s) {
        line(s->kind == ExprKind::Tuple  ? "Tuple\n"
             : s->kind == ExprKind::List ? "List\n"
                                         : "Set\n");
        children(s->items);
      })
      .Case([&](const DictExpr *d) {
        line("Dict\n");
        for (auto [key, value] : zip(d->keys, d->values)) {
          if (key)
            children({key, value});
          else
            part("DoubleStar", value);
        }
      })
      .Case([&](const ComprehensionExpr *c) { comprehension(c); })
      .Case([&](const LambdaExpr *l) {
        line("Lambda\n");
        parameters(l->params);
        children(l->body);
      })
      .Case([&](const StarredExpr *s) {
        line("Starred\n");
        children(s->value);
      })
      .Case([&](const FStringExpr *f) { fstring(f); })
      .Case([&](const NamedExpr *n) {
        line("NamedExpr ") << n->target->name << '\n';
        children(n->value);
      });
}

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
