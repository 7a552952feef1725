// Stacks that are switched by hand.
#ifndef PTX_EMULATOR_FIBER_H
#define PTX_EMULATOR_FIBER_H

#include <cstddef>
#ifndef __x86_64__
#include <ucontext.h>
#endif

namespace ptx {

class Fiber {
public:
  static constexpr size_t stackBytes = 256 << 10;
  // Makes this fiber start with `entry` on `stack` at the first switch.
  void prepare(char *stack, void (*entry)());
  void switchTo(Fiber &other);

private:
#ifdef __x86_64__
  void *stackPointer = nullptr;
#else
  ucontext_t context;
#endif
};

// `count` stacks, kept for the next call.
char *fiberStacks(size_t count);

} // namespace ptx

#endif
