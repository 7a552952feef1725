/*===- CublasLt.c - large products on cuBLASLt ----------------------------===*
 *
 * cuBLASLt counts along columns first. What Lamina stores by rows is there the
 * transposed matrix, so the product is computed as result' = right' * left'.
 * What the library proposes is kept: asking takes longer than a small product.
 *
 *===---------------------------------------------------------------------===*/
#include "CublasLt.h"
#include "CublasLtLibrary.h"
#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static struct library {
  int loaded;
  void *handle;
#define FIELD(field, symbol, parameters) int(*field) parameters;
  LAMINA_CUBLASLT_FUNCTIONS(FIELD)
#undef FIELD
} library;

/* What describes a product apart from its addresses. */
struct key {
  int64_t rows, columns, terms, batches, type, flags, workspace_bytes;
  int64_t alignments;
};

struct plan {
  struct key key;
  int usable; /* the library has an algorithm */
  void *product, *left, *right, *result;
  struct lamina_cublaslt_algorithm algorithm;
  struct plan *next;
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct plan *plans;

static void open_library(void) {
  static const char *const names[] = {"libcublasLt.so.13", "libcublasLt.so.12",
                                      "libcublasLt.so.11", "libcublasLt.so"};
  const char *given = getenv("LAMINA_CUBLASLT");
  const char *driver = getenv("LAMINA_CUDA_DRIVER");
  void *file = NULL;
  if (given && *given)
    file = dlopen(given, RTLD_NOW | RTLD_LOCAL);
  else if (!driver || !*driver) /* NVIDIA's library needs NVIDIA's driver */
    for (unsigned i = 0; i < sizeof names / sizeof *names && !file; ++i)
      file = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
  if (!file)
    return;
#define LOAD(field, symbol, parameters)                                        \
  *(void **)&library.field = dlsym(file, #symbol);                             \
  if (!library.field)                                                          \
    return;
  LAMINA_CUBLASLT_FUNCTIONS(LOAD)
#undef LOAD
  library.loaded = library.create(&library.handle) == LAMINA_CUBLASLT_SUCCESS;
}

/* The largest power of two up to 256 that divides the address. */
static int64_t alignment_of(const void *address) {
  uint64_t bits = (uint64_t)(uintptr_t)address | 256;
  return (int64_t)(bits & -bits);
}

/* A matrix stored with `rows` neighbours, in the library's order. */
static int make_layout(const struct key *key, void **layout, int64_t type,
                       int64_t rows, int64_t columns) {
  if (library.layoutCreate(layout, (int)type, (uint64_t)rows, (uint64_t)columns,
                           rows))
    return 0;
  int32_t count = (int32_t)key->batches;
  int64_t stride = rows * columns;
  return key->batches == 1 ||
         (!library.layoutSet(*layout, LAMINA_CUBLASLT_LAYOUT_BATCH_COUNT,
                             &count, sizeof count) &&
          !library.layoutSet(*layout, LAMINA_CUBLASLT_LAYOUT_BATCH_STRIDE,
                             &stride, sizeof stride));
}

static int make_product(const struct key *key, struct plan *plan) {
  int isDouble = key->type == LAMINA_CUBLASLT_R_64F;
  int compute = isDouble ? LAMINA_CUBLASLT_COMPUTE_64F
                : key->flags & LAMINA_PRODUCT_TF32
                    ? LAMINA_CUBLASLT_COMPUTE_32F_FAST_TF32
                    : LAMINA_CUBLASLT_COMPUTE_32F;
  int sum = isDouble ? LAMINA_CUBLASLT_R_64F : LAMINA_CUBLASLT_R_32F;
  int leftTurned = (key->flags & LAMINA_PRODUCT_LEFT_TURNED) != 0,
      rightTurned = (key->flags & LAMINA_PRODUCT_RIGHT_TURNED) != 0;
  int32_t first = rightTurned ? LAMINA_CUBLASLT_OP_T : LAMINA_CUBLASLT_OP_N,
          second = leftTurned ? LAMINA_CUBLASLT_OP_T : LAMINA_CUBLASLT_OP_N;
  uint32_t epilogue = key->flags & LAMINA_PRODUCT_BIAS
                          ? LAMINA_CUBLASLT_EPILOGUE_BIAS
                          : LAMINA_CUBLASLT_EPILOGUE_DEFAULT;
  return !library.productCreate(&plan->product, compute, sum) &&
         !library.productSet(plan->product, LAMINA_CUBLASLT_DESC_TRANSA, &first,
                             sizeof first) &&
         !library.productSet(plan->product, LAMINA_CUBLASLT_DESC_TRANSB,
                             &second, sizeof second) &&
         !library.productSet(plan->product, LAMINA_CUBLASLT_DESC_EPILOGUE,
                             &epilogue, sizeof epilogue) &&
         make_layout(key, &plan->right, key->type,
                     rightTurned ? key->terms : key->columns,
                     rightTurned ? key->columns : key->terms) &&
         make_layout(key, &plan->left, key->type,
                     leftTurned ? key->rows : key->terms,
                     leftTurned ? key->terms : key->rows) &&
         make_layout(key, &plan->result, sum, key->columns, key->rows);
}

/* The address of a bias is part of a product's description. */
static int set_bias(const struct lamina_cuda_product *given,
                    struct plan *plan) {
  return !(given->flags & LAMINA_PRODUCT_BIAS) ||
         !library.productSet(plan->product, LAMINA_CUBLASLT_DESC_BIAS_POINTER,
                             &given->bias, sizeof given->bias);
}

static int choose_algorithm(const struct lamina_cuda_product *given,
                            struct plan *plan) {
  void *preference = NULL;
  if (library.preferenceCreate(&preference))
    return 0;
  uint64_t bytes = (uint64_t)given->workspace_bytes;
  int failed = library.preferenceSet(
      preference, LAMINA_CUBLASLT_PREF_WORKSPACE_BYTES, &bytes, sizeof bytes);
  const void *addresses[] = {given->right, given->left, given->result,
                             given->result};
  for (int i = 0; i < 4 && !failed; ++i) {
    uint32_t alignment = (uint32_t)alignment_of(addresses[i]);
    failed =
        library.preferenceSet(preference, LAMINA_CUBLASLT_PREF_ALIGNMENT_A + i,
                              &alignment, sizeof alignment);
  }
  struct lamina_cublaslt_heuristic best;
  int count = 0;
  if (!failed)
    failed = library.heuristic(library.handle, plan->product, plan->right,
                               plan->left, plan->result, plan->result,
                               preference, 1, &best, &count);
  library.preferenceDestroy(preference);
  if (failed || count < 1 || best.status)
    return 0;
  plan->algorithm = best.algorithm;
  return 1;
}

/* Under the lock. NULL without memory. */
static struct plan *plan_for(const struct lamina_cuda_product *given) {
  struct key key;
  memset(&key, 0, sizeof key);
  key.rows = given->rows;
  key.columns = given->columns;
  key.terms = given->terms;
  key.batches = given->batches;
  key.type = given->type;
  key.flags = given->flags;
  key.workspace_bytes = given->workspace_bytes;
  key.alignments = alignment_of(given->left) << 32 |
                   alignment_of(given->right) << 16 |
                   alignment_of(given->result);
  for (struct plan *plan = plans; plan; plan = plan->next)
    if (memcmp(&plan->key, &key, sizeof key) == 0)
      return plan;
  struct plan *plan = calloc(1, sizeof *plan);
  if (!plan)
    return NULL;
  plan->key = key;
  plan->next = plans;
  plans = plan;
  plan->usable = make_product(&key, plan) && set_bias(given, plan) &&
                 choose_algorithm(given, plan);
  return plan;
}

static int multiply(struct lamina_cuda_call *call,
                    const struct lamina_cuda_product *given,
                    struct plan *plan) {
  float one = 1, old = given->flags & LAMINA_PRODUCT_ADDED ? 1 : 0;
  double one64 = one, old64 = old;
  int isDouble = given->type == LAMINA_CUBLASLT_R_64F;
  if (!set_bias(given, plan))
    return 0;
  return !library.multiply(
      library.handle, plan->product, isDouble ? (void *)&one64 : (void *)&one,
      given->right, plan->right, given->left, plan->left,
      isDouble ? (void *)&old64 : (void *)&old, given->result, plan->result,
      given->result, plan->result, &plan->algorithm, given->workspace,
      (size_t)given->workspace_bytes, call->stream);
}

int64_t lamina_cuda_multiply(struct lamina_cuda_call *call,
                             const struct lamina_cuda_product *product) {
  if (call->error)
    return 1; /* nothing is launched any more */
  pthread_once(&once, open_library);
  if (!library.loaded) {
    if (product->flags & LAMINA_PRODUCT_REQUIRED)
      call->error = LAMINA_ECUBLASLT;
    return 0;
  }
  if (!product->rows || !product->columns || !product->terms ||
      !product->batches || product->batches > INT32_MAX)
    return 0;
  pthread_mutex_lock(&lock);
  struct plan *plan = plan_for(product);
  int done = plan && plan->usable && multiply(call, product, plan);
  pthread_mutex_unlock(&lock);
  return done;
}
