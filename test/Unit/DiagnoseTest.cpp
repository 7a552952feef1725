//===- DiagnoseTest.cpp - where a number stopped being finite -------------===//

#include "lamina/Training/Diagnose.h"
#include "lamina/Pipelines/Stages.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"
#include "mlir/Parser/Parser.h"
#include "gtest/gtest.h"

using namespace lamina;

namespace {

constexpr const char *program = R"(
model.model @model "m" : "Functional" {
  %x = model.input "x" dims ["n", 2] : tensor<?x2xf32>
  %w = model.weight "scale/w" trainable init (%key) {
    %0 = lam.constant dense<1.0> : tensor<2xf32>
    model.yield %0 : tensor<2xf32>
  } : tensor<2xf32>
  %a = model.layer "scale" : "Scale" inputs(%v = %x : tensor<?x2xf32>)
      weights(%k = %w : tensor<2xf32>) -> tensor<?x2xf32> {
    %zero = arith.constant 0 : index
    %n = tensor.dim %v, %zero : tensor<?x2xf32>
    %0 = lam.broadcast %k dims [1] sizes(%n) : tensor<2xf32> -> tensor<?x2xf32>
    %1 = lam.mul %v, %0 : tensor<?x2xf32>
    model.yield %1 : tensor<?x2xf32>
  }
  %b = model.layer "logarithm" : "Lambda" inputs(%v = %a : tensor<?x2xf32>)
      -> tensor<?x2xf32> {
    %0 = lam.log %v : tensor<?x2xf32>
    model.yield %0 : tensor<?x2xf32>
  }
  %c = model.layer "sum" : "Lambda" inputs(%v = %b : tensor<?x2xf32>)
      -> tensor<?xf32> {
    %0 = lam.reduce sum %v dims [1] : tensor<?x2xf32> -> tensor<?xf32>
    model.yield %0 : tensor<?xf32>
  }
  model.output %c names ["y"] dims [["n"]] : tensor<?xf32>
})";

NDArray array(llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<double> values) {
  NDArray result(DType::Float32, shape);
  for (auto [i, value] : llvm::enumerate(values))
    result.setDouble(i, value);
  return result;
}

TEST(Diagnose, TheFirstLayerIsNamed) {
  mlir::MLIRContext context(stageDialects());
  auto module = mlir::parseSourceString<mlir::ModuleOp>(program, &context);
  ASSERT_TRUE(module);
  auto find = [&](llvm::ArrayRef<double> x, llvm::ArrayRef<double> w) {
    Batch batch;
    batch.inputs = {array({2, 2}, x)};
    batch.rows = 2;
    auto found =
        findLayer(*module, {{"scale/w", array({2}, w)}}, batch, Options());
    return found ? *found : "error: " + llvm::toString(found.takeError());
  };
  EXPECT_EQ(find({1, 2, 3, 4}, {1, 1}), "");
  EXPECT_EQ(find({1, 2, 0, 4}, {1, 1}),
            "the output of layer 'logarithm' (Lambda) has -inf at [1, 0]");
  EXPECT_EQ(find({1, 2, 3, -4}, {1, 1}),
            "the output of layer 'logarithm' (Lambda) has nan at [1, 1]");
  EXPECT_EQ(find({1, 2, 3, 4}, {1, 1e39}),
            "the output of layer 'scale' (Scale) has inf at [0, 1]");
  // The module is as it was.
  EXPECT_EQ(find({1, 2, 3, 4}, {1, 1}), "");
}

} // namespace
