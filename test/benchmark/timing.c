/* Times calls of an entry point: `call` is generated from the manifest and passes the words of `arguments` on. */
#include <stdint.h>
#include <time.h>

int call(void *const *arguments);

static int64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Calls `count` times and gives the nanoseconds, or -code of the first call that fails. */
static int64_t run(void *const *arguments, int64_t count) {
  int64_t begin = now();
  for (int64_t i = 0; i < count; ++i) {
    int code = call(arguments);
    if (code)
      return -code;
  }
  return now() - begin;
}

/* Nanoseconds per call of each of at most `limit` samples, taken within `budget` nanoseconds but never fewer than
   `least`. A sample is as many calls as last two microseconds, so that the clock's own time does not count. Returns
   the number of samples, or -code. */
int64_t time_calls(void *const *arguments, int64_t budget, int64_t least, int64_t limit, double *samples) {
  int64_t calls = 1, warm = 0, spent = 0;
  while (warm < 3 || (spent < 80000000 && warm < 200)) {
    int64_t taken = run(arguments, calls);
    if (taken < 0)
      return taken;
    if (taken < 2000)
      calls *= 2;
    spent += taken;
    ++warm;
  }
  int64_t count = 0, begin = now();
  while (count < least || (count < limit && now() - begin < budget)) {
    int64_t taken = run(arguments, calls);
    if (taken < 0)
      return taken;
    samples[count++] = (double)taken / (double)calls;
  }
  return count;
}
