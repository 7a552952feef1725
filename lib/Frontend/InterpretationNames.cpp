//===- InterpretationNames.cpp - scopes: which name means what ------------===//
#include "Interpretation.h"
#include "lamina/Frontend/Library.h"
#include "llvm/ADT/STLExtras.h"

using namespace lamina;
using namespace lamina::ast;
using namespace lamina::frontend;

//===----------------------------------------------------------------------===//
// The names that a body binds
//===----------------------------------------------------------------------===//

namespace {
class Collector {
public:
  explicit Collector(NameTable &table) : table(table) {}

  void block(Block body) {
    for (const Stmt *stmt : body)
      statement(stmt);
  }

  /// Of an expression only `:=` binds; a lambda has its own scope.
  void expr(const Expr *e) {
    if (!e)
      return;
    switch (e->kind) {
    case ExprKind::Constant:
    case ExprKind::Name:
    case ExprKind::Lambda:
    case ExprKind::FString:
      return;
    case ExprKind::Unary:
      return expr(llvm::cast<UnaryExpr>(e)->operand);
    case ExprKind::Binary:
      expr(llvm::cast<BinaryExpr>(e)->lhs);
      return expr(llvm::cast<BinaryExpr>(e)->rhs);
    case ExprKind::BoolOp:
      return exprs(llvm::cast<BoolOpExpr>(e)->values);
    case ExprKind::Compare:
      expr(llvm::cast<CompareExpr>(e)->first);
      return exprs(llvm::cast<CompareExpr>(e)->rest);
    case ExprKind::IfExp:
      expr(llvm::cast<IfExpr>(e)->condition);
      expr(llvm::cast<IfExpr>(e)->thenValue);
      return expr(llvm::cast<IfExpr>(e)->elseValue);
    case ExprKind::Call:
      expr(llvm::cast<CallExpr>(e)->callee);
      for (const Argument &arg : llvm::cast<CallExpr>(e)->args)
        expr(arg.value);
      return;
    case ExprKind::Attribute:
      return expr(llvm::cast<AttributeExpr>(e)->object);
    case ExprKind::Subscript:
      expr(llvm::cast<SubscriptExpr>(e)->object);
      return expr(llvm::cast<SubscriptExpr>(e)->index);
    case ExprKind::Slice:
      expr(llvm::cast<SliceExpr>(e)->lower);
      expr(llvm::cast<SliceExpr>(e)->upper);
      return expr(llvm::cast<SliceExpr>(e)->step);
    case ExprKind::Tuple:
    case ExprKind::List:
    case ExprKind::Set:
      return exprs(llvm::cast<SequenceExpr>(e)->items);
    case ExprKind::Dict:
      exprs(llvm::cast<DictExpr>(e)->keys);
      return exprs(llvm::cast<DictExpr>(e)->values);
    case ExprKind::Comprehension: {
      const auto *c = llvm::cast<ComprehensionExpr>(e);
      expr(c->key);
      expr(c->element);
      for (const ForClause &clause : c->clauses) {
        expr(clause.iterable);
        exprs(clause.conditions);
      }
      return;
    }
    case ExprKind::Starred:
      return expr(llvm::cast<StarredExpr>(e)->value);
    case ExprKind::NamedExpr:
      table.locals.insert(llvm::cast<NamedExpr>(e)->target->name);
      return expr(llvm::cast<NamedExpr>(e)->value);
    }
  }

private:
  void exprs(llvm::ArrayRef<Expr *> list) {
    for (const Expr *e : list)
      expr(e);
  }

  void target(const Expr *e) {
    if (const auto *name = llvm::dyn_cast<NameExpr>(e))
      table.locals.insert(name->name);
    else if (const auto *sequence = llvm::dyn_cast<SequenceExpr>(e))
      for (const Expr *item : sequence->items)
        target(item);
    else if (const auto *starred = llvm::dyn_cast<StarredExpr>(e))
      target(starred->value);
    else
      expr(e);
  }

  void imported(const ImportName &name, bool dotted) {
    llvm::StringRef bound = name.asName.empty() ? name.name : name.asName;
    if (dotted && name.asName.empty())
      bound = bound.split('.').first;
    if (bound != "*")
      table.locals.insert(bound);
  }

