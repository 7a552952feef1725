#include "Runtime.h"
#include <cstring>

using namespace ptx;

void SharedMemory::reset(unsigned bytes) {
  size = bytes;
  ++generation; // all cells of the block before are stale
  if (data.size() < bytes) {
    data.resize(bytes);
    cells.resize(bytes);
  }
  if (bytes)
    memset(data.data(), 0xff, bytes);
  warpClock.fill(1);
  for (auto &known : knownWarps)
    known.fill(0);
  for (auto &warp : knownLanes)
    for (unsigned lane = 0; lane < 32; ++lane) {
      warp[lane].fill(0);
      warp[lane][lane] = 1;
    }
}

SharedMemory::Cell &SharedMemory::cell(uint64_t offset) {
  Cell &cell = cells[offset - firstOffset];
  if (cell.generation != generation) {
    cell = Cell();
    cell.generation = generation;
  }
  return cell;
}

SharedMemory::Access SharedMemory::access(const Thread &thread,
                                          const Site &site) const {
  Access access;
  access.thread = thread.id;
  access.line = site.line;
  access.strong = site.isStrong;
  access.warpClock = warpClock[thread.warp];
  access.laneClock = knownLanes[thread.warp][thread.lane][thread.lane];
  return access;
}

bool SharedMemory::ordered(const Access &before, const Thread &now) const {
  if (!checks().races)
    return true;
  if (before.thread < 0 || before.thread == int(now.id))
    return true;
  unsigned warp = before.thread / 32, lane = before.thread % 32;
  if (warp != now.warp)
    return knownWarps[now.warp][warp] >= before.warpClock;
  return before.warpClock < warpClock[warp] ||
         knownLanes[warp][now.lane][lane] >= before.laneClock;
}

std::string SharedMemory::race(const char *what, const Access &before,
                               uint64_t offset) const {
  return "data race on byte " + std::to_string(offset - firstOffset) +
         " of shared memory: " + what + " by thread " +
         std::to_string(before.thread) + " at PTX line " +
         std::to_string(before.line) +
         " is not separated from this access by a barrier";
}

std::string SharedMemory::early(const char *what, const Cell &c,
                                uint64_t offset) const {
  return std::string(what) + " of byte " +
         std::to_string(offset - firstOffset) +
         " of shared memory while the cp.async at PTX line " +
         std::to_string(c.writer.line) + " that fills it was not waited for";
}

std::string SharedMemory::read(const Thread &thread, const Site &site,
                               uint64_t offset, unsigned bytes) {
  Access now = access(thread, site);
  for (uint64_t at = offset; at < offset + bytes; ++at) {
    Cell &c = cell(at);
    if (c.pending)
      return early("read", c, at);
    if (c.writer.thread < 0 && checks().initialized)
      return "read of byte " + std::to_string(at - firstOffset) +
             " of shared memory, which nobody wrote";
    if (!ordered(c.writer, thread) && !(c.writer.strong && now.strong))
      return race("a write", c.writer, at);
    if (c.readers[0].thread != now.thread && c.readers[0].thread >= 0)
      c.readers[c.readers[0].thread / 32 == int(thread.warp) ? 1 : 2] =
          c.readers[0];
    c.readers[0] = now;
  }
  return "";
}

std::string SharedMemory::write(const Thread &thread, const Site &site,
                                uint64_t offset, unsigned bytes, bool pending) {
  Access now = access(thread, site);
  for (uint64_t at = offset; at < offset + bytes; ++at) {
    Cell &c = cell(at);
    if (c.pending)
      return early("write", c, at);
    if (!ordered(c.writer, thread) && !(c.writer.strong && now.strong))
      return race("a write", c.writer, at);
    for (const Access &reader : c.readers)
      if (!ordered(reader, thread) && !(reader.strong && now.strong))
        return race("a read", reader, at);
    c.writer = now;
    c.pending = pending;
    for (Access &reader : c.readers)
      reader = Access();
  }
  return "";
}

void SharedMemory::arrive(const Thread &thread, const Site &site,
                          uint64_t offset, unsigned bytes) {
  Access now = access(thread, site);
  for (uint64_t at = offset; at < offset + bytes; ++at) {
    cell(at).pending = false;
    cell(at).writer = now;
  }
}

void SharedMemory::joinLanes(unsigned warp, uint32_t mask) {
  std::array<uint32_t, 32> joined;
  joined.fill(0);
  for (unsigned lane = 0; lane < 32; ++lane)
    if (mask >> lane & 1)
      for (unsigned i = 0; i < 32; ++i)
        joined[i] = std::max(joined[i], knownLanes[warp][lane][i]);
  for (unsigned lane = 0; lane < 32; ++lane)
    if (mask >> lane & 1) {
      knownLanes[warp][lane] = joined;
      ++knownLanes[warp][lane][lane];
    }
}

void SharedMemory::contribute(uint64_t warps, Knowledge &knowledge) {
  for (unsigned warp = 0; warp < maxWarps; ++warp)
    if (warps >> warp & 1) {
      for (unsigned i = 0; i < maxWarps; ++i)
        knowledge[i] = std::max(knowledge[i], knownWarps[warp][i]);
      knowledge[warp] = std::max(knowledge[warp], warpClock[warp]++);
    }
}

void SharedMemory::acquire(uint64_t warps, const Knowledge &knowledge) {
  for (unsigned warp = 0; warp < maxWarps; ++warp)
    if (warps >> warp & 1)
      for (unsigned i = 0; i < maxWarps; ++i)
        knownWarps[warp][i] = std::max(knownWarps[warp][i], knowledge[i]);
}
