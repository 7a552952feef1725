//===- ProcessMemory.cpp - how much memory a process may take -------------===//

#include "lamina/Support/ProcessMemory.h"
#include "llvm/Support/MemoryBuffer.h"
#include <sys/resource.h>

#ifndef __has_feature
#define __has_feature(name) 0
#endif

void lamina::limitMemoryGrowth(uint64_t bytes) {
  if (__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
    return;
  auto status = llvm::MemoryBuffer::getFileAsStream("/proc/self/status");
  if (!status)
    return;
  uint64_t kilobytes = 0;
  llvm::StringRef data = (*status)->getBuffer().split("VmData:").second.ltrim();
  if (data.consumeInteger(10, kilobytes))
    return;
  rlimit limit = {};
  getrlimit(RLIMIT_DATA, &limit);
  limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, kilobytes * 1024 + bytes);
  setrlimit(RLIMIT_DATA, &limit);
}
