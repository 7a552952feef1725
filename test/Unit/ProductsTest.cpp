//===- ProductsTest.cpp - large matrix products, compiled -----------------===//
//
// Products of every form through the shared functions, on the host and as
// AVX2 code, against the interpreter: sizes around panels, register tiles and
// blocks, none and one, unknown sizes, every order of dimensions, special
// values.
//
//===----------------------------------------------------------------------===//

#include "CompileHelpers.h"
#include "RandomPrograms.h"
#include "lamina/Interpreter/Interpreter.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/StringExtras.h"
#include <cmath>

using namespace mlir;
using namespace lamina;
using namespace lamina::test;

namespace {
using Dims = std::vector<int64_t>;

/// One product: the operands' shapes with the positions of what they share.
struct Product {
  Dims a, b, batchA, batchB, contractA, contractB;
  bool dynamic = false; // no size is known to the compiler
};

class ProductsTest : public CompileTest,
                     public testing::WithParamInterface<const char *> {
protected:
  ProductsTest() { options.mcpu = GetParam(); }

  static std::string type(const Dims &shape, StringRef element, bool dynamic) {
    std::string text = "tensor<";
    for (int64_t size : shape)
      text += (dynamic ? "?" : std::to_string(size)) + "x";
    return text + element.str() + ">";
  }

  static std::string list(const Dims &numbers) {
    return "[" +
           llvm::join(llvm::map_range(
                          numbers, [](int64_t n) { return std::to_string(n); }),
                      ", ") +
           "]";
  }

  static Dims resultShape(const Product &p) {
    Dims shape;
    for (int64_t axis : p.batchA)
      shape.push_back(p.a[axis]);
    auto free = [&](const Dims &sizes, const Dims &batch,
                    const Dims &contract) {
      for (auto [axis, size] : llvm::enumerate(sizes))
        if (!llvm::is_contained(batch, axis) &&
            !llvm::is_contained(contract, axis))
          shape.push_back(size);
    };
    free(p.a, p.batchA, p.contractA);
    free(p.b, p.batchB, p.contractB);
    return shape;
  }

  static std::string text(const Product &p, StringRef element, size_t number) {
    std::string a = type(p.a, element, p.dynamic),
                b = type(p.b, element, p.dynamic),
                y = type(resultShape(p), element, p.dynamic);
    return "func.func @f" + std::to_string(number) + "(%a: " + a +
           ", %b: " + b + ") -> " + y + " {\n  %y = lam.dot %a, %b batch " +
           list(p.batchA) + " x " + list(p.batchB) + " contract " +
           list(p.contractA) + " x " + list(p.contractB) + " : (" + a + ", " +
           b + ") -> " + y + "\n  return %y : " + y + "\n}\n";
  }

  static int64_t work(const Product &p) {
    int64_t result = 1;
    for (int64_t size : resultShape(p))
      result *= size;
    for (int64_t axis : p.contractA)
      result *= p.a[axis];
    return result;
  }

  /// Compiles all products as one module, and compares each.
  void check(std::vector<Product> products, DType dtype, bool special = false) {
    llvm::erase_if(products,
                   [&](const Product &p) { return isTooLarge(work(p)); });
    StringRef element = dtype == DType::Float64 ? "f64" : "f32";
    std::string all;
    for (auto [i, product] : llvm::enumerate(products))
      all += text(product, element, i);
    std::unique_ptr<CompiledModel> compiled = compile(all);
    ASSERT_TRUE(compiled) << errors << all;
    auto module = parseSourceString<ModuleOp>(all, &context);
    CheckRandom random(7);
    for (auto [i, product] : llvm::enumerate(products)) {
      SCOPED_TRACE(text(product, element, i) + list(product.a) + " " +
                   list(product.b));
      std::vector<NDArray> inputs;
      for (const Dims &shape : {product.a, product.b}) {
        NDArray values = random.normals(shape);
        if (special)
          for (int64_t j = 0; j < values.size(); j += 1 + values.size() / 3)
            values.setDouble(
                j, std::array<double, 4>{INFINITY, -0.0, NAN,
                                         -INFINITY}[random.integer(0, 3)]);
        inputs.push_back(values.cast(dtype));
      }
      std::string name = "f" + std::to_string(i);
      auto expected =
          interpret(module->lookupSymbol<func::FuncOp>(name), inputs);
      ASSERT_TRUE(succeeded(expected)) << errors;
      auto results = compiled->run(name, inputs);
      ASSERT_TRUE(bool(results)) << llvm::toString(results.takeError());
      double terms = 1;
      for (int64_t axis : product.contractA)
        terms *= product.a[axis];
      compare(results->front(), expected->front(),
              (dtype == DType::Float64 ? 8e-15 : 4e-6) *
                  (2 + std::sqrt(terms)));
    }
  }

  void compare(const NDArray &actual, const NDArray &wanted, double tolerance) {
    ASSERT_EQ(actual.shape(), wanted.shape());
    for (int64_t i = 0; i < actual.size(); ++i) {
      double x = actual.getDouble(i), y = wanted.getDouble(i);
      ASSERT_TRUE((std::isnan(x) && std::isnan(y)) || x == y ||
                  std::abs(x - y) <= tolerance)
          << "element " << i << " is " << x << ", expected " << y;
      compared += y != 0;
    }
  }

  int64_t compared = 0;
};

Product matrices(int64_t m, int64_t k, int64_t n, bool turnA = false,
                 bool turnB = false, bool dynamic = false) {
  return {turnA ? Dims{k, m} : Dims{m, k},
          turnB ? Dims{n, k} : Dims{k, n},
          {},
          {},
          {turnA ? 0 : 1},
          {turnB ? 1 : 0},
          dynamic};
}
} // namespace

