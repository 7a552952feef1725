/* Cpu.h - which of several variants of a model's code the processor runs */
#ifndef LAMINA_RUNTIME_CPU_H
#define LAMINA_RUNTIME_CPU_H

/* One variant, as the generated code has a table of them, lowest level first.
 */
struct lamina_variant {
  const char *name; /* "x86-64-v3" */
  int level;        /* 3 */
};

/* The variant for this processor: the last one whose level it has, the first
   one if it has none. The environment variable LAMINA_CPU names another one;
   what the processor does not have, or the table, is ignored. */
int lamina_choose_variant(const struct lamina_variant *variants, int count);

#endif
