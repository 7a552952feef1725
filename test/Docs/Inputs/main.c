/* The main.c of README: any program that calls the model. */
#include "antirectifier.h"

int main(void) {
  static float x[3][1024], y[3][2048];
  x[1][2] = 1;
  int code = model_forward(0, 3, &x[0][0], &y[0][0], 0);
  return code ? code : !(y[1][2] > 0.9f);
}
