//===- EvaluatorTest.cpp - static evaluation against CPython --------------===//
//
// The programs and what CPython 3.11 gives for `r` are in Inputs/evaluator.
//
//===----------------------------------------------------------------------===//
#include "EvaluatorHarness.h"

using namespace lamina;
using namespace lamina::frontend;

static void checkValues(llvm::StringRef file) {
  std::vector<Case> cases = readCases(file);
  EXPECT_GT(cases.size(), 10u);
  for (const Case &test : cases) {
    SCOPED_TRACE(test.program);
    Program program(test.program);
    EXPECT_EQ(program.errorText(), "");
    ASSERT_EQ(test.expected.size(), 1u);
    EXPECT_EQ(program.repr("r"), test.expected[0]);
  }
}

TEST(Evaluator, Values) { checkValues("values"); }
TEST(Evaluator, Functions) { checkValues("functions"); }
TEST(Evaluator, Classes) { checkValues("classes"); }
TEST(Evaluator, Text) { checkValues("text"); }

TEST(Evaluator, Errors) {
  std::vector<Case> cases = readCases("errors");
  EXPECT_GT(cases.size(), 80u);
  for (const Case &test : cases) {
    SCOPED_TRACE(test.program);
    EXPECT_EQ(Program(test.program).errors(), test.expected);
  }
}

TEST(Evaluator, PrintIsANote) {
  Program program("print('a', 1, [2.5])\nprint(1, 2, sep='-')\n");
  ASSERT_EQ(program.diags.all().size(), 2u);
  EXPECT_EQ(program.diags.all()[0]->severity, Severity::Note);
  EXPECT_EQ(program.diags.all()[0]->message, "a 1 [2.5]");
  EXPECT_EQ(program.diags.all()[1]->message, "1-2");
}

TEST(Evaluator, CallChainAsNotes) {
  Program program("def g(x): return x.foo\n"
                  "def f(x): return g(x)\n"
                  "f(3)\n");
  ASSERT_EQ(program.diags.all().size(), 1u);
  const Diagnostic &error = *program.diags.all()[0];
  ASSERT_EQ(error.notes.size(), 2u);
  EXPECT_EQ(error.notes[0].message, "in 'g', called from here");
  EXPECT_EQ(error.notes[1].message, "in 'f', called from here");
}

TEST(Evaluator, AMistakeIsReportedOnce) {
  Program program("a = qqzzqq\n"
                  "def f(): return a\n"
                  "b = f() + 1\n"
                  "c = [b, a]\n"
                  "a = 1\n"
                  "d = f()\n");
  EXPECT_EQ(program.errors(),
            std::vector<std::string>{"1:5 name 'qqzzqq' is not defined"});
  EXPECT_EQ(program.repr("d"), "1");
}

TEST(Evaluator, Imports) {
  Program program("import tensorflow as tf\n"
                  "import keras, numpy as np, math\n"
                  "from tensorflow import keras as k2\n"
                  "from keras import backend as K, ops\n"
                  "import tensorflow.keras.backend as K2\n"
                  "from keras.layers import *\n"
                  "from math import pi, sqrt\n"
                  "from typing import List, Optional\n"
                  "from __future__ import annotations\n"
                  "import tensorflow.keras\n"
                  "r = [tf.keras.layers, keras.backend is K, K2 is K, k2 is "
                  "keras, pi, sqrt(4.0), math.tau, np.inf, ops, np.newaxis,\n"
                  "     Optional[int], tensorflow.keras, tf.float32, np.int64, "
                  "tf.float32 == 'float32', lamina.prim]\n");
  EXPECT_EQ(program.errorText(), "");
  EXPECT_EQ(program.repr("r"),
            "[<module 'keras.layers'>, True, True, True, 3.141592653589793, "
            "2.0, 6.283185307179586, inf, <module 'keras.ops'>, None, "
            "<module 'typing'>, <module 'keras'>, 'float32', 'int64', True, "
            "<module 'prim'>]");
}

TEST(Evaluator, DecoratorsWithoutEffect) {
  Program program("import tensorflow as tf\nimport keras\n"
                  "@tf.function\n"
                  "def f(x): return x + 1\n"
                  "@tf.function(jit_compile=True)\n"
                  "def g(x): return x + 2\n"
                  "@keras.saving.register_keras_serializable(package='a')\n"
                  "class A: x = 3\n"
                  "@keras.utils.register_keras_serializable()\n"
                  "class B: x = 4\n"
                  "r = f(1), g(1), A.x, B().x\n");
  EXPECT_EQ(program.errorText(), "");
  EXPECT_EQ(program.repr("r"), "(2, 3, 3, 4)");
}

TEST(Evaluator, RangesInUserCodeForLibraryErrors) {
  Program program("x = reshape([1.0, 2.0],\n            (3,))\n");
  ASSERT_EQ(program.diags.errors(), 1u);
  const Diagnostic &error = *program.diags.all()[0];
  auto [line, column] =
      program.diags.sources().getLineAndColumn(error.range.Start);
  EXPECT_EQ(line, 1u);
  EXPECT_EQ(column, 5u);
  ASSERT_FALSE(error.notes.empty());
  EXPECT_EQ(error.notes[0].message, "in the library function 'reshape'");
}
