//===- PartialsTest.cpp - every derivative against differences ------------===//
//
// The partial derivatives of every pointwise op, swept over its declared domain
// in float64; and the pullbacks they make, as IR.
//
//===----------------------------------------------------------------------===//

#include "lamina/Interpreter/Interpreter.h"
#include "lamina/Lam/Lam.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Verifier.h"
#include "gtest/gtest.h"
#include <cmath>
#include <random>

using namespace mlir;
using namespace lamina;
using namespace lamina::lam;

/// A pointwise op of floats whose partials are declared.
template <class Op>
static constexpr bool isSwept = [] {
  if constexpr (requires { Op::differentiable; })
    return Op::differentiable;
  return false;
}();

/// Calls `function.operator()<Op>()` for every op of the dialect.
template <class Function>
static void forEachOp(Function function) {
  auto all = [&]<class... Ops>() {
    (function.template operator()<Ops>(), ...);
  };
  all.template operator()<
#define GET_OP_LIST
#include "lamina/Lam/LamOps.cpp.inc"
      >();
}

template <class Op>
static double formula(ArrayRef<double> x) {
  if constexpr (Op::arity == 1)
    return Op::template formula<double>(x[0]);
  else
    return Op::template formula<double>(x[0], x[1]);
}

template <class Op>
static SmallVector<double> partials(ArrayRef<double> x) {
  double y = formula<Op>(x);
  if constexpr (Op::arity == 1)
    return Op::template partials<double>(x[0], y);
  else
    return Op::template partials<double>(x[0], x[1], y);
}

namespace {
struct Sweep {
  unsigned checked = 0, wrong = 0;
  std::string first;
};
} // namespace

/// Compares every partial with a central difference at random points.
template <class Op>
static Sweep sweep() {
  Sweep result;
  std::mt19937 random(7);
  constexpr double h = 1e-5;
  for (unsigned n = 0; n < 400; ++n) {
    SmallVector<double> x;
    for (auto [low, high] : Op::domain())
      x.push_back(std::uniform_real_distribution<>(low, high)(random));
    SmallVector<double> rule = partials<Op>(x);
    for (unsigned i = 0; i < Op::arity; ++i) {
      auto at = [&](double step) {
        SmallVector<double> moved = x;
        moved[i] += step;
        return formula<Op>(moved);
      };
      double low = at(-h), middle = at(0), high = at(h);
      // A kink or a jump lies between.
      if (std::abs(high - 2 * middle + low) > 1e-6)
        continue;
      double difference = (high - low) / (2 * h);
      ++result.checked;
      if (std::abs(rule[i] - difference) <= 2e-6 * (1 + std::abs(difference)))
        continue;
      if (!result.wrong++)
        result.first = "operand " + std::to_string(i) + " at " +
                       std::to_string(x[0]) + ": the rule gives " +
                       std::to_string(rule[i]) + ", the difference " +
                       std::to_string(difference);
    }
  }
  return result;
}

TEST(Partials, agreeWithDifferences) {
  unsigned ops = 0;
  forEachOp([&]<class Op>() {
    if constexpr (isSwept<Op>) {
      Sweep result = sweep<Op>();
      EXPECT_EQ(result.wrong, 0u)
          << Op::getOperationName().str() << ": " << result.first;
      EXPECT_GT(result.checked, 300u) << Op::getOperationName().str();
      ++ops;
    }
  });
  EXPECT_GE(ops, 45u);
}

namespace {
/// An op with the wrong sign that a well-known project has for atanh.
struct WrongAtanh {
  static constexpr unsigned arity = 1;
  static SmallVector<std::pair<double, double>> domain() {
    return {{-0.9, 0.9}};
  }
  template <class T>
  static T formula(T x) {
    return lam::atanh(x);
  }
  template <class T>
  static SmallVector<T> partials(T x, T) {
    return {T(1.0 / (x * x - 1.0))};
  }
};
} // namespace

TEST(Partials, aWrongSignIsFound) {
  Sweep result = sweep<WrongAtanh>();
  EXPECT_EQ(result.wrong, result.checked);
  EXPECT_GT(result.checked, 300u);
}

//===----------------------------------------------------------------------===//
// As IR
//===----------------------------------------------------------------------===//

/// A function (operands…, dy) -> cotangents of one op, on tensors of float64 of
/// a size that only runtime knows.
template <class Op>
static OwningOpRef<ModuleOp> pullbackModule(MLIRContext &context) {
  Location loc = UnknownLoc::get(&context);
  OwningOpRef<ModuleOp> module = ModuleOp::create(loc);
  auto type =
      RankedTensorType::get({ShapedType::kDynamic}, Float64Type::get(&context));
  SmallVector<Type> inputs(Op::arity + 1, type), results(Op::arity, type);
  auto function = func::FuncOp::create(
      loc, "f", FunctionType::get(&context, inputs, results));
  module->push_back(function);
  Block *block = function.addEntryBlock();
  OpBuilder builder = OpBuilder::atBlockEnd(block);
  auto op = Op::create(builder, loc, type,
                       ValueRange(block->getArguments().drop_back()));
  Expr dy(block->getArguments().back(), builder, loc);
  SmallVector<Value> cotangents;
  for (Expr &each : op.pullback(dy))
    cotangents.push_back(each.materialize(dy));
  func::ReturnOp::create(builder, loc, cotangents);
  return module;
}

TEST(Partials, pullbacksAreTheirPartials) {
  MLIRContext context;
  context.loadDialect<LamDialect, func::FuncDialect, arith::ArithDialect,
                      tensor::TensorDialect>();
  forEachOp([&]<class Op>() {
    if constexpr (isSwept<Op>) {
      SCOPED_TRACE(Op::getOperationName().str());
      OwningOpRef<ModuleOp> module = pullbackModule<Op>(context);
      ASSERT_TRUE(succeeded(verify(*module)));
      constexpr int64_t count = 50;
      std::mt19937 random(11);
      std::vector<NDArray> inputs(Op::arity + 1,
                                  NDArray(DType::Float64, {count}));
      for (int64_t n = 0; n < count; ++n) {
        for (auto [input, range] : llvm::zip_first(Op::domain(), inputs))
          range.setDouble(n, std::uniform_real_distribution<>(
                                 input.first, input.second)(random));
        inputs.back().setDouble(n, 1 + n % 3);
      }
      auto results = interpret(module->lookupSymbol<func::FuncOp>("f"), inputs);
      ASSERT_TRUE(succeeded(results));
      for (int64_t n = 0; n < count; ++n) {
        SmallVector<double> x;
        for (unsigned i = 0; i < Op::arity; ++i)
          x.push_back(inputs[i].getDouble(n));
        for (auto [result, partial] :
             llvm::zip_equal(*results, partials<Op>(x))) {
          double expected = partial * inputs.back().getDouble(n);
          EXPECT_NEAR(result.getDouble(n), expected,
                      1e-12 * (1 + std::abs(expected)));
        }
      }
    }
  });
}
