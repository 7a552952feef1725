//===- KerasGather.cpp - lam as Keras: computed places --------------------===//

#include "KerasWriter.h"
#include "lamina/Support/Elements.h"

using namespace mlir;

namespace lamina {

bool KerasWriter::gather(lam::GatherOp op) {
  RankedTensorType from = typeOf(op.getX()), at = typeOf(op.getIndices()),
                   to = typeOf(op);
  int64_t batch = op.getBatchDims(), rank = from.getRank();
  ArrayRef<int64_t> axes = op.getAxes();
  std::string x = get(op.getX()), indices = get(op.getIndices());
  if (x.empty() || indices.empty() || batch > 0)
    return false;
  SmallVector<int64_t> perm(axes);
  for (int64_t i = 0; i < rank; ++i)
    if (!llvm::is_contained(axes, i))
      perm.push_back(i);
  x = transpose(x, perm);
  // One index of all dimensions that are indexed.
  SmallVector<int64_t> rest, last, strides;
  for (int64_t axis : axes)
    if (from.isDynamicDim(axis))
      return false;
  int64_t count = 1;
  for (int64_t axis : llvm::reverse(axes)) {
    strides.insert(strides.begin(), count);
    last.insert(last.begin(), from.getDimSize(axis) - 1);
    count *= from.getDimSize(axis);
  }
  Type element = at.getElementType();
  auto typed = [&](ArrayRef<int64_t> values) {
    return argument(constant(toElements(
        valueOf(numbers(values)).cast(*fromMLIR(element)), op.getContext())));
  };
  SmallVector<int64_t> places(at.getShape());
  if (!isConstant(indices)) {
    indices = this->op("numpy", "Minimum", Object{},
                       Array{argument(indices), typed(last)}, places, element);
    indices = this->op("numpy", "Maximum", Object{},
                       Array{argument(indices), 0}, places, element);
    bool isOne = axes.size() == 1;
    if (!isOne)
      indices =
          this->op("numpy", "Multiply", {},
                   Array{argument(indices), typed(strides)}, places, element);
    places.pop_back();
    int64_t axis = at.getRank() - 1;
    indices = isOne ? this->op("numpy", "Squeeze", Object{{"axis", axis}},
                               Array{argument(indices)}, places, element)
                    : this->op("numpy", "Sum",
                               Object{{"axis", axis}, {"keepdims", false}},
                               Array{argument(indices)}, places, element);
  } else {
    NDArray values = valueOf(indices);
    places.pop_back();
    NDArray flat(DType::Int32, places);
    int64_t width = axes.size();
    for (int64_t i = 0; i < flat.size(); ++i) {
      int64_t place = 0;
      for (int64_t k = 0; k < width; ++k)
        place += std::clamp<int64_t>(values.getInt(i * width + k), 0, last[k]) *
                 strides[k];
      flat.setInt(i, place);
    }
    indices = constant(toElements(flat, op.getContext()));
  }
  if (axes.size() > 1) {
    SmallVector<int64_t> shape{count};
    llvm::append_range(shape, shapeOfValue(x).drop_front(axes.size()));
    if (llvm::count(shape, ShapedType::kDynamic) > 1)
      return false;
    x = reshape(x, shape);
  }
  set(op, this->op("numpy", "Take", Object{{"axis", 0}},
                   Array{argument(x), argument(indices, true)}, to.getShape(),
                   to.getElementType()));
  return true;
}

bool KerasWriter::scatter(lam::ScatterOp op) {
  if (op.getBatchDims() > 0)
    return false;
  std::string x = get(op.getX()), indices = get(op.getIndices()),
              updates = get(op.getUpdates());
  RankedTensorType type = typeOf(op);
  if (x.empty() || indices.empty() || updates.empty())
    return false;
  for (auto [i, axis] : llvm::enumerate(op.getAxes()))
    if (int64_t(i) != axis)
      return false;
  static constexpr const char *kinds[] = {"", "add", "mul", "max", "min"};
  int kind = int(op.getKind());
  set(op,
      this->op("core", "ScatterUpdate",
               Object{{"reduction", kind ? JSON(kinds[kind]) : JSON(nullptr)}},
               Array{argument(x, true), argument(indices, true),
                     argument(updates, true)},
               type.getShape(), type.getElementType()));
  return true;
}

} // namespace lamina
