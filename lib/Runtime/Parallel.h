//===- Parallel.h - what compiled loops call to share their work -*- C -*--===//
//
// Written in C and compiled to LLVM bitcode while Lamina is built; the bitcode
// is part of the compiler, which links it into an object that has parallel
// loops. Everything becomes local to that object.
//
//===----------------------------------------------------------------------===//
#ifndef LAMINA_LIB_RUNTIME_PARALLEL_H
#define LAMINA_LIB_RUNTIME_PARALLEL_H

enum {
  lamina_max_threads = 256,
  lamina_chunk_cost = 20000, /* smaller pieces cost more than they give */
};

#ifndef __cplusplus
#include <stdatomic.h>
#include <stdint.h>

/// Runs the iterations [first, last) of a loop. `worker` is a number below the
/// number of threads that no other running call of the same loop has.
typedef void (*lamina_body)(void *arguments, int64_t first, int64_t last,
                            int64_t worker);

/// Runs `count` iterations of a loop on at most `threads` threads, the calling
/// one among them, as worker 0. Which thread runs an iteration is left to
/// chance, so no result may depend on it. `cost` is what the loop takes
/// alone, in quarters of a nanosecond, roughly.
void lamina_parallel_run(lamina_body body, void *arguments, int64_t count,
                         int64_t threads, int64_t cost);

/// The number of threads for a call that asks for `requested` (0 or less: as
/// many as possible), where `limit` was compiled in (0: as the machine has).
/// It never changes its mind, as the size of scratch buffers depends on it.
int64_t lamina_parallel_count(int32_t requested, int64_t limit);

/// Ends what the functions above started. Nobody else may be in them.
void lamina_parallel_stop(void);

/// Iterations that are yet to be claimed.
struct lamina_loop {
  lamina_body body;
  void *arguments;
  int64_t count, chunk;
  _Atomic int64_t next;
};

static inline void lamina_loop_init(struct lamina_loop *loop, lamina_body body,
                                    void *arguments, int64_t count,
                                    int64_t threads, int64_t cost) {
  // Some pieces per thread, as another program may slow one of them down.
  int64_t pieces = threads * 4;
  if (pieces > cost / lamina_chunk_cost)
    pieces = cost / lamina_chunk_cost;
  if (pieces < threads)
    pieces = threads;
  loop->body = body;
  loop->arguments = arguments;
  loop->count = count;
  loop->chunk = (count + pieces - 1) / pieces;
  atomic_store_explicit(&loop->next, 0, memory_order_relaxed);
}

static inline void lamina_loop_work(struct lamina_loop *loop, int64_t worker) {
  for (;;) {
    int64_t first = atomic_fetch_add_explicit(&loop->next, loop->chunk,
                                              memory_order_relaxed);
    if (first >= loop->count)
      return;
    int64_t last = first + loop->chunk;
    loop->body(loop->arguments, first, last < loop->count ? last : loop->count,
               worker);
  }
}

#endif // __cplusplus
#endif // LAMINA_LIB_RUNTIME_PARALLEL_H
