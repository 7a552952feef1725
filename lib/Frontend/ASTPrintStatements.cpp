//===- ASTPrintStatements.cpp - statements as source text
//--------------------===//

#include "ASTPrinter.h"
#include "llvm/ADT/StringExtras.h"

using namespace lamina;
using namespace lamina::ast;

void Printer::body(Block statements, unsigned level) {
  os << ":\n";
  if (!statements.empty())
    return block(statements, level + 1);
  indent(level + 1);
  os << "pass\n";
}

void Printer::conditional(const IfStmt &s, unsigned level, const char *word) {
  os << word << " ";
  expr(s.condition);
  body(s.thenBody, level);
  if (s.elseBody.empty())
    return;
  indent(level);
  if (auto *inner = s.elseBody.size() == 1
                        ? llvm::dyn_cast<IfStmt>(s.elseBody[0])
                        : nullptr)
    return conditional(*inner, level, "elif");
  os << "else";
  body(s.elseBody, level);
}

void Printer::statement(const Stmt &s, unsigned level) {
  auto loop = [&](const char *word, Block then, Block otherwise) {
    body(then, level);
    if (otherwise.empty())
      return;
    indent(level);
    os << word;
    body(otherwise, level);
  };
  auto decorators = [&](ArrayRef<Expr *> list) {
    for (Expr *e : list) {
      os << "@";
      expr(e);
      os << "\n";
      indent(level);
    }
  };
  auto imported = [&](const ImportName &name) {
    os << name.name;
    if (!name.asName.empty())
      os << " as " << name.asName;
  };
  switch (s.kind) {
  case StmtKind::Expression:
    bare(llvm::cast<ExpressionStmt>(&s)->value);
    break;
  case StmtKind::Assign:
    for (Expr *e : llvm::cast<AssignStmt>(&s)->targets) {
      target(e);
      os << " = ";
    }
    bare(llvm::cast<AssignStmt>(&s)->value);
    break;
  case StmtKind::AugAssign: {
    auto *assign = llvm::cast<AugAssignStmt>(&s);
    target(assign->target);
    os << " " << textOf(assign->op) << "= ";
    bare(assign->value);
    break;
  }
  case StmtKind::AnnAssign: {
    auto *assign = llvm::cast<AnnAssignStmt>(&s);
    target(assign->target);
    os << ": ";
    expr(assign->annotation, Conditional);
    if (assign->value) {
      os << " = ";
      bare(assign->value);
    }
    break;
  }
  case StmtKind::Import:
    os << "import ";
    separated(llvm::cast<ImportStmt>(&s)->names, imported);
    break;
  case StmtKind::ImportFrom:
    os << "from " << llvm::cast<ImportFromStmt>(&s)->module << " import ";
    separated(llvm::cast<ImportFromStmt>(&s)->names, imported);
    break;
  case StmtKind::FunctionDef: {
    auto *function = llvm::cast<FunctionDefStmt>(&s);
    decorators(function->decorators);
    os << "def " << function->name << "(";
    parameters(function->params);
    os << ")";
    return body(function->body, level);
  }
  case StmtKind::ClassDef: {
    auto *definition = llvm::cast<ClassDefStmt>(&s);
    decorators(definition->decorators);
    os << "class " << definition->name << "(";
    separated(definition->bases, [&](const Argument &a) { argument(a); });
    os << ")";
    return body(definition->body, level);
  }
  case StmtKind::Return:
    os << "return";
    if (Expr *value = llvm::cast<ReturnStmt>(&s)->value) {
      os << " ";
      bare(value);
    }
    break;
  case StmtKind::If:
    return conditional(*llvm::cast<IfStmt>(&s), level, "if");
  case StmtKind::For: {
    auto *statement = llvm::cast<ForStmt>(&s);
    os << "for ";
    target(statement->target);
    os << " in ";
    bare(statement->iterable);
    return loop("else", statement->body, statement->elseBody);
  }
  case StmtKind::While:
    os << "while ";
    expr(llvm::cast<WhileStmt>(&s)->condition);
    return loop("else", llvm::cast<WhileStmt>(&s)->body,
                llvm::cast<WhileStmt>(&s)->elseBody);
  case StmtKind::Break:
    os << "break";
    break;
  case StmtKind::Continue:
    os << "continue";
    break;
  case StmtKind::Pass:
    os << "pass";
    break;
  case StmtKind::Assert: {
    auto *check = llvm::cast<AssertStmt>(&s);
    os << "assert ";
    expr(check->condition, Conditional);
    if (check->message) {
      os << ", ";
      expr(check->message, Conditional);
    }
    break;
  }
  case StmtKind::Raise:
    os << "raise";
    if (Expr *value = llvm::cast<RaiseStmt>(&s)->value) {
      os << " ";
      expr(value, Conditional);
    }
    break;
  case StmtKind::Delete:
    os << "del ";
    separated(llvm::cast<DeleteStmt>(&s)->targets, [&](Expr *e) { expr(e); });
    break;
  case StmtKind::Nonlocal:
  case StmtKind::Global:
    os << (s.kind == StmtKind::Nonlocal ? "nonlocal " : "global ")
       << llvm::join(llvm::cast<ScopeStmt>(&s)->names, ", ");
    break;
  }
  os << "\n";
}

void Printer::block(Block statements, unsigned level) {
  for (const Stmt *s : statements) {
    indent(level);
    statement(*s, level);
  }
}

void ast::print(Block block, llvm::raw_ostream &os, unsigned level) {
  Printer(os).block(block, level);
}
