//===- EvaluatorHarness.h - runs a program for a test -----------*- C++ -*-===//
#ifndef LAMINA_TEST_UNIT_EVALUATORHARNESS_H
#define LAMINA_TEST_UNIT_EVALUATORHARNESS_H

#include "lamina/Frontend/EvalModule.h"
#include "lamina/Frontend/Evaluator.h"
#include "lamina/Frontend/Parser.h"
#include "lamina/Frontend/Tracer.h"
#include "lamina/Lam/Lam.h"
#include "lamina/Model/Model.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/Support/MemoryBuffer.h"
#include <gtest/gtest.h>

namespace lamina::frontend {

/// A program that has been run.
struct Program {
  mlir::MLIRContext context;
  Diagnostics diags;
  ast::ASTContext trees;
  std::unique_ptr<Evaluator> evaluator;

  explicit Program(llvm::StringRef text) {
    context.loadDialect<mlir::func::FuncDialect, mlir::arith::ArithDialect,
                        mlir::tensor::TensorDialect, lam::LamDialect,
                        model::ModelDialect>();
    unsigned buffer = diags.addBuffer(text, "t.lam");
    const ast::Module *module = parseModule(buffer, trees, diags);
    evaluator = std::make_unique<Evaluator>(context, diags);
    if (module)
      (void)evaluator->run(*module);
  }

  std::string repr(llvm::StringRef name) {
    auto found = evaluator->globals().names.find(name);
    return found == evaluator->globals().names.end()
               ? "<not set>"
               : evaluator->repr(found->second);
  }

  /// "line:column message" of every error.
  std::vector<std::string> errors() {
    std::vector<std::string> result;
    for (const Diagnostic *diagnostic : diags.all()) {
      if (diagnostic->severity != Severity::Error)
        continue;
      std::string place;
      if (diagnostic->range.isValid()) {
        auto [line, column] =
            diags.sources().getLineAndColumn(diagnostic->range.Start);
        place = std::to_string(line) + ":" + std::to_string(column) + " ";
      }
      result.push_back(place + diagnostic->message);
    }
    return result;
  }

  std::string errorText() {
    std::string text;
    for (const std::string &error : errors())
      text += error + "\n";
    return text;
  }
};

/// A program and the lines that start with "=> " after it.
struct Case {
  std::string program;
  std::vector<std::string> expected;
};

/// The cases of test/Unit/Inputs/evaluator/NAME.txt, separated by "---".
inline std::vector<Case> readCases(llvm::StringRef name) {
  std::string path =
      (LAMINA_SOURCE_DIR "/test/Unit/Inputs/evaluator/" + name + ".txt").str();
  auto buffer = llvm::MemoryBuffer::getFile(path);
  std::vector<Case> result;
  EXPECT_TRUE(bool(buffer)) << path;
  if (!buffer)
    return result;
  llvm::StringRef rest = (*buffer)->getBuffer();
  Case current;
  while (!rest.empty()) {
    auto [line, tail] = rest.split('\n');
    rest = tail;
    if (line == "---") {
      result.push_back(std::exchange(current, Case()));
    } else if (line.consume_front("=> ")) {
      current.expected.push_back(line.str());
    } else {
      current.program += line.str() + "\n";
    }
  }
  return result;
}

} // namespace lamina::frontend

#endif // LAMINA_TEST_UNIT_EVALUATORHARNESS_H
