//===- StandIn.cpp - a library that stands in for cuBLASLt ----------------===//
//
// Checks descriptions, sizes of attributes, leading dimensions, alignments,
// workspaces, and that an algorithm is used for what it was chosen for; then a
// plain kernel computes the product on the CUDA driver of LAMINA_CUDA_DRIVER.
// LAMINA_CUBLASLT_STAND_IN=log names each product on standard error, =refuse
// knows no algorithm, =fail fails to multiply.
//
//===----------------------------------------------------------------------===//
#include "CublasLtLibrary.h"
#include "ProductPtx.h"
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <mutex>
#include <optional>
#include <string>

namespace {
enum Status { Success = 0, InvalidValue = 7, NotSupported = 15, Failed = 13 };
constexpr uint64_t alive = 0x616c697665; // marks what was created
constexpr uint64_t wantedWorkspace = 65536;

struct Layout {
  uint64_t mark = alive;
  int type;
  uint64_t rows, columns;
  int64_t leading;
  int32_t batches = 1;
  int64_t stride = 0;
};
struct Product {
  uint64_t mark = alive;
  int compute, scale;
  int32_t turned[2] = {0, 0};
  uint32_t epilogue = LAMINA_CUBLASLT_EPILOGUE_DEFAULT;
  const void *bias = nullptr;
};
struct Preference {
  uint64_t mark = alive;
  uint64_t workspace = 0;
  uint32_t alignment[4] = {256, 256, 256, 256};
};
/// What is packed in an algorithm.
struct Choice {
  uint64_t mark, description, workspace;
  uint32_t alignment[4];
};
static_assert(sizeof(Choice) <= sizeof(lamina_cublaslt_algorithm));

bool isMode(const char *name) {
  const char *mode = getenv("LAMINA_CUBLASLT_STAND_IN");
  return mode && strcmp(mode, name) == 0;
}

Status refuse(const char *why, Status status = InvalidValue) {
  fprintf(stderr, "cublaslt stand-in: %s\n", why);
  return status;
}

template <typename T>
T *checked(void *handle) {
  T *object = static_cast<T *>(handle);
  return object && object->mark == alive ? object : nullptr;
}

template <typename T>
Status take(T &field, const void *value, size_t bytes, const char *name) {
  if (!value || bytes != sizeof(T))
    return refuse((std::string("wrong size of ") + name).c_str());
  memcpy(&field, value, bytes);
  return Success;
}

int sizeOf(int type) {
  switch (type) {
  case LAMINA_CUBLASLT_R_32F:
    return 4;
  case LAMINA_CUBLASLT_R_64F:
    return 8;
  case LAMINA_CUBLASLT_R_16F:
  case LAMINA_CUBLASLT_R_16BF:
    return 2;
  }
  return 0;
}

struct Operands {
  Product *product;
  Layout *a, *b, *c, *d;
  uint64_t m, n, k;

