/*===- CudaDriver.h - the part of the driver's interface that is used -----===*
 *
 * Declared here so that neither the compiler nor a compiled model needs NVIDIA's
 * headers. Names that end in _v2 are the symbols of the library.
 *
 *===---------------------------------------------------------------------===*/
#ifndef LAMINA_LIB_RUNTIME_CUDADRIVER_H
#define LAMINA_LIB_RUNTIME_CUDADRIVER_H

#include <stddef.h>
#include <stdint.h>

typedef int CUresult, CUdevice;
typedef uint64_t CUdeviceptr;
typedef struct CUctx_st *CUcontext;
typedef struct CUmod_st *CUmodule;
typedef struct CUfunc_st *CUfunction;
typedef struct CUstream_st *CUstream;

enum {
  CUDA_SUCCESS = 0,
  CUDA_ERROR_OUT_OF_MEMORY = 2,
  CUDA_ERROR_NO_DEVICE = 100,
  CUDA_ERROR_NO_BINARY_FOR_GPU = 209,
  CUDA_ERROR_UNSUPPORTED_PTX_VERSION = 222,
  CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR = 75,
  CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR = 76,
  CU_POINTER_ATTRIBUTE_MEMORY_TYPE = 2,
  CU_MEMORYTYPE_DEVICE = 2,
  CU_STREAM_NON_BLOCKING = 1
};

/* X(field, symbol, parameters) */
#define LAMINA_CUDA_FUNCTIONS(X)                                               \
  X(init, cuInit, (unsigned flags))                                            \
  X(deviceGet, cuDeviceGet, (CUdevice * device, int ordinal))                  \
  X(deviceGetAttribute, cuDeviceGetAttribute,                                  \
    (int *value, int attribute, CUdevice device))                              \
  X(retainContext, cuDevicePrimaryCtxRetain,                                   \
    (CUcontext * context, CUdevice device))                                    \
  X(pushContext, cuCtxPushCurrent_v2, (CUcontext context))                     \
  X(popContext, cuCtxPopCurrent_v2, (CUcontext * context))                     \
  X(loadModule, cuModuleLoadData, (CUmodule * module, const void *image))      \
  X(getFunction, cuModuleGetFunction,                                          \
    (CUfunction * function, CUmodule module, const char *name))                \
  X(allocate, cuMemAlloc_v2, (CUdeviceptr * pointer, size_t bytes))            \
  X(release, cuMemFree_v2, (CUdeviceptr pointer))                              \
  X(copyIn, cuMemcpyHtoDAsync_v2,                                              \
    (CUdeviceptr to, const void *from, size_t bytes, CUstream stream))         \
  X(copyOut, cuMemcpyDtoHAsync_v2,                                             \
    (void *to, CUdeviceptr from, size_t bytes, CUstream stream))               \
  X(createStream, cuStreamCreate, (CUstream * stream, unsigned flags))         \
  X(synchronize, cuStreamSynchronize, (CUstream stream))                       \
  X(launch, cuLaunchKernel,                                                    \
    (CUfunction function, unsigned gridX, unsigned gridY, unsigned gridZ,      \
     unsigned blockX, unsigned blockY, unsigned blockZ, unsigned sharedBytes,  \
     CUstream stream, void **parameters, void **extra))                        \
  X(pointerAttribute, cuPointerGetAttribute,                                   \
    (void *value, int attribute, CUdeviceptr pointer))

#endif
