//===- ParserTesting.h - what the parser's tests share ----------*- C++ -*-===//
#ifndef LAMINA_TEST_UNIT_PARSERTESTING_H
#define LAMINA_TEST_UNIT_PARSERTESTING_H

#include "lamina/Frontend/Parser.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"
#include <gtest/gtest.h>

namespace lamina::testing {

using namespace lamina::ast;

struct Parsed {
  Diagnostics diags;
  ASTContext context;
  Module *module;
  explicit Parsed(StringRef text) {
    module = parseModule(diags.addBuffer(text, "m"), context, diags);
  }
  std::string messages() {
    std::string text;
    llvm::raw_string_ostream os(text);
    diags.print(os, Diagnostics::Format::Text, false);
    return text;
  }
};

/// The tree, without the first line.
inline std::string dump(StringRef text) {
  Parsed p(text);
  if (!p.module)
    return p.messages();
  std::string out;
  llvm::raw_string_ostream os(out);
  dump(*p.module, os);
  return StringRef(out).split('\n').second.str();
}

/// The tree on one line: "(Binary + (Name a) (Int 1))".
inline std::string tree(StringRef text) {
  std::string out;
  llvm::SmallVector<StringRef> lines;
  std::string listing = dump(text);
  StringRef(listing).split(lines, '\n', -1, false);
  size_t depth = 0;
  for (StringRef line : lines) {
    size_t level = line.take_while([](char c) { return c == ' '; }).size() / 2;
    for (; depth >= level && depth > 0; --depth)
      out += ")";
    out += (out.empty() ? "(" : " (") + line.ltrim().str();
    depth = level;
  }
  return out + std::string(depth, ')');
}

/// `line:column message` of each error, one a line.
inline std::string errors(StringRef text) {
  Parsed p(text);
  EXPECT_EQ(p.module == nullptr, p.diags.hasErrors()) << text.str();
  std::string out;
  for (const Diagnostic *d : p.diags.all()) {
    auto [line, column] = p.diags.sources().getLineAndColumn(d->range.Start);
    out += std::to_string(line) + ":" + std::to_string(column) + " " +
           d->message + "\n";
  }
  return out;
}

/// The notes of the first error.
inline std::string notes(StringRef text) {
  Parsed p(text);
  std::string out;
  if (!p.diags.all().empty())
    for (const Diagnostic &n : p.diags.all().front()->notes)
      out += n.message + "\n";
  return out;
}

/// The text of the expression statement's value as its range has it.
inline std::string sourceOf(StringRef text) {
  Parsed p(text);
  if (!p.module)
    return p.messages();
  SMRange r = llvm::cast<ExpressionStmt>(p.module->body.front())->value->range;
  return std::string(r.Start.getPointer(), r.End.getPointer());
}

inline const ConstantExpr *constant(Parsed &p) {
  if (!p.module)
    return nullptr;
  return llvm::dyn_cast<ConstantExpr>(
      llvm::cast<ExpressionStmt>(p.module->body.front())->value);
}

} // namespace lamina::testing

#endif // LAMINA_TEST_UNIT_PARSERTESTING_H
