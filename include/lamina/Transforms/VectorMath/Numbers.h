//===- Numbers.h - The number vocabulary of vector math --------*- C++ -*-===//
//
// The expansions in this folder are templates over a number type F that stands
// for "float, lane by lane". F = float (this file) runs them on the host, which
// is what the accuracy tests do; F = IRFloat (IRNumbers.h) emits them as IR.
// One text, so what is tested is what is compiled.
//
// The vocabulary is small on purpose: + - * / fma sqrt, ordered comparisons,
// select, wrapping integer arithmetic on the bits, conversions, and one
// vector-uniform branch. Every expansion relies on round-to-nearest and on the
// compiler not reassociating or contracting anything.
//
//===----------------------------------------------------------------------===//

#ifndef LAMINA_TRANSFORMS_VECTORMATH_NUMBERS_H
#define LAMINA_TRANSFORMS_VECTORMATH_NUMBERS_H

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <iterator>

namespace lamina::vecmath {

/// The integer, mask and double types that go with a number type.
template <class F>
struct NumberTraits;

template <class F>
using IntOf = typename NumberTraits<F>::Int;
template <class F>
using MaskOf = typename NumberTraits<F>::Mask;
template <class F>
using DoubleOf = typename NumberTraits<F>::Double;

/// A two's complement int32 that wraps, as lanes do.
struct WrappingInt {
  uint32_t value;
  WrappingInt(int32_t v) : value(static_cast<uint32_t>(v)) {}
  explicit WrappingInt(uint32_t v) : value(v) {}
};

inline WrappingInt operator+(WrappingInt a, WrappingInt b) {
  return WrappingInt(a.value + b.value);
}
inline WrappingInt operator-(WrappingInt a, WrappingInt b) {
  return WrappingInt(a.value - b.value);
}
inline WrappingInt operator&(WrappingInt a, WrappingInt b) {
  return WrappingInt(a.value & b.value);
}
inline WrappingInt operator|(WrappingInt a, WrappingInt b) {
  return WrappingInt(a.value | b.value);
}
inline WrappingInt operator^(WrappingInt a, WrappingInt b) {
  return WrappingInt(a.value ^ b.value);
}
inline WrappingInt operator<<(WrappingInt a, int n) {
  return WrappingInt(a.value << n);
}
/// The arithmetic shift.
inline WrappingInt operator>>(WrappingInt a, int n) {
  return WrappingInt(static_cast<int32_t>(a.value) >> n);
}
inline bool operator<(WrappingInt a, WrappingInt b) {
  return static_cast<int32_t>(a.value) < static_cast<int32_t>(b.value);
}

template <>
struct NumberTraits<float> {
  using Int = WrappingInt;
  using Mask = bool;
  using Double = double;
};

inline float fma(float a, float b, float c) { return std::fma(a, b, c); }
inline double fma(double a, double b, double c) { return std::fma(a, b, c); }
inline float sqrt(float x) { return std::sqrt(x); }
inline float select(bool c, float a, float b) { return c ? a : b; }
inline double select(bool c, double a, double b) { return c ? a : b; }
inline WrappingInt select(bool c, WrappingInt a, WrappingInt b) {
  return c ? a : b;
}
inline bool logicalNot(bool m) { return !m; }
inline bool logicalAnd(bool a, bool b) { return a && b; }
inline bool logicalOr(bool a, bool b) { return a || b; }
inline bool isNaN(float x) { return x != x; }

/// The bit pattern of x, and back.
inline WrappingInt bits(float x) {
  return WrappingInt(std::bit_cast<uint32_t>(x));
}
inline float fromBits(WrappingInt b) { return std::bit_cast<float>(b.value); }
/// The low 32 bits of the pattern of x.
inline WrappingInt lowBits(double x) {
  return WrappingInt(static_cast<uint32_t>(std::bit_cast<uint64_t>(x)));
}

/// Conversions by value; toInt truncates and wants a representable x.
inline float toFloat(WrappingInt i) {
  return static_cast<float>(static_cast<int32_t>(i.value));
}
inline WrappingInt toInt(float x) {
  return WrappingInt(static_cast<int32_t>(x));
}
inline double extend(float x) { return x; }
inline float truncate(double x) { return static_cast<float>(x); }

/// The result of a trigonometric range reduction: x = q pi/2 + hi + lo.
template <class F>
struct Reduced {
  F hi, lo;
  IntOf<F> quadrant;
};

/// `fast` where no lane of `mask` is set; else, in a branch that is rarely
/// taken, slow() on the lanes of `mask`.
template <class Slow>
Reduced<float> replaceLanes(bool mask, Reduced<float> fast, Slow slow) {
  return mask ? slow() : fast;
}

/// p * 2^n with one rounding, where t = kMagic254 + n and n is in [-150, 129].
inline float scale(float p, float t);

//===----------------------------------------------------------------------===//
// Helpers for every number type
//===----------------------------------------------------------------------===//

inline constexpr int32_t kSignBit = INT32_MIN;

template <class F>
F absolute(F x) {
  return fromBits(bits(x) & IntOf<F>(0x7fffffff));
}
template <class F>
IntOf<F> signOf(F x) {
  return bits(x) & IntOf<F>(kSignBit);
}
/// Sets or flips bits of x.
template <class F>
F orBits(F x, IntOf<F> s) {
  return fromBits(bits(x) | s);
}
template <class F>
F xorBits(F x, IntOf<F> s) {
  return fromBits(bits(x) ^ s);
}
/// Clamps by compare and select, so that NaN passes through.
template <class F>
F atMost(F x, float c) {
  return select(F(c) < x, F(c), x);
}
template <class F>
F atLeast(F x, float c) {
  return select(F(c) > x, F(c), x);
}
/// 1/x to about 12 % for x > 0: good enough to scale a residual.
template <class F>
F roughReciprocal(F x) {
  return fromBits(IntOf<F>(0x7EF311C7) - bits(x));
}
/// The polynomial c[0] + c[1] x + ... by Horner's scheme.
template <class F, size_t N>
F horner(F x, const float (&c)[N]) {
  static_assert(N >= 2);
  F p = fma(x, F(c[N - 1]), F(c[N - 2]));
  for (size_t i = N - 2; i-- > 0;)
    p = fma(x, p, F(c[i]));
  return p;
}

// Adding these rounds to an integer and leaves it (plus a bias) in the low
// bits.
inline constexpr float kMagic = 0x1.8p23f;
inline constexpr float kMagic127 = kMagic + 127.0f;
inline constexpr float kMagic254 = kMagic + 254.0f;

/// scale() by two multiplications, the first of which is exact.
template <class F>
F scaleInTwoSteps(F p, F t) {
  IntOf<F> biased = bits(t); // the low bits are n + 254
  IntOf<F> half = biased >> 1;
  return p * fromBits(half << 23) * fromBits((biased - half) << 23);
}
inline float scale(float p, float t) { return scaleInTwoSteps(p, t); }

/// 2^n where t = kMagic127 + n and n is in [-126, 127].
template <class F>
F powerOfTwo(F t) {
  return fromBits(bits(t) << 23);
}

} // namespace lamina::vecmath

#endif // LAMINA_TRANSFORMS_VECTORMATH_NUMBERS_H