TEST_P(ProductsTest, sizesAroundTilesAndBlocks) {
  std::vector<Product> products;
  for (int64_t m : {1, 2, 3, 5, 7, 13, 31})
    products.push_back(matrices(m, 37, 83));
  for (int64_t n : {8, 15, 16, 17, 47, 48, 49, 63, 64, 65, 127, 130})
    products.push_back(matrices(11, 67, n));
  for (int64_t k : {8, 9, 255, 256, 257, 383, 384, 385, 800})
    products.push_back(matrices(9, k, 70));
  products.push_back(
      matrices(200, 390, 1100)); // several blocks in each direction
  products.push_back(matrices(385, 20, 600));
  // Single rows, as such and as what a block of rows leaves.
  for (int64_t n : {64, 127, 512, 600, 1100})
    products.push_back(matrices(1, 390, n));
  products.push_back(matrices(193, 40, 200));
  check(products, DType::Float32);
  check(products, DType::Float64);
  EXPECT_GT(compared, isTooLarge(INT64_MAX) ? 30000 : 400000);
}

TEST_P(ProductsTest, noneAndUnknown) {
  std::vector<Product> products;
  for (bool dynamic : {false, true})
    for (auto [m, k, n] : {std::array{0, 20, 40},
                           {5, 0, 64},
                           {3, 30, 0},
                           {1, 1, 600},
                           {33, 17, 1},
                           {37, 500, 129}})
      products.push_back(matrices(m, k, n, false, false, dynamic));
  check(products, DType::Float32);
  check(products, DType::Float64);
}

TEST_P(ProductsTest, transposedOperands) {
  std::vector<Product> products;
  for (auto [m, k, n] : {std::array{33, 65, 129},
                         {3, 300, 50},
                         {70, 31, 17},
                         {1, 64, 64},
                         {256, 400, 70},
                         {512, 19, 64}})
    for (bool turnA : {false, true})
      for (bool turnB : {false, true})
        for (bool dynamic : {false, true})
          products.push_back(matrices(m, k, n, turnA, turnB, dynamic));
  check(products, DType::Float32);
  check(products, DType::Float64);
}

TEST_P(ProductsTest, moreDimensions) {
  std::vector<Product> products = {
      // Attention: scores and values.
      {{2, 3, 17, 40}, {2, 3, 19, 40}, {0, 1}, {0, 1}, {3}, {3}},
      {{2, 3, 17, 40}, {2, 3, 40, 19}, {0, 1}, {0, 1}, {3}, {2}},
      // Batches that are not outermost, as in multi-head layouts.
      {{2, 17, 3, 40}, {2, 19, 3, 40}, {0, 2}, {0, 2}, {3}, {3}},
      // Several summed and free dimensions, together and apart.
      {{4, 5, 6, 7}, {6, 7, 5, 8}, {}, {}, {2, 3}, {0, 1}},
      {{4, 6, 5, 7}, {7, 9, 6, 11}, {}, {}, {1, 3}, {2, 0}},
      {{30, 4, 20}, {20, 3, 17}, {}, {}, {2}, {0}},
  };
  for (Product product : std::vector(products)) {
    product.dynamic = true;
    products.push_back(product);
  }
  check(products, DType::Float32);
  check(products, DType::Float64);
}

TEST_P(ProductsTest, specialValues) {
  std::vector<Product> products;
  for (int64_t n : {10, 16, 65})
    for (bool turnB : {false, true})
      products.push_back(matrices(13, 60, n, false, turnB));
  check(products, DType::Float32, /*special=*/true);
}

TEST_P(ProductsTest, areCalls) {
  auto module = lower(text(matrices(9, 64, 64), "f32", 0), "bufferized");
  ASSERT_TRUE(module) << errors;
  EXPECT_NE(print(*module).find("call @lamina_gemm_f32"), std::string::npos);
}

// The host's own strategy may have no shared functions; AVX2 has them.
INSTANTIATE_TEST_SUITE_P(Machines, ProductsTest,
                         testing::Values("x86-64-v3", "native"),
                         [](const auto &info) {
                           return StringRef(info.param) == "native" ? "host"
                                                                    : "avx2";
                         });
