//===- StructureDerivativesTest.cpp - every op that is not pointwise ------===//
//
// Random configurations of every op that moves or combines elements: sizes 0
// and 1, static and dynamic. Linear ones satisfy ⟨A x, u⟩ = ⟨x, Aᵀ u⟩; all
// agree with finite differences, once and twice. And no op of the dialect is
// left out.
//
//===----------------------------------------------------------------------===//

#include "ContractionPrograms.h"
#include "DerivativeHarness.h"
#include "ReductionPrograms.h"
#include "StructurePrograms.h"

using namespace mlir;
using namespace lamina;
using namespace lamina::test;

static std::vector<ProgramWriter> allWriters() {
  std::vector<ProgramWriter> writers;
  llvm::append_range(writers, structureWriters);
  llvm::append_range(writers, reductionWriters);
  llvm::append_range(writers, contractionWriters);
  return writers;
}

namespace {
class StructureDerivatives : public DerivativeTest,
                             public testing::WithParamInterface<ProgramWriter> {
};
} // namespace

TEST_P(StructureDerivatives, agreeWithDifferences) {
  // More of them are tried by LAMINA_TEST_PROGRAMS=1000.
  const char *wanted = std::getenv("LAMINA_TEST_PROGRAMS");
  uint64_t programs = wanted ? std::strtoull(wanted, nullptr, 10) : 80;
  for (uint64_t seed = 1; seed <= programs && !HasFailure(); ++seed) {
    CheckRandom random(seed);
    Program program(random);
    std::string result = GetParam().write(program);
    std::string text = program.finish(result);
    SCOPED_TRACE("seed " + std::to_string(seed) + ":\n" + text);
    OwningOpRef<ModuleOp> module = parse(text);
    if (module)
      checkDerivatives(*module, program.inputs, seed, GetParam().isLinear);
  }
  EXPECT_TRUE(covered.contains(GetParam().op));
  EXPECT_GT(compared, programs);
}

INSTANTIATE_TEST_SUITE_P(Every, StructureDerivatives,
                         testing::ValuesIn(allWriters()), [](const auto &info) {
                           return std::string(info.param.name);
                         });
