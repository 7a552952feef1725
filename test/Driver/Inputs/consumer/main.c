#include <stdio.h>
#include "square.h"
int main(void) { float x[4] = {1, 2, 3, 4}, y[4]; int c = model_forward(NULL, 1, x, y, NULL); printf("%d %g %g\n", c, y[1], y[3]); return c; }
