// Barriers, arrival of a warp's lanes at an operation, and cp.async.
#include "DeviceMemory.h"
#include "Runtime.h"
#include <cstring>

using namespace ptx;

static void release(Block &block, unsigned id) {
  Barrier &barrier = block.barriers[id];
  uint64_t waiting = 0;
  for (const Thread &thread : block.threads)
    if (thread.state == Thread::AtBarrier && thread.barrier == id)
      waiting |= 1ull << thread.warp;
  block.shared.contribute(waiting, barrier.knowledge);
  block.shared.acquire(waiting, barrier.knowledge);
  for (Thread &thread : block.threads)
    if (thread.state == Thread::AtBarrier && thread.barrier == id) {
      thread.state = Thread::Ready;
      *thread.registers = barrier.reduction;
    }
  barrier = Barrier();
  block.launch->yields = 0;
}

static void arrive(Thread *thread, const Site *site, uint32_t id,
                   uint32_t count, unsigned threads) {
  Block &block = *thread->block;
  if (id >= block.barriers.size())
    stop(thread, site, Fault::Failed,
         "barrier " + std::to_string(id) + " does not exist, there are 16");
  uint32_t expected = count ? count : block.threads.size();
  if (count % 32)
    stop(thread, site, Fault::Failed,
         "the number of threads of a barrier is a multiple of 32, not " +
             std::to_string(count));
  Barrier &barrier = block.barriers[id];
  if (barrier.arrived && barrier.expected != expected)
    stop(thread, site, Fault::Failed,
         "threads arrive at barrier " + std::to_string(id) +
             " with different numbers of threads");
  barrier.expected = expected;
  barrier.arrived += threads;
  if (barrier.arrived > expected)
    stop(thread, site, Fault::Failed,
         "more threads arrive at barrier " + std::to_string(id) +
             " than take part in it");
}

uint32_t runtime::barrierSync(Thread *thread, const Site *site, uint32_t id,
                              uint32_t count, uint32_t predicate) {
  Block &block = *thread->block;
  uint32_t result = 0;
  arrive(thread, site, id, count, 1);
  Barrier &barrier = block.barriers[id];
  barrier.reduction += predicate;
  thread->site = site;
  thread->barrier = id;
  thread->registers = &result;
  thread->mask = 0;
  thread->state = Thread::AtBarrier;
  const Warp &warp = block.warps[thread->warp];
  for (unsigned lane = 0; lane < warp.size && site->isAligned; ++lane) {
    const Thread &other = block.threads[warp.first + lane];
    if (other.state == Thread::AtBarrier && other.site != site)
      stop(thread, site, Fault::Failed,
           "divergent barrier: lane " + std::to_string(lane) +
               " of the same warp waits at the barrier of PTX line " +
               std::to_string(other.site->line));
  }
  if (barrier.arrived == barrier.expected)
    release(block, id);
  suspend(thread);
  return result;
}

void runtime::collective(Thread *thread, const Site *site, uint32_t mask,
                         uint32_t *registers) {
  Block &block = *thread->block;
  if (!(mask >> thread->lane & 1))
    stop(thread, site, Fault::Failed,
         "the membermask lacks lane " + std::to_string(thread->lane) +
             ", which executes the instruction");
  thread->site = site;
  thread->mask = mask;
  thread->registers = registers;
  thread->state = Thread::AtCollective;
  tryCollective(block, thread->warp, mask);
  suspend(thread);
}

void ptx::tryCollective(Block &block, unsigned warp, uint32_t mask) {
  uint32_t lanes = mask & liveLanes(block, warp);
  Thread *members[32] = {};
  Thread *first = nullptr;
  for (unsigned lane = 0; lane < 32; ++lane) {
    if (!(lanes >> lane & 1))
      continue;
    Thread &thread = block.threads[block.warps[warp].first + lane];
    if (thread.state != Thread::AtCollective || thread.mask != mask)
      return;
    members[lane] = &thread;
    if (!first)
      first = &thread;
  }
  if (!first)
    return;
  const Site *site = first->site;
  for (Thread *thread : members)
    if (thread && thread->site != site &&
        (site->isAligned || thread->site->kind != site->kind ||
         thread->site->mode != site->mode))
      stop(thread, thread->site, Fault::Failed,
           "the lanes of the warp diverge: lane " +
               std::to_string(first->lane) + " executes PTX line " +
               std::to_string(site->line) + " instead");
  if (site->kind == CollectiveKind::SyncWarp)
    block.shared.joinLanes(warp, lanes);
  else if (site->kind == CollectiveKind::BarrierArrive) {
    uint32_t id = first->registers[0];
    arrive(first, site, id, first->registers[1], block.warps[warp].size);
    block.shared.contribute(1ull << warp, block.barriers[id].knowledge);
    if (block.barriers[id].arrived == block.barriers[id].expected)
      release(block, id);
  } else
    performCollective(members, lanes, site);
  for (Thread *thread : members)
    if (thread)
      thread->state = Thread::Ready;
  block.launch->yields = 0;
}

uint32_t runtime::activeMask(Thread *thread) {
  // Lanes need not have converged: the least that the program may count on.
  return 1u << thread->lane;
}

void runtime::copyAsync(Thread *thread, const Site *site, uint64_t to,
                        uint64_t from, uint32_t valid) {
  SharedMemory &shared = thread->block->shared;
  if (valid > site->bytes)
    stop(thread, site, Fault::Failed,
         "cp.async reads more bytes than it writes");
  if (to % site->bytes || from % site->bytes)
    stop(thread, site, Fault::Misaligned,
         "cp.async of " + std::to_string(site->bytes) + " bytes is misaligned");
  if (!shared.contains(to, site->bytes))
    stop(thread, site, Fault::IllegalAddress,
         "cp.async to offset " +
             std::to_string(int64_t(to - SharedMemory::firstOffset)) +
             " of shared memory is out of bounds: the block has " +
             std::to_string(shared.bytes()) + " bytes");
  if (valid) {
    Site source = *site;
    source.space = Space::Global;
    source.isRead = true;
    source.bytes = valid;
    accessGlobal(thread, &source, from);
  }
  std::string wrong =
      shared.write(*thread, *site, to, site->bytes, /*pending=*/true);
  if (!wrong.empty())
    stop(thread, site, Fault::Failed, "cp.async: " + wrong);
  thread->copies.push_back(
      {uint32_t(to), from, site->bytes, valid, thread->group, site});
}

uint32_t runtime::blockSize(Thread *thread) {
  return thread->block->threads.size();
}

void runtime::commitGroup(Thread *thread) { ++thread->group; }

// Arrives as late as it may: only what must have arrived does.
void runtime::waitGroup(Thread *thread, const Site *site, uint32_t keep) {
  SharedMemory &shared = thread->block->shared;
  if (keep == ~0u) // cp.async.wait_all
    ++thread->group, keep = 0;
  std::vector<PendingCopy> later;
  for (const PendingCopy &copy : thread->copies) {
    if (copy.group + keep >= thread->group) {
      later.push_back(copy);
      continue;
    }
    memcpy(shared.host(copy.to), DeviceMemory::get().host(copy.from),
           copy.valid);
    memset(shared.host(copy.to) + copy.valid, 0, copy.bytes - copy.valid);
    shared.arrive(*thread, *copy.site, copy.to, copy.bytes);
  }
  thread->copies = later;
}
