//===- InterpreterTest.cpp - lam against NumPy, SciPy and JAX -------------===//

#include "lamina/Interpreter/Interpreter.h"
#include "RecordedCases.h"
#include "lamina/Lam/Lam.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/MemoryBuffer.h"
#include "gtest/gtest.h"
#include <chrono>
#include <cmath>
#include <random>

using namespace mlir;
using namespace lamina;

namespace {
class InterpreterTest : public testing::Test {
protected:
  InterpreterTest() {
    context.loadDialect<lam::LamDialect, func::FuncDialect, arith::ArithDialect,
                        tensor::TensorDialect>();
    context.getDiagEngine().registerHandler([this](Diagnostic &diagnostic) {
      errors += diagnostic.str() + "\n";
      return success();
    });
  }

  /// The results of the function @f of `text`, or nothing and `errors`.
  std::optional<std::vector<NDArray>>
  run(StringRef text, ArrayRef<NDArray> inputs,
      Rounding rounding = Rounding::Declared) {
    errors.clear();
    module = parseSourceString<ModuleOp>(text, &context);
    if (!module)
      return std::nullopt;
    auto function = module->lookupSymbol<func::FuncOp>("f");
    FailureOr<std::vector<NDArray>> results =
        interpret(function, inputs, rounding);
    if (failed(results))
      return std::nullopt;
    return std::move(*results);
  }

  MLIRContext context;
  OwningOpRef<ModuleOp> module;
  std::string errors;
};
} // namespace

/// Equal up to rounding; special values and the sign of zero exactly.
static bool agree(double actual, double expected) {
  if (std::isnan(expected) || std::isinf(expected) || actual == expected)
    return std::isnan(expected)
               ? std::isnan(actual)
               : actual == expected &&
                     std::signbit(actual) == std::signbit(expected);
  return std::abs(actual - expected) <= 1e-14 * std::abs(expected) + 1e-15;
}

static void compare(const NDArray &actual, const NDArray &expected) {
  ASSERT_EQ(actual.dtype(), expected.dtype());
  ASSERT_EQ(actual.shape().vec(), expected.shape().vec());
  for (int64_t i = 0; i < actual.size(); ++i) {
    if (isFloat(actual.dtype()))
      EXPECT_TRUE(agree(actual.getDouble(i), expected.getDouble(i)))
          << "element " << i << " is " << actual.getDouble(i) << ", expected "
          << expected.getDouble(i);
    else
      EXPECT_EQ(actual.getInt(i), expected.getInt(i)) << "element " << i;
  }
}

TEST_F(InterpreterTest, agreesWithRecordedResults) {
  std::vector<Case> cases = readCases();
  ASSERT_GT(cases.size(), 400u);
  for (Case &each : cases) {
    SCOPED_TRACE(each.name);
    auto results = run(each.text, each.inputs);
    if (!results) {
      ADD_FAILURE() << errors;
      continue;
    }
    ASSERT_EQ(results->size(), each.outputs.size());
    for (auto [actual, expected] : llvm::zip_equal(*results, each.outputs))
      compare(actual, expected);
  }
}

//===----------------------------------------------------------------------===//
// Random bits: the test vectors of Random123
//===----------------------------------------------------------------------===//

TEST_F(InterpreterTest, randomBitsAreThreefry) {
  NDArray key(DType::UInt32, {2});
  auto results = run(R"(
    func.func @f(%k: tensor<2xui32>) -> tensor<3xui32> {
      %y = lam.random_bits %k : tensor<2xui32> -> tensor<3xui32>
      return %y : tensor<3xui32>
    })",
                     {key});
  ASSERT_TRUE(results) << errors;
  EXPECT_EQ((*results)[0].getInt(0), 0x6b200159);
  EXPECT_EQ((*results)[0].getInt(1), 0x99ba4efe);
}

//===----------------------------------------------------------------------===//
// Sizes, calls, control of what is wrong
//===----------------------------------------------------------------------===//

