//===- ExprTest.cpp - formulas as scalar code -----------------------------===//
//
// Every pointwise formula is emitted on scalars of every element type, compiled
// and compared with the same formula on float64 and int64.
//
//===----------------------------------------------------------------------===//

#include "HostJit.h"
#include "lamina/Lam/Lam.h"
#include "lamina/Support/NDArray.h"
#include "mlir/Conversion/MathToLibm/MathToLibm.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/DialectConversion.h"
#include "gtest/gtest.h"
#include <cmath>
#include <limits>
#include <random>

using namespace mlir;
using namespace lamina;
using namespace lamina::lam;

namespace {
/// One op at one type: functions of doubles or of 64-bit integers.
struct Probe {
  std::string name;
  DType type;
  unsigned arity;
  bool toBool;
  double (*real)(ArrayRef<double>);
  Integer (*integer)(ArrayRef<Integer>);
};

class ExprTest : public testing::Test {
protected:
  void SetUp() override {
    test::loadDialects(context);
    context.loadDialect<LamDialect>();
    module = ModuleOp::create(UnknownLoc::get(&context));
  }
  template <class Op>
  void add(DType type);
  void compile() {
    // The conversion to LLVM takes exp(x) - 1 and log(1 + x) for these two.
    RewritePatternSet patterns(&context);
    populateMathToLibmConversionPatterns(patterns);
    ConversionTarget target(context);
    target.addIllegalOp<math::ExpM1Op, math::Log1pOp>();
    target.markUnknownOpDynamicallyLegal([](Operation *) { return true; });
    ASSERT_TRUE(succeeded(
        applyPartialConversion(*module, target, std::move(patterns))));
    PassManager pm(&context);
    pm.addPass(createConvertMathToLLVMPass());
    pm.addPass(createConvertMathToLibmPass());
    ASSERT_TRUE(succeeded(pm.run(*module)));
    jit = test::HostJit::create(*module);
    ASSERT_TRUE(jit);
  }
  template <class Result, class Argument>
  Result call(const Probe &probe, ArrayRef<Argument> x) {
    if (probe.arity == 1)
      return jit->lookup<Result(Argument)>(probe.name)(x[0]);
    return jit->lookup<Result(Argument, Argument)>(probe.name)(x[0], x[1]);
  }
  void checkReal(const Probe &probe);
  void checkInteger(const Probe &probe);

  MLIRContext context;
  OwningOpRef<ModuleOp> module;
  std::vector<Probe> probes;
  std::unique_ptr<test::HostJit> jit;
};
} // namespace

template <class Op, class T>
static T formula(ArrayRef<T> x) {
  if constexpr (Op::arity == 1)
    return Op::template formula<T>(x[0]);
  else
    return Op::template formula<T>(x[0], x[1]);
}

/// `value` converted to and from the scalar type of the formula.
static Value convert(OpBuilder &b, Location loc, Value value, Type to,
                     bool isUnsigned) {
  Type from = value.getType();
  if (from == to)
    return value;
  bool wider = to.getIntOrFloatBitWidth() > from.getIntOrFloatBitWidth();
  if (isa<FloatType>(to))
    return wider ? Value(arith::ExtFOp::create(b, loc, to, value))
                 : Value(arith::TruncFOp::create(b, loc, to, value));
  if (!wider)
    return arith::TruncIOp::create(b, loc, to, value);
  return isUnsigned ? Value(arith::ExtUIOp::create(b, loc, to, value))
                    : Value(arith::ExtSIOp::create(b, loc, to, value));
}

