//===- Parser.h - from text to a syntax tree --------------------*- C++ -*-===//
#ifndef LAMINA_FRONTEND_PARSER_H
#define LAMINA_FRONTEND_PARSER_H

#include "lamina/Frontend/AST.h"
#include "lamina/Frontend/Diagnostics.h"

namespace lamina {

/// Parses the buffer `bufferId` of `diags.sources()` as a module. Errors are
/// reported to `diags` and parsing goes on at the next statement, so that one
/// run reports several; the result is null if there was an error. Nesting is
/// bounded: hostile input gives an error, never a stack overflow.
ast::Module *parseModule(unsigned bufferId, ast::ASTContext &context, Diagnostics &diags);

/// Parses the buffer as a single expression (`lamina eval`).
ast::Expr *parseExpression(unsigned bufferId, ast::ASTContext &context, Diagnostics &diags);

} // namespace lamina

#endif // LAMINA_FRONTEND_PARSER_H