TEST_F(InterpreterTest, sizesAreComputed) {
  NDArray x(DType::Float32, {7, 3});
  auto results = run(R"(
    func.func @f(%x: tensor<?x3xf32>) -> (tensor<i32>, tensor<?xf32>) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c3 = arith.constant 3 : index
      %n = tensor.dim %x, %c0 : tensor<?x3xf32>
      %m = arith.muli %n, %c3 : index
      %h = arith.floordivsi %m, %c3 : index
      %p = arith.addi %m, %c1 : index
      %l = arith.cmpi slt, %p, %m : index
      %s = arith.select %l, %h, %m : index
      %y = lam.reshape %x sizes(%s) : tensor<?x3xf32> -> tensor<?xf32>
      %z = lam.from_size %h : tensor<i32>
      return %z, %y : tensor<i32>, tensor<?xf32>
    })",
                     {x});
  ASSERT_TRUE(results) << errors;
  EXPECT_EQ((*results)[0].getInt(0), 7);
  EXPECT_EQ((*results)[1].shape().vec(), (std::vector<int64_t>{21}));
}

TEST_F(InterpreterTest, callsFunctions) {
  NDArray x(DType::Float64, {2});
  x.setDouble(0, 3);
  auto results = run(R"(
    func.func @square(%x: tensor<2xf64>) -> tensor<2xf64> {
      %y = lam.mul %x, %x : tensor<2xf64>
      return %y : tensor<2xf64>
    }
    func.func @f(%x: tensor<2xf64>) -> tensor<2xf64> {
      %y = call @square(%x) : (tensor<2xf64>) -> tensor<2xf64>
      %z = call @square(%y) : (tensor<2xf64>) -> tensor<2xf64>
      return %z : tensor<2xf64>
    })",
                     {x});
  ASSERT_TRUE(results) << errors;
  EXPECT_EQ((*results)[0].getDouble(0), 81);
}

TEST_F(InterpreterTest, floatsAreNotRoundedOnTheWay) {
  NDArray x(DType::Float32, {1});
  x.setDouble(0, 1);
  const char *text = R"(
    func.func @f(%x: tensor<1xf32>) -> (tensor<1xf32>, tensor<1xf32>) {
      %e = lam.constant dense<1.0e-10> : tensor<1xf32>
      %s = lam.add %x, %e : tensor<1xf32>
      %y = lam.sub %s, %x : tensor<1xf32>
      %n = lam.cast %s : tensor<1xf32> -> tensor<1xf16>
      %w = lam.cast %n : tensor<1xf16> -> tensor<1xf32>
      %z = lam.sub %w, %x : tensor<1xf32>
      return %y, %z : tensor<1xf32>, tensor<1xf32>
    })";
  auto results = run(text, {x});
  ASSERT_TRUE(results) << errors;
  EXPECT_NEAR((*results)[0].getDouble(0), 1e-10, 1e-15);
  EXPECT_EQ((*results)[1].getDouble(0), 0); // a cast rounds

  // Without rounding a float32 takes a float64 and stays one.
  NDArray wide(DType::Float64, {1});
  wide.setDouble(0, 1 + 1e-12);
  EXPECT_FALSE(run(text, {wide}));
  results = run(text, {wide}, Rounding::None);
  ASSERT_TRUE(results) << errors;
  for (const NDArray &result : *results) {
    EXPECT_EQ(result.dtype(), DType::Float64);
    EXPECT_NEAR(result.getDouble(0), 1e-10, 1e-15);
  }
}

TEST_F(InterpreterTest, withoutRoundingBitsAndIntegersKeepTheirTypes) {
  NDArray x(DType::Float64, {2}), n(DType::Int32, {2});
  x.setDouble(0, 1.5);
  x.setDouble(1, 0.1);
  n.setInt(0, 16777217); // not a float32
  auto results = run(R"(
    func.func @f(%x: tensor<2xf32>, %n: tensor<2xi32>)
        -> (tensor<2xi32>, tensor<2xf32>, tensor<2xi32>) {
      %bits = lam.bitcast %x : tensor<2xf32> -> tensor<2xi32>
      %wide = lam.cast %n : tensor<2xi32> -> tensor<2xf32>
      %floor = lam.cast %x : tensor<2xf32> -> tensor<2xi32>
      return %bits, %wide, %floor : tensor<2xi32>, tensor<2xf32>, tensor<2xi32>
    })",
                     {x, n}, Rounding::None);
  ASSERT_TRUE(results) << errors;
  EXPECT_EQ((*results)[0].dtype(), DType::Int32);
  EXPECT_EQ((*results)[0].getInt(0), 0x3fc00000);
  EXPECT_EQ((*results)[0].getInt(1), 0x3dcccccd);
  EXPECT_EQ((*results)[1].getDouble(0), 16777217);
  EXPECT_EQ((*results)[2].getInt(0), 1);
  EXPECT_FALSE(
      run("func.func @f(%x: tensor<2xi32>) { return }", {x}, Rounding::None));
}

