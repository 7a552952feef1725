//===- IndexingTest.cpp - tensor indexing against NumPy -------------------===//

#include "EvalHarness.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MemoryBuffer.h"

using namespace lamina;
using namespace lamina::test;
using llvm::SmallVector;
using llvm::StringRef;

namespace {

struct Case {
  std::string code;
  SmallVector<int64_t> shape, result;
  std::vector<double> values;
};

template <typename List>
void parseIntegers(StringRef text, char separator, List &list) {
  SmallVector<StringRef> parts;
  text.split(parts, separator, -1, false);
  for (StringRef part : parts)
    list.push_back(std::stoll(part.trim().str()));
}

std::vector<Case> cases() {
  auto buffer = llvm::MemoryBuffer::getFile(LAMINA_SOURCE_DIR
                                            "/test/Unit/Inputs/indexing.txt");
  std::vector<Case> result;
  if (!buffer)
    return result;
  for (StringRef line : llvm::split((*buffer)->getBuffer(), '\n')) {
    SmallVector<StringRef> fields;
    line.split(fields, '|');
    if (line.starts_with("#") || fields.size() != 4)
      continue;
    Case c;
    c.code = "lambda x: " + fields[0].trim().str();
    parseIntegers(fields[1].trim(), ',', c.shape);
    parseIntegers(fields[2].trim(), ',', c.result);
    parseIntegers(fields[3].trim(), ' ', c.values);
    result.push_back(c);
  }
  return result;
}

/// Every recorded case with the named dimensions symbolic.
void runCases(llvm::function_ref<bool(size_t)> isSymbolic) {
  std::vector<Case> all = cases();
  ASSERT_GT(all.size(), 200u);
  for (const Case &c : all) {
    SCOPED_TRACE(c.code);
    std::map<std::string, std::string> symbols;
    for (size_t i = 0; i < c.shape.size(); ++i)
      if (isSymbolic(i))
        symbols["x:" + std::to_string(i)] = std::string("n") + char('0' + i);
    Outcome outcome =
        EvalHarness().eval(c.code, {{"x", sequence(c.shape)}}, symbols);
    ASSERT_TRUE(outcome.ok()) << outcome.diagnostics;
    expectArray(outcome.outputs[0], "float32", c.result, c.values, 0);
    if (testing::Test::HasFailure())
      return;
  }
}

TEST(Indexing, StaticShapes) {
  runCases([](size_t) { return false; });
}
TEST(Indexing, SymbolicBatch) {
  runCases([](size_t i) { return i == 0; });
}
TEST(Indexing, SymbolicEverything) {
  runCases([](size_t) { return true; });
}

/// One output of `code` on x = arange(shape) as float32.
void expectValues(StringRef code, llvm::ArrayRef<int64_t> shape,
                  llvm::ArrayRef<int64_t> resultShape,
                  llvm::ArrayRef<double> values, Inputs more = {}) {
  SCOPED_TRACE(code.str());
  Inputs inputs{{"x", sequence(shape)}};
  inputs.insert(inputs.end(), more.begin(), more.end());
  for (bool symbolic : {false, true}) {
    std::map<std::string, std::string> symbols;
    if (symbolic)
      symbols["x:0"] = "n";
    Outcome outcome = EvalHarness().eval(code, inputs, symbols);
    ASSERT_TRUE(outcome.ok()) << outcome.diagnostics;
    expectArray(outcome.outputs[0], "float32", resultShape, values, 0);
  }
}

TEST(Indexing, SymbolicBounds) {
  expectValues("lambda x: x[x.shape[0] // 2:]", {5}, {3}, {2, 3, 4});
  expectValues("lambda x: x[:x.shape[0] - 1]", {4}, {3}, {0, 1, 2});
  expectValues("lambda x: x[:x.shape[0] - 4]", {3}, {2}, {0, 1});
  expectValues("lambda x: x[:x.shape[0] - 4]", {6}, {2}, {0, 1});
  expectValues("lambda x: x[x.shape[0] - 1]", {4}, {}, {3});
  expectValues("lambda x: x[tf.shape(x)[0] - 2:]", {4}, {2}, {2, 3});
  expectValues("lambda x: x[1:] - x[:-1]", {4}, {3}, {1, 1, 1});
  expectValues("lambda x: x[::2] + x[::2]", {5}, {3}, {0, 4, 8});
  expectValues("lambda x: x[:tf.constant(2)]", {5}, {2}, {0, 1});
}

TEST(Indexing, EmptyBatch) {
  expectValues("lambda x: x[:-1]", {0, 2}, {0, 2}, {});
  expectValues("lambda x: x[::-1]", {0, 2}, {0, 2}, {});
  expectValues("lambda x: x[-3:2, 1]", {0, 2}, {0}, {});
}

TEST(Indexing, TensorIndices) {
  NDArray i = array({2, 2}, {0, -1, 1, 2}, DType::Int32);
  NDArray j = array({2}, {2, 0}, DType::UInt8);
  NDArray k = array({}, {-1}, DType::Int64);
  Inputs more{{"i", i}, {"j", j}, {"k", k}};
  expectValues("lambda x, i, j, k: x[i]", {3, 2}, {2, 2, 2},
               {0, 1, 4, 5, 2, 3, 4, 5}, more);
  expectValues("lambda x, i, j, k: x[k]", {3, 2}, {2}, {4, 5}, more);
  expectValues("lambda x, i, j, k: x[:, k]", {3, 2}, {3}, {1, 3, 5}, more);
  expectValues("lambda x, i, j, k: x[i, j]", {3, 3}, {2, 2}, {2, 6, 5, 6},
               more);
  expectValues("lambda x, i, j, k: x[1, :, j]", {2, 2, 3}, {2, 2},
               {8, 11, 6, 9}, more);
  expectValues("lambda x, i, j, k: x[k, j]", {2, 3}, {2}, {5, 3}, more);
}

TEST(Indexing, Masks) {
  expectValues("lambda x: x[:, [True, False, True]]", {2, 3}, {2, 2},
               {0, 2, 3, 5});
}

TEST(Indexing, Errors) {
  const std::pair<const char *, const char *> errors[] = {
      {"x[3]",
       "index 3 is out of range for axis 0 of a tensor of shape (3, 2)"},
      {"x[0, -3]",
       "index -3 is out of range for axis 1 of a tensor of shape (3, 2)"},
      {"x[[0, 7]]",
       "index 7 is out of range for axis 0 of a tensor of shape (3, 2)"},
      {"x[0, 0, 0]", "too many indices for a tensor of shape (3, 2): 3"},
      {"x[..., ...]", "an index can only have a single '...'"},
      {"x[::0]", "the step of a slice cannot be zero"},
      {"x[1.5]", "a tensor index must be an integer"},
      {"x['a']", "a tensor index must be an integer"},
      {"x[x > 0]", "use where(mask, x, 0)"},
      {"x[:, [True]]",
       "a mask of 1 elements does not fit axis 1 of a tensor of shape (3, 2)"},
      {"x[x]", "an index must be an integer, found float32[3,2]"},
      {"x[:x[0, 0]]", "the end of a slice must be an integer"},
      {"x[[0, 1], [0, 1, 0]]", "shapes (2,) and (3,) do not broadcast"},
      {"x[[[0], [1, 2]]]", "different shapes"},
  };
  for (const auto &[code, message] : errors) {
    Outcome outcome = EvalHarness().eval("lambda x: " + std::string(code),
                                         {{"x", sequence({3, 2})}});
    EXPECT_FALSE(outcome.ok()) << code;
    EXPECT_NE(outcome.diagnostics.find(message), std::string::npos)
        << code << ": " << outcome.diagnostics;
  }
}

} // namespace
