//===- PipelineTest.cpp - stages, resuming, dumps, fused numbers ----------===//
#include "CompileHelpers.h"
#include "lamina/Interpreter/Interpreter.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/Support/FileSystem.h"
#include <cmath>

using namespace lamina;
using namespace mlir;

namespace {
class PipelineTest : public CompileTest {
protected:
  /// Values that no two neighbours share.
  static NDArray numbers(DType type, ArrayRef<int64_t> shape, int seed = 1) {
    NDArray array(type, shape);
    for (int64_t i = 0; i < array.size(); ++i)
      array.setDouble(i, double((i * 37 + seed * 11) % 101 - 50) / 25);
    return array;
  }

  /// The compiled function against the interpreter.
  void check(StringRef text, ArrayRef<NDArray> inputs, double tolerance) {
    auto module = parseSourceString<ModuleOp>(text, &context);
    ASSERT_TRUE(module) << errors;
    auto expected = interpret(*module->getOps<func::FuncOp>().begin(), inputs);
    ASSERT_TRUE(succeeded(expected)) << errors;
    std::unique_ptr<CompiledModel> model = compile(text);
    ASSERT_TRUE(model) << errors;
    auto results = model->run("forward", inputs);
    ASSERT_TRUE(bool(results)) << llvm::toString(results.takeError());
    ASSERT_EQ(results->size(), expected->size());
    for (auto [actual, wanted] : llvm::zip_equal(*results, *expected)) {
      ASSERT_EQ(actual.shape().vec(), wanted.shape().vec());
      for (int64_t i = 0; i < actual.size(); ++i)
        ASSERT_NEAR(actual.getDouble(i), wanted.getDouble(i),
                    tolerance * (1 + std::abs(wanted.getDouble(i))))
            << "element " << i;
    }
  }

  template <typename Op>
  static unsigned count(ModuleOp module) {
    unsigned number = 0;
    module.walk([&](Op) { ++number; });
    return number;
  }
};

/// softmax over the last axis; COLUMNS may be `?`.
std::string softmax(const std::string &columns,
                    const std::string &type = "f32") {
  std::string x = "tensor<?x" + columns + "x" + type + ">",
              r = "tensor<?x" + type + ">";
  std::string sizes = columns == "?" ? "(%n, %c)" : "(%n)";
  return "func.func @forward(%x: " + x + ") -> " + x +
         " {\n  %c0 = arith.constant 0 : index\n" +
         "  %c1 = arith.constant 1 : index\n  %n = tensor.dim %x, %c0 : " + x +
         "\n  %c = tensor.dim %x, %c1 : " + x +
         "\n  %m = lam.reduce max %x dims [1] : " + x + " -> " + r +
         "\n  %mb = lam.broadcast %m dims [0] sizes " + sizes + " : " + r +
         " -> " + x + "\n  %d = lam.sub %x, %mb : " + x +
         "\n  %e = lam.exp %d : " + x +
         "\n  %s = lam.reduce sum %e dims [1] : " + x + " -> " + r +
         "\n  %sb = lam.broadcast %s dims [0] sizes " + sizes + " : " + r +
         " -> " + x + "\n  %y = lam.div %e, %sb : " + x +
         "\n  return %y : " + x + "\n}";
}

/// tanh(x @ w + b) and the sum of its rows.
std::string dense(const std::string &k, const std::string &n) {
  std::string x = "tensor<?x" + k + "xf32>",
              w = "tensor<" + k + "x" + n + "xf32>",
              y = "tensor<?x" + n + "xf32>", b = "tensor<" + n + "xf32>";
  return "func.func @forward(%x: " + x + ", %w: " + w + ", %b: " + b +
         ") -> (" + y + ", tensor<?xf32>) {\n" +
         "  %c0 = arith.constant 0 : index\n  %n = tensor.dim %x, %c0 : " + x +
         "\n  %p = lam.dot %x, %w batch [] x [] contract [1] x [0] : (" + x +
         ", " + w + ") -> " + y +
         "\n  %bb = lam.broadcast %b dims [1] sizes (%n) : " + b + " -> " + y +
         "\n  %s = lam.add %p, %bb : " + y + "\n  %t = lam.tanh %s : " + y +
         "\n  %r = lam.reduce sum %t dims [1] : " + y + " -> tensor<?xf32>\n" +
         "  return %t, %r : " + y + ", tensor<?xf32>\n}";
}
} // namespace

TEST_F(PipelineTest, rowReductionsAreOneLoopWithoutCopies) {
  auto kernels = lower(softmax("1000"), "kernels");
  ASSERT_TRUE(kernels) << errors;
  EXPECT_EQ(count<scf::ForOp>(*kernels), 1u);
  auto buffers = lower(softmax("1000"), "bufferized");
  ASSERT_TRUE(buffers) << errors;
  EXPECT_EQ(count<memref::CopyOp>(*buffers), 0u);
  EXPECT_EQ(count<memref::AllocOp>(*buffers), 0u);
  EXPECT_EQ(count<memref::ViewOp>(*buffers), 0u) << "one row fits on the stack";
}

TEST_F(PipelineTest, rowsOfEverySize) {
  for (const char *columns : {"1", "10", "127", "1000", "?"})
    for (int64_t rows : {0, 1, 7, 100}) {
      SCOPED_TRACE(std::string(columns) + " columns, " + std::to_string(rows) +
                   " rows");
      int64_t width = *columns == '?' ? 37 : std::stoll(columns);
      check(softmax(columns), numbers(DType::Float32, {rows, width}), 1e-6);
    }
  check(softmax("10", "f64"), numbers(DType::Float64, {7, 10}), 1e-14);
  check(softmax("10", "f16"), numbers(DType::Float16, {7, 10}), 2e-3);
  check(softmax("33", "bf16"), numbers(DType::BFloat16, {7, 33}), 2e-2);
}

