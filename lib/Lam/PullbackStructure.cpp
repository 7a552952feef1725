//===- PullbackStructure.cpp - adjoints of moving elements around ---------===//
//
// broadcast <-> sum, slice <-> pad, concat <-> slices, gather <-> scatter add.
//
//===----------------------------------------------------------------------===//

#include "PullbackBuilder.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace lamina::lam;

SmallVector<Expr> BroadcastOp::pullback(ArrayRef<Expr> dys) {
  PullbackBuilder b(dys[0]);
  RankedTensorType x = typeOf(getX()), y = typeOf(getY());
  SmallVector<int64_t> kept;
  for (auto [i, dim] : llvm::enumerate(getDims()))
    if (x.getDimSize(i) != 1 || y.getDimSize(dim) == 1)
      kept.push_back(dim);
  Value dx = b.sum(dys[0].value(), otherDims(y.getRank(), kept));
  bool keepsAll = kept.size() == getDims().size();
  return {b.expr(keepsAll ? dx : b.reshape(dx, getX()))};
}

SmallVector<Expr> ReshapeOp::pullback(ArrayRef<Expr> dys) {
  PullbackBuilder b(dys[0]);
  return {b.expr(b.reshape(dys[0].value(), getX()))};
}

SmallVector<Expr> TransposeOp::pullback(ArrayRef<Expr> dys) {
  PullbackBuilder b(dys[0]);
  SmallVector<int64_t> inverse(getPerm().size());
  for (auto [i, dim] : llvm::enumerate(getPerm()))
    inverse[dim] = i;
  return {b.expr(b.transpose(dys[0].value(), inverse))};
}

SmallVector<Expr> ReverseOp::pullback(ArrayRef<Expr> dys) {
  PullbackBuilder b(dys[0]);
  return {
      b.expr(ReverseOp::create(b.builder, b.loc, dys[0].value(), getDims()))};
}

//===----------------------------------------------------------------------===//
// Slices and pads
//===----------------------------------------------------------------------===//

SmallVector<Expr> SliceOp::pullback(ArrayRef<Expr> dys) {
  PullbackBuilder b(dys[0]);
  auto offsets = getMixedValues(getStaticOffsets(), getOffsets(), b.builder);
  Value zero = b.scalar(getElementTypeOrSelf(getType()), 0);
  SmallVector<Expr> result(getNumOperands(), Expr(0.0));
  result[0] =
      b.expr(b.pad(dys[0].value(), zero, offsets, getStrides(), getX()));
  return result;
}

SmallVector<Expr> PadOp::pullback(ArrayRef<Expr> dys) {
  PullbackBuilder b(dys[0]);
  Value dy = dys[0].value();
  auto offsets = getMixedValues(getStaticOffsets(), getOffsets(), b.builder);
  SmallVector<Expr> result(getNumOperands(), Expr(0.0));
  result[0] = b.expr(b.slice(dy, offsets, getStrides(), getX()));
  // The value gets what lies outside of x.
  Type boolean = b.builder.getI1Type();
  Value inside = b.pad(b.broadcast(b.scalar(boolean, 1), {}, getX()),
                       b.scalar(boolean, 0), offsets, getStrides(), getY());
  Value outside =
      SelectOp::create(b.builder, b.loc, dy.getType(), inside, b.zeros(dy), dy);
  result[1] = b.expr(b.sum(outside, allDims(typeOf(dy).getRank())));
  return result;
}

SmallVector<Expr> ConcatOp::pullback(ArrayRef<Expr> dys) {
  PullbackBuilder b(dys[0]);
  int64_t rank = typeOf(getY()).getRank(), dim = getDim();
  SmallVector<int64_t> strides(rank, 1);
  SmallVector<Expr> result;
  Value start = b.index(0);
  for (Value x : getXs()) {
    SmallVector<OpFoldResult> offsets(rank, b.builder.getIndexAttr(0));
    offsets[dim] = getAsOpFoldResult(start);
    result.push_back(b.expr(b.slice(dys[0].value(), offsets, strides, x)));
    start = b.builder.createOrFold<arith::AddIOp>(b.loc, start, b.size(x, dim));
  }
  return result;
}

