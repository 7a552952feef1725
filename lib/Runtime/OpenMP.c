//===- OpenMP.c - the threads of an OpenMP runtime ------------------------===//
//
// By the entry points that both libgomp and libomp have.
//
//===----------------------------------------------------------------------===//
#include "Parallel.h"

void GOMP_parallel(void (*function)(void *), void *data, unsigned threads,
                   unsigned flags);
int omp_get_thread_num(void);
int omp_get_max_threads(void);

static void work(void *loop) { lamina_loop_work(loop, omp_get_thread_num()); }

void lamina_parallel_run(lamina_body body, void *arguments, int64_t count,
                         int64_t threads, int64_t cost) {
  struct lamina_loop loop;
  lamina_loop_init(&loop, body, arguments, count, threads, cost);
  GOMP_parallel(work, &loop, (unsigned)threads, 0);
}

int64_t lamina_parallel_count(int32_t requested, int64_t limit) {
  if (requested > 0)
    return requested < lamina_max_threads ? requested : lamina_max_threads;
  static _Atomic int64_t usual;
  int64_t known = atomic_load(&usual);
  if (known != 0)
    return known;
  int64_t count = omp_get_max_threads();
  count = count < 1                    ? 1
          : count > lamina_max_threads ? lamina_max_threads
                                       : count;
  // Another thread may have been first.
  return atomic_compare_exchange_strong(&usual, &known, count) ? count : known;
}

void lamina_parallel_stop(void) {}
