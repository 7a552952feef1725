// Allocation, copies, fills, and what a pointer is.
#include "DeviceMemory.h"
#include "Driver.h"
#include <cstdlib>
#include <cstring>

using namespace ptx;
using namespace ptx::driver;

static bool isDevice(const void *pointer) {
  return DeviceMemory::get().inWindow(reinterpret_cast<uint64_t>(pointer));
}
static uint64_t number(const void *pointer) {
  return reinterpret_cast<uint64_t>(pointer);
}

static bool isPinned(const void *pointer, size_t bytes) {
  auto it = state().pinned.upper_bound(number(pointer));
  if (it == state().pinned.begin())
    return false;
  --it;
  return number(pointer) - it->first + bytes <= it->second;
}

PTX_API cuMemAlloc_v2(DevicePointer *pointer, size_t bytes) {
  PTX_GUARD
  if (!pointer || !bytes)
    return InvalidValue;
  if (Result busy = checkNoCapture(guard.context()))
    return busy;
  *pointer = DeviceMemory::get().allocate(bytes);
  return *pointer ? Success : OutOfMemory;
}

PTX_API cuMemFree_v2(DevicePointer pointer) {
  Guard guard;
  if (guard.error == NotInitialized || guard.error == InvalidContext)
    return guard.error;
  if (!pointer)
    return Success;
  if (Result busy = checkNoCapture(guard.context()))
    return busy;
  Result result = guard.error ? guard.error : drainAll(guard.context());
  return DeviceMemory::get().free(pointer) ? result : InvalidValue;
}

// Memory of a stream is there at once and goes when the stream gets there.
PTX_API cuMemAllocAsync(DevicePointer *pointer, size_t bytes, Stream *handle) {
  PTX_GUARD
  Stream *stream = resolve(guard.context(), handle);
  if (!pointer || !bytes || !stream)
    return InvalidValue;
  if (stream->capture)
    return NotSupported;
  *pointer = DeviceMemory::get().allocate(bytes);
  return *pointer ? Success : OutOfMemory;
}

PTX_API cuMemFreeAsync(DevicePointer pointer, Stream *handle) {
  PTX_GUARD
  Stream *stream = resolve(guard.context(), handle);
  if (!stream)
    return InvalidValue;
  if (stream->capture)
    return NotSupported;
  uint64_t start = 0, bytes = 0;
  if (!DeviceMemory::get().find(pointer, start, bytes) || start != pointer)
    return InvalidValue;
  return enqueue(guard.context(), handle, [pointer] {
    return DeviceMemory::get().free(pointer) ? Success : InvalidValue;
  });
}

// Not of the driver: an allocator that keeps and rounds up its memory says how
// much of a piece it hands out, so that bounds and what nobody wrote are
// checked as if the piece were new. Takes effect in the order of the stream.
PTX_API laminaPtxEmulatorSetExtent(DevicePointer pointer, size_t bytes,
                                   Stream *stream) {
  PTX_GUARD
  return enqueue(guard.context(), stream, [=] {
    return DeviceMemory::get().setExtent(pointer, bytes) ? Success
                                                         : InvalidValue;
  });
}

PTX_API cuMemGetInfo_v2(size_t *free, size_t *total) {
  PTX_GUARD
  const DeviceMemory &memory = DeviceMemory::get();
  *total = memory.capacity();
  *free = memory.capacity() - memory.used();
  return Success;
}

PTX_API cuMemGetAddressRange_v2(DevicePointer *base, size_t *size,
                                DevicePointer pointer) {
  PTX_GUARD
  uint64_t start = 0, bytes = 0;
  if (!DeviceMemory::get().find(pointer, start, bytes))
    return NotFound;
  if (base)
    *base = start;
  if (size)
    *size = bytes;
  return Success;
}

PTX_API cuMemHostAlloc(void **pointer, size_t bytes, unsigned) {
  PTX_GUARD
  if (!pointer || !bytes)
    return InvalidValue;
  *pointer = aligned_alloc(4096, (bytes + 4095) & -4096ull);
  if (!*pointer)
    return OutOfMemory;
  state().pinned[number(*pointer)] = bytes;
  state().ownedPinned.insert(number(*pointer));
  return Success;
}
PTX_API cuMemAllocHost_v2(void **pointer, size_t bytes) {
  return cuMemHostAlloc(pointer, bytes, 0);
}

PTX_API cuMemFreeHost(void *pointer) {
  Guard guard;
  if (guard.error == NotInitialized || guard.error == InvalidContext)
    return guard.error;
  if (!state().ownedPinned.erase(number(pointer)))
    return InvalidValue;
  Result result = guard.error ? guard.error : drainAll(guard.context());
  state().pinned.erase(number(pointer));
  free(pointer);
  return result;
}

