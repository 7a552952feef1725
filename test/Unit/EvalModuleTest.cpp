//===- EvalModuleTest.cpp - functions on inputs ---------------------------===//

#include "EvalHarness.h"

using namespace lamina;
using namespace lamina::test;
using llvm::StringRef;

namespace {

const NDArray two = array({2}, {1, 2}), other = array({2}, {10, 20});

void expectSums(StringRef code, const Inputs &inputs,
                llvm::ArrayRef<double> first) {
  Outcome outcome = EvalHarness().eval(code, inputs);
  ASSERT_TRUE(outcome.ok()) << outcome.diagnostics;
  expectArray(outcome.outputs[0], "float32", {2}, first);
}

TEST(EvalModule, BindsByName) {
  expectSums("lambda x, y: y - x", {{"y", other}, {"x", two}}, {9, 18});
  expectSums("lambda x, y: y - x", {{"", two}, {"", other}}, {9, 18});
  expectSums("lambda x, y: y - x", {{"y", other}, {"", two}}, {9, 18});
  expectSums("lambda x, k=3: x * k", {{"x", two}}, {3, 6});
  expectSums("lambda x, *, y: x + y", {{"y", other}, {"x", two}}, {11, 22});
  expectSums("lambda *xs: xs[0] + xs[1]", {{"", two}, {"", other}}, {11, 22});
  expectSums("lambda x, **kw: x + kw['y']", {{"x", two}, {"y", other}},
             {11, 22});
  expectSums("absolute", {{"", two}}, {1, 2});
}

TEST(EvalModule, FlattensResults) {
  Outcome outcome = EvalHarness().eval(
      "lambda x: {'a': x, 'b': [x + 1, (2, 2.5)], 'c': True}", {{"x", two}});
  ASSERT_TRUE(outcome.ok()) << outcome.diagnostics;
  ASSERT_EQ(outcome.outputs.size(), 5u);
  expectArray(outcome.outputs[1], "float32", {2}, {2, 3});
  expectArray(outcome.outputs[2], "int32", {}, {2});
  expectArray(outcome.outputs[3], "float32", {}, {2.5});
  expectArray(outcome.outputs[4], "bool", {}, {1});
  EXPECT_NE(outcome.ir.find("lamina.name = \"out4\""), std::string::npos);
  EXPECT_NE(outcome.ir.find("lamina.role = \"output\""), std::string::npos);
}

TEST(EvalModule, SymbolicSizes) {
  Outcome outcome = EvalHarness().eval("lambda x, y: (x + y, x[:-1])",
                                       {{"x", two}, {"y", other}},
                                       {{"x:0", "n"}, {"y:0", "n"}});
  ASSERT_TRUE(outcome.ok()) << outcome.diagnostics;
  EXPECT_EQ(outcome.dims[0], "[\"n\"]");
  EXPECT_EQ(outcome.dims[1], "[\"max(0,n-1)\"]");
  expectArray(outcome.outputs[1], "float32", {1}, {1});
}

/// Tensors made by statements of the module are copied to where they are used.
TEST(EvalModule, ConstantsOfTheModule) {
  Outcome outcome =
      EvalHarness().eval("lambda x: x * scale + offset", {{"x", two}}, {},
                         "import numpy as np\nscale = np.array([2., 3.])\n"
                         "offset = scale[::-1] * 10\n");
  ASSERT_TRUE(outcome.ok()) << outcome.diagnostics;
  expectArray(outcome.outputs[0], "float32", {2}, {32, 26});
}

TEST(EvalModule, Errors) {
  const std::tuple<const char *, Inputs, const char *> errors[] = {
      {"lambda x, y: x",
       {{"x", two}},
       "no input is given for the parameter 'y'"},
      {"lambda value: value", {{"valve", two}}, "did you mean 'value'?"},
      {"lambda a, b: a", {{"zzz", two}}, "its parameters are a, b"},
      {"lambda x: x", {{"", two}, {"", two}}, "there are 2 inputs"},
      {"lambda x: x", {{"x", two}, {"x", two}}, "is given twice"},
      {"lambda x: None", {{"x", two}}, "the function returns None"},
      {"lambda x: 'a'", {{"x", two}}, "the function returns the string 'a'"},
      {"lambda x: []", {{"x", two}}, "the function returns nothing"},
      {"3", {}, "expected a function"},
  };
  for (const auto &[code, inputs, message] : errors) {
    Outcome outcome = EvalHarness().eval(code, inputs);
    EXPECT_FALSE(outcome.ok()) << code;
    EXPECT_NE(outcome.diagnostics.find(message), std::string::npos)
        << code << ": " << outcome.diagnostics;
  }
}

} // namespace
