// Shared memory of a block with a shadow that knows, per byte, who wrote and
// who read it last, so that two accesses without a barrier between them are
// reported whatever the schedule was.
#ifndef PTX_EMULATOR_SHARED_MEMORY_H
#define PTX_EMULATOR_SHARED_MEMORY_H

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace ptx {

struct Site;
struct Thread;

class SharedMemory {
public:
  static constexpr unsigned maxBytes = 228 << 10;
  static constexpr unsigned maxWarps = 32;
  // Offsets begin here, as on the device, so that 0 is no valid address.
  static constexpr uint32_t firstOffset = 1024;

  void reset(unsigned bytes);
  bool contains(uint64_t offset, uint64_t bytes) const {
    return offset >= firstOffset && offset - firstOffset + bytes <= size;
  }
  char *host(uint64_t offset) { return data.data() + (offset - firstOffset); }
  unsigned bytes() const { return size; }

  // Check an access and record it; the returned text is empty or what is wrong.
  std::string read(const Thread &thread, const Site &site, uint64_t offset,
                   unsigned bytes);
  std::string write(const Thread &thread, const Site &site, uint64_t offset,
                    unsigned bytes, bool pending = false);
  // The bytes of a cp.async have arrived.
  void arrive(const Thread &thread, const Site &site, uint64_t offset,
              unsigned bytes);

  // bar.warp.sync of the lanes in `mask` of one warp.
  void joinLanes(unsigned warp, uint32_t mask);
  // A barrier: what the warps that arrive know, and the warps that go on
  // knowing it. Bit w of a set is warp w.
  using Knowledge = std::array<uint32_t, maxWarps>;
  void contribute(uint64_t warps, Knowledge &knowledge);
  void acquire(uint64_t warps, const Knowledge &knowledge);

private:
  struct Access {
    uint32_t warpClock = 0, laneClock = 0;
    uint32_t line = 0;
    int16_t thread = -1;
    bool strong = false;
  };
  struct Cell {
    uint32_t generation = 0;
    bool pending = false;
    Access writer;
    // The last reader; the last other one of its warp; the last of another
    // warp.
    Access readers[3];
  };
  Cell &cell(uint64_t offset);
  Access access(const Thread &thread, const Site &site) const;
  bool ordered(const Access &before, const Thread &now) const;
  std::string early(const char *what, const Cell &c, uint64_t offset) const;
  std::string race(const char *what, const Access &before,
                   uint64_t offset) const;

  unsigned size = 0;
  uint32_t generation = 0;
  std::vector<char> data;
  std::vector<Cell> cells;
  std::array<uint32_t, maxWarps> warpClock;
  std::array<Knowledge, maxWarps> knownWarps;
  std::array<std::array<std::array<uint32_t, 32>, 32>, maxWarps> knownLanes;
};

} // namespace ptx

#endif
