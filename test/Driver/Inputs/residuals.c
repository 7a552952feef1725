/* forward_residuals, then backward, against differences of forward_residuals. */
#include "residuals.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { n = 3, in = 1024, out = 2048 };
static float x[n * in], y[n * out], dy[n * out], dx[n * in], r0[n], r1[n];
static uint8_t r2[n], r3[n];

static double value(void) {
  double sum = 0;
  if (model_forward_residuals(NULL, n, x, y, r0, r1, r2, r3, NULL))
    exit(1);
  for (int i = 0; i < n * out; ++i)
    sum += (double)dy[i] * y[i];
  return sum;
}

int main(void) {
  struct model_weights dw = {0};
  double worst = 0;
  srand(1);
  for (int i = 0; i < n * in; ++i)
    x[i] = rand() / (float)RAND_MAX - 0.5f;
  for (int i = 0; i < n * out; ++i)
    dy[i] = rand() / (float)RAND_MAX - 0.5f;
  value();
  if (model_backward(NULL, n, x, r0, r1, r2, r3, dy, dx, &dw, NULL))
    return 1;
  for (int i = 0; i < n * in; i += 257) {
    float before = x[i];
    x[i] = before + 0.01f;
    double difference = value();
    x[i] = before - 0.01f;
    difference -= value();
    x[i] = before;
    worst = fmax(worst, fabs(difference / 0.02 - dx[i]));
  }
  printf("%s\n", worst < 1e-4 ? "gradients agree" : "gradients differ");
  return 0;
}
