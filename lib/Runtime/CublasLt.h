/*===- CublasLt.h - what generated code calls for large products ----------===*/
#ifndef LAMINA_LIB_RUNTIME_CUBLASLT_H
#define LAMINA_LIB_RUNTIME_CUBLASLT_H

#include "Cuda.h"

enum {
  LAMINA_PRODUCT_LEFT_TURNED = 1,  /* left is stored [terms, rows] */
  LAMINA_PRODUCT_RIGHT_TURNED = 2, /* right is stored [columns, terms] */
  LAMINA_PRODUCT_ADDED = 4,        /* to what the result holds */
  LAMINA_PRODUCT_TF32 = 8,         /* operands may be rounded to TF32 */
  LAMINA_PRODUCT_REQUIRED = 16,    /* a missing library is an error */
  LAMINA_PRODUCT_BIAS = 32         /* bias is one */
};

/* result[batch, row, column] = sum over terms of left[batch, row, term] *
   right[batch, term, column] (+ bias[column]), all contiguous in the memory of
   the device. Words of 8 bytes: lib/Gpu/LaunchKernels.cpp stores them. */
struct lamina_cuda_product {
  const void *left, *right;
  void *result;
  const void *bias; /* if the flags say so */
  void *workspace;
  int64_t workspace_bytes;
  int64_t rows, columns, terms, batches;
  int64_t type; /* of the operands, as cuBLASLt numbers them */
  int64_t flags;
};

/* Computes the product on the stream of the call. 1 if cuBLASLt does it; 0 if
   the generated kernel must. The library is opened by the first call:
   LAMINA_CUBLASLT, or libcublasLt.so of the system. */
int64_t lamina_cuda_multiply(struct lamina_cuda_call *call,
                             const struct lamina_cuda_product *product);

#endif