  uint64_t description() const {
    uint64_t hash = 14695981039346656037ull;
    auto add = [&](uint64_t value) {
      hash = (hash ^ value) * 1099511628211ull;
    };
    for (const Layout *x : {a, b, c, d})
      for (uint64_t value :
           {uint64_t(x->type), x->rows, x->columns, uint64_t(x->leading),
            uint64_t(x->batches), uint64_t(x->stride)})
        add(value);
    for (uint64_t value :
         {uint64_t(product->compute), uint64_t(product->turned[0]),
          uint64_t(product->turned[1]), uint64_t(product->epilogue)})
      add(value);
    return hash;
  }
};

Status check(Operands &x, void *product, void *a, void *b, void *c, void *d) {
  x.product = checked<Product>(product);
  x.a = checked<Layout>(a), x.b = checked<Layout>(b);
  x.c = checked<Layout>(c), x.d = checked<Layout>(d);
  if (!x.product || !x.a || !x.b || !x.c || !x.d)
    return refuse("a description is not one, or was destroyed");
  bool turnedA = x.product->turned[0], turnedB = x.product->turned[1];
  x.m = turnedA ? x.a->columns : x.a->rows;
  x.k = turnedA ? x.a->rows : x.a->columns;
  x.n = turnedB ? x.b->rows : x.b->columns;
  uint64_t otherK = turnedB ? x.b->columns : x.b->rows;
  if (otherK != x.k || x.c->rows != x.m || x.c->columns != x.n ||
      x.d->rows != x.m || x.d->columns != x.n)
    return refuse("the shapes do not fit");
  if (x.a->batches != x.d->batches || x.b->batches != x.d->batches ||
      x.c->batches != x.d->batches)
    return refuse("the numbers of batches differ");
  for (const Layout *layout : {x.a, x.b, x.c, x.d})
    if (layout->leading < int64_t(layout->rows) ||
        (layout->batches > 1 &&
         layout->stride < layout->leading * int64_t(layout->columns)))
      return refuse("a matrix overlaps itself");
  bool isDouble = x.a->type == LAMINA_CUBLASLT_R_64F;
  int sum = isDouble ? LAMINA_CUBLASLT_R_64F : LAMINA_CUBLASLT_R_32F;
  bool isFast = x.product->compute == LAMINA_CUBLASLT_COMPUTE_32F_FAST_TF32;
  int compute =
      isDouble ? LAMINA_CUBLASLT_COMPUTE_64F : LAMINA_CUBLASLT_COMPUTE_32F;
  if (!sizeOf(x.a->type) || x.b->type != x.a->type || x.c->type != sum ||
      x.d->type != sum || x.product->scale != sum ||
      (x.product->compute != compute &&
       !(isFast && x.a->type == LAMINA_CUBLASLT_R_32F)))
    return refuse("there is no product of these types", NotSupported);
  if (x.product->epilogue == LAMINA_CUBLASLT_EPILOGUE_BIAS) {
    if (!x.product->bias)
      return refuse("the bias has no address");
  } else if (x.product->epilogue != LAMINA_CUBLASLT_EPILOGUE_DEFAULT) {
    return refuse("an epilogue that is not known");
  }
  return Success;
}

/// The driver's functions, loaded once, and the kernels by type of operand.
struct Device {
  int (*loadModule)(void **, const void *) = nullptr;
  int (*getFunction)(void **, void *, const char *) = nullptr;
  int (*launch)(void *, unsigned, unsigned, unsigned, unsigned, unsigned,
                unsigned, unsigned, void *, void **, void **) = nullptr;
  int (*fill)(uint64_t, unsigned, size_t, void *) = nullptr;
  void *kernels[16] = {};

  bool open() {
    const char *name = getenv("LAMINA_CUDA_DRIVER");
    void *library = dlopen(name && *name ? name : "libcuda.so.1", RTLD_NOW);
    if (!library)
      return false;
    *(void **)&loadModule = dlsym(library, "cuModuleLoadData");
    *(void **)&getFunction = dlsym(library, "cuModuleGetFunction");
    *(void **)&launch = dlsym(library, "cuLaunchKernel");
    *(void **)&fill = dlsym(library, "cuMemsetD32Async");
    return loadModule && getFunction && launch && fill;
  }