PTX_API cuMemHostRegister_v2(void *pointer, size_t bytes, unsigned) {
  PTX_GUARD
  if (!pointer || !bytes || isDevice(pointer))
    return InvalidValue;
  if (isPinned(pointer, 1))
    return HostMemoryAlreadyRegistered;
  state().pinned[number(pointer)] = bytes;
  return Success;
}

PTX_API cuMemHostUnregister(void *pointer) {
  PTX_GUARD
  if (state().ownedPinned.count(number(pointer)) ||
      !state().pinned.erase(number(pointer)))
    return HostMemoryNotRegistered;
  return Success;
}

// What is copied, by whether each side is on the device.
static Result copyNow(void *to, const void *from, size_t bytes) {
  DeviceMemory &memory = DeviceMemory::get();
  if (isDevice(to) ? !memory.contains(number(to), bytes) : false)
    return InvalidValue;
  if (isDevice(from) ? !memory.contains(number(from), bytes) : false)
    return InvalidValue;
  if (isDevice(to) != isDevice(from)) {
    Counts &all = counts();
    ++(isDevice(to) ? all.copiesIn : all.copiesOut);
    (isDevice(to) ? all.bytesIn : all.bytesOut) += bytes;
  }
  if (isDevice(to) && isDevice(from))
    memory.copyWithin(number(to), number(from), bytes);
  else if (isDevice(to))
    memory.copyIn(number(to), from, bytes);
  else
    memmove(to, isDevice(from) ? memory.host(number(from)) : from, bytes);
  return Success;
}

static Result checkSides(const void *to, const void *from, size_t bytes,
                         int toDevice, int fromDevice) {
  DeviceMemory &memory = DeviceMemory::get();
  if ((toDevice >= 0 && isDevice(to) != toDevice) ||
      (fromDevice >= 0 && isDevice(from) != fromDevice))
    return InvalidValue;
  if ((isDevice(to) && !memory.contains(number(to), bytes)) ||
      (isDevice(from) && !memory.contains(number(from), bytes)))
    return InvalidValue;
  return to && from ? Success : InvalidValue;
}

// toDevice and fromDevice: 1, 0, or -1 where the pointer tells.
static Result copyAsync(void *to, const void *from, size_t bytes,
                        Stream *handle, int toDevice, int fromDevice) {
  PTX_GUARD
  Context &context = guard.context();
  if (!bytes)
    return Success;
  Stream *stream = resolve(context, handle);
  if (!stream)
    return InvalidHandle;
  if (Result wrong = checkSides(to, from, bytes, toDevice, fromDevice))
    return wrong;
  bool pageableFrom = !isDevice(from) && !isPinned(from, bytes),
       pageableTo = !isDevice(to) && !isPinned(to, bytes);
  if (pageableFrom && !stream->capture) { // copied before the call returns
    const char *start = static_cast<const char *>(from);
    return enqueue(context, handle,
                   [to, bytes, data = std::vector<char>(start, start + bytes)] {
                     return copyNow(to, data.data(), bytes);
                   });
  }
  Result result = enqueue(
      context, handle, [to, from, bytes] { return copyNow(to, from, bytes); });
  // A copy to pageable memory is over when the call returns.
  return result || !pageableTo || stream->capture ? result
                                                  : drain(context, *stream);
}

static Result copySync(void *to, const void *from, size_t bytes, int toDevice,
                       int fromDevice) {
  PTX_GUARD
  if (Result busy = checkNoCapture(guard.context()))
    return busy;
  if (!bytes)
    return Success;
  if (Result wrong = checkSides(to, from, bytes, toDevice, fromDevice))
    return wrong;
  if (Result result = enqueue(guard.context(), nullptr, [to, from, bytes] {
        return copyNow(to, from, bytes);
      }))
    return result;
  return drain(guard.context(), guard.context().defaultStream);
}

static void *device(DevicePointer pointer) {
  return reinterpret_cast<void *>(pointer);
}

