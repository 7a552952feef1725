/* Cpu.c - which of several variants of a model's code the processor runs */
#include "Cpu.h"
#include <stdlib.h>
#include <string.h>
#if defined(__x86_64__)
#include <cpuid.h>

/* What the processor and the operating system say. */
struct lamina_cpuid {
  unsigned features; /* leaf 1, ecx */
  unsigned extended; /* leaf 0x80000001, ecx */
  unsigned more;     /* leaf 7, ebx; 0 if there is none */
  unsigned saved;    /* the registers that are saved; 0 without xgetbv */
};

/* The level of x86-64's psABI, 1 to 4. */
static int level_of(const struct lamina_cpuid *cpu) {
  enum {
    v2c = bit_SSE3 | bit_SSSE3 | bit_CMPXCHG16B | bit_SSE4_1 | bit_SSE4_2 |
          bit_POPCNT,
    v3c = bit_FMA | bit_MOVBE | bit_OSXSAVE | bit_AVX | bit_F16C,
    v3b = bit_BMI | bit_AVX2 | bit_BMI2
  };
  const unsigned v4b =
      bit_AVX512F | bit_AVX512DQ | bit_AVX512CD | bit_AVX512BW | bit_AVX512VL;
  const unsigned ymm = 0x6, zmm = 0xe6;
  if ((cpu->features & v2c) != v2c || !(cpu->extended & bit_LAHF_LM))
    return 1;
  if ((cpu->features & v3c) != v3c || (cpu->more & v3b) != v3b ||
      !(cpu->extended & bit_ABM) || (cpu->saved & ymm) != ymm)
    return 2;
  return (cpu->more & v4b) == v4b && (cpu->saved & zmm) == zmm ? 4 : 3;
}

static int processor_level(void) {
  struct lamina_cpuid cpu = {0, 0, 0, 0};
  unsigned a, b, c, d;
  if (!__get_cpuid(1, &a, &b, &cpu.features, &d) ||
      !__get_cpuid(0x80000001, &a, &b, &cpu.extended, &d))
    return 1;
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d))
    cpu.more = b;
  if (cpu.features & bit_OSXSAVE)
    __asm__("xgetbv" : "=a"(cpu.saved), "=d"(d) : "c"(0));
  return level_of(&cpu);
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
