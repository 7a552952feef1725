#include "Mma.h"
#include "Arithmetic.h"
#include <cmath>
#include <cstring>

using namespace ptx;

// Element `index` of the elements of `type` packed in the words.
static double element(const uint32_t *words, unsigned index, Type type) {
  if (type.bits == 64) {
    double value;
    memcpy(&value, words + 2 * index, sizeof value);
    return value;
  }
  unsigned bits = type.kind == Type::TFloat ? 32 : type.bits,
           perWord = 32 / bits;
  uint32_t value = words[index / perWord] >> (bits * (index % perWord));
  float number;
  switch (type.kind) {
  case Type::TFloat: // the device ignores the low bits
    value &= 0xffffe000;
    memcpy(&number, &value, sizeof number);
    return number;
  case Type::BFloat:
    value <<= 16;
    memcpy(&number, &value, sizeof number);
    return number;
  case Type::E4M3:
    return arithmetic::decodeSmall(value, uint32_t(Format::E4M3));
  case Type::E5M2:
    return arithmetic::decodeSmall(value, uint32_t(Format::E5M2));
  case Type::Signed:
    return bits == 8 ? double(int8_t(value)) : double(int32_t(value));
  case Type::Unsigned:
    return uint8_t(value);
  default:
    if (bits == 16)
      return arithmetic::decodeHalf(value);
    memcpy(&number, &value, sizeof number);
    return number;
  }
}

static void store(uint32_t *words, unsigned index, Type type, double value,
                  bool saturates) {
  if (type.bits == 64)
    memcpy(words + 2 * index, &value, sizeof value);
  else if (type.isInteger()) {
    double limited =
        saturates ? std::fmin(std::fmax(value, -2147483648.0), 2147483647.0)
                  : value;
    words[index] = uint32_t(int64_t(limited));
  } else if (type.bits == 32) {
    float number = value;
    memcpy(words + index, &number, sizeof number);
  } else {
    uint32_t bits = arithmetic::encode(value, uint32_t(Format::F16), 0, 0);
    uint32_t &word = words[index / 2];
    word =
        index % 2 ? (word & 0xffff) | bits << 16 : (word & 0xffff0000) | bits;
  }
}

// All fragments follow one pattern: lane l holds row l/4 (and l/4+8) and, per
// register, the elements of one word at column (l%4) times their number.
// Products are exact and summed in f64 in the order of k; the sum is rounded
// once. (The device rounds differently in the last bits, and not the same on
// each generation.)
void ptx::multiplyMatrices(Thread *const *lanes, const Site *site) {
  unsigned m = site->shape[0], n = site->shape[1], k = site->shape[2];
  unsigned bits = site->type.kind == Type::TFloat ? 32 : site->type.bits;
  unsigned perWord = bits == 64 ? 1 : 32 / bits, rowHalves = m / 8;
  unsigned scale = bits == 64 ? 2 : 1; // words of a register
  unsigned wordsA = m * k / 32 / perWord * scale,
           wordsB = n * k / 32 / perWord * scale;
  double a[16][32], b[32][8], c[16][8];
  for (unsigned lane = 0; lane < 32; ++lane) {
    const uint32_t *words = lanes[lane]->registers;
    unsigned group = lane / 4, within = lane % 4;
    for (unsigned i = 0; i < m * k / 32; ++i) {
      unsigned reg = i / perWord;
      unsigned row = group + 8 * (reg % rowHalves),
               column = within * perWord + i % perWord +
                        reg / rowHalves * 4 * perWord;
      a[row][column] = element(words, i, site->type);
    }
    for (unsigned i = 0; i < n * k / 32; ++i)
      b[within * perWord + i % perWord + i / perWord * 4 * perWord][group] =
          element(words + wordsA, i, site->typeB);
    for (unsigned i = 0; i < m * n / 32; ++i)
      c[group + 8 * (i / 2)][2 * within + i % 2] =
          element(words + wordsA + wordsB, i, site->typeAcc);
  }
  for (unsigned lane = 0; lane < 32; ++lane)
    for (unsigned i = 0; i < m * n / 32; ++i) {
      unsigned row = lane / 4 + 8 * (i / 2), column = 2 * (lane % 4) + i % 2;
      double sum = c[row][column];
      for (unsigned j = 0; j < k; ++j)
        sum = bits == 64 ? std::fma(a[row][j], b[j][column], sum)
                         : sum + a[row][j] * b[j][column];
      store(lanes[lane]->registers, i, site->typeAcc, sum, site->mode);
    }
}
