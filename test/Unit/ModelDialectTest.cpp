//===- ModelDialectTest.cpp - the model dialect, its lowering and summary -===//
#include "lamina/Conversion/Passes.h"
#include "lamina/Model/Model.h"
#include "lamina/Model/Summary.h"
#include "lamina/Support/Elements.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "gtest/gtest.h"

using namespace lamina;

namespace {

constexpr const char *denseModel = R"(
model.model @model "sequential" : "Sequential" compile {loss = "mse"} {
  %x = model.input "x" dims ["n", 10] : tensor<?x10xf32>
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x10xf32>
  %w = model.weight "dense/kernel" trainable init (%key) {
    %bits = lam.random_bits %key : tensor<2xui32> -> tensor<10x5xui32>
    %v = lam.cast %bits : tensor<10x5xui32> -> tensor<10x5xf32>
    model.yield %v : tensor<10x5xf32>
  } : tensor<10x5xf32>
  %b = model.weight "dense/bias" init (%key) {
    %v = lam.constant dense<0.5> : tensor<5xf32>
    model.yield %v : tensor<5xf32>
  } : tensor<5xf32>
  %y = model.layer "dense" : "Dense" inputs(%a = %x : tensor<?x10xf32>)
      weights(%k = %w : tensor<10x5xf32>, %c = %b : tensor<5xf32>)
      config {units = 5 : i64} -> tensor<?x5xf32> {
    %0 = lam.dot %a, %k batch [] x [] contract [1] x [0] : (tensor<?x10xf32>, tensor<10x5xf32>) -> tensor<?x5xf32>
    %1 = lam.broadcast %c dims [1] sizes (%n) : tensor<5xf32> -> tensor<?x5xf32>
    %2 = lam.add %0, %1 : tensor<?x5xf32>
    model.yield %2 : tensor<?x5xf32>
  }
  model.output %y names ["y"] dims [["n", 5]] : tensor<?x5xf32>
}
)";

class ModelDialect : public ::testing::Test {
protected:
  ModelDialect() {
    context.loadDialect<mlir::arith::ArithDialect, mlir::func::FuncDialect,
                        mlir::tensor::TensorDialect, lam::LamDialect,
                        model::ModelDialect>();
  }
  mlir::OwningOpRef<mlir::ModuleOp> parse(llvm::StringRef text) {
    errors.clear();
    mlir::ScopedDiagnosticHandler handler(&context, [&](auto &diagnostic) {
      errors += diagnostic.str() + "\n";
      return mlir::success();
    });
    return mlir::parseSourceString<mlir::ModuleOp>(text, &context);
  }
  static std::string print(mlir::Operation *op) {
    std::string text;
    llvm::raw_string_ostream os(text);
    op->print(os);
    return text;
  }
  /// `denseModel` with a replacement must be refused with this message.
  void refuses(llvm::StringRef from, llvm::StringRef to,
               llvm::StringRef message) {
    std::string text = denseModel;
    size_t at = text.find(from.str());
    ASSERT_NE(at, std::string::npos) << from.str();
    text.replace(at, from.size(), to.str());
    EXPECT_FALSE(parse(text)) << text;
    EXPECT_NE(errors.find(message.str()), std::string::npos) << errors;
  }
  mlir::MLIRContext context;
  std::string errors;
};

TEST_F(ModelDialect, PrintsWhatItParses) {
  auto module = parse(denseModel);
  ASSERT_TRUE(module) << errors;
  std::string once = print(*module);
  auto again = parse(once);
  ASSERT_TRUE(again) << errors << once;
  EXPECT_EQ(print(*again), once);
  EXPECT_NE(once.find("model.layer \"dense\" : \"Dense\" inputs(%"),
            std::string::npos)
      << once;
  EXPECT_NE(once.find("config {units = 5 : i64} -> tensor<?x5xf32> {"),
            std::string::npos)
      << once;
}

TEST_F(ModelDialect, SeveralResultsAndMasksRoundTrip) {
  auto module = parse(R"(
model.model @m "functional" : "Functional" {
  %x = model.input "x" dims ["n", 4] : tensor<?x4xf32>
  %m = model.input "m" dims ["n", 4] : tensor<?x4xi1>
  %y:3 = model.layer "split" : "Split" inputs(%a = %x : tensor<?x4xf32>)
      masks(%k = %m : tensor<?x4xi1>) -> (tensor<?x4xf32>, tensor<?x4xf32>) masks tensor<?x4xi1> {
    model.yield %a, %a, %k : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xi1>
  }
  model.output %y#0, %y#1 names ["a", "b"] dims [["n", 4], ["n", 4]] : tensor<?x4xf32>, tensor<?x4xf32>
}
)");
  ASSERT_TRUE(module) << errors;
  auto model = *module->getOps<model::ModelOp>().begin();
  auto layer = *model.getBody().front().getOps<model::LayerOp>().begin();
  EXPECT_EQ(layer.getOutputs().size(), 2u);
  EXPECT_EQ(layer.getOutputMasks().size(), 1u);
  std::string once = print(*module);
  auto again = parse(once);
  ASSERT_TRUE(again) << errors << once;
  EXPECT_EQ(print(*again), once);
}

