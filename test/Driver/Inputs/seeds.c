/* One step on a whole batch, and the same in parts: the same bits. */
#include "seeds.h"
#include "check.h"
#include <string.h>

enum { rows = 7, width = 15 };
static float table[rows * width];
static int64_t iteration;

static void step(int first, int count, uint32_t seed) {
  static const int32_t all[rows] = {0, 1, 2, 3, 4, 5, 6};
  static const float targets[rows * width];
  float loss;
  struct model_weights w = {table};
  struct model_optimizer o = {&iteration};
  int code =
      model_train_step(&w, &o, count, all + first, targets + first * width,
                       &loss, (uint64_t)first << 32 | seed, NULL);
  CHECK(code == 0);
}

int main(void) {
  float whole[rows * width], other[rows * width];
  step(0, rows, 5);
  memcpy(whole, table, sizeof whole);
  for (int i = 1; i < rows; ++i)
    CHECK(memcmp(whole, whole + i * width, width * sizeof *whole) != 0);
  for (int cut = 1; cut < rows; ++cut) {
    memset(table, 0, sizeof table);
    step(cut, rows - cut, 5);
    step(0, cut, 5);
    CHECK(memcmp(whole, table, sizeof whole) == 0);
  }
  memset(table, 0, sizeof table);
  step(0, rows, 6);
  memcpy(other, table, sizeof other);
  CHECK(memcmp(whole, other, sizeof whole) != 0);
  puts("the same");
  return 0;
}
