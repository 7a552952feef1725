//===- ASTPrint.h - a syntax tree as source text ----------------*- C++ -*-===//
#ifndef LAMINA_FRONTEND_ASTPRINT_H
#define LAMINA_FRONTEND_ASTPRINT_H

#include "lamina/Frontend/AST.h"

namespace lamina::ast {

/// Source text that parses to the same tree, with as few parentheses as that
/// needs.
void print(const Expr &expr, llvm::raw_ostream &os);
/// The statements, one a line, indented by `level` steps of four spaces.
void print(Block block, llvm::raw_ostream &os, unsigned level = 0);
/// A string literal of `text`.
void printString(StringRef text, llvm::raw_ostream &os);
/// The shortest literal of `value`; one that is not finite is an expression.
void printFloat(double value, llvm::raw_ostream &os);

} // namespace lamina::ast

#endif // LAMINA_FRONTEND_ASTPRINT_H
