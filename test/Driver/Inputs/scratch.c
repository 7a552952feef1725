/* Calls a model with scratch of its own and with none; sees what it allocates. */
#include "model.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static int advised, refused, fail;
static size_t advised_bytes;

/* Instead of libc's. */
int madvise(void *address, size_t bytes, int advice) {
  advised += advice == MADV_HUGEPAGE && (size_t)address % (2 << 20) == 0;
  advised_bytes = bytes;
  return refused ? -1 : 0;
}
void *aligned_alloc(size_t alignment, size_t bytes) {
  void *memory = NULL;
  return fail || posix_memalign(&memory, alignment, bytes) ? NULL : memory;
}

static void try_size(int64_t n) {
  size_t bytes = model_forward_scratch(n), results = (size_t)n * 83 * 4;
  float *x = malloc((size_t)n * 200 * 4), *y = malloc(results);
  char *own = malloc(results), *scratch = malloc(bytes + 64);
  for (int64_t i = 0; i < n * 200; ++i)
    x[i] = (float)(i % 997) / 997 - 0.5f;
  memset(scratch, 0xff, bytes);
  memset(scratch + bytes, 0x5a, 64);
  advised = 0;
  if (model_forward(NULL, n, x, (float *)own, scratch))
    puts("failed");
  for (int i = 0; i < 64; ++i)
    if (scratch[bytes + i] != 0x5a)
      puts("wrote behind its scratch");
  int with_own = advised;
  for (refused = 0; refused < 2; ++refused) {
    memset(y, 0, results);
    if (model_forward(NULL, n, x, y, NULL) || memcmp(y, own, results))
      puts("not the same");
  }
  printf("%d rows: %s 4 MB, advised %d with own scratch, %d with none, of %s\n",
         (int)n, bytes >= 4 << 20 ? "at least" : "below", with_own, advised,
         advised && advised_bytes < bytes ? "less" : "all");
  fail = 1;
  printf("without memory: %s\n", model_error(model_forward(NULL, n, x, y, NULL)));
  fail = 0;
  free(x), free(y), free(own), free(scratch);
}

int main(void) {
  try_size(300);
  try_size(4000);
  return 0;
}
