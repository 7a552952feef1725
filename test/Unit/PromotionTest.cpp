//===- PromotionTest.cpp - Keras's answers on mixed dtypes ----------------===//

#include "lamina/Frontend/Promotion.h"
#include "gtest/gtest.h"

using namespace lamina;
using namespace lamina::frontend;

namespace {

// keras.backend.result_type(row, column) of Keras 3 with 64-bit types kept; the
// last two columns are Python's int and float.
const char *const columns[] = {
    "bool",   "int8",   "int16",   "int32",    "int64",   "uint8",  "uint16",
    "uint32", "uint64", "float16", "bfloat16", "float32", "float64"};
const struct {
  const char *row;
  const char *results[15];
} table[] = {
    {"bool",
     {"bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32",
      "uint64", "float16", "bfloat16", "float32", "float64", "int32",
      "float32"}},
    {"int8",
     {"int8", "int8", "int16", "int32", "int64", "int16", "int32", "int64",
      "float32", "float16", "bfloat16", "float32", "float64", "int8",
      "float32"}},
    {"int16",
     {"int16", "int16", "int16", "int32", "int64", "int16", "int32", "int64",
      "float32", "float16", "bfloat16", "float32", "float64", "int16",
      "float32"}},
    {"int32",
     {"int32", "int32", "int32", "int32", "int64", "int32", "int32", "int64",
      "float32", "float16", "bfloat16", "float32", "float64", "int32",
      "float32"}},
    {"int64",
     {"int64", "int64", "int64", "int64", "int64", "int64", "int64", "int64",
      "float32", "float16", "bfloat16", "float32", "float64", "int64",
      "float32"}},
    {"uint8",
     {"uint8", "int16", "int16", "int32", "int64", "uint8", "uint16", "uint32",
      "uint64", "float16", "bfloat16", "float32", "float64", "uint8",
      "float32"}},
    {"uint16",
     {"uint16", "int32", "int32", "int32", "int64", "uint16", "uint16",
      "uint32", "uint64", "float16", "bfloat16", "float32", "float64", "uint16",
      "float32"}},
    {"uint32",
     {"uint32", "int64", "int64", "int64", "int64", "uint32", "uint32",
      "uint32", "uint64", "float16", "bfloat16", "float32", "float64", "uint32",
      "float32"}},
    {"uint64",
     {"uint64", "float32", "float32", "float32", "float32", "uint64", "uint64",
      "uint64", "uint64", "float16", "bfloat16", "float32", "float64", "uint64",
      "float32"}},
    {"float16",
     {"float16", "float16", "float16", "float16", "float16", "float16",
      "float16", "float16", "float16", "float16", "float32", "float32",
      "float64", "float16", "float16"}},
    {"bfloat16",
     {"bfloat16", "bfloat16", "bfloat16", "bfloat16", "bfloat16", "bfloat16",
      "bfloat16", "bfloat16", "bfloat16", "float32", "bfloat16", "float32",
      "float64", "bfloat16", "bfloat16"}},
    {"float32",
     {"float32", "float32", "float32", "float32", "float32", "float32",
      "float32", "float32", "float32", "float32", "float32", "float32",
      "float64", "float32", "float32"}},
    {"float64",
     {"float64", "float64", "float64", "float64", "float64", "float64",
      "float64", "float64", "float64", "float64", "float64", "float64",
      "float64", "float64", "float64"}},
};

DType type(const char *name) { return *parseDType(name); }

TEST(Promotion, AgreesWithKeras) {
  for (const auto &[row, results] : table)
    for (unsigned i = 0; i < 15; ++i) {
      PromotionType column = i == 13   ? PromotionType::weakInt()
                             : i == 14 ? PromotionType::weakFloat()
                                       : PromotionType(type(columns[i]));
      PromotionType first = type(row);
      EXPECT_EQ(name(promoteTypes({first, column})), results[i])
          << row << " with column " << i;
      EXPECT_EQ(name(promoteTypes({column, first})), results[i])
          << row << " with column " << i;
      EXPECT_EQ(name(promoteTypes({first, column, first})), results[i]);
    }
}

TEST(Promotion, SeveralAndWeak) {
  auto anInt = PromotionType::weakInt(), aFloat = PromotionType::weakFloat();
  EXPECT_EQ(promoteTypes({}), DType::Float32);
  EXPECT_EQ(promoteTypes({anInt}), DType::Int32);
  EXPECT_EQ(promoteTypes({aFloat}), DType::Float32);
  EXPECT_EQ(promoteTypes({anInt, aFloat}), DType::Float32);
  EXPECT_EQ(promoteTypes({DType::Bool, anInt, DType::Int8}), DType::Int8);
  EXPECT_EQ(promoteTypes({DType::UInt8, DType::Int8, DType::UInt16}),
            DType::Int32);
  EXPECT_EQ(promoteTypes({DType::Float16, aFloat, DType::BFloat16}),
            DType::Float32);
  EXPECT_EQ(promoteTypes({DType::UInt64, DType::Int8, anInt}), DType::Float32);
}

} // namespace
