//===- CudaDevice.cpp - the CUDA driver for the compiler itself -----------===//
#include "CudaDevice.h"
#include "lamina/Transforms/Abi.h"
#include <cstdlib>
#include <dlfcn.h>

using namespace lamina;

llvm::Error CudaDevice::check(CUresult result, const char *what) const {
  if (result == CUDA_SUCCESS)
    return llvm::Error::success();
  const char *name = nullptr;
  if (errorName(result, &name) || !name)
    name = "an unknown error";
  return llvm::createStringError(llvm::Twine("the CUDA driver cannot ") + what +
                                 ": " + name);
}

llvm::Expected<std::unique_ptr<CudaDevice>> CudaDevice::open() {
  constexpr int noDriver = 7, noDevice = 8; // as the models themselves say
  auto fail = [](int code) {
    return llvm::createStringError(errorCodes[code].text);
  };
  std::unique_ptr<CudaDevice> result(new CudaDevice);
  const char *name = std::getenv("LAMINA_CUDA_DRIVER");
  void *library = dlopen(name && *name ? name : "libcuda.so.1", RTLD_NOW);
  if (!library)
    return fail(noDriver);
#define LOAD(field, symbol, parameters)                                        \
  *reinterpret_cast<void **>(&result->field) = dlsym(library, #symbol);        \
  if (!result->field)                                                          \
    return fail(noDriver);
  LAMINA_CUDA_FUNCTIONS(LOAD)
  LAMINA_CUDA_MORE_FUNCTIONS(LOAD)
#undef LOAD
  if (result->init(0) || result->deviceGet(&result->device, 0))
    return fail(noDevice);
  if (llvm::Error error =
          result->check(result->retainContext(&result->context, result->device),
                        "make a context"))
    return std::move(error);
  result->pushContext(result->context);
  if (llvm::Error error = result->check(
          result->createStream(&result->stream, CU_STREAM_NON_BLOCKING),
          "make a stream"))
    return std::move(error);
  return std::move(result);
}

CudaDevice::~CudaDevice() {
  if (!context)
    return;
  if (stream)
    destroyStream(stream);
  CUcontext popped;
  popContext(&popped);
  releaseContext(device);
}

llvm::Expected<CudaMemory> CudaMemory::onDevice(CudaDevice &device,
                                                size_t bytes) {
  CudaMemory memory;
  CUdeviceptr address = 0;
  if (bytes != 0)
    if (llvm::Error error =
            device.check(device.allocate(&address, bytes), "allocate memory"))
      return std::move(error);
  memory.device = &device;
  memory.address = reinterpret_cast<void *>(address);
  memory.bytes = bytes;
  return std::move(memory);
}

llvm::Expected<CudaMemory> CudaMemory::pinned(CudaDevice &device,
                                              size_t bytes) {
  CudaMemory memory;
  if (bytes != 0)
    if (llvm::Error error =
            device.check(device.allocatePinned(&memory.address, bytes, 0),
                         "allocate memory of the host"))
      return std::move(error);
  memory.device = &device;
  memory.bytes = bytes;
  memory.isPinned = true;
  return std::move(memory);
}

CudaMemory::~CudaMemory() {
  if (address && isPinned)
    device->releasePinned(address);
  else if (address)
    device->release(number());
}