//===----------------------------------------------------------------------===//
// Gather and scatter
//===----------------------------------------------------------------------===//

/// The size of every indexed dimension of `x`, in the shape of `indices`.
static Value limits(PullbackBuilder &b, Value x, Value indices,
                    ArrayRef<int64_t> axes) {
  Type element = getElementTypeOrSelf(indices);
  int64_t last = typeOf(indices).getRank() - 1;
  SmallVector<Value> sizes;
  for (int64_t axis : axes) {
    Value size;
    if (typeOf(x).isDynamicDim(axis)) {
      Value raw = FromSizeOp::create(
          b.builder, b.loc, RankedTensorType::get({}, b.builder.getI64Type()),
          b.size(x, axis));
      size = b.cast(raw, element);
    } else {
      size = b.scalar(element, typeOf(x).getDimSize(axis));
    }
    sizes.push_back(b.reshape(size, {1}, {}));
  }
  Value vector = sizes.size() == 1
                     ? sizes[0]
                     : ConcatOp::create(b.builder, b.loc,
                                        RankedTensorType::get(
                                            {int64_t(sizes.size())}, element),
                                        sizes, 0)
                           .getResult();
  return b.broadcast(vector, {last}, indices);
}

/// Indices in a type that holds the size of every dimension.
static Value widened(PullbackBuilder &b, Value indices) {
  Type element = getElementTypeOrSelf(indices);
  return element.getIntOrFloatBitWidth() < 32
             ? b.cast(indices, b.builder.getI32Type())
             : indices;
}

/// Indices as gather reads them: the nearest valid ones.
static Value clamp(PullbackBuilder &b, Value x, Value indices,
                   ArrayRef<int64_t> axes) {
  if (axes.empty())
    return indices;
  indices = widened(b, indices);
  Expr i = b.expr(indices), limit = b.expr(limits(b, x, indices, axes));
  return max(min(i, limit - Expr(1.0)), Expr(0.0)).value();
}

/// Which updates of a scatter have a place: bool, of the shape of `updates`.
static Value isInside(PullbackBuilder &b, Value x, Value indices, Value updates,
                      ArrayRef<int64_t> axes) {
  int64_t last = typeOf(indices).getRank() - 1;
  if (axes.empty())
    return b.broadcast(b.scalar(b.builder.getI1Type(), 1), {}, updates);
  indices = widened(b, indices);
  Expr i = b.expr(indices), limit = b.expr(limits(b, x, indices, axes));
  Value each = bit_and(ge(i, Expr(0.0)), lt(i, limit)).value();
  return b.broadcast(b.reduce(ReduceKind::All, each, {last}), allDims(last),
                     updates);
}

SmallVector<Expr> GatherOp::pullback(ArrayRef<Expr> dys) {
  PullbackBuilder b(dys[0]);
  Value dx = ScatterOp::create(b.builder, b.loc, b.zeros(getX()),
                               clamp(b, getX(), getIndices(), getAxes()),
                               dys[0].value(), ScatterKind::Add, getAxesAttr(),
                               getBatchDims());
  return {b.expr(dx), 0.0};
}

namespace {
/// The parts of a scatter's rules: reading at the places, counting at them.
struct ScatterRule {
  ScatterOp op;
  PullbackBuilder &b;

  Expr at(Value tensor) {
    return b.expr(GatherOp::create(
        b.builder, b.loc,
        typeOf(op.getUpdates()).clone(getElementTypeOrSelf(tensor)), tensor,
        op.getIndices(), op.getAxesAttr(), op.getBatchDims()));
  }
  Expr scatter(ScatterKind kind, Value into, Value updates) {
    return b.expr(ScatterOp::create(b.builder, b.loc, into, op.getIndices(),
                                    updates, kind, op.getAxesAttr(),
                                    op.getBatchDims()));
  }
  Expr inside() {
    return b.expr(
        isInside(b, op.getX(), op.getIndices(), op.getUpdates(), op.getAxes()));
  }

