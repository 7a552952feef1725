//===- CudaDevice.h - the CUDA driver for the compiler itself ---*- C++ -*-===//
//
// Memory and graphs for models that run in process. Kernels are launched by the
// models' own runtime, in the same primary context.
//
//===----------------------------------------------------------------------===//
#ifndef LAMINA_LIB_TARGET_CUDADEVICE_H
#define LAMINA_LIB_TARGET_CUDADEVICE_H

#include "../Runtime/CudaDriver.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/Support/Error.h"
#include <memory>
#include <string>

namespace lamina {

/// Functions of the driver that compiled models do not need.
#define LAMINA_CUDA_MORE_FUNCTIONS(X)                                          \
  X(allocatePinned, cuMemHostAlloc,                                            \
    (void **pointer, size_t bytes, unsigned flags))                            \
  X(releasePinned, cuMemFreeHost, (void *pointer))                             \
  X(destroyStream, cuStreamDestroy_v2, (CUstream stream))                      \
  X(beginCapture, cuStreamBeginCapture_v2, (CUstream stream, int mode))        \
  X(endCapture, cuStreamEndCapture, (CUstream stream, void **graph))           \
  X(instantiate, cuGraphInstantiateWithFlags,                                  \
    (void **executable, void *graph, unsigned long long flags))                \
  X(destroyGraph, cuGraphDestroy, (void *graph))                               \
  X(launchGraph, cuGraphLaunch, (void *executable, CUstream stream))           \
  X(destroyExecutable, cuGraphExecDestroy, (void *executable))                 \
  X(releaseContext, cuDevicePrimaryCtxRelease_v2, (CUdevice device))           \
  X(errorName, cuGetErrorName, (CUresult result, const char **name))

class CudaDevice {
public:
  static llvm::Expected<std::unique_ptr<CudaDevice>> open();
  ~CudaDevice();
  CudaDevice(const CudaDevice &) = delete;

  /// An error that says which step failed and what the driver calls it.
  llvm::Error check(CUresult result, const char *what) const;

#define LAMINA_FIELD(field, symbol, parameters)                                \
  CUresult(*field) parameters = nullptr;
  LAMINA_CUDA_FUNCTIONS(LAMINA_FIELD)
  LAMINA_CUDA_MORE_FUNCTIONS(LAMINA_FIELD)
#undef LAMINA_FIELD
  CUstream stream = nullptr; // for everything

private:
  CudaDevice() = default;
  CUdevice device = 0;
  CUcontext context = nullptr;
};

/// Memory of the device, or of the host where the device copies without the
/// processor. No bytes are no memory.
class CudaMemory {
public:
  static llvm::Expected<CudaMemory> onDevice(CudaDevice &device, size_t bytes);
  static llvm::Expected<CudaMemory> pinned(CudaDevice &device, size_t bytes);
  CudaMemory(CudaMemory &&other) { *this = std::move(other); }
  CudaMemory &operator=(CudaMemory &&other) {
    std::swap(device, other.device);
    std::swap(address, other.address);
    std::swap(bytes, other.bytes);
    std::swap(isPinned, other.isPinned);
    return *this;
  }
  ~CudaMemory();

  void *get() const { return address; }
  CUdeviceptr number() const { return reinterpret_cast<CUdeviceptr>(address); }
  size_t size() const { return bytes; }

private:
  CudaMemory() = default;
  CudaDevice *device = nullptr;
  void *address = nullptr;
  size_t bytes = 0;
  bool isPinned = false;
};

} // namespace lamina

#endif // LAMINA_LIB_TARGET_CUDADEVICE_H
