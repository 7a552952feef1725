//===- GradientCases.h - the library's gradients, by case -----*- C++ -*-===//
//
// Reads test/Unit/Inputs/gradients/cases.txt (its first lines say how it is
// written), draws inputs for a case and makes its function at the stage `lam`.
//
//===----------------------------------------------------------------------===//

#ifndef LAMINA_TEST_UNIT_GRADIENTCASES_H
#define LAMINA_TEST_UNIT_GRADIENTCASES_H

#include "lamina/Check/GradientCheck.h"
#include "lamina/Conversion/Passes.h"
#include "lamina/Frontend/EvalModule.h"
#include "lamina/Frontend/ModelModule.h"
#include "lamina/Frontend/Parser.h"
#include "lamina/Frontend/Tracer.h"
#include "lamina/Support/NDArray.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/xxhash.h"
#include "gtest/gtest.h"
#include <cmath>

namespace lamina::test {

struct GradientInput {
  std::string name, domain;
  llvm::SmallVector<int64_t> shape;
};

struct GradientCase {
  std::string line, name, code;
  std::vector<GradientInput> inputs;
  bool isLayer = false;
  /// Stays the same when other cases come and go.
  uint64_t seed() const { return llvm::xxh3_64bits(line); }
};

struct GradientCases {
  std::vector<GradientCase> cases;
  /// Names without a case, and why.
  std::map<std::string, std::string> reasons;
};

/// "x=normal[2,3]"
inline GradientInput parseInput(llvm::StringRef text) {
  auto [name, rest] = text.split('=');
  auto [domain, sizes] = rest.split('[');
  GradientInput input{name.str(), domain.str(), {}};
  EXPECT_TRUE(sizes.consume_back("]")) << text.str();
  while (!sizes.empty()) {
    auto [size, more] = sizes.split(',');
    input.shape.push_back(std::stoll(size.str()));
    sizes = more;
  }
  return input;
}

inline GradientCases readGradientCases() {
  GradientCases result;
  auto buffer = llvm::MemoryBuffer::getFile(
      LAMINA_SOURCE_DIR "/test/Unit/Inputs/gradients/cases.txt");
  EXPECT_TRUE(bool(buffer));
  if (!buffer)
    return result;
  for (llvm::StringRef line : llvm::split((*buffer)->getBuffer(), '\n')) {
    if (line.empty() || line.starts_with("#"))
      continue;
    auto [head, rest] = line.split(": ");
    EXPECT_FALSE(rest.empty()) << line.str();
    if (head.consume_front("none ")) {
      for (llvm::StringRef name : llvm::split(head, ' '))
        EXPECT_TRUE(result.reasons.emplace(name.str(), rest.str()).second)
            << name.str() << " stands here twice";
      continue;
    }
    auto [code, inputs] = rest.rsplit("; ");
    GradientCase c{line.str(), head.str(), "", {}};
    c.isLayer = code.consume_front("layer ");
    c.code = code.str();
    for (llvm::StringRef input : llvm::split(inputs, ' '))
      c.inputs.push_back(parseInput(input));
    result.cases.push_back(std::move(c));
  }
  return result;
}

inline NDArray draw(llvm::StringRef domain, llvm::ArrayRef<int64_t> shape,
                    CheckRandom &random) {
  double low = 0.5, high = 2;
  int64_t count = 2;
  bool isNormal = domain == "normal", isBool = domain == "bool";
  bool isInteger = domain.consume_front("below(") &&
                   !domain.consumeInteger(10, count) && domain == ")";
  if (domain.consume_front("uniform(")) {
    auto [first, second] = domain.drop_back().split(',');
    EXPECT_FALSE(first.getAsDouble(low) || second.getAsDouble(high));
  } else {
    EXPECT_TRUE(isNormal || isBool || isInteger || domain == "positive")
        << "unknown domain " << domain.str();
  }
  NDArray array(isBool      ? DType::Bool
                : isInteger ? DType::Int32
                            : DType::Float32,
                shape);
  for (int64_t i = 0; i < array.size(); ++i) {
    if (isBool || isInteger)
      array.setInt(i, random.integer(0, count - 1));
    else
      array.setDouble(i,
                      isNormal ? random.normal() : random.uniform(low, high));
  }
  return array;
}

/// The function of a case, at the stage `lam`.
class GradientProgram {
public:
  /// With `dynamic`, the batch of a layer is known at run time only.
  explicit GradientProgram(const GradientCase &c, bool dynamic = false)
      : random(c.seed()), evaluator(context, diags) {
    context.getDiagEngine().registerHandler(
        [this](mlir::Diagnostic &diagnostic) {
          errors += diagnostic.str() + "\n";
          return mlir::success();
        });
    for (const GradientInput &input : c.inputs)
      inputs.push_back(draw(input.domain, input.shape, random));
    module = c.isLayer ? layer(c, dynamic) : lambda(c);
    llvm::raw_string_ostream os(errors);
    diags.print(os, Diagnostics::Format::Text, false);
    if (module)
      drawWeights();
  }

