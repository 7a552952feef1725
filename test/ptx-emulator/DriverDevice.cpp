// Initialization, the device, contexts, and finding functions by name.
#include "DeviceMemory.h"
#include "Driver.h"
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>

using namespace ptx;
using namespace ptx::driver;

State &driver::state() {
  static State *state =
      new State; // never destroyed: streams may be used at exit
  return *state;
}

std::vector<Context *> &driver::contextStack() {
  static thread_local std::vector<Context *> stack;
  return stack;
}

Guard::Guard(bool needsContext) : lock(state().lock) {
  if (!state().initialized)
    error = NotInitialized;
  else if (needsContext && contextStack().empty())
    error = InvalidContext;
  else if (needsContext)
    error = contextStack().back()->error;
}

unsigned driver::computeCapability() {
  static const unsigned value = [] {
    const char *text = getenv("LAMINA_PTX_EMULATOR_SM");
    unsigned sm = text ? atoi(text) : 90;
    if (sm < 50 || sm > 200) {
      fprintf(stderr,
              "ptx-emulator: LAMINA_PTX_EMULATOR_SM is a number such as 80, "
              "not '%s'\n",
              text);
      abort();
    }
    return sm;
  }();
  return value;
}

PTX_API cuInit(unsigned flags) {
  Guard guard(false);
  if (flags)
    return InvalidValue;
  state().initialized = true;
  return Success;
}

PTX_API cuDriverGetVersion(int *version) {
  if (!version)
    return InvalidValue;
  *version = 12080;
  return Success;
}

#define PTX_INITIALIZED                                                        \
  Guard guard(false);                                                          \
  if (guard.error)                                                             \
    return guard.error;

PTX_API cuDeviceGetCount(int *count) {
  PTX_INITIALIZED
  if (!count)
    return InvalidValue;
  *count = 1;
  return Success;
}

PTX_API cuDeviceGet(int *device, int ordinal) {
  PTX_INITIALIZED
  if (!device)
    return InvalidValue;
  if (ordinal != 0)
    return InvalidDevice;
  *device = 0;
  return Success;
}

PTX_API cuDeviceGetName(char *name, int length, int device) {
  PTX_INITIALIZED
  if (!name || length <= 0)
    return InvalidValue;
  if (device)
    return InvalidDevice;
  snprintf(name, length, "Lamina PTX emulator (sm_%u)", computeCapability());
  return Success;
}

PTX_API cuDeviceGetUuid(char *uuid, int device) {
  PTX_INITIALIZED
  if (device)
    return InvalidDevice;
  memcpy(uuid, "Lamina-PTX-Emul.", 16);
  return Success;
}
PTX_API cuDeviceGetUuid_v2(char *uuid, int device) {
  return cuDeviceGetUuid(uuid, device);
}

PTX_API cuDeviceTotalMem_v2(size_t *bytes, int device) {
  PTX_INITIALIZED
  if (device)
    return InvalidDevice;
  *bytes = DeviceMemory::get().capacity();
  return Success;
}

PTX_API cuDeviceGetAttribute(int *value, int attribute, int device) {
  PTX_INITIALIZED
  if (device)
    return InvalidDevice;
  static const std::map<int, int> table = {
      {1, 1024},
      {2, 1024},
      {3, 1024},
      {4, 64},
      {5, 0x7fffffff},
      {6, 65535},
      {7, 65535},       // threads, block, grid
      {8, 48 << 10},    // shared memory per block
      {9, 64 << 10},    // constant memory
      {10, 32},         // warp size
      {11, 0x7fffffff}, // pitch
      {12, 65536},      // registers per block
      {13, 1500000},    // clock in kHz
      {14, 512},        // texture alignment
      {15, 1},          // overlaps copies
      {16, 4},          // multiprocessors
      {17, 0},          // kernel timeout
      {18, 0},          // integrated
      {19, 0},          // maps host memory
      {20, 0},          // compute mode
      {31, 1},          // concurrent kernels
      {32, 0},
      {33, 0},
      {34, 0},
      {35, 0},
      {36, 1000000},
      {37, 256},
      {38, 4 << 20}, // L2
      {39, 2048},    // threads per multiprocessor
      {40, 1},       // copy engines
      {41, 1},       // unified addresses
      {50, 0},
      {78, 1}, // stream priorities
      {81, 228 << 10},
      {82, 65536}, // shared memory and registers per
                   // multiprocessor
      {83, 0},     // managed memory
      {84, 0},
      {85, 0},
      {88, 0},
      {89, 0},
      {91, 0},
      {92, 0},
      {93, 0},
      {94, 0},
      {95, 0},
      {96, 0},
      {97, 227 << 10}, // shared memory per
                       // block, opted in
      {106, 32},       // blocks per multiprocessor
      {111, 1024},     // reserved shared memory per block
      {115, 1},        // memory pools
  };
  if (attribute == 75 || attribute == 76)
    *value =
        attribute == 75 ? computeCapability() / 10 : computeCapability() % 10;
  else if (auto it = table.find(attribute); it != table.end())
    *value = it->second;
  else
    return InvalidValue;
  return Success;
}

