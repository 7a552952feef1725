//===- ParserTest.cpp - from text to the syntax tree ----------------------===//

#include "ParserTesting.h"
#include <cmath>

using namespace lamina;
using namespace lamina::testing;

namespace {

//===----------------------------------------------------------------------===//
// Precedence: each line parses like the one with all parentheses.
//===----------------------------------------------------------------------===//

struct Precedence
    : ::testing::TestWithParam<std::pair<const char *, const char *>> {};

TEST_P(Precedence, SameTree) {
  auto [plain, explicitly] = GetParam();
  EXPECT_EQ(dump(plain), dump(explicitly));
  EXPECT_EQ(errors(plain), "");
}

INSTANTIATE_TEST_SUITE_P(
    Operators, Precedence,
    ::testing::ValuesIn(std::vector<std::pair<const char *, const char *>>{
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
