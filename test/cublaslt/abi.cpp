// Whether lib/Runtime/CublasLtLibrary.h says what NVIDIA's header says. It is
// compiled where that header is, and never run.
#include "CublasLtLibrary.h"
#include <cublasLt.h>
#include <type_traits>

// The same in a call: pointers are alike, and so are enumerations and numbers
// of one size.
template <typename A, typename B>
constexpr bool isPassedAlike =
    std::is_pointer_v<A> == std::is_pointer_v<B> && sizeof(A) == sizeof(B) &&
    std::is_floating_point_v<A> == std::is_floating_point_v<B>;
template <typename A, typename B>
struct AreAlike : std::false_type {};
template <typename A, typename B, typename... As, typename... Bs>
struct AreAlike<A (*)(As...), B (*)(Bs...)> {
  static constexpr bool check() {
    if constexpr (sizeof...(As) == sizeof...(Bs))
      return isPassedAlike<A, B> && (isPassedAlike<As, Bs> && ...);
    else
      return false;
  }
  static constexpr bool value = check();
};
#define CHECK(field, symbol, parameters)                                       \
  using field##Type = int(*) parameters;                                       \
  static_assert(AreAlike<field##Type, decltype(&symbol)>::value, #symbol);
LAMINA_CUBLASLT_FUNCTIONS(CHECK)

using Ours = lamina_cublaslt_heuristic;
using Theirs = cublasLtMatmulHeuristicResult_t;
static_assert(sizeof(lamina_cublaslt_algorithm) ==
              sizeof(cublasLtMatmulAlgo_t));
static_assert(sizeof(Ours) == sizeof(Theirs));
static_assert(offsetof(Ours, workspace_bytes) ==
              offsetof(Theirs, workspaceSize));
static_assert(offsetof(Ours, status) == offsetof(Theirs, state));
static_assert(offsetof(Ours, waves) == offsetof(Theirs, wavesCount));

#define SAME(ours, theirs) static_assert(int(ours) == int(theirs), #theirs)
SAME(LAMINA_CUBLASLT_SUCCESS, CUBLAS_STATUS_SUCCESS);
SAME(LAMINA_CUBLASLT_R_32F, CUDA_R_32F);
SAME(LAMINA_CUBLASLT_R_64F, CUDA_R_64F);
SAME(LAMINA_CUBLASLT_R_16F, CUDA_R_16F);
SAME(LAMINA_CUBLASLT_R_16BF, CUDA_R_16BF);
SAME(LAMINA_CUBLASLT_COMPUTE_32F, CUBLAS_COMPUTE_32F);
SAME(LAMINA_CUBLASLT_COMPUTE_64F, CUBLAS_COMPUTE_64F);
SAME(LAMINA_CUBLASLT_COMPUTE_32F_FAST_TF32, CUBLAS_COMPUTE_32F_FAST_TF32);
SAME(LAMINA_CUBLASLT_OP_N, CUBLAS_OP_N);
SAME(LAMINA_CUBLASLT_OP_T, CUBLAS_OP_T);
SAME(LAMINA_CUBLASLT_EPILOGUE_DEFAULT, CUBLASLT_EPILOGUE_DEFAULT);
SAME(LAMINA_CUBLASLT_EPILOGUE_BIAS, CUBLASLT_EPILOGUE_BIAS);
SAME(LAMINA_CUBLASLT_LAYOUT_BATCH_COUNT, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT);
SAME(LAMINA_CUBLASLT_LAYOUT_BATCH_STRIDE,
     CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET);
SAME(LAMINA_CUBLASLT_DESC_TRANSA, CUBLASLT_MATMUL_DESC_TRANSA);
SAME(LAMINA_CUBLASLT_DESC_TRANSB, CUBLASLT_MATMUL_DESC_TRANSB);
SAME(LAMINA_CUBLASLT_DESC_EPILOGUE, CUBLASLT_MATMUL_DESC_EPILOGUE);
SAME(LAMINA_CUBLASLT_DESC_BIAS_POINTER, CUBLASLT_MATMUL_DESC_BIAS_POINTER);
SAME(LAMINA_CUBLASLT_PREF_WORKSPACE_BYTES,
     CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES);
SAME(LAMINA_CUBLASLT_PREF_ALIGNMENT_A,
     CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES);
SAME(LAMINA_CUBLASLT_PREF_ALIGNMENT_B,
     CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES);
SAME(LAMINA_CUBLASLT_PREF_ALIGNMENT_C,
     CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES);
SAME(LAMINA_CUBLASLT_PREF_ALIGNMENT_D,
     CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES);