  /// Of several updates for one place the last one stays.
  SmallVector<Expr> set(Expr dy) {
    Type id = b.builder.getI32Type();
    Value updates = op.getUpdates();
    Value count = b.index(1);
    for (int64_t i = 0; i < typeOf(updates).getRank(); ++i)
      count = b.builder.createOrFold<arith::MulIOp>(b.loc, count,
                                                    b.size(updates, i));
    auto flat = RankedTensorType::get({ShapedType::kDynamic}, id);
    Value ids =
        b.reshape(IotaOp::create(b.builder, b.loc, flat, 0, count), updates);
    Value none = b.broadcast(b.scalar(id, -1), {}, op.getX());
    Expr winner = scatter(ScatterKind::Set, none, ids);
    Expr dx = select(lt(winner, Expr(0.0)), dy, Expr(0.0));
    Expr du =
        select(eq(at(winner.value()), b.expr(ids)), at(dy.value()), Expr(0.0));
    return {dx, 0.0, du};
  }

  SmallVector<Expr> sum(Expr dy) {
    return {dy, 0.0, select(inside(), at(dy.value()), Expr(0.0))};
  }

  /// What multiplies a factor is the quotient of the product and itself. For a
  /// zero it is the product `others` of all that are not, if it is alone; if
  /// there is one more that one times `others`: 0, but with a derivative.
  SmallVector<Expr> product(Expr dy) {
    Expr x = b.expr(op.getX()), u = b.expr(op.getUpdates());
    auto isZero = [](Expr v) { return eq(v, Expr(0.0)); };
    auto flag = [&](Expr v) { return select(isZero(v), Expr(1.0), Expr(0.0)); };
    auto nonZero = [&](Expr v) { return select(isZero(v), Expr(1.0), v); };
    auto onlyZero = [&](Expr v) { return select(isZero(v), v, Expr(0.0)); };
    Expr y = b.expr(op.getY());
    Expr zeros = scatter(ScatterKind::Add, flag(x).value(), flag(u).value());
    Expr sum =
        scatter(ScatterKind::Add, onlyZero(x).value(), onlyZero(u).value());
    Expr others =
        scatter(ScatterKind::Mul, nonZero(x).value(), nonZero(u).value());
    auto partial = [&](Expr v, auto of) {
      Expr more = of(zeros) - flag(v);
      Expr ofZero = select(
          isZero(more), of(others),
          select(eq(more, Expr(1.0)), of(others) * (of(sum) - v), Expr(0.0)));
      return select(isZero(v), ofZero, of(y) / nonZero(v));
    };
    Expr du = partial(u, [&](Expr all) { return at(all.value()); });
    Expr dx = partial(x, [](Expr all) { return all; });
    return {dy * dx, 0.0, select(inside(), at(dy.value()) * du, Expr(0.0))};
  }

  /// The values that are the extreme share its cotangent.
  SmallVector<Expr> extreme(Expr dy) {
    Expr x = b.expr(op.getX()), u = b.expr(op.getUpdates()),
         y = b.expr(op.getY());
    auto indicator = [&](Expr condition, Expr like) {
      return select(condition, b.expr(b.splat(like.value(), 1)), Expr(0.0));
    };
    Expr mine = indicator(eq(x, y), x);
    Expr theirs = indicator(bit_and(eq(u, at(op.getY())), inside()), u);
    Expr share = dy / scatter(ScatterKind::Add, mine.value(), theirs.value());
    return {mine * share, 0.0, theirs * at(share.value())};
  }
};
} // namespace

SmallVector<Expr> ScatterOp::pullback(ArrayRef<Expr> dys) {
  PullbackBuilder b(dys[0]);
  ScatterRule rule{*this, b};
  switch (getKind()) {
  case ScatterKind::Set:
    return rule.set(dys[0]);
  case ScatterKind::Add:
    return rule.sum(dys[0]);
  case ScatterKind::Mul:
    return rule.product(dys[0]);
  case ScatterKind::Max:
  case ScatterKind::Min:
    return rule.extreme(dys[0]);
  }
  llvm_unreachable("a kind of scatter without a rule");
}
