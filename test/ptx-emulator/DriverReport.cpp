// What a program made the device do, reported when it ends.
#include "Driver.h"
#include <cstdio>
#include <cstdlib>

using namespace ptx::driver;

namespace {
struct Reporter {
  Counts counts;
  ~Reporter() {
    const char *wanted = getenv("LAMINA_PTX_EMULATOR_REPORT");
    if (!wanted || !*wanted)
      return;
    fprintf(stderr,
            "ptx-emulator: %zu copies to the device (%zu bytes), %zu copies "
            "from it (%zu bytes), %zu launches, %zu graphs launched\n",
            counts.copiesIn, counts.bytesIn, counts.copiesOut, counts.bytesOut,
            counts.launches, counts.graphs);
  }
};
} // namespace

Counts &ptx::driver::counts() {
  static Reporter reporter;
  return reporter.counts;
}
