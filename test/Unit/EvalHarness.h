//===- EvalHarness.h - the value of a lambda text on arrays -----*- C++ -*-===//
//
// For tests: parses a function, evaluates it on inputs, interprets the emitted
// lam, and compares with recorded numbers.
//
//===----------------------------------------------------------------------===//

#ifndef LAMINA_TEST_UNIT_EVALHARNESS_H
#define LAMINA_TEST_UNIT_EVALHARNESS_H

#include "lamina/Frontend/EvalModule.h"
#include "lamina/Frontend/Parser.h"
#include "lamina/Frontend/Tracer.h"
#include "lamina/Interpreter/Interpreter.h"
#include "lamina/Lam/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/Support/raw_ostream.h"
#include "gtest/gtest.h"
#include <cmath>

namespace lamina::test {

/// float32 (or `dtype`) numbers 0, 1, 2, … scaled: `start + i * step`.
inline NDArray sequence(llvm::ArrayRef<int64_t> shape, double start = 0,
                        double step = 1, DType dtype = DType::Float32) {
  NDArray array(dtype, shape);
  for (int64_t i = 0; i < array.size(); ++i)
    array.setDouble(i, start + double(i) * step);
  return array;
}

inline NDArray array(llvm::ArrayRef<int64_t> shape,
                     llvm::ArrayRef<double> values,
                     DType dtype = DType::Float32) {
  NDArray result(dtype, shape);
  for (int64_t i = 0; i < result.size(); ++i)
    result.setDouble(i, values[i]);
  return result;
}

using Inputs = std::vector<std::pair<std::string, NDArray>>;

/// What came out: the outputs, or the text of the diagnostics.
struct Outcome {
  std::vector<NDArray> outputs;
  std::vector<std::string> dims; // "(n, 10)" as the program knows the shapes
  std::string diagnostics, ir;
  bool ok() const { return !outputs.empty(); }
};

class EvalHarness {
public:
  /// `code` is an expression that is a function; `prelude` are statements that
  /// run first. With `symbols`, dimension i of input `name` is the symbol
  /// `symbols["name:i"]` rather than static.
  Outcome eval(llvm::StringRef code, const Inputs &inputs = {},
               const std::map<std::string, std::string> &symbols = {},
               llvm::StringRef prelude = "") {
    Outcome outcome;
    mlir::MLIRContext context;
    context.getDiagEngine().registerHandler([&](mlir::Diagnostic &diagnostic) {
      outcome.diagnostics += "MLIR: " + diagnostic.str() + "\n";
      return mlir::success();
    });
    Diagnostics diags;
    ast::ASTContext ast;
    frontend::Evaluator evaluator(context, diags);
    run(evaluator, ast, diags, code, inputs, symbols, prelude, outcome);
    llvm::raw_string_ostream os(outcome.diagnostics);
    diags.print(os, Diagnostics::Format::Text, false);
    return outcome;
  }

private:
  void run(frontend::Evaluator &evaluator, ast::ASTContext &ast,
           Diagnostics &diags, llvm::StringRef code, const Inputs &inputs,
           const std::map<std::string, std::string> &symbols,
           llvm::StringRef prelude, Outcome &outcome) {
    if (!prelude.empty()) {
      unsigned id = diags.addBuffer(prelude, "prelude.lam");
      ast::Module *module = parseModule(id, ast, diags);
      if (!module || mlir::failed(evaluator.run(*module)))
        return;
    }
    unsigned id = diags.addBuffer(code, "eval.lam");
    ast::Expr *expr = parseExpression(id, ast, diags);
    if (!expr)
      return;
    frontend::Result function = evaluator.evaluate(expr, evaluator.globals());
    if (mlir::failed(function))
      return;
    std::vector<frontend::EvalInput> types;
    std::vector<NDArray> arrays;
    for (const auto &[name, array] : inputs) {
      frontend::Shape shape;
      for (unsigned i = 0; i < array.rank(); ++i) {
        auto symbol = symbols.find(name + ":" + std::to_string(i));
        shape.push_back(symbol == symbols.end()
                            ? frontend::Size(array.shape()[i])
                            : frontend::Size::symbol(symbol->second));
      }
      types.push_back({name, array.dtype(), shape});
      arrays.push_back(array);
    }
    mlir::OwningOpRef<mlir::ModuleOp> module =
        frontend::buildEvalModule(evaluator, *function, types);
    if (!module)
      return;
    llvm::raw_string_ostream ir(outcome.ir);
    module->print(ir);
    // The interpreter has no derivative operators.
    mlir::PassManager passes(module->getContext());
    passes.addPass(createLamDifferentiate());
    if (mlir::failed(mlir::verify(*module)) ||
        mlir::failed(passes.run(*module)))
      return;
    auto forward = module->lookupSymbol<mlir::func::FuncOp>("forward");
    auto results = interpret(forward, arrays);
    if (mlir::failed(results))
      return;
    outcome.outputs = std::move(*results);
    for (unsigned i = 0; i < forward.getNumResults(); ++i) {
      std::string text;
      llvm::raw_string_ostream os(text);
      forward.getResultAttr(i, "lamina.dims").print(os, true);
      outcome.dims.push_back(text);
    }
  }
};

/// One output equals recorded numbers, shape and dtype.
inline void expectArray(const NDArray &got, llvm::StringRef dtype,
                        llvm::ArrayRef<int64_t> shape,
                        llvm::ArrayRef<double> values,
                        double tolerance = 1e-6) {
  EXPECT_EQ(name(got.dtype()), dtype);
  ASSERT_EQ(got.shape(), shape);
  ASSERT_EQ(size_t(got.size()), values.size());
  for (int64_t i = 0; i < got.size(); ++i) {
    double x = got.getDouble(i), y = values[i];
    if (std::isnan(y) || std::isinf(y) || tolerance == 0)
      EXPECT_TRUE(x == y || (std::isnan(x) && std::isnan(y)))
          << "element " << i << ": " << x << " for " << y;
    else
      EXPECT_NEAR(x, y, tolerance * std::max(1.0, std::abs(y)))
          << "element " << i;
  }
}

} // namespace lamina::test

#endif // LAMINA_TEST_UNIT_EVALHARNESS_H
