// Runs the blocks of a launch, one fiber per thread.
#include "DeviceMemory.h"
#include "Runtime.h"
#include <cfenv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <sys/mman.h>

using namespace ptx;

namespace {
// Only one launch runs at a time.
struct Running {
  Block block;
  Fiber main;
  Thread *current = nullptr;
  unsigned next = 0; // the thread that a fiber without suspension runs
  Schedule schedule;
  uint64_t random = 1;
  char *localData = nullptr;
  uint8_t *localFlags = nullptr;
} running;
} // namespace

constexpr int64_t fuelPerTurn = 1 << 16;
constexpr unsigned maxYields = 1024; // of all threads, without a barrier passed

Schedule ptx::schedule() {
  Schedule schedule;
  const char *text = getenv("LAMINA_PTX_EMULATOR_SCHEDULE");
  std::string name = text ? text : "round-robin";
  if (name == "warp")
    schedule.kind = Schedule::Warp;
  else if (name == "reverse")
    schedule.kind = Schedule::Reverse;
  else if (name.rfind("random", 0) == 0) {
    schedule.kind = Schedule::Random;
    if (name.size() > 7)
      schedule.seed = strtoull(name.c_str() + 7, nullptr, 10) * 2 + 1;
  } else if (name != "round-robin") {
    fprintf(stderr,
            "ptx-emulator: LAMINA_PTX_EMULATOR_SCHEDULE is round-robin, warp, "
            "reverse or random[:SEED], not '%s'\n",
            text);
    abort();
  }
  return schedule;
}

char *Block::local(const Thread &thread) const {
  return running.localData + thread.id * localBytes;
}
uint8_t *Block::localShadow(const Thread &thread) const {
  return running.localFlags + thread.id * localBytes;
}

uint32_t ptx::liveLanes(const Block &block, unsigned warp) {
  uint32_t mask = 0;
  for (unsigned lane = 0; lane < block.warps[warp].size; ++lane)
    if (block.threads[block.warps[warp].first + lane].state != Thread::Done)
      mask |= 1u << lane;
  return mask;
}

// The thread to run after `from`, or null when none is ready.
static Thread *pick(unsigned from) {
  Block &block = running.block;
  unsigned count = block.threads.size();
  auto ready = [&](unsigned id) {
    return block.threads[id].state == Thread::Ready;
  };
  bool down = running.schedule.kind == Schedule::Reverse;
  if (down || running.schedule.kind == Schedule::Warp) {
    // The other lanes of the warp first: it runs as far as it can get.
    const Warp &warp = block.warps[from / 32];
    for (unsigned i = 1; i <= warp.size; ++i) {
      unsigned step = down ? warp.size - i : i;
      unsigned id = warp.first + (from - warp.first + step) % warp.size;
      if (ready(id))
        return &block.threads[id];
    }
  }
  if (running.schedule.kind == Schedule::Random) {
    running.random ^= running.random << 13;
    running.random ^= running.random >> 7;
    running.random ^= running.random << 17;
    from = running.random % count;
  }
  for (unsigned i = 1; i <= count; ++i)
    if (unsigned id = (from + (down ? count - i : i)) % count; ready(id))
      return &block.threads[id];
  return nullptr;
}

static std::string describeThread(const Thread &thread) {
  char text[128];
  const unsigned *block = thread.block->ctaid, *tid = thread.tid;
  snprintf(text, sizeof text, "block (%u,%u,%u), thread (%u,%u,%u)", block[0],
           block[1], block[2], tid[0], tid[1], tid[2]);
  return text;
}

static std::string lineText(const Launch &launch, unsigned line) {
  const auto &lines = launch.kernel->module->lines;
  if (line == 0 || line > lines.size())
    return "";
  std::string text = lines[line - 1];
  size_t first = text.find_first_not_of(" \t");
  return first == std::string::npos ? "" : text.substr(first);
}

void ptx::stop(Thread *thread, const Site *site, Fault fault,
               const std::string &message) {
  Launch &launch = *thread->block->launch;
  launch.fault = fault;
  launch.report = "kernel '" + launch.kernel->name + "', PTX line " +
                  std::to_string(site->line) + ": " +
                  lineText(launch, site->line) + "\n  " +
                  describeThread(*thread) + ": " + message;
  thread->fiber.switchTo(running.main);
  abort(); // never resumed
}

// Nobody can go on: who waits where?
static void reportDeadlock() {
  Block &block = running.block;
  Launch &launch = *block.launch;
  std::map<std::pair<unsigned, uint32_t>, std::vector<const Thread *>> waiting;
  unsigned done = 0;
  for (const Thread &thread : block.threads) {
    if (thread.state == Thread::Done)
      ++done;
    else
      waiting[{thread.site->line, thread.mask}].push_back(&thread);
  }
  launch.fault = Fault::Failed;
  launch.report = "kernel '" + launch.kernel->name +
                  "': divergent synchronization, no thread can go on";
  for (auto &[where, threads] : waiting) {
    launch.report += "\n  PTX line " + std::to_string(where.first) + ": " +
                     lineText(launch, where.first) + "\n    " +
                     std::to_string(threads.size()) +
                     " threads wait, the first is " +
                     describeThread(*threads[0]);
    if (threads[0]->state == Thread::AtCollective) {
      char text[32];
      snprintf(text, sizeof text, ", membermask %#x", where.second);
      launch.report += text;
    }
  }
  if (done)
    launch.report += "\n  " + std::to_string(done) + " threads have exited";
}

