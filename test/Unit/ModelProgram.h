//===- ModelProgram.h - runs a program with a model in a test ---*- C++ -*-===//
#ifndef LAMINA_TEST_UNIT_MODELPROGRAM_H
#define LAMINA_TEST_UNIT_MODELPROGRAM_H

#include "lamina/Conversion/Passes.h"
#include "lamina/Frontend/ModelModule.h"
#include "lamina/Frontend/Parser.h"
#include "lamina/Interpreter/Interpreter.h"
#include "lamina/Lam/Passes.h"
#include "lamina/Model/Model.h"
#include "lamina/Model/Summary.h"
#include "lamina/Support/Elements.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Pass/PassManager.h"
#include "gtest/gtest.h"
#include <cmath>

namespace lamina {

/// A program from its text to the `lam` stage, and its values.
class ModelProgram {
public:
  explicit ModelProgram(llvm::StringRef text, llvm::StringRef model = "",
                        int64_t batch = 0,
                        const frontend::TrainingOptions &training = {})
      : evaluator((frontend::loadDialects(context), context), diags) {
    unsigned id = diags.addBuffer(text, "m.lam");
    ast::Module *module = parseModule(id, asts, diags);
    if (!module)
      return;
    if (batch)
      frontend::setBatch(evaluator, batch);
    if (mlir::failed(evaluator.run(*module)))
      return;
    modelModule = frontend::buildModelModule(evaluator, model, training);
    if (!modelModule)
      return;
    lamModule = modelModule->clone();
    mlir::PassManager pm(&context);
    pm.addPass(createConvertModelToLam());
    if (training.entries)
      pm.addPass(createLamDifferentiate());
    if (mlir::failed(pm.run(*lamModule)))
      return;
    forward = lamModule->lookupSymbol<mlir::func::FuncOp>("forward");
  }

  /// The module of stage `model`.
  mlir::ModuleOp module() { return *modelModule; }
  /// The function of an entry, or null.
  mlir::func::FuncOp function(llvm::StringRef name) {
    return lamModule->lookupSymbol<mlir::func::FuncOp>(name);
  }

  bool ok() { return forward && !diags.hasErrors(); }
  /// All messages, notes included.
  std::string messages() {
    std::string text;
    llvm::raw_string_ostream os(text);
    diags.print(os, Diagnostics::Format::Text, false);
    return text;
  }
  std::string modelText() { return textOf(*modelModule); }
  std::string lamText() { return textOf(*lamModule); }
  std::string summary() {
    std::string text;
    llvm::raw_string_ostream os(text);
    printSummary(*modelModule, os);
    return text;
  }

  /// "x float32[n,10]; dense/kernel float32[10,5]; …" of a role.
  std::string arguments(llvm::StringRef role) {
    std::string text;
    for (unsigned i = 0; i < forward.getNumArguments(); ++i)
      append(text, role, forward.getArgAttrDict(i));
    return text;
  }
  std::string outputs() {
    std::string text;
    for (unsigned i = 0; i < forward.getNumResults(); ++i)
      append(text, "output", forward.getResultAttrDict(i));
    return text;
  }
  NDArray weight(llvm::StringRef name) {
    for (unsigned i = 0; i < forward.getNumArguments(); ++i) {
      mlir::DictionaryAttr attrs = forward.getArgAttrDict(i);
      if (attrs.getAs<mlir::StringAttr>("lamina.name").getValue() == name)
        return *fromElements(attrs.getAs<mlir::ElementsAttr>("lamina.value"));
    }
    ADD_FAILURE() << "no weight " << name.str();
    return {};
  }

  /// The outputs for these inputs, with the weights' initial values.
  std::vector<NDArray> run(std::vector<NDArray> inputs) {
    for (unsigned i = inputs.size(); i < forward.getNumArguments(); ++i)
      inputs.push_back(*fromElements(
          forward.getArgAttrOfType<mlir::ElementsAttr>(i, "lamina.value")));
    mlir::FailureOr<std::vector<NDArray>> results = interpret(forward, inputs);
    EXPECT_TRUE(mlir::succeeded(results));
    return mlir::succeeded(results) ? *results : std::vector<NDArray>();
  }

private:
  static std::string textOf(mlir::Operation *op) {
    std::string text;
    llvm::raw_string_ostream os(text);
    op->print(os);
    return text;
  }
  static void append(std::string &text, llvm::StringRef role,
                     mlir::DictionaryAttr attrs) {
    auto get = [&](llvm::StringRef name) {
      return attrs.getAs<mlir::StringAttr>(name).getValue().str();
    };
    if (get("lamina.role") != role)
      return;
    text += (text.empty() ? "" : "; ") + get("lamina.name") + " " +
            get("lamina.dtype") + "[";
    for (auto [i, dim] :
         llvm::enumerate(attrs.getAs<mlir::ArrayAttr>("lamina.dims"))) {
      text += i ? "," : "";
      if (auto number = mlir::dyn_cast<mlir::IntegerAttr>(dim))
        text += std::to_string(number.getInt());
      else
        text += mlir::cast<mlir::StringAttr>(dim).getValue().str();
    }
    text += "]";
    if (auto trainable = attrs.getAs<mlir::BoolAttr>("lamina.trainable"))
      text += trainable.getValue() ? "" : " frozen";
  }

  mlir::MLIRContext context;
  Diagnostics diags;
  ast::ASTContext asts;
  frontend::Evaluator evaluator;
  mlir::OwningOpRef<mlir::ModuleOp> modelModule, lamModule;
  mlir::func::FuncOp forward;
};

/// float32, row-major.
inline NDArray array(llvm::ArrayRef<int64_t> shape,
                     llvm::ArrayRef<double> values,
                     DType dtype = DType::Float32) {
  NDArray result(dtype, shape);
  for (auto [i, value] : llvm::enumerate(values))
    result.setDouble(i, value);
  return result;
}

/// Element i is i * step + start.
inline NDArray ramp(llvm::ArrayRef<int64_t> shape, double start = 0,
                    double step = 1) {
  NDArray result(DType::Float32, shape);
  for (int64_t i = 0; i < result.size(); ++i)
    result.setDouble(i, start + step * i);
  return result;
}

inline void expectNear(const NDArray &found, llvm::ArrayRef<int64_t> shape,
                       llvm::ArrayRef<double> values, double tolerance = 1e-6) {
  ASSERT_EQ(found.shape(), shape);
  for (auto [i, value] : llvm::enumerate(values))
    EXPECT_NEAR(found.getDouble(i), value,
                tolerance * std::max(1.0, std::fabs(value)))
        << "element " << i;
}

} // namespace lamina

#endif // LAMINA_TEST_UNIT_MODELPROGRAM_H
