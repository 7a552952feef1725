//===- Decompile.h - from bytecode to a syntax tree -------------*- C++ -*-===//
//
// The instructions of a code object are run on a stack of expressions; what
// they would compute becomes a tree of the language, and their jumps `if`,
// `for`, `and`, `or`. Nothing is executed. Time and memory are bounded.
//
//===----------------------------------------------------------------------===//

#ifndef LAMINA_IMPORT_DECOMPILE_H
#define LAMINA_IMPORT_DECOMPILE_H

#include "lamina/Frontend/AST.h"
#include "lamina/Import/Bytecode.h"
#include <set>
#include <string>
#include <vector>

namespace lamina::import {

/// A function of a model file.
struct Function {
  std::string name; // of a def; "<lambda>"
  std::vector<ast::Parameter>
      parameters; // without the defaults of the outermost function
  ast::Block body;
  std::vector<std::string> frees; // variables of the function around it
  std::set<std::string> globals;  // names that the module must have
  std::vector<Version> versions;  // of Python that may have written it
  unsigned repaired = 0;          // bytes that were damaged

  /// The value of a body that is one `return`, or null.
  ast::Expr *expression() const;
};

/// A name that can be written down; whatever else a file says is no name, and
/// must not get into a program.
bool isName(llvm::StringRef text);

/// The function that `bytes`, marshalled by any version, are.
llvm::Expected<Function> decompile(llvm::StringRef bytes,
                                   ast::ASTContext &context);

} // namespace lamina::import

#endif // LAMINA_IMPORT_DECOMPILE_H
