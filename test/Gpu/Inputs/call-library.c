/* Calls the model in a shared library: 70 rows of 68 numbers, 45 results. */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>

enum { rows = 70, columns = 68, results = 45 };

int main(int argc, char **argv) {
  static float x[rows * columns], y[rows * results];
  void *library = dlopen(argv[1], RTLD_NOW);
  int (*forward)(const void *, int64_t, const float *, float *, void *) =
      (int (*)(const void *, int64_t, const float *, float *, void *))dlsym(
          library, "model_forward");
  const char *(*text)(int) =
      (const char *(*)(int))dlsym(library, "model_error");
  for (int i = 0; i < rows * columns; ++i)
    x[i] = (float)(i % 13) / 7 - 1;
  printf("call: %s\n", text(forward(NULL, rows, x, y, NULL)));
  return argc != 2;
}
