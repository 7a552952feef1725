// What compiled kernels call. A Site is a constant of the call.
#ifndef PTX_EMULATOR_RUNTIME_H
#define PTX_EMULATOR_RUNTIME_H

#include "Machine.h"

namespace ptx::runtime {

// Checks an access and returns where its bytes are on the host.
char *access(Thread *thread, const Site *site, uint64_t address);
uint64_t special(Thread *thread, uint32_t which);
void outOfFuel(Thread *thread);
void trap(Thread *thread, const Site *site);
void badBranch(Thread *thread, const Site *site);

// Local memory of a function's activation: its offset.
uint64_t enter(Thread *thread, const Site *site, uint64_t bytes);
void leave(Thread *thread, uint64_t bytes);

// Operands of the warp's operation come and its results go in `registers`.
void collective(Thread *thread, const Site *site, uint32_t mask,
                uint32_t *registers);
uint32_t activeMask(Thread *thread);
// Returns the number of threads whose predicate holds.
uint32_t barrierSync(Thread *thread, const Site *site, uint32_t id,
                     uint32_t count, uint32_t predicate);

void copyAsync(Thread *thread, const Site *site, uint64_t to, uint64_t from,
               uint32_t valid);
uint32_t blockSize(Thread *thread);
void commitGroup(Thread *thread);
void waitGroup(Thread *thread, const Site *site, uint32_t keep);

uint32_t isSpace(Thread *thread, uint32_t space, uint64_t address);
uint64_t sharedWindow();
uint64_t localWindowBase();

} // namespace ptx::runtime

namespace ptx {

enum class Special : uint32_t {
  TidX,
  TidY,
  TidZ,
  NtidX,
  NtidY,
  NtidZ,
  CtaidX,
  CtaidY,
  CtaidZ,
  NctaidX,
  NctaidY,
  NctaidZ,
  LaneId,
  WarpId,
  NWarpId,
  SmId,
  NSmId,
  GridId,
  Clock,
  Clock64,
  GlobalTimer,
  LanemaskEq,
  LanemaskLe,
  LanemaskLt,
  LanemaskGe,
  LanemaskGt,
  DynamicSmem,
  TotalSmem,
  Zero,
  One,
};

// The checks of an access to global memory, without that of its alignment.
char *accessGlobal(Thread *thread, const Site *site, uint64_t address);

// What is checked; all by default, LAMINA_PTX_EMULATOR_CHECKS=-race,-init turns
// some off.
struct Checks {
  bool races = true, initialized = true;
};
const Checks &checks();
void readChecks(); // at the start of a launch

// How threads take turns, LAMINA_PTX_EMULATOR_SCHEDULE: every thread in turn;
// each warp as far as it gets, from the first or from the last one; any thread.
struct Schedule {
  enum Kind { RoundRobin, Warp, Reverse, Random } kind = RoundRobin;
  uint64_t seed = 1;
};
Schedule schedule();

} // namespace ptx

#endif
