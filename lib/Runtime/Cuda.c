/*===- Cuda.c - kernels on the CUDA driver --------------------------------===*
 *
 * Compiled into models for --target=cuda. The driver is loaded when the first
 * function is called. Memory is kept in lists by size, one list per stream: a
 * block is used again only behind the work that used it before.
 *
 *===---------------------------------------------------------------------===*/
#include "Cuda.h"
#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct driver {
  int error;
  void *library;
  CUdevice device;
  CUcontext context;
  int64_t architecture;
#define FIELD(field, symbol, parameters) CUresult(*field) parameters;
  LAMINA_CUDA_FUNCTIONS(FIELD)
#undef FIELD
};

/* A piece of the device's memory, in use or kept. */
struct lamina_cuda_block {
  CUdeviceptr address;
  size_t bytes;
  CUstream stream;
  struct lamina_cuda_block *next;
};

struct constant {
  const void *host;
  CUdeviceptr device;
  struct constant *next;
};

struct lamina_cuda_state {
  CUmodule module;
  struct constant *constants;
  CUfunction functions[];
};

static struct driver driver;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct lamina_cuda_block *kept;

static int code_of(CUresult result) {
  switch (result) {
  case CUDA_SUCCESS:
    return 0;
  case CUDA_ERROR_OUT_OF_MEMORY:
    return LAMINA_EDEVICEMEMORY;
  case CUDA_ERROR_NO_DEVICE:
    return LAMINA_EDEVICE;
  case CUDA_ERROR_NO_BINARY_FOR_GPU:
    return LAMINA_EARCH;
  case CUDA_ERROR_UNSUPPORTED_PTX_VERSION:
    return LAMINA_EPTX;
  default:
    return LAMINA_ECUDA;
  }
}

