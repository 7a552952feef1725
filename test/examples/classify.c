/* Reads pictures of digits (an .npy of uint8[n,64]) from standard input and
   prints the class of each, by the trained model in the object:
     lamina compile digits.lam --weights digits.npz -o digits.o
     cc classify.c digits.o -lm -o classify && ./classify < x_test.npy */
#include "digits.h"
#include <stdio.h>

enum { batch = 64, pixels = 64, classes = 10 };

int main(void) {
  unsigned char head[10], x[batch][pixels];
  float y[batch][classes];
  size_t n;
  int code;
  /* An .npy begins with 10 bytes, the last two the length of the text that follows. */
  if (fread(head, 1, sizeof head, stdin) != sizeof head || head[0] != 0x93)
    return fprintf(stderr, "not an .npy\n"), 1;
  for (int left = head[8] + 256 * head[9]; left > 0; --left)
    getchar();
  while ((n = fread(x, pixels, batch, stdin)) > 0) {
    code = model_forward(NULL, (int64_t)n, &x[0][0], &y[0][0], NULL);
    if (code)
      return fprintf(stderr, "%s\n", model_error(code)), 1;
    for (size_t i = 0; i < n; ++i) {
      int best = 0;
      for (int j = 1; j < classes; ++j)
        best = y[i][j] > y[i][best] ? j : best;
      printf("%d\n", best);
    }
  }
  return 0;
}