template <class Op>
void ExprTest::add(DType type) {
  Location loc = module->getLoc();
  bool isReal = isFloat(type);
  bool isUnsignedInt = lamina::isUnsigned(type) || type == DType::Bool;
  Type scalar = isReal ? toMLIR(type, &context)
                       : IntegerType::get(&context, bitWidth(type));
  Type wide = isReal ? Type(Float64Type::get(&context))
                     : IntegerType::get(&context, 64);
  Type result =
      isReal && !Op::isPredicate ? wide : IntegerType::get(&context, 64);
  std::string name =
      (Op::getOperationName().drop_front(4) + "_" + lamina::name(type)).str();
  auto function = func::FuncOp::create(
      loc, name,
      FunctionType::get(&context, SmallVector<Type>(Op::arity, wide), result));
  module->push_back(function);
  Block *block = function.addEntryBlock();
  OpBuilder builder = OpBuilder::atBlockEnd(block);
  SmallVector<Expr> args;
  for (Value argument : block->getArguments())
    args.push_back(Expr(convert(builder, loc, argument, scalar, false), builder,
                        loc, isUnsignedInt));
  Value value = formula<Op, Expr>(args).value();
  value =
      convert(builder, loc, value, result, isUnsignedInt || Op::isPredicate);
  func::ReturnOp::create(builder, loc, value);
  probes.push_back({name, type, Op::arity, Op::isPredicate, formula<Op, double>,
                    formula<Op, Integer>});
}

static const DType types[] = {
    DType::Float64, DType::Float32, DType::Float16, DType::Int8,   DType::Int32,
    DType::Int64,   DType::UInt8,   DType::UInt32,  DType::UInt64, DType::Bool};

static bool takes(Elements elements, DType type) {
  if (type == DType::Bool)
    return elements == Elements::Integral || elements == Elements::Any;
  bool isReal = isFloat(type);
  return isReal ? elements != Elements::Int && elements != Elements::Integral
                : elements != Elements::Float;
}

/// Calls `function.operator()<Op>()` for every op that is one formula.
template <class Function>
static void forEachFormula(Function function) {
  auto visit = [&]<class Op>() {
    if constexpr (requires { Op::isPredicate; })
      function.template operator()<Op>();
  };
  auto all = [&]<class... Ops>() { (visit.template operator()<Ops>(), ...); };
  all.template operator()<
#define GET_OP_LIST
#include "lamina/Lam/LamOps.cpp.inc"
      >();
}

/// The distance of neighbouring numbers of `type` at `x`.
static double unit(double x, DType type) {
  int digits = type == DType::Float64   ? 52
               : type == DType::Float32 ? 23
               : type == DType::Float16 ? 10
                                        : 7;
  int lowest = type == DType::Float64   ? -1022
               : type == DType::Float16 ? -14
                                        : -126;
  int exponent = x == 0 ? lowest : std::max(std::ilogb(x), lowest);
  return std::ldexp(1.0, exponent - digits);
}

void ExprTest::checkReal(const Probe &probe) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  std::vector<double> values = {0.0,  -0.0, 1,   -1,          0.5,
                                -2.5, 7,    1e4, infinity,    -infinity,
                                0.75, 3,    -30, std::nan("")};
  std::mt19937 random(5);
  for (unsigned n = 0; n < (probe.arity == 1 ? 300 : 20); ++n) {
    double sign = random() % 2 ? 1 : -1;
    values.push_back(
        sign * std::exp2(std::uniform_real_distribution<>(-9, 5)(random)));
    values.push_back(std::uniform_real_distribution<>(-1, 1)(random));
  }
  double worst = 0;
  std::string where;
  for (double a : values)
    for (double b : values) {
      a = roundTo(a, probe.type);
      b = roundTo(b, probe.type);
      double x[] = {a, b};
      ArrayRef<double> args(x, probe.arity);
      double exact = probe.real(args);
      if (probe.toBool) {
        EXPECT_EQ((call<int64_t, double>(probe, args)), exact)
            << probe.name << " of " << a << ", " << b;
      } else {
        double expected = roundTo(exact, probe.type);
        double actual = call<double, double>(probe, args);
        double error =
            std::isnan(expected) || std::isnan(actual)
                ? (std::isnan(expected) == std::isnan(actual) ? 0 : infinity)
            : actual == expected
                ? (std::signbit(actual) == std::signbit(expected) ? 0
                                                                  : infinity)
                : std::abs(actual - exact) / unit(expected, probe.type);
        if (error > worst) {
          worst = error;
          where = std::to_string(a) + ", " + std::to_string(b) + ": " +
                  std::to_string(actual) + ", expected " +
                  std::to_string(expected);
        }
      }
      if (probe.arity == 1)
        break;
    }
  EXPECT_LE(worst, 3) << probe.name << " of " << where;
}

