//===- LamToLinalgLoops.cpp - operands as maps, loop bodies ---------------===//

#include "LamToLinalg.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;

namespace lamina::lam {

//===----------------------------------------------------------------------===//
// Operands
//===----------------------------------------------------------------------===//

TypedAttr splatOf(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    if (auto constant = dyn_cast<ConstantOp>(op)) {
      auto splat = dyn_cast<SplatElementsAttr>(constant.getValue());
      if (!splat)
        return {};
      Type type = signless(splat.getElementType());
      if (auto number = dyn_cast<IntegerAttr>(splat.getSplatValue<Attribute>()))
        return IntegerAttr::get(type, number.getValue());
      return splat.getSplatValue<FloatAttr>();
    }
    if (!isa<BroadcastOp, ReshapeOp, TransposeOp, SliceOp, ReverseOp,
             StopGradientOp>(op))
      return {};
    value = op->getOperand(0);
  }
  return {};
}

/// The expressions that index the source of a reshape that only adds or removes
/// unit dimensions, given those of its result (null: a unit dimension).
static std::optional<SmallVector<AffineExpr>>
throughUnitReshape(ReshapeOp op, ArrayRef<AffineExpr> exprs) {
  auto from = cast<RankedTensorType>(op.getX().getType());
  auto to = cast<RankedTensorType>(op.getType());
  SmallVector<AffineExpr> result(from.getRank());
  int64_t j = 0, dynamic = 0;
  for (int64_t i = 0; i < from.getRank(); ++i) {
    if (from.getDimSize(i) == 1)
      continue;
    while (j < to.getRank() && to.getDimSize(j) == 1)
      ++j;
    if (j == to.getRank() || from.getDimSize(i) != to.getDimSize(j))
      return std::nullopt;
    dynamic += from.isDynamicDim(i);
    result[i] = exprs[j++];
  }
  while (j < to.getRank() && to.getDimSize(j) == 1)
    ++j;
  // Two unknown sizes may be distributed differently on the two sides.
  if (j != to.getRank() || dynamic > 1 ||
      llvm::is_contained(from.getShape(), 0))
    return std::nullopt;
  return result;
}

/// Removes the dimensions of `x` whose expression is null.
static Value dropUnitDims(OpBuilder &b, Location loc, Value x,
                          ArrayRef<AffineExpr> exprs) {
  SmallVector<ReassociationIndices> groups;
  ReassociationIndices leading;
  for (auto [i, expr] : llvm::enumerate(exprs)) {
    if (expr) {
      groups.push_back(std::move(leading));
      leading.clear();
      groups.back().push_back(i);
    } else {
      (groups.empty() ? leading : groups.back()).push_back(i);
    }
  }
  return tensor::CollapseShapeOp::create(b, loc, x, groups);
}

Input resolve(ConversionPatternRewriter &b, Location loc, Value value,
              AffineMap map, Absorb absorb) {
  SmallVector<AffineExpr> exprs(map.getResults());
  while (Operation *op = value.getDefiningOp()) {
    if (auto transpose = dyn_cast<TransposeOp>(op)) {
      SmallVector<AffineExpr> source(exprs.size());
      for (auto [i, dim] : llvm::enumerate(transpose.getPerm()))
        source[dim] = exprs[i];
      exprs = std::move(source);
      value = transpose.getX();
      continue;
    }
    if (auto stop = dyn_cast<StopGradientOp>(op)) {
      value = stop.getX();
      continue;
    }
    if (absorb != Absorb::All)
      break;
    if (TypedAttr scalar = splatOf(value))
      return {Value(), AffineMap(), scalar};
    if (auto broadcast = dyn_cast<BroadcastOp>(op)) {
      auto from = cast<RankedTensorType>(broadcast.getX().getType());
      auto to = cast<RankedTensorType>(broadcast.getType());
      SmallVector<AffineExpr> source;
      for (auto [i, dim] : llvm::enumerate(broadcast.getDims()))
        source.push_back(from.getDimSize(i) == 1 && to.getDimSize(dim) != 1
                             ? AffineExpr()
                             : exprs[dim]);
      exprs = std::move(source);
      value = broadcast.getX();
      continue;
    }
    if (auto reshape = dyn_cast<ReshapeOp>(op)) {
      if (auto source = throughUnitReshape(reshape, exprs)) {
        exprs = std::move(*source);
        value = reshape.getX();
        continue;
      }
    }
    break;
  }
  auto shape = cast<ShapedType>(value.getType()).getShape();
  for (auto [expr, size] : llvm::zip(exprs, shape))
    if (size == 1 && isa_and_present<AffineConstantExpr>(expr))
      expr = AffineExpr();
  Value tensor = b.getRemappedValue(value);
  if (llvm::is_contained(exprs, AffineExpr())) {
    tensor = dropUnitDims(b, loc, tensor, exprs);
    llvm::erase(exprs, AffineExpr());
  }
  return {
      tensor, AffineMap::get(map.getNumDims(), 0, exprs, b.getContext()), {}};
}

//===----------------------------------------------------------------------===//
// Bodies
//===----------------------------------------------------------------------===//

