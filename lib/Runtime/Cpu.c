/* Cpu.c - which of several variants of a model's code the processor runs */
#include "Cpu.h"
#include <stdlib.h>
#include <string.h>
#if defined(__x86_64__)
#include <cpuid.h>

/* The registers that the operating system saves. */
static unsigned saved_state(void) {
  unsigned low, high;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low;
}

/* The level of x86-64's psABI, 1 to 4. */
static int processor_level(void) {
  enum {
    v2c = bit_SSE3 | bit_SSSE3 | bit_CMPXCHG16B | bit_SSE4_1 | bit_SSE4_2 |
          bit_POPCNT,
    v3c = bit_FMA | bit_MOVBE | bit_OSXSAVE | bit_AVX | bit_F16C,
    v3b = bit_BMI | bit_AVX2 | bit_BMI2
  };
  const unsigned v4b =
      bit_AVX512F | bit_AVX512DQ | bit_AVX512CD | bit_AVX512BW | bit_AVX512VL;
  const unsigned ymm = 0x6, zmm = 0xe6;
  unsigned a, b = 0, c, d, features, extended;
  if (!__get_cpuid(1, &a, &b, &features, &d) ||
      !__get_cpuid(0x80000001, &a, &b, &extended, &d) ||
      (features & v2c) != v2c || !(extended & bit_LAHF_LM))
    return 1;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || (features & v3c) != v3c ||
      (b & v3b) != v3b || !(extended & bit_ABM))
    return 2;
  unsigned state = saved_state();
  if ((state & ymm) != ymm)
    return 2;
  return (b & v4b) == v4b && (state & zmm) == zmm ? 4 : 3;
}

#else
static int processor_level(void) { return 1; }
#endif

int lamina_choose_variant(const struct lamina_variant *variants, int count) {
  int level = processor_level(), best = 0;
  const char *asked = getenv("LAMINA_CPU");
  for (int i = 0; i < count; ++i)
    if (variants[i].level <= level) {
      if (asked && !strcmp(asked, variants[i].name))
        return i;
      best = i;
    }
  return best;
}
