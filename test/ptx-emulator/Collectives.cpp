// What the lanes of a warp do together once all have arrived.
#include "Machine.h"
#include "Mma.h"
#include "Runtime.h"
#include <cstring>

using namespace ptx;

// shfl: registers are value, b, c; then the value received and whether its lane
// was in range.
static void shuffle(Thread *const *lanes, uint32_t mask, const Site *site) {
  uint32_t results[32][2] = {};
  for (int lane = 0; lane < 32; ++lane) {
    if (!(mask >> lane & 1))
      continue;
    const uint32_t *in = lanes[lane]->registers;
    int segment = in[2] >> 8 & 31, clamp = in[2] & 31, b = in[1] & 31;
    int last = (lane & segment) | (clamp & ~segment & 31),
        first = lane & segment, from = 0;
    bool inRange = false;
    switch (site->mode) {
    case 0: // up
      from = lane - b;
      inRange = from >= last;
      break;
    case 1: // down
      from = lane + b;
      inRange = from <= last;
      break;
    case 2: // bfly
      from = lane ^ b;
      inRange = from <= last;
      break;
    default: // idx
      from = first | (b & ~segment);
      inRange = from <= last;
      break;
    }
    if (!inRange)
      from = lane;
    if (!(mask >> from & 1))
      stop(lanes[lane], lanes[lane]->site, Fault::Failed,
           "the shuffle reads lane " + std::to_string(from) +
               ", which does not take part");
    results[lane][0] = lanes[from]->registers[0];
    results[lane][1] = inRange;
  }
  for (unsigned lane = 0; lane < 32; ++lane)
    if (mask >> lane & 1)
      memcpy(lanes[lane]->registers, results[lane], sizeof results[lane]);
}

static void vote(Thread *const *lanes, uint32_t mask, const Site *site) {
  uint32_t holds = 0;
  for (unsigned lane = 0; lane < 32; ++lane)
    if ((mask >> lane & 1) && lanes[lane]->registers[0])
      holds |= 1u << lane;
  uint32_t results[] = {holds == mask, holds != 0, holds == mask || holds == 0,
                        holds};
  for (unsigned lane = 0; lane < 32; ++lane)
    if (mask >> lane & 1)
      lanes[lane]->registers[0] = results[site->mode];
}

static void match(Thread *const *lanes, uint32_t mask, const Site *site) {
  uint32_t results[32] = {};
  for (unsigned lane = 0; lane < 32; ++lane)
    for (unsigned other = 0; other < 32; ++other)
      if ((mask >> lane & 1) && (mask >> other & 1) &&
          !memcmp(lanes[lane]->registers, lanes[other]->registers, 8))
        results[lane] |= 1u << other;
  for (unsigned lane = 0; lane < 32; ++lane)
    if (mask >> lane & 1) {
      bool all = results[lane] == mask;
      lanes[lane]->registers[0] = site->mode && !all ? 0 : results[lane];
      lanes[lane]->registers[1] = all;
    }
}

static void reduce(Thread *const *lanes, uint32_t mask, const Site *site) {
  bool started = false;
  uint32_t total = 0;
  for (unsigned lane = 0; lane < 32; ++lane) {
    if (!(mask >> lane & 1))
      continue;
    uint32_t value = lanes[lane]->registers[0];
    bool less =
        site->type.isSigned() ? int32_t(value) < int32_t(total) : value < total;
    uint32_t results[] = {total + value,        less ? value : total,
                          less ? total : value, total & value,
                          total | value,        total ^ value};
    total = started ? results[site->mode] : value;
    started = true;
  }
  for (unsigned lane = 0; lane < 32; ++lane)
    if (mask >> lane & 1)
      lanes[lane]->registers[0] = total;
}

static void elect(Thread *const *lanes, uint32_t mask) {
  unsigned leader = __builtin_ctz(mask);
  for (unsigned lane = 0; lane < 32; ++lane)
    if (mask >> lane & 1) {
      lanes[lane]->registers[0] = leader;
      lanes[lane]->registers[1] = lane == leader;
    }
}

static uint64_t rowAddress(const Thread *lane) {
  return uint64_t(lane->registers[1]) << 32 | lane->registers[0];
}

// Lane 8*i+r gives the address of row r of matrix i. Lane l has the elements
// 2*(l%4) and the next of row l/4, or of that column when transposed.
static void matrixAccess(Thread *const *lanes, const Site *site) {
  unsigned matrices = site->shape[0];
  bool loads = site->kind == CollectiveKind::LoadMatrix,
       transposed = site->mode;
  uint16_t *rows[32] = {};
  for (unsigned i = 0; i < 8 * matrices; ++i) {
    Site own =
        *site; // checked as the access of the lane that gives the address
    rows[i] = reinterpret_cast<uint16_t *>(
        runtime::access(lanes[i], &own, rowAddress(lanes[i])));
  }
  for (unsigned lane = 0; lane < 32; ++lane) {
    uint32_t results[4] = {};
    for (unsigned i = 0; i < matrices; ++i)
      for (unsigned j = 0; j < 2; ++j) {
        unsigned across = 2 * (lane % 4) + j, along = lane / 4;
        uint16_t *element = transposed ? rows[8 * i + across] + along
                                       : rows[8 * i + along] + across;
        if (loads)
          results[i] |= uint32_t(*element) << (16 * j);
        else
          *element = lanes[lane]->registers[2 + i] >> (16 * j);
      }
    if (loads)
      memcpy(lanes[lane]->registers, results, 4 * matrices);
  }
}

void ptx::performCollective(Thread *const *lanes, uint32_t mask,
                            const Site *site) {
  if (site->isAligned && mask != ~0u) {
    unsigned first = __builtin_ctz(mask);
    stop(lanes[first], site, Fault::Failed,
         "the instruction needs all 32 lanes of the warp, some have exited or "
         "do not exist");
  }
  switch (site->kind) {
  case CollectiveKind::Shuffle:
    return shuffle(lanes, mask, site);
  case CollectiveKind::Vote:
    return vote(lanes, mask, site);
  case CollectiveKind::Match:
    return match(lanes, mask, site);
  case CollectiveKind::Reduce:
    return reduce(lanes, mask, site);
  case CollectiveKind::Elect:
    return elect(lanes, mask);
  case CollectiveKind::Mma:
    return multiplyMatrices(lanes, site);
  case CollectiveKind::LoadMatrix:
  case CollectiveKind::StoreMatrix:
    return matrixAccess(lanes, site);
  case CollectiveKind::None:
  case CollectiveKind::SyncWarp:
  case CollectiveKind::BarrierArrive:
    break;
  }
}
