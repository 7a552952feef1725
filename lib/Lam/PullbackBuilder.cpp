//===- PullbackBuilder.cpp - what the structural pullbacks emit -----------===//

#include "PullbackBuilder.h"
#include "lamina/Lam/Sizes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace lamina::lam;

SmallVector<int64_t> lamina::lam::allDims(int64_t rank) {
  return llvm::to_vector(llvm::seq<int64_t>(0, rank));
}

SmallVector<int64_t> lamina::lam::otherDims(int64_t rank,
                                            ArrayRef<int64_t> dims) {
  SmallVector<int64_t> others;
  for (int64_t dim = 0; dim < rank; ++dim)
    if (!llvm::is_contained(dims, dim))
      others.push_back(dim);
  return others;
}

//===----------------------------------------------------------------------===//
// Sizes
//===----------------------------------------------------------------------===//

Value PullbackBuilder::index(int64_t value) {
  return arith::ConstantIndexOp::create(builder, loc, value);
}

Value PullbackBuilder::size(Value value, int64_t dim) {
  return getValueOrCreateConstantIndexOp(builder, loc,
                                         sizeOf(builder, loc, value, dim));
}

SmallVector<Value> PullbackBuilder::sizes(Value like) {
  SmallVector<Value> result;
  for (int64_t i = 0; i < typeOf(like).getRank(); ++i)
    if (typeOf(like).isDynamicDim(i))
      result.push_back(size(like, i));
  return result;
}

Value PullbackBuilder::add(Value a, Value b) {
  return arith::AddIOp::create(builder, loc, a, b);
}
Value PullbackBuilder::mul(Value a, Value b) {
  return arith::MulIOp::create(builder, loc, a, b);
}

//===----------------------------------------------------------------------===//
// Tensors
//===----------------------------------------------------------------------===//

Value PullbackBuilder::scalar(Type element, double value) {
  auto type = RankedTensorType::get({}, element);
  TypedAttr attr =
      isa<FloatType>(element)
          ? TypedAttr(builder.getFloatAttr(element, value))
          : TypedAttr(IntegerAttr::get(
                element, APInt(element.getIntOrFloatBitWidth(),
                               static_cast<int64_t>(value), /*isSigned=*/true,
                               /*implicitTrunc=*/true)));
  return ConstantOp::create(
      builder, loc,
      cast<ElementsAttr>(DenseElementsAttr::get(type, Attribute(attr))));
}

Value PullbackBuilder::splat(Value like, double value) {
  return broadcast(scalar(typeOf(like).getElementType(), value), {}, like);
}

Value PullbackBuilder::broadcast(Value x, ArrayRef<int64_t> dims, Value like) {
  RankedTensorType type = typeOf(like).clone(typeOf(x).getElementType());
  if (type == x.getType() && dims.size() == size_t(type.getRank()))
    return x;
  return BroadcastOp::create(builder, loc, type, x,
                             builder.getDenseI64ArrayAttr(dims), sizes(like));
}

Value PullbackBuilder::reshape(Value x, Value like) {
  RankedTensorType type = typeOf(like).clone(typeOf(x).getElementType());
  // Of one type, and so of one shape: several unknown sizes may differ.
  bool isDetermined =
      type.hasStaticShape() || (type.getNumDynamicDims() == 1 &&
                                !llvm::is_contained(type.getShape(), 0));
  if (type == x.getType() && isDetermined)
    return x;
  return ReshapeOp::create(builder, loc, type, x, sizes(like));
}

Value PullbackBuilder::reshape(Value x, ArrayRef<int64_t> shape,
                               ValueRange sizes) {
  return ReshapeOp::create(builder, loc, typeOf(x).clone(shape), x, sizes);
}

Value PullbackBuilder::transpose(Value x, ArrayRef<int64_t> perm) {
  if (perm == ArrayRef<int64_t>(allDims(perm.size())))
    return x;
  return TransposeOp::create(builder, loc, x, perm);
}

Value PullbackBuilder::reduce(ReduceKind kind, Value x,
                              ArrayRef<int64_t> dims) {
  if (dims.empty())
    return x;
  SmallVector<int64_t> sorted(dims);
  llvm::sort(sorted);
  return ReduceOp::create(builder, loc, kind, x, sorted);
}

Value PullbackBuilder::cast(Value x, Type element) {
  if (typeOf(x).getElementType() == element)
    return x;
  return CastOp::create(builder, loc, typeOf(x).clone(element), x);
}

Value PullbackBuilder::iota(Value like, Type element, int64_t dim) {
  return IotaOp::create(builder, loc, typeOf(like).clone(element), dim,
                        sizes(like));
}

/// Numbers as attributes, the others as operands.
static std::pair<SmallVector<int64_t>, SmallVector<Value>>
split(ArrayRef<OpFoldResult> offsets) {
  SmallVector<int64_t> numbers;
  SmallVector<Value> values;
  dispatchIndexOpFoldResults(offsets, values, numbers);
  return {numbers, values};
}

Value PullbackBuilder::slice(Value x, ArrayRef<OpFoldResult> offsets,
                             ArrayRef<int64_t> strides, Value like) {
  auto [numbers, values] = split(offsets);
  return SliceOp::create(builder, loc,
                         typeOf(like).clone(typeOf(x).getElementType()), x,
                         numbers, strides, values, sizes(like));
}

Value PullbackBuilder::pad(Value x, Value value, ArrayRef<OpFoldResult> offsets,
                           ArrayRef<int64_t> strides, ArrayRef<int64_t> shape,
                           ValueRange sizes) {
  auto [numbers, values] = split(offsets);
  return PadOp::create(builder, loc, typeOf(x).clone(shape), x, value, numbers,
                       strides, values, sizes);
}

Value PullbackBuilder::pad(Value x, Value value, ArrayRef<OpFoldResult> offsets,
                           ArrayRef<int64_t> strides, Value like) {
  return pad(x, value, offsets, strides, typeOf(like).getShape(), sizes(like));
}

//===----------------------------------------------------------------------===//
// Along one dimension
//===----------------------------------------------------------------------===//

Value PullbackBuilder::scatterAddAlong(Value like, Value indices, Value updates,
                                       int64_t dim) {
  // The dimension goes last, all others are batch dimensions.
  int64_t rank = typeOf(like).getRank();
  SmallVector<int64_t> perm = otherDims(rank, {dim}), back(rank);
  perm.push_back(dim);
  for (auto [i, from] : llvm::enumerate(perm))
    back[from] = i;
  Value places = transpose(indices, perm);
  SmallVector<int64_t> shape(typeOf(places).getShape());
  shape.push_back(1);
  Value result = ScatterOp::create(
      builder, loc, transpose(zeros(like), perm),
      reshape(places, shape, sizes(places)), transpose(updates, perm),
      ScatterKind::Add, builder.getDenseI64ArrayAttr({rank - 1}), rank - 1);
  return transpose(result, back);
}
