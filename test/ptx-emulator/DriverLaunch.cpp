// Launching kernels, and how many blocks fit on the device.
#include "Driver.h"
#include <cstring>

using namespace ptx;
using namespace ptx::driver;

static Result copyParameters(const FunctionHandle &function, void **params,
                             void **extra, std::vector<char> &bytes) {
  bytes.resize(function.parameterBytes + 16);
  if (params) {
    for (unsigned i = 0; i < function.parameterOffsets.size(); ++i) {
      if (!params[i])
        return InvalidValue;
      memcpy(bytes.data() + function.parameterOffsets[i], params[i],
             function.source->params[i].bytes());
    }
    return Success;
  }
  if (!extra)
    return function.parameterOffsets.empty() ? Success : InvalidValue;
  const void *buffer = nullptr;
  size_t size = 0;
  for (; *extra; extra += 2) {
    if (*extra == reinterpret_cast<void *>(1))
      buffer = extra[1];
    else if (*extra == reinterpret_cast<void *>(2))
      size = *static_cast<size_t *>(extra[1]);
    else
      return InvalidValue;
  }
  if (!buffer || size < function.parameterBytes)
    return InvalidValue;
  memcpy(bytes.data(), buffer, function.parameterBytes);
  return Success;
}

static Result checkShape(const FunctionHandle &function, const Launch &launch) {
  const unsigned *grid = launch.grid, *block = launch.block;
  uint64_t threads = uint64_t(block[0]) * block[1] * block[2];
  if (!grid[0] || !grid[1] || !grid[2] || !threads || grid[0] > 0x7fffffff ||
      grid[1] > 65535 || grid[2] > 65535 || block[2] > 64 || threads > 1024)
    return InvalidValue;
  const Function &source = *function.source;
  const unsigned *most = source.maxThreads, *exact = source.requiredThreads;
  if (most[0] && threads > uint64_t(most[0]) * most[1] * most[2])
    return InvalidValue;
  if (exact[0] && memcmp(block, exact, sizeof launch.block))
    return InvalidValue;
  unsigned limit = std::max(function.maxDynamicShared, 48u << 10);
  if (launch.dynamicShared > limit ||
      (function.maxDynamicShared <= 48u << 10 &&
       launch.dynamicShared + function.kernel.sharedBytes > 48u << 10))
    return InvalidValue;
  return Success;
}

PTX_API cuLaunchKernel(FunctionHandle *function, unsigned gridX, unsigned gridY,
                       unsigned gridZ, unsigned blockX, unsigned blockY,
                       unsigned blockZ, unsigned shared, Stream *stream,
                       void **params, void **extra) {
  PTX_GUARD
  if (!function)
    return InvalidHandle;
  Launch launch;
  launch.kernel = &function->kernel;
  unsigned shape[6] = {gridX, gridY, gridZ, blockX, blockY, blockZ};
  memcpy(launch.grid, shape, sizeof launch.grid);
  memcpy(launch.block, shape + 3, sizeof launch.block);
  launch.dynamicShared = shared;
  if (Result wrong = checkShape(*function, launch))
    return wrong;
  std::vector<char> bytes;
  if (Result wrong = copyParameters(*function, params, extra, bytes))
    return wrong;
  return enqueue(guard.context(), stream, [launch, bytes]() -> Result {
    Launch now = launch;
    now.params = bytes.data();
    ++counts().launches;
    switch (run(now)) {
    case Fault::None:
      return Success;
    case Fault::IllegalAddress:
      return IllegalAddress;
    case Fault::Misaligned:
      return MisalignedAddress;
    case Fault::Timeout:
      return LaunchTimeout;
    case Fault::Failed:
      break;
    }
    return LaunchFailed;
  });
}

namespace {
struct LaunchConfig { // CUlaunchConfig
  unsigned grid[3], block[3], shared;
  Stream *stream;
  void *attributes;
  unsigned attributeCount;
};
} // namespace

// Attributes (clusters, programmatic launch) are not supported.
PTX_API cuLaunchKernelEx(const LaunchConfig *config, FunctionHandle *function,
                         void **params, void **extra) {
  if (config->attributeCount)
    return NotSupported;
  const unsigned *grid = config->grid, *block = config->block;
  return cuLaunchKernel(function, grid[0], grid[1], grid[2], block[0], block[1],
                        block[2], config->shared, config->stream, params,
                        extra);
}

PTX_API cuOccupancyMaxActiveBlocksPerMultiprocessor(int *blocks,
                                                    FunctionHandle *function,
                                                    int threads,
                                                    size_t shared) {
  PTX_GUARD
  if (!blocks || !function || threads <= 0)
    return InvalidValue;
  size_t memory = shared + function->kernel.sharedBytes + 1024;
  *blocks = threads > 1024
                ? 0
                : std::min<size_t>({32u, 2048u / ((threads + 31) / 32 * 32),
                                    (228u << 10) / memory});
  return Success;
}
PTX_API cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(
    int *blocks, FunctionHandle *function, int threads, size_t shared,
    unsigned) {
  return cuOccupancyMaxActiveBlocksPerMultiprocessor(blocks, function, threads,
                                                     shared);
}

PTX_API cuOccupancyMaxPotentialBlockSize(int *grid, int *block,
                                         FunctionHandle *function,
                                         size_t (*sharedOf)(int), size_t shared,
                                         int limit) {
  PTX_GUARD
  *block = function->maxThreads();
  if (limit > 0)
    *block = std::min(*block, limit);
  int active = 0;
  Result result = cuOccupancyMaxActiveBlocksPerMultiprocessor(
      &active, function, *block, sharedOf ? sharedOf(*block) : shared);
  *grid = 4 * active;
  return result;
}
