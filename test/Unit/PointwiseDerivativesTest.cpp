//===- PointwiseDerivativesTest.cpp - every pointwise op, and what has none
//-===//
//
// lam.vjp and lam.jvp of every pointwise op, on random points of its declared
// domain, once and twice. And the list of ops without a derivative, each with
// the reason: an op of the dialect is in one of the tests or in this list.
//
//===----------------------------------------------------------------------===//

#include "ContractionPrograms.h"
#include "DerivativeHarness.h"
#include "ReductionPrograms.h"
#include "StructurePrograms.h"

using namespace mlir;
using namespace lamina;
using namespace lamina::test;

namespace {
using PointwiseDerivatives = DerivativeTest;

/// A pointwise op of floats whose partials are declared.
template <class Op>
constexpr bool isSwept = [] {
  if constexpr (requires { Op::differentiable; })
    return Op::differentiable;
  return false;
}();

/// Calls `function.operator()<Op>()` for every op of the dialect.
template <class Function>
void forEachOp(Function function) {
  auto all = [&]<class... Ops>() {
    (function.template operator()<Ops>(), ...);
  };
  all.template operator()<
#define GET_OP_LIST
#include "lamina/Lam/LamOps.cpp.inc"
      >();
}
} // namespace

TEST_F(PointwiseDerivatives, agreeWithDifferences) {
  unsigned ops = 0;
  forEachOp([&]<class Op>() {
    if constexpr (isSwept<Op>) {
      std::string name = Op::getOperationName().str();
      ++ops;
      for (uint64_t seed = 1; seed <= 16; ++seed) {
        CheckRandom random(seed);
        Program program(random);
        // A few points, so that each weighs in the sum over all.
        Shape shape = program.coin() ? Shape{6} : Shape{2, 3};
        std::string operands, type;
        for (auto [low, high] : Op::domain()) {
          NDArray points(DType::Float64, shape);
          for (int64_t i = 0; i < points.size(); ++i)
            points.setDouble(i, random.uniform(low, high));
          if (type.empty())
            type = program.type(shape);
          operands += (operands.empty() ? "" : ", ") +
                      program.argument(std::move(points), type);
        }
        std::string text = program.finish(
            program.emit(name + " " + operands + " : " + type, type));
        SCOPED_TRACE("seed " + std::to_string(seed) + ":\n" + text);
        OwningOpRef<ModuleOp> module = parse(text);
        ASSERT_TRUE(module);
        checkDerivatives(*module, program.inputs, seed);
      }
    }
  });
  EXPECT_GE(ops, 45u);
  EXPECT_GT(compared, 4000u);
}

//===----------------------------------------------------------------------===//
// What has no derivative
//===----------------------------------------------------------------------===//

namespace {
struct Reason {
  StringRef op, reason;
};
} // namespace

static constexpr Reason withoutDerivative[] = {
    {"lam.and", "integers and bools do not move"},
    {"lam.or", "integers and bools do not move"},
    {"lam.xor", "integers and bools do not move"},
    {"lam.not", "integers and bools do not move"},
    {"lam.shift_left", "integers do not move"},
    {"lam.shift_right", "integers do not move"},
    {"lam.is_nan", "a bool does not move"},
    {"lam.is_inf", "a bool does not move"},
    {"lam.is_finite", "a bool does not move"},
    {"lam.eq", "a bool does not move"},
    {"lam.ne", "a bool does not move"},
    {"lam.lt", "a bool does not move"},
    {"lam.le", "a bool does not move"},
    {"lam.gt", "a bool does not move"},
    {"lam.ge", "a bool does not move"},
    {"lam.arg_reduce", "an index does not move"},
    {"lam.constant", "it has no operand"},
    {"lam.iota", "it has no tensor operand"},
    {"lam.from_size", "a size does not move"},
    {"lam.random_bits", "the bits depend on no float"},
    {"lam.nextafter", "a step between neighbours is no function of reals"},
    {"lam.bitcast", "bits are no function of reals"},
    {"lam.while", "there is no bound of the steps that would be kept"},
};
/// What the tests of derivative operators and of the library's loops are about.
static constexpr StringRef operators[] = {
    "lam.vjp",   "lam.jvp",           "lam.custom_gradient",
    "lam.yield", "lam.stop_gradient", "lam.scan"};