void ExprTest::checkInteger(const Probe &probe) {
  std::vector<int64_t> values;
  constexpr double infinity = std::numeric_limits<double>::infinity();
  int64_t least = saturate(-infinity, probe.type),
          most = saturate(infinity, probe.type);
  for (int64_t v :
       {int64_t(0), int64_t(1), int64_t(2), int64_t(-1), int64_t(-2),
        int64_t(3), int64_t(7), int64_t(-7), int64_t(31), int64_t(64), least,
        least + 1, most, most - 1, most / 2 + 1, int64_t(0x5deece66d1234567)})
    values.push_back(wrap(v, probe.type));
  bool isUnsignedInt =
      lamina::isUnsigned(probe.type) || probe.type == DType::Bool;
  DType to = probe.toBool ? DType::Bool : probe.type;
  for (int64_t a : values)
    for (int64_t b : values) {
      Integer x[] = {{a, isUnsignedInt, bitWidth(probe.type)},
                     {b, isUnsignedInt, bitWidth(probe.type)}};
      int64_t raw[] = {a, b};
      int64_t expected =
          wrap(probe.integer(ArrayRef<Integer>(x, probe.arity)).value, to);
      EXPECT_EQ(
          (call<int64_t, int64_t>(probe, ArrayRef<int64_t>(raw, probe.arity))),
          expected)
          << probe.name << " of " << a << ", " << b;
      if (probe.arity == 1)
        break;
    }
}

TEST_F(ExprTest, scalarCodeAgreesWithTheFormula) {
  forEachFormula([&]<class Op>() {
    // The neighbour of a number depends on its type.
    if constexpr (!std::is_same_v<Op, NextAfterOp>)
      for (DType type : types)
        if (takes(Op::elements, type))
          add<Op>(type);
  });
  ASSERT_GT(probes.size(), 230u);
  compile();
  for (const Probe &probe : probes) {
    if (isFloat(probe.type))
      checkReal(probe);
    else
      checkInteger(probe);
  }
}

TEST_F(ExprTest, nextafterMovesByOneNumber) {
  add<NextAfterOp>(DType::Float64);
  add<NextAfterOp>(DType::Float32);
  add<NextAfterOp>(DType::Float16);
  compile();
  constexpr double infinity = std::numeric_limits<double>::infinity();
  const double values[] = {0.0,          -0.0,          1,        -1,
                           0x1p-149,     -0x1p-126,     infinity, -infinity,
                           std::nan(""), 0x1.fffffep127};
  for (double a : values)
    for (double b : values) {
      double x[] = {a, b};
      auto same = [](double actual, double expected) {
        return std::isnan(expected)
                   ? std::isnan(actual)
                   : actual == expected &&
                         std::signbit(actual) == std::signbit(expected);
      };
      EXPECT_TRUE(
          same(call<double, double>(probes[0], x), std::nextafter(a, b)))
          << a << ", " << b;
      EXPECT_TRUE(
          same(call<double, double>(probes[1], x),
               std::nextafterf(static_cast<float>(a), static_cast<float>(b))))
          << a << ", " << b;
    }
  double up[] = {1, 2};
  EXPECT_EQ((call<double, double>(probes[2], up)), 1 + 0x1p-10);
}

TEST_F(ExprTest, numbersTakeTheTypeTheyMeet) {
  Location loc = module->getLoc();
  OpBuilder builder(&context);
  builder.setInsertionPointToEnd(module->getBody());
  auto type = Float32Type::get(&context);
  Expr x(arith::ConstantOp::create(builder, loc, builder.getF32FloatAttr(2)),
         builder, loc);
  EXPECT_EQ((1.0 - x).value().getType(), type);
  EXPECT_EQ(select(gt(x, 1.0), 1.0, 0.5).value().getType(), type);
  EXPECT_TRUE((x * 0.0).is(0));
  EXPECT_EQ((x * 1.0).value(), x.value());
  EXPECT_TRUE((Expr(2) + 3.0).is(5));
  EXPECT_TRUE(max(Expr(2), 3.0).is(3));
}
