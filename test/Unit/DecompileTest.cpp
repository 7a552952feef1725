//===- DecompileTest.cpp - bytecode as text
//-----------------------------------===//

#include "lamina/Import/Decompile.h"
#include "lamina/Frontend/ASTPrint.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Base64.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"
#include "gtest/gtest.h"

using namespace lamina;
using namespace lamina::import;

namespace {
std::string bytesOf(llvm::StringRef base64) {
  std::vector<char> bytes;
  llvm::cantFail(llvm::decodeBase64(base64, bytes));
  return std::string(bytes.begin(), bytes.end());
}

/// The function as source text, or its error behind "!".
std::string textOf(llvm::StringRef bytes,
                   std::vector<std::string> *versions = nullptr) {
  ast::ASTContext context;
  llvm::Expected<Function> function = decompile(bytes, context);
  if (!function)
    return "! " + llvm::toString(function.takeError());
  if (versions)
    for (Version version : function->versions)
      versions->push_back(nameOf(version).str());
  std::string text;
  llvm::raw_string_ostream os(text);
  auto parameters =
      context.list(llvm::ArrayRef<ast::Parameter>(function->parameters));
  if (ast::Expr *value = function->expression();
      value && function->name == "<lambda>") {
    ast::print(
        *context.make<ast::LambdaExpr>(llvm::SMRange(), parameters, value), os);
    return text + "\n";
  }
  ast::Stmt *definition = context.make<ast::FunctionDefStmt>(
      llvm::SMRange(), context.text(function->name), llvm::SMRange(),
      parameters, function->body, llvm::ArrayRef<ast::Expr *>());
  ast::print(llvm::ArrayRef<ast::Stmt *>(definition), os);
  return text;
}

TEST(Decompile, BodiesOfEveryVersion) {
  auto buffer = llvm::MemoryBuffer::getFile(
      LAMINA_SOURCE_DIR "/test/Unit/Inputs/import/bodies.txt");
  ASSERT_TRUE(bool(buffer));
  llvm::StringRef rest = (*buffer)->getBuffer();
  unsigned count = 0;
  while (rest.contains(">>>\n")) {
    rest = rest.split(">>>\n").second;
    auto [text, behind] = rest.split("<<<\n");
    rest = behind;
    llvm::SmallVector<llvm::StringRef> lines;
    behind.split(">>>\n").first.split(lines, '\n', -1, /*KeepEmpty=*/false);
    for (llvm::StringRef line : lines) {
      auto [version, base64] = line.split(' ');
      std::vector<std::string> versions;
      EXPECT_EQ(textOf(bytesOf(base64), &versions), text.str())
          << "Python " << version.str();
      EXPECT_TRUE(llvm::is_contained(versions, version))
          << "Python " << version.str() << "\n"
          << text.str();
      ++count;
    }
  }
  EXPECT_GT(count, 300u);
}

// lambda x: (lambda a, b: a + b)(*x), of 3.7, and with the backslash of
// UNPACK_SEQUENCE in `a, b = x` replaced as Keras on Windows did.
TEST(Decompile, DamagedBytesAreRepaired) {
  auto buffer = llvm::MemoryBuffer::getFile(
      LAMINA_SOURCE_DIR "/test/Unit/Inputs/import/bodies.txt");
  ASSERT_TRUE(bool(buffer));
  llvm::StringRef block = (*buffer)->getBuffer();
  block = block.substr(block.find("a, (b, c) = x"));
  llvm::StringRef line =
      block.substr(block.find("\n3.7 ") + 5).split('\n').first;
  std::string bytes = bytesOf(line), damaged = bytes;
  std::replace(damaged.begin(), damaged.end(), '\\', '/');
  ASSERT_NE(bytes, damaged);
  ast::ASTContext context;
  llvm::Expected<Function> function = decompile(damaged, context);
  ASSERT_TRUE(bool(function)) << llvm::toString(function.takeError());
  EXPECT_EQ(function->repaired, 2u);
  EXPECT_EQ(textOf(damaged), textOf(bytes));
}

TEST(Decompile, WhatIsNoBodyIsAnError) {
  EXPECT_TRUE(llvm::StringRef(textOf("")).starts_with("! "));
  EXPECT_TRUE(
      llvm::StringRef(textOf("N")).starts_with("! it is no code object"));
  EXPECT_TRUE(
      llvm::StringRef(textOf(std::string("\xe3\0\0", 3))).starts_with("! "));
}

/// A marshalled code object of 3.7 with one constant, which it returns.
std::string returning(const std::string &constant) {
  auto word = [](uint32_t value) {
    std::string text;
    for (int i = 0; i < 4; ++i)
      text += char(value >> 8 * i);
    return text;
  };
  auto bytes = [&](llvm::StringRef content) {
    return "s" + word(content.size()) + content.str();
  };
  std::string empty = "(" + word(0), code("d\0S\0", 4);
  return "c" + word(0) + word(0) + word(0) + word(1) + word(67) + bytes(code) +
         "(" + word(1) + constant + empty + empty + empty + empty + "z\1f" +
         "z\1f" + word(1) + bytes("");
}

TEST(Decompile, ReferencesDoNotBlowUp) {
  EXPECT_EQ(textOf(returning(std::string("i\7\0\0\0", 5))),
            "def f():\n    return 7\n");
  // A tuple of two, the second of which is a reference to the first, forty
  // times over: 2^40 items.
  std::string nested;
  for (int i = 0; i < 40; ++i)
    nested += "\xa9\2";
  nested += "N";
  for (int i = 39; i >= 0; --i)
    nested += i == 39 ? std::string("N")
                      : std::string("r") + char(i + 1) + std::string(3, '\0');
  EXPECT_TRUE(llvm::StringRef(textOf(returning(nested)))
                  .starts_with("! it is too large"))
      << textOf(returning(nested));
  // A tuple that holds itself.
  EXPECT_TRUE(
      llvm::StringRef(textOf(returning(std::string("\xa9\1r\0\0\0\0", 7))))
          .contains("reference leads nowhere"));
  EXPECT_TRUE(
      llvm::StringRef(textOf(returning(std::string("(\xff\xff\xff\x7f", 5))))
          .contains("size is out of range"));
}

// A name that is none must not get into the program.
TEST(Decompile, NamesAreNames) {
  std::string bytes = returning("N");
  size_t at = bytes.rfind("z\1f");
  bytes.replace(at, 3, std::string("z\3f):", 5));
  EXPECT_TRUE(
      llvm::StringRef(textOf(bytes)).starts_with("! a name in it is none"));
}
} // namespace
