//===- ProcessMemory.h - how much memory a process may take -----*- C++ -*-===//
#ifndef LAMINA_SUPPORT_PROCESSMEMORY_H
#define LAMINA_SUPPORT_PROCESSMEMORY_H

#include <cstdint>

namespace lamina {

/// Lets this process take `bytes` of memory more than it has now: a request
/// beyond that fails. Without effect where the system does not tell what a
/// process has, and under sanitizers, whose shadow memory would count.
void limitMemoryGrowth(uint64_t bytes);

} // namespace lamina

#endif // LAMINA_SUPPORT_PROCESSMEMORY_H
