#ifndef PTX_EMULATOR_MMA_H
#define PTX_EMULATOR_MMA_H

#include "Machine.h"

namespace ptx {

// mma.sync: the registers of each lane are its parts of a, b and c; the parts
// of d replace them.
void multiplyMatrices(Thread *const *lanes, const Site *site);

} // namespace ptx

#endif
