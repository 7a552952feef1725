//===- LamToLinalgSizes.cpp - types, sizes and empty tensors --------------===//

#include "LamToLinalg.h"
#include "lamina/Lam/Sizes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;

namespace lamina::lam {

Type signless(Type type) {
  if (auto tensor = dyn_cast<RankedTensorType>(type))
    return tensor.clone(signless(tensor.getElementType()));
  auto integer = dyn_cast<IntegerType>(type);
  if (!integer || integer.isSignless())
    return type;
  return IntegerType::get(type.getContext(), integer.getWidth());
}

RankedTensorType signlessTensor(Value value) {
  return cast<RankedTensorType>(signless(value.getType()));
}

Type elementType(Value value) {
  return cast<RankedTensorType>(value.getType()).getElementType();
}

bool readsUnsigned(Type type) {
  return type.isUnsignedInteger() || type.isInteger(1);
}

Type computeType(Type type) {
  if (type.isF16() || type.isBF16())
    return Float32Type::get(type.getContext());
  return signless(type);
}

Value indexConstant(OpBuilder &b, Location loc, int64_t value) {
  return arith::ConstantIndexOp::create(b, loc, value);
}

Value sizeValue(OpBuilder &b, Location loc, OpFoldResult size) {
  return getValueOrCreateConstantIndexOp(b, loc, size);
}

bool sameSize(OpFoldResult a, OpFoldResult b) {
  if (isEqualConstantIntOrValue(a, b))
    return true;
  auto x = dyn_cast<Value>(a), y = dyn_cast<Value>(b);
  if (!x || !y)
    return false;
  auto p = x.getDefiningOp<tensor::DimOp>(),
       q = y.getDefiningOp<tensor::DimOp>();
  return p && q && p.getSource() == q.getSource() && p.getConstantIndex() &&
         p.getConstantIndex() == q.getConstantIndex();
}

OpFoldResult addSizes(OpBuilder &b, Location loc, OpFoldResult x,
                      OpFoldResult y) {
  auto m = getConstantIntValue(x), n = getConstantIntValue(y);
  if (m && n)
    return b.getIndexAttr(*m + *n);
  if (m == 0)
    return y;
  if (n == 0)
    return x;
  return arith::AddIOp::create(b, loc, sizeValue(b, loc, x),
                               sizeValue(b, loc, y))
      .getResult();
}

OpFoldResult mulSizes(OpBuilder &b, Location loc, OpFoldResult x,
                      OpFoldResult y) {
  auto m = getConstantIntValue(x), n = getConstantIntValue(y);
  if (m && n)
    return b.getIndexAttr(*m * *n);
  if (m == 1)
    return y;
  if (n == 1)
    return x;
  return arith::MulIOp::create(b, loc, sizeValue(b, loc, x),
                               sizeValue(b, loc, y))
      .getResult();
}

OpFoldResult sizeOf(ConversionPatternRewriter &b, Location loc, Value value,
                    int64_t dim) {
  SizeSource source = sourceOfSize(value, dim);
  if (auto size = dyn_cast_or_null<Value>(source.known))
    return b.getRemappedValue(size);
  if (source.known)
    return source.known;
  return tensor::DimOp::create(b, loc, b.getRemappedValue(source.tensor),
                               source.dim)
      .getResult();
}

SmallVector<OpFoldResult> sizesOf(ConversionPatternRewriter &b, Location loc,
                                  Value value) {
  SmallVector<OpFoldResult> sizes;
  auto type = cast<RankedTensorType>(value.getType());
  for (int64_t i = 0; i < type.getRank(); ++i)
    sizes.push_back(sizeOf(b, loc, value, i));
  return sizes;
}

Value emptyTensor(OpBuilder &b, Location loc, RankedTensorType type,
                  ArrayRef<OpFoldResult> sizes) {
  SmallVector<Value> dynamic;
  for (int64_t i = 0; i < type.getRank(); ++i)
    if (type.isDynamicDim(i))
      dynamic.push_back(sizeValue(b, loc, sizes[i]));
  return tensor::EmptyOp::create(b, loc, type, dynamic);
}

Value filledTensor(OpBuilder &b, Location loc, RankedTensorType type,
                   ArrayRef<OpFoldResult> sizes, Value scalar) {
  Value empty = emptyTensor(b, loc, type, sizes);
  return linalg::FillOp::create(b, loc, scalar, empty).getResult(0);
}

Value emptyLike(ConversionPatternRewriter &b, Location loc, Value value) {
  return emptyTensor(b, loc, signlessTensor(value), sizesOf(b, loc, value));
}

} // namespace lamina::lam
