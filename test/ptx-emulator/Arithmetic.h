// Arithmetic that LLVM IR does not have: directed rounding, the small formats,
// one rounding of narrow fused products, approximate functions.
#ifndef PTX_EMULATOR_ARITHMETIC_H
#define PTX_EMULATOR_ARITHMETIC_H

#include <cstdint>

namespace ptx {

enum class Rounding : uint32_t { Nearest, Zero, Down, Up, NearestAway };
enum class Format : uint32_t { F16, BF16, TF32, F32, E4M3, E5M2 };
enum EncodeFlags : uint32_t { SaturateFinite = 1, Relu = 2 };

namespace arithmetic {

// The bits of `value` in a format, rounded once.
uint32_t encode(double value, uint32_t format, uint32_t rounding,
                uint32_t flags);
float decodeHalf(uint32_t bits);
float decodeSmall(uint32_t bits, uint32_t format); // E4M3, E5M2
// a*b+c of two-byte formats with one rounding.
uint32_t fmaSmall(uint32_t a, uint32_t b, uint32_t c, uint32_t format);

// op: one of + - * / f (a*b+c) s (square root of a).
float operate32(uint32_t op, uint32_t rounding, float a, float b, float c);
double operate64(uint32_t op, uint32_t rounding, double a, double b, double c);
float signedToFloat(uint64_t value, uint32_t rounding);
float unsignedToFloat(uint64_t value, uint32_t rounding);
double signedToDouble(uint64_t value, uint32_t rounding);
double unsignedToDouble(uint64_t value, uint32_t rounding);

float exp2Approx(float x);
float log2Approx(float x);
float sinApprox(float x);
float cosApprox(float x);
float tanhApprox(float x);
float rsqrtApprox(float x);
double rsqrtApprox64(double x);

uint64_t extractBits(uint64_t value, uint32_t start, uint32_t length,
                     uint32_t bits, uint32_t isSigned);
uint64_t insertBits(uint64_t value, uint64_t into, uint32_t start,
                    uint32_t length, uint32_t bits);
uint32_t dotBytes(uint32_t a, uint32_t b, uint32_t c, uint32_t modes);
uint32_t findSet(uint32_t mask, uint32_t base, uint32_t offset);
uint32_t permute(uint32_t a, uint32_t b, uint32_t selector, uint32_t mode);

} // namespace arithmetic
} // namespace ptx

#endif