  void *kernelFor(int type) {
    void *module = nullptr;
    if (!kernels[type] && (loadModule(&module, productPtx(type).c_str()) ||
                           getFunction(&kernels[type], module, "product")))
      return nullptr;
    return kernels[type];
  }
};
std::mutex lock;
std::optional<Device> device;

void log(const Operands &x) {
  const char *types[] = {"f32", "f64", "f16"};
  fprintf(stderr, "cublaslt stand-in: %s %dx%dx%d", // as Lamina sees it
          x.a->type == LAMINA_CUBLASLT_R_16BF ? "bf16" : types[x.a->type],
          int(x.n), int(x.m), int(x.k));
  if (x.d->batches > 1)
    fprintf(stderr, ", %d batches", x.d->batches);
  if (x.product->turned[1])
    fprintf(stderr, ", left turned");
  if (x.product->turned[0])
    fprintf(stderr, ", right turned");
  if (x.product->epilogue == LAMINA_CUBLASLT_EPILOGUE_BIAS)
    fprintf(stderr, ", bias");
  if (x.product->compute == LAMINA_CUBLASLT_COMPUTE_32F_FAST_TF32)
    fprintf(stderr, ", tf32");
  fprintf(stderr, "\n");
}

Status launch(const Operands &x, const void *a, const void *b, const void *c,
              void *d, double beta, void *stream) {
  void *kernel = device->kernelFor(x.a->type);
  if (!kernel)
    return refuse("the kernel cannot be loaded", Failed);
  bool turnedA = x.product->turned[0], turnedB = x.product->turned[1];
  const void *bias = x.product->epilogue == LAMINA_CUBLASLT_EPILOGUE_BIAS
                         ? x.product->bias
                         : nullptr;
  uint64_t words[] = {uint64_t(a),
                      uint64_t(b),
                      uint64_t(c),
                      uint64_t(d),
                      uint64_t(bias),
                      x.m,
                      x.n,
                      x.k,
                      uint64_t(turnedA ? x.a->leading : 1), // along m
                      uint64_t(turnedA ? 1 : x.a->leading), // along k
                      uint64_t(x.a->stride),
                      uint64_t(turnedB ? 1 : x.b->leading), // along n
                      uint64_t(turnedB ? x.b->leading : 1), // along k
                      uint64_t(x.b->stride),
                      uint64_t(x.d->leading),
                      uint64_t(x.d->stride),
                      x.m * x.n * uint64_t(x.d->batches),
                      0};
  memcpy(&words[17], &beta, sizeof beta);
  void *parameters[18];
  for (int i = 0; i < 18; ++i)
    parameters[i] = &words[i];
  unsigned blocks = unsigned((words[16] + 127) / 128);
  return device->launch(kernel, blocks, 1, 1, 128, 1, 1, 0, stream, parameters,
                        nullptr)
             ? refuse("the kernel cannot be launched", Failed)
             : Success;
}
} // namespace

#define API extern "C" __attribute__((visibility("default"))) int

API cublasLtCreate(void **handle) {
  std::lock_guard<std::mutex> guard(lock);
  device.emplace();
  if (!device->open())
    return refuse("there is no driver", Failed);
  *handle = &*device;
  return Success;
}

API cublasLtMatrixLayoutCreate(void **layout, int type, uint64_t rows,
                               uint64_t columns, int64_t leading) {
  if (!sizeOf(type) || !rows || !columns)
    return refuse("not a matrix");
  *layout = new Layout{alive, type, rows, columns, leading};
  return Success;
}
API cublasLtMatrixLayoutSetAttribute(void *handle, int attribute,
                                     const void *value, size_t bytes) {
  Layout *layout = checked<Layout>(handle);
  if (!layout)
    return InvalidValue;
  if (attribute == LAMINA_CUBLASLT_LAYOUT_BATCH_COUNT)
    return take(layout->batches, value, bytes, "BATCH_COUNT");
  if (attribute == LAMINA_CUBLASLT_LAYOUT_BATCH_STRIDE)
    return take(layout->stride, value, bytes, "STRIDED_BATCH_OFFSET");
  return refuse("an attribute of a matrix that is not known");
}
API cublasLtMatmulDescCreate(void **product, int compute, int scale) {
  *product = new Product{alive, compute, scale};
  return Success;
}
API cublasLtMatmulDescSetAttribute(void *handle, int attribute,
                                   const void *value, size_t bytes) {
  Product *product = checked<Product>(handle);
  if (!product)
    return InvalidValue;
  switch (attribute) {
  case LAMINA_CUBLASLT_DESC_TRANSA:
    return take(product->turned[0], value, bytes, "TRANSA");
  case LAMINA_CUBLASLT_DESC_TRANSB:
    return take(product->turned[1], value, bytes, "TRANSB");
  case LAMINA_CUBLASLT_DESC_EPILOGUE:
    return take(product->epilogue, value, bytes, "EPILOGUE");
  case LAMINA_CUBLASLT_DESC_BIAS_POINTER:
    return take(product->bias, value, bytes, "BIAS_POINTER");
  }
  return refuse("an attribute of a product that is not known");
}
API cublasLtMatmulPreferenceCreate(void **preference) {
  *preference = new Preference;
  return Success;
}
API cublasLtMatmulPreferenceSetAttribute(void *handle, int attribute,
                                         const void *value, size_t bytes) {
  Preference *preference = checked<Preference>(handle);
  if (!preference)
    return InvalidValue;
  if (attribute == LAMINA_CUBLASLT_PREF_WORKSPACE_BYTES)
    return take(preference->workspace, value, bytes, "MAX_WORKSPACE_BYTES");
  int operand = attribute - LAMINA_CUBLASLT_PREF_ALIGNMENT_A;
  if (operand < 0 || operand > 3)
    return refuse("a preference that is not known");
  return take(preference->alignment[operand], value, bytes, "MIN_ALIGNMENT");
}
template <typename T>
static int destroy(void *handle) {
  T *object = checked<T>(handle);
  if (!object)
    return InvalidValue;
  object->mark = 0;
  delete object;
  return Success;
}
API cublasLtMatrixLayoutDestroy(void *handle) {
  return destroy<Layout>(handle);
}
API cublasLtMatmulDescDestroy(void *handle) { return destroy<Product>(handle); }
API cublasLtMatmulPreferenceDestroy(void *handle) {
  return destroy<Preference>(handle);
}

