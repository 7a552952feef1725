//===- CompiledCasesTest.cpp - compiled lam against NumPy, SciPy and JAX --===//
#include "CompileHelpers.h"
#include "RecordedCases.h"
#include "llvm/ADT/StringExtras.h"
#include <cmath>

using namespace lamina;

namespace {
class CompiledCasesTest : public CompileTest {
protected:
  CompiledCasesTest() { options.optLevel = 1; }
};

/// The last digits of libm differ between implementations.
bool agree(double actual, double expected, DType type) {
  if (std::isnan(expected) || std::isinf(expected) || actual == expected)
    return std::isnan(expected)
               ? std::isnan(actual)
               : actual == expected &&
                     std::signbit(actual) == std::signbit(expected);
  double tolerance = type == DType::Float64   ? 4e-15
                     : type == DType::Float32 ? 1e-6
                     : type == DType::Float16 ? 2e-3
                                              : 2e-2;
  return std::abs(actual - expected) <= tolerance * (1 + std::abs(expected));
}

void compare(const NDArray &actual, const NDArray &expected) {
  ASSERT_EQ(actual.dtype(), expected.dtype());
  ASSERT_EQ(std::vector<int64_t>(actual.shape()),
            std::vector<int64_t>(expected.shape()));
  for (int64_t i = 0; i < actual.size(); ++i) {
    if (isFloat(actual.dtype()))
      EXPECT_TRUE(
          agree(actual.getDouble(i), expected.getDouble(i), actual.dtype()))
          << "element " << i << " is " << actual.getDouble(i) << ", expected "
          << expected.getDouble(i);
    else
      EXPECT_EQ(actual.getInt(i), expected.getInt(i)) << "element " << i;
  }
}

/// The case's function under the name fNUMBER.
std::string renamed(const Case &each, size_t number) {
  std::string text = each.text;
  size_t at = text.find("@f(");
  return text.replace(at, 2, "@f" + std::to_string(number));
}
} // namespace

TEST_F(CompiledCasesTest, agreesWithRecordedResults) {
  std::vector<Case> cases = readCases();
  ASSERT_GT(cases.size(), 400u);
  const size_t together = 48; // functions per module: fewer start-ups
  for (size_t first = 0; first < cases.size(); first += together) {
    size_t last = std::min(first + together, cases.size());
    std::string text;
    for (size_t i = first; i < last; ++i)
      text += renamed(cases[i], i);
    std::unique_ptr<CompiledModel> all = compile(text);
    for (size_t i = first; i < last; ++i) {
      SCOPED_TRACE(cases[i].name + "\n" + cases[i].text);
      std::unique_ptr<CompiledModel> single;
      if (!all && !(single = compile(renamed(cases[i], i)))) {
        ADD_FAILURE() << errors;
        continue;
      }
      auto results =
          (all ? all : single)->run("f" + std::to_string(i), cases[i].inputs);
      if (!results) {
        ADD_FAILURE() << llvm::toString(results.takeError());
        continue;
      }
      ASSERT_EQ(results->size(), cases[i].outputs.size());
      for (auto [actual, expected] :
           llvm::zip_equal(*results, cases[i].outputs))
        compare(actual, expected);
    }
  }
}
