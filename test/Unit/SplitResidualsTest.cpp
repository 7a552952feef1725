//===- SplitResidualsTest.cpp - forward and backward give what vjp gives --===//

#include "DerivativeHarness.h"
#include "mlir/Transforms/Passes.h"

using namespace lamina;
using namespace mlir;

namespace {

const char *const programs[] = {
    // Contractions with pointwise ops around them, a size from two places.
    R"(
  func.func @f(%x: tensor<?x3xf32> {lamina.role = "input", lamina.dims = ["n", 3]}, %w: tensor<3x4xf32> {lamina.role = "weight"}) -> tensor<?x4xf32> {
    %0 = lam.exp %x : tensor<?x3xf32>
    %1 = lam.mul %0, %x : tensor<?x3xf32>
    %2 = lam.dot %1, %w batch [] x [] contract [1] x [0] : (tensor<?x3xf32>, tensor<3x4xf32>) -> tensor<?x4xf32>
    %3 = lam.tanh %2 : tensor<?x4xf32>
    %4 = lam.mul %3, %2 : tensor<?x4xf32>
    return %4 : tensor<?x4xf32>
  })",
    // A reduction, a sort, and an output that is an input's function alone.
    R"(
  func.func @f(%x: tensor<?x3xf32> {lamina.role = "input", lamina.dims = ["n", 3]}, %w: tensor<3x4xf32> {lamina.role = "weight"}) -> (tensor<?xf32>, tensor<?x3xf32>) {
    %c0 = arith.constant 0 : index
    %n = tensor.dim %x, %c0 : tensor<?x3xf32>
    %v, %i = lam.sort %x dim 1 : tensor<?x3xf32> -> tensor<?x3xf32>, tensor<?x3xi32>
    %s = lam.reduce sum %w dims [1] : tensor<3x4xf32> -> tensor<3xf32>
    %b = lam.broadcast %s dims [1] sizes (%n) : tensor<3xf32> -> tensor<?x3xf32>
    %m = lam.mul %v, %b : tensor<?x3xf32>
    %p = lam.reduce prod %m dims [1] : tensor<?x3xf32> -> tensor<?xf32>
    %l = lam.sigmoid %x : tensor<?x3xf32>
    return %p, %l : tensor<?xf32>, tensor<?x3xf32>
  })",
    // A gradient that depends on no cotangent at all but zero.
    R"(
  func.func @f(%x: tensor<?x3xf32> {lamina.role = "input", lamina.dims = ["n", 3]}, %w: tensor<3x4xf32> {lamina.role = "weight"}) -> tensor<?x3xf32> {
    %0 = lam.stop_gradient %x : tensor<?x3xf32>
    %1 = lam.add %0, %x : tensor<?x3xf32>
    return %1 : tensor<?x3xf32>
  })"};

class SplitResidualsTest : public test::DerivativeTest {
protected:
  static std::string printed(ModuleOp module) {
    std::string text;
    llvm::raw_string_ostream(text) << module;
    return text;
  }
  /// The module of `program` with its vjp, to be split with `budget` or left whole.
  OwningOpRef<ModuleOp> prepare(StringRef program, const char *budget) {
    OwningOpRef<ModuleOp> module = parse(program);
    auto f = module->lookupSymbol<func::FuncOp>("f");
    unsigned arguments = f.getNumArguments(), results = f.getNumResults();
    lam::addVjp(f, "vjp");
    auto vjp = module->lookupSymbol<func::FuncOp>("vjp");
    Builder builder(&context);
    for (unsigned i = 0; i < arguments; ++i)
      vjp.setArgAttrs(i, f.getArgAttrDict(i));
    for (unsigned i = arguments; i < vjp.getNumArguments(); ++i)
      vjp.setArgAttr(i, "lamina.role", builder.getStringAttr("cotangent"));
    for (unsigned i = 0; i < vjp.getNumResults(); ++i)
      vjp.setResultAttr(i, "lamina.role", builder.getStringAttr(i < results ? "output" : "gradient"));
    vjp->setAttr("lamina.split", builder.getUnitAttr());
    std::string pipeline = "lam-differentiate,canonicalize,cse";
    if (budget)
      pipeline += std::string(",lam-split-residuals{budget=") + budget + "}";
    PassManager passes(&context, ModuleOp::getOperationName());
    EXPECT_TRUE(succeeded(parsePassPipeline(pipeline, passes)));
    EXPECT_TRUE(succeeded(passes.run(*module))) << errors;
    return module;
  }
};

