//===- DifferentiateTest.cpp - what lam-differentiate does with functions -===//

#include "DerivativeHarness.h"

using namespace mlir;
using namespace lamina;
using namespace lamina::test;

namespace {
class Differentiate : public DerivativeTest {
protected:
  /// Checks @f of `text` on float64 inputs of these shapes.
  void check(StringRef text, std::vector<Shape> shapes) {
    SCOPED_TRACE(text.str());
    for (uint64_t seed = 1; seed <= 3; ++seed) {
      OwningOpRef<ModuleOp> module = parse(text);
      ASSERT_TRUE(module);
      CheckRandom random(seed);
      std::vector<NDArray> inputs;
      for (const Shape &shape : shapes)
        inputs.push_back(random.normals(shape));
      checkDerivatives(*module, inputs, seed);
    }
    EXPECT_GT(compared, 0u);
  }

  /// The results of @f of `text`, differentiated, on vectors.
  std::vector<std::vector<double>>
  run(StringRef text, std::vector<std::vector<double>> inputs) {
    OwningOpRef<ModuleOp> module = parse(text);
    if (!module || !differentiate(*module)) {
      ADD_FAILURE() << errors;
      return {};
    }
    std::vector<NDArray> arrays;
    for (const std::vector<double> &input : inputs) {
      arrays.emplace_back(DType::Float64,
                          Shape{static_cast<int64_t>(input.size())});
      for (auto [i, value] : llvm::enumerate(input))
        arrays.back().setDouble(i, value);
    }
    std::vector<std::vector<double>> results;
    for (const NDArray &result : evaluate(*module, "f", arrays)) {
      results.emplace_back();
      for (int64_t i = 0; i < result.size(); ++i)
        results.back().push_back(result.getDouble(i));
    }
    return results;
  }
};
using Rows = std::vector<std::vector<double>>;
} // namespace

TEST_F(Differentiate, cotangentsOfAValueAddUp) {
  check(R"(func.func @f(%x: tensor<?xf64>) -> tensor<?xf64> {
    %a = lam.sin %x : tensor<?xf64>
    %b = lam.mul %a, %x : tensor<?xf64>
    %c = lam.mul %b, %a : tensor<?xf64>
    %d = lam.sub %c, %a : tensor<?xf64>
    %y = lam.add %d, %d : tensor<?xf64>
    return %y : tensor<?xf64>
  })",
        {{3}});
}

TEST_F(Differentiate, severalOutputsOfWhichSomeAreInputsOrConstants) {
  check(R"(func.func @f(%x: tensor<2xf64>, %z: tensor<3xf64>)
      -> (tensor<2xf64>, tensor<2xf64>, tensor<2xf64>, tensor<3xf64>) {
    %c = lam.constant dense<[1.0, 2.0]> : tensor<2xf64>
    %y = lam.mul %x, %c : tensor<2xf64>
    return %x, %y, %c, %z : tensor<2xf64>, tensor<2xf64>, tensor<2xf64>, tensor<3xf64>
  })",
        {{2}, {3}});
}

TEST_F(Differentiate, whatNothingDependsOnHasAGradientOfZeros) {
  Rows results = run(R"(
    func.func @f(%x: tensor<?xf64>, %z: tensor<?xf64>) -> (tensor<?xf64>, tensor<?xf64>) {
      %y, %dx, %dz = lam.vjp (%x, %z : tensor<?xf64>, tensor<?xf64>) by (%x : tensor<?xf64>)
          -> (tensor<?xf64>), (tensor<?xf64>, tensor<?xf64>) {
      ^bb0(%a: tensor<?xf64>, %b: tensor<?xf64>):
        %0 = lam.exp %a : tensor<?xf64>
        lam.yield %0 : tensor<?xf64>
      }
      return %dx, %dz : tensor<?xf64>, tensor<?xf64>
    })",
                     {{0, 0}, {5, 6, 7}});
  EXPECT_EQ(results, (Rows{{0, 0}, {0, 0, 0}}));
}