TEST_F(PointwiseDerivatives, everyOpIsCoveredOrHasAReason) {
  std::set<std::string> known;
  for (ArrayRef<ProgramWriter> writers :
       {ArrayRef(structureWriters), ArrayRef(reductionWriters),
        ArrayRef(contractionWriters)})
    for (const ProgramWriter &writer : writers)
      known.insert(writer.op);
  for (StringRef name : operators)
    known.insert(name.str());
  forEachOp([&]<class Op>() {
    std::string name = Op::getOperationName().str();
    bool isListed = llvm::any_of(
        withoutDerivative, [&](const Reason &each) { return each.op == name; });
    bool hasRule =
        Op::template hasTrait<lam::DifferentiableOpInterface::Trait>();
    EXPECT_NE(isListed, isSwept<Op> || known.contains(name)) << name;
    EXPECT_NE(isListed, hasRule || name == "lam.vjp" || name == "lam.jvp" ||
                            name == "lam.yield")
        << name;
  });
}

TEST_F(PointwiseDerivatives, anActiveOpWithoutARuleIsAnErrorAtItsPlace) {
  auto fails = [&](StringRef op, StringRef type) {
    std::string text = "func.func @f(%x: " + type.str() +
                       ", %u: " + type.str() + ") -> " + type.str() + R"( {
      %y, %g = lam.vjp (%x : )" +
                       type.str() + ") by (%u : " + type.str() + ") -> (" +
                       type.str() + "), (" + type.str() + R"() {
      ^bb0(%a: )" + type.str() +
                       "):\n" + op.str() + R"( loc("m.lam":3:14)
        lam.yield %b : )" +
                       type.str() + "\n}\nreturn %g : " + type.str() + "}";
    OwningOpRef<ModuleOp> module = parse(text);
    ASSERT_TRUE(module);
    EXPECT_FALSE(differentiate(*module)) << text;
    EXPECT_NE(errors.find("m.lam"), std::string::npos) << errors;
    EXPECT_NE(errors.find("3:14"), std::string::npos) << errors;
  };
  fails("%b = lam.nextafter %a, %a : tensor<3xf64>", "tensor<3xf64>");
  EXPECT_NE(errors.find("cannot differentiate 'lam.nextafter'"),
            std::string::npos)
      << errors;
  fails("%b = lam.bitcast %a : tensor<f32> -> tensor<f32>", "tensor<f32>");
  EXPECT_NE(errors.find("cannot differentiate 'lam.bitcast'"),
            std::string::npos)
      << errors;
}

TEST_F(PointwiseDerivatives, nothingFlowsThroughIntegersAndBools) {
  OwningOpRef<ModuleOp> module = parse(R"(
    func.func @f(%x: tensor<4xf64>) -> tensor<4xf64> {
      %n = lam.cast %x : tensor<4xf64> -> tensor<4xi32>
      %i = lam.cast %n : tensor<4xi32> -> tensor<4xf64>
      %c = lam.gt %x, %i : tensor<4xf64>
      %b = lam.cast %c : tensor<4xi1> -> tensor<4xf64>
      %s = lam.add %i, %b : tensor<4xf64>
      %y = lam.mul %s, %x : tensor<4xf64>
      return %y : tensor<4xf64>
    })");
  lam::addVjp(module->lookupSymbol<func::FuncOp>("f"), "g");
  ASSERT_TRUE(differentiate(*module)) << errors;
  NDArray x(DType::Float64, {4}), u(DType::Float64, {4});
  for (int64_t i = 0; i < 4; ++i) {
    x.setDouble(i, 0.7 * i - 1);
    u.setDouble(i, 1);
  }
  auto results = evaluate(*module, "g", {x, u});
  ASSERT_EQ(results.size(), 2u);
  for (int64_t i = 0; i < 4; ++i)
    EXPECT_EQ(results[1].getDouble(i) * x.getDouble(i),
              results[0].getDouble(i));
}