TEST_F(SplitResidualsTest, ForwardThenBackwardIsVjp) {
  registerLaminaLamPasses();
  registerTransformsPasses();
  CheckRandom random(20261122);
  for (const char *program : programs)
    for (const char *budget : {"0", "16", "1000000"})
      for (int64_t n : {0, 1, 5}) {
        OwningOpRef<ModuleOp> whole = prepare(program, nullptr), split = prepare(program, budget);
        auto vjp = whole->lookupSymbol<func::FuncOp>("vjp");
        auto forward = split->lookupSymbol<func::FuncOp>("forward_residuals");
        auto backward = split->lookupSymbol<func::FuncOp>("backward");
        ASSERT_TRUE(vjp);
        ASSERT_TRUE(forward && backward) << printed(*split);
        std::vector<NDArray> inputs;
        for (Type type : vjp.getArgumentTypes()) {
          SmallVector<int64_t> shape(cast<RankedTensorType>(type).getShape());
          for (int64_t &size : shape)
            size = ShapedType::isDynamic(size) ? n : size;
          inputs.push_back(random.normals(shape));
        }
        std::vector<NDArray> expected = evaluate(*whole, "vjp", inputs);
        unsigned primals = 2, outputs = expected.size() - primals;
        auto early = evaluate(*split, "forward_residuals", ArrayRef(inputs).take_front(primals));
        ASSERT_GE(early.size(), outputs);
        std::vector<NDArray> backwardInputs(inputs);
        backwardInputs.insert(backwardInputs.end(), early.begin() + outputs, early.end());
        auto late = evaluate(*split, "backward", backwardInputs);
        early.resize(outputs);
        llvm::append_range(early, late);
        ASSERT_EQ(early.size(), expected.size());
        for (auto [mine, its] : llvm::zip_equal(early, expected)) {
          ASSERT_EQ(mine.shape(), its.shape());
          for (int64_t i = 0; i < mine.size(); ++i)
            EXPECT_EQ(mine.getDouble(i), its.getDouble(i)) << program << " budget " << budget;
        }
      }
}

TEST_F(SplitResidualsTest, CostDecides) {
  registerLaminaLamPasses();
  registerTransformsPasses();
  // exp(x) * x of the first program is worth repeating or not; the product
  // with the weights never is.
  auto residuals = [&](const char *budget) {
    return prepare(programs[0], budget)->lookupSymbol<func::FuncOp>("forward_residuals").getNumResults() - 1;
  };
  EXPECT_GT(residuals("0"), residuals("16"));
  EXPECT_GE(residuals("1000000"), 1u);
}

// Sizes of residuals are those of the arguments, by name.
TEST_F(SplitResidualsTest, ResidualsHaveNamedSizes) {
  registerLaminaLamPasses();
  registerTransformsPasses();
  auto module = prepare(programs[0], "16");
  auto forward = module->lookupSymbol<func::FuncOp>("forward_residuals");
  ASSERT_EQ(forward.getNumResults(), 2u);
  auto dims = forward.getResultAttrOfType<ArrayAttr>(1, "lamina.dims");
  ASSERT_TRUE(dims);
  EXPECT_EQ(cast<StringAttr>(dims[0]).getValue(), "n");
  EXPECT_EQ(cast<IntegerAttr>(dims[1]).getInt(), 4);
}

} // namespace
