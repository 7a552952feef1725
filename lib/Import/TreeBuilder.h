//===- TreeBuilder.h - syntax trees that no parser made ---------*- C++ -*-===//
#ifndef LAMINA_IMPORT_TREEBUILDER_H
#define LAMINA_IMPORT_TREEBUILDER_H

#include "lamina/Frontend/AST.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SmallVector.h"
#include <algorithm>

namespace lamina::import {

/// Makes nodes without a place in a source, and keeps their height and size. A
/// tree may share nodes; one that would be too high or too large when written
/// out sets `overflow`. Its nodes are still valid.
class TreeBuilder {
public:
  using Expr = ast::Expr;
  using Exprs = llvm::ArrayRef<Expr *>;
  static constexpr unsigned maxHeight = 900, maxSize = 1u << 16,
                            maxNodes = 1u << 19;

  explicit TreeBuilder(ast::ASTContext &context) : context(context) {}
  ast::ASTContext &context;
  bool overflow = false;

  Expr *name(llvm::StringRef text) {
    return make<ast::NameExpr>({}, context.text(text));
  }
  Expr *constant(ast::ConstantExpr::Type type) {
    return make<ast::ConstantExpr>({}, type);
  }
  Expr *none() { return constant(ast::ConstantExpr::Type::None); }
  Expr *integer(int64_t value) {
    auto *e = make<ast::ConstantExpr>({}, ast::ConstantExpr::Type::Int);
    e->intValue = value;
    return e;
  }
  Expr *real(double value) {
    auto *e = make<ast::ConstantExpr>({}, ast::ConstantExpr::Type::Float);
    e->floatValue = value;
    return e;
  }
  Expr *string(llvm::StringRef text) {
    auto *e = make<ast::ConstantExpr>({}, ast::ConstantExpr::Type::String);
    e->stringValue = context.text(text);
    return e;
  }
  Expr *unary(ast::UnaryOp op, Expr *x) {
    return make<ast::UnaryExpr>({x}, op, x);
  }
  Expr *binary(ast::BinaryOp op, Expr *a, Expr *b) {
    return make<ast::BinaryExpr>({a, b}, op, llvm::SMLoc(), a, b);
  }
  Expr *boolean(bool isAnd, Expr *a, Expr *b) {
    llvm::SmallVector<Expr *> values;
    for (Expr *e : {a, b}) {
      auto *inner = llvm::dyn_cast<ast::BoolOpExpr>(e);
      // `(a and b) and c` is `a and b and c`.
      if (inner && inner->isAnd == isAnd)
        values.append(inner->values.begin(), inner->values.end());
      else
        values.push_back(e);
    }
    return make<ast::BoolOpExpr>(values, isAnd, list(values));
  }
  Expr *negation(Expr *x) {
    if (auto *inner = llvm::dyn_cast<ast::UnaryExpr>(x);
        inner && inner->op == ast::UnaryOp::Not)
      return inner->operand;
    return unary(ast::UnaryOp::Not, x);
  }
  Expr *compare(Expr *a, ast::CompareOp op, Expr *b) {
    return compare(a, llvm::ArrayRef(op), llvm::ArrayRef(b));
  }
  Expr *compare(Expr *first, llvm::ArrayRef<ast::CompareOp> ops, Exprs rest) {
    llvm::SmallVector<Expr *> all{first};
    all.append(rest.begin(), rest.end());
    return make<ast::CompareExpr>(all, first, context.list(ops), list(rest));
  }
  Expr *conditional(Expr *c, Expr *a, Expr *b) {
    return make<ast::IfExpr>({c, a, b}, c, a, b);
  }
  Expr *call(Expr *callee, llvm::ArrayRef<ast::Argument> arguments) {
    llvm::SmallVector<Expr *> all{callee};
    for (const ast::Argument &argument : arguments)
      all.push_back(argument.value);
    return make<ast::CallExpr>(all, callee, context.list(arguments));
  }
  Expr *attribute(Expr *object, llvm::StringRef text) {
    return make<ast::AttributeExpr>({object}, object, context.text(text),
                                    llvm::SMRange());
  }
  Expr *subscript(Expr *object, Expr *index) {
    return make<ast::SubscriptExpr>({object, index}, object, index);
  }
  Expr *slice(Expr *lower, Expr *upper, Expr *step) {
    return make<ast::SliceExpr>({lower, upper, step}, lower, upper, step);
  }
  Expr *sequence(ast::ExprKind kind, Exprs items) {
    return make<ast::SequenceExpr>(items, kind, list(items));
  }
  Expr *dict(Exprs keys, Exprs values) {
    llvm::SmallVector<Expr *> all(keys.begin(), keys.end());
    all.append(values.begin(), values.end());
    return make<ast::DictExpr>(all, list(keys), list(values));
  }
  Expr *starred(Expr *x) { return make<ast::StarredExpr>({x}, x); }
  Expr *comprehension(ast::ComprehensionExpr::Type type, Expr *key,
                      Expr *element, llvm::ArrayRef<ast::ForClause> clauses) {
    llvm::SmallVector<Expr *> all{key, element};
    for (const ast::ForClause &clause : clauses) {
      all.push_back(clause.iterable);
      all.append(clause.conditions.begin(), clause.conditions.end());
    }
    return make<ast::ComprehensionExpr>(all, type, key, element,
                                        context.list(clauses));
  }
  Expr *lambda(llvm::ArrayRef<ast::Parameter> parameters, Expr *body) {
    return make<ast::LambdaExpr>({body}, context.list(parameters), body);
  }
  template <typename T, typename... Args>
  T *statement(Args &&...args) {
    count();
    return context.make<T>(llvm::SMRange(), std::forward<Args>(args)...);
  }
  Exprs list(Exprs items) { return context.list(items); }

private:
  unsigned nodes = 0;
  llvm::DenseMap<const Expr *, unsigned> sizes; // of trees, beyond one node

  void count() { overflow |= ++nodes > maxNodes; }
  template <typename T, typename... Args>
  T *make(Exprs children, Args &&...args) {
    T *node = context.make<T>(llvm::SMRange(), std::forward<Args>(args)...);
    uint64_t size = 1;
    for (Expr *child : children)
      if (child) {
        node->height = std::max(node->height, child->height + 1);
        auto found = sizes.find(child);
        size += found == sizes.end() ? 1 : found->second;
      }
    if (size > 1)
      sizes[node] = unsigned(std::min<uint64_t>(size, maxSize + 1));
    overflow |= node->height > maxHeight || size > maxSize;
    count();
    return node;
  }
};

} // namespace lamina::import

#endif // LAMINA_IMPORT_TREEBUILDER_H
