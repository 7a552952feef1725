/* A training step as a CUDA graph: captured once, launched again and again. */
#include "m.h"
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { rows = 5, inputs = 8, hidden = 16, results = 4, steps = 4 };

static void *driver;
#define CALL(name, ...)                                                        \
  do {                                                                         \
    int (*function)() = (int (*)())dlsym(driver, #name);                       \
    int code = function(__VA_ARGS__);                                          \
    if (code) {                                                                \
      printf("%s: %d\n", #name, code);                                         \
      exit(1);                                                                 \
    }                                                                          \
  } while (0)

static void *onDevice(const void *host, size_t bytes) {
  uint64_t pointer;
  CALL(cuMemAlloc_v2, &pointer, bytes);
  CALL(cuMemcpyHtoD_v2, pointer, host, bytes);
  return (void *)pointer;
}

int main(void) {
  driver = dlopen(getenv("LAMINA_CUDA_DRIVER"), RTLD_NOW);
  CALL(cuInit, 0);
  void *context, *stream, *graph, *executable;
  CALL(cuDevicePrimaryCtxRetain, &context, 0);
  CALL(cuCtxSetCurrent, context);
  CALL(cuStreamCreate, &stream, 1);

  float kernel[inputs * hidden], bias[hidden], kernel1[hidden * results],
      bias1[results], x[rows * inputs], y[rows * results];
  int64_t iteration;
  struct model_weights initial = {kernel, bias, kernel1, bias1};
  struct model_optimizer state = {&iteration};
  model_init(&initial, &state);
  for (int i = 0; i < rows * inputs; ++i)
    x[i] = (float)(i % 7) / 5 - 0.5f;
  for (int i = 0; i < rows * results; ++i)
    y[i] = (float)(i % 3) - 1;
  const float *dx = onDevice(x, sizeof x), *dy = onDevice(y, sizeof y);
  float *loss = onDevice(x, sizeof *x);
  size_t bytes = model_train_step_scratch(rows);
  void *scratch = onDevice(calloc(bytes, 1), bytes);

  float seen[2][hidden * results], losses[2];
  for (int captured = 0; captured < 2; ++captured) {
    struct model_weights w = {
        onDevice(kernel, sizeof kernel), onDevice(bias, sizeof bias),
        onDevice(kernel1, sizeof kernel1), onDevice(bias1, sizeof bias1)};
    struct model_optimizer o = {onDevice(&iteration, sizeof iteration)};
    if (captured)
      CALL(cuStreamBeginCapture_v2, stream, 0);
    for (int step = 0; step < (captured ? 1 : steps); ++step) {
      int code = model_train_step_cuda(&w, &o, rows, dx, dy, loss, stream, scratch);
      if (code) {
        printf("step: %s\n", model_error(code));
        return 1;
      }
    }
    if (captured) {
      CALL(cuStreamEndCapture, stream, &graph);
      CALL(cuGraphInstantiateWithFlags, &executable, graph, (uint64_t)0);
      for (int step = 0; step < steps; ++step)
        CALL(cuGraphLaunch, executable, stream);
    }
    CALL(cuStreamSynchronize, stream);
    CALL(cuMemcpyDtoH_v2, seen[captured], (uint64_t)w.dense_1_kernel,
         sizeof kernel1);
    CALL(cuMemcpyDtoH_v2, &losses[captured], (uint64_t)loss, sizeof *loss);
  }
  printf("trained: %d, same weights: %d, same loss: %d\n",
         memcmp(seen[0], kernel1, sizeof kernel1) != 0,
         memcmp(seen[0], seen[1], sizeof kernel1) == 0, losses[0] == losses[1]);
  return 0;
}