  void statement(const Stmt *s) {
    switch (s->kind) {
    case StmtKind::Expression:
      return expr(llvm::cast<ExpressionStmt>(s)->value);
    case StmtKind::Assign:
      for (const Expr *t : llvm::cast<AssignStmt>(s)->targets)
        target(t);
      return expr(llvm::cast<AssignStmt>(s)->value);
    case StmtKind::AugAssign:
      target(llvm::cast<AugAssignStmt>(s)->target);
      return expr(llvm::cast<AugAssignStmt>(s)->value);
    case StmtKind::AnnAssign:
      target(llvm::cast<AnnAssignStmt>(s)->target);
      return expr(llvm::cast<AnnAssignStmt>(s)->value);
    case StmtKind::Import:
      for (const ImportName &name : llvm::cast<ImportStmt>(s)->names)
        imported(name, /*dotted=*/true);
      return;
    case StmtKind::ImportFrom:
      for (const ImportName &name : llvm::cast<ImportFromStmt>(s)->names)
        imported(name, /*dotted=*/false);
      return;
    case StmtKind::FunctionDef:
      table.locals.insert(llvm::cast<FunctionDefStmt>(s)->name);
      return;
    case StmtKind::ClassDef:
      table.locals.insert(llvm::cast<ClassDefStmt>(s)->name);
      return;
    case StmtKind::Return:
      return expr(llvm::cast<ReturnStmt>(s)->value);
    case StmtKind::If:
      expr(llvm::cast<IfStmt>(s)->condition);
      block(llvm::cast<IfStmt>(s)->thenBody);
      return block(llvm::cast<IfStmt>(s)->elseBody);
    case StmtKind::For:
      target(llvm::cast<ForStmt>(s)->target);
      expr(llvm::cast<ForStmt>(s)->iterable);
      block(llvm::cast<ForStmt>(s)->body);
      return block(llvm::cast<ForStmt>(s)->elseBody);
    case StmtKind::While:
      expr(llvm::cast<WhileStmt>(s)->condition);
      block(llvm::cast<WhileStmt>(s)->body);
      return block(llvm::cast<WhileStmt>(s)->elseBody);
    case StmtKind::Delete:
      for (const Expr *t : llvm::cast<DeleteStmt>(s)->targets)
        target(t);
      return;
    case StmtKind::Nonlocal:
      for (llvm::StringRef name : llvm::cast<ScopeStmt>(s)->names)
        table.nonlocals.insert(name);
      return;
    case StmtKind::Global:
      for (llvm::StringRef name : llvm::cast<ScopeStmt>(s)->names)
        table.globals.insert(name);
      return;
    case StmtKind::Assert:
      return expr(llvm::cast<AssertStmt>(s)->condition);
    case StmtKind::Break:
    case StmtKind::Continue:
    case StmtKind::Pass:
    case StmtKind::Raise:
      return;
    }
  }

  NameTable &table;
};
} // namespace

void frontend::collectNames(Block block, NameTable &table) {
  Collector(table).block(block);
  for (const auto &entry : table.globals)
    table.locals.erase(entry.getKey());
  for (const auto &entry : table.nonlocals)
    table.locals.erase(entry.getKey());
}

void frontend::collectNames(const Expr *expr, NameTable &table) {
  Collector(table).expr(expr);
}

const NameTable *Interpretation::namesOf(Block body,
                                         llvm::ArrayRef<Parameter> params) {
  std::unique_ptr<NameTable> &table = state.nameTables[body.data()];
  if (!table) {
    table = std::make_unique<NameTable>();
    for (const Parameter &param : params)
      table->locals.insert(param.name);
    collectNames(body, *table);
  }
  return table.get();
}

const NameTable *Interpretation::namesOf(const Expr *body,
                                         llvm::ArrayRef<Parameter> params) {
  std::unique_ptr<NameTable> &table = state.nameTables[body];
  if (!table) {
    table = std::make_unique<NameTable>();
    for (const Parameter &param : params)
      table->locals.insert(param.name);
    collectNames(body, *table);
  }
  return table.get();
}

//===----------------------------------------------------------------------===//
// Lookup and binding
//===----------------------------------------------------------------------===//

static Scope &rootOf(Scope &scope) {
  Scope *root = &scope;
  while (root->parent)
    root = root->parent;
  return *root;
}

