//===- FoldTest.cpp - canonicalization preserves the meaning --------------===//

#include "RecordedCases.h"
#include "lamina/Interpreter/Interpreter.h"
#include "lamina/Lam/Lam.h"
#include "lamina/Support/Elements.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"
#include "gtest/gtest.h"
#include <cmath>

using namespace mlir;
using namespace lamina;

/// The inputs of `function` become constants, as far as their types are static.
static void makeConstant(func::FuncOp function, ArrayRef<NDArray> inputs) {
  OpBuilder builder(function.getBody());
  for (auto [argument, input] :
       llvm::zip_equal(function.getArguments(), inputs)) {
    DenseElementsAttr value = toElements(input, function.getContext());
    if (value.getType() == argument.getType())
      argument.replaceAllUsesWith(lam::ConstantOp::create(
          builder, function.getLoc(), cast<ElementsAttr>(value)));
  }
}

/// Equal, but for the last digits of float64.
static bool same(const NDArray &actual, const NDArray &expected, int64_t i) {
  if (!isFloat(actual.dtype()))
    return actual.getInt(i) == expected.getInt(i);
  double a = actual.getDouble(i), b = expected.getDouble(i);
  if (std::isnan(b) || std::isinf(b) || a == b)
    return std::isnan(b) ? std::isnan(a)
                         : a == b && std::signbit(a) == std::signbit(b);
  return std::abs(a - b) <= 1e-14 * std::abs(b) + 1e-15;
}

// Every recorded case with its inputs known: whatever is folded, and however,
// the results are the recorded ones.
TEST(Fold, constantsGiveTheRecordedResults) {
  MLIRContext context;
  context.loadDialect<lam::LamDialect, func::FuncDialect, arith::ArithDialect,
                      tensor::TensorDialect>();
  std::vector<Case> cases = readCases();
  ASSERT_GT(cases.size(), 400u);
  unsigned folded = 0;
  for (const Case &each : cases) {
    SCOPED_TRACE(each.name);
    auto module = parseSourceString<ModuleOp>(each.text, &context);
    ASSERT_TRUE(module);
    auto function = module->lookupSymbol<func::FuncOp>("f");
    makeConstant(function, each.inputs);
    PassManager pm(&context);
    pm.addPass(createCanonicalizerPass());
    ASSERT_TRUE(succeeded(pm.run(*module)));
    bool isConstant = true;
    for (Operation &op : function.getBody().front().without_terminator())
      isConstant &= op.hasTrait<OpTrait::ConstantLike>();
    folded += isConstant;
    auto results = interpret(function, each.inputs);
    ASSERT_TRUE(succeeded(results));
    for (auto [actual, expected] : llvm::zip_equal(*results, each.outputs)) {
      ASSERT_EQ(actual.dtype(), expected.dtype());
      ASSERT_EQ(actual.shape().vec(), expected.shape().vec());
      for (int64_t i = 0; i < actual.size(); ++i)
        EXPECT_TRUE(same(actual, expected, i))
            << "element " << i << " is " << actual.getDouble(i) << ", expected "
            << expected.getDouble(i);
    }
  }
  // Every pointwise op, cast and move of elements.
  EXPECT_GT(folded, 250u);
}
