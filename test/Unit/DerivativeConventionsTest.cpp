//===- DerivativeConventionsTest.cpp - kinks, ties, zeros, guards ---------===//
//
// What a derivative is where there is none: the numbers of Keras 3.15 on JAX
// (float64), recorded. Where JAX gives NaN behind a guard, it is 0 here; see
// docs/derivatives.md.
//
//===----------------------------------------------------------------------===//

#include "EvalHarness.h"

using namespace lamina;
using namespace lamina::test;

namespace {
struct Convention {
  const char *function; // of x; its sum is differentiated
  std::vector<double> x, gradient;
};
constexpr double inf = INFINITY, nan = NAN;

void expectGradients(llvm::ArrayRef<Convention> conventions) {
  for (const Convention &each : conventions) {
    SCOPED_TRACE(each.function);
    auto size = static_cast<int64_t>(each.x.size());
    Outcome outcome = EvalHarness().eval(
        "lambda x: grad(lambda x: " + std::string(each.function) + ")(x)",
        {{"x", array({size}, each.x, DType::Float64)}});
    ASSERT_TRUE(outcome.ok()) << outcome.diagnostics;
    expectArray(outcome.outputs[0], "float64", {size}, each.gradient, 1e-12);
  }
}

TEST(DerivativeConventions, kinks) {
  expectGradients({
      {"abs(x)", {-1, 0, 2}, {-1, 1, 1}},
      {"sign(x)", {-1, 0, 2}, {0, 0, 0}},
      {"relu(x)", {-1, 0, 2}, {0, 0, 1}},
      {"relu6(x)", {-1, 0, 2, 6, 7}, {0, 0, 1, 0, 0}},
      {"leaky_relu(x)", {-1, 0, 2}, {0.2, 1, 1}},
      {"elu(x)", {-1, 0, 2}, {0.36787944117144233, 1, 1}},
      {"selu(x)", {0, 2}, {1.7580993408473766, 1.0507009873554805}},
      {"hard_sigmoid(x)", {-4, -3, 0, 3, 4}, {0, 0, 1. / 6, 0, 0}},
      {"hard_silu(x)", {-4, -3, 0, 3, 4}, {0, 0, 0.5, 1, 1}},
      {"soft_shrink(x)", {-.5, 0, .5, 1}, {0, 0, 0, 1}},
      {"hard_shrink(x)", {-.5, 0, .5, 1}, {0, 0, 0, 1}},
      {"threshold(x, 1.0, 0.0)", {0, 1, 2}, {0, 0, 1}},
      {"clip(x, -1.0, 1.0)", {-2, -1, 0, 1, 2}, {0, 0.5, 1, 0.5, 0}},
      {"floor(x)", {-1, 0.5, 2}, {0, 0, 0}},
      {"round(x)", {-1, 0.5, 2}, {0, 0, 0}},
      {"mod(x, 2.0)", {-1, 0.5, 2}, {1, 1, 1}},
      {"floor_divide(x, 2.0)", {-1, 0.5, 2}, {0, 0, 0}},
      {"cast(cast(x, 'int32'), 'float64') * x", {1.5, 3}, {1, 3}},
  });
}

TEST(DerivativeConventions, ties) {
  expectGradients({
      {"maximum(x, 1.0)", {0, 1, 2}, {0, 0.5, 1}},
      {"minimum(x, 1.0)", {0, 1, 2}, {1, 0.5, 0}},
      {"maximum(x, x)", {0, 1, 2}, {1, 1, 1}},
      {"fmax(x, 1.0)", {0, 1, 2}, {0, 0, 1}},
      {"hypot(x, x * 0.0)", {-1, 0, 2}, {-1, 0.5, 1}},
      {"logaddexp(x, stop_gradient(x))", {-1, 0, 2}, {0.5, 0.5, 0.5}},
      {"normalize(x)", {0, 0}, {1e7, 1e7}},
      {"max(x)", {1, 3, 3, 2}, {0, 0.5, 0.5, 0}},
      {"max(x)", {2, 2, 2}, {1. / 3, 1. / 3, 1. / 3}},
      {"min(x)", {1, 3, 1, 2}, {0.5, 0, 0.5, 0}},
      {"sort(x) * np.array([1., 10., 100.])", {2, 1, 2}, {10, 1, 100}},
      {"top_k(x, 2)[0] * np.array([1., 10.])", {2, 1, 2}, {1, 0, 10}},
      {"median(x)", {2, 1, 2, 5}, {0.5, 0, 0.5, 0}},
      {"cast(argmax(x), 'float64') * x", {1, 3}, {1, 1}},
  });
}

TEST(DerivativeConventions, zerosAndEndsOfTheDomain) {
  expectGradients({
      {"sqrt(x)", {0, 1, 4}, {inf, 0.5, 0.25}},
      {"log(x)", {0, 1}, {inf, 1}},
      {"x ** 2", {-1, 0, 3}, {-2, 0, 6}},
      {"x ** 1", {-1, 0, 3}, {1, 1, 1}},
      {"x ** 0.5", {0, 1, 4}, {inf, 0.5, 0.25}},
      {"x ** 2.5", {0, 1, 4}, {0, 2.5, 20}},
      {"2.0 ** x", {-1, 0}, {0.34657359027997264, 0.6931471805599453}},
      {"power(0.0, x)", {0, 1, 3}, {0, 0, 0}},
      {"arcsin(x)", {0, 1}, {1, inf}},
      {"arctan2(x, 0.0)", {0, 1}, {nan, 0}},
      {"norm(x)", {3, 0, 4}, {0.6, 0, 0.8}},
      {"norm(x)", {0, 0}, {nan, nan}},
      {"std(x)", {1, 1}, {nan, nan}},
      {"var(x)", {1, 1}, {0, 0}},
      {"prod(x)", {2, 0, 3}, {0, 6, 0}},
      {"prod(x)", {2, 0, 0}, {0, 0, 0}},
      {"cumprod(x)", {2, 0, 3}, {1, 8, 0}},
      {"logsumexp(x)", {1, 1}, {0.5, 0.5}},
      {"softplus(x)", {-1000, 0, 1000}, {0, 0.5, 1}},
      {"sigmoid(x)", {-1000, 0, 1000}, {0, 0.25, 0}},
      {"tanh(x)", {-1000, 0, 1000}, {0, 1, 0}},
      {"log_softmax(x)[0]", {1000, 0}, {0, 0}},
      {"nan_to_num(x)", {nan, 1}, {0, 1}},
  });
}

std::vector<double> numbers(const NDArray &array) {
  std::vector<double> result;
  for (int64_t i = 0; i < array.size(); ++i)
    result.push_back(array.getDouble(i));
  return result;
}

/// The derivative of <grad f, v>, of which the first, second and third zero
/// have their own.
std::vector<double> hessianTimes(const std::string &f, bool unknownSize,
                                 llvm::ArrayRef<double> x) {
  int64_t size = x.size();
  std::string body =
      "lambda x: grad(lambda t: sum(grad(lambda s: np.sum(" + f +
      "))(t) * (1.0 + cast(arange(x.shape[0]), 'float64') ** 2)))(x)";
  NDArray input = array({size}, x.vec(), DType::Float64);
  std::map<std::string, std::string> symbols;
  if (unknownSize)
    symbols["x:0"] = "n";
  Outcome outcome = EvalHarness().eval(body, {{"x", input}}, symbols);
  EXPECT_TRUE(outcome.ok()) << outcome.diagnostics;
  return outcome.ok() ? numbers(outcome.outputs[0]) : std::vector<double>();
}

void expectNear(llvm::ArrayRef<double> found, llvm::ArrayRef<double> expected) {
  ASSERT_EQ(found.size(), expected.size());
  for (auto [a, b] : llvm::zip(found, expected))
    EXPECT_NEAR(a, b, 1e-12 * std::fabs(b));
}

/// What the same products give when they are written out.
TEST(DerivativeConventions, secondDerivativesOfProductsAtZeros) {
  // Powers of ten tell the results apart.
  std::string weights = "10.0 ** cast(arange(s.shape[0]), 'float64')";
  std::string running = "stack([x[0], x[0]*x[1], x[0]*x[1]*x[2], "
                        "x[0]*x[1]*x[2]*x[3]])";
  std::string backwards = "stack([x[0]*x[1]*x[2]*x[3], x[1]*x[2]*x[3], "
                          "x[2]*x[3], x[3]])";
  for (std::vector<double> x : std::vector<std::vector<double>>{{2, 3, 4, 5},
                                                                {0, 3, 4, 5},
                                                                {2, 0, 4, 0},
                                                                {0, 0, 4, 5},
                                                                {2, 0, 0, 5},
                                                                {2, 3, 0, 0},
                                                                {0, 2, 0, 0},
                                                                {0, 0, 0, 0}}) {
    auto written = [&](std::string f) {
      for (size_t at = 0; (at = f.find("x[", at)) != std::string::npos;)
        f[at] = 's';
      return hessianTimes(f, false, x);
    };
    auto expected = written(running + " * " + weights);
    expectNear(hessianTimes("cumprod(s) * " + weights, true, x), expected);
    expectNear(hessianTimes("cumprod(s) * " + weights, false, x), expected);
    expectNear(hessianTimes("flip(cumprod(flip(s))) * " + weights, true, x),
               written(backwards + " * " + weights));
    expectNear(hessianTimes("prod(s)", true, x),
               written("x[0]*x[1]*x[2]*x[3]"));
    expectNear(hessianTimes("scatter_update(s[:2], [[0], [1], [0], [0]], s, "
                            "'mul') * np.array([3., 5.])",
                            false, x),
               written("3.0*x[0]*x[0]*x[2]*x[3] + 5.0*x[1]*x[1]"));
  }
}

/// JAX gives NaN for the elements of the branch that is not taken.
TEST(DerivativeConventions, guardedBranchesAreZero) {
  expectGradients({
      {"where(x > 0, log(x), 0.0)", {-1, 0, 2}, {0, 0, 0.5}},
      {"where(x > 0, sqrt(x), 0.0)", {-1, 0, 4}, {0, 0, 0.25}},
      {"where(x != 0, 1.0 / x, 0.0)", {-1, 0, 4}, {-1, 0, -0.0625}},
      {"where(x > 0, x ** 0.5, -x)", {-1, 0, 4}, {-1, -1, 0.25}},
      {"where(x > 0, log(sqrt(x) * 2), 0.0)", {-1, 0, 4}, {0, 0, 0.125}},
      {"where(x > 0, sum(log(x)), 0.0)", {1, 2}, {2, 1}},
      {"where(x > 0, exp(reshape(log(x), (-1,))), x)", {-1, 0, 4}, {1, 1, 1}},
      {"x ** 0", {-1, 0, 3}, {0, 0, 0}},
      {"power(x, 0.0)", {-1, 0, 3}, {0, 0, 0}},
      {"power(x, x)", {0, 1}, {0, 1}},
  });
}
} // namespace
