//===- Tensor.cpp - the interpreter's values ------------------------------===//

#include "Tensor.h"

namespace lamina::interpreter {

Tensor::Tensor(DType type, llvm::ArrayRef<int64_t> shape)
    : type(type), shape(shape) {
  for (int64_t size : shape)
    count *= size;
  if (isReal())
    realData = std::make_shared<double[]>(count);
  else
    integerData = std::make_shared<int64_t[]>(count);
}

Tensor::Tensor(const NDArray &array, DType type) : Tensor(type, array.shape()) {
  for (int64_t i = 0; i < count; ++i)
    if (isReal())
      realData[i] = array.getDouble(i);
    else
      integerData[i] = array.getInt(i);
}

NDArray Tensor::toArray(DType type) const {
  NDArray array(type, shape);
  for (int64_t i = 0; i < count; ++i)
    if (isReal())
      array.setDouble(i, realData[i]);
    else
      array.setInt(i, integerData[i]);
  return array;
}

Tensor Tensor::reshaped(llvm::ArrayRef<int64_t> newShape) const {
  Tensor result = *this;
  result.shape.assign(newShape.begin(), newShape.end());
  return result;
}

Shape stridesOf(llvm::ArrayRef<int64_t> shape) {
  Shape strides(shape.size(), 1);
  for (size_t i = shape.size(); i-- > 1;)
    strides[i - 1] = strides[i] * shape[i];
  return strides;
}

} // namespace lamina::interpreter
