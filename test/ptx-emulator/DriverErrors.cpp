// What the results of the functions are called.
#include "Driver.h"

using namespace ptx::driver;

namespace {
struct ErrorName {
  Result value;
  const char *name, *text;
};
} // namespace

static const ErrorName *findError(int value) {
  static const ErrorName table[] = {
      {Success, "CUDA_SUCCESS", "no error"},
      {InvalidValue, "CUDA_ERROR_INVALID_VALUE", "invalid argument"},
      {OutOfMemory, "CUDA_ERROR_OUT_OF_MEMORY", "out of memory"},
      {NotInitialized, "CUDA_ERROR_NOT_INITIALIZED", "initialization error"},
      {InvalidDevice, "CUDA_ERROR_INVALID_DEVICE", "invalid device ordinal"},
      {InvalidImage, "CUDA_ERROR_INVALID_IMAGE",
       "device kernel image is invalid"},
      {InvalidContext, "CUDA_ERROR_INVALID_CONTEXT", "invalid device context"},
      {NoBinaryForGpu, "CUDA_ERROR_NO_BINARY_FOR_GPU",
       "no kernel image is available for execution on the device"},
      {InvalidPtx, "CUDA_ERROR_INVALID_PTX", "a PTX JIT compilation failed"},
      {UnsupportedPtxVersion, "CUDA_ERROR_UNSUPPORTED_PTX_VERSION",
       "the provided PTX was compiled with an unsupported toolchain"},
      {FileNotFound, "CUDA_ERROR_FILE_NOT_FOUND", "file not found"},
      {InvalidHandle, "CUDA_ERROR_INVALID_HANDLE", "invalid resource handle"},
      {IllegalState, "CUDA_ERROR_ILLEGAL_STATE",
       "the operation cannot be performed in the present state"},
      {NotFound, "CUDA_ERROR_NOT_FOUND", "named symbol not found"},
      {NotReady, "CUDA_ERROR_NOT_READY", "device not ready"},
      {IllegalAddress, "CUDA_ERROR_ILLEGAL_ADDRESS",
       "an illegal memory access was encountered"},
      {OutOfResources, "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES",
       "too many resources requested for launch"},
      {LaunchTimeout, "CUDA_ERROR_LAUNCH_TIMEOUT",
       "the launch timed out and was terminated"},
      {HostMemoryAlreadyRegistered, "CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED",
       "part or all of the requested memory range is already mapped"},
      {HostMemoryNotRegistered, "CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED",
       "pointer does not correspond to a registered memory region"},
      {MisalignedAddress, "CUDA_ERROR_MISALIGNED_ADDRESS",
       "misaligned address"},
      {LaunchFailed, "CUDA_ERROR_LAUNCH_FAILED", "unspecified launch failure"},
      {NotSupported, "CUDA_ERROR_NOT_SUPPORTED", "operation not supported"},
      {CaptureUnsupported, "CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED",
       "operation not permitted when stream is capturing"},
      {CaptureInvalidated, "CUDA_ERROR_STREAM_CAPTURE_INVALIDATED",
       "operation failed due to a previous error during capture"},
      {CaptureUnjoined, "CUDA_ERROR_STREAM_CAPTURE_UNJOINED",
       "capturing stream has unjoined work"},
  };
  for (const ErrorName &entry : table)
    if (entry.value == value)
      return &entry;
  return nullptr;
}

PTX_API cuGetErrorName(int error, const char **name) {
  const ErrorName *entry = findError(error);
  *name = entry ? entry->name : nullptr;
  return entry ? Success : InvalidValue;
}

PTX_API cuGetErrorString(int error, const char **text) {
  const ErrorName *entry = findError(error);
  *text = entry ? entry->text : nullptr;
  return entry ? Success : InvalidValue;
}
