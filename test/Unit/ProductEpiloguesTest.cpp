//===- ProductEpiloguesTest.cpp - what runs on blocks of a product --------===//
//
// Pointwise ops behind large products, compiled as the host's and as AVX2 code,
// against the interpreter: sizes around blocks and panels, one and several
// blocks of terms, several results, operands along rows and columns, unknown
// sizes, more dimensions, none.
//
//===----------------------------------------------------------------------===//

#include "CompileHelpers.h"
#include "RandomPrograms.h"
#include "lamina/Interpreter/Interpreter.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/Support/FormatVariadic.h"
#include <cmath>

using namespace mlir;
using namespace lamina;
using namespace lamina::test;

namespace {
class ProductEpiloguesTest : public CompileTest,
                             public testing::WithParamInterface<const char *> {
protected:
  ProductEpiloguesTest() { options.mcpu = GetParam(); }

  struct Case {
    int64_t m, k, n;
    bool dynamic = false;
    DType dtype = DType::Float32;
  };

  /// `rest` follows `%y = x w` of type $y; its results are `%r0`, … In it, $y
  /// is the type of a matrix, $v of a column's, $u of a row's.
  std::string text(const Case &c, StringRef rest, unsigned results) {
    std::string element = c.dtype == DType::Float64 ? "f64" : "f32";
    auto type = [&](ArrayRef<int64_t> shape) {
      std::string text = "tensor<";
      for (int64_t size : shape)
        text += (c.dynamic ? "?" : std::to_string(size)) + "x";
      return text + element + ">";
    };
    std::string x = type({c.m, c.k}), w = type({c.k, c.n}),
                y = type({c.m, c.n}), v = type({c.m}), u = type({c.n});
    std::string returned, types;
    for (unsigned i = 0; i < results; ++i) {
      returned += (i ? ", %r" : "%r") + std::to_string(i);
      types += (i ? ", " : "") + y;
    }
    std::string all =
        "func.func @f(%x: $x, %w: $w, %b: $u, %s: $v, %c: $y) -> (" + types +
        ") {\n  %c0 = arith.constant 0 : index\n"
        "  %c1 = arith.constant 1 : index\n"
        "  %m = tensor.dim %x, %c0 : $x\n  %n = tensor.dim %w, %c1 : $w\n"
        "  %y = lam.dot %x, %w batch [] x [] contract [1] x [0] : ($x, $w) -> "
        "$y\n" +
        rest.str() + "  return " + returned + " : " + types + "\n}\n";
    for (auto [name, value] : {std::pair("$x", x),
                               {"$w", w},
                               {"$y", y},
                               {"$v", v},
                               {"$u", u},
                               {"$sizes", c.dynamic ? "sizes(%m, %n)" : ""}})
      for (size_t at; (at = all.find(name)) != std::string::npos;)
        all.replace(at, strlen(name), value);
    return all;
  }

  void check(const Case &c, StringRef rest, unsigned results) {
    if (isTooLarge(c.m * c.k * c.n))
      return;
    std::string program = text(c, rest, results);
    SCOPED_TRACE(program + llvm::formatv("{0} {1} {2}", c.m, c.k, c.n).str());
    std::unique_ptr<CompiledModel> compiled = compile(program);
    ASSERT_TRUE(compiled) << errors;
    auto module = parseSourceString<ModuleOp>(program, &context);
    CheckRandom random(7);
    std::vector<NDArray> inputs;
    for (const std::vector<int64_t> &shape :
         {std::vector{c.m, c.k}, {c.k, c.n}, {c.n}, {c.m}, {c.m, c.n}})
      inputs.push_back(random.normals(shape).cast(c.dtype));
    auto expected = interpret(module->lookupSymbol<func::FuncOp>("f"), inputs);
    ASSERT_TRUE(succeeded(expected)) << errors;
    auto actual = compiled->run("f", inputs);
    ASSERT_TRUE(bool(actual)) << llvm::toString(actual.takeError());
    ASSERT_EQ(actual->size(), results);
    double tolerance = (c.dtype == DType::Float64 ? 8e-15 : 4e-6) *
                       (2 + std::sqrt(double(c.k)));
    for (unsigned result = 0; result < results; ++result)
      for (int64_t i = 0; i < (*expected)[result].size(); ++i) {
        double a = (*actual)[result].getDouble(i),
               b = (*expected)[result].getDouble(i);
        ASSERT_LE(std::abs(a - b), tolerance * (1 + std::abs(b)))
            << "result " << result << ", element " << i;
        compared += b != 0;
      }
  }

  /// Whether the product is one with an epilogue.
  bool isFused(const Case &c, StringRef rest, unsigned results) {
    auto module = lower(text(c, rest, results), "bufferized");
    EXPECT_TRUE(module) << errors;
    return module && print(*module).find("call @lamina_gemm_f32_epilogue0") !=
                         std::string::npos;
  }

  int64_t compared = 0;
};

constexpr StringLiteral bias = R"(
  %bb = lam.broadcast %b dims [1] $sizes : $u -> $y
  %z = lam.add %y, %bb : $y
  %r0 = lam.tanh %z : $y
)";
constexpr StringLiteral scaledRows = R"(
  %ss = lam.broadcast %s dims [0] $sizes : $v -> $y
  %z = lam.mul %y, %ss : $y
  %r0 = lam.add %z, %c : $y
)";
/// The product is read again: one result is before, one behind a function.
constexpr StringLiteral severalResults = R"(
  %bb = lam.broadcast %b dims [1] $sizes : $u -> $y
  %r0 = lam.add %y, %bb : $y
  %r1 = lam.mul %r0, %c : $y
  %r2 = lam.tanh %r0 : $y
)";
/// Nobody needs the product itself: one block of it can serve for all, unless
/// several blocks of terms add to it.
constexpr StringLiteral ownBlock = R"(
  %r0 = lam.mul %y, %c : $y
  %r1 = lam.tanh %y : $y
)";
} // namespace

