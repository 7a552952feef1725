#include "Fiber.h"
#include <cstdio>
#include <cstdlib>
#include <sys/mman.h>
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#include <sanitizer/asan_interface.h>
#endif
#endif
#ifndef ASAN_UNPOISON_MEMORY_REGION
#define ASAN_UNPOISON_MEMORY_REGION(start, size)
#endif

using namespace ptx;

#ifdef __x86_64__
extern "C" void ptxEmulatorSwitch(void **save, void *to);
// Only what the ABI wants preserved, without the system call of swapcontext.
asm(R"(
.text
.local ptxEmulatorSwitch
.type ptxEmulatorSwitch, @function
ptxEmulatorSwitch:
  push %rbp
  push %rbx
  push %r12
  push %r13
  push %r14
  push %r15
  mov %rsp, (%rdi)
  mov %rsi, %rsp
  pop %r15
  pop %r14
  pop %r13
  pop %r12
  pop %rbx
  pop %rbp
  ret
)");

void Fiber::prepare(char *stack, void (*entry)()) {
  // The frames of a thread that was stopped are still marked.
  ASAN_UNPOISON_MEMORY_REGION(stack, stackBytes);
  void **top = reinterpret_cast<void **>(stack + stackBytes - 64);
  *--top = nullptr; // alignment of the stack at entry
  *--top = reinterpret_cast<void *>(entry);
  for (int i = 0; i < 6; ++i)
    *--top = nullptr;
  stackPointer = top;
}

void Fiber::switchTo(Fiber &other) {
  ptxEmulatorSwitch(&stackPointer, other.stackPointer);
}
#else
void Fiber::prepare(char *stack, void (*entry)()) {
  // The frames of a thread that was stopped are still marked.
  ASAN_UNPOISON_MEMORY_REGION(stack, stackBytes);
  getcontext(&context);
  context.uc_stack.ss_sp = stack;
  context.uc_stack.ss_size = stackBytes;
  context.uc_link = nullptr;
  makecontext(&context, entry, 0);
}

void Fiber::switchTo(Fiber &other) { swapcontext(&context, &other.context); }
#endif

char *ptx::fiberStacks(size_t count) {
  static char *stacks = nullptr;
  static size_t size = 0;
  if (count <= size)
    return stacks;
  if (stacks)
    munmap(stacks, size * Fiber::stackBytes);
  void *at = mmap(nullptr, count * Fiber::stackBytes, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (at == MAP_FAILED) {
    fprintf(stderr, "ptx-emulator: no memory for the stacks of %zu threads\n",
            count);
    abort();
  }
  size = count;
  return stacks = static_cast<char *>(at);
}
