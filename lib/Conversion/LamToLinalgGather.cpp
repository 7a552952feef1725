//===- LamToLinalgGather.cpp - gather and scatter -------------------------===//

#include "LamToLinalg.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;

namespace lamina::lam {
namespace {

/// The dimensions of a gather or scatter, from its operands.
struct Places {
  template <class Op>
  Places(Op op)
      : indexType(elementType(op.getIndices())), axes(op.getAxes()),
        batchDims(op.getBatchDims()) {
    rank = cast<ShapedType>(op.getX().getType()).getRank();
    leading = cast<ShapedType>(op.getIndices().getType()).getRank() - 1;
    for (int64_t i = batchDims; i < rank; ++i)
      if (!llvm::is_contained(axes, i))
        rest.push_back(i);
  }

  /// An index tensor's element as a value of type `index`.
  Value toIndex(OpBuilder &b, Location loc, Value element) const {
    if (indexType.isUnsignedInteger())
      return arith::IndexCastUIOp::create(b, loc, b.getIndexType(), element);
    return arith::IndexCastOp::create(b, loc, b.getIndexType(), element);
  }

  Type indexType;
  ArrayRef<int64_t> axes;
  int64_t batchDims, rank, leading;
  SmallVector<int64_t> rest; ///< Dimensions that are neither.
};

/// Whether there is no index vector. One without components, of an op without
/// axes, is one nevertheless.
bool hasNoIndex(Value indices) {
  auto shape = cast<ShapedType>(indices.getType()).getShape();
  return llvm::is_contained(shape.drop_back(), 0);
}

struct GatherPattern : OpConversionPattern<GatherOp> {
  using OpConversionPattern::OpConversionPattern;

  /// Component `k` of the index tuples, as an operand of the loops.
  static Input indexInput(ConversionPatternRewriter &b, GatherOp op,
                          GatherOp::Adaptor adaptor, const Places &places,
                          int64_t k) {
    Location loc = op.getLoc();
    SmallVector<AffineExpr> exprs;
    for (int64_t i = 0; i < places.leading; ++i)
      exprs.push_back(b.getAffineDimExpr(i));
    int64_t loopCount = places.leading + places.rest.size();
    if (places.axes.size() == 1) {
      exprs.push_back(b.getAffineConstantExpr(0));
      return resolve(b, loc, op.getIndices(),
                     AffineMap::get(loopCount, 0, exprs, b.getContext()));
    }
    SmallVector<OpFoldResult> sizes = sizesOf(b, loc, op.getIndices());
    SmallVector<OpFoldResult> offsets(sizes.size(), b.getIndexAttr(0));
    SmallVector<bool> drop(sizes.size(), false);
    offsets.back() = b.getIndexAttr(k);
    sizes.back() = b.getIndexAttr(1);
    drop.back() = true;
    return {extractSlice(b, loc, adaptor.getIndices(), offsets, sizes, drop),
            AffineMap::get(loopCount, 0, exprs, b.getContext()),
            {}};
  }

  LogicalResult matchAndRewrite(GatherOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &b) const override {
    Location loc = op.getLoc();
    Places places(op);
    RankedTensorType type = signlessTensor(op);
    SmallVector<OpFoldResult> sizes = sizesOf(b, loc, op);
    SmallVector<Value> last;
    Value nonEmpty;
    bool empty = hasNoIndex(op.getIndices());
    for (int64_t axis : places.axes) {
      OpFoldResult size = sizeOf(b, loc, op.getX(), axis);
      last.push_back(
          sizeValue(b, loc, addSizes(b, loc, size, b.getIndexAttr(-1))));
      if (auto value = dyn_cast<Value>(size)) {
        Value some = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sgt,
                                           value, indexConstant(b, loc, 0));
        nonEmpty =
            nonEmpty ? arith::AndIOp::create(b, loc, nonEmpty, some).getResult()
                     : some;
      } else {
        empty |= getConstantIntValue(size) == 0;
      }
    }
    auto zeros = [&](OpBuilder &b) {
      Value zero = arith::ConstantOp::create(
          b, loc, b.getZeroAttr(type.getElementType()));
      return filledTensor(b, loc, type, sizes, zero);
    };
    SmallVector<Input> inputs;
    for (size_t k = 0; k < places.axes.size(); ++k)
      inputs.push_back(indexInput(b, op, adaptor, places, k));

