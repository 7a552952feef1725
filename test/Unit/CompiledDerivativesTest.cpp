//===- CompiledDerivativesTest.cpp - gradients through code generation ----===//
//
// The programs of StructureDerivativesTest and all pointwise ops in float32:
// compiled gradients against the interpreter's, which other tests compare with
// finite differences.
//
//===----------------------------------------------------------------------===//

#include "CompileHelpers.h"
#include "ContractionPrograms.h"
#include "ReductionPrograms.h"
#include "StructurePrograms.h"
#include "lamina/Interpreter/Interpreter.h"
#include "lamina/Lam/Derivatives.h"
#include "lamina/Lam/Lam.h"
#include "lamina/Lam/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/PassManager.h"
#include <cmath>

using namespace mlir;
using namespace lamina;
using namespace lamina::test;

namespace {
class CompiledDerivatives : public CompileTest {
protected:
  CompiledDerivatives() { options.optLevel = 1; }

  struct Case {
    std::string text;
    std::vector<NDArray> inputs; // with the cotangents
  };

  /// Adds the gradient of the function @f of `text` to the module as @gNUMBER.
  void add(const std::string &text, ArrayRef<NDArray> inputs,
           CheckRandom &random) {
    Case each{text, {}};
    for (const NDArray &input : inputs)
      each.inputs.push_back(isFloat(input.dtype()) ? input.cast(DType::Float32)
                                                   : input);
    auto program = parseSourceString<ModuleOp>(text, &context);
    ASSERT_TRUE(program) << errors << text;
    auto f = program->lookupSymbol<func::FuncOp>("f");
    auto value = interpret(f, each.inputs);
    ASSERT_TRUE(succeeded(value)) << errors << text;
    for (const NDArray &output : *value)
      each.inputs.push_back(
          random.normals(output.shape()).cast(DType::Float32));
    func::FuncOp gradient = lam::addVjp(f, "g" + std::to_string(cases.size()));
    gradient->remove();
    module->push_back(gradient);
    cases.push_back(std::move(each));
  }

  void compareAll() {
    std::unique_ptr<CompiledModel> compiled = compile(print(*module));
    if (!compiled) { // which one it is
      for (auto [function, each] :
           llvm::zip_equal(module->getOps<func::FuncOp>(), cases)) {
        OwningOpRef<ModuleOp> alone =
            ModuleOp::create(UnknownLoc::get(&context));
        alone->push_back(function.clone());
        EXPECT_TRUE(compile(print(*alone))) << each.text << errors;
      }
      FAIL();
    }
    PassManager passes(&context);
    passes.addPass(createLamDifferentiate());
    ASSERT_TRUE(succeeded(passes.run(*module)));
    for (auto [i, each] : llvm::enumerate(cases)) {
      SCOPED_TRACE(each.text);
      std::string name = "g" + std::to_string(i);
      auto expected =
          interpret(module->lookupSymbol<func::FuncOp>(name), each.inputs);
      auto results = compiled->run(name, each.inputs);
      ASSERT_TRUE(bool(results)) << llvm::toString(results.takeError());
      ASSERT_TRUE(succeeded(expected)) << errors;
      ASSERT_EQ(results->size(), expected->size());
      for (auto [actual, wanted] : llvm::zip_equal(*results, *expected))
        compare(actual, wanted);
    }
  }

  void compare(const NDArray &actual, const NDArray &wanted) {
    ASSERT_EQ(actual.shape(), wanted.shape());
    for (int64_t i = 0; i < actual.size(); ++i) {
      double a = actual.getDouble(i), b = wanted.getDouble(i);
      ASSERT_TRUE(a == b || std::abs(a - b) <= 2e-5 * (1 + std::abs(b)))
          << "element " << i << " is " << a << ", expected " << b;
      compared += b != 0;
    }
  }

  void sweep(ArrayRef<ProgramWriter> writers, uint64_t programs) {
    if (const char *wanted = std::getenv("LAMINA_TEST_PROGRAMS"))
      programs = std::strtoull(wanted, nullptr, 10);
    module = ModuleOp::create(UnknownLoc::get(&context));
    for (const ProgramWriter &writer : writers)
      for (uint64_t seed = 1; seed <= programs && !HasFailure(); ++seed) {
        CheckRandom random(seed + 1000);
        Program program(random, "f32");
        std::string result = writer.write(program);
        add(program.finish(result), program.inputs, random);
      }
    compareAll();
    EXPECT_GT(compared, writers.size() * programs);
  }

  OwningOpRef<ModuleOp> module;
  std::vector<Case> cases;
  unsigned compared = 0;
};
} // namespace

TEST_F(CompiledDerivatives, structure) { sweep(structureWriters, 2); }
TEST_F(CompiledDerivatives, reductions) { sweep(reductionWriters, 1); }
TEST_F(CompiledDerivatives, contractions) { sweep(contractionWriters, 3); }

/// The size of x is not known, and more than the only place of the window
/// needs.
TEST_F(CompiledDerivatives, aRestBehindTheOnlyPlace) {
  module = ModuleOp::create(UnknownLoc::get(&context));
  CheckRandom random(1);
  add(R"(func.func @f(%x: tensor<?x?x2xf32>, %k: tensor<3x2x2xf32>) -> tensor<?x1x2xf32> {
    %c0 = arith.constant 0 : index
    %n = tensor.dim %x, %c0 : tensor<?x?x2xf32>
    %y = lam.conv %x, %k strides [4] pad [0] x [0] dilation [1] x [1] sizes(%n)
        : tensor<?x?x2xf32>, tensor<3x2x2xf32> -> tensor<?x1x2xf32>
    return %y : tensor<?x1x2xf32>
  })",
      {random.normals({2, 5, 2}), random.normals({3, 2, 2})}, random);
  compareAll();
}

/// In one function per op, of a number of elements that no vector divides.
template <class Op>
static void addPointwise(
    llvm::function_ref<void(const std::string &, ArrayRef<NDArray>)> add) {
  if constexpr (requires { Op::differentiable; })
    if constexpr (Op::differentiable) {
      CheckRandom random(1);
      Program program(random, "f32");
      std::string operands, type = program.type({37});
      for (auto [low, high] : Op::domain()) {
        NDArray points(DType::Float64, {37});
        for (int64_t i = 0; i < points.size(); ++i)
          points.setDouble(i, random.uniform(low, high));
        operands += (operands.empty() ? "" : ", ") +
                    program.argument(std::move(points), type);
      }
      add(program.finish(program.emit(Op::getOperationName().str() + " " +
                                          operands + " : " + type,
                                      type)),
          program.inputs);
    }
}

TEST_F(CompiledDerivatives, pointwise) {
  module = ModuleOp::create(UnknownLoc::get(&context));
  CheckRandom random(5);
  auto addOne = [&](const std::string &text, ArrayRef<NDArray> inputs) {
    add(text, inputs, random);
  };
  auto addAll = [&]<class... Ops>() { (addPointwise<Ops>(addOne), ...); };
  addAll.template operator()<
#define GET_OP_LIST
#include "lamina/Lam/LamOps.cpp.inc"
      >();
  EXPECT_GE(cases.size(), 45u);
  compareAll();
  EXPECT_GT(compared, 37 * cases.size() / 2);
}
