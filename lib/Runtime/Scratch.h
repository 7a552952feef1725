/* Scratch.h - memory for calls that were given none */
#ifndef LAMINA_RUNTIME_SCRATCH_H
#define LAMINA_RUNTIME_SCRATCH_H

#include <stddef.h>

/* For `free`; NULL if there is none. On huge pages if it is that large. */
void *lamina_allocate(size_t bytes);

#endif
