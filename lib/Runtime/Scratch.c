/* Scratch.c - memory for calls that were given none */
#define _DEFAULT_SOURCE /* madvise */
#include "Scratch.h"
#include <stdlib.h>
#ifdef __linux__
#include <sys/mman.h>
#endif

void *lamina_allocate(size_t bytes) {
#if defined(__linux__) && defined(MADV_HUGEPAGE)
  /* Whole huge pages: each saves the kernel 512 faults and the processor as
     many entries of its tables. Advice may be refused. */
  const size_t page = (size_t)2 << 20;
  if (bytes >= 2 * page) {
    size_t whole = (bytes + page - 1) & ~(page - 1);
    void *memory = aligned_alloc(page, whole);
    if (memory)
      (void)madvise(memory, whole, MADV_HUGEPAGE);
    return memory;
  }
#endif
  return malloc(bytes);
}
