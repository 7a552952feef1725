//===- NDArray.cpp - dense arrays in host memory --------------------------===//

#include "lamina/Support/NDArray.h"
#include "lamina/Support/FloatBits.h"
#include "mlir/IR/BuiltinTypes.h"
#include "llvm/ADT/STLExtras.h"
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

using namespace mlir;

namespace lamina {

//===----------------------------------------------------------------------===//
// Element types
//===----------------------------------------------------------------------===//

namespace {
struct TypeInfo {
  llvm::StringLiteral name;
  unsigned char bytes;
  char kind; // NumPy's: b, i, u, f
};
} // namespace

// In the order of DType.
static constexpr TypeInfo infos[] = {
    {"bool", 1, 'b'},    {"int8", 1, 'i'},     {"int16", 2, 'i'},
    {"int32", 4, 'i'},   {"int64", 8, 'i'},    {"uint8", 1, 'u'},
    {"uint16", 2, 'u'},  {"uint32", 4, 'u'},   {"uint64", 8, 'u'},
    {"float16", 2, 'f'}, {"bfloat16", 2, 'f'}, {"float32", 4, 'f'},
    {"float64", 8, 'f'}};

static const TypeInfo &info(DType type) {
  return infos[static_cast<unsigned>(type)];
}

llvm::StringRef name(DType type) { return info(type).name; }
size_t sizeOf(DType type) { return info(type).bytes; }
bool isFloat(DType type) { return info(type).kind == 'f'; }
bool isSigned(DType type) { return info(type).kind == 'i'; }
bool isUnsigned(DType type) { return info(type).kind == 'u'; }
unsigned bitWidth(DType type) {
  return type == DType::Bool ? 1 : 8 * info(type).bytes;
}

std::optional<DType> parseDType(llvm::StringRef name) {
  for (auto [i, each] : llvm::enumerate(infos))
    if (each.name == name)
      return static_cast<DType>(i);
  return std::nullopt;
}

Type toMLIR(DType type, MLIRContext *context) {
  switch (type) {
  case DType::Float16:
    return Float16Type::get(context);
  case DType::BFloat16:
    return BFloat16Type::get(context);
  case DType::Float32:
    return Float32Type::get(context);
  case DType::Float64:
    return Float64Type::get(context);
  default:
    return IntegerType::get(context, bitWidth(type),
                            isUnsigned(type) ? IntegerType::Unsigned
                                             : IntegerType::Signless);
  }
}

std::optional<DType> fromMLIR(Type elementType) {
  if (elementType.isF16())
    return DType::Float16;
  if (elementType.isBF16())
    return DType::BFloat16;
  if (elementType.isF32())
    return DType::Float32;
  if (elementType.isF64())
    return DType::Float64;
  auto integer = dyn_cast<IntegerType>(elementType);
  if (!integer)
    return std::nullopt;
  switch (integer.getWidth()) {
  case 1:
    return DType::Bool;
  case 8:
    return integer.isUnsigned() ? DType::UInt8 : DType::Int8;
  case 16:
    return integer.isUnsigned() ? DType::UInt16 : DType::Int16;
  case 32:
    return integer.isUnsigned() ? DType::UInt32 : DType::Int32;
  case 64:
    return integer.isUnsigned() ? DType::UInt64 : DType::Int64;
  default:
    return std::nullopt;
  }
}

//===----------------------------------------------------------------------===//
// Numbers
//===----------------------------------------------------------------------===//

int64_t saturate(double value, DType type) {
  if (type == DType::Bool)
    return value != 0;
  if (std::isnan(value))
    return 0;
  unsigned width = bitWidth(type);
  value = std::trunc(value);
  if (isUnsigned(type)) {
    if (value <= 0)
      return 0;
    double end = std::ldexp(1.0, width);
    uint64_t most = ~uint64_t(0) >> (64 - width);
    return static_cast<int64_t>(value >= end ? most
                                             : static_cast<uint64_t>(value));
  }
  double end = std::ldexp(1.0, width - 1);
  int64_t most = std::numeric_limits<int64_t>::max() >> (64 - width);
  if (value >= end)
    return most;
  return value < -end ? -most - 1 : static_cast<int64_t>(value);
}

int64_t wrap(int64_t value, DType type) {
  switch (type) {
  case DType::Bool:
    return value & 1;
  case DType::Int8:
    return static_cast<int8_t>(value);
  case DType::Int16:
    return static_cast<int16_t>(value);
  case DType::Int32:
    return static_cast<int32_t>(value);
  case DType::UInt8:
    return static_cast<uint8_t>(value);
  case DType::UInt16:
    return static_cast<uint16_t>(value);
  case DType::UInt32:
    return static_cast<uint32_t>(value);
  default:
    return value;
  }
}

double roundTo(double value, DType type) {
  switch (type) {
  case DType::Float16:
    return decodeFloat<5, 10>(encodeFloat<5, 10>(value));
  case DType::BFloat16:
    return decodeFloat<8, 7>(encodeFloat<8, 7>(value));
  case DType::Float32:
    return static_cast<float>(value);
  default:
    return value;
  }
}

//===----------------------------------------------------------------------===//
// Arrays
//===----------------------------------------------------------------------===//

NDArray::NDArray(DType dtype, llvm::ArrayRef<int64_t> shape)
    : dtypeValue(dtype), shapeValue(shape), count(1) {
  for (int64_t size : shape)
    count *= size;
  data_.resize(count * sizeOf(dtype));
}

template <class T>
static T load(const char *bytes, int64_t i) {
  T value;
  std::memcpy(&value, bytes + i * sizeof(T), sizeof(T));
  return value;
}
template <class T>
static void store(char *bytes, int64_t i, T value) {
  std::memcpy(bytes + i * sizeof(T), &value, sizeof(T));
}

double NDArray::getDouble(int64_t i) const {
  const char *bytes = data_.data();
  switch (dtypeValue) {
  case DType::Float16:
    return decodeFloat<5, 10>(load<uint16_t>(bytes, i));
  case DType::BFloat16:
    return decodeFloat<8, 7>(load<uint16_t>(bytes, i));
  case DType::Float32:
    return load<float>(bytes, i);
  case DType::Float64:
    return load<double>(bytes, i);
  case DType::UInt64:
    return static_cast<double>(load<uint64_t>(bytes, i));
  default:
    return static_cast<double>(getInt(i));
  }
}

int64_t NDArray::getInt(int64_t i) const {
  const char *bytes = data_.data();
  switch (dtypeValue) {
  case DType::Bool:
    return bytes[i] != 0;
  case DType::Int8:
    return load<int8_t>(bytes, i);
  case DType::UInt8:
    return load<uint8_t>(bytes, i);
  case DType::Int16:
    return load<int16_t>(bytes, i);
  case DType::UInt16:
    return load<uint16_t>(bytes, i);
  case DType::Int32:
    return load<int32_t>(bytes, i);
  case DType::UInt32:
    return load<uint32_t>(bytes, i);
  case DType::Int64:
  case DType::UInt64:
    return load<int64_t>(bytes, i);
  default:
    return saturate(getDouble(i), DType::Int64);
  }
}

void NDArray::setDouble(int64_t i, double value) {
  char *bytes = data_.data();
  switch (dtypeValue) {
  case DType::Float16:
    return store<uint16_t>(bytes, i, encodeFloat<5, 10>(value));
  case DType::BFloat16:
    return store<uint16_t>(bytes, i, encodeFloat<8, 7>(value));
  case DType::Float32:
    return store<float>(bytes, i, static_cast<float>(value));
  case DType::Float64:
    return store<double>(bytes, i, value);
  case DType::Bool:
    return store<char>(bytes, i, value != 0);
  case DType::UInt64:
    // Negative numbers wrap, as they do in every other width.
    return store<int64_t>(
        bytes, i, saturate(value, value < 0 ? DType::Int64 : DType::UInt64));
  default:
    return setInt(i, saturate(value, DType::Int64));
  }
}

void NDArray::setInt(int64_t i, int64_t value) {
  char *bytes = data_.data();
  switch (dtypeValue) {
  case DType::Bool:
    return store<char>(bytes, i, value != 0);
  case DType::Int8:
  case DType::UInt8:
    return store<int8_t>(bytes, i, static_cast<int8_t>(value));
  case DType::Int16:
  case DType::UInt16:
    return store<int16_t>(bytes, i, static_cast<int16_t>(value));
  case DType::Int32:
  case DType::UInt32:
    return store<int32_t>(bytes, i, static_cast<int32_t>(value));
  case DType::Int64:
  case DType::UInt64:
    return store<int64_t>(bytes, i, value);
  case DType::Float32:
    // In one rounding, not by way of double.
    return store<float>(bytes, i, static_cast<float>(value));
  default:
    return setDouble(i, static_cast<double>(value));
  }
}

NDArray NDArray::cast(DType dtype) const {
  if (dtype == dtypeValue)
    return *this;
  NDArray result(dtype, shapeValue);
  bool fromFloat = isFloat(dtypeValue), toFloat = isFloat(dtype);
  for (int64_t i = 0; i < count; ++i) {
    if (fromFloat && toFloat)
      result.setDouble(i, getDouble(i));
    else if (fromFloat)
      result.setInt(i, saturate(getDouble(i), dtype));
    else if (toFloat && dtypeValue == DType::UInt64)
      result.setDouble(i, getDouble(i));
    else
      result.setInt(i, getInt(i));
  }
  return result;
}

} // namespace lamina
