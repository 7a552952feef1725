//===- Tensor.h - the interpreter's values ----------------------*- C++ -*-===//
#ifndef LAMINA_LIB_INTERPRETER_TENSOR_H
#define LAMINA_LIB_INTERPRETER_TENSOR_H

#include "lamina/Support/NDArray.h"
#include <array>
#include <memory>

namespace lamina::interpreter {

using Shape = llvm::SmallVector<int64_t, 4>;

/// A row-major tensor. Floats of every type are doubles, integers of every type
/// and bools are 64-bit integers. Copies share the elements, so an element may
/// be written only before the tensor is handed on.
class Tensor {
public:
  Tensor() = default;
  /// Zero-filled.
  Tensor(DType type, llvm::ArrayRef<int64_t> shape);
  /// The elements of `array`, floats for a float type and so on, as `type`.
  Tensor(const NDArray &array, DType type);

  /// As an array of `type`.
  NDArray toArray(DType type) const;
  /// The same elements under another shape.
  Tensor reshaped(llvm::ArrayRef<int64_t> shape) const;

  DType type = DType::Float32;
  Shape shape;
  int64_t count = 1;

  bool isReal() const { return isFloat(type); }
  double *reals() const { return realData.get(); }
  int64_t *integers() const { return integerData.get(); }

  /// Calls `function` with the elements of each of `tensors`, as double * or
  /// int64_t *; all tensors have one type.
  template <class Function, class... Tensors>
  friend void visit(Function function, const Tensor &first,
                    const Tensors &...rest) {
    if (first.isReal())
      function(first.reals(), rest.reals()...);
    else
      function(first.integers(), rest.integers()...);
  }

private:
  std::shared_ptr<double[]> realData;
  std::shared_ptr<int64_t[]> integerData;
};

/// Row-major strides of `shape`.
Shape stridesOf(llvm::ArrayRef<int64_t> shape);

/// Walks `shape` row by row with N places that move by strides of their own:
/// `function(places, length, steps)` once per row of the last dimension.
template <size_t N, class Function>
void forEachRow(llvm::ArrayRef<int64_t> shape, std::array<Shape, N> strides,
                std::array<int64_t, N> places, Function function) {
  std::array<int64_t, N> steps = {};
  if (shape.empty()) {
    function(places, int64_t(1), steps);
    return;
  }
  for (int64_t size : shape)
    if (size == 0)
      return;
  size_t last = shape.size() - 1;
  for (size_t n = 0; n < N; ++n)
    steps[n] = strides[n][last];
  Shape index(last, 0);
  while (true) {
    function(places, shape[last], steps);
    size_t d = last;
    while (d-- > 0) {
      for (size_t n = 0; n < N; ++n)
        places[n] += strides[n][d];
      if (++index[d] < shape[d])
        break;
      for (size_t n = 0; n < N; ++n)
        places[n] -= strides[n][d] * shape[d];
      index[d] = 0;
    }
    if (d == static_cast<size_t>(-1))
      return;
  }
}

/// to[toPlace + i * toStrides] = from[fromPlace + i * fromStrides] over
/// `shape`.
template <class T>
void copyStrided(T *to, const Shape &toStrides, int64_t toPlace, const T *from,
                 const Shape &fromStrides, int64_t fromPlace,
                 llvm::ArrayRef<int64_t> shape) {
  forEachRow<2>(shape, {toStrides, fromStrides}, {toPlace, fromPlace},
                [&](auto places, int64_t length, auto steps) {
                  T *row = to + places[0];
                  const T *source = from + places[1];
                  for (int64_t i = 0; i < length; ++i)
                    row[i * steps[0]] = source[i * steps[1]];
                });
}

} // namespace lamina::interpreter

#endif // LAMINA_LIB_INTERPRETER_TENSOR_H
