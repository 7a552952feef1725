//===- DerivativeHarness.h - programs whose derivatives are checked *- C++
//-*-===//
#ifndef LAMINA_TEST_UNIT_DERIVATIVEHARNESS_H
#define LAMINA_TEST_UNIT_DERIVATIVEHARNESS_H

#include "RandomPrograms.h"
#include "lamina/Check/GradientCheck.h"
#include "lamina/Interpreter/Interpreter.h"
#include "lamina/Lam/Derivatives.h"
#include "lamina/Lam/Lam.h"
#include "lamina/Lam/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "gtest/gtest.h"
#include <cmath>
#include <set>

namespace lamina::test {

class DerivativeTest : public testing::Test {
protected:
  DerivativeTest() {
    context
        .loadDialect<lam::LamDialect, mlir::func::FuncDialect,
                     mlir::arith::ArithDialect, mlir::tensor::TensorDialect>();
    context.getDiagEngine().registerHandler([this](mlir::Diagnostic &message) {
      llvm::raw_string_ostream os(errors);
      os << message.getLocation() << ": " << message << "\n";
      return mlir::success();
    });
  }

  mlir::OwningOpRef<mlir::ModuleOp> parse(llvm::StringRef text) {
    errors.clear();
    auto module = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
    EXPECT_TRUE(module) << text.str() << errors;
    return module;
  }

  /// Replaces derivative operators and cleans up, verified.
  bool differentiate(mlir::ModuleOp module) {
    mlir::PassManager passes(&context);
    passes.addPass(createLamDifferentiate());
    return succeeded(passes.run(module)) && succeeded(verify(module));
  }

  /// The results of @`name` without rounding; empty after an error.
  std::vector<NDArray> evaluate(mlir::ModuleOp module, llvm::StringRef name,
                                llvm::ArrayRef<NDArray> inputs) {
    auto function = module.lookupSymbol<mlir::func::FuncOp>(name);
    auto results = interpret(function, inputs, Rounding::None);
    EXPECT_TRUE(succeeded(results)) << errors;
    return succeeded(results) ? *results : std::vector<NDArray>();
  }

  /// The gradient of every float argument agrees with differences.
  void checkGradient(mlir::ModuleOp module, llvm::StringRef name,
                     llvm::ArrayRef<NDArray> inputs, uint64_t seed,
                     double tolerance = 1e-6) {
    auto check = GradientCheck::create(module, name);
    ASSERT_TRUE(succeeded(check)) << errors;
    check->tolerance = tolerance;
    check->directions = 2;
    check->smallSize = 4;
    CheckRandom random(seed);
    auto results = check->at(inputs, random);
    ASSERT_TRUE(succeeded(results)) << errors;
    for (const ArgumentCheck &each : *results) {
      EXPECT_EQ(each.verdict, Verdict::Agrees)
          << name.str() << ": argument " << each.argument
          << ", relative difference " << each.error;
      compared += each.directions;
    }
  }

  /// f, its gradient's gradient, and jvp against vjp.
  void checkDerivatives(mlir::ModuleOp module, llvm::ArrayRef<NDArray> inputs,
                        uint64_t seed, bool isLinear = false) {
    auto f = module.lookupSymbol<mlir::func::FuncOp>("f");
    f.walk([&](mlir::Operation *op) {
      covered.insert(op->getName().getStringRef().str());
    });
    checkGradient(module, "f", inputs, seed);
    lam::addVjp(f, "vjp");
    lam::addJvp(f, "jvp");

    mlir::OwningOpRef<mlir::ModuleOp> plain = module.clone();
    ASSERT_TRUE(differentiate(*plain)) << errors;
    CheckRandom random(seed + 1);
    std::vector<NDArray> value = evaluate(*plain, "f", inputs);
    if (value.size() != f.getNumResults())
      return;
    std::vector<NDArray> cotangents, tangents;
    for (const NDArray &each : value)
      if (isFloat(each.dtype()))
        cotangents.push_back(random.normals(each.shape()));
    for (const NDArray &each : inputs)
      if (isFloat(each.dtype()))
        tangents.push_back(random.normals(each.shape()));
    std::vector<NDArray> vjpInputs(inputs), jvpInputs(inputs);
    llvm::append_range(vjpInputs, cotangents);
    llvm::append_range(jvpInputs, tangents);
    checkGradient(module, "vjp", vjpInputs, seed + 2, 1e-5);

    auto gradients = evaluate(*plain, "vjp", vjpInputs);
    auto derivatives = evaluate(*plain, "jvp", jvpInputs);
    ASSERT_EQ(gradients.size(), value.size() + tangents.size());
    ASSERT_EQ(derivatives.size(), 2 * cotangents.size());
    double forward = 0, backward = 0, size = 1e-300;
    auto add = [&](double &sum, const NDArray &a, const NDArray &b) {
      ASSERT_EQ(a.shape(), b.shape());
      sum += dot(a, b);
      for (int64_t i = 0; i < a.size(); ++i)
        size += std::abs(a.getDouble(i) * b.getDouble(i));
    };
    for (size_t i = 0; i < cotangents.size(); ++i)
      add(forward, cotangents[i], derivatives[cotangents.size() + i]);
    for (size_t i = 0; i < tangents.size(); ++i)
      add(backward, tangents[i], gradients[value.size() + i]);
    EXPECT_NEAR(forward, backward, 1e-12 * size) << "jvp against vjp";
    if (!isLinear)
      return;
    // ⟨A x, u⟩ = ⟨x, Aᵀ u⟩, for one linear argument.
    auto image = evaluate(*plain, "f", jvpInputsAsInputs(inputs, tangents));
    ASSERT_EQ(image.size(), 1u);
    EXPECT_NEAR(dot(image[0], cotangents[0]), backward, 1e-12 * size)
        << "the adjoint's identity";
  }

  mlir::MLIRContext context{mlir::MLIRContext::Threading::DISABLED};
  std::string errors;
  std::set<std::string> covered;
  unsigned compared = 0;

private:
  static std::vector<NDArray>
  jvpInputsAsInputs(llvm::ArrayRef<NDArray> inputs,
                    llvm::ArrayRef<NDArray> tangents) {
    std::vector<NDArray> moved(inputs);
    for (NDArray &each : moved)
      if (isFloat(each.dtype())) {
        each = tangents.front();
        tangents = tangents.drop_front();
      }
    return moved;
  }
};

} // namespace lamina::test

#endif // LAMINA_TEST_UNIT_DERIVATIVEHARNESS_H
