//===- Pool.c - a small pool of threads -----------------------------------===//
//
// The calling thread opens a job, works on it itself, closes it and waits for
// those who joined. Nobody waits for a thread that is still asleep: without any
// help the caller has done everything itself. This is also why a pool that is
// busy with another caller's loop, or lost its threads in a fork, is only
// slower.
//
//===----------------------------------------------------------------------===//
#define _GNU_SOURCE
#include "Parallel.h"
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

// The state of the pool: how many threads are in the job, whether more may
// join, whether all shall end, and the number of the job.
enum { active = 0xfff, open = 0x1000, stopping = 0x2000, job = 0x4000 };

/// Rounds of waiting before a thread sleeps, some 50 us.
enum { spins = 1500 };

// Whole pages of its own, which a fork empties: the threads do not exist in the
// child, and the thread that had the pool may not either.
static struct {
  _Alignas(4096) _Atomic uint32_t state;
  _Alignas(64) _Atomic uint32_t sleepers;
  _Alignas(64) _Atomic uint32_t busy; // somebody's loop is running
  struct lamina_loop loop;
  int64_t threads; // that may take part in it
  int64_t workers; // started, without the caller
  pid_t process;   // that they live in
  pthread_t handles[lamina_max_threads];
} pool;

static void pause_briefly(void) {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("isb" ::: "memory");
#endif
}

static void sleep_while(uint32_t state) {
  atomic_fetch_add(&pool.sleepers, 1);
  // The kernel compares again; whoever changes the state after that sees us.
  syscall(SYS_futex, &pool.state, FUTEX_WAIT_PRIVATE, state, 0, 0, 0);
  atomic_fetch_sub(&pool.sleepers, 1);
}

static void *work(void *nothing) {
  uint32_t seen = 0; // the last job that was looked at
  // What identifies a thread is its place in the list.
  int64_t worker = 0;
  for (int waited = 0;;) {
    uint32_t state = atomic_load(&pool.state);
    if (state & stopping)
      return 0;
    if ((state & open) && state / job != seen) {
      if (!atomic_compare_exchange_weak(&pool.state, &state, state + 1))
        continue;
      seen = state / job;
      if (worker == 0)
        while (!pthread_equal(pool.handles[worker++], pthread_self()))
          ;
      if (worker < pool.threads)
        lamina_loop_work(&pool.loop, worker);
      atomic_fetch_sub(&pool.state, 1);
      waited = 0;
    } else if (++waited < spins) {
      pause_briefly();
    } else {
      sleep_while(state);
      waited = 0;
    }
  }
}

/// Starts what is missing, as far as the system lets us.
static void start_workers(int64_t wanted) {
  if (pool.workers == 0) {
    pool.process = getpid();
    madvise(&pool, sizeof pool, MADV_WIPEONFORK);
  }
  sigset_t all, before;
  sigfillset(&all); // signals are the program's business
  pthread_sigmask(SIG_SETMASK, &all, &before);
  while (pool.workers < wanted &&
         pthread_create(&pool.handles[pool.workers], 0, work, 0) == 0)
    ++pool.workers;
  pthread_sigmask(SIG_SETMASK, &before, 0);
}

void lamina_parallel_run(lamina_body body, void *arguments, int64_t count,
                         int64_t threads, int64_t cost) {
  uint32_t free = 0;
  if (!atomic_compare_exchange_strong(&pool.busy, &free, 1)) {
    body(arguments, 0, count, 0);
    return;
  }
  if (pool.workers < threads - 1)
    start_workers(threads - 1);
  lamina_loop_init(&pool.loop, body, arguments, count, threads, cost);
  pool.threads = threads;
  // Nobody is in a job: `active` is zero, and the next one has a new number.
  uint32_t state = atomic_load(&pool.state);
  atomic_store(&pool.state, ((state & ~(uint32_t)(job - 1)) + job) | open);
  if (atomic_load(&pool.sleepers))
    syscall(SYS_futex, &pool.state, FUTEX_WAKE_PRIVATE, lamina_max_threads, 0,
            0, 0);
  lamina_loop_work(&pool.loop, 0);
  atomic_fetch_and(&pool.state, ~(uint32_t)open);
  for (int waited = 0; atomic_load(&pool.state) & active;)
    if (++waited < spins)
      pause_briefly();
    else
      sched_yield();
  atomic_store(&pool.busy, 0);
}

int64_t lamina_parallel_count(int32_t requested, int64_t limit) {
  static _Atomic int64_t processors;
  if (limit == 0 && (limit = atomic_load(&processors)) == 0) {
    cpu_set_t set;
    int64_t count = 0, known = 0;
    if (sched_getaffinity(0, sizeof set, &set) == 0)
      for (unsigned i = 0; i < CPU_SETSIZE; ++i)
        count += CPU_ISSET(i, &set) != 0;
    limit = count < 1                    ? 1
            : count > lamina_max_threads ? lamina_max_threads
                                         : count;
    if (!atomic_compare_exchange_strong(&processors, &known, limit))
      limit = known; // another thread was first
  }
  return requested <= 0 || requested > limit ? limit : requested;
}

/// When the program ends or the library is closed: the code of the threads goes
/// away.
__attribute__((destructor)) void lamina_parallel_stop(void) {
  // Never given back: later loops are serial.
  uint32_t free = 0;
  if (!atomic_compare_exchange_strong(&pool.busy, &free, 1) ||
      pool.process != getpid())
    return; // a call is not over, and the program ends; or there are no threads
  atomic_fetch_or(&pool.state, stopping);
  syscall(SYS_futex, &pool.state, FUTEX_WAKE_PRIVATE, lamina_max_threads, 0, 0,
          0);
  while (pool.workers > 0)
    pthread_join(pool.handles[--pool.workers], 0);
}
