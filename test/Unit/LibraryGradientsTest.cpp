//===- LibraryGradientsTest.cpp - every function's and layer's gradient ---===//
//
// The cases of test/Unit/Inputs/gradients/cases.txt: against finite differences
// without rounding, and compiled in float32 against the gradient without
// rounding. Compiling all takes half a minute or so: a tenth is compiled, and all
// with LAMINA_ALL_GRADIENTS=1 in the environment.
//
//===----------------------------------------------------------------------===//

#include "CompileHelpers.h"
#include "GradientCases.h"
#include "RecordedFunctions.h"
#include "lamina/Frontend/Library.h"
#include "lamina/Interpreter/Interpreter.h"
#include "lamina/Lam/Derivatives.h"
#include "lamina/Lam/Passes.h"
#include "llvm/ADT/StringSet.h"

using namespace lamina;
using namespace lamina::test;

namespace {

TEST(LibraryGradients, EveryNameHasACaseOrAReason) {
  GradientCases cases = readGradientCases();
  std::set<std::string> tested, known;
  for (const GradientCase &c : cases.cases) {
    tested.insert(c.name);
    // Operators and subscripts stand for their functions.
    bool isSyntax =
        c.name == "matmul" || c.name == "get_item" || c.name == "power";
    EXPECT_TRUE(isSyntax || llvm::StringRef(c.code).contains(c.name + "("))
        << "does not call " << c.name << ": " << c.line;
  }
  for (const Library::Definition &definition : Library::get().definitions()) {
    llvm::StringRef space = definition.nameSpace;
    if (llvm::StringRef(definition.name).starts_with("_"))
      continue;
    std::string name =
        (space.empty() ? "" : space.str() + ".") + definition.name;
    known.insert(name);
    known.insert(space.str() + ".*");
    bool hasCase = tested.count(name);
    bool hasReason =
        cases.reasons.count(name) || cases.reasons.count(space.str() + ".*");
    EXPECT_TRUE(hasCase || hasReason)
        << name << " (" << definition.file.str()
        << ") needs a case in Inputs/gradients/cases.txt, or the reason why "
           "it has none";
    EXPECT_FALSE(hasCase && hasReason) << name << " has both";
  }
  for (const std::string &name : tested)
    EXPECT_TRUE(known.count(name)) << name << " is not in the library";
  for (const auto &[name, reason] : cases.reasons)
    EXPECT_TRUE(known.count(name)) << name << " is not in the library";
}

TEST(LibraryGradients, FiniteDifferences) {
  std::vector<GradientCase> cases = readGradientCases().cases;
  EXPECT_GE(cases.size(), 600u);
  unsigned compared = 0;
  for (const GradientCase &c : cases) {
    SCOPED_TRACE(c.line + "\nseed " + std::to_string(c.seed()));
    GradientProgram program(c, /*dynamic=*/true);
    if (!program.module) {
      ADD_FAILURE() << program.errors;
      continue;
    }
    auto check = GradientCheck::create(*program.module, "forward");
    if (failed(check)) {
      ADD_FAILURE() << program.errors;
      continue;
    }
    check->directions = 2;
    check->smallSize = 4;
    CheckRandom random(c.seed() + 1);
    auto results = check->at(program.inputs, random);
    if (failed(results)) {
      ADD_FAILURE() << program.errors;
      continue;
    }
    unsigned directions = 0;
    for (const ArgumentCheck &each : *results) {
      EXPECT_EQ(each.verdict, Verdict::Agrees)
          << "argument " << each.argument << ", relative difference "
          << each.error;
      directions += each.directions;
    }
    EXPECT_GT(directions, 0u);
    compared += directions;
  }
  std::printf("%zu cases, %u directions\n", cases.size(), compared);
}

// What JAX gives, written by test/reference/kinks.py.
TEST(LibraryGradients, KinksTiesAndZeros) {
  expectRecorded("../gradients/kinks.txt", 150);
}

/// A case's vjp, to be compiled, and what it is without rounding.
struct Compiled {
  const GradientCase *from;
  std::string text;
  std::vector<NDArray> operands, exact;
};

/// The vjp of a case under `name`; nothing after an error.
std::optional<Compiled> prepare(const GradientCase &c, llvm::StringRef name) {
  GradientProgram program(c);
  if (!program.module) {
    ADD_FAILURE() << program.errors;
    return std::nullopt;
  }
  Compiled result{&c, "", program.inputs, {}};
  mlir::func::FuncOp forward = program.forward();
  for (mlir::Type type : forward.getResultTypes())
    if (lam::isFloatTensor(type)) {
      auto tensor = mlir::cast<mlir::RankedTensorType>(type);
      NDArray cotangent = draw("normal", tensor.getShape(), program.random);
      result.operands.push_back(
          cotangent.cast(*fromMLIR(tensor.getElementType())));
    }
  mlir::func::FuncOp vjp = lam::addVjp(forward, name);
  forward.erase();
  vjp.setArgAttrsAttr(nullptr);
  vjp.setResAttrsAttr(nullptr);
  mlir::PassManager passes(&program.context);
  passes.addPass(createLamDifferentiate());
  if (failed(passes.run(*program.module))) {
    ADD_FAILURE() << program.errors;
    return std::nullopt;
  }
  llvm::raw_string_ostream(result.text) << *vjp;
  auto exact = interpret(vjp, result.operands, Rounding::None);
  if (failed(exact)) {
    ADD_FAILURE() << program.errors;
    return std::nullopt;
  }
  result.exact = std::move(*exact);
  return result;
}

class CompiledGradients : public CompileTest {
protected:
  CompiledGradients() { options.optLevel = 2; }

