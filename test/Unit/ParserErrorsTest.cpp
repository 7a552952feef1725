//===- ParserErrorsTest.cpp - messages, recovery, bounds ------------------===//

#include "ParserTesting.h"

using namespace lamina;
using namespace lamina::testing;

namespace {

std::string repeat(StringRef text, size_t count) {
  std::string out;
  for (size_t i = 0; i < count; ++i)
    out += text;
  return out;
}

TEST(Parser, OutOfPlace) {
  EXPECT_EQ(errors("return 1"), "1:1 'return' outside of a function\n");
  EXPECT_EQ(errors("break"), "1:1 'break' outside of a loop\n");
  EXPECT_EQ(errors("for i in x:\n  def f():\n    continue"),
            "3:5 'continue' outside of a loop\n");
  EXPECT_EQ(errors("for i in x: pass\nelse: break"),
            "2:7 'break' outside of a loop\n");
  EXPECT_EQ(errors("nonlocal x"), "1:1 'nonlocal' outside of a function\n");
  EXPECT_EQ(errors("class A:\n  return"),
            "2:3 'return' outside of a function\n");
}

TEST(Parser, Refused) {
  EXPECT_EQ(errors("try:\n  a\nexcept B:\n  c\nelse:\n  d\nfinally:\n  e\n"),
            "1:1 'try' is not part of the language\n");
  EXPECT_EQ(errors("with a as b:\n  c"),
            "1:1 'with' is not part of the language\n");
  EXPECT_EQ(errors("async def f(): pass"),
            "1:1 'async' is not part of the language\n");
  EXPECT_EQ(errors("def f():\n  yield 1\n  x = yield"),
            "2:3 'yield' is not part of the language\n"
            "3:7 'yield' is not part of the language\n");
  EXPECT_EQ(errors("await f()"), "1:1 'await' is not part of the language\n");
  EXPECT_EQ(errors("match x:\n  case 1: y\n  case _: z\na b"),
            "1:1 'match' is not part of the language\n4:3 expected the end of "
            "the statement, found name 'b'\n");
  EXPECT_EQ(notes("with a: b"), "write its body without it; derivatives are "
                                "grad(f), vjp(f, …) and jvp(f, …)\n");
}

TEST(Parser, BadTargets) {
  EXPECT_EQ(errors("f(x) = 1"), "1:1 cannot assign to a call\n");
  EXPECT_EQ(notes("f(x) = 1"), "did you mean '=='?\n");
  EXPECT_EQ(errors("1 = x"), "1:1 cannot assign to a number\n");
  EXPECT_EQ(errors("a + b += 1"), "1:1 cannot assign to an expression\n");
  EXPECT_EQ(errors("(a, b) += 1"), "1:1 cannot assign to a tuple\n");
  EXPECT_EQ(errors("None = 1"), "1:1 cannot assign to None\n");
  EXPECT_EQ(errors("*a = b"),
            "1:1 a starred target must be in a tuple or list\n");
  EXPECT_EQ(errors("*a, *b = c"),
            "1:5 a second starred target in one assignment\n");
  EXPECT_EQ(errors("a = *b"),
            "1:5 a starred expression must be in a tuple, list or call\n");
  EXPECT_EQ(errors("for f() in x: pass"), "1:5 cannot assign to a call\n");
  EXPECT_EQ(errors("del f()"), "1:5 cannot delete a call\n");
  EXPECT_EQ(errors("a := 1"), "1:3 ':=' does not make a statement\n");
}

//===----------------------------------------------------------------------===//
// Errors and recovery
//===----------------------------------------------------------------------===//

TEST(Parser, ExpectedAndFound) {
  EXPECT_EQ(errors("def f(x)\n  return x"),
            "1:9 expected ':' after the function's head, found end of line\n");
  EXPECT_EQ(errors("if x = 3: pass"),
            "1:6 expected ':' after the condition of 'if', found '='\n");
  EXPECT_EQ(notes("if x = 3: pass"), "did you mean '=='?\n");
  EXPECT_EQ(
      errors("while x\n  pass"),
      "1:8 expected ':' after the condition of 'while', found end of line\n");
  EXPECT_EQ(errors("if a: pass\nelse if b: pass"),
            "2:1 expected ':' after 'else', found 'if'\n");
  EXPECT_EQ(notes("if a: pass\nelse if b: pass"), "did you mean 'elif'?\n");
  EXPECT_EQ(errors("print x"),
            "1:7 expected the end of the statement, found name 'x'\n");
  EXPECT_EQ(notes("print x"), "did you mean 'print(…)'?\n");
  EXPECT_EQ(notes("retrun x"), "did you mean 'return'?\n");
  EXPECT_EQ(errors("a +"), "1:4 expected an expression, found end of line\n");
  EXPECT_EQ(notes("a && b"), "did you mean 'and'?\n");
  EXPECT_EQ(notes("a || b"), "did you mean 'or'?\n");
  EXPECT_EQ(notes("x++"), "there is no '++'; did you mean '+= 1'?\n");
  EXPECT_EQ(notes("import a from b"), "did you mean 'from b import a'?\n");
  EXPECT_EQ(errors("x = (1,\n     2"), "1:5 '(' was never closed\n");
  EXPECT_EQ(errors("f(a b)"), "1:5 expected ',' or ')', found name 'b'\n");
  EXPECT_EQ(notes("f(a b)"), "'(' opened here\n");
  EXPECT_EQ(errors("if a:\npass"),
            "2:1 expected an indented block, found 'pass'\n");
  EXPECT_EQ(errors("a\n  b"), "2:1 unexpected indentation\n");
  EXPECT_EQ(errors("else: pass"),
            "1:1 'else' does not belong to a statement above\n");
  EXPECT_EQ(
      errors("a if b"),
      "1:7 expected 'else' of the conditional expression, found end of line\n");
  EXPECT_EQ(errors("x.if"),
            "1:3 expected a name after '.', found the keyword 'if'\n");
  EXPECT_EQ(errors("x[]"), "1:2 expected an index between '[' and ']'\n");
  EXPECT_EQ(errors("class = 1"),
            "1:7 expected a name after 'class', found '='\n");
  EXPECT_EQ(errors("esle:\n  pass"),
            "1:5 ':' belongs to no 'if', 'for', 'while', 'def' or 'class'\n");
}

TEST(Parser, MessageWithSource) {
  Parsed p("y = f(a b)\n");
  EXPECT_EQ(p.messages(), "m:1:9: error: expected ',' or ')', found name 'b'\n"
                          "y = f(a b)\n"
                          "        ^\n"
                          "m:1:6: note: '(' opened here\n"
                          "y = f(a b)\n"
                          "     ^\n");
}

TEST(Parser, GoesOnAtTheNextStatement) {
  EXPECT_EQ(errors("a b\nc = 1\nd = )\nif e\n  f g\n  h = 2\nelse:\n  i = = "
                   "3\nj = 4\nk l"),
            "1:3 expected the end of the statement, found name 'b'\n"
            "3:5 ')' closes nothing\n"
            "4:5 expected ':' after the condition of 'if', found end of line\n"
            "5:5 expected the end of the statement, found name 'g'\n"
            "8:7 expected an expression, found '='\n"
            "10:3 expected the end of the statement, found name 'l'\n");
}

TEST(Parser, UnclosedBracketDoesNotHideTheRest) {
  EXPECT_EQ(errors("x = (1 + 2\ny = 3\nz = a b"),
            "1:5 '(' was never closed\n3:7 expected the end of the statement, "
            "found name 'b'\n");
  EXPECT_EQ(errors("x = [1, 2\ndef f(y):\n  return y z"),
            "1:5 '[' was never closed\n3:12 expected the end of the statement, "
            "found name 'z'\n");
  EXPECT_EQ(errors("f(\n    a b,\n    c d,\n)\ne f"),
            "2:7 expected ',' or ')', found name 'b'\n5:3 expected the end of "
            "the statement, found name 'f'\n");
}

TEST(Parser, UnfinishedFString) {
  EXPECT_EQ(errors("x = f'{a"), "1:5 this f-string was never closed\n");
  EXPECT_EQ(errors("x = f'{a="), "1:5 this f-string was never closed\n");
}

TEST(Parser, StopsAfterManyErrors) {
  std::string text;
  for (int i = 0; i < 1000; ++i)
    text += "a b\n";
  Parsed p(text);
  EXPECT_EQ(p.module, nullptr);
  EXPECT_EQ(p.diags.errors(), 50u);
  Parsed one("def f(" + repeat("a, ", 5000) + "): pass");
  EXPECT_EQ(one.diags.errors(), 50u);
}

TEST(Parser, NotText) {
  EXPECT_EQ(errors(StringRef("a = 1\nb\0c", 9)),
            "2:2 the file has a NUL byte here; it is not a text file\n");
  EXPECT_EQ(errors("a = '\xff'"),
            "1:6 the file is not valid UTF-8 here (byte 0xff)\n");
  EXPECT_EQ(errors("\xEF\xBB\xBFx = 1\r\n"), "");
  EXPECT_EQ(errors("\u03b1 = \u03b2"), "");
}

//===----------------------------------------------------------------------===//
// Bounds
//===----------------------------------------------------------------------===//

TEST(Parser, NestingIsBounded) {
  constexpr size_t many = 100000;
  for (const std::string &text : {repeat("(", many),
                                  repeat("(", many) + "a" + repeat(")", many),
                                  repeat("[", many),
                                  repeat("{", many),
                                  repeat("-", many) + "a",
                                  repeat("not ", many) + "a",
                                  "a" + repeat(" + a", many),
                                  "a" + repeat(" ** a", many),
                                  "x" + repeat(".a", many),
                                  "x" + repeat("()", many),
                                  "x" + repeat("[0]", many),
                                  repeat("lambda: ", many) + "a",
                                  repeat("a if b else ", many) + "c",
                                  repeat("f(", many),
                                  repeat("{a: ", many),
                                  repeat("[a for a in ", many),
                                  repeat("f'{", many),
                                  "if a: b\n" + repeat("elif a: b\n", many),
                                  repeat("x[", many),
                                  repeat("f(*", many),
                                  "f'" + repeat("{a:", many),
                                  repeat("(a := ", many),
                                  repeat("lambda a=", many),
                                  repeat("[*", many),
                                  repeat("{**", many),
                                  repeat("for [", many),
                                  repeat("[a for [", many),
                                  repeat("[a for a in b if ", many)}) {
    Parsed p(text);
    EXPECT_EQ(p.module, nullptr) << text.substr(0, 40);
    EXPECT_TRUE(p.diags.hasErrors()) << text.substr(0, 40);
  }
}

TEST(Parser, WidthIsNot) {
  constexpr size_t many = 20000;
  for (const std::string &text :
       {"x = [" + repeat("1, ", many) + "]", "x = a" + repeat(" < b", many),
        "x = a" + repeat(" and b", many), "x = " + repeat("'a' ", many),
        repeat("x = 1\n", many), "f(" + repeat("a, ", many) + ")",
        "x = a" + repeat(" + b", 900),
        repeat("(", 200) + "a" + repeat(")", 200)})
    EXPECT_EQ(errors(text), "") << text.substr(0, 40);
}

} // namespace