TEST_F(ModelDialect, VerifierNamesWhatIsWrong) {
  refuses(R"(dims ["n", 10] :)", R"(dims ["n"] :)",
          "must list the 2 dimensions");
  refuses(R"(dims ["n", 10] :)", R"(dims ["n", 11] :)",
          "dimension 1 of the input is 11 in dims");
  refuses(R"(dims ["n", 10] :)", R"(dims [4, 10] :)",
          "dimension 0 of the input is 4 in dims");
  refuses(R"(dims ["n", 10] :)", R"(dims ["n", "m"] :)",
          "is static in 'tensor<?x10xf32>'");
  refuses("\"dense/bias\"", "\"dense/kernel\"",
          "is the second one named \"dense/kernel\"");
  refuses("\"dense/bias\"", "\"\"", "a weight needs a name");
  refuses("names [\"y\"]", "names [\"y\", \"z\"]", "has 1 values, 2 names");
  refuses("names [\"y\"]", "names [\"\"]", "output 0 needs a name");
  refuses("\"dense\" :", "\"\" :", "a layer needs a name");
  refuses("model.yield %2 : tensor<?x5xf32>\n  }",
          "model.yield %0, %2 : tensor<?x5xf32>, tensor<?x5xf32>\n  }",
          "yields (");
  refuses("%v = lam.constant dense<0.5> : tensor<5xf32>\n"
          "    model.yield %v : tensor<5xf32>",
          "%v = lam.constant dense<0.5> : tensor<6xf32>\n"
          "    model.yield %v : tensor<6xf32>",
          "must end with model.yield of a");
}

TEST_F(ModelDialect, ConversionInlinesLayersAndDescribesArguments) {
  auto module = parse(denseModel);
  ASSERT_TRUE(module) << errors;
  mlir::PassManager pm(&context);
  ConvertModelToLamOptions options;
  options.seed = 7;
  pm.addPass(createConvertModelToLam(options));
  ASSERT_TRUE(mlir::succeeded(pm.run(*module)));
  auto function = module->lookupSymbol<mlir::func::FuncOp>("forward");
  ASSERT_TRUE(function);
  ASSERT_EQ(function.getNumArguments(), 3u);
  module->walk([](mlir::Operation *op) {
    EXPECT_NE(op->getName().getDialectNamespace(), "model");
  });
  auto text = [&](unsigned i, llvm::StringRef name) {
    auto attr = function.getArgAttrOfType<mlir::StringAttr>(i, name);
    return attr ? attr.getValue().str() : "(none)";
  };
  EXPECT_EQ(text(0, "lamina.role"), "input");
  EXPECT_EQ(text(0, "lamina.name"), "x");
  EXPECT_EQ(text(0, "lamina.dtype"), "float32");
  EXPECT_EQ(text(1, "lamina.role"), "weight");
  EXPECT_EQ(text(1, "lamina.name"), "dense/kernel");
  EXPECT_EQ(text(2, "lamina.name"), "dense/bias");
  auto trainable = [&](unsigned i) {
    return function.getArgAttrOfType<mlir::BoolAttr>(i, "lamina.trainable")
        .getValue();
  };
  EXPECT_TRUE(trainable(1));
  EXPECT_FALSE(trainable(2));
  auto value = function.getArgAttrOfType<mlir::ElementsAttr>(2, "lamina.value");
  ASSERT_TRUE(value);
  EXPECT_EQ(fromElements(value)->getDouble(4), 0.5);
  auto name = function.getResultAttrOfType<mlir::StringAttr>(0, "lamina.name");
  EXPECT_EQ(name.getValue(), "y");
  auto model = (*module)->getAttrOfType<mlir::StringAttr>("lamina.model");
  EXPECT_EQ(model.getValue(), "model");
}

TEST_F(ModelDialect, InitialValuesDependOnSeedAndNameOnly) {
  auto kernel = [&](std::string text, uint64_t seed) {
    auto module = parse(text);
    EXPECT_TRUE(module) << errors;
    mlir::PassManager pm(&context);
    ConvertModelToLamOptions options;
    options.seed = seed;
    pm.addPass(createConvertModelToLam(options));
    EXPECT_TRUE(mlir::succeeded(pm.run(*module)));
    auto function = module->lookupSymbol<mlir::func::FuncOp>("forward");
    return function.getArgAttrOfType<mlir::ElementsAttr>(1, "lamina.value");
  };
  std::string text = denseModel;
  EXPECT_EQ(kernel(text, 1), kernel(text, 1));
  EXPECT_NE(kernel(text, 1), kernel(text, 2));
  std::string otherBias = text, otherKernel = text;
  otherBias.replace(otherBias.find("dense/bias"), 10, "dense/BIAS");
  EXPECT_EQ(kernel(text, 1), kernel(otherBias, 1));
  otherKernel.replace(otherKernel.find("dense/kernel"), 12, "dense/KERNEL");
  EXPECT_NE(kernel(text, 1), kernel(otherKernel, 1));
}

// The text is what Keras 3 prints for the same model (to a pipe), with the bias
// frozen.
TEST_F(ModelDialect, SummaryIsKerass) {
  auto module = parse(denseModel);
  ASSERT_TRUE(module) << errors;
  std::string text;
  llvm::raw_string_ostream os(text);
  printSummary(*module, os);
  EXPECT_EQ(text,
            R"(Model: "sequential"
┏━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━┓
┃ Layer (type)                    ┃ Output Shape           ┃       Param # ┃
┡━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━┩
│ dense (Dense)                   │ (None, 5)              │            55 │
└─────────────────────────────────┴────────────────────────┴───────────────┘
 Total params: 55 (220.00 B)
 Trainable params: 50 (200.00 B)
 Non-trainable params: 5 (20.00 B)
)");
}

TEST_F(ModelDialect, DotHasEveryLayerAndEdge) {
  auto module = parse(denseModel);
  ASSERT_TRUE(module) << errors;
  std::string text;
  llvm::raw_string_ostream os(text);
  printDot(*module, os);
  EXPECT_NE(text.find("\"x\" -> \"dense\";"), std::string::npos) << text;
  EXPECT_NE(text.find("\"dense\" -> \"output y\";"), std::string::npos) << text;
  EXPECT_NE(text.find("55 params"), std::string::npos) << text;
}

} // namespace
