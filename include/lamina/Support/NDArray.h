//===- NDArray.h - dense arrays in host memory ------------------*- C++ -*-===//
#ifndef LAMINA_SUPPORT_NDARRAY_H
#define LAMINA_SUPPORT_NDARRAY_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include <cstdint>
#include <optional>
#include <vector>

namespace mlir {
class Type;
class MLIRContext;
} // namespace mlir

namespace lamina {

/// The element types of the language, with NumPy's names.
enum class DType { Bool, Int8, Int16, Int32, Int64, UInt8, UInt16, UInt32, UInt64, Float16, BFloat16, Float32, Float64 };

/// "float32", …; the inverse is empty for an unknown name.
llvm::StringRef name(DType type);
std::optional<DType> parseDType(llvm::StringRef name);
/// Bytes of one element.
size_t sizeOf(DType type);
bool isFloat(DType type);
bool isSigned(DType type);   // signed integers only
bool isUnsigned(DType type); // unsigned integers only
inline bool isInteger(DType type) { return isSigned(type) || isUnsigned(type); }
unsigned bitWidth(DType type);

/// The integer of `type` next to `value` towards zero; NaN gives 0 (`lam.cast`).
int64_t saturate(double value, DType type);
/// `value` reduced to the width of the integer `type` and extended again.
int64_t wrap(int64_t value, DType type);
/// `value` rounded to nearest even in the float `type`.
double roundTo(double value, DType type);

/// The MLIR element type (signless for signed integers, `ui8`… for unsigned, `i1` for bool), and back.
mlir::Type toMLIR(DType type, mlir::MLIRContext *context);
std::optional<DType> fromMLIR(mlir::Type elementType);

/// A row-major, contiguous array that owns its bytes. A bool takes one byte.
class NDArray {
public:
  NDArray() : dtypeValue(DType::Float32) {}
  /// Zero-filled.
  NDArray(DType dtype, llvm::ArrayRef<int64_t> shape);

  DType dtype() const { return dtypeValue; }
  llvm::ArrayRef<int64_t> shape() const { return shapeValue; }
  unsigned rank() const { return shapeValue.size(); }
  /// The number of elements.
  int64_t size() const { return count; }
  size_t bytes() const { return data_.size(); }
  void *data() { return data_.data(); }
  const void *data() const { return data_.data(); }

  /// Element `i` in row-major order, converted. Writing to an integer type
  /// wraps, writing to a narrower float rounds to nearest even.
  double getDouble(int64_t i) const;
  int64_t getInt(int64_t i) const;
  void setDouble(int64_t i, double value);
  void setInt(int64_t i, int64_t value);

  /// The same elements in another type, as `lam.cast` converts (NumPy's astype,
  /// and saturating where that is undefined).
  NDArray cast(DType dtype) const;

private:
  DType dtypeValue;
  llvm::SmallVector<int64_t> shapeValue;
  int64_t count = 0;
  std::vector<char> data_;
};

} // namespace lamina

#endif // LAMINA_SUPPORT_NDARRAY_H
