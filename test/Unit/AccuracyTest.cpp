//===- AccuracyTest.cpp - sums of ten million numbers ---------------------===//
//
// Compiled reductions of long rows and of long columns against float64. The
// error of numbers of one sign is relative to the result; that of sums and means
// of both signs relative to the sum of magnitudes, as an addition in another
// order would be.
//
//===----------------------------------------------------------------------===//
#include "CompileHelpers.h"
#include "EvalHarness.h"
#include "lamina/Check/GradientCheck.h"

using namespace lamina;

namespace {
struct Case {
  const char *function;
  int64_t rows, columns;
  int axis;
};

std::ostream &operator<<(std::ostream &os, const Case &c) {
  return os << c.function << " of " << c.rows << " x " << c.columns
            << " along axis " << c.axis;
}

/// The exact result of one row or column, and what errors are relative to where
/// signs differ.
struct Exact {
  long double value = 0, scale = 0;
};

class Accuracy : public CompileTest, public testing::WithParamInterface<Case> {
protected:
  void SetUp() override {
    std::string code = std::string("lambda x: keras.ops.") +
                       GetParam().function +
                       "(x, axis=" + std::to_string(GetParam().axis) + ")";
    test::Outcome outcome = test::EvalHarness().eval(
        code, {{"x", test::sequence({2, 3})}}, {{"x:0", "n"}, {"x:1", "m"}});
    ASSERT_TRUE(outcome.ok()) << outcome.diagnostics;
    model = compile(outcome.ir);
    ASSERT_TRUE(model) << errors;
  }

  std::unique_ptr<CompiledModel> model;

  static Exact exact(const NDArray &x, int64_t first, int64_t step,
                     int64_t count, llvm::StringRef function) {
    long double sum = 0, sizes = 0, squares = 0, exponentials = 0;
    for (int64_t i = 0; i < count; ++i) {
      long double value = x.getDouble(first + i * step);
      sum += value;
      sizes += std::abs(value);
      if (function == "logsumexp")
        exponentials += std::exp(double(value));
    }
    long double mean = sum / count;
    for (int64_t i = 0; function == "var" && i < count; ++i) {
      long double off = x.getDouble(first + i * step) - mean;
      squares += off * off;
    }
    if (function == "sum")
      return {sum, sizes};
    if (function == "mean")
      return {mean, sizes / count};
    if (function == "var")
      return {squares / count, squares / count};
    return {std::log(exponentials), std::log(exponentials)};
  }

  /// The largest error of `value`, or of `scale` with `bothSigns`.
  double worst(bool bothSigns) {
    const Case &c = GetParam();
    CheckRandom random(7);
    NDArray x(DType::Float32, {c.rows, c.columns});
    for (int64_t i = 0; i < x.size(); ++i)
      x.setDouble(i, bothSigns ? random.normal() : random.uniform(0, 1));
    auto results = model->run(model->signature().entries[0].name, {x});
    if (!results) {
      ADD_FAILURE() << llvm::toString(results.takeError());
      return 1;
    }
    int64_t count = c.axis == 0 ? c.rows : c.columns,
            step = c.axis == 0 ? c.columns : 1;
    double worst = 0;
    const NDArray &y = results->front();
    for (int64_t i = 0; i < y.size(); ++i) {
      Exact expected =
          exact(x, c.axis == 0 ? i : i * c.columns, step, count, c.function);
      long double error = std::abs(y.getDouble(i) - expected.value),
                  scale = bothSigns ? expected.scale : expected.value;
      worst = std::max(worst, double(error / scale));
    }
    RecordProperty("error", std::to_string(worst * 1e9) + "e-9");
    return worst;
  }
};

constexpr int64_t many = 10000000;
constexpr Case cases[] = {
    {"sum", 1, many, 1},       {"sum", many, 1, 0},
    {"sum", 1000003, 9, 0},    {"sum", 9, 1000003, 1},
    {"sum", 100003, 97, 0},    {"mean", 1, many, 1},
    {"mean", many, 1, 0},      {"mean", 1000003, 9, 0},
    {"var", 1, many, 1},       {"var", many, 1, 0},
    {"var", 1000003, 9, 0},    {"logsumexp", 1, many, 1},
    {"logsumexp", many, 1, 0}, {"logsumexp", 1000003, 9, 0},
};
} // namespace

TEST_P(Accuracy, OneSign) { EXPECT_LE(worst(false), 3e-7); }
TEST_P(Accuracy, BothSigns) { EXPECT_LE(worst(true), 3e-7); }

INSTANTIATE_TEST_SUITE_P(Long, Accuracy, testing::ValuesIn(cases));
