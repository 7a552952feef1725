/* Calls a model through both of its interfaces, and with wrong pointers. */
#include "m.h"
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { rows = 3, columns = 7, results = 5 };

int main(void) {
  float x[rows * columns], y[rows * results], z[rows * results];
  for (int i = 0; i < rows * columns; ++i)
    x[i] = (float)i / 10 - 1;
  int code = model_forward(NULL, rows, x, y, NULL);
  printf("host: %s\n", model_error(code));
  if (code)
    return 0;
  float sum = 0;
  for (int i = 0; i < results; ++i)
    sum += y[i];
  printf("first row: %.5f\n", sum);
  printf("host pointers: %s\n",
         model_error(model_forward_cuda(NULL, rows, x, z, NULL, NULL)));
  printf("no pointer: %s\n",
         model_error(model_forward_cuda(NULL, rows, NULL, z, NULL, NULL)));

  void *driver = dlopen(getenv("LAMINA_CUDA_DRIVER"), RTLD_NOW);
  int (*allocate)(uint64_t *, size_t) =
      (int (*)(uint64_t *, size_t))dlsym(driver, "cuMemAlloc_v2");
  int (*in)(uint64_t, const void *, size_t) =
      (int (*)(uint64_t, const void *, size_t))dlsym(driver, "cuMemcpyHtoD_v2");
  int (*out)(void *, uint64_t, size_t) =
      (int (*)(void *, uint64_t, size_t))dlsym(driver, "cuMemcpyDtoH_v2");
  int (*setContext)(void *) = (int (*)(void *))dlsym(driver, "cuCtxSetCurrent");
  int (*retain)(void **, int) =
      (int (*)(void **, int))dlsym(driver, "cuDevicePrimaryCtxRetain");
  void *context;
  retain(&context, 0);
  setContext(context);
  uint64_t dx, dy;
  allocate(&dx, sizeof x);
  allocate(&dy, sizeof y);
  in(dx, x, sizeof x);
  for (int i = 0; i < 3; ++i)
    code = model_forward_cuda(NULL, rows, (const float *)dx, (float *)dy, NULL,
                              NULL);
  printf("device: %s\n", model_error(code));
  out(z, dy, sizeof z);
  int same = 1;
  for (int i = 0; i < rows * results; ++i)
    same &= y[i] == z[i];
  printf("same: %d\n", same);

  /* The host's function takes scratch of the device, and leaves the host's. */
  size_t size = model_forward_scratch(rows);
  unsigned char *bytes = malloc(size), *seen = malloc(size);
  uint64_t scratch;
  allocate(&scratch, size);
  int touched = 0, changed = 0;
  memset(bytes, 0xa5, size);
  in(scratch, bytes, size);
  code = model_forward(NULL, rows, x, y, (void *)scratch);
  out(seen, scratch, size);
  code = code ? code : model_forward(NULL, rows, x, z, bytes);
  for (size_t i = 0; i < size; ++i) {
    touched |= seen[i] != 0xa5;
    changed |= bytes[i] != 0xa5;
  }
  printf("scratch: %s, device's used %d, host's used %d, same %d\n",
         model_error(code), touched, changed, memcmp(y, z, sizeof y) == 0);
  return 0;
}
