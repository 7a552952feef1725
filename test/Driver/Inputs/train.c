/* Trains a compiled model as a C program would, and compares with the formulas.
 */
#include "net.h"
#include "check.h"
#include <string.h>

enum { columns = 10, outputs = 5 };

static int near(double a, double b) { return fabs(a - b) <= 1e-4 * (1 + fabs(b)); }

static float kernel[columns * outputs], bias[outputs];
static float momentum[columns * outputs], average[outputs];
static int64_t iteration;
static struct net_weights w = {kernel, bias};
static struct net_optimizer o = {momentum, average, &iteration};

/* One step in double arithmetic, on copies of weights and state. */
static double expected[2][columns * outputs], expected_bias[2][outputs];

static double step(int64_t n, const float *x, const float *t) {
  double loss = 0, dk[columns * outputs] = {0}, db[outputs] = {0};
  for (int64_t r = 0; r < n; ++r)
    for (int j = 0; j < outputs; ++j) {
      double e = expected_bias[0][j] - t[r * outputs + j];
      for (int c = 0; c < columns; ++c)
        e += x[r * columns + c] * expected[0][c * outputs + j];
      loss += e * e;
      db[j] += 2 * e;
      for (int c = 0; c < columns; ++c)
        dk[c * outputs + j] += 2 * e * x[r * columns + c];
    }
  for (int i = 0; i < columns * outputs; ++i) {
    expected[1][i] = 0.9 * expected[1][i] - 0.01 * dk[i];
    expected[0][i] += expected[1][i];
  }
  for (int j = 0; j < outputs; ++j) {
    expected_bias[0][j] -= 0.01 * db[j];
    expected_bias[1][j] = (expected_bias[1][j] + expected_bias[0][j]) / 2;
  }
  return loss;
}

static void train(int64_t n, int own_scratch) {
  float *x = malloc((size_t)n * columns * sizeof(float) + 1);
  float *t = malloc((size_t)n * outputs * sizeof(float) + 1);
  void *scratch = own_scratch ? malloc(net_train_step_scratch(n) + 1) : NULL;
  for (int64_t i = 0; i < n * columns; ++i)
    x[i] = (float)((i * 37) % 101 - 50) / 256;
  for (int64_t i = 0; i < n * outputs; ++i)
    t[i] = (float)(i % 11) / 8;
  memset(kernel, 1, sizeof kernel);
  memset(momentum, 1, sizeof momentum);
  CHECK(net_init(&w, &o) == NET_OK);
  CHECK(iteration == 0);
  for (int i = 0; i < columns * outputs; ++i) {
    CHECK(kernel[i] == 0.5f && momentum[i] == 0.0f);
    expected[0][i] = kernel[i];
    expected[1][i] = 0;
  }
  for (int j = 0; j < outputs; ++j) {
    CHECK(bias[j] == (float)(j + 1) && average[j] == bias[j]);
    expected_bias[0][j] = expected_bias[1][j] = bias[j];
  }
  for (int64_t i = 0; i < 3; ++i) {
    float loss = -1;
    uint32_t key[2] = {0, 0};
    CHECK(net_train_step(&w, &o, n, x, t, &loss, key, 0x0123456789abcdefu + i,
                         scratch) == NET_OK);
    CHECK(key[0] == 0x89abcdefu + i && key[1] == 0x01234567u);
    CHECK(near(loss, step(n, x, t)));
    CHECK(iteration == i + 1);
    for (int c = 0; c < columns * outputs; ++c) {
      CHECK(near(kernel[c], expected[0][c]));
      CHECK(near(momentum[c], expected[1][c]));
    }
    for (int j = 0; j < outputs; ++j) {
      CHECK(near(bias[j], expected_bias[0][j]));
      CHECK(near(average[j], expected_bias[1][j]));
    }
  }
  free(x);
  free(t);
  free(scratch);
}

int main(void) {
  float x[columns] = {0}, t[outputs] = {0}, loss;
  uint32_t key[2];
  struct net_weights no_weights = w;
  struct net_optimizer no_state = o;
  train(0, 0);
  train(1, 1);
  train(7, 0);
  train(33, 1);
  no_weights.dense_bias = NULL;
  no_state.iteration = NULL;
  CHECK(net_train_step(NULL, &o, 1, x, t, &loss, key, 0, NULL) == NET_EWEIGHTS);
  CHECK(net_train_step(&no_weights, &o, 1, x, t, &loss, key, 0, NULL) ==
        NET_EWEIGHTS);
  CHECK(net_train_step(&w, NULL, 1, x, t, &loss, key, 0, NULL) ==
        NET_EOPTIMIZER);
  CHECK(net_train_step(&w, &no_state, 1, x, t, &loss, key, 0, NULL) ==
        NET_EOPTIMIZER);
  CHECK(net_train_step(&w, &o, 1, x, NULL, &loss, key, 0, NULL) == NET_ENULL);
  CHECK(net_train_step(&w, &o, -1, x, t, &loss, key, 0, NULL) == NET_ESIZE);
  CHECK(net_init(NULL, &o) == NET_EWEIGHTS);
  CHECK(net_init(&w, &no_state) == NET_EOPTIMIZER);
  CHECK(strstr(net_error(NET_EOPTIMIZER), "optimizer"));
  puts("trained");
  return 0;
}
