//===- ASTDumpExpressions.cpp - expressions as an indented listing --------===//

#include "ASTDumper.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Format.h"

using namespace llvm;
using namespace lamina::ast;

StringRef lamina::ast::spelling(BinaryOp op) {
  static constexpr StringRef names[] = {"+", "-", "*", "/", "//", "%", "**",
                                        "@", "&", "|", "^", "<<", ">>"};
  return names[size_t(op)];
}
StringRef lamina::ast::spelling(UnaryOp op) {
  static constexpr StringRef names[] = {"-", "+", "~", "not"};
  return names[size_t(op)];
}
StringRef lamina::ast::spelling(CompareOp op) {
  static constexpr StringRef names[] = {"==", "!=", "<",      "<=", ">",
                                        ">=", "is", "is not", "in", "not in"};
  return names[size_t(op)];
}

void Dumper::node(const ConstantExpr *c) {
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

void Dumper::node(const FStringExpr *f) {
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

void Dumper::node(const ComprehensionExpr *c) {
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

void Dumper::node(const NameExpr *n) { line("Name ") << n->name << '\n'; }

void Dumper::node(const UnaryExpr *u) {
  line("Unary ") << spelling(u->op) << '\n';
  children(u->operand);
}

void Dumper::node(const BinaryExpr *b) {
  line("Binary ") << spelling(b->op) << '\n';
  children({b->lhs, b->rhs});
}

void Dumper::node(const BoolOpExpr *b) {
  line("BoolOp ") << (b->isAnd ? "and" : "or") << '\n';
  children(b->values);
}

void Dumper::node(const CompareExpr *c) {
  line("Compare");
  for (CompareOp op : c->ops)
    os << ' ' << spelling(op);
  os << '\n';
  children(c->first);
  children(c->rest);
}

void Dumper::node(const IfExpr *i) {
  line("IfExp\n");
  children(i->condition);
  part("Then", i->thenValue);
  part("Else", i->elseValue);
}

void Dumper::node(const CallExpr *c) {
  line("Call\n");
  children(c->callee);
  arguments(c->args);
}

void Dumper::node(const AttributeExpr *a) {
  line("Attribute ") << a->name << '\n';
  children(a->object);
}

void Dumper::node(const SubscriptExpr *s) {
  line("Subscript\n");
  children({s->object, s->index});
}

void Dumper::node(const SliceExpr *s) {
  line("Slice\n");
  part("Lower", s->lower);
  part("Upper", s->upper);
  part("Step", s->step);
}

void Dumper::node(const SequenceExpr *s) {
  line(s->kind == ExprKind::Tuple  ? "Tuple\n"
       : s->kind == ExprKind::List ? "List\n"
                                   : "Set\n");
  children(s->items);
}

void Dumper::node(const DictExpr *d) {
  line("Dict\n");
  for (auto [key, value] : zip(d->keys, d->values)) {
    if (key)
      children({key, value});
    else
      part("DoubleStar", value);
  }
}

void Dumper::node(const LambdaExpr *l) {
  line("Lambda\n");
  parameters(l->params);
  children(l->body);
}

void Dumper::node(const StarredExpr *s) {
  line("Starred\n");
  children(s->value);
}

void Dumper::node(const NamedExpr *n) {
  line("NamedExpr ") << n->target->name << '\n';
  children(n->value);
}

// Functions of their own keep the frames of this recursion small.
void Dumper::expr(const Expr *e) {
  switch (e->kind) {
  case ExprKind::Constant:
    return node(cast<ConstantExpr>(e));
  case ExprKind::Name:
    return node(cast<NameExpr>(e));
  case ExprKind::Unary:
    return node(cast<UnaryExpr>(e));
  case ExprKind::Binary:
    return node(cast<BinaryExpr>(e));
  case ExprKind::BoolOp:
    return node(cast<BoolOpExpr>(e));
  case ExprKind::Compare:
    return node(cast<CompareExpr>(e));
  case ExprKind::IfExp:
    return node(cast<IfExpr>(e));
  case ExprKind::Call:
    return node(cast<CallExpr>(e));
  case ExprKind::Attribute:
    return node(cast<AttributeExpr>(e));
  case ExprKind::Subscript:
    return node(cast<SubscriptExpr>(e));
  case ExprKind::Slice:
    return node(cast<SliceExpr>(e));
  case ExprKind::Tuple:
  case ExprKind::List:
  case ExprKind::Set:
    return node(cast<SequenceExpr>(e));
  case ExprKind::Dict:
    return node(cast<DictExpr>(e));
  case ExprKind::Comprehension:
    return node(cast<ComprehensionExpr>(e));
  case ExprKind::Lambda:
    return node(cast<LambdaExpr>(e));
  case ExprKind::Starred:
    return node(cast<StarredExpr>(e));
  case ExprKind::FString:
    return node(cast<FStringExpr>(e));
  case ExprKind::NamedExpr:
    return node(cast<NamedExpr>(e));
  }
}