static void switchFrom(Thread *thread) {
  Thread *next = pick(thread->id);
  if (!next) {
    if (running.block.live)
      reportDeadlock();
    thread->fiber.switchTo(running.main);
    abort();
  }
  if (next == thread)
    return;
  running.current = next;
  thread->fiber.switchTo(next->fiber);
}

void ptx::suspend(Thread *thread) {
  while (thread->state != Thread::Ready)
    switchFrom(thread);
}

void ptx::yieldThread(Thread *thread) {
  Launch &launch = *thread->block->launch;
  thread->fuel = fuelPerTurn;
  if (++launch.yields > maxYields + 16 * thread->block->threads.size()) {
    Site site;
    stop(thread, &site, Fault::Timeout,
         "the kernel does not end: a loop runs on while no barrier is passed");
  }
  if (launch.kernel->suspends)
    switchFrom(thread);
}

static void finish(Thread *thread) {
  Block &block = *thread->block;
  thread->state = Thread::Done;
  --block.live;
  block.launch->yields = 0;
  // The lanes that wait for this one wait no longer.
  for (unsigned lane = 0; lane < block.warps[thread->warp].size; ++lane) {
    Thread &other = block.threads[block.warps[thread->warp].first + lane];
    if (other.state == Thread::AtCollective)
      tryCollective(block, thread->warp, other.mask);
  }
}

static void threadMain() {
  Thread *thread = running.current;
  Launch &launch = *thread->block->launch;
  launch.kernel->entry(thread, launch.params);
  finish(thread);
  switchFrom(thread);
  abort();
}

// Threads that never wait run one after another on one fiber.
static void sequentialMain() {
  Block &block = running.block;
  Launch &launch = *block.launch;
  for (Thread &thread : block.threads) {
    launch.yields = 0;
    launch.kernel->entry(&thread, launch.params);
    thread.state = Thread::Done;
  }
  block.threads.back().fiber.switchTo(running.main);
  abort();
}

static void prepareBlock(Launch &launch) {
  Block &block = running.block;
  const unsigned *size = launch.block;
  unsigned count = size[0] * size[1] * size[2];
  block.launch = &launch;
  block.threads.assign(count, Thread());
  block.warps.assign((count + 31) / 32, Warp());
  for (unsigned w = 0; w < block.warps.size(); ++w)
    block.warps[w] = {32 * w, std::min(32u, count - 32 * w)};
  block.barriers.fill(Barrier());
  block.shared.reset(launch.kernel->sharedBytes + launch.dynamicShared);
  block.live = count;
  char *stacks = fiberStacks(launch.kernel->suspends ? count : 1);
  for (unsigned i = 0; i < count; ++i) {
    Thread &thread = block.threads[i];
    thread.fuel = fuelPerTurn;
    thread.block = &block;
    thread.id = i;
    thread.warp = i / 32;
    thread.lane = i % 32;
    thread.tid[0] = i % size[0];
    thread.tid[1] = i / size[0] % size[1];
    thread.tid[2] = i / size[0] / size[1];
    if (launch.kernel->suspends)
      thread.fiber.prepare(stacks + i * Fiber::stackBytes, threadMain);
    else if (i == 0)
      thread.fiber.prepare(stacks, sequentialMain);
  }
}

Fault ptx::run(Launch &launch) {
  if (!running.localData) {
    auto map = [] {
      return mmap(nullptr, 1024 * localBytes, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    };
    running.localData = static_cast<char *>(map());
    running.localFlags = static_cast<uint8_t *>(map());
  }
  running.schedule = schedule();
  readChecks();
  running.random = running.schedule.seed;
  fenv_t environment; // kernels have the default one, whatever the host set
  feholdexcept(&environment);
  fesetenv(FE_DFL_ENV);
  const unsigned *grid = launch.grid;
  uint64_t blocks = uint64_t(grid[0]) * grid[1] * grid[2];
  for (uint64_t i = 0; i < blocks && launch.fault == Fault::None; ++i) {
    bool down = running.schedule.kind == Schedule::Reverse;
    uint64_t at = down ? blocks - 1 - i : i;
    prepareBlock(launch);
    running.block.ctaid[0] = at % grid[0];
    running.block.ctaid[1] = at / grid[0] % grid[1];
    running.block.ctaid[2] = at / grid[0] / grid[1];
    launch.yields = 0;
    running.current = down && launch.kernel->suspends
                          ? &running.block.threads.back()
                          : &running.block.threads[0];
    running.main.switchTo(running.current->fiber);
  }
  fesetenv(&environment);
  if (launch.fault != Fault::None)
    fprintf(stderr, "ptx-emulator: %s\n", launch.report.c_str());
  return launch.fault;
}
