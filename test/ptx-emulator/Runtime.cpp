#include "Runtime.h"
#include "DeviceMemory.h"
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>

using namespace ptx;

static std::string hex(uint64_t value) {
  char text[32];
  snprintf(text, sizeof text, "%#llx", (unsigned long long)value);
  return text;
}

static Checks currentChecks;
const Checks &ptx::checks() { return currentChecks; }

void ptx::readChecks() {
  const char *list = getenv("LAMINA_PTX_EMULATOR_CHECKS");
  std::string text = list ? list : "";
  currentChecks = Checks();
  for (size_t start = 0; start < text.size();) {
    size_t end = std::min(text.find(',', start), text.size());
    std::string word = text.substr(start, end - start);
    if (word == "-race")
      currentChecks.races = false;
    else if (word == "-init")
      currentChecks.initialized = false;
    else {
      fprintf(stderr,
              "ptx-emulator: LAMINA_PTX_EMULATOR_CHECKS is a list of -race and "
              "-init, not '%s'\n",
              word.c_str());
      abort();
    }
    start = end + 1;
  }
}

static std::string accessText(const Site &site) {
  return std::string(site.isRead && site.isWrite ? "atomic operation on "
                     : site.isWrite              ? "write of "
                                                 : "read of ") +
         std::to_string(site.bytes) + " bytes";
}

char *ptx::accessGlobal(Thread *thread, const Site *site, uint64_t address) {
  DeviceMemory &memory = DeviceMemory::get();
  uint8_t *flags = memory.shadow(address);
  uint8_t all = 0xff, any = 0;
  bool inWindow =
      memory.inWindow(address) && memory.inWindow(address + site->bytes - 1);
  for (unsigned i = 0; i < site->bytes && inWindow; ++i)
    all &= flags[i], any |= flags[i];
  if (!inWindow || !(all & DeviceMemory::Allocated))
    stop(thread, site, Fault::IllegalAddress,
         accessText(*site) + " at " + hex(address) + " is out of bounds: " +
             memory.describe(address +
                             (inWindow && (flags[0] & DeviceMemory::Allocated)
                                  ? site->bytes - 1
                                  : 0)));
  if (site->isRead && !(all & DeviceMemory::Initialized) &&
      checks().initialized)
    stop(thread, site, Fault::Failed,
         accessText(*site) + " at " + hex(address) +
             ": global memory that nobody wrote");
  if (site->isWrite) {
    if (any & DeviceMemory::ReadOnly)
      stop(thread, site, Fault::IllegalAddress,
           accessText(*site) + " at " + hex(address) + ": constant memory");
    if (!(all & DeviceMemory::Initialized))
      memory.markInitialized(address, site->bytes);
  }
  return memory.host(address);
}

static char *accessShared(Thread *thread, const Site *site, uint64_t offset) {
  SharedMemory &shared = thread->block->shared;
  if (!shared.contains(offset, site->bytes))
    stop(thread, site, Fault::IllegalAddress,
         accessText(*site) + " at offset " +
             std::to_string(int64_t(offset - SharedMemory::firstOffset)) +
             " of shared memory is out of bounds: the block has " +
             std::to_string(shared.bytes()) + " bytes");
  std::string wrong;
  if (site->isRead)
    wrong = shared.read(*thread, *site, offset, site->bytes);
  if (wrong.empty() && site->isWrite)
    wrong = shared.write(*thread, *site, offset, site->bytes);
  if (!wrong.empty())
    stop(thread, site, Fault::Failed, accessText(*site) + ": " + wrong);
  return shared.host(offset);
}

static char *accessLocal(Thread *thread, const Site *site, uint64_t offset) {
  if (offset + site->bytes > thread->localTop || offset > thread->localTop)
    stop(thread, site, Fault::IllegalAddress,
         accessText(*site) + " at offset " + std::to_string(int64_t(offset)) +
             " of local memory is out of bounds");
  uint8_t *flags = thread->block->localShadow(*thread) + offset;
  for (unsigned i = 0; i < site->bytes; ++i) {
    if (site->isRead && !flags[i] && checks().initialized)
      stop(thread, site, Fault::Failed,
           accessText(*site) + " at offset " + std::to_string(offset) +
               " of local memory that nobody wrote");
    flags[i] |= site->isWrite;
  }
  return thread->block->local(*thread) + offset;
}

