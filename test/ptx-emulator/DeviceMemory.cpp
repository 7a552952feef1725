#include "DeviceMemory.h"
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sys/mman.h>

using namespace ptx;

DeviceMemory &DeviceMemory::get() {
  static DeviceMemory memory;
  return memory;
}

static char *reserve(uint64_t bytes, int protection) {
  void *at = mmap(nullptr, bytes, protection,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (at == MAP_FAILED) {
    fprintf(stderr,
            "ptx-emulator: cannot reserve address space for device memory\n");
    abort();
  }
  return static_cast<char *>(at);
}

DeviceMemory::DeviceMemory() {
  base = reinterpret_cast<uint64_t>(
      reserve(windowBytes + 2 * localWindow, PROT_NONE));
  data = reserve(windowBytes, PROT_READ | PROT_WRITE);
  flags =
      reinterpret_cast<uint8_t *>(reserve(windowBytes, PROT_READ | PROT_WRITE));
  next = base + 4096;
  const char *megabytes = getenv("LAMINA_PTX_EMULATOR_MEMORY");
  limit = (megabytes ? strtoull(megabytes, nullptr, 10) : 4096) << 20;
}

// Addresses are handed out upwards, so that a freed one is not soon used again
// and its late use is noticed; at least 256 bytes lie between allocations.
uint64_t DeviceMemory::allocate(uint64_t bytes, uint64_t align) {
  if (bytes == 0 || bytes > limit - inUse)
    return 0;
  align = align < 256 ? 256 : align;
  uint64_t start = (next + align - 1) & -align;
  if (start + bytes + 256 > base + windowBytes) { // wrapped: the first gap
    start = base + 4096;
    for (auto &[at, size] : allocations) {
      if (start + bytes + 256 <= at)
        break;
      start = (at + size + 256 + align - 1) & -align;
    }
    if (start + bytes + 256 > base + windowBytes)
      return 0;
  }
  next = start + bytes + 256;
  allocations[start] = bytes;
  inUse += bytes;
  memset(shadow(start), Allocated, bytes);
  // Bytes that nobody wrote are NaNs, so that a use is seen even unchecked.
  memset(host(start), 0xff, bytes);
  return start;
}

bool DeviceMemory::free(uint64_t address) {
  auto it = allocations.find(address);
  if (it == allocations.end())
    return false;
  uint64_t bytes = it->second;
  memset(shadow(address), 0, bytes);
  uint64_t first = (address - base + 4095) & -4096ull,
           last = (address - base + bytes) & -4096ull;
  if (last > first) {
    madvise(data + first, last - first, MADV_DONTNEED);
    madvise(flags + first, last - first, MADV_DONTNEED);
  }
  inUse -= bytes;
  allocations.erase(it);
  return true;
}

bool DeviceMemory::setExtent(uint64_t address, uint64_t bytes) {
  auto it = allocations.find(address);
  if (it == allocations.end() || bytes > it->second)
    return false;
  memset(shadow(address), Allocated, bytes);
  memset(shadow(address) + bytes, 0, it->second - bytes);
  memset(host(address), 0xff, it->second);
  return true;
}

bool DeviceMemory::find(uint64_t address, uint64_t &start,
                        uint64_t &bytes) const {
  auto it = allocations.upper_bound(address);
  if (it == allocations.begin())
    return false;
  --it;
  start = it->first;
  bytes = it->second;
  return address - start < bytes;
}

bool DeviceMemory::contains(uint64_t address, uint64_t bytes) const {
  uint64_t start = 0, size = 0;
  return find(address, start, size) && bytes <= size - (address - start);
}

void DeviceMemory::markInitialized(uint64_t address, size_t bytes,
                                   uint8_t extra) {
  memset(shadow(address), Allocated | Initialized | extra, bytes);
}

void DeviceMemory::copyIn(uint64_t to, const void *from, size_t bytes) {
  memcpy(host(to), from, bytes);
  markInitialized(to, bytes);
}

void DeviceMemory::copyWithin(uint64_t to, uint64_t from, size_t bytes) {
  memmove(host(to), host(from), bytes);
  memmove(shadow(to), shadow(from), bytes);
}

std::string DeviceMemory::describe(uint64_t address) const {
  if (!inWindow(address)) {
    if (address < (1u << 20))
      return "a null pointer or a small number";
    return "not an address of device memory (a host pointer?)";
  }
  uint64_t start = 0, bytes = 0;
  if (find(address, start, bytes))
    return "in a part of the allocation that is not handed out";
  auto after = allocations.upper_bound(address);
  if (after != allocations.begin()) {
    auto before = std::prev(after);
    uint64_t distance = address - before->first - before->second;
    if (after == allocations.end() || distance < after->first - address)
      return std::to_string(distance) +
             " bytes past the end of an allocation of " +
             std::to_string(before->second) + " bytes";
  }
  if (after != allocations.end())
    return std::to_string(after->first - address) +
           " bytes before an allocation of " + std::to_string(after->second) +
           " bytes";
  return "no memory is allocated";
}