Result Interpretation::lookupName(llvm::StringRef name, Scope &scope,
                                  llvm::SMRange at) {
  Scope *root = &scope;
  for (Scope *s = &scope; s; s = s->parent) {
    root = s;
    // A class's names are only visible in its own body.
    if ((s->isClass && s != &scope) || (!s->parent && s->isLibrary))
      continue;
    if (s->table) {
      if (s->table->nonlocals.contains(name))
        continue;
      if (s->table->globals.contains(name)) {
        root = &rootOf(*s);
        break;
      }
    }
    auto found = s->names.find(name);
    if (found != s->names.end())
      return found->second;
    if (s->table && s->table->locals.contains(name))
      return error(at, s == &scope || scope.isComprehension
                           ? "cannot access local variable '" + name +
                                 "' where it is not associated with a value"
                           : "cannot access free variable '" + name +
                                 "' where it is not associated with a value "
                                 "in enclosing scope");
  }
  if (!root->isLibrary) {
    auto found = root->names.find(name);
    if (found != root->names.end())
      return found->second;
    if (state.poisoned.contains(name))
      return failure(); // reported where it should have been set
  }
  if (std::optional<Result> global = lookupGlobal(name, *root))
    return *global;
  return error(at, "name '" + name + "' is not defined" +
                       suggestion(name, visibleNames(scope)));
}

/// `from keras.ops import *` hides Python's own `sum`; `from keras.layers
/// import *` does not.
static bool hidesPython(llvm::StringRef nameSpace) {
  return nameSpace == "tf" || nameSpace == "np" || nameSpace == "K" ||
         nameSpace == "keras.ops" || nameSpace == "math";
}

std::optional<Result> Interpretation::lookupGlobal(llvm::StringRef name,
                                                   Scope &root) {
  auto python = state.python.find(name);
  if (!root.isLibrary) {
    for (const std::string &path : llvm::reverse(state.starImports)) {
      if (name.starts_with("_") ||
          (python != state.python.end() && !hidesPython(path)))
        continue;
      if (path == "math" && python != state.python.end() && name != "pow")
        continue;
      if (std::optional<Result> found = namespaceAttribute(path, name))
        return found;
    }
  }
  // In the library itself `sum` and `max` are the tensor functions.
  if (root.isLibrary)
    if (std::optional<Result> found = library("", name))
      return found;
  if (python != state.python.end())
    return Result(python->second);
  auto defined = state.defined.find(name);
  if (defined != state.defined.end())
    return Result(defined->second);
  if (std::optional<Result> found = library("", name))
    return found;
  // A file of a namespace sees the flat names first, so that `K.softmax` is
  // written with `softmax`.
  if (root.isLibrary && !root.nameSpace.empty())
    if (std::optional<Result> found = library(root.nameSpace, name))
      return found;
  // The usual names of the namespaces work without an import.
  std::string path = Library::get().canonicalNamespace(
      name == "ops" || name == "layers" ? ("keras." + name).str() : name.str());
  if (root.isLibrary && path.empty() &&
      (name == "prim" || Library::get().isNamespace(name)))
    path = name.str();
  if (!path.empty())
    return Result(Value(ev.make<NamespaceObject>(path)));
  return std::nullopt;
}

LogicalResult Interpretation::bind(llvm::StringRef name, Value value,
                                   Scope &scope, llvm::SMRange at) {
  Scope *target = &scope;
  while (target->isComprehension && target->parent)
    target = target->parent; // `:=` binds outside of the comprehension
  if (target->table && target->table->globals.contains(name)) {
    target = &rootOf(scope);
  } else if (target->table && target->table->nonlocals.contains(name)) {
    Scope *s = target->parent;
    while (s && !(s->table && s->table->locals.contains(name)))
      s = s->parent;
    if (!s)
      return ev.error(at, "no binding for nonlocal '" + name + "' found");
    target = s;
  }
  bool isNew = target->names.insert_or_assign(name, value).second;
  if (isNew && target->isClass)
    target->order.push_back(name.str());
  if (target == &state.globals)
    state.poisoned.erase(name);
  return success();
}

std::vector<llvm::StringRef> Interpretation::visibleNames(Scope &scope) {
  std::vector<llvm::StringRef> names;
  for (Scope *s = &scope; s; s = s->parent)
    for (const auto &entry : s->names)
      names.push_back(entry.getKey());
  for (const auto &entry : state.python)
    names.push_back(entry.getKey());
  for (const auto &entry : state.defined)
    names.push_back(entry.getKey());
  for (const Library::Definition &definition : Library::get().definitions())
    if (definition.nameSpace.empty() &&
        !llvm::StringRef(definition.name).starts_with("_"))
      names.push_back(definition.name);
  // StringMap's order depends on its history; suggestions must not.
  llvm::sort(names);
  return names;
}