char *runtime::access(Thread *thread, const Site *site, uint64_t address) {
  if (address % site->bytes)
    stop(thread, site, Fault::Misaligned,
         accessText(*site) + " at " + hex(address) + " is misaligned");
  Space space = site->space;
  if (space == Space::Generic) {
    DeviceMemory &memory = DeviceMemory::get();
    space = Space::Global;
    if (address - memory.sharedBase() < DeviceMemory::localWindow)
      space = Space::Shared, address -= memory.sharedBase();
    else if (address - memory.localBase() < DeviceMemory::localWindow)
      space = Space::Local, address -= memory.localBase();
  }
  if (space == Space::Shared)
    return accessShared(thread, site, address);
  if (space == Space::Local)
    return accessLocal(thread, site, address);
  return accessGlobal(thread, site, address);
}

uint32_t runtime::isSpace(Thread *thread, uint32_t space, uint64_t address) {
  DeviceMemory &memory = DeviceMemory::get();
  bool shared = address - memory.sharedBase() < DeviceMemory::localWindow;
  bool local = address - memory.localBase() < DeviceMemory::localWindow;
  switch (Space(space)) {
  case Space::Shared:
    return shared;
  case Space::Local:
    return local;
  case Space::Const:
    return memory.inWindow(address) &&
           (*memory.shadow(address) & DeviceMemory::ReadOnly);
  default:
    return !shared && !local;
  }
}

uint64_t runtime::sharedWindow() { return DeviceMemory::get().sharedBase(); }
uint64_t runtime::localWindowBase() { return DeviceMemory::get().localBase(); }

uint64_t runtime::enter(Thread *thread, const Site *site, uint64_t bytes) {
  uint64_t base = thread->localTop;
  if (base + bytes > localBytes)
    stop(thread, site, Fault::Failed, "local memory overflows (recursion?)");
  memset(thread->block->localShadow(*thread) + base, 0, bytes);
  memset(thread->block->local(*thread) + base, 0xff, bytes);
  thread->localTop += bytes;
  return base;
}

void runtime::leave(Thread *thread, uint64_t bytes) {
  thread->localTop -= bytes;
}

void runtime::outOfFuel(Thread *thread) { yieldThread(thread); }

void runtime::trap(Thread *thread, const Site *site) {
  stop(thread, site, Fault::Failed, "trap");
}

void runtime::badBranch(Thread *thread, const Site *site) {
  stop(thread, site, Fault::Failed,
       "the index of a branch is out of its table");
}

uint64_t runtime::special(Thread *thread, uint32_t which) {
  const Block &block = *thread->block;
  const Launch &launch = *block.launch;
  uint32_t bit = 1u << thread->lane;
  switch (Special(which)) {
  case Special::TidX:
  case Special::TidY:
  case Special::TidZ:
    return thread->tid[which];
  case Special::NtidX:
  case Special::NtidY:
  case Special::NtidZ:
    return launch.block[which - 3];
  case Special::CtaidX:
  case Special::CtaidY:
  case Special::CtaidZ:
    return block.ctaid[which - 6];
  case Special::NctaidX:
  case Special::NctaidY:
  case Special::NctaidZ:
    return launch.grid[which - 9];
  case Special::LaneId:
    return thread->lane;
  case Special::WarpId:
    return thread->warp;
  case Special::NWarpId:
    return 64;
  case Special::NSmId:
  case Special::One:
    return 1;
  case Special::SmId:
  case Special::GridId:
  case Special::Zero:
    return 0;
  case Special::Clock:
  case Special::Clock64:
    return thread->clock += 16;
  case Special::GlobalTimer:
    return std::chrono::steady_clock::now().time_since_epoch().count();
  case Special::LanemaskEq:
    return bit;
  case Special::LanemaskLe:
    return bit | (bit - 1);
  case Special::LanemaskLt:
    return bit - 1;
  case Special::LanemaskGe:
    return uint32_t(-bit);
  case Special::LanemaskGt:
    return uint32_t(-bit) & ~bit;
  case Special::DynamicSmem:
    return launch.dynamicShared;
  case Special::TotalSmem:
    return block.shared.bytes();
  }
  return 0;
}