    auto body = [&](OpBuilder &b, Location loc, ValueRange in, ValueRange) {
      SmallVector<Value> indices(places.rank);
      for (int64_t i = 0; i < places.batchDims; ++i)
        indices[i] = linalg::IndexOp::create(b, loc, i);
      for (auto [k, axis] : llvm::enumerate(places.axes)) {
        Value index = places.toIndex(b, loc, in[k]);
        // Read as signed, an unsigned number of 64 bits could look negative.
        if (places.indexType.isUnsignedInteger()) {
          index = arith::MinUIOp::create(b, loc, index, last[k]);
        } else {
          index =
              arith::MaxSIOp::create(b, loc, index, indexConstant(b, loc, 0));
          index = arith::MinSIOp::create(b, loc, index, last[k]);
        }
        indices[axis] = index;
      }
      for (auto [i, dim] : llvm::enumerate(places.rest))
        indices[dim] = linalg::IndexOp::create(b, loc, places.leading + i);
      return SmallVector<Value>{
          tensor::ExtractOp::create(b, loc, adaptor.getX(), indices)};
    };
    auto gather = [&](OpBuilder &b) {
      return pointwise(b, loc, inputs, emptyTensor(b, loc, type, sizes), body);
    };
    // Nothing can be read where an indexed dimension is empty, and nothing is
    // where there is no index.
    if (empty) {
      b.replaceOp(op, zeros(b));
    } else if (nonEmpty) {
      auto choice = scf::IfOp::create(
          b, loc, nonEmpty,
          [&](OpBuilder &b, Location loc) {
            scf::YieldOp::create(b, loc, gather(b));
          },
          [&](OpBuilder &b, Location loc) {
            scf::YieldOp::create(b, loc, zeros(b));
          });
      b.replaceOp(op, choice.getResults());
    } else {
      b.replaceOp(op, gather(b));
    }
    return success();
  }
};

ReduceKind reduceKind(ScatterKind kind) {
  switch (kind) {
  case ScatterKind::Mul:
    return ReduceKind::Prod;
  case ScatterKind::Max:
    return ReduceKind::Max;
  case ScatterKind::Min:
    return ReduceKind::Min;
  default:
    return ReduceKind::Sum;
  }
}

/// Updates apply one after the other, each to a whole slice.
struct ScatterPattern : OpConversionPattern<ScatterOp> {
  using OpConversionPattern::OpConversionPattern;

  /// The old value and an update, both of the element type.
  static Value meet(OpBuilder &b, Location loc, ScatterOp op, Value old,
                    Value update) {
    if (op.getKind() == ScatterKind::Set)
      return update;
    Type type = elementType(op.getX()), compute = computeType(type);
    Value y = combine(b, loc, reduceKind(op.getKind()), type,
                      convertFloat(b, loc, old, compute),
                      convertFloat(b, loc, update, compute));
    return convertFloat(b, loc, y, signless(type));
  }

