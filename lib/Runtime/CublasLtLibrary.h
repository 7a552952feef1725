/*===- CublasLtLibrary.h - the part of cuBLASLt's interface that is used ---===*
 *
 * Declared here so that neither the compiler nor a compiled model needs
 * NVIDIA's headers; test/cublaslt/abi.cpp compares it with them where they are.
 *
 *===---------------------------------------------------------------------===*/
#ifndef LAMINA_LIB_RUNTIME_CUBLASLTLIBRARY_H
#define LAMINA_LIB_RUNTIME_CUBLASLTLIBRARY_H

#include <stddef.h>
#include <stdint.h>

struct lamina_cublaslt_algorithm {
  uint64_t data[8];
};

/* What the library proposes for a product. */
struct lamina_cublaslt_heuristic {
  struct lamina_cublaslt_algorithm algorithm;
  size_t workspace_bytes;
  int status;
  float waves;
  int reserved[4];
};

enum {
  LAMINA_CUBLASLT_SUCCESS = 0,
  LAMINA_CUBLASLT_R_32F = 0,
  LAMINA_CUBLASLT_R_64F = 1,
  LAMINA_CUBLASLT_R_16F = 2,
  LAMINA_CUBLASLT_R_16BF = 14,
  LAMINA_CUBLASLT_COMPUTE_32F = 68,
  LAMINA_CUBLASLT_COMPUTE_64F = 70,
  LAMINA_CUBLASLT_COMPUTE_32F_FAST_TF32 = 77,
  LAMINA_CUBLASLT_OP_N = 0,
  LAMINA_CUBLASLT_OP_T = 1,
  LAMINA_CUBLASLT_EPILOGUE_DEFAULT = 1,
  LAMINA_CUBLASLT_EPILOGUE_BIAS = 4,
  /* attributes of a matrix, of a product, of what is preferred */
  LAMINA_CUBLASLT_LAYOUT_BATCH_COUNT = 5,
  LAMINA_CUBLASLT_LAYOUT_BATCH_STRIDE = 6,
  LAMINA_CUBLASLT_DESC_TRANSA = 3,
  LAMINA_CUBLASLT_DESC_TRANSB = 4,
  LAMINA_CUBLASLT_DESC_EPILOGUE = 7,
  LAMINA_CUBLASLT_DESC_BIAS_POINTER = 8,
  LAMINA_CUBLASLT_PREF_WORKSPACE_BYTES = 1,
  LAMINA_CUBLASLT_PREF_ALIGNMENT_A = 5,
  LAMINA_CUBLASLT_PREF_ALIGNMENT_B = 6,
  LAMINA_CUBLASLT_PREF_ALIGNMENT_C = 7,
  LAMINA_CUBLASLT_PREF_ALIGNMENT_D = 8
};

/* X(field, symbol, parameters). Types of data, of computation, of status are
   enumerations: int. Handles, matrices, products, preferences: pointers. */
#define LAMINA_CUBLASLT_FUNCTIONS(X)                                           \
  X(create, cublasLtCreate, (void **handle))                                   \
  X(layoutCreate, cublasLtMatrixLayoutCreate,                                  \
    (void **layout, int type, uint64_t rows, uint64_t columns,                 \
     int64_t leading))                                                         \
  X(layoutSet, cublasLtMatrixLayoutSetAttribute,                               \
    (void *layout, int attribute, const void *value, size_t bytes))            \
  X(layoutDestroy, cublasLtMatrixLayoutDestroy, (void *layout))                \
  X(productCreate, cublasLtMatmulDescCreate,                                   \
    (void **product, int computeType, int scaleType))                          \
  X(productSet, cublasLtMatmulDescSetAttribute,                                \
    (void *product, int attribute, const void *value, size_t bytes))           \
  X(productDestroy, cublasLtMatmulDescDestroy, (void *product))                \
  X(preferenceCreate, cublasLtMatmulPreferenceCreate, (void **preference))     \
  X(preferenceSet, cublasLtMatmulPreferenceSetAttribute,                       \
    (void *preference, int attribute, const void *value, size_t bytes))        \
  X(preferenceDestroy, cublasLtMatmulPreferenceDestroy, (void *preference))    \
  X(heuristic, cublasLtMatmulAlgoGetHeuristic,                                 \
    (void *handle, void *product, void *a, void *b, void *c, void *d,          \
     void *preference, int requested,                                          \
     struct lamina_cublaslt_heuristic *results, int *count))                   \
  X(multiply, cublasLtMatmul,                                                  \
    (void *handle, void *product, const void *alpha, const void *left,         \
     void *leftLayout, const void *right, void *rightLayout, const void *beta, \
     const void *old, void *oldLayout, void *result, void *resultLayout,       \
     const struct lamina_cublaslt_algorithm *algorithm, void *workspace,       \
     size_t workspaceBytes, void *stream))

#endif