TEST_F(Differentiate, oneValueAsTwoPrimals) {
  // a * a * b at a = b = x: 2 x² and x².
  Rows results = run(R"(
    func.func @f(%x: tensor<2xf64>, %u: tensor<2xf64>) -> (tensor<2xf64>, tensor<2xf64>) {
      %y, %d:2 = lam.vjp (%x, %x : tensor<2xf64>, tensor<2xf64>) by (%u : tensor<2xf64>)
          -> (tensor<2xf64>), (tensor<2xf64>, tensor<2xf64>) {
      ^bb0(%a: tensor<2xf64>, %b: tensor<2xf64>):
        %0 = lam.mul %a, %a : tensor<2xf64>
        %1 = lam.mul %0, %b : tensor<2xf64>
        lam.yield %1 : tensor<2xf64>
      }
      return %d#0, %d#1 : tensor<2xf64>, tensor<2xf64>
    })",
                     {{2, 3}, {1, 10}});
  EXPECT_EQ(results, (Rows{{8, 180}, {4, 90}}));
}

TEST_F(Differentiate, anOutputThatIsItsPrimal) {
  Rows results = run(R"(
    func.func @f(%x: tensor<2xf64>, %u: tensor<2xf64>) -> (tensor<2xf64>, tensor<2xf64>) {
      %y, %d = lam.vjp (%x : tensor<2xf64>) by (%u : tensor<2xf64>) -> (tensor<2xf64>), (tensor<2xf64>) {
      ^bb0(%a: tensor<2xf64>):
        lam.yield %a : tensor<2xf64>
      }
      return %y, %d : tensor<2xf64>, tensor<2xf64>
    })",
                     {{2, 3}, {1, 10}});
  EXPECT_EQ(results, (Rows{{2, 3}, {1, 10}}));
}

TEST_F(Differentiate, outputsWithoutCotangentAreCarriedAlong) {
  Rows results = run(R"(
    func.func @f(%x: tensor<2xf64>, %u: tensor<2xf64>) -> (tensor<2xf64>, tensor<2xf64>) {
      %y:2, %d = lam.vjp (%x : tensor<2xf64>) by (%u : tensor<2xf64>)
          -> (tensor<2xf64>, tensor<2xf64>), (tensor<2xf64>) {
      ^bb0(%a: tensor<2xf64>):
        %0 = lam.mul %a, %a : tensor<2xf64>
        %1 = lam.exp %a : tensor<2xf64>
        lam.yield %0, %1 : tensor<2xf64>, tensor<2xf64>
      }
      return %d, %y#1 : tensor<2xf64>, tensor<2xf64>
    })",
                     {{0, 0}, {1, 10}});
  EXPECT_EQ(results, (Rows{{0, 0}, {1, 1}}));
}

/// ∂/∂x of Σ (∂/∂x x³)² = 36 x³, by a vjp in a vjp.
TEST_F(Differentiate, aGradientPenalty) {
  check(R"(func.func @f(%x: tensor<2xf64>) -> tensor<f64> {
    %one = lam.constant dense<1.0> : tensor<2xf64>
    %y, %g = lam.vjp (%x : tensor<2xf64>) by (%one : tensor<2xf64>) -> (tensor<2xf64>), (tensor<2xf64>) {
    ^bb0(%a: tensor<2xf64>):
      %0 = lam.mul %a, %a : tensor<2xf64>
      %1 = lam.mul %0, %a : tensor<2xf64>
      lam.yield %1 : tensor<2xf64>
    }
    %2 = lam.mul %g, %g : tensor<2xf64>
    %3 = lam.reduce sum %2 dims [0] : tensor<2xf64> -> tensor<f64>
    return %3 : tensor<f64>
  })",
        {{2}});
}

/// The inner function uses a value of the outer one, which moves with x.
TEST_F(Differentiate, innerFunctionsCaptureOuterValues) {
  check(R"(func.func @f(%x: tensor<2xf64>, %z: tensor<2xf64>) -> tensor<2xf64> {
    %s = lam.sin %x : tensor<2xf64>
    %y, %g = lam.vjp (%z : tensor<2xf64>) by (%x : tensor<2xf64>) -> (tensor<2xf64>), (tensor<2xf64>) {
    ^bb0(%a: tensor<2xf64>):
      %0 = lam.mul %a, %s : tensor<2xf64>
      %1 = lam.exp %0 : tensor<2xf64>
      lam.yield %1 : tensor<2xf64>
    }
    %r = lam.mul %g, %y : tensor<2xf64>
    return %r : tensor<2xf64>
  })",
        {{2}, {2}});
}

