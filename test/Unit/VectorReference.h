//===- VectorReference.h - double results, four at a time -------*- C++ -*-===//
//
// glibc's vector functions, where this machine has them: within a few units in
// the last place of double, which is enough to tell that a float is the
// correctly rounded one. Whatever is not goes to the scalar functions.
//
//===----------------------------------------------------------------------===//
#ifndef LAMINA_TEST_UNIT_VECTORREFERENCE_H
#define LAMINA_TEST_UNIT_VECTORREFERENCE_H

#include <cstdint>
#include <cstring>
#include <string>
#if defined(__x86_64__)
#include <dlfcn.h>
#include <immintrin.h>
#endif

namespace lamina::test {

class VectorReference {
public:
  /// Of the function called `name`.
  explicit VectorReference(const std::string &name) {
#if defined(__x86_64__)
    if (!__builtin_cpu_supports("avx2"))
      return;
    static void *library = dlopen("libmvec.so.1", RTLD_NOW);
    if (library)
      function = dlsym(library, ("_ZGVdN4v_" + name).c_str());
#endif
  }

  /// A bit for each of eight results that is not, as far as this knows, the
  /// float next to the exact one.
  unsigned suspects(const float *x, const float *y) const {
#if defined(__x86_64__)
    if (function)
      return compare(x, y) | compare(x + 4, y + 4) << 4;
#endif
    return 255;
  }

private:
#if defined(__x86_64__)
  __attribute__((target("avx2"))) unsigned compare(const float *x,
                                                   const float *y) const {
    auto *call = reinterpret_cast<__m256d (*)(__m256d)>(function);
    __m128 rounded = _mm256_cvtpd_ps(call(_mm256_cvtps_pd(_mm_loadu_ps(x))));
    __m128i same = _mm_cmpeq_epi32(_mm_castps_si128(rounded),
                                   _mm_castps_si128(_mm_loadu_ps(y)));
    return ~_mm_movemask_ps(_mm_castsi128_ps(same)) & 15;
  }
#endif
  void *function = nullptr;
};

} // namespace lamina::test

#endif // LAMINA_TEST_UNIT_VECTORREFERENCE_H
