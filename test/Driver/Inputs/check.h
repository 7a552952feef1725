/* What the C programs of these tests share. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#define CHECK(c)                                                               \
  do {                                                                         \
    if (!(c)) {                                                                \
      printf("line %d: %s\n", __LINE__, #c);                                   \
      exit(1);                                                                 \
    }                                                                          \
  } while (0)
