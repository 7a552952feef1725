#include "Arithmetic.h"
#include <algorithm>
#include <cfenv>
#include <cmath>
#include <cstring>
#include <limits>

using namespace ptx;

namespace {
struct Layout {
  int exponentBits, mantissaBits;
  bool hasInfinity;
  unsigned shift; // of the bits in the result: a tf32 is the top of a word
  uint32_t nan;
};
} // namespace

static const Layout &layout(Format format) {
  static const Layout table[] = {
      {5, 10, true, 0, 0x7fff},      {8, 7, true, 0, 0x7fff},
      {8, 10, true, 13, 0x7fffffff}, {8, 23, true, 0, 0x7fffffff},
      {4, 3, false, 0, 0x7f},        {5, 2, true, 0, 0x7f},
  };
  return table[unsigned(format)];
}

// |value| scaled so that one unit in the last place is 1, rounded to an
// integer.
static double roundUnits(double units, bool negative, Rounding rounding) {
  double down = std::floor(units), rest = units - down;
  switch (rounding) {
  case Rounding::Zero:
    return down;
  case Rounding::Down:
    return negative && rest > 0 ? down + 1 : down;
  case Rounding::Up:
    return !negative && rest > 0 ? down + 1 : down;
  case Rounding::NearestAway:
    return rest >= 0.5 ? down + 1 : down;
  case Rounding::Nearest:
    break;
  }
  return rest > 0.5 || (rest == 0.5 && std::fmod(down, 2) != 0) ? down + 1
                                                                : down;
}

uint32_t arithmetic::encode(double value, uint32_t formatIndex,
                            uint32_t roundingIndex, uint32_t flags) {
  const Layout &to = layout(Format(formatIndex));
  Rounding rounding = Rounding(roundingIndex);
  if (std::isnan(value))
    return to.nan;
  bool negative = std::signbit(value);
  if ((flags & Relu) && negative)
    return 0;
  int bias = (1 << (to.exponentBits - 1)) - 1, mantissa = to.mantissaBits;
  uint32_t sign = uint32_t(negative) << (to.exponentBits + mantissa);
  // The largest finite number as units: E4M3 has one more exponent, less its
  // last mantissa.
  uint32_t infinity = ((1u << to.exponentBits) - 1) << mantissa;
  uint32_t largest =
      to.hasInfinity ? infinity - 1 : infinity + (1u << mantissa) - 2;
  uint32_t overflow = !to.hasInfinity ? to.nan : infinity;
  bool away = rounding == Rounding::Nearest ||
              rounding == Rounding::NearestAway ||
              (rounding == Rounding::Up && !negative) ||
              (rounding == Rounding::Down && negative);
  if ((flags & SaturateFinite) || !away)
    overflow = largest;
  if (std::isinf(value))
    return (sign | (flags & SaturateFinite ? largest
                    : !to.hasInfinity      ? to.nan
                                           : infinity))
           << to.shift;
  double size = std::fabs(value);
  if (size == 0)
    return sign << to.shift;
  int exponent = std::max(std::ilogb(size), 1 - bias);
  double units =
      roundUnits(std::ldexp(size, mantissa - exponent), negative, rounding);
  // Carries into the exponent come out right by themselves.
  uint64_t bits = (uint64_t(exponent + bias - 1) << mantissa) + uint64_t(units);
  return (sign | uint32_t(bits > largest ? overflow : bits)) << to.shift;
}

static float decode(uint32_t bits, const Layout &from) {
  int bias = (1 << (from.exponentBits - 1)) - 1, mantissa = from.mantissaBits;
  uint32_t fraction = bits & ((1u << mantissa) - 1),
           exponent = bits >> mantissa & ((1u << from.exponentBits) - 1);
  bool negative = bits >> (mantissa + from.exponentBits) & 1;
  float size;
  if (from.hasInfinity && exponent == (1u << from.exponentBits) - 1)
    size = fraction ? std::numeric_limits<float>::quiet_NaN()
                    : std::numeric_limits<float>::infinity();
  else if (!from.hasInfinity && (bits & 0x7f) == from.nan)
    size = std::numeric_limits<float>::quiet_NaN();
  else
    size = std::ldexp(float(exponent ? fraction | 1u << mantissa : fraction),
                      int(exponent ? exponent : 1) - bias - mantissa);
  return negative ? -size : size;
}