SmallVector<Value> loops(OpBuilder &b, Location loc, ArrayRef<Input> inputs,
                         ValueRange destinations,
                         ArrayRef<AffineMap> outputMaps,
                         ArrayRef<utils::IteratorType> iterators, Body body) {
  SmallVector<Value> tensors;
  SmallVector<AffineMap> maps;
  for (const Input &input : inputs) {
    if (input.scalar)
      continue;
    tensors.push_back(input.tensor);
    maps.push_back(input.map);
  }
  maps.append(outputMaps.begin(), outputMaps.end());
  auto emitBody = [&](OpBuilder &b, Location loc, ValueRange args) {
    SmallVector<Value> scalars;
    unsigned next = 0;
    for (const Input &input : inputs)
      scalars.push_back(input.scalar
                            ? arith::ConstantOp::create(b, loc, input.scalar)
                            : args[next++]);
    SmallVector<Value> results =
        body(b, loc, scalars, args.take_back(destinations.size()));
    linalg::YieldOp::create(b, loc, results);
  };
  auto op = linalg::GenericOp::create(b, loc, TypeRange(destinations), tensors,
                                      destinations, maps, iterators, emitBody);
  return SmallVector<Value>(op.getResults());
}

Value pointwise(OpBuilder &b, Location loc, ArrayRef<Input> inputs,
                Value destination, Body body) {
  int64_t rank = cast<RankedTensorType>(destination.getType()).getRank();
  SmallVector<utils::IteratorType> iterators(rank,
                                             utils::IteratorType::parallel);
  return loops(b, loc, inputs, destination, b.getMultiDimIdentityMap(rank),
               iterators, body)[0];
}

//===----------------------------------------------------------------------===//
// Reductions
//===----------------------------------------------------------------------===//

TypedAttr identity(ReduceKind kind, Type type) {
  Type compute = computeType(type);
  Builder b(type.getContext());
  if (auto floats = dyn_cast<FloatType>(compute)) {
    const llvm::fltSemantics &semantics = floats.getFloatSemantics();
    switch (kind) {
    case ReduceKind::Prod:
      return b.getFloatAttr(compute, 1.0);
    case ReduceKind::Max:
      return b.getFloatAttr(compute, APFloat::getInf(semantics, true));
    case ReduceKind::Min:
      return b.getFloatAttr(compute, APFloat::getInf(semantics));
    default:
      return b.getFloatAttr(compute, 0.0);
    }
  }
  unsigned width = compute.getIntOrFloatBitWidth();
  bool isUnsigned = readsUnsigned(type);
  switch (kind) {
  case ReduceKind::Prod:
    return b.getIntegerAttr(compute, APInt(width, 1));
  case ReduceKind::All:
    return b.getIntegerAttr(compute, APInt::getAllOnes(width));
  case ReduceKind::Max:
    return b.getIntegerAttr(compute, isUnsigned
                                         ? APInt::getZero(width)
                                         : APInt::getSignedMinValue(width));
  case ReduceKind::Min:
    return b.getIntegerAttr(compute, isUnsigned
                                         ? APInt::getMaxValue(width)
                                         : APInt::getSignedMaxValue(width));
  default:
    return b.getIntegerAttr(compute, APInt::getZero(width));
  }
}

Value combine(OpBuilder &b, Location loc, ReduceKind kind, Type type, Value a,
              Value x) {
  bool isFloat = isa<FloatType>(type), isUnsigned = readsUnsigned(type);
  switch (kind) {
  case ReduceKind::Any:
    return arith::OrIOp::create(b, loc, a, x);
  case ReduceKind::All:
    return arith::AndIOp::create(b, loc, a, x);
  case ReduceKind::Sum:
    if (isFloat)
      return arith::AddFOp::create(b, loc, a, x);
    if (type.isInteger(1))
      return arith::OrIOp::create(b, loc, a, x);
    return arith::AddIOp::create(b, loc, a, x);
  case ReduceKind::Prod:
    if (isFloat)
      return arith::MulFOp::create(b, loc, a, x);
    return arith::MulIOp::create(b, loc, a, x);
  case ReduceKind::Max:
    if (isFloat)
      return arith::MaximumFOp::create(b, loc, a, x);
    if (isUnsigned)
      return arith::MaxUIOp::create(b, loc, a, x);
    return arith::MaxSIOp::create(b, loc, a, x);
  case ReduceKind::Min:
    if (isFloat)
      return arith::MinimumFOp::create(b, loc, a, x);
    if (isUnsigned)
      return arith::MinUIOp::create(b, loc, a, x);
    return arith::MinSIOp::create(b, loc, a, x);
  }
  llvm_unreachable("every kind returns");
}

//===----------------------------------------------------------------------===//
// Sequential loops
//===----------------------------------------------------------------------===//

SmallVector<Value>
sequentialLoops(OpBuilder &b, Location loc, ArrayRef<OpFoldResult> bounds,
                ValueRange carried,
                function_ref<SmallVector<Value>(OpBuilder &, Location,
                                                ValueRange, ValueRange)>
                    body) {
  if (bounds.empty())
    return body(b, loc, {}, carried);
  Value zero = indexConstant(b, loc, 0), one = indexConstant(b, loc, 1);
  SmallVector<Value> lower(bounds.size(), zero), step(bounds.size(), one),
      upper;
  for (OpFoldResult bound : bounds)
    upper.push_back(sizeValue(b, loc, bound));
  return scf::buildLoopNest(
             b, loc, lower, upper, step, carried,
             [&](OpBuilder &b, Location loc, ValueRange indices,
                 ValueRange args) -> scf::ValueVector {
               SmallVector<Value> results = body(b, loc, indices, args);
               return scf::ValueVector(results.begin(), results.end());
             })
      .results;
}

} // namespace lamina::lam
