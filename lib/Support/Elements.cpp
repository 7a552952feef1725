//===- Elements.cpp - arrays as attributes --------------------------------===//
#include "lamina/Support/Elements.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include <cstring>

using namespace lamina;

mlir::DenseElementsAttr lamina::toElements(const NDArray &array,
                                           mlir::MLIRContext *context) {
  auto type = mlir::RankedTensorType::get(array.shape(),
                                          toMLIR(array.dtype(), context));
  const char *bytes = static_cast<const char *>(array.data());
  size_t element = sizeOf(array.dtype());
  // Every element equal to the one before it: a splat.
  bool splat = array.size() > 0 && std::memcmp(bytes, bytes + element,
                                               array.bytes() - element) == 0;
  size_t count = splat ? 1 : array.size();
  if (array.dtype() == DType::Bool) {
    llvm::SmallVector<bool> values;
    for (size_t i = 0; i < count; ++i)
      values.push_back(bytes[i] != 0);
    return mlir::DenseElementsAttr::get(type, llvm::ArrayRef<bool>(values));
  }
  return mlir::DenseElementsAttr::getFromRawBuffer(type,
                                                   {bytes, count * element});
}

/// Raw little-endian elements; one stands for all.
static std::optional<NDArray> fromRaw(llvm::ArrayRef<char> raw, DType dtype,
                                      llvm::ArrayRef<int64_t> shape) {
  NDArray array(dtype, shape);
  size_t element = sizeOf(dtype);
  char *bytes = static_cast<char *>(array.data());
  if (raw.size() == array.bytes()) {
    if (!raw.empty())
      std::memcpy(bytes, raw.data(), raw.size());
    return array;
  }
  if (raw.size() != element)
    return std::nullopt;
  for (int64_t i = 0; i < array.size(); ++i)
    std::memcpy(bytes + i * element, raw.data(), element);
  return array;
}

std::optional<NDArray> lamina::fromElements(mlir::ElementsAttr elements) {
  std::optional<DType> dtype = fromMLIR(elements.getElementType());
  if (!dtype)
    return std::nullopt;
  llvm::ArrayRef<int64_t> shape = elements.getShapedType().getShape();
  if (auto dense = mlir::dyn_cast<mlir::DenseElementsAttr>(elements)) {
    if (*dtype != DType::Bool)
      return fromRaw(dense.getRawData(), *dtype, shape);
    NDArray array(*dtype, shape);
    for (auto [i, value] : llvm::enumerate(dense.getValues<bool>()))
      array.setInt(i, value);
    return array;
  }
  if (auto resource =
          mlir::dyn_cast<mlir::DenseResourceElementsAttr>(elements)) {
    mlir::AsmResourceBlob *blob = resource.getRawHandle().getBlob();
    if (blob && *dtype != DType::Bool)
      return fromRaw(blob->getData(), *dtype, shape);
  }
  return std::nullopt;
}
