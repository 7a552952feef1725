//===- CpuLevelTest.cpp - which variant of the code a processor runs ------===//
//
// The runtime's C file itself, with processors that this machine is not.
//
//===----------------------------------------------------------------------===//
extern "C" {
#include "../../lib/Runtime/Cpu.c"
}
#include "gtest/gtest.h"
#include <cstdlib>

namespace {
#if defined(__x86_64__)
using Bits = std::initializer_list<unsigned>;

const lamina_cpuid everything = {~0u, ~0u, ~0u, ~0u};

/// The level of a processor that lacks one bit only.
int levelWithout(unsigned lamina_cpuid::*word, unsigned bit) {
  lamina_cpuid cpu = everything;
  cpu.*word &= ~bit;
  return level_of(&cpu);
}

TEST(CpuLevelTest, everyBitOfALevelIsNeeded) {
  EXPECT_EQ(level_of(&everything), 4);
  for (unsigned bit : Bits{bit_AVX512F, bit_AVX512DQ, bit_AVX512CD,
                           bit_AVX512BW, bit_AVX512VL})
    EXPECT_EQ(levelWithout(&lamina_cpuid::more, bit), 3) << bit;
  for (unsigned bit : Bits{bit_BMI, bit_AVX2, bit_BMI2})
    EXPECT_EQ(levelWithout(&lamina_cpuid::more, bit), 2) << bit;
  for (unsigned bit : Bits{bit_FMA, bit_MOVBE, bit_OSXSAVE, bit_AVX, bit_F16C})
    EXPECT_EQ(levelWithout(&lamina_cpuid::features, bit), 2) << bit;
  EXPECT_EQ(levelWithout(&lamina_cpuid::extended, bit_ABM), 2);
  for (unsigned bit : Bits{bit_SSE3, bit_SSSE3, bit_CMPXCHG16B, bit_SSE4_1,
                           bit_SSE4_2, bit_POPCNT})
    EXPECT_EQ(levelWithout(&lamina_cpuid::features, bit), 1) << bit;
  EXPECT_EQ(levelWithout(&lamina_cpuid::extended, bit_LAHF_LM), 1);
}

TEST(CpuLevelTest, registersThatAreNotSavedAreNotUsed) {
  for (unsigned bit :
       Bits{0x20u, 0x40u, 0x80u}) // masks, upper halves, zmm16-31
    EXPECT_EQ(levelWithout(&lamina_cpuid::saved, bit), 3) << bit;
  for (unsigned bit : Bits{0x2u, 0x4u}) // xmm, ymm
    EXPECT_EQ(levelWithout(&lamina_cpuid::saved, bit), 2) << bit;
}

TEST(CpuLevelTest, theHostHasWhatItsCompilerSays) {
  __builtin_cpu_init();
  int expected = __builtin_cpu_supports("x86-64-v4")   ? 4
                 : __builtin_cpu_supports("x86-64-v3") ? 3
                 : __builtin_cpu_supports("x86-64-v2") ? 2
                                                       : 1;
  EXPECT_EQ(processor_level(), expected);
}
#endif

TEST(CpuLevelTest, theHighestLevelThatThereIs) {
  unsetenv("LAMINA_CPU");
  const lamina_variant some[] = {
      {"low", 0}, {"own", processor_level()}, {"beyond", 5}};
  EXPECT_EQ(lamina_choose_variant(some, 3), 1);
  setenv("LAMINA_CPU", "low", 1);
  EXPECT_EQ(lamina_choose_variant(some, 3), 0);
  for (const char *ignored : {"beyond", "unknown", ""}) {
    setenv("LAMINA_CPU", ignored, 1);
    EXPECT_EQ(lamina_choose_variant(some, 3), 1) << ignored;
  }
  unsetenv("LAMINA_CPU");
}

TEST(CpuLevelTest, theLowestIsNotAskedFor) {
  const lamina_variant beyond[] = {{"x", 5}, {"y", 6}};
  EXPECT_EQ(lamina_choose_variant(beyond, 2), 0);
}
} // namespace
