//===- FoldConstants.cpp - folds of constant tensors ----------------------===//

#include "FoldConstants.h"
#include "lamina/Lam/Lam.h"
#include "lamina/Support/Elements.h"

using namespace mlir;

namespace lamina::lam {

/// A larger constant would cost more memory and object code than the op costs
/// time.
static constexpr int64_t largest = 1024;

static bool isSmall(RankedTensorType type) {
  return type.hasStaticShape() && type.getNumElements() <= largest;
}

OpFoldResult foldPointwise(Operation *op, ArrayRef<Attribute> operands) {
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  if (!type.hasStaticShape() || isa<SelectOp>(op))
    return {};
  bool isSplat = true;
  SmallVector<DenseElementsAttr, 3> constants;
  for (Attribute operand : operands) {
    auto constant = dyn_cast_or_null<DenseElementsAttr>(operand);
    if (!constant)
      return {};
    isSplat &= constant.isSplat();
    constants.push_back(constant);
  }
  std::optional<DType> from = fromMLIR(constants[0].getElementType()),
                       to = fromMLIR(type.getElementType());
  // Only in float64 is the neighbour of a number a question of its value.
  if (!from || !to || (!isSplat && !isSmall(type)) ||
      (isa<NextAfterOp>(op) && from != DType::Float64))
    return {};

  SmallVector<NDArray, 3> arrays;
  for (DenseElementsAttr constant : constants) {
    if (isSplat)
      constant = constant.resizeSplat(
          RankedTensorType::get({}, constant.getElementType()));
    arrays.push_back(*fromElements(constant));
  }
  auto pointwise = cast<PointwiseOpInterface>(op);
  NDArray result(*to, arrays[0].shape());
  bool isUnsignedInt = isUnsigned(*from) || from == DType::Bool;
  for (int64_t i = 0; i < result.size(); ++i) {
    SmallVector<double, 3> reals;
    SmallVector<Integer, 3> integers;
    for (const NDArray &array : arrays) {
      if (isFloat(*from))
        reals.push_back(array.getDouble(i));
      else
        integers.push_back({array.getInt(i), isUnsignedInt, bitWidth(*from)});
    }
    if (isFloat(*from))
      result.setDouble(i, pointwise.evaluate(reals));
    else
      result.setInt(i, wrap(pointwise.evaluateInteger(integers).value, *to));
  }
  DenseElementsAttr elements = toElements(result, op->getContext());
  return isSplat ? elements.resizeSplat(type) : elements;
}

OpFoldResult castConstant(Attribute x, RankedTensorType type) {
  auto constant = dyn_cast_or_null<DenseElementsAttr>(x);
  if (!constant || !type.hasStaticShape())
    return {};
  if (constant.isSplat())
    constant = constant.resizeSplat(
        RankedTensorType::get({}, constant.getElementType()));
  else if (!isSmall(type))
    return {};
  std::optional<NDArray> array = fromElements(constant);
  std::optional<DType> to = fromMLIR(type.getElementType());
  if (!array || !to)
    return {};
  DenseElementsAttr result = toElements(array->cast(*to), type.getContext());
  return result.isSplat() ? result.resizeSplat(type) : result;
}

OpFoldResult moveConstant(
    Attribute x, RankedTensorType type,
    llvm::function_ref<void(ArrayRef<int64_t>, MutableArrayRef<int64_t>)>
        place) {
  auto constant = dyn_cast_or_null<DenseElementsAttr>(x);
  if (!constant || !type.hasStaticShape())
    return {};
  if (constant.isSplat())
    return constant.resizeSplat(type);
  std::optional<NDArray> array =
      isSmall(type) ? fromElements(constant) : std::nullopt;
  if (!array)
    return {};
  NDArray result(array->dtype(), type.getShape());
  ArrayRef<int64_t> shape = constant.getType().getShape();
  SmallVector<int64_t> to(type.getRank(), 0);
  for (int64_t i = 0; i < result.size(); ++i) {
    SmallVector<int64_t> from(shape.size(), 0);
    place(to, from);
    int64_t at = 0;
    for (auto [index, size] : llvm::zip_equal(from, shape))
      at = at * size + index;
    if (isFloat(array->dtype()))
      result.setDouble(i, array->getDouble(at));
    else
      result.setInt(i, array->getInt(at));
    for (size_t d = to.size(); d-- > 0;) {
      if (++to[d] < type.getDimSize(d))
        break;
      to[d] = 0;
    }
  }
  return toElements(result, type.getContext());
}

} // namespace lamina::lam