TEST_P(ProductEpiloguesTest, sizesAroundBlocks) {
  for (StringRef rest : {bias, scaledRows}) {
    for (auto [m, k, n] : {std::array{47, 10, 700},
                           {48, 20, 1024},
                           {49, 383, 700},
                           {97, 385, 513},
                           {100, 800, 1100},
                           {300, 33, 130},
                           {2, 64, 20000}})
      check({m, k, n}, rest, 1);
    check({193, 400, 520, false, DType::Float64}, rest, 1);
  }
  EXPECT_GT(compared, isTooLarge(INT64_MAX) ? 60000 : 400000);
}

TEST_P(ProductEpiloguesTest, unknownSizesAndNone) {
  for (StringRef rest : {bias, scaledRows})
    for (auto [m, k, n] : {std::array{0, 20, 300},
                           {50, 0, 520},
                           {50, 20, 0},
                           {1, 20, 70},
                           {67, 40, 130},
                           {53, 400, 530}})
      check({m, k, n, true}, rest, 1);
  EXPECT_GT(compared, isTooLarge(INT64_MAX) ? 30000 : 50000);
}

TEST_P(ProductEpiloguesTest, severalResults) {
  check({67, 40, 130}, severalResults, 3);
  check({67, 40, 130, true}, ownBlock, 2);
  check({101, 50, 530}, severalResults, 3);
  check({101, 500, 530}, severalResults, 3);
  check({101, 500, 530, true}, severalResults, 3);
  for (int64_t k : {50, 500})
    for (bool dynamic : {false, true})
      check({101, k, 530, dynamic}, ownBlock, 2);
  EXPECT_GT(compared, isTooLarge(INT64_MAX) ? 40000 : 800000);
}

TEST_P(ProductEpiloguesTest, areFused) {
  EXPECT_TRUE(isFused({101, 500, 530}, ownBlock, 2));
  EXPECT_TRUE(isFused({128, 64, 512}, bias, 1));
  EXPECT_TRUE(isFused({128, 64, 512, true}, scaledRows, 1));
  EXPECT_TRUE(isFused({128, 64, 512}, severalResults, 3));
  EXPECT_FALSE(isFused({32, 64, 64}, bias, 1)) << "stays in the cache";
}

// The host's own strategy may have no shared functions; AVX2 has them.
INSTANTIATE_TEST_SUITE_P(Machines, ProductEpiloguesTest,
                         testing::Values("x86-64-v3", "native"),
                         [](const auto &info) {
                           return StringRef(info.param) == "native" ? "host"
                                                                    : "avx2";
                         });