TEST_F(PipelineTest, productsOfEverySize) {
  for (auto [k, n] : {std::pair("1", "1"),
                      {"10", "5"},
                      {"37", "64"},
                      {"16", "131"},
                      {"0", "3"}})
    for (int64_t rows : {0, 1, 6, 7, 100}) {
      SCOPED_TRACE(std::string(k) + " x " + n + ", " + std::to_string(rows) +
                   " rows");
      int64_t inner = std::stoll(k), width = std::stoll(n);
      check(dense(k, n),
            {numbers(DType::Float32, {rows, inner}),
             numbers(DType::Float32, {inner, width}, 2),
             numbers(DType::Float32, {width}, 3)},
            1e-5);
    }
}

TEST_F(PipelineTest, everyMachineAgrees) {
  for (const char *mcpu : {"x86-64", "x86-64-v3", "native"}) {
    SCOPED_TRACE(mcpu);
    options.mcpu = mcpu;
    check(softmax("37"), numbers(DType::Float32, {9, 37}), 1e-6);
    check(softmax("37", "f16"), numbers(DType::Float16, {9, 37}), 2e-3);
    check(softmax("37", "bf16"), numbers(DType::BFloat16, {9, 37}), 2e-2);
    check(dense("19", "45"),
          {numbers(DType::Float32, {9, 19}),
           numbers(DType::Float32, {19, 45}, 2),
           numbers(DType::Float32, {45}, 3)},
          1e-5);
  }
}

TEST_F(PipelineTest, resumesFromTheTextOfEveryStage) {
  std::string direct = emit(softmax("10"), "asm");
  ASSERT_FALSE(direct.empty()) << errors;
  for (const char *stage :
       {"grad", "linalg", "kernels", "bufferized", "llvm-mlir"}) {
    SCOPED_TRACE(stage);
    auto module = lower(softmax("10"), stage);
    ASSERT_TRUE(module) << errors;
    EXPECT_EQ(detectStage(*module), *findStage(stage));
    EXPECT_TRUE(emit(print(*module), "asm") == direct) << errors;
  }
}

TEST_F(PipelineTest, stagesAreRecognizedWithoutTheirMark) {
  for (const char *stage : {"linalg", "bufferized", "llvm-mlir"}) {
    auto module = lower(softmax("10"), stage);
    ASSERT_TRUE(module) << errors;
    (*module)->removeAttr("lamina.stage");
    EXPECT_EQ(detectStage(*module), *findStage(stage)) << stage;
  }
}

TEST_F(PipelineTest, dumpsNumberedFiles) {
  llvm::SmallString<128> directory;
  ASSERT_FALSE(llvm::sys::fs::createUniqueDirectory("lamina-dump", directory));
  options.dumpDir = directory.str().str();
  ASSERT_TRUE(lower(softmax("10"), "bufferized")) << errors;
  std::vector<std::string> names;
  std::error_code error;
  for (llvm::sys::fs::directory_iterator file(directory, error), end;
       file != end; file.increment(error))
    names.push_back(file->path().substr(directory.size() + 1));
  llvm::sort(names);
  llvm::sys::fs::remove_directories(directory);
  ASSERT_GT(names.size(), 6u);
  EXPECT_EQ(names.front().substr(0, 3), "00-");
  auto ends = [&](StringRef end) {
    return llvm::any_of(names, [&](const std::string &name) {
      return StringRef(name).ends_with(end);
    });
  };
  EXPECT_TRUE(ends("-linalg.mlir"));
  EXPECT_TRUE(ends("-kernels-lamina-fuse-loops.mlir"));
  EXPECT_TRUE(ends("-bufferized.mlir"));
}

TEST_F(PipelineTest, whatAStageShouldHaveRemovedIsAnError) {
  auto module =
      parseSourceString<ModuleOp>("func.func @f(%x: f32) -> f32 {\n  %y = "
                                  "math.sqrt %x : f32\n  return %y : f32\n}",
                                  &context);
  ASSERT_TRUE(module);
  EXPECT_TRUE(failed(
      runStages(*module, *findStage("lam"), *findStage("grad"), options)));
  EXPECT_NE(errors.find("'math.sqrt' is left after stage 'grad'"),
            std::string::npos)
      << errors;
}

TEST_F(PipelineTest, callsCheckTheirArguments) {
  std::unique_ptr<CompiledModel> model = compile(softmax("10"));
  ASSERT_TRUE(model) << errors;
  auto errorOf = [&](std::vector<NDArray> inputs) {
    auto results = model->run("forward", inputs);
    return results ? "" : llvm::toString(results.takeError());
  };
  EXPECT_EQ(errorOf({numbers(DType::Float32, {2, 10})}), "");
  EXPECT_NE(errorOf({numbers(DType::Float32, {2, 11})}).find("float32[2,11]"),
            std::string::npos);
  EXPECT_NE(errorOf({numbers(DType::Float64, {2, 10})}).find("float64[2,10]"),
            std::string::npos);
  EXPECT_NE(errorOf({}).find("arg0"), std::string::npos);
}

TEST_F(PipelineTest, everyStageNamesOnlyKnownPasses) {
  for (const Stage &stage : stageTable()) {
    EXPECT_NE(std::string(stage.description), "");
    EXPECT_EQ(&stageTable()[*findStage(stage.name)], &stage);
  }
  EXPECT_FALSE(findStage("nowhere"));
}
