//===- FloatBits.h - small floating-point formats as bits -------*- C++ -*-===//
#ifndef LAMINA_SUPPORT_FLOATBITS_H
#define LAMINA_SUPPORT_FLOATBITS_H

#include <bit>
#include <cstdint>

namespace lamina {

/// `value` in the format of one sign, `Exponent` exponent and `Fraction`
/// fraction bits (float16 is <5, 10>, bfloat16 <8, 7>), rounded to nearest even
/// in one step.
template <unsigned Exponent, unsigned Fraction>
uint16_t encodeFloat(double value) {
  static_assert(1 + Exponent + Fraction == 16);
  constexpr int bias = (1 << (Exponent - 1)) - 1;
  constexpr uint64_t infinity = ((uint64_t(1) << Exponent) - 1) << Fraction;
  auto bits = std::bit_cast<uint64_t>(value);
  uint64_t sign = bits >> 63 << 15;
  int exponent = static_cast<int>(bits >> 52 & 0x7ff);
  uint64_t fraction = bits & ((uint64_t(1) << 52) - 1);
  if (exponent == 0x7ff) // NaN stays one, and is quiet
    return sign | infinity | (fraction ? uint64_t(1) << (Fraction - 1) : 0);
  if (exponent == 0)
    return sign; // zero, or far below the smallest number
  exponent += bias - 1023;
  fraction |= uint64_t(1) << 52;
  // A number below the normal ones loses the bits that do not fit.
  unsigned drop = 52 - Fraction;
  if (exponent < 1) {
    if (1 - exponent > static_cast<int>(Fraction) + 2)
      return sign;
    drop += 1 - exponent;
    exponent = 1;
  }
  uint64_t kept = fraction >> drop;
  uint64_t rest = fraction & ((uint64_t(1) << drop) - 1);
  uint64_t half = uint64_t(1) << (drop - 1);
  kept += rest > half || (rest == half && (kept & 1));
  // The leading one, if there is one, counts the exponent up from below.
  uint64_t result = (static_cast<uint64_t>(exponent - 1) << Fraction) + kept;
  return sign | (result < infinity ? result : infinity);
}

/// The value of `bits` in the same format, exactly.
template <unsigned Exponent, unsigned Fraction>
double decodeFloat(uint16_t bits) {
  constexpr int bias = (1 << (Exponent - 1)) - 1;
  constexpr unsigned most = (1u << Exponent) - 1;
  uint64_t sign = uint64_t(bits >> 15) << 63;
  unsigned exponent = bits >> Fraction & most;
  uint64_t fraction = bits & ((1u << Fraction) - 1);
  if (exponent == 0) {
    // fraction * 2^(1 - bias - Fraction), which is a normal double.
    double unit = std::bit_cast<double>(
        static_cast<uint64_t>(1 - bias - static_cast<int>(Fraction) + 1023)
        << 52);
    double magnitude = static_cast<double>(fraction) * unit;
    return sign ? -magnitude : magnitude;
  }
  uint64_t wide = exponent == most ? 0x7ff : exponent + 1023 - bias;
  return std::bit_cast<double>(sign | wide << 52 | fraction << (52 - Fraction));
}

} // namespace lamina

#endif // LAMINA_SUPPORT_FLOATBITS_H