TEST_F(InterpreterTest, brokenPreconditionsAreErrors) {
  NDArray x(DType::Float32, {2, 3}), y(DType::Float32, {4});
  auto fails = [&](StringRef body, ArrayRef<NDArray> inputs,
                   StringRef message) {
    std::string text = "func.func @f(%x: tensor<?x?xf32>, %y: tensor<?xf32>) "
                       "-> () {\n" +
                       body.str() + "\nreturn }";
    EXPECT_FALSE(run(text, inputs)) << body.str();
    EXPECT_NE(errors.find(message.str()), std::string::npos) << errors;
  };
  fails("%z = lam.reshape %x : tensor<?x?xf32> -> tensor<7xf32>", {x, y},
        "cannot reshape [2, 3] to [7]");
  fails("%z = lam.broadcast %y dims [0] : tensor<?xf32> -> tensor<5xf32>",
        {x, y}, "cannot repeat dimension 0 of size 4 to size 5");
  fails("%z = lam.slice %y [3] strides [2] : tensor<?xf32> -> tensor<2xf32>",
        {x, y},
        "places 2 elements from 3 by 2 in dimension 0, which has "
        "size 4");
  fails("%z = lam.dot %x, %y batch [] x [] contract [1] x [0] : "
        "(tensor<?x?xf32>, tensor<?xf32>) -> tensor<?xf32>",
        {x, y}, "cannot contract [2, 3] with [4]");
  fails("%c = arith.constant -1 : index\n"
        "%z = lam.iota 0 sizes(%c) : tensor<?xf32>",
        {x, y}, "the size -1 is negative");
  fails("%c = arith.constant 4000000000000 : index\n"
        "%z = lam.iota 0 sizes(%c) : tensor<?xf32>",
        {x, y}, "is too large");
  fails("%c = arith.constant 0 : index\n%d = arith.divsi %c, %c : index",
        {x, y}, "divides 0 by 0");
  fails("%z = lam.concat %x, %x dim 0 : (tensor<?x?xf32>, tensor<?x?xf32>) -> "
        "tensor<5x3xf32>",
        {x, y},
        "the result has shape [4, 3], which is not a "
        "'tensor<5x3xf32>'");
  fails("", {x}, "expects 2 inputs, got 1");
  fails("", {y, y}, "input 0 is float32[4], expected 'tensor<?x?xf32>'");
  fails("func.call @f(%x, %y) : (tensor<?x?xf32>, tensor<?xf32>) -> ()", {x, y},
        "calls are nested deeper than 200");
}

TEST_F(InterpreterTest, isFastEnoughAsAnOracle) {
  std::mt19937 random(1);
  NDArray a(DType::Float32, {512, 784}), b(DType::Float32, {784, 512});
  for (int64_t i = 0; i < a.size(); ++i) {
    a.setDouble(i, static_cast<int>(random() % 17) - 8);
    b.setDouble(i, static_cast<int>(random() % 17) - 8);
  }
  auto start = std::chrono::steady_clock::now();
  auto results = run(R"(
    func.func @f(%a: tensor<512x784xf32>, %b: tensor<784x512xf32>)
        -> tensor<512x512xf32> {
      %y = lam.dot %a, %b batch [] x [] contract [1] x [0]
        : (tensor<512x784xf32>, tensor<784x512xf32>) -> tensor<512x512xf32>
      %z = lam.tanh %y : tensor<512x512xf32>
      return %y : tensor<512x512xf32>
    })",
                     {a, b});
  double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start)
          .count();
  ASSERT_TRUE(results) << errors;
  double sum = 0;
  for (int64_t k = 0; k < 784; ++k)
    sum += a.getDouble(3 * 784 + k) * b.getDouble(k * 512 + 5);
  EXPECT_EQ((*results)[0].getDouble(3 * 512 + 5), sum);
  // Generous: the machine may be busy, the build unoptimized.
  EXPECT_LT(seconds, 20);
}