/// Forward over reverse: the Hessian times v.
TEST_F(Differentiate, aJvpOfAVjp) {
  check(R"(func.func @f(%x: tensor<2xf64>, %v: tensor<2xf64>) -> tensor<2xf64> {
    %one = lam.constant dense<1.0> : tensor<f64>
    %g, %hv = lam.jvp (%x : tensor<2xf64>) along (%v : tensor<2xf64>) -> (tensor<2xf64>), (tensor<2xf64>) {
    ^bb0(%a: tensor<2xf64>):
      %y, %d = lam.vjp (%a : tensor<2xf64>) by (%one : tensor<f64>) -> (tensor<f64>), (tensor<2xf64>) {
      ^bb0(%b: tensor<2xf64>):
        %0 = lam.sin %b : tensor<2xf64>
        %1 = lam.reduce prod %0 dims [0] : tensor<2xf64> -> tensor<f64>
        lam.yield %1 : tensor<f64>
      }
      lam.yield %d : tensor<2xf64>
    }
    return %hv : tensor<2xf64>
  })",
        {{2}, {2}});
}

TEST_F(Differentiate, nothingFlowsThroughStopGradient) {
  StringRef text = R"(func.func @f(%x: tensor<2xf64>) -> tensor<2xf64> {
    %s = lam.sin %x : tensor<2xf64>
    %c = lam.stop_gradient %s : tensor<2xf64>
    %y = lam.mul %c, %x : tensor<2xf64>
    return %y : tensor<2xf64>
  })";
  check(text, {{2}});
  OwningOpRef<ModuleOp> module = parse(text);
  lam::addVjp(module->lookupSymbol<func::FuncOp>("f"), "g");
  ASSERT_TRUE(differentiate(*module));
  NDArray x(DType::Float64, {2}), one(DType::Float64, {2});
  for (int i = 0; i < 2; ++i) {
    x.setDouble(i, i + 1);
    one.setDouble(i, 1);
  }
  auto results = evaluate(*module, "g", {x, one});
  ASSERT_EQ(results.size(), 2u);
  for (int i = 0; i < 2; ++i) // sin x alone, without x cos x
    EXPECT_DOUBLE_EQ(results[1].getDouble(i), std::sin(i + 1));
}

/// log(1 + exp(x)) whose gradient is given, in a way that stays finite.
TEST_F(Differentiate, aCustomGradientReplacesTheDerivative) {
  StringRef text = R"(
    func.func @f(%x: tensor<3xf64>, %u: tensor<3xf64>) -> (tensor<3xf64>, tensor<3xf64>, tensor<3xf64>) {
      %g, %h, %d = lam.vjp (%x : tensor<3xf64>) by (%u : tensor<3xf64>)
          -> (tensor<3xf64>, tensor<3xf64>), (tensor<3xf64>) {
      ^bb1(%b: tensor<3xf64>):
        %y, %dy = lam.vjp (%b : tensor<3xf64>) by (%u : tensor<3xf64>) -> (tensor<3xf64>), (tensor<3xf64>) {
        ^bb0(%a: tensor<3xf64>):
          %one = lam.constant dense<1.0> : tensor<3xf64>
          %e = lam.exp %a : tensor<3xf64>
          %p = lam.add %e, %one : tensor<3xf64>
          %l = lam.log %p : tensor<3xf64>
          %r = lam.custom_gradient (%l : tensor<3xf64>) of (%a : tensor<3xf64>) -> (tensor<3xf64>) {
          ^bb0(%dr: tensor<3xf64>):
            %s = lam.sigmoid %a : tensor<3xf64>
            %da = lam.mul %dr, %s : tensor<3xf64>
            lam.yield %da : tensor<3xf64>
          }
          lam.yield %r : tensor<3xf64>
        }
        lam.yield %dy, %y : tensor<3xf64>, tensor<3xf64>
      }
      return %h, %g, %d : tensor<3xf64>, tensor<3xf64>, tensor<3xf64>
    })";
  Rows results = run(text, {{-1000, 0, 1000}, {1, 1, 1}});
  ASSERT_EQ(results.size(), 3u);
  EXPECT_EQ(results[0], (std::vector<double>{0, std::log(2), INFINITY}));
  EXPECT_EQ(results[1], (std::vector<double>{0, 0.5, 1}));
  EXPECT_EQ(results[2], (std::vector<double>{0, 0.25, 0})); // of the given one
}

