/* Calls a compiled model as a C program would, and compares with the formula.
 */
#include "affine.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { columns = 5, outputs = 3 };

static float kernel[columns * outputs], bias[outputs];

/* The greatest difference from the formula with weights k (or ones) and b (or
 * zeros). */
static double compare(const float *x, const float *y, int64_t n, const float *k,
                      const float *b) {
  double worst = 0;
  for (int64_t i = 0; i < n; ++i)
    for (int j = 0; j < outputs; ++j) {
      double sum = b ? b[j] : 0;
      for (int c = 0; c < columns; ++c)
        sum += (double)x[i * columns + c] * (k ? k[c * outputs + j] : 1);
      double difference =
          fabs(tanh(sum) + x[i * columns + j] - y[i * outputs + j]);
      if (!(difference <= worst)) /* NaN too */
        worst = difference;
    }
  return worst;
}

static int check(const char *what, int64_t n, int code, double difference) {
  int bad = code != AFFINE_OK || !(difference < 1e-6);
  printf("%s, batch %d: %s\n", what, (int)n, bad ? "WRONG" : "right");
  return bad;
}

static int run(int64_t n) {
  float *x = malloc((size_t)(n * columns + 1) * sizeof(float));
  float *y = malloc((size_t)(n * outputs + 1) * sizeof(float));
  size_t bytes = affine_forward_scratch(n);
  void *scratch = malloc(bytes + 1);
  struct affine_weights w = {kernel, bias};
  int bad = 0, code;
  if (!x || !y || !scratch)
    return 1;
  for (int64_t i = 0; i < n * columns; ++i)
    x[i] = (float)((i * 37) % 101 - 50) / 64;
  y[n * outputs] = 123;
  code = affine_forward(NULL, n, x, y, NULL);
  bad |= check("embedded weights, no scratch", n, code, compare(x, y, n, 0, 0));
  y[0] = -1;
  code = affine_forward(NULL, n, x, y, scratch);
  bad |=
      check("embedded weights, own scratch", n, code, compare(x, y, n, 0, 0));
  code = affine_forward(&w, n, x, y, scratch);
  bad |= check("own weights", n, code, compare(x, y, n, kernel, bias));
  /* Tensors of any alignment that a float has, and nothing written behind the
   * end. */
  for (int64_t i = n * columns; i > 0; --i)
    x[i] = x[i - 1];
  code = affine_forward(NULL, n, x + 1, y, NULL);
  bad |= check("another alignment", n, code, compare(x + 1, y, n, 0, 0));
  bad |= y[n * outputs] != 123;
  free(x);
  free(y);
  free(scratch);
  return bad;
}

int main(void) {
  float one[columns] = {0};
  int bad = 0;
  for (int i = 0; i < columns * outputs; ++i)
    kernel[i] = (float)(i - 7) / 16;
  for (int i = 0; i < outputs; ++i)
    bias[i] = (float)i / 8;
  bad |= run(1);
  bad |= run(7);
  bad |= run(1000);
  printf("empty batch: %s\n",
         affine_error(affine_forward(NULL, 0, one, one, NULL)));
  printf("NULL input: %s\n",
         affine_error(affine_forward(NULL, 1, NULL, one, NULL)));
  printf("negative batch: %s\n",
         affine_error(affine_forward(NULL, -1, one, one, NULL)));
  puts(bad ? "failed" : "passed");
  return bad;
}