API cublasLtMatmulAlgoGetHeuristic(void *handle, void *product, void *a,
                                   void *b, void *c, void *d, void *preferred,
                                   int requested,
                                   lamina_cublaslt_heuristic *results,
                                   int *count) {
  Preference *preference = checked<Preference>(preferred);
  Operands x;
  if (!device || handle != &*device || !preference || requested < 1)
    return InvalidValue;
  if (Status status = check(x, product, a, b, c, d))
    return status;
  *count = 0;
  if (isMode("refuse"))
    return NotSupported;
  Choice choice{alive,
                x.description(),
                std::min(preference->workspace, wantedWorkspace),
                {}};
  memcpy(choice.alignment, preference->alignment, sizeof choice.alignment);
  results[0] = {};
  memcpy(&results[0].algorithm, &choice, sizeof choice);
  results[0].workspace_bytes = choice.workspace;
  *count = 1;
  return Success;
}

API cublasLtMatmul(void *handle, void *product, const void *alpha,
                   const void *a, void *layoutA, const void *b, void *layoutB,
                   const void *beta, const void *c, void *layoutC, void *d,
                   void *layoutD, const lamina_cublaslt_algorithm *algorithm,
                   void *workspace, size_t workspaceBytes, void *stream) {
  std::lock_guard<std::mutex> guard(lock);
  Operands x;
  if (!device || handle != &*device || !algorithm || isMode("fail"))
    return InvalidValue;
  if (Status status = check(x, product, layoutA, layoutB, layoutC, layoutD))
    return status;
  Choice choice;
  memcpy(&choice, algorithm, sizeof choice);
  if (choice.mark != alive || choice.description != x.description())
    return refuse("the algorithm was chosen for another product");
  if (workspaceBytes < choice.workspace || (!workspace && choice.workspace))
    return refuse("the workspace is too small");
  const void *addresses[] = {a, b, c, d};
  for (int i = 0; i < 4; ++i)
    if (uint64_t(addresses[i]) % choice.alignment[i])
      return refuse("an operand is not aligned as it was said");
  if (uint64_t(workspace) % 16)
    return refuse("the workspace is not aligned");
  auto number = [&](const void *value) {
    return x.product->scale == LAMINA_CUBLASLT_R_64F
               ? *static_cast<const double *>(value)
               : double(*static_cast<const float *>(value));
  };
  if (number(alpha) != 1 || (number(beta) != 0 && number(beta) != 1))
    return refuse("a factor that is not known", NotSupported);
  if (isMode("log"))
    log(x);
  // Nobody else's memory.
  if (choice.workspace && device->fill(uint64_t(workspace), 0xffffffff,
                                       choice.workspace / 4, stream))
    return refuse("the workspace is not memory of the device", Failed);
  return launch(x, a, b, c, d, number(beta), stream);
}