  LogicalResult matchAndRewrite(ScatterOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &b) const override {
    Location loc = op.getLoc();
    Places places(op);
    auto updateShape = cast<ShapedType>(op.getUpdates().getType()).getShape();
    if (llvm::is_contained(updateShape, 0) || hasNoIndex(op.getIndices())) {
      b.replaceOp(op, adaptor.getX());
      return success();
    }
    SmallVector<OpFoldResult> xSizes = sizesOf(b, loc, op.getX()),
                              indexSizes = sizesOf(b, loc, op.getIndices()),
                              bounds(indexSizes);
    bounds.pop_back();
    // Without an index an update replaces all of x: an insertion of that kind
    // would be folded away, and with it the buffer that the loop carries.
    bool single = places.rest.empty() || places.axes.empty();
    if (single)
      for (int64_t dim : places.rest)
        bounds.push_back(xSizes[dim]);

    // Writes the update at loop indices `at` to the places `to` of `y`.
    auto apply = [&](OpBuilder &b, Location loc, ValueRange at,
                     ArrayRef<Value> to, Value y) -> Value {
      Value updates = adaptor.getUpdates();
      if (single) {
        Value update = tensor::ExtractOp::create(b, loc, updates, at);
        Value old = tensor::ExtractOp::create(b, loc, y, to);
        return tensor::InsertOp::create(b, loc, meet(b, loc, op, old, update),
                                        y, to);
      }
      SmallVector<OpFoldResult> from(at.begin(), at.end()),
          fromSizes(at.size(), b.getIndexAttr(1)), offsets, sizes;
      SmallVector<bool> dropFrom(at.size(), true), drop;
      for (int64_t dim : places.rest) {
        from.push_back(b.getIndexAttr(0));
        fromSizes.push_back(xSizes[dim]);
        dropFrom.push_back(false);
      }
      for (int64_t i = 0; i < places.rank; ++i) {
        bool whole = llvm::is_contained(places.rest, i);
        offsets.push_back(whole ? OpFoldResult(b.getIndexAttr(0)) : to[i]);
        sizes.push_back(whole ? xSizes[i] : b.getIndexAttr(1));
        drop.push_back(!whole);
      }
      Value update = extractSlice(b, loc, updates, from, fromSizes, dropFrom);
      if (op.getKind() == ScatterKind::Set)
        return insertSlice(b, loc, update, y, offsets, sizes);
      Value old = extractSlice(b, loc, y, offsets, sizes, drop);
      Input input{update, b.getMultiDimIdentityMap(places.rest.size()), {}};
      Value met = pointwise(
          b, loc, input, old,
          [&](OpBuilder &b, Location loc, ValueRange in, ValueRange out) {
            return SmallVector<Value>{meet(b, loc, op, out[0], in[0])};
          });
      return insertSlice(b, loc, met, y, offsets, sizes);
    };

    auto body = [&](OpBuilder &b, Location loc, ValueRange at,
                    ValueRange carried) {
      SmallVector<Value> to(places.rank);
      Value inside;
      for (int64_t i = 0; i < places.batchDims; ++i)
        to[i] = at[i];
      if (single)
        for (auto [i, dim] : llvm::enumerate(places.rest))
          to[dim] = at[places.leading + i];
      for (auto [k, axis] : llvm::enumerate(places.axes)) {
        SmallVector<Value> place(at.take_front(places.leading));
        place.push_back(indexConstant(b, loc, k));
        Value index = places.toIndex(
            b, loc,
            tensor::ExtractOp::create(b, loc, adaptor.getIndices(), place));
        // A negative index is a large unsigned one.
        Value fits =
            arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ult, index,
                                  sizeValue(b, loc, xSizes[axis]));
        inside = inside
                     ? arith::AndIOp::create(b, loc, inside, fits).getResult()
                     : fits;
        to[axis] = index;
      }
      if (!inside)
        return SmallVector<Value>{apply(b, loc, at, to, carried[0])};
      auto choice = scf::IfOp::create(
          b, loc, inside,
          [&](OpBuilder &b, Location loc) {
            scf::YieldOp::create(b, loc, apply(b, loc, at, to, carried[0]));
          },
          [&](OpBuilder &b, Location loc) {
            scf::YieldOp::create(b, loc, carried[0]);
          });
      return SmallVector<Value>{choice.getResult(0)};
    };
    b.replaceOp(op, sequentialLoops(b, loc, bounds, adaptor.getX(), body));
    return success();
  }
};

} // namespace

void populateGatherPatterns(RewritePatternSet &patterns, TypeConverter &types) {
  patterns.add<GatherPattern, ScatterPattern>(types, patterns.getContext());
}

} // namespace lamina::lam
