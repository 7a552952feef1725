// What executes a block of threads: fibers, barriers, warps, and the memory
// that they share. Compiled kernels call the functions of Runtime.h, which act
// on these structures.
#ifndef PTX_EMULATOR_MACHINE_H
#define PTX_EMULATOR_MACHINE_H

#include "Fiber.h"
#include "Ptx.h"
#include "SharedMemory.h"
#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace ptx {

struct Block;
struct Launch;

enum class CollectiveKind {
  None,
  SyncWarp,
  BarrierArrive,
  Shuffle,
  Vote,
  Match,
  Reduce,
  Elect,
  Mma,
  LoadMatrix,
  StoreMatrix
};

// A place in the PTX text that calls the runtime, and what it needs to know.
struct Site {
  unsigned line = 0;
  // Accesses to memory.
  Space space = Space::Generic;
  unsigned bytes = 0;
  bool isRead = false, isWrite = false;
  bool isStrong = false; // .volatile, .relaxed, atom: two of them do not race
  // Operations of a warp.
  CollectiveKind kind = CollectiveKind::None;
  bool isAligned = false; // all lanes of the warp must take part
  unsigned mode = 0;      // per kind, see Collectives.cpp
  unsigned count = 0;     // values exchanged per lane
  Type type, typeB, typeAcc;
  unsigned shape[3] = {0, 0, 0}; // of mma: m, n, k
};

// cp.async: the bytes arrive when the thread waits for their group.
struct PendingCopy {
  uint32_t to;
  uint64_t from;
  unsigned bytes, valid;
  unsigned group;
  const Site *site;
};

struct Thread {
  int64_t fuel = 0; // counted down by compiled code; must stay first
  Block *block = nullptr;
  unsigned id = 0, warp = 0, lane = 0;
  unsigned tid[3] = {0, 0, 0};
  enum State { Ready, AtBarrier, AtCollective, Done } state = Ready;
  Fiber fiber;

  // Where it waits.
  const Site *site = nullptr;
  uint32_t mask = 0;             // of a warp's operation
  uint32_t *registers = nullptr; // its operands and results
  unsigned barrier = 0;
  bool predicate = false; // bar.red

  std::vector<PendingCopy> copies;
  unsigned group = 0; // cp.async groups committed so far
  uint64_t localTop = 0;
  uint64_t clock = 0;
};

struct Barrier {
  unsigned expected = 0, arrived = 0;
  unsigned reduction = 0; // popc of predicates
  SharedMemory::Knowledge knowledge = {};
};

struct Warp {
  unsigned first = 0, size = 0; // threads
};

// Local memory of one thread.
constexpr uint64_t localBytes = 1 << 19;

struct Block {
  Launch *launch = nullptr;
  unsigned ctaid[3] = {0, 0, 0};
  std::vector<Thread> threads;
  std::vector<Warp> warps;
  std::array<Barrier, 16> barriers;
  SharedMemory shared;
  unsigned live = 0; // threads not yet done

  char *local(const Thread &thread) const;
  uint8_t *localShadow(const Thread &thread) const;
};

using KernelFunction = void (*)(Thread *thread, const char *params);

struct Kernel {
  std::string name;
  const Module *module = nullptr;
  KernelFunction entry = nullptr;
  bool suspends = false; // has barriers or operations of a warp, or may spin
  unsigned sharedBytes = 0;
  unsigned localSize = 0;
};

enum class Fault { None, IllegalAddress, Misaligned, Failed, Timeout };

struct Launch {
  const Kernel *kernel = nullptr;
  unsigned grid[3] = {1, 1, 1}, block[3] = {1, 1, 1};
  unsigned dynamicShared = 0;
  const char *params = nullptr;
  Fault fault = Fault::None;
  std::string report;
  unsigned yields = 0; // in a row without progress
};

// Runs all blocks; returns what went wrong and prints a report.
Fault run(Launch &launch);

// Ends the launch with an error of the thread; does not return.
[[noreturn]] void stop(Thread *thread, const Site *site, Fault fault,
                       const std::string &message);
// Gives way to the other threads until this one is Ready.
void suspend(Thread *thread);
void yieldThread(Thread *thread);
// Lanes of a warp that have not exited.
uint32_t liveLanes(const Block &block, unsigned warp);
// Performs the operation if all lanes of the mask have arrived.
void tryCollective(Block &block, unsigned warp, uint32_t mask);
void performCollective(Thread *const *lanes, uint32_t mask, const Site *site);

} // namespace ptx

#endif