PTX_API cuMemcpyHtoD_v2(DevicePointer to, const void *from, size_t bytes) {
  return copySync(device(to), from, bytes, 1, 0);
}
PTX_API cuMemcpyDtoH_v2(void *to, DevicePointer from, size_t bytes) {
  return copySync(to, device(from), bytes, 0, 1);
}
PTX_API cuMemcpyDtoD_v2(DevicePointer to, DevicePointer from, size_t bytes) {
  return copySync(device(to), device(from), bytes, 1, 1);
}
PTX_API cuMemcpy(DevicePointer to, DevicePointer from, size_t bytes) {
  return copySync(device(to), device(from), bytes, -1, -1);
}
PTX_API cuMemcpyHtoDAsync_v2(DevicePointer to, const void *from, size_t bytes,
                             Stream *stream) {
  return copyAsync(device(to), from, bytes, stream, 1, 0);
}
PTX_API cuMemcpyDtoHAsync_v2(void *to, DevicePointer from, size_t bytes,
                             Stream *stream) {
  return copyAsync(to, device(from), bytes, stream, 0, 1);
}
PTX_API cuMemcpyDtoDAsync_v2(DevicePointer to, DevicePointer from, size_t bytes,
                             Stream *stream) {
  return copyAsync(device(to), device(from), bytes, stream, 1, 1);
}
PTX_API cuMemcpyAsync(DevicePointer to, DevicePointer from, size_t bytes,
                      Stream *stream) {
  return copyAsync(device(to), device(from), bytes, stream, -1, -1);
}

static Result fill(DevicePointer to, uint32_t value, unsigned width,
                   size_t count, Stream *handle, bool sync) {
  PTX_GUARD
  if (sync)
    if (Result busy = checkNoCapture(guard.context()))
      return busy;
  if (!count)
    return Success;
  if (to % width || !DeviceMemory::get().inWindow(to) ||
      !DeviceMemory::get().contains(to, count * width))
    return InvalidValue;
  return enqueue(guard.context(), handle, [=]() -> Result {
    DeviceMemory &memory = DeviceMemory::get();
    if (!memory.contains(to, count * width))
      return InvalidValue;
    for (size_t i = 0; i < count; ++i)
      memcpy(memory.host(to) + i * width, &value, width);
    memory.markInitialized(to, count * width);
    return Success;
  });
}

PTX_API cuMemsetD8_v2(DevicePointer to, unsigned char value, size_t count) {
  return fill(to, value, 1, count, nullptr, true);
}
PTX_API cuMemsetD16_v2(DevicePointer to, unsigned short value, size_t count) {
  return fill(to, value, 2, count, nullptr, true);
}
PTX_API cuMemsetD32_v2(DevicePointer to, unsigned value, size_t count) {
  return fill(to, value, 4, count, nullptr, true);
}
PTX_API cuMemsetD8Async(DevicePointer to, unsigned char value, size_t count,
                        Stream *stream) {
  return fill(to, value, 1, count, stream, false);
}
PTX_API cuMemsetD16Async(DevicePointer to, unsigned short value, size_t count,
                         Stream *stream) {
  return fill(to, value, 2, count, stream, false);
}
PTX_API cuMemsetD32Async(DevicePointer to, unsigned value, size_t count,
                         Stream *stream) {
  return fill(to, value, 4, count, stream, false);
}

// Values of CUpointer_attribute.
PTX_API cuPointerGetAttribute(void *data, int attribute,
                              DevicePointer pointer) {
  PTX_GUARD
  uint64_t start = 0, bytes = 0;
  bool onDevice = DeviceMemory::get().find(pointer, start, bytes);
  if (!onDevice && !isPinned(device(pointer), 1))
    return InvalidValue;
  switch (attribute) {
  case 1: // context
    *static_cast<Context **>(data) = &guard.context();
    return Success;
  case 2: // memory type
    *static_cast<unsigned *>(data) = onDevice ? 2 : 1;
    return Success;
  case 3: // device pointer
    *static_cast<DevicePointer *>(data) = pointer;
    return onDevice ? Success : InvalidValue;
  case 4: // host pointer
    *static_cast<void **>(data) = device(pointer);
    return onDevice ? InvalidValue : Success;
  case 7: // buffer
    *static_cast<uint64_t *>(data) = start;
    return Success;
  case 8: // managed
    *static_cast<unsigned *>(data) = 0;
    return Success;
  case 9: // device
    *static_cast<int *>(data) = 0;
    return Success;
  case 11:
    *static_cast<DevicePointer *>(data) = start;
    return Success;
  case 12:
    *static_cast<size_t *>(data) = bytes;
    return Success;
  case 13: // mapped
    *static_cast<int *>(data) = onDevice;
    return Success;
  }
  return InvalidValue;
}

// Unlike the singular, an unknown pointer is no error: its attributes are 0.
PTX_API cuPointerGetAttributes(unsigned count, int *attributes, void **data,
                               DevicePointer pointer) {
  PTX_GUARD
  for (unsigned i = 0; i < count; ++i) {
    int a = attributes[i];
    if (cuPointerGetAttribute(data[i], a, pointer) == Success)
      continue;
    if (a == 2 || a == 8 || a == 9 || a == 13)
      *static_cast<int *>(data[i]) = a == 9 ? -2 : 0;
    else
      memset(data[i], 0, 8);
  }
  return Success;
}