/// Two values of two inputs; one cotangent is missing, one input unused.
TEST_F(Differentiate, aCustomGradientOfSeveralValues) {
  Rows results = run(R"(
    func.func @f(%x: tensor<2xf64>, %z: tensor<2xf64>, %u: tensor<2xf64>)
        -> (tensor<2xf64>, tensor<2xf64>) {
      %y, %d:2 = lam.vjp (%x, %z : tensor<2xf64>, tensor<2xf64>) by (%u : tensor<2xf64>)
          -> (tensor<2xf64>), (tensor<2xf64>, tensor<2xf64>) {
      ^bb0(%a: tensor<2xf64>, %b: tensor<2xf64>):
        %p = lam.mul %a, %b : tensor<2xf64>
        %r:2 = lam.custom_gradient (%p, %a : tensor<2xf64>, tensor<2xf64>) of (%a, %b : tensor<2xf64>, tensor<2xf64>)
            -> (tensor<2xf64>, tensor<2xf64>) {
        ^bb0(%dp: tensor<2xf64>, %dq: tensor<2xf64>):
          %s = lam.add %dp, %dp : tensor<2xf64>
          lam.yield %s, %dq : tensor<2xf64>, tensor<2xf64>
        }
        lam.yield %r#0 : tensor<2xf64>
      }
      return %d#0, %d#1 : tensor<2xf64>, tensor<2xf64>
    })",
                     {{2, 3}, {4, 5}, {1, 10}});
  EXPECT_EQ(results, (Rows{{2, 20}, {0, 0}}));
}

/// What is left of the operators disappears where nobody differentiates.
TEST_F(Differentiate, aCustomGradientIsTheIdentity) {
  Rows results = run(R"(
    func.func @f(%x: tensor<2xf64>) -> tensor<2xf64> {
      %r = lam.custom_gradient (%x : tensor<2xf64>) of (%x : tensor<2xf64>) -> (tensor<2xf64>) {
      ^bb0(%d: tensor<2xf64>):
        lam.yield %d : tensor<2xf64>
      }
      return %r : tensor<2xf64>
    })",
                     {{2, 3}});
  EXPECT_EQ(results, (Rows{{2, 3}}));
}

TEST_F(Differentiate, typesOfRulesAndValuesMeet) {
  // The cast in between forgets a size that the rules know.
  check(R"(func.func @f(%x: tensor<3xf64>) -> tensor<?xf64> {
    %d = tensor.cast %x : tensor<3xf64> to tensor<?xf64>
    %e = lam.exp %d : tensor<?xf64>
    %s = tensor.cast %e : tensor<?xf64> to tensor<3xf64>
    %p = lam.mul %s, %x : tensor<3xf64>
    %y = tensor.cast %p : tensor<3xf64> to tensor<?xf64>
    return %y : tensor<?xf64>
  })",
        {{3}});
}

/// Indices of 8 bits reach less far than the tensor.
TEST_F(Differentiate, gatherAndScatterByNarrowIndices) {
  StringRef text =
      R"(func.func @f(%x: tensor<300xf64>, %u: tensor<2xf64>) -> (tensor<2xf64>, tensor<300xf64>) {
    %i = lam.constant dense<[[5], [200]]> : tensor<2x1xui8>
    %g = lam.gather %x at %i axes [0] : tensor<300xf64>, tensor<2x1xui8> -> tensor<2xf64>
    %s = lam.scatter add %u into %x at %i axes [0] : tensor<2xf64>, tensor<300xf64>, tensor<2x1xui8>
    return %g, %s : tensor<2xf64>, tensor<300xf64>
  })";
  check(text, {{300}, {2}});
}
