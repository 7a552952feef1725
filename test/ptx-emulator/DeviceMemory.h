// The device's global memory. Device addresses lie in a window that the host
// cannot touch; the bytes and their shadow lie elsewhere, at constant offsets.
#ifndef PTX_EMULATOR_DEVICE_MEMORY_H
#define PTX_EMULATOR_DEVICE_MEMORY_H

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

namespace ptx {

class DeviceMemory {
public:
  enum : uint8_t { Allocated = 1, Initialized = 2, ReadOnly = 4 };
  static constexpr uint64_t windowBytes = 1ull << 36;
  static constexpr uint64_t localWindow = 1ull << 24; // also of shared memory

  static DeviceMemory &get();

  uint64_t allocate(uint64_t bytes,
                    uint64_t align = 256); // 0 when none is left
  bool free(uint64_t address); // false: not the start of an allocation
  // Only the first `bytes` of an allocation may be accessed, and nobody has
  // written them.
  bool setExtent(uint64_t address, uint64_t bytes);
  // The allocation that holds `address`: its start and size.
  bool find(uint64_t address, uint64_t &start, uint64_t &bytes) const;
  bool contains(uint64_t address, uint64_t bytes) const;

  char *host(uint64_t address) const { return data + (address - base); }
  uint8_t *shadow(uint64_t address) const { return flags + (address - base); }
  bool inWindow(uint64_t address) const { return address - base < windowBytes; }
  uint64_t sharedBase() const { return base + windowBytes; }
  uint64_t localBase() const { return sharedBase() + localWindow; }

  void copyIn(uint64_t to, const void *from, size_t bytes);
  void copyWithin(uint64_t to, uint64_t from, size_t bytes);
  void markInitialized(uint64_t address, size_t bytes, uint8_t extra = 0);

  uint64_t capacity() const { return limit; }
  uint64_t used() const { return inUse; }
  // "8 bytes past the end of an allocation of 64 bytes", for messages.
  std::string describe(uint64_t address) const;

private:
  DeviceMemory();
  uint64_t base = 0, next = 0, limit = 0, inUse = 0;
  char *data = nullptr;
  uint8_t *flags = nullptr;
  std::map<uint64_t, uint64_t> allocations; // start -> size
};

} // namespace ptx

#endif