float arithmetic::decodeHalf(uint32_t bits) {
  static const float *const table = [] {
    static float values[1 << 16];
    for (uint32_t i = 0; i < 1 << 16; ++i)
      values[i] = decode(i, layout(Format::F16));
    return values;
  }();
  return table[bits & 0xffff];
}

float arithmetic::decodeSmall(uint32_t bits, uint32_t format) {
  return decode(bits & 0xff, layout(Format(format)));
}

static float decode16(uint32_t bits, Format format) {
  if (format == Format::F16)
    return arithmetic::decodeHalf(bits);
  bits <<= 16;
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

uint32_t arithmetic::fmaSmall(uint32_t a, uint32_t b, uint32_t c,
                              uint32_t format) {
  // The product is exact. Rounding the sum to odd first makes the second
  // rounding, to the narrow format, the only one that counts.
  double product =
      double(decode16(a, Format(format))) * decode16(b, Format(format));
  double addend = decode16(c, Format(format)), sum = product + addend;
  double part = sum - product,
         error = (product - (sum - part)) + (addend - part);
  if (std::isfinite(sum) && error != 0) {
    uint64_t bits;
    memcpy(&bits, &sum, sizeof bits);
    if (!(bits & 1)) // towards the exact value, whose neighbours are odd
      bits += (error > 0) == (sum > 0) ? 1 : -1;
    memcpy(&sum, &bits, sizeof sum);
  }
  return encode(sum, format, 0, 0);
}

// The operands pass through memory, so that the compiler moves no operation
// out of the rounding mode.
template <class T>
static T operate(uint32_t op, uint32_t rounding, T a, T b, T c) {
  static const int modes[] = {FE_TONEAREST, FE_TOWARDZERO, FE_DOWNWARD,
                              FE_UPWARD};
  volatile T x = a, y = b, z = c, result = 0;
  fesetround(modes[rounding]);
  switch (op) {
  case '+':
    result = x + y;
    break;
  case '-':
    result = x - y;
    break;
  case '*':
    result = x * y;
    break;
  case '/':
    result = x / y;
    break;
  case 'f':
    result = std::fma(T(x), T(y), T(z));
    break;
  case 's':
    result = std::sqrt(T(x));
    break;
  }
  fesetround(FE_TONEAREST);
  return result;
}

float arithmetic::operate32(uint32_t op, uint32_t rounding, float a, float b,
                            float c) {
  return operate(op, rounding, a, b, c);
}
double arithmetic::operate64(uint32_t op, uint32_t rounding, double a, double b,
                             double c) {
  return operate(op, rounding, a, b, c);
}

template <class T, class I>
static T convert(I value, uint32_t rounding) {
  static const int modes[] = {FE_TONEAREST, FE_TOWARDZERO, FE_DOWNWARD,
                              FE_UPWARD};
  volatile I from = value;
  fesetround(modes[rounding]);
  volatile T result = T(from);
  fesetround(FE_TONEAREST);
  return result;
}

float arithmetic::signedToFloat(uint64_t value, uint32_t rounding) {
  return convert<float>(int64_t(value), rounding);
}
double arithmetic::signedToDouble(uint64_t value, uint32_t rounding) {
  return convert<double>(int64_t(value), rounding);
}

// Compilers convert large unsigned numbers in several steps, which only suit
// the rounding to nearest: split into halves, whose sum rounds once.
float arithmetic::unsignedToFloat(uint64_t value, uint32_t rounding) {
  double high = double(value >> 32) * 4294967296.0,
         low = double(value & 0xffffffff);
  if (rounding == uint32_t(Rounding::Nearest))
    return float(value);
  double sum = operate64('+', uint32_t(Rounding::Zero), high, low, 0);
  if (sum != high + low ||
      uint64_t(sum) != value) { // sticky bit for the second rounding
    uint64_t bits;
    memcpy(&bits, &sum, sizeof bits);
    bits |= 1;
    memcpy(&sum, &bits, sizeof sum);
  }
  uint32_t word = encode(sum, uint32_t(Format::F32), rounding, 0);
  float result;
  memcpy(&result, &word, sizeof result);
  return result;
}

double arithmetic::unsignedToDouble(uint64_t value, uint32_t rounding) {
  return operate64('+', rounding, double(value >> 32) * 4294967296.0,
                   double(value & 0xffffffff), 0);
}

float arithmetic::exp2Approx(float x) { return float(std::exp2(double(x))); }
float arithmetic::log2Approx(float x) { return float(std::log2(double(x))); }
float arithmetic::sinApprox(float x) { return float(std::sin(double(x))); }
float arithmetic::cosApprox(float x) { return float(std::cos(double(x))); }
float arithmetic::rsqrtApprox(float x) {
  return float(1 / std::sqrt(double(x)));
}
double arithmetic::rsqrtApprox64(double x) { return 1 / std::sqrt(x); }

// The device's relative error is up to 2^-11: no more digits than that.
float arithmetic::tanhApprox(float x) {
  float value = float(std::tanh(double(x)));
  if (!(std::fabs(value) < 1))
    return value;
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  bits = (bits + (1u << 11)) & ~((1u << 12) - 1);
  memcpy(&value, &bits, sizeof value);
  return value;
}

uint64_t arithmetic::extractBits(uint64_t value, uint32_t start,
                                 uint32_t length, uint32_t bits,
                                 uint32_t isSigned) {
  start &= 255, length &= 255;
  uint64_t sign = isSigned && length
                      ? value >> std::min(start + length - 1, bits - 1) & 1
                      : 0,
           result = 0;
  for (uint32_t i = 0; i < bits; ++i)
    result |= (i < length && start + i < bits ? value >> (start + i) & 1 : sign)
              << i;
  return result;
}

uint64_t arithmetic::insertBits(uint64_t value, uint64_t into, uint32_t start,
                                uint32_t length, uint32_t bits) {
  start &= 255, length &= 255;
  for (uint32_t i = 0; i < length && start + i < bits; ++i)
    into = (into & ~(1ull << (start + i))) | (value >> i & 1) << (start + i);
  return into;
}

// dp4a; bit 0 and 1 of modes: a and b are signed.
uint32_t arithmetic::dotBytes(uint32_t a, uint32_t b, uint32_t c,
                              uint32_t modes) {
  for (unsigned i = 0; i < 32; i += 8) {
    int32_t x = modes & 1 ? int8_t(a >> i) : uint8_t(a >> i);
    int32_t y = modes & 2 ? int8_t(b >> i) : uint8_t(b >> i);
    c += uint32_t(x * y);
  }
  return c;
}

uint32_t arithmetic::findSet(uint32_t mask, uint32_t base, uint32_t offset) {
  int32_t n = offset;
  if (n == 0)
    return base < 32 && (mask >> base & 1) ? base : ~0u;
  int step = n > 0 ? 1 : -1;
  unsigned left = n > 0 ? n : -uint32_t(n);
  for (int64_t at = base; at >= 0 && at < 32; at += step)
    if ((mask >> at & 1) && --left == 0)
      return at;
  return ~0u;
}

// mode 0 is prmt without one; else f4e b4e rc8 ecl ecr rc16.
uint32_t arithmetic::permute(uint32_t a, uint32_t b, uint32_t selector,
                             uint32_t mode) {
  static const uint8_t table[6][4][4] = {
      {{3, 2, 1, 0}, {4, 3, 2, 1}, {5, 4, 3, 2}, {6, 5, 4, 3}},
      {{5, 6, 7, 0}, {6, 7, 0, 1}, {7, 0, 1, 2}, {0, 1, 2, 3}},
      {{0, 0, 0, 0}, {1, 1, 1, 1}, {2, 2, 2, 2}, {3, 3, 3, 3}},
      {{3, 2, 1, 0}, {3, 2, 1, 1}, {3, 2, 2, 2}, {3, 3, 3, 3}},
      {{0, 0, 0, 0}, {1, 1, 1, 0}, {2, 2, 1, 0}, {3, 2, 1, 0}},
      {{1, 0, 1, 0}, {3, 2, 3, 2}, {1, 0, 1, 0}, {3, 2, 3, 2}},
  };
  uint64_t bytes = uint64_t(b) << 32 | a;
  uint32_t result = 0;
  for (unsigned i = 0; i < 4; ++i) {
    uint32_t pick =
        mode ? table[mode - 1][selector & 3][3 - i] : selector >> (4 * i) & 15;
    uint32_t byte = bytes >> (8 * (pick & 7)) & 0xff;
    if (!mode && (pick & 8)) // replicate the sign
      byte = byte & 0x80 ? 0xff : 0;
    result |= byte << (8 * i);
  }
  return result;
}
