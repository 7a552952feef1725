// The state behind the driver's functions. The functions themselves are the
// exported ones of Driver*.cpp, with the names and the ABI of libcuda.
#ifndef PTX_EMULATOR_DRIVER_H
#define PTX_EMULATOR_DRIVER_H

#include "Emitter.h"
#include "Jit.h"
#include "Machine.h"
#include <functional>
#include <list>
#include <mutex>
#include <set>

namespace ptx::driver {

// Values of CUresult.
enum Result : int {
  Success = 0,
  InvalidValue = 1,
  OutOfMemory = 2,
  NotInitialized = 3,
  InvalidDevice = 101,
  InvalidImage = 200,
  InvalidContext = 201,
  NoBinaryForGpu = 209,
  InvalidPtx = 218,
  UnsupportedPtxVersion = 222,
  FileNotFound = 301,
  InvalidHandle = 400,
  NotFound = 500,
  NotReady = 600,
  IllegalAddress = 700,
  OutOfResources = 701,
  LaunchTimeout = 702,
  HostMemoryAlreadyRegistered = 712,
  HostMemoryNotRegistered = 713,
  MisalignedAddress = 716,
  LaunchFailed = 719,
  NotSupported = 801,
  CaptureUnsupported = 900,
  CaptureInvalidated = 901,
  CaptureUnjoined = 904,
  IllegalState = 401,
};

using DevicePointer = unsigned long long;
using Operation = std::function<Result()>;

struct LoadedModule;

struct FunctionHandle {
  LoadedModule *module = nullptr;
  const Function *source = nullptr;
  Kernel kernel;
  bool compiled = false;
  unsigned parameterBytes = 0;
  std::vector<unsigned> parameterOffsets;
  unsigned maxDynamicShared = 48 << 10;
  unsigned maxThreads() const; // of a block
};

struct LoadedModule {
  std::unique_ptr<Module> ptx;
  GlobalAddresses globals;
  std::map<std::string, uint64_t> globalSizes;
  std::deque<Site> sites;
  std::map<std::string, std::unique_ptr<FunctionHandle>> functions;
  std::map<std::string, PendingKernel> pending; // emitted, not yet compiled
  std::vector<CompiledKernel> compiled;
  ~LoadedModule();
};

struct Graph {
  std::vector<Operation> operations;
};

struct Stream {
  std::deque<Operation> queue;
  unsigned flags = 0; // 1: does not wait for the default stream
  int priority = 0;
  Graph *capture = nullptr;
  bool captureOrigin = false, captureInvalid = false;
  unsigned captureMode = 0;
  bool isBlocking() const { return !(flags & 1); }
};

struct Event {
  bool recorded = false;
  unsigned pendingRecords = 0;
  Stream *stream = nullptr;
  Graph *capture = nullptr;
  double milliseconds = 0;
  unsigned flags = 0;
};

struct Context {
  unsigned flags = 0;
  Result error = Success; // an error of a kernel stays until the context goes
  Stream defaultStream;
  std::list<Stream *> streams;
};

struct State {
  std::recursive_mutex lock;
  bool initialized = false;
  unsigned primaryUses = 0;
  Context primary;
  std::set<Context *> contexts;
  std::map<uint64_t, uint64_t> pinned; // host memory: start -> size
  std::set<uint64_t> ownedPinned;      // allocated by us
};
State &state();
std::vector<Context *> &contextStack(); // of the calling thread

// Locks the driver for one function; `error` says why it cannot go on.
struct Guard {
  explicit Guard(bool needsContext = true);
  std::lock_guard<std::recursive_mutex> lock;
  Result error = Success;
  Context &context() const { return *contextStack().back(); }
};

#define PTX_GUARD                                                              \
  Guard guard;                                                                 \
  if (guard.error)                                                             \
    return guard.error;

// Behind PTX_GUARD: the stream that `handle` names.
#define PTX_STREAM(handle)                                                     \
  Stream *stream = resolve(guard.context(), handle);                           \
  if (!stream)                                                                 \
    return InvalidHandle;

#define PTX_API                                                                \
  extern "C" __attribute__((visibility("default"))) ptx::driver::Result

// Streams execute as late as they may: when something waits for them.
Result enqueue(Context &context, Stream *handle, Operation operation);
Result drain(Context &context, Stream &stream);
Result drainAll(Context &context);
Stream *resolve(Context &context,
                Stream *handle); // null if there is no such stream
// What a function that waits returns while a capture forbids it.
Result checkNoCapture(Context &context);
Result primaryReset();

unsigned computeCapability(); // 90

// What was done since the beginning.
struct Counts {
  size_t copiesIn = 0, bytesIn = 0, copiesOut = 0, bytesOut = 0;
  size_t launches = 0, graphs = 0;
};
Counts &counts();

} // namespace ptx::driver

#endif
