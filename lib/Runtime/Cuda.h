/*===- Cuda.h - what generated code calls to run kernels ------------------===*
 *
 * A call of an entry point is lamina_cuda_begin, launches, lamina_cuda_end.
 * What fails in between is told by the end; nothing is launched after it.
 *
 *===---------------------------------------------------------------------===*/
#ifndef LAMINA_LIB_RUNTIME_CUDA_H
#define LAMINA_LIB_RUNTIME_CUDA_H

#include "CudaDriver.h"

/* What the functions return: lamina/Transforms/Abi.h has the same. */
enum {
  LAMINA_EDRIVER = 7,
  LAMINA_EDEVICE = 8,
  LAMINA_EARCH = 9,
  LAMINA_EDEVICEMEMORY = 10,
  LAMINA_EPOINTER = 11,
  LAMINA_ECUDA = 12,
  LAMINA_ECUBLASLT = 13,
  LAMINA_EPTX = 14
};

/* Which devices run the code for an architecture: it and all newer ones, it
   alone (sm_90a), or those of the same family that are not older (sm_100f). */
enum { LAMINA_CUDA_NEWER = 0, LAMINA_CUDA_EXACT = 1, LAMINA_CUDA_FAMILY = 2 };

struct lamina_cuda_image {
  int64_t architecture; /* 80 for sm_80 */
  int64_t kind;
  const char *ptx;
};

/* What the compiler knows of a model, and what the runtime made of it. */
struct lamina_cuda_model {
  int64_t kernel_count, image_count;
  const char *const *names;
  const struct lamina_cuda_image *images; /* oldest first */
  struct lamina_cuda_state *state;
};

/* What a pointer that a caller gave is for. */
enum {
  LAMINA_CUDA_IN = 1,       /* read by the kernels */
  LAMINA_CUDA_OUT = 2,      /* written by them */
  LAMINA_CUDA_CONSTANT = 4 /* in the object: copied once */
};

struct lamina_cuda_buffer {
  void *host;
  int64_t bytes, use;
  CUdeviceptr device;
};

/* One call of an entry point; lives on its caller's stack. */
struct lamina_cuda_call {
  struct lamina_cuda_model *model;
  CUstream stream;
  int64_t error, on_device, count, entered;
  struct lamina_cuda_buffer *buffers;
  struct lamina_cuda_block *owned; /* memory of the device to give back */
};

/* Finds out where the buffers are on the device, copying what the kernels read
   unless, with `on_device`, the pointers are the device's. Whatever this returns, lamina_cuda_end must follow. */
int lamina_cuda_begin(struct lamina_cuda_model *model,
                      struct lamina_cuda_call *call,
                      struct lamina_cuda_buffer *buffers, int64_t count,
                      void *stream, int64_t on_device);
/* Scratch memory: `given` by the caller if it is not NULL. */
void *lamina_cuda_scratch(struct lamina_cuda_call *call, void *given,
                          int64_t bytes);
void lamina_cuda_launch(struct lamina_cuda_call *call, int64_t kernel,
                        int64_t blocks, int64_t threads, void **parameters);
/* Waits for what was launched and copies up to 8 bytes to the host: 0 after an
   error. */
void lamina_cuda_read(struct lamina_cuda_call *call, void *host,
                      const void *device, int64_t bytes);
/* Copies results back and gives memory back. */
int lamina_cuda_end(struct lamina_cuda_call *call);

#endif
