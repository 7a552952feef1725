//===- AST.h - the syntax tree of the language ------------------*- C++ -*-===//
//
// Nodes live in an ASTContext's arena and are immutable once parsed. Every node
// carries its source range. The grammar is in docs/language.md.
//
//===----------------------------------------------------------------------===//

#ifndef LAMINA_FRONTEND_AST_H
#define LAMINA_FRONTEND_AST_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Allocator.h"
#include "llvm/Support/Casting.h"
#include "llvm/Support/SMLoc.h"
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace llvm {
class raw_ostream;
}

namespace lamina::ast {

using llvm::ArrayRef;
using llvm::SMLoc;
using llvm::SMRange;
using llvm::StringRef;

/// Owns the nodes, their lists and their decoded strings.
class ASTContext {
public:
  template <typename T, typename... Args> T *make(Args &&...args) {
    static_assert(std::is_trivially_destructible_v<T>);
    return new (arena.Allocate<T>()) T(std::forward<Args>(args)...);
  }
  template <typename T> ArrayRef<T> list(ArrayRef<T> items) {
    static_assert(std::is_trivially_destructible_v<T>);
    T *copy = arena.Allocate<T>(items.size());
    std::uninitialized_copy(items.begin(), items.end(), copy);
    return {copy, items.size()};
  }
  StringRef text(StringRef s) {
    char *copy = arena.Allocate<char>(s.size());
    if (!s.empty())
      std::memcpy(copy, s.data(), s.size());
    return {copy, s.size()};
  }

private:
  llvm::BumpPtrAllocator arena;
};

struct Expr;
struct Stmt;

//===----------------------------------------------------------------------===//
// Expressions
//===----------------------------------------------------------------------===//

enum class ExprKind {
  Constant,      // None, True, False, Ellipsis, a number or a string
  Name,          // x
  Unary,         // -x, +x, ~x, not x
  Binary,        // a + b …
  BoolOp,        // a and b and c, a or b
  Compare,       // a < b <= c
  IfExp,         // a if c else b
  Call,          // f(a, *b, k=c, **d)
  Attribute,     // x.name
  Subscript,     // x[i]
  Slice,         // i:j:k inside a subscript
  Tuple,         // a, b
  List,          // [a, b]
  Set,           // {a, b}
  Dict,          // {k: v, **d}
  Comprehension, // [e for x in xs if c], also (…), {…}, {k: v …}
  Lambda,        // lambda x: e
  Starred,       // *x in a call, display or target
  FString,       // f"…{x}…"
  NamedExpr,     // (x := e)
};

struct Expr {
  ExprKind kind;
  unsigned height = 1; // of the tree below; the parser bounds it, so that recursion over a tree is safe
  SMRange range;

protected:
  Expr(ExprKind kind, SMRange range) : kind(kind), range(range) {}
};

struct ConstantExpr : Expr {
  enum class Type { None, True, False, Ellipsis, Int, Float, String };
  Type type;
  int64_t intValue = 0;
  double floatValue = 0;
  StringRef stringValue; // decoded, adjacent literals joined
  ConstantExpr(SMRange r, Type t) : Expr(ExprKind::Constant, r), type(t) {}
  static bool classof(const Expr *e) { return e->kind == ExprKind::Constant; }
};

struct NameExpr : Expr {
  StringRef name;
  NameExpr(SMRange r, StringRef n) : Expr(ExprKind::Name, r), name(n) {}
  static bool classof(const Expr *e) { return e->kind == ExprKind::Name; }
};

enum class UnaryOp { Neg, Pos, Invert, Not };
struct UnaryExpr : Expr {
  UnaryOp op;
  Expr *operand;
  UnaryExpr(SMRange r, UnaryOp o, Expr *x) : Expr(ExprKind::Unary, r), op(o), operand(x) {}
  static bool classof(const Expr *e) { return e->kind == ExprKind::Unary; }
};

enum class BinaryOp { Add, Sub, Mul, Div, FloorDiv, Mod, Pow, MatMul, And, Or, Xor, Shl, Shr };
struct BinaryExpr : Expr {
  BinaryOp op;
  SMLoc opLoc;
  Expr *lhs, *rhs;
  BinaryExpr(SMRange r, BinaryOp o, SMLoc l, Expr *a, Expr *b)
      : Expr(ExprKind::Binary, r), op(o), opLoc(l), lhs(a), rhs(b) {}
  static bool classof(const Expr *e) { return e->kind == ExprKind::Binary; }
};

struct BoolOpExpr : Expr {
  bool isAnd;
  ArrayRef<Expr *> values;
  BoolOpExpr(SMRange r, bool a, ArrayRef<Expr *> v) : Expr(ExprKind::BoolOp, r), isAnd(a), values(v) {}
  static bool classof(const Expr *e) { return e->kind == ExprKind::BoolOp; }
};

enum class CompareOp { Eq, Ne, Lt, Le, Gt, Ge, Is, IsNot, In, NotIn };
/// `first ops[0] rest[0] ops[1] rest[1] …`
struct CompareExpr : Expr {
  Expr *first;
  ArrayRef<CompareOp> ops;
  ArrayRef<Expr *> rest;
  CompareExpr(SMRange r, Expr *f, ArrayRef<CompareOp> o, ArrayRef<Expr *> x)
      : Expr(ExprKind::Compare, r), first(f), ops(o), rest(x) {}
  static bool classof(const Expr *e) { return e->kind == ExprKind::Compare; }
};

struct IfExpr : Expr {
  Expr *condition, *thenValue, *elseValue;
  IfExpr(SMRange r, Expr *c, Expr *t, Expr *e)
      : Expr(ExprKind::IfExp, r), condition(c), thenValue(t), elseValue(e) {}
  static bool classof(const Expr *e) { return e->kind == ExprKind::IfExp; }
};

/// One argument: positional (no name), keyword, `*value` or `**value`.
struct Argument {
  enum class Kind { Positional, Keyword, Star, DoubleStar };
  Kind kind;
  StringRef name;
  Expr *value;
  SMRange range;
};
struct CallExpr : Expr {
  Expr *callee;
  ArrayRef<Argument> args;
  CallExpr(SMRange r, Expr *c, ArrayRef<Argument> a) : Expr(ExprKind::Call, r), callee(c), args(a) {}
  static bool classof(const Expr *e) { return e->kind == ExprKind::Call; }
};

struct AttributeExpr : Expr {
  Expr *object;
  StringRef name;
  SMRange nameRange;
  AttributeExpr(SMRange r, Expr *o, StringRef n, SMRange nr)
      : Expr(ExprKind::Attribute, r), object(o), name(n), nameRange(nr) {}
  static bool classof(const Expr *e) { return e->kind == ExprKind::Attribute; }
};

/// `x[i, j]` has a TupleExpr as index.
struct SubscriptExpr : Expr {
  Expr *object, *index;
  SubscriptExpr(SMRange r, Expr *o, Expr *i) : Expr(ExprKind::Subscript, r), object(o), index(i) {}
  static bool classof(const Expr *e) { return e->kind == ExprKind::Subscript; }
};

/// Absent parts are null.
struct SliceExpr : Expr {
  Expr *lower, *upper, *step;
  SliceExpr(SMRange r, Expr *l, Expr *u, Expr *s) : Expr(ExprKind::Slice, r), lower(l), upper(u), step(s) {}
  static bool classof(const Expr *e) { return e->kind == ExprKind::Slice; }
};

/// A tuple, list or set display.
struct SequenceExpr : Expr {
  ArrayRef<Expr *> items; // StarredExpr allowed
  SequenceExpr(SMRange r, ExprKind k, ArrayRef<Expr *> i) : Expr(k, r), items(i) {}
  static bool classof(const Expr *e) {
    return e->kind == ExprKind::Tuple || e->kind == ExprKind::List || e->kind == ExprKind::Set;
  }
};

/// A null key marks `**value`.
struct DictExpr : Expr {
  ArrayRef<Expr *> keys, values;
  DictExpr(SMRange r, ArrayRef<Expr *> k, ArrayRef<Expr *> v) : Expr(ExprKind::Dict, r), keys(k), values(v) {}
  static bool classof(const Expr *e) { return e->kind == ExprKind::Dict; }
};

struct ForClause {
  Expr *target, *iterable;
  ArrayRef<Expr *> conditions;
};
struct ComprehensionExpr : Expr {
  enum class Type { List, Set, Dict, Generator };
  Type type;
  Expr *key; // of a dict comprehension, else null
  Expr *element;
  ArrayRef<ForClause> clauses;
  ComprehensionExpr(SMRange r, Type t, Expr *k, Expr *e, ArrayRef<ForClause> c)
      : Expr(ExprKind::Comprehension, r), type(t), key(k), element(e), clauses(c) {}
  static bool classof(const Expr *e) { return e->kind == ExprKind::Comprehension; }
};

struct Parameter {
  enum class Kind { Positional, KeywordOnly, VarArgs, VarKeywords };
  Kind kind;
  StringRef name;
  Expr *defaultValue; // or null
  SMRange range;
  bool positionalOnly = false;
};
struct LambdaExpr : Expr {
  ArrayRef<Parameter> params;
  Expr *body;
  LambdaExpr(SMRange r, ArrayRef<Parameter> p, Expr *b) : Expr(ExprKind::Lambda, r), params(p), body(b) {}
  static bool classof(const Expr *e) { return e->kind == ExprKind::Lambda; }
};

struct StarredExpr : Expr {
  Expr *value;
  StarredExpr(SMRange r, Expr *v) : Expr(ExprKind::Starred, r), value(v) {}
  static bool classof(const Expr *e) { return e->kind == ExprKind::Starred; }
};

/// A piece of an f-string: literal text (null value), or `{value!c:format}`.
struct FStringPart {
  StringRef text;
  Expr *value;
  char conversion;         // 'r', 's', 'a' or 0
  Expr *format;            // an FStringExpr or null
};
struct FStringExpr : Expr {
  ArrayRef<FStringPart> parts;
  FStringExpr(SMRange r, ArrayRef<FStringPart> p) : Expr(ExprKind::FString, r), parts(p) {}
  static bool classof(const Expr *e) { return e->kind == ExprKind::FString; }
};

struct NamedExpr : Expr {
  NameExpr *target;
  Expr *value;
  NamedExpr(SMRange r, NameExpr *t, Expr *v) : Expr(ExprKind::NamedExpr, r), target(t), value(v) {}
  static bool classof(const Expr *e) { return e->kind == ExprKind::NamedExpr; }
};

//===----------------------------------------------------------------------===//
// Statements
//===----------------------------------------------------------------------===//

enum class StmtKind {
  Expression, Assign, AugAssign, AnnAssign, Import, ImportFrom, FunctionDef, ClassDef, Return,
  If, For, While, Break, Continue, Pass, Assert, Raise, Delete, Nonlocal, Global,
};

struct Stmt {
  StmtKind kind;
  SMRange range;

protected:
  Stmt(StmtKind kind, SMRange range) : kind(kind), range(range) {}
};
using Block = ArrayRef<Stmt *>;

struct ExpressionStmt : Stmt {
  Expr *value;
  ExpressionStmt(SMRange r, Expr *v) : Stmt(StmtKind::Expression, r), value(v) {}
  static bool classof(const Stmt *s) { return s->kind == StmtKind::Expression; }
};
/// `targets[0] = targets[1] = … = value`
struct AssignStmt : Stmt {
  ArrayRef<Expr *> targets;
  Expr *value;
  AssignStmt(SMRange r, ArrayRef<Expr *> t, Expr *v) : Stmt(StmtKind::Assign, r), targets(t), value(v) {}
  static bool classof(const Stmt *s) { return s->kind == StmtKind::Assign; }
};
struct AugAssignStmt : Stmt {
  Expr *target;
  BinaryOp op;
  SMLoc opLoc;
  Expr *value;
  AugAssignStmt(SMRange r, Expr *t, BinaryOp o, SMLoc l, Expr *v)
      : Stmt(StmtKind::AugAssign, r), target(t), op(o), opLoc(l), value(v) {}
  static bool classof(const Stmt *s) { return s->kind == StmtKind::AugAssign; }
};
/// `target: annotation = value`; the annotation is not evaluated, value may be null.
struct AnnAssignStmt : Stmt {
  Expr *target, *annotation, *value;
  AnnAssignStmt(SMRange r, Expr *t, Expr *a, Expr *v)
      : Stmt(StmtKind::AnnAssign, r), target(t), annotation(a), value(v) {}
  static bool classof(const Stmt *s) { return s->kind == StmtKind::AnnAssign; }
};

struct ImportName {
  StringRef name;   // dotted for `import a.b`; "*" for `from m import *`
  StringRef asName; // empty if absent
  SMRange range;
};
struct ImportStmt : Stmt {
  ArrayRef<ImportName> names;
  ImportStmt(SMRange r, ArrayRef<ImportName> n) : Stmt(StmtKind::Import, r), names(n) {}
  static bool classof(const Stmt *s) { return s->kind == StmtKind::Import; }
};
struct ImportFromStmt : Stmt {
  StringRef module;
  SMRange moduleRange;
  ArrayRef<ImportName> names;
  ImportFromStmt(SMRange r, StringRef m, SMRange mr, ArrayRef<ImportName> n)
      : Stmt(StmtKind::ImportFrom, r), module(m), moduleRange(mr), names(n) {}
  static bool classof(const Stmt *s) { return s->kind == StmtKind::ImportFrom; }
};

struct FunctionDefStmt : Stmt {
  StringRef name;
  SMRange nameRange;
  ArrayRef<Parameter> params;
  Block body;
  ArrayRef<Expr *> decorators;
  FunctionDefStmt(SMRange r, StringRef n, SMRange nr, ArrayRef<Parameter> p, Block b, ArrayRef<Expr *> d)
      : Stmt(StmtKind::FunctionDef, r), name(n), nameRange(nr), params(p), body(b), decorators(d) {}
  static bool classof(const Stmt *s) { return s->kind == StmtKind::FunctionDef; }
};
struct ClassDefStmt : Stmt {
  StringRef name;
  SMRange nameRange;
  ArrayRef<Argument> bases;
  Block body;
  ArrayRef<Expr *> decorators;
  ClassDefStmt(SMRange r, StringRef n, SMRange nr, ArrayRef<Argument> bs, Block b, ArrayRef<Expr *> d)
      : Stmt(StmtKind::ClassDef, r), name(n), nameRange(nr), bases(bs), body(b), decorators(d) {}
  static bool classof(const Stmt *s) { return s->kind == StmtKind::ClassDef; }
};
struct ReturnStmt : Stmt {
  Expr *value; // or null
  ReturnStmt(SMRange r, Expr *v) : Stmt(StmtKind::Return, r), value(v) {}
  static bool classof(const Stmt *s) { return s->kind == StmtKind::Return; }
};
/// `elif` is an IfStmt alone in elseBody.
struct IfStmt : Stmt {
  Expr *condition;
  Block thenBody, elseBody;
  IfStmt(SMRange r, Expr *c, Block t, Block e) : Stmt(StmtKind::If, r), condition(c), thenBody(t), elseBody(e) {}
  static bool classof(const Stmt *s) { return s->kind == StmtKind::If; }
};
struct ForStmt : Stmt {
  Expr *target, *iterable;
  Block body, elseBody;
  ForStmt(SMRange r, Expr *t, Expr *i, Block b, Block e)
      : Stmt(StmtKind::For, r), target(t), iterable(i), body(b), elseBody(e) {}
  static bool classof(const Stmt *s) { return s->kind == StmtKind::For; }
};
struct WhileStmt : Stmt {
  Expr *condition;
  Block body, elseBody;
  WhileStmt(SMRange r, Expr *c, Block b, Block e) : Stmt(StmtKind::While, r), condition(c), body(b), elseBody(e) {}
  static bool classof(const Stmt *s) { return s->kind == StmtKind::While; }
};
/// break, continue and pass.
struct SimpleStmt : Stmt {
  SimpleStmt(SMRange r, StmtKind k) : Stmt(k, r) {}
  static bool classof(const Stmt *s) {
    return s->kind == StmtKind::Break || s->kind == StmtKind::Continue || s->kind == StmtKind::Pass;
  }
};
struct AssertStmt : Stmt {
  Expr *condition, *message; // message may be null
  AssertStmt(SMRange r, Expr *c, Expr *m) : Stmt(StmtKind::Assert, r), condition(c), message(m) {}
  static bool classof(const Stmt *s) { return s->kind == StmtKind::Assert; }
};
struct RaiseStmt : Stmt {
  Expr *value; // or null
  RaiseStmt(SMRange r, Expr *v) : Stmt(StmtKind::Raise, r), value(v) {}
  static bool classof(const Stmt *s) { return s->kind == StmtKind::Raise; }
};
struct DeleteStmt : Stmt {
  ArrayRef<Expr *> targets;
  DeleteStmt(SMRange r, ArrayRef<Expr *> t) : Stmt(StmtKind::Delete, r), targets(t) {}
  static bool classof(const Stmt *s) { return s->kind == StmtKind::Delete; }
};
/// nonlocal and global.
struct ScopeStmt : Stmt {
  ArrayRef<StringRef> names;
  ScopeStmt(SMRange r, StmtKind k, ArrayRef<StringRef> n) : Stmt(k, r), names(n) {}
  static bool classof(const Stmt *s) { return s->kind == StmtKind::Nonlocal || s->kind == StmtKind::Global; }
};

/// One source file.
struct Module {
  StringRef fileName;
  Block body;
};

/// Prints the tree as an indented listing (`--emit=ast`).
void dump(const Module &module, llvm::raw_ostream &os);

} // namespace lamina::ast

#endif // LAMINA_FRONTEND_AST_H
