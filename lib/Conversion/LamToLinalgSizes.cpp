//===- LamToLinalgSizes.cpp - types, sizes and empty tensors --------------===//

#include "LamToLinalg.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "llvm/ADT/TypeSwitch.h"

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

/// The operands that give the dynamic sizes of the result of `op`.
static std::optional<ValueRange> sizeOperands(Operation *op) {
  return TypeSwitch<Operation *, std::optional<ValueRange>>(op)
      .Case<BroadcastOp, ReshapeOp, SliceOp, PadOp, IotaOp, ConvOp, WindowOp,
            RandomBitsOp>(
          [](auto op) -> std::optional<ValueRange> { return op.getSizes(); })
      .Default(std::nullopt);
}

/// The dimensions of `x` that are in none of `lists`.
template <class... Lists>
static SmallVector<int64_t> freeDims(Value x, Lists... lists) {
  SmallVector<int64_t> result;
  for (int64_t i = 0, e = cast<ShapedType>(x.getType()).getRank(); i < e; ++i)
    if (!(llvm::is_contained(lists, i) || ...))
      result.push_back(i);
  return result;
}

/// A dimension of an operand of the defining op of `value` that has the size of
/// dimension `dim` of `value`.
static std::pair<Value, int64_t> sameDim(Value value, int64_t dim) {
  using Dim = std::pair<Value, int64_t>;
  Operation *op = value.getDefiningOp();
  if (!op)
    return {};
  if (op->hasTrait<OpTrait::Elementwise>())
    return {op->getOperand(0), dim};
  return TypeSwitch<Operation *, Dim>(op)
      .Case<ReverseOp, CumulativeOp, SortOp>(
          [&](auto op) -> Dim { return {op.getX(), dim}; })
      .Case([&](ScatterOp op) -> Dim { return {op.getX(), dim}; })
      .Case(
          [&](TransposeOp op) -> Dim { return {op.getX(), op.getPerm()[dim]}; })
      .Case([&](ReduceOp op) -> Dim {
        return {op.getX(), freeDims(op.getX(), op.getDims())[dim]};
      })
      .Case([&](ArgReduceOp op) -> Dim {
        return {op.getX(), dim < int64_t(op.getDim()) ? dim : dim + 1};
      })
      .Case([&](ConcatOp op) -> Dim {
        if (dim == int64_t(op.getDim()))
          return {};
        return {op.getXs().front(), dim};
      })
      .Case([&](DotOp op) -> Dim {
        auto batch = op.getBatchA();
        if (dim < int64_t(batch.size()))
          return {op.getA(), batch[dim]};
        dim -= batch.size();
        auto free = freeDims(op.getA(), batch, op.getContractA());
        if (dim < int64_t(free.size()))
          return {op.getA(), free[dim]};
        dim -= free.size();
        return {op.getB(),
                freeDims(op.getB(), op.getBatchB(), op.getContractB())[dim]};
      })
      .Case([&](GatherOp op) -> Dim {
        int64_t leading =
            cast<ShapedType>(op.getIndices().getType()).getRank() - 1;
        if (dim < leading)
          return {op.getIndices(), dim};
        SmallVector<int64_t> batch =
            llvm::to_vector(llvm::seq<int64_t>(0, op.getBatchDims()));
        return {op.getX(),
                freeDims(op.getX(), batch, op.getAxes())[dim - leading]};
      })
      .Default(Dim());
}

OpFoldResult sizeOf(ConversionPatternRewriter &b, Location loc, Value value,
                    int64_t dim) {
  while (true) {
    auto type = cast<RankedTensorType>(value.getType());
    if (!type.isDynamicDim(dim))
      return b.getIndexAttr(type.getDimSize(dim));
    if (Operation *op = value.getDefiningOp())
      if (auto sizes = sizeOperands(op))
        return b.getRemappedValue((*sizes)[type.getDynamicDimIndex(dim)]);
    auto [next, nextDim] = sameDim(value, dim);
    if (!next)
      break;
    value = next;
    dim = nextDim;
  }
  return tensor::DimOp::create(b, loc, b.getRemappedValue(value), dim)
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
