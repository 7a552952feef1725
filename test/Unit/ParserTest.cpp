//===- ParserTest.cpp - from text to the syntax tree ----------------------===//

#include "lamina/Frontend/Parser.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"
#include <cmath>
#include <gtest/gtest.h>

using namespace lamina;
using namespace lamina::ast;

namespace {

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
std::string dump(StringRef text) {
  Parsed p(text);
  if (!p.module)
    return p.messages();
  std::string out;
  llvm::raw_string_ostream os(out);
  dump(*p.module, os);
  return StringRef(out).split('\n').second.str();
}

/// The tree on one line: "(Binary + (Name a) (Int 1))".
std::string tree(StringRef text) {
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
std::string errors(StringRef text) {
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
std::string notes(StringRef text) {
  Parsed p(text);
  std::string out;
  if (!p.diags.all().empty())
    for (const Diagnostic &n : p.diags.all().front()->notes)
      out += n.message + "\n";
  return out;
}

/// The text of the expression statement's value as its range has it.
std::string sourceOf(StringRef text) {
  Parsed p(text);
  if (!p.module)
    return p.messages();
  SMRange r = llvm::cast<ExpressionStmt>(p.module->body.front())->value->range;
  return std::string(r.Start.getPointer(), r.End.getPointer());
}

const ConstantExpr *constant(Parsed &p) {
  if (!p.module)
    return nullptr;
  return llvm::dyn_cast<ConstantExpr>(
      llvm::cast<ExpressionStmt>(p.module->body.front())->value);
}

//===----------------------------------------------------------------------===//
// Precedence: each line parses like the one with all parentheses.
//===----------------------------------------------------------------------===//

struct Precedence
    : testing::TestWithParam<std::pair<const char *, const char *>> {};

TEST_P(Precedence, SameTree) {
  auto [plain, explicitly] = GetParam();
  EXPECT_EQ(dump(plain), dump(explicitly));
  EXPECT_EQ(errors(plain), "");
}

INSTANTIATE_TEST_SUITE_P(
    Operators, Precedence,
    testing::ValuesIn(std::vector<std::pair<const char *, const char *>>{
        {"a + b * c", "a + (b * c)"},
        {"a - b - c", "(a - b) - c"},
        {"a / b * c", "(a / b) * c"},
        {"a @ b * c // d % e", "(((a @ b) * c) // d) % e"},
        {"a ** b ** c", "a ** (b ** c)"},
        {"-a ** b", "-(a ** b)"},
        {"a ** -b ** c", "a ** (-(b ** c))"},
        {"a * -b", "a * (-b)"},
        {"-a * b", "(-a) * b"},
        {"- + ~a", "-(+(~a))"},
        {"a << b + c", "a << (b + c)"},
        {"a & b << c", "a & (b << c)"},
        {"a ^ b & c", "a ^ (b & c)"},
        {"a | b ^ c", "a | (b ^ c)"},
        {"a | b == c", "(a | b) == c"},
        {"a < b | c", "a < (b | c)"},
        {"not a == b", "not (a == b)"},
        {"not a in b", "not (a in b)"},
        {"not a and b", "(not a) and b"},
        {"a and b or c and d", "(a and b) or (c and d)"},
        {"a or b if c or d else e or f", "(a or b) if (c or d) else (e or f)"},
        {"a if b else c if d else e", "a if b else (c if d else e)"},
        {"lambda: a if b else c", "lambda: (a if b else c)"},
        {"lambda x: lambda y: x, z", "(lambda x: (lambda y: x)), z"},
        {"a.b(c)[d] ** e", "(((a.b)(c))[d]) ** e"},
        {"a, b if c else d, *e | f", "(a, (b if c else d), *(e | f))"},
        {"x = y = a, b", "x = y = (a, b)"},
        {"a < b == c", "a < b == c"},
        {"a is not b not in c", "a is not b not in c"},
        {"x[a, b:c]", "x[(a), b:c]"},
        {"f(a)(b).c", "((f(a))(b)).c"},
    }));

TEST(Parser, ChainsAreFlat) {
  EXPECT_EQ(tree("a < b <= c"),
            "(Expression (Compare < <= (Name a) (Name b) (Name c)))");
  EXPECT_EQ(tree("a or b or c"),
            "(Expression (BoolOp or (Name a) (Name b) (Name c)))");
  EXPECT_EQ(tree("a not in b is not c"),
            "(Expression (Compare not in is not (Name a) (Name b) (Name c)))");
}

//===----------------------------------------------------------------------===//
// Literals
//===----------------------------------------------------------------------===//

TEST(Parser, Integers) {
  std::pair<const char *, int64_t> cases[] = {
      {"0", 0},
      {"0xFF", 255},
      {"0o17", 15},
      {"0b101", 5},
      {"1_000_000", 1000000},
      {"000", 0},
      {"9223372036854775807", INT64_MAX},
      {"-9223372036854775808", INT64_MIN},
      {"0x7fffffffffffffff", INT64_MAX}};
  for (auto [text, value] : cases) {
    Parsed p(text);
    const ConstantExpr *c = constant(p);
    ASSERT_TRUE(c) << text << p.messages();
    EXPECT_EQ(c->type, ConstantExpr::Type::Int);
    EXPECT_EQ(c->intValue, value) << text;
  }
  for (const char *text :
       {"9223372036854775808", "-(9223372036854775808)",
        "-9223372036854775808 ** 2", "0xFFFFFFFFFFFFFFFF",
        "-f(9223372036854775808)", "123456789012345678901234567890"})
    EXPECT_NE(errors(text).find("does not fit in 64 bits"), std::string::npos)
        << text;
}

TEST(Parser, Floats) {
  std::pair<const char *, double> cases[] = {
      {"1.5", 1.5},
      {".5", 0.5},
      {"2.", 2.0},
      {"5e-1", 0.5},
      {"1_0.2_5", 10.25},
      {"1e400", HUGE_VAL},
      {"0.1", 0.1},
      {"1e-400", 0.0},
      {"2.2250738585072011e-308", 2.2250738585072011e-308},
      {"123456789012345678901234567890.", 123456789012345678901234567890.}};
  for (auto [text, value] : cases) {
    Parsed p(text);
    const ConstantExpr *c = constant(p);
    ASSERT_TRUE(c) << text << p.messages();
    EXPECT_EQ(c->type, ConstantExpr::Type::Float);
    EXPECT_EQ(c->floatValue, value) << text;
  }
}

TEST(Parser, Strings) {
  std::pair<const char *, StringRef> cases[] = {
      {"'a' \"b\" '''c'''", "abc"},
      {"'\\n\\t\\\\\\'\\\"'", "\n\t\\'\""},
      {"r'\\n'", "\\n"},
      {"'\\x41\\101\\u00e9\\U0001F600'", "AA\u00e9\U0001F600"},
      {"'\\xe9'", "\u00e9"},
      {"'a\\\nb'", "ab"},
      {"'''a\r\nb'''", "a\nb"},
      {"'\\N{GREEK SMALL LETTER ALPHA}'", "\u03b1"},
      {"''", ""},
      {"'\\0'", StringRef("\0", 1)},
      {"u'x'", "x"},
      {"'\u00e9'", "\u00e9"},
  };
  for (auto [text, value] : cases) {
    Parsed p(text);
    const ConstantExpr *c = constant(p);
    ASSERT_TRUE(c) << text << p.messages();
    EXPECT_EQ(c->stringValue, value) << text;
  }
}

TEST(Parser, BadEscapes) {
  EXPECT_EQ(errors("'a\\x4'"), "1:3 '\\x' needs 2 hexadecimal digits\n");
  EXPECT_EQ(errors("'\\ud800'"),
            "1:2 this escape is no character of Unicode\n");
  EXPECT_EQ(errors("'\\U00110000'"),
            "1:2 this escape is no character of Unicode\n");
  EXPECT_EQ(errors("'\\N{NO SUCH NAME}'"), "1:2 unknown name of a character\n");
  Parsed p("'\\d'"); // a warning, as in Python
  ASSERT_TRUE(constant(p));
  EXPECT_EQ(constant(p)->stringValue, "\\d");
  EXPECT_EQ(p.messages(),
            "m:1:2: warning: '\\d' is no escape sequence\n'\\d'\n ^~\n"
            "note: write '\\\\', or a string r'…'\n");
}

TEST(Parser, FStrings) {
  EXPECT_EQ(
      tree("f'a{b}' 'c'"),
      "(Expression (FString (Text \"a\") (Field (Name b)) (Text \"c\")))");
  EXPECT_EQ(
      tree("f'{{{a!r}}}'"),
      "(Expression (FString (Text \"{\") (Field !r (Name a)) (Text \"}\")))");
  EXPECT_EQ(tree("f'{a:>{w}.2f}'"),
            "(Expression (FString (Field (Name a) (Format (FString (Text "
            "\">\") (Field (Name w)) (Text \".2f\"))))))");
  EXPECT_EQ(tree("f'{a = }'"),
            "(Expression (FString (Text \"a = \") (Field !r (Name a))))");
  EXPECT_EQ(tree("f'{a=:d}'"), "(Expression (FString (Text \"a=\") (Field "
                               "(Name a) (Format (FString (Text \"d\"))))))");
  EXPECT_EQ(tree("f'{f\"{x}\"}'"),
            "(Expression (FString (Field (FString (Field (Name x))))))");
  EXPECT_EQ(tree("f'{x, y}'"),
            "(Expression (FString (Field (Tuple (Name x) (Name y)))))");
  EXPECT_EQ(errors("f'{}'"),
            "1:3 expected an expression between '{' and '}'\n");
  EXPECT_EQ(errors("f'{a!x}'"), "1:6 expected the conversion 'r', 's' or 'a' "
                                "after '!', found name 'x'\n");
  EXPECT_EQ(errors("f'{a b}'"),
            "1:6 expected an operator or '}', found name 'b'\n");
  EXPECT_EQ(errors("f'a}'"),
            "1:4 a single '}' does not belong in an f-string\n");
}

//===----------------------------------------------------------------------===//
// Expressions
//===----------------------------------------------------------------------===//

TEST(Parser, Displays) {
  EXPECT_EQ(tree("()"), "(Expression (Tuple))");
  EXPECT_EQ(tree("(a,)"), "(Expression (Tuple (Name a)))");
  EXPECT_EQ(tree("(a)"), "(Expression (Name a))");
  EXPECT_EQ(tree("[a, *b,]"),
            "(Expression (List (Name a) (Starred (Name b))))");
  EXPECT_EQ(tree("{}"), "(Expression (Dict))");
  EXPECT_EQ(tree("{a, b}"), "(Expression (Set (Name a) (Name b)))");
  EXPECT_EQ(tree("{a: 1, **b}"),
            "(Expression (Dict (Name a) (Int 1) (DoubleStar (Name b))))");
}

TEST(Parser, Comprehensions) {
  EXPECT_EQ(tree("[x for x in y if a if b for z in x]"),
            "(Expression (Comprehension List (Name x) (For (Name x) (Name y) "
            "(If (Name a)) (If (Name b))) "
            "(For (Name z) (Name x))))");
  EXPECT_EQ(tree("{k: v for k, v in d}"),
            "(Expression (Comprehension Dict (Key (Name k)) (Name v) (For "
            "(Tuple (Name k) (Name v)) (Name d))))");
  EXPECT_EQ(
      tree("{x for x in y}"),
      "(Expression (Comprehension Set (Name x) (For (Name x) (Name y))))");
  EXPECT_EQ(tree("sum(x for x, in y)"),
            "(Expression (Call (Name sum) (Comprehension Generator (Name x) "
            "(For (Tuple (Name x)) (Name y)))))");
}

TEST(Parser, Subscripts) {
  EXPECT_EQ(tree("x[1:, ::2, ..., None]"),
            "(Expression (Subscript (Name x) (Tuple (Slice (Lower (Int 1))) "
            "(Slice (Step (Int 2))) (Ellipsis) (None))))");
  EXPECT_EQ(tree("x[:]"), "(Expression (Subscript (Name x) (Slice)))");
  EXPECT_EQ(tree("x[a:b:c]"), "(Expression (Subscript (Name x) (Slice (Lower "
                              "(Name a)) (Upper (Name b)) (Step (Name c)))))");
}

TEST(Parser, Calls) {
  EXPECT_EQ(tree("f(a, *b, c=1, **d)"),
            "(Expression (Call (Name f) (Name a) (Star (Name b)) (Keyword c "
            "(Int 1)) (DoubleStar (Name d))))");
  EXPECT_EQ(tree("f(a := 1)"),
            "(Expression (Call (Name f) (NamedExpr a (Int 1))))");
  EXPECT_EQ(errors("f(a=1, b)"),
            "1:8 a positional argument follows a keyword argument\n");
  EXPECT_EQ(errors("f(a=1, a=2)"), "1:8 a second argument 'a'\n");
  EXPECT_EQ(errors("f(a.b=1)"),
            "1:3 the name of a keyword argument cannot be an attribute\n");
  EXPECT_EQ(
      errors("f(x for x in y, 1)"),
      "1:3 a generator expression among several arguments needs parentheses\n");
  EXPECT_EQ(errors("f(**a, *b)"), "1:8 '*' argument follows a '**' argument\n");
}

TEST(Parser, Parameters) {
  EXPECT_EQ(tree("lambda a, /, b=1, *c, d, **e: a"),
            "(Expression (Lambda (Parameter a (positional-only)) (Parameter b "
            "(Int 1)) (Parameter *c) "
            "(Parameter d (keyword-only)) (Parameter **e) (Name a)))");
  EXPECT_EQ(tree("lambda *, a: a"),
            "(Expression (Lambda (Parameter a (keyword-only)) (Name a)))");
  EXPECT_EQ(tree("def f(a: int, *b: str, c: x = 1) -> y: pass"),
            "(FunctionDef f (Parameter a) (Parameter *b) (Parameter c "
            "(keyword-only) (Int 1)) (Body (Pass)))");
  EXPECT_EQ(errors("lambda a, a: 1"), "1:11 a second parameter 'a'\n");
  EXPECT_EQ(
      errors("lambda a=1, b: 1"),
      "1:13 parameter 'b' without a default follows one with a default\n");
  EXPECT_EQ(errors("lambda *: 1"),
            "1:8 expected a named parameter after '*'\n");
  EXPECT_EQ(errors("lambda *a, *b: 1"),
            "1:12 a second '*' in the parameters\n");
  EXPECT_EQ(errors("lambda **a, b: 1"), "1:13 nothing can follow '**a'\n");
  EXPECT_EQ(errors("lambda /, a: 1"),
            "1:8 '/' must follow at least one parameter\n");
  EXPECT_EQ(errors("lambda *a=1: 1"),
            "1:10 'a' takes all other arguments and cannot have a default\n");
}

//===----------------------------------------------------------------------===//
// Statements
//===----------------------------------------------------------------------===//

TEST(Parser, Assignments) {
  EXPECT_EQ(tree("a = b = 1"), "(Assign (Name a) (Name b) (Value (Int 1)))");
  EXPECT_EQ(tree("a, *b = c"),
            "(Assign (Tuple (Name a) (Starred (Name b))) (Value (Name c)))");
  EXPECT_EQ(tree("a.b, c[0] = d"),
            "(Assign (Tuple (Attribute b (Name a)) (Subscript (Name c) (Int "
            "0))) (Value (Name d)))");
  EXPECT_EQ(tree("a: int = 1"),
            "(AnnAssign (Name a) (Annotation (Name int)) (Value (Int 1)))");
  EXPECT_EQ(tree("a: int"), "(AnnAssign (Name a) (Annotation (Name int)))");
  for (const char *op :
       {"+", "-", "*", "/", "//", "%", "**", "@", "&", "|", "^", "<<", ">>"})
    EXPECT_EQ(tree(std::string("a ") + op + "= 1"),
              std::string("(AugAssign ") + op + "= (Name a) (Int 1))");
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

TEST(Parser, Compound) {
  EXPECT_EQ(tree("if a: b\nelif c: d\nelse: e"),
            "(If (Name a) (Then (Expression (Name b))) (Else (If (Name c) "
            "(Then (Expression (Name d))) "
            "(Else (Expression (Name e))))))");
  EXPECT_EQ(
      tree("for a, b in c:\n  break\nelse:\n  pass"),
      "(For (Tuple (Name a) (Name b)) (Name c) (Body (Break)) (Else (Pass)))");
  EXPECT_EQ(tree("while (a := b): continue"),
            "(While (NamedExpr a (Name b)) (Body (Continue)))");
  EXPECT_EQ(tree("def f(): a; return 1;"),
            "(FunctionDef f (Body (Expression (Name a)) (Return (Int 1))))");
  EXPECT_EQ(
      tree("@a.b(c)\n@d\nclass E(F, metaclass=G): x = 1"),
      "(ClassDef E (Decorator (Call (Attribute b (Name a)) (Name c))) "
      "(Decorator (Name d)) (Name F) "
      "(Keyword metaclass (Name G)) (Body (Assign (Name x) (Value (Int 1)))))");
}

TEST(Parser, Simple) {
  EXPECT_EQ(tree("import a.b as c, d"), "(Import (a.b as c) (d))");
  EXPECT_EQ(tree("from a.b import (c as d, e,)"),
            "(ImportFrom a.b (c as d) (e))");
  EXPECT_EQ(tree("from . import a"), "(ImportFrom . (a))");
  EXPECT_EQ(tree("from ...a.b import *"), "(ImportFrom ...a.b (*))");
  EXPECT_EQ(tree("assert a, 'b'"),
            "(Assert (Name a) (Message (String \"b\")))");
  EXPECT_EQ(tree("raise E(1) from e"), "(Raise (Call (Name E) (Int 1)))");
  EXPECT_EQ(tree("del a, b[0]"),
            "(Delete (Name a) (Subscript (Name b) (Int 0)))");
  EXPECT_EQ(tree("global a, b"), "(Global a b)");
  EXPECT_EQ(tree("def f():\n  def g():\n    nonlocal x"),
            "(FunctionDef f (Body (FunctionDef g (Body (Nonlocal x)))))");
  EXPECT_EQ(tree("pass; pass"), "(Pass) (Pass)");
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

TEST(Parser, StopsAfterManyErrors) {
  std::string text;
  for (int i = 0; i < 1000; ++i)
    text += "a b\n";
  Parsed p(text);
  EXPECT_EQ(p.module, nullptr);
  EXPECT_EQ(p.diags.errors(), 50u);
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

std::string repeat(StringRef text, size_t count) {
  std::string out;
  for (size_t i = 0; i < count; ++i)
    out += text;
  return out;
}

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

//===----------------------------------------------------------------------===//
// Ranges
//===----------------------------------------------------------------------===//

TEST(Parser, RangesCoverTheSource) {
  for (const char *text : {"a",
                           "(a, b)",
                           "a, b,",
                           "f(x)(y)",
                           "x.y.z",
                           "x[1:2]",
                           "-x ** 2",
                           "a + (b)",
                           "(a) + b",
                           "lambda x, y=1: x + y",
                           "a if b else c",
                           "not a",
                           "[x for x in y]",
                           "'a' 'b'",
                           "f'a{b}c'",
                           "{1: 2}",
                           "a < b < (c)",
                           "a and b",
                           "-9223372036854775808",
                           "f(x for x in y)"})
    EXPECT_EQ(sourceOf(std::string("  # comment\n") + text + "  # comment\n"),
              text);
  EXPECT_EQ(sourceOf("(a)"), "a");
}

TEST(Parser, RangesOfStatements) {
  StringRef text =
      "x = 1  # one\nif a:\n  b\n\nelse:\n  c  \n\n@d\ndef f(): return 2 ;\n";
  Parsed p(text);
  ASSERT_TRUE(p.module);
  auto source = [](SMRange r) {
    return StringRef(r.Start.getPointer(),
                     r.End.getPointer() - r.Start.getPointer());
  };
  EXPECT_EQ(source(p.module->body[0]->range), "x = 1");
  EXPECT_EQ(source(p.module->body[1]->range), "if a:\n  b\n\nelse:\n  c");
  EXPECT_EQ(source(p.module->body[2]->range), "@d\ndef f(): return 2 ;");
  EXPECT_EQ(source(llvm::cast<FunctionDefStmt>(p.module->body[2])->nameRange),
            "f");
}

TEST(ParseExpression, Whole) {
  Diagnostics diags;
  ASTContext context;
  auto parse = [&](StringRef text) {
    return parseExpression(diags.addBuffer(text, "e"), context, diags);
  };
  EXPECT_TRUE(parse("lambda x, y: sqrt(x) + y"));
  EXPECT_TRUE(parse("  lambda x:\n  x +\n 1\n"));
  EXPECT_FALSE(diags.hasErrors());
  EXPECT_FALSE(parse("x y"));
  EXPECT_EQ(
      diags.all().back()->message,
      "expected an operator or the end of the expression, found name 'y'");
  EXPECT_FALSE(parse(""));
  EXPECT_EQ(diags.all().back()->message,
            "expected an expression, found end of file");
  EXPECT_FALSE(parse("x = 1"));
  EXPECT_FALSE(parse("def f(): pass"));
  EXPECT_FALSE(parse("(x"));
}

} // namespace