static int open_driver(void) {
  const char *name = getenv("LAMINA_CUDA_DRIVER");
  driver.library = dlopen(name && *name ? name : "libcuda.so.1", RTLD_NOW);
  if (!driver.library)
    return LAMINA_EDRIVER;
#define LOAD(field, symbol, parameters)                                        \
  *(void **)&driver.field = dlsym(driver.library, #symbol);                    \
  if (!driver.field)                                                           \
    return LAMINA_EDRIVER;
  LAMINA_CUDA_FUNCTIONS(LOAD)
#undef LOAD
  if (driver.init(0) || driver.deviceGet(&driver.device, 0))
    return LAMINA_EDEVICE;
  int major = 0, minor = 0;
  driver.deviceGetAttribute(&major,
                            CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR,
                            driver.device);
  driver.deviceGetAttribute(&minor,
                            CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR,
                            driver.device);
  driver.architecture = 10 * major + minor;
  return code_of(driver.retainContext(&driver.context, driver.device));
}

static void start(void) { driver.error = open_driver(); }

static int runs(const struct lamina_cuda_image *image) {
  int64_t device = driver.architecture;
  return image->architecture == device ||
         (image->architecture < device && image->kind != LAMINA_CUDA_EXACT &&
          (image->kind != LAMINA_CUDA_FAMILY ||
           image->architecture / 10 == device / 10));
}

/* The model's kernels, loaded once. Called under the lock. */
static int load(struct lamina_cuda_model *model) {
  if (model->state)
    return 0;
  const char *ptx = NULL; /* the newest that the device runs */
  for (int64_t i = 0; i < model->image_count; ++i)
    if (runs(&model->images[i]))
      ptx = model->images[i].ptx;
  if (!ptx)
    return LAMINA_EARCH;
  struct lamina_cuda_state *state =
      malloc(sizeof *state + model->kernel_count * sizeof(CUfunction));
  if (!state)
    return LAMINA_EDEVICEMEMORY;
  state->constants = NULL;
  CUresult result = driver.loadModule(&state->module, ptx);
  for (int64_t i = 0; i < model->kernel_count && !result; ++i)
    result = driver.getFunction(&state->functions[i], state->module,
                                model->names[i]);
  if (result) {
    free(state);
    return code_of(result);
  }
  model->state = state;
  return 0;
}

/* Gives back to the driver everything that nobody uses. Under the lock. */
static void trim(void) {
  while (kept) {
    struct lamina_cuda_block *block = kept;
    kept = block->next;
    driver.synchronize(block->stream);
    driver.release(block->address);
    free(block);
  }
}

/* Memory for the length of a call; 0 if there is none. */
static CUdeviceptr borrow(struct lamina_cuda_call *call, size_t bytes) {
  size_t size = 512; /* powers of two, or parts of the largest */
  while (size < bytes && size < ((size_t)1 << 24))
    size *= 2;
  if (size < bytes)
    size = (bytes + ((size_t)1 << 24) - 1) & ~(((size_t)1 << 24) - 1);
  pthread_mutex_lock(&lock);
  struct lamina_cuda_block **link = &kept, *block;
  while ((block = *link) &&
         (block->bytes != size || block->stream != call->stream))
    link = &block->next;
  if (block) {
    *link = block->next;
  } else if ((block = malloc(sizeof *block))) {
    block->bytes = size;
    block->stream = call->stream;
    CUresult result = driver.allocate(&block->address, size);
    if (result) {
      trim();
      result = driver.allocate(&block->address, size);
    }
    if (result) {
      free(block);
      block = NULL;
    }
  }
  pthread_mutex_unlock(&lock);
  if (!block) {
    call->error = LAMINA_EDEVICEMEMORY;
    return 0;
  }
  block->next = call->owned;
  call->owned = block;
  return block->address;
}

/* Where a constant of the object is on the device. */
static CUdeviceptr constant(struct lamina_cuda_call *call, const void *host,
                            size_t bytes) {
  pthread_mutex_lock(&lock);
  struct lamina_cuda_state *state = call->model->state;
  struct constant *entry = state->constants;
  while (entry && entry->host != host)
    entry = entry->next;
  if (!entry && (entry = malloc(sizeof *entry))) {
    CUresult result = driver.allocate(&entry->device, bytes);
    if (!result) {
      result = driver.copyIn(entry->device, host, bytes, call->stream);
      if (!result) /* others may use it on other streams */
        result = driver.synchronize(call->stream);
      if (result)
        driver.release(entry->device);
    }
    if (result) {
      free(entry);
      entry = NULL;
      call->error = code_of(result);
    } else {
      entry->host = host;
      entry->next = state->constants;
      state->constants = entry;
    }
  } else if (!entry) {
    call->error = LAMINA_EDEVICEMEMORY;
  }
  pthread_mutex_unlock(&lock);
  return entry ? entry->device : 0;
}

static int is_on_device(const void *pointer) {
  unsigned type = 0;
  return driver.pointerAttribute(&type, CU_POINTER_ATTRIBUTE_MEMORY_TYPE,
                                 (CUdeviceptr)(uintptr_t)pointer) == 0 &&
         type == CU_MEMORYTYPE_DEVICE;
}

static void place(struct lamina_cuda_call *call,
                  struct lamina_cuda_buffer *buffer) {
  buffer->device = (CUdeviceptr)(uintptr_t)buffer->host;
  if (buffer->bytes == 0)
    return;
  if (buffer->use & LAMINA_CUDA_CONSTANT) {
    buffer->device = constant(call, buffer->host, buffer->bytes);
  } else if (call->on_device) {
    if (!is_on_device(buffer->host))
      call->error = LAMINA_EPOINTER;
  } else {
    buffer->device = borrow(call, buffer->bytes);
    if (buffer->device && (buffer->use & LAMINA_CUDA_IN))
      call->error = code_of(driver.copyIn(buffer->device, buffer->host,
                                          buffer->bytes, call->stream));
  }
}

int lamina_cuda_begin(struct lamina_cuda_model *model,
                      struct lamina_cuda_call *call,
                      struct lamina_cuda_buffer *buffers, int64_t count,
                      void *stream, int64_t on_device) {
  memset(call, 0, sizeof *call);
  call->model = model;
  call->stream = stream;
  call->on_device = on_device;
  call->buffers = buffers;
  pthread_once(&once, start);
  call->error = driver.error;
  if (call->error)
    return (int)call->error;
  call->error = code_of(driver.pushContext(driver.context));
  if (call->error)
    return (int)call->error;
  call->entered = 1;
  call->count = count;
  pthread_mutex_lock(&lock);
  call->error = load(model);
  pthread_mutex_unlock(&lock);
  for (int64_t i = 0; i < count && !call->error; ++i)
    place(call, &buffers[i]);
  return (int)call->error;
}

void *lamina_cuda_scratch(struct lamina_cuda_call *call, void *given,
                          int64_t bytes) {
  if (call->error || bytes == 0)
    return given;
  /* A caller of the host's function may have memory for a processor's code. */
  if (given && is_on_device(given))
    return (void *)(((uintptr_t)given + 63) & ~(uintptr_t)63);
  if (given && call->on_device)
    call->error = LAMINA_EPOINTER;
  return (void *)(uintptr_t)borrow(call, (size_t)bytes);
}

void lamina_cuda_launch(struct lamina_cuda_call *call, int64_t kernel,
                        int64_t blocks, int64_t threads, void **parameters) {
  if (call->error)
    return;
  call->error = code_of(driver.launch(
      call->model->state->functions[kernel], (unsigned)blocks, 1, 1,
      (unsigned)threads, 1, 1, 0, call->stream, parameters, NULL));
}

void lamina_cuda_read(struct lamina_cuda_call *call, void *host,
                      const void *device, int64_t bytes) {
  memset(host, 0, sizeof(int64_t));
  if (!call->error)
    call->error = code_of(
        driver.copyOut(host, (CUdeviceptr)(uintptr_t)device, (size_t)bytes,
                       call->stream));
  if (!call->error)
    call->error = code_of(driver.synchronize(call->stream));
  if (call->error)
    memset(host, 0, sizeof(int64_t));
}

int lamina_cuda_end(struct lamina_cuda_call *call) {
  if (!call->entered)
    return (int)call->error;
  for (int64_t i = 0; i < call->count && !call->error; ++i) {
    struct lamina_cuda_buffer *buffer = &call->buffers[i];
    if (!call->on_device && (buffer->use & LAMINA_CUDA_OUT) && buffer->bytes)
      call->error = code_of(driver.copyOut(buffer->host, buffer->device,
                                           buffer->bytes, call->stream));
  }
  if (!call->on_device) {
    int code = code_of(driver.synchronize(call->stream));
    if (!call->error)
      call->error = code;
  }
  pthread_mutex_lock(&lock);
  while (call->owned) {
    struct lamina_cuda_block *block = call->owned;
    call->owned = block->next;
    block->next = kept;
    kept = block;
  }
  pthread_mutex_unlock(&lock);
  CUcontext popped;
  driver.popContext(&popped);
  return (int)call->error;
}
