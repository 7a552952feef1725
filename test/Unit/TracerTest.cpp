//===- TracerTest.cpp - operators, attributes and primitives on tensors ---===//

#include "EvalHarness.h"
#include "lamina/Frontend/Promotion.h"

using namespace lamina;
using namespace lamina::test;
using llvm::StringRef;

namespace {

using Symbols = std::map<std::string, std::string>;

Outcome eval(const std::string &code, const Inputs &inputs = {},
             const Symbols &symbols = {}) {
  return EvalHarness().eval(code, inputs, symbols, "prim = lamina.prim\n");
}

/// The only output.
void expectResult(const std::string &code, const Inputs &inputs,
                  StringRef dtype, llvm::ArrayRef<int64_t> shape,
                  llvm::ArrayRef<double> values, const Symbols &symbols = {}) {
  SCOPED_TRACE(code);
  Outcome outcome = eval(code, inputs, symbols);
  ASSERT_TRUE(outcome.ok()) << outcome.diagnostics;
  ASSERT_EQ(outcome.outputs.size(), 1u);
  expectArray(outcome.outputs[0], dtype, shape, values);
}

void expectError(const std::string &code, const Inputs &inputs,
                 StringRef message, const Symbols &symbols = {}) {
  Outcome outcome = eval(code, inputs, symbols);
  EXPECT_FALSE(outcome.ok()) << code;
  EXPECT_TRUE(StringRef(outcome.diagnostics).contains(message))
      << code << ": " << outcome.diagnostics;
  EXPECT_FALSE(StringRef(outcome.diagnostics).contains("MLIR:"))
      << outcome.diagnostics;
}

const Inputs x23 = {{"x", sequence({2, 3})}};
const Symbols batch = {{"x:0", "n"}};

//===----------------------------------------------------------------------===//
// Operators
//===----------------------------------------------------------------------===//

TEST(Tracer, Broadcasting) {
  Inputs inputs = {{"x", sequence({2, 3})}, {"y", sequence({3}, 1)}};
  expectResult("lambda x, y: x * y", inputs, "float32", {2, 3},
               {0, 2, 6, 3, 8, 15});
  expectResult("lambda x, y: x[:, None] - y[:, None]", inputs, "float32",
               {2, 3, 3},
               {-1, 0, 1, -2, -1, 0, -3, -2, -1, 2, 3, 4, 1, 2, 3, 0, 1, 2});
  expectResult("lambda x, y: x - [1, 2, 3]", inputs, "float32", {2, 3},
               {-1, -1, -1, 2, 2, 2});
  expectResult("lambda x, y: 2 ** y", inputs, "float32", {3}, {2, 4, 8});
  expectError("lambda x, y: x[:, :2] + y", inputs,
              "shapes (2, 2) and (3,) do not broadcast");
  expectError("lambda x, y: x + y",
              {{"x", sequence({2, 3})}, {"y", sequence({2, 3})}},
              "shapes (n, 3) and (m, 3) are not known to broadcast",
              {{"x:0", "n"}, {"y:0", "m"}});
  expectError("lambda x, y: x + y",
              {{"x", sequence({2, 3})}, {"y", sequence({2, 3})}},
              "that the sizes n and 2 are equal", batch);
}

/// A dimension of at most one that is empty only where the other is.
TEST(Tracer, BroadcastsTheFirstRow) {
  expectResult("lambda x: x - x[:1]", x23, "float32", {2, 3},
               {0, 0, 0, 3, 3, 3}, batch);
  expectResult("lambda x: x[-1:] * x", x23, "float32", {2, 3},
               {0, 4, 10, 9, 16, 25}, batch);
  expectResult("lambda x: x - x[:1]", {{"x", sequence({0, 3})}}, "float32",
               {0, 3}, {}, batch);
  expectError("lambda x: x - x[:2]", x23, "not known to broadcast", batch);
}

TEST(Tracer, PythonSemanticsOfIntegers) {
  Inputs inputs = {{"x", array({4}, {-7, 7, -7, 7}, DType::Int32)},
                   {"y", array({4}, {2, 2, -2, -2}, DType::Int32)}};
  expectResult("lambda x, y: x // y", inputs, "int32", {4}, {-4, 3, 3, -4});
  expectResult("lambda x, y: x % y", inputs, "int32", {4}, {1, 1, -1, -1});
  expectResult("lambda x, y: x / y", inputs, "float32", {4},
               {-3.5, 3.5, 3.5, -3.5});
  expectResult("lambda x, y: x ** 2", inputs, "int32", {4}, {49, 49, 49, 49});
  expectResult("lambda x, y: x << 1", inputs, "int32", {4}, {-14, 14, -14, 14});
  expectResult("lambda x, y: x & 3 | 8", inputs, "int32", {4}, {9, 11, 9, 11});
  expectResult("lambda x, y: ~x", inputs, "int32", {4}, {6, -8, 6, -8});
  expectError("lambda x, y: x ** -1", inputs,
              "an integer tensor cannot be raised to a negative power");
}

TEST(Tracer, Bool) {
  Inputs inputs = {{"x", array({4}, {0, 0, 1, 1}, DType::Bool)},
                   {"y", array({4}, {0, 1, 0, 1}, DType::Bool)}};
  expectResult("lambda x, y: x + y", inputs, "bool", {4}, {0, 1, 1, 1});
  expectResult("lambda x, y: x * y", inputs, "bool", {4}, {0, 0, 0, 1});
  expectResult("lambda x, y: x & ~y", inputs, "bool", {4}, {0, 0, 1, 0});
  expectResult("lambda x, y: x ^ y", inputs, "bool", {4}, {0, 1, 1, 0});
  expectResult("lambda x, y: x + 1", inputs, "int32", {4}, {1, 1, 2, 2});
  expectResult("lambda x, y: x * 1.5", inputs, "float32", {4},
               {0, 0, 1.5, 1.5});
  expectResult("lambda x, y: x == y", inputs, "bool", {4}, {1, 0, 0, 1});
  expectError("lambda x, y: x - y", inputs, "'sub' is not defined for bool");
  expectError("lambda x, y: -x", inputs, "use logical_not");
}

TEST(Tracer, Comparisons) {
  expectResult("lambda x: x >= 2", x23, "bool", {2, 3}, {0, 0, 1, 1, 1, 1});
  expectResult("lambda x: x != 2.5", x23, "bool", {2, 3}, {1, 1, 1, 1, 1, 1});
  expectResult("lambda x: x == None", x23, "bool", {}, {0});
  expectError("lambda x: x if x > 0 else -x", x23, "where");
  expectError("lambda x: x + None", x23,
              "unsupported operands for +: float32[2,3] and None");
  expectError("lambda x: x & 1", x23, "needs integers or bool, not float32");
}

/// dtypes of `x op 2`, `x op 2.5`, `x / x` and `exp(x)` for x of every dtype,
/// as Keras's rules give them with 64-bit types kept.
TEST(Tracer, ResultTypes) {
  const char *const expected[][5] = {
      {"bool", "int32", "float32", "float32", "float32"},
      {"int8", "int8", "float32", "float32", "float32"},
      {"int16", "int16", "float32", "float32", "float32"},
      {"int32", "int32", "float32", "float32", "float32"},
      {"int64", "int64", "float32", "float32", "float32"},
      {"uint8", "uint8", "float32", "float32", "float32"},
      {"uint16", "uint16", "float32", "float32", "float32"},
      {"uint32", "uint32", "float32", "float32", "float32"},
      {"uint64", "uint64", "float32", "float32", "float32"},
      {"float16", "float16", "float16", "float16", "float16"},
      {"bfloat16", "bfloat16", "bfloat16", "bfloat16", "bfloat16"},
      {"float32", "float32", "float32", "float32", "float32"},
      {"float64", "float64", "float64", "float64", "float64"}};
  for (const auto &row : expected) {
    Outcome outcome = eval("lambda x: (x + 2, x * 2.5, x / x, prim.exp(x))",
                           {{"x", sequence({3}, 1, 1, *parseDType(row[0]))}});
    ASSERT_TRUE(outcome.ok()) << row[0] << ": " << outcome.diagnostics;
    for (unsigned i = 0; i < 4; ++i)
      EXPECT_EQ(name(outcome.outputs[i].dtype()), row[i + 1])
          << row[0] << " " << i;
  }
}

/// A Python number meets float64 with all its digits.
TEST(Tracer, NumbersKeepTheirPrecision) {
  Outcome outcome = eval("lambda x: x * 0.1 + 1e-9",
                         {{"x", array({1}, {3}, DType::Float64)}});
  ASSERT_TRUE(outcome.ok());
  EXPECT_EQ(outcome.outputs[0].getDouble(0), 3 * 0.1 + 1e-9);
}

//===----------------------------------------------------------------------===//
// Sizes and attributes
//===----------------------------------------------------------------------===//

TEST(Tracer, SizesAsNumbersAndTensors) {
  expectResult("lambda x: x * x.shape[0]", x23, "float32", {2, 3},
               {0, 2, 4, 6, 8, 10}, batch);
  expectResult("lambda x: x.shape[0] / 4", x23, "float32", {}, {0.5}, batch);
  expectResult("lambda x: x.size + x.ndim", x23, "int32", {}, {8}, batch);
  expectResult("lambda x: prim.constant([x.shape[0], 7])", x23, "int32", {2},
               {2, 7}, batch);
  expectResult("lambda x: prim.cast(x.shape[0] * 2 - 1, 'float64')", x23,
               "float64", {}, {3}, batch);
}

TEST(Tracer, ShapesComputedWithTensors) {
  expectResult("lambda x: prim.reshape(x, prim.concat([prim.constant([3]), "
               "prim.constant(prim.shape(x)[:1])], 0))",
               x23, "float32", {3, 2}, {0, 1, 2, 3, 4, 5}, batch);
  expectResult("lambda x: prim.reshape(x, (-1, prim.reduce(prim.constant("
               "[x.shape[0], 3]), 'prod', (0,))))",
               x23, "float32", {1, 6}, {0, 1, 2, 3, 4, 5}, batch);
  expectResult("lambda x: prim.full((prim.constant(x.shape[0]) + 1,), 1.5)",
               x23, "float32", {3}, {1.5, 1.5, 1.5}, batch);
  expectError("lambda x: prim.reshape(x, (prim.cast(x[0, 0], 'int32'), -1))",
              x23, "a shape must be known at compile time");
}

TEST(Tracer, Attributes) {
  expectResult("lambda x: x.T", x23, "float32", {3, 2}, {0, 3, 1, 4, 2, 5});
  expectResult("lambda x: x.reshape(3, 2)", x23, "float32", {3, 2},
               {0, 1, 2, 3, 4, 5});
  expectResult("lambda x: x.sum(axis=0)", x23, "float32", {3}, {3, 5, 7});
  expectResult("lambda x: x.astype('int32').max()", x23, "int32", {}, {5});
  expectResult("lambda x: x.transpose(1, 0)[0]", x23, "float32", {2}, {0, 3});
  expectResult("lambda x: 1 if x.dtype == 'float32' else 0", x23, "int32", {},
               {1});
  expectError("lambda x: x.foo", x23, "no attribute 'foo'");
}

//===----------------------------------------------------------------------===//
// Primitives
//===----------------------------------------------------------------------===//

TEST(Primitives, PointwiseOnNumbers) {
  Outcome outcome =
      eval("lambda x: (prim.sqrt(2.25), prim.add(1, 2), prim.pow(2, -1), "
           "prim.floor_div(-7, 2), prim.max(x.shape[0], 0), "
           "prim.eq(x.shape[0] * 2, x.shape[0] + x.shape[0]), "
           "prim.select(True, 1, 2.5), prim.bit_and(6, 3))",
           x23, batch);
  ASSERT_TRUE(outcome.ok()) << outcome.diagnostics;
  const std::pair<const char *, double> expected[] = {
      {"float32", 1.5}, {"int32", 3}, {"float32", 0.5}, {"int32", -4},
      {"int32", 2},     {"bool", 1},  {"float32", 1},   {"int32", 2}};
  ASSERT_EQ(outcome.outputs.size(), std::size(expected));
  for (size_t i = 0; i < std::size(expected); ++i) {
    EXPECT_EQ(name(outcome.outputs[i].dtype()), expected[i].first) << i;
    EXPECT_EQ(outcome.outputs[i].getDouble(0), expected[i].second) << i;
  }
}

TEST(Primitives, Select) {
  expectResult("lambda x: prim.select(x > 2, x, -1)", x23, "float32", {2, 3},
               {-1, -1, -1, 3, 4, 5});
  expectResult("lambda x: prim.select(prim.cast(x, 'int32'), 1, 0)", x23,
               "int32", {2, 3}, {0, 1, 1, 1, 1, 1});
}

TEST(Primitives, Structure) {
  for (const Symbols &symbols : {Symbols(), batch}) {
    auto expect = [&](const std::string &code, llvm::ArrayRef<int64_t> shape,
                      llvm::ArrayRef<double> values) {
      expectResult("lambda x: " + code, x23, "float32", shape, values, symbols);
    };
    expect("prim.transpose(x, (1, 0))", {3, 2}, {0, 3, 1, 4, 2, 5});
    expect("prim.reverse(x, (1,))", {2, 3}, {2, 1, 0, 5, 4, 3});
    expect("prim.concat([x, x[:, :1]], 1)", {2, 4}, {0, 1, 2, 0, 3, 4, 5, 3});
    expect("prim.slice(x, (0, 1), (x.shape[0], 2))", {2, 2}, {1, 2, 4, 5});
    expect("prim.slice(x, (0, 0), (x.shape[0], 2), (1, 2))", {2, 2},
           {0, 2, 3, 5});
    expect("prim.pad(x, 9, (1, -1), (0, 1))", {3, 3},
           {9, 9, 9, 1, 2, 9, 4, 5, 9});
    expect("prim.pad(x, 0, (0, 0), (0, 0), (1, 1))", {3, 5},
           {0, 0, 1, 0, 2, 0, 0, 0, 0, 0, 3, 0, 4, 0, 5});
    expect("prim.broadcast(x[:, :1], x.shape)", {2, 3}, {0, 0, 0, 3, 3, 3});
    expect("prim.reshape(x, (-1, 1, 3))", {2, 1, 3}, {0, 1, 2, 3, 4, 5});
    expect("prim.iota(x.shape, 1, 'float32')", {2, 3}, {0, 1, 2, 0, 1, 2});
    expect("prim.full(x.shape, 7.0)", {2, 3}, {7, 7, 7, 7, 7, 7});
  }
  expectResult("lambda x: prim.bitcast(x, 'int32')", {{"x", array({1}, {1})}},
               "int32", {1}, {0x3f800000});
}

TEST(Primitives, Reductions) {
  for (const Symbols &symbols : {Symbols(), batch}) {
    expectResult("lambda x: prim.reduce(x, 'sum', (0,), True)", x23, "float32",
                 {1, 3}, {3, 5, 7}, symbols);
    expectResult("lambda x: prim.reduce(x, 'max', (1,))", x23, "float32", {2},
                 {2, 5}, symbols);
    expectResult("lambda x: prim.reduce(x, 'prod', None)", x23, "float32", {},
                 {0}, symbols);
    expectResult("lambda x: prim.reduce(x > 4, 'any', (1,))", x23, "bool", {2},
                 {0, 1}, symbols);
    expectResult("lambda x: prim.reduce(x > 1, 'sum', (0, 1))", x23, "int32",
                 {}, {4}, symbols);
    expectResult("lambda x: prim.arg_reduce(x, 'min', 1)", x23, "int32", {2},
                 {0, 0}, symbols);
    expectResult("lambda x: prim.cumulative(x, 'sum', 1, True, False)", x23,
                 "float32", {2, 3}, {0, 0, 1, 0, 3, 7}, symbols);
    expectResult("lambda x: prim.sort(-x, 1)[0]", x23, "float32", {2, 3},
                 {-2, -1, 0, -5, -4, -3}, symbols);
    expectResult("lambda x: prim.sort(x, 1, True)[1]", x23, "int32", {2, 3},
                 {2, 1, 0, 2, 1, 0}, symbols);
    expectResult("lambda x: prim.window(x, 'max', (1, 2), (1, 1), (0, 0), "
                 "(0, 1))",
                 x23, "float32", {2, 3}, {1, 2, 2, 4, 5, 5}, symbols);
  }
}

TEST(Primitives, Contractions) {
  Inputs inputs = {{"x", sequence({2, 3})}, {"y", sequence({3, 2})}};
  expectResult("lambda x, y: prim.dot(x, y, (), (), (1,), (0,))", inputs,
               "float32", {2, 2}, {10, 13, 28, 40}, batch);
  expectResult("lambda x, y: prim.dot(x, y, (1,), (0,), (), ())", inputs,
               "float32", {3, 2, 2}, {0, 0, 0, 3, 2, 3, 8, 12, 8, 10, 20, 25},
               batch);
  expectError("lambda x, y: prim.dot(x, y, (), (), (0,), (0,))", inputs,
              "shapes (2, 3) and (3, 2) cannot be contracted");
  Inputs image = {{"x", sequence({1, 4, 1})}, {"k", sequence({2, 1, 1}, 1)}};
  expectResult("lambda x, k: prim.conv(x, k, (1,), (0,), (1,), (1,), (1,))",
               image, "float32", {1, 4, 1}, {2, 5, 8, 3}, batch);
  expectResult("lambda x, k: prim.conv(x, k, (2,), (0,), (0,), (1,), (1,))",
               image, "float32", {1, 2, 1}, {2, 8}, {{"x:1", "m"}});
  expectError("lambda x, k: prim.conv(x, k, (0,), (0,), (0,), (1,), (1,))",
              image, "'strides' must be positive, found 0");
}

TEST(Primitives, GatherAndScatter) {
  Inputs inputs = {{"x", sequence({3, 2})},
                   {"i", array({2, 1}, {2, 0}, DType::Int32)}};
  expectResult("lambda x, i: prim.gather(x, i, (0,))", inputs, "float32",
               {2, 2}, {4, 5, 0, 1}, batch);
  expectResult("lambda x, i: prim.scatter(x, i, 10, 'add', (0,))", inputs,
               "float32", {3, 2}, {10, 11, 2, 3, 14, 15}, batch);
  expectError("lambda x, i: prim.gather(x, i, (0, 1))", inputs,
              "must hold an index for each of 2 axes");
}

TEST(Primitives, Statics) {
  Outcome outcome = eval(
      "lambda x: [float(v) for v in prim.constant_value(prim.constant([1., 2.])"
      " * 2)] + [prim.rank(x), prim.is_static_shape(x), prim.may_equal(3, "
      "x.shape[0]), prim.may_equal(x.shape[0] + 1, x.shape[0])]"
      " + list(prim.broadcast_shapes((1, 3), (x.shape[0], 1)))"
      " + list(prim.canonical_axes((-1, 0), 2))"
      " + [prim.constant_value(x) is None, prim.is_float('bfloat16'), "
      "prim.is_int(x), prim.promote(x, 1) == 'float32', "
      "prim.result_type('int8', 'uint8') == 'int16']",
      x23, batch);
  ASSERT_TRUE(outcome.ok()) << outcome.diagnostics;
  const double expected[] = {2, 4, 2, 0, 1, 0, 2, 3, 1, 0, 1, 1, 0, 1, 1};
  ASSERT_EQ(outcome.outputs.size(), std::size(expected));
  for (size_t i = 0; i < std::size(expected); ++i)
    EXPECT_EQ(outcome.outputs[i].getDouble(0), expected[i]) << i;
}

TEST(Primitives, Errors) {
  const std::pair<const char *, const char *> errors[] = {
      {"prim.reduce(x, 'sum', (2,))",
       "axis 2 is out of range for a tensor of rank 2: it must be between -2 "
       "and 1"},
      {"prim.reduce(x, 'sum', (0, -2))", "axis -2 is given twice"},
      {"prim.reduce(x, 'plus', (0,))", "unknown kind 'plus'"},
      {"prim.reduce(1.5, 'sum', (0,))", "a scalar has no axes"},
      {"prim.reshape(x, (4, 2))",
       "cannot reshape (n, 3) to (4, 2): 3*n elements are not known to be 8"},
      {"prim.reshape(x, (-1, 4))", "not known to be a multiple of 4"},
      {"prim.reshape(x, (-1, -1))", "only one size of a shape can be -1"},
      {"prim.reshape(x, (3, 1.5))", "a shape needs integers, found"},
      {"prim.full((-1,), 0)", "negative size -1"},
      {"prim.full((1 << 32, 1 << 32), 0)", "is too large"},
      {"prim.reshape(x[:0], (1 << 40, 1 << 40))", "is too large"},
      {"prim.cast(x, 'int8') + 200", "the integer 200 does not fit int8"},
      {"prim.cast(x, 'float3')", "unknown dtype 'float3'"},
      {"prim.cast(x, 3)", "expected a dtype, found"},
      {"prim.transpose(x, (0,))", "needs 2 entries, found 1"},
      {"prim.concat([x, x[:, :1]], 0)", "cannot be joined along axis 0"},
      {"prim.concat([], 0)", "an empty list"},
      {"prim.slice(x, (0, 1), (1, 3))", "lies outside of axis 1"},
      {"prim.broadcast(x, (2, 4))", "does not broadcast to (2, 4)"},
      {"prim.bitcast(x, 'int8')", "different widths"},
      {"prim.sin('a')", "operand 1 of 'sin' must be a tensor or a number"},
      {"prim.add(x)", "add takes 2 arguments, found 1"},
      {"prim.arg_reduce(x[:, :0], 'max', 1)", "axis 1 is empty"},
      {"prim.random_bits(x, (2,))", "a random key is a uint32 tensor"},
      {"x + [[x, x], 1]", "different shapes"},
      {"x + {}", "unsupported operands for +"},
  };
  for (const auto &[code, message] : errors)
    expectError("lambda x: " + std::string(code), x23, message, batch);
}

} // namespace
