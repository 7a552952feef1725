/* Calls a model's gradient function as a C program would: for
 * y = tanh(x w + b) + x[:, :3], compared with the formula. */
#include "affine.h"
#include "check.h"

enum { columns = 5, outputs = 3 };

static float kernel[columns * outputs], bias[outputs];
static float d_kernel[columns * outputs], d_bias[outputs];

static int near(double a, double b) { return fabs(a - b) <= 1e-5 * (1 + fabs(b)); }

static float *array(int64_t count) {
  float *result = malloc((size_t)count * sizeof(float) + 1);
  CHECK(result);
  for (int64_t i = 0; i < count; ++i)
    result[i] = (float)((i * 37) % 101 - 50) / 64;
  return result;
}

static void run(int64_t n, const struct affine_weights *w, int own_scratch) {
  float *x = array(n * columns), *y = array(n * outputs);
  float *dy = array(n * outputs), *dx = array(n * columns);
  void *scratch = own_scratch ? malloc(affine_vjp_scratch(n) + 1) : NULL;
  struct affine_weights dw = {d_kernel, d_bias};
  double ek[columns * outputs] = {0}, eb[outputs] = {0};
  CHECK(affine_vjp(w, n, x, y, dy, dx, &dw, scratch) == AFFINE_OK);
  for (int64_t r = 0; r < n; ++r) {
    double ex[columns] = {0};
    for (int j = 0; j < outputs; ++j) {
      double sum = w ? bias[j] : 0, g = dy[r * outputs + j];
      for (int c = 0; c < columns; ++c)
        sum += x[r * columns + c] * (w ? kernel[c * outputs + j] : 1.0);
      CHECK(near(y[r * outputs + j], tanh(sum) + x[r * columns + j]));
      ex[j] += g;
      g *= 1 - tanh(sum) * tanh(sum);
      eb[j] += g;
      for (int c = 0; c < columns; ++c) {
        ek[c * outputs + j] += g * x[r * columns + c];
        ex[c] += g * (w ? kernel[c * outputs + j] : 1.0);
      }
    }
    for (int c = 0; c < columns; ++c)
      CHECK(near(dx[r * columns + c], ex[c]));
  }
  for (int i = 0; i < columns * outputs; ++i)
    CHECK(near(d_kernel[i], ek[i]));
  for (int j = 0; j < outputs; ++j)
    CHECK(near(d_bias[j], eb[j]));
  free(x);
  free(y);
  free(dy);
  free(dx);
  free(scratch);
}

int main(void) {
  struct affine_weights w = {kernel, bias}, part = {d_kernel, NULL};
  float x[columns] = {0}, y[outputs], dy[outputs] = {0}, dx[columns];
  const int64_t sizes[] = {0, 1, 7, 33};
  for (int i = 0; i < columns * outputs; ++i)
    kernel[i] = (float)(i - 7) / 16;
  for (int i = 0; i < outputs; ++i)
    bias[i] = (float)i / 8;
  for (int i = 0; i < 4; ++i) {
    run(sizes[i], &w, i % 2);
    run(sizes[i], NULL, 1 - i % 2);
  }
  CHECK(affine_vjp(&w, 1, x, y, dy, dx, NULL, NULL) == AFFINE_EGRADIENTS);
  CHECK(affine_vjp(&w, 1, x, y, dy, dx, &part, NULL) == AFFINE_EGRADIENTS);
  CHECK(affine_vjp(&part, 1, x, y, dy, dx, &w, NULL) == AFFINE_EWEIGHTS);
  CHECK(affine_vjp(&w, 1, x, y, NULL, dx, &w, NULL) == AFFINE_ENULL);
  CHECK(affine_vjp(&w, -1, x, y, dy, dx, &w, NULL) == AFFINE_ESIZE);
  puts("gradients are right");
  return 0;
}