  mlir::func::FuncOp forward() {
    return module->lookupSymbol<mlir::func::FuncOp>("forward");
  }

  mlir::MLIRContext context{mlir::MLIRContext::Threading::DISABLED};
  std::string errors;
  /// Of the arguments of `forward`: inputs, then weights.
  std::vector<NDArray> inputs;
  mlir::OwningOpRef<mlir::ModuleOp> module; // null after errors
  CheckRandom random;

private:
  mlir::OwningOpRef<mlir::ModuleOp> lambda(const GradientCase &c) {
    ast::Expr *expr =
        parseExpression(diags.addBuffer(c.code, "case"), ast, diags);
    if (!expr)
      return nullptr;
    frontend::Result function = evaluator.evaluate(expr, evaluator.globals());
    if (mlir::failed(function))
      return nullptr;
    std::vector<std::pair<std::string, const NDArray *>> named;
    for (auto [input, array] : llvm::zip_equal(c.inputs, inputs))
      named.emplace_back(input.name, &array);
    return frontend::buildEvalModule(evaluator, *function, named);
  }

  mlir::OwningOpRef<mlir::ModuleOp> layer(const GradientCase &c, bool dynamic) {
    std::string text = "import keras\nfrom keras.layers import *\n"
                       "from keras import Sequential, Model\n",
                names;
    for (auto [input, array] : llvm::zip_equal(c.inputs, inputs)) {
      std::string shape = dynamic ? "(None," : "(";
      for (int64_t size : array.shape().drop_front(dynamic))
        shape += std::to_string(size) + ",";
      text += input.name + " = Input(batch_shape=" + shape + "), name='" +
              input.name + "', dtype='" + name(array.dtype()).str() + "')\n";
      names += (names.empty() ? "" : ", ") + input.name;
    }
    if (c.inputs.size() > 1)
      names = "[" + names + "]";
    text += "model = Model(" + names + ", (" + c.code + ")(" + names + "))\n";
    ast::Module *program =
        parseModule(diags.addBuffer(text, "case"), ast, diags);
    if (!program || mlir::failed(evaluator.run(*program)))
      return nullptr;
    mlir::OwningOpRef<mlir::ModuleOp> model =
        frontend::buildModelModule(evaluator, "model", {});
    if (!model)
      return nullptr;
    mlir::PassManager passes(&context);
    passes.addPass(createConvertModelToLam());
    if (mlir::failed(passes.run(*model)))
      return nullptr;
    return model;
  }

  void drawWeights() {
    mlir::func::FuncOp function = forward();
    for (unsigned i = inputs.size(); i < function.getNumArguments(); ++i) {
      auto type =
          mlir::cast<mlir::RankedTensorType>(function.getArgument(i).getType());
      auto name = function.getArgAttrOfType<mlir::StringAttr>(i, "lamina.name");
      bool isVariance = name.getValue().ends_with("variance");
      inputs.push_back(
          draw(isVariance ? "positive" : "normal", type.getShape(), random));
    }
  }

  Diagnostics diags;
  ast::ASTContext ast;
  frontend::Evaluator evaluator;
};

} // namespace lamina::test

#endif // LAMINA_TEST_UNIT_GRADIENTCASES_H
