//===- NDArrayTest.cpp - arrays, element types, small floats --------------===//

#include "lamina/Support/NDArray.h"
#include "lamina/Support/FloatBits.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/MLIRContext.h"
#include "llvm/ADT/APFloat.h"
#include "gtest/gtest.h"
#include <cmath>
#include <limits>
#include <random>

using namespace lamina;

static const DType allTypes[] = {
    DType::Bool,   DType::Int8,    DType::Int16,    DType::Int32,
    DType::Int64,  DType::UInt8,   DType::UInt16,   DType::UInt32,
    DType::UInt64, DType::Float16, DType::BFloat16, DType::Float32,
    DType::Float64};

TEST(DType, namesAndTypesAreInverse) {
  mlir::MLIRContext context;
  for (DType type : allTypes) {
    EXPECT_EQ(parseDType(name(type)), type);
    EXPECT_EQ(fromMLIR(toMLIR(type, &context)), type);
    EXPECT_EQ(sizeOf(type), (bitWidth(type) + 7) / 8);
    EXPECT_EQ(isFloat(type) + isSigned(type) + isUnsigned(type),
              type != DType::Bool);
  }
  EXPECT_EQ(parseDType("float8"), std::nullopt);
  EXPECT_EQ(fromMLIR(mlir::IndexType::get(&context)), std::nullopt);
}

TEST(NDArray, isZeroFilled) {
  NDArray array(DType::Int16, {3, 5});
  EXPECT_EQ(array.size(), 15);
  EXPECT_EQ(array.bytes(), 30u);
  for (int64_t i = 0; i < array.size(); ++i)
    EXPECT_EQ(array.getInt(i), 0);
  EXPECT_EQ(NDArray(DType::Float32, {}).size(), 1);
  EXPECT_EQ(NDArray(DType::Float32, {3, 0}).size(), 0);
}

TEST(NDArray, integersWrap) {
  NDArray array(DType::Int8, {2});
  array.setInt(0, 200);
  array.setDouble(1, -129);
  EXPECT_EQ(array.getInt(0), -56);
  EXPECT_EQ(array.getInt(1), 127);
  NDArray wide(DType::UInt64, {2});
  wide.setDouble(0, 0x1p63);
  wide.setInt(1, -1);
  EXPECT_EQ(wide.getDouble(0), 0x1p63);
  EXPECT_EQ(wide.getDouble(1), 0x1p64);
}

TEST(NDArray, castConvertsAsTheDialectDoes) {
  NDArray from(DType::Float64, {6});
  const double values[] = {
      -1.9,   300, std::nan(""), std::numeric_limits<double>::infinity(),
      -1e300, 0.4};
  for (int i = 0; i < 6; ++i)
    from.setDouble(i, values[i]);
  const int64_t int8[] = {-1, 127, 0, 127, -128, 0};
  const int64_t uint8[] = {0, 255, 0, 255, 0, 0};
  const int64_t boolean[] = {1, 1, 1, 1, 1, 1};
  for (int i = 0; i < 6; ++i) {
    EXPECT_EQ(from.cast(DType::Int8).getInt(i), int8[i]) << i;
    EXPECT_EQ(from.cast(DType::UInt8).getInt(i), uint8[i]) << i;
    EXPECT_EQ(from.cast(DType::Bool).getInt(i), boolean[i]) << i;
  }
  NDArray big(DType::UInt64, {1});
  big.setInt(0, -1);
  EXPECT_EQ(big.cast(DType::Float32).getDouble(0), 0x1p64);
  EXPECT_EQ(big.cast(DType::Int32).getInt(0), -1);
}

/// LLVM's conversion, as the independent truth.
static uint64_t converted(double value, const llvm::fltSemantics &semantics) {
  llvm::APFloat number(value);
  bool lost;
  number.convert(semantics, llvm::APFloat::rmNearestTiesToEven, &lost);
  return number.bitcastToAPInt().getZExtValue();
}

TEST(FloatBits, everyPatternSurvives) {
  for (unsigned bits = 0; bits < 0x10000; ++bits) {
    double half = decodeFloat<5, 10>(bits), brain = decodeFloat<8, 7>(bits);
    llvm::APFloat expected(llvm::APFloat::IEEEhalf(), llvm::APInt(16, bits));
    if (std::isnan(half)) {
      EXPECT_TRUE(expected.isNaN());
      EXPECT_TRUE(std::isnan(decodeFloat<5, 10>(encodeFloat<5, 10>(half))));
    } else {
      EXPECT_EQ(half, expected.convertToDouble());
      EXPECT_EQ((encodeFloat<5, 10>(half)), bits);
    }
    if (!std::isnan(brain)) {
      EXPECT_EQ((encodeFloat<8, 7>(brain)), bits);
    }
  }
}

TEST(FloatBits, roundsToNearestEven) {
  std::mt19937_64 random(3);
  for (unsigned i = 0; i < 200000; ++i) {
    // Every exponent around the formats' ranges, and many exact ties.
    int exponent = static_cast<int>(random() % 320) - 160;
    auto digits =
        static_cast<double>(random() % (uint64_t(1) << (8 + random() % 40)));
    double value = std::ldexp(digits, exponent - 20);
    if (random() % 2)
      value = -value;
    ASSERT_EQ((encodeFloat<5, 10>(value)),
              converted(value, llvm::APFloat::IEEEhalf()))
        << value;
    ASSERT_EQ((encodeFloat<8, 7>(value)),
              converted(value, llvm::APFloat::BFloat()))
        << value;
  }
}