PTX_API cuDeviceComputeCapability(int *major, int *minor, int device) {
  PTX_INITIALIZED
  *major = computeCapability() / 10;
  *minor = computeCapability() % 10;
  return device ? InvalidDevice : Success;
}

PTX_API cuDevicePrimaryCtxRetain(Context **context, int device) {
  PTX_INITIALIZED
  if (device)
    return InvalidDevice;
  ++state().primaryUses;
  *context = &state().primary;
  return Success;
}

Result driver::primaryReset() {
  State &all = state();
  all.primary.error = Success;
  all.primary.defaultStream.queue.clear();
  for (Stream *stream : all.primary.streams)
    stream->queue.clear();
  return Success;
}

PTX_API cuDevicePrimaryCtxRelease_v2(int device) {
  PTX_INITIALIZED
  if (device)
    return InvalidDevice;
  if (state().primaryUses == 0)
    return InvalidContext;
  if (--state().primaryUses == 0)
    primaryReset();
  return Success;
}
PTX_API cuDevicePrimaryCtxRelease(int device) {
  return cuDevicePrimaryCtxRelease_v2(device);
}

PTX_API cuDevicePrimaryCtxReset_v2(int device) {
  PTX_INITIALIZED
  return device ? InvalidDevice : primaryReset();
}
PTX_API cuDevicePrimaryCtxReset(int device) {
  return cuDevicePrimaryCtxReset_v2(device);
}

PTX_API cuDevicePrimaryCtxGetState(int device, unsigned *flags, int *active) {
  PTX_INITIALIZED
  *flags = state().primary.flags;
  *active = state().primaryUses > 0;
  return device ? InvalidDevice : Success;
}

PTX_API cuDevicePrimaryCtxSetFlags_v2(int device, unsigned flags) {
  PTX_INITIALIZED
  state().primary.flags = flags;
  return device ? InvalidDevice : Success;
}

PTX_API cuCtxCreate_v2(Context **context, unsigned flags, int device) {
  PTX_INITIALIZED
  if (device)
    return InvalidDevice;
  *context = new Context;
  (*context)->flags = flags;
  state().contexts.insert(*context);
  contextStack().push_back(*context);
  return Success;
}

PTX_API cuCtxDestroy_v2(Context *context) {
  PTX_INITIALIZED
  if (!state().contexts.erase(context))
    return InvalidContext;
  auto &stack = contextStack();
  std::erase(stack, context);
  delete context;
  return Success;
}

PTX_API cuCtxSetCurrent(Context *context) {
  PTX_INITIALIZED
  if (context && context != &state().primary &&
      !state().contexts.count(context))
    return InvalidContext;
  auto &stack = contextStack();
  if (!stack.empty())
    stack.pop_back();
  if (context)
    stack.push_back(context);
  return Success;
}

PTX_API cuCtxGetCurrent(Context **context) {
  PTX_INITIALIZED
  *context = contextStack().empty() ? nullptr : contextStack().back();
  return Success;
}

PTX_API cuCtxPushCurrent_v2(Context *context) {
  PTX_INITIALIZED
  if (!context ||
      (context != &state().primary && !state().contexts.count(context)))
    return InvalidContext;
  contextStack().push_back(context);
  return Success;
}

PTX_API cuCtxPopCurrent_v2(Context **context) {
  PTX_INITIALIZED
  if (contextStack().empty())
    return InvalidContext;
  if (context)
    *context = contextStack().back();
  contextStack().pop_back();
  return Success;
}

PTX_API cuCtxGetDevice(int *device) {
  PTX_GUARD
  *device = 0;
  return Success;
}

PTX_API cuCtxGetFlags(unsigned *flags) {
  PTX_GUARD
  *flags = guard.context().flags;
  return Success;
}

PTX_API cuCtxGetApiVersion(Context *, unsigned *version) {
  PTX_INITIALIZED
  *version = 3020;
  return Success;
}

PTX_API cuCtxGetStreamPriorityRange(int *least, int *greatest) {
  PTX_GUARD
  if (least)
    *least = 0;
  if (greatest)
    *greatest = -5;
  return Success;
}

PTX_API cuCtxSynchronize() {
  PTX_GUARD
  if (Result busy = checkNoCapture(guard.context()))
    return busy;
  return drainAll(guard.context());
}

PTX_API cuCtxSetLimit(int, size_t) {
  PTX_GUARD
  return Success;
}

PTX_API cuProfilerStart() { return Success; }
PTX_API cuProfilerStop() { return Success; }

// The newest variant of the function, as cuda.h names it.
PTX_API cuGetProcAddress_v2(const char *name, void **function, int, uint64_t,
                            int *status) {
  static void *self = [] {
    Dl_info info;
    dladdr(reinterpret_cast<void *>(&cuInit), &info);
    return dlopen(info.dli_fname, RTLD_NOW | RTLD_NOLOAD);
  }();
  *function = dlsym(self, (std::string(name) + "_v2").c_str());
  if (!*function)
    *function = dlsym(self, name);
  if (status)
    *status = *function ? 0 : 1;
  return *function ? Success : NotFound;
}
PTX_API cuGetProcAddress(const char *name, void **function, int version,
                         uint64_t flags) {
  return cuGetProcAddress_v2(name, function, version, flags, nullptr);
}