  void run(llvm::ArrayRef<Compiled> group) {
    std::string text;
    for (const Compiled &each : group)
      text += each.text + "\n";
    std::unique_ptr<CompiledModel> all = compile(text);
    for (auto [i, each] : llvm::enumerate(group)) {
      SCOPED_TRACE(each.from->line);
      std::unique_ptr<CompiledModel> single;
      if (!all && !(single = compile(each.text))) {
        ADD_FAILURE() << errors;
        continue;
      }
      auto results =
          (all ? all : single)->run("vjp" + std::to_string(i), each.operands);
      if (!results) {
        ADD_FAILURE() << llvm::toString(results.takeError());
        continue;
      }
      ASSERT_EQ(results->size(), each.exact.size());
      for (size_t k = 0; k < results->size(); ++k)
        compare((*results)[k], each.exact[k], k);
    }
  }

private:
  /// Equal up to the rounding of some dozens of operations on numbers as large
  /// as the largest.
  static void compare(const NDArray &got, const NDArray &exact, size_t result) {
    ASSERT_EQ(got.shape(), exact.shape());
    double scale = 1;
    for (int64_t i = 0; i < exact.size(); ++i)
      scale = std::max(scale, std::abs(exact.getDouble(i)));
    for (int64_t i = 0; i < exact.size(); ++i)
      EXPECT_NEAR(got.getDouble(i), exact.getDouble(i), 2e-5 * scale)
          << "result " << result << ", element " << i;
  }
};

TEST_F(CompiledGradients, AgreeWithTheExactOnes) {
  std::vector<GradientCase> cases = readGradientCases().cases;
  bool everything = std::getenv("LAMINA_ALL_GRADIENTS") != nullptr;
  const size_t together = 40; // functions per module: fewer start-ups
  std::vector<Compiled> group;
  for (auto [i, c] : llvm::enumerate(cases)) {
    SCOPED_TRACE(c.line);
    if (everything || c.seed() % 10 == 0)
      if (auto compiled = prepare(c, "vjp" + std::to_string(group.size())))
        group.push_back(std::move(*compiled));
    if (group.size() == together || i + 1 == cases.size()) {
      run(group);
      group.clear();
    }
  }
}

} // namespace
