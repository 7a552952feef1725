//===- ASTPrintTest.cpp - trees as text that parses to the same
//---------------===//

#include "lamina/Frontend/ASTPrint.h"
#include "lamina/Frontend/Library.h"
#include "lamina/Frontend/Parser.h"
#include "llvm/Support/raw_ostream.h"
#include "gtest/gtest.h"

using namespace lamina;

namespace {
std::string dumpOf(llvm::StringRef source, std::string *printed = nullptr) {
  Diagnostics diagnostics;
  ast::ASTContext context;
  ast::Module *module = parseModule(diagnostics.addBuffer(source, "print.lam"),
                                    context, diagnostics);
  if (!module)
    return "no module: " + source.str();
  std::string text;
  llvm::raw_string_ostream os(text);
  ast::dump(*module, os);
  if (printed) {
    llvm::raw_string_ostream out(*printed);
    ast::print(module->body, out);
  }
  return text;
}

void expectSame(llvm::StringRef source) {
  std::string printed;
  std::string first = dumpOf(source, &printed);
  EXPECT_EQ(dumpOf(printed), first) << printed;
}

TEST(ASTPrint, TheLibraryPrintsToItself) {
  for (const Library::Definition &definition : Library::get().definitions())
    expectSame(definition.text);
}

TEST(ASTPrint, Expressions) {
  for (const char *source :
       {"-x ** -2 ** y",
        "(-x) ** 2",
        "(a + b) * c - (d - (e - f))",
        "not (a and b or c) == d",
        "(a if b else c) if d else e",
        "lambda x, /, y=1, *, z: (x, y)",
        "lambda *a, **k: f(*a, **k)",
        "x[1:2, ..., None, ::3][:, i]",
        "(x,)[0]",
        "()",
        "(1).real",
        "1.5.real",
        "(a, *b)",
        "{**a, 'b': 2}",
        "{1, 2}",
        "[x for x in (a if b else c) if d if (e if f else g)]",
        "f(x for x in y)",
        "f((x for x in y), 1)",
        "a < b <= c is not d not in e",
        "(a < b) < c",
        "'it\\'s \"\\n\\t\\x00 \\\\'",
        "f'{x!r:>{n}} {{}} {y + 1}'",
        "(y := 3) + y",
        "1e999",
        "1e-07",
        "-9223372036854775808",
        "(lambda: 1)()",
        "a @ b // c % d",
        "~a & b | c ^ d << e >> f",
        "(a, b)[x]",
        "x[a, b]",
        "x[(a, b),]",
        "'' 'joined'"})
    expectSame(std::string(source) + "\n");
}

TEST(ASTPrint, Statements) {
  expectSame("import a.b as c, d\nfrom .e import f as g, h\n@p.q(1)\ndef f(a, "
             "b: int = 2, *c, d, **e) -> int:\n"
             "    nonlocal_ = 1\n    if a:\n        pass\n    elif b:\n        "
             "return\n    else:\n        return 1, 2\n"
             "    for i, (j, k) in x:\n        continue\n    else:\n        "
             "break_ = 1\n    while a:\n        break\n"
             "    assert a, 'm'\n    raise E('x')\n    del a, b[0]\n    a = b "
             "= c, d = 1, 2\n    x.y += 1\n    z: int = 3\n"
             "class C(A, B):\n    'doc'\n    x = 1\n");
}
} // namespace
