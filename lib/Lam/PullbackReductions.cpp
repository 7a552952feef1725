//===- PullbackReductions.cpp - derivatives of reductions and orders ------===//

#include "PullbackBuilder.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace lamina::lam;

static Expr isZero(Expr x) { return eq(x, Expr(0.0)); }
static Expr flag(Expr condition, Expr like) {
  PullbackBuilder b(like);
  return select(condition, b.expr(b.splat(like.value(), 1)), Expr(0.0));
}

//===----------------------------------------------------------------------===//
// Reductions
//===----------------------------------------------------------------------===//

static Expr scan(PullbackBuilder &b, ReduceKind kind, Expr x, int64_t dim,
                 bool exclusive, bool reverse) {
  return b.expr(CumulativeOp::create(b.builder, b.loc, x.value().getType(),
                                     kind, x.value(), dim, exclusive, reverse));
}

/// One dimension after the other, last first. What multiplies an element is the
/// product of those before and of those behind it: no division, so that zeros
/// are nothing special, in higher derivatives neither.
static Expr productOverDims(PullbackBuilder &b, ReduceOp op, Expr dy) {
  SmallVector<Expr> partial{b.expr(op.getX())};
  for (int64_t dim : llvm::reverse(op.getDims()))
    partial.push_back(
        b.expr(b.reduce(ReduceKind::Prod, partial.back().value(), dim)));
  partial.pop_back();
  for (int64_t dim : op.getDims()) {
    Expr x = partial.pop_back_val();
    int64_t rank = typeOf(x.value()).getRank();
    Expr others = scan(b, ReduceKind::Prod, x, dim, true, false) *
                  scan(b, ReduceKind::Prod, x, dim, true, true);
    dy = others *
         b.expr(b.broadcast(dy.value(), otherDims(rank, {dim}), x.value()));
  }
  return dy;
}

SmallVector<Expr> ReduceOp::pullback(ArrayRef<Expr> dys) {
  PullbackBuilder b(dys[0]);
  SmallVector<int64_t> kept = otherDims(typeOf(getX()).getRank(), getDims());
  auto spread = [&](Expr small) {
    return b.expr(b.broadcast(small.value(), kept, getX()));
  };
  Expr dy = dys[0], x = b.expr(getX()), y = b.expr(getY());
  switch (getKind()) {
  case ReduceKind::Sum:
    return {spread(dy)};
  case ReduceKind::Max:
  case ReduceKind::Min: {
    // Elements that tie share the cotangent.
    Expr ties = flag(eq(x, spread(y)), x);
    return {ties * spread(dy / b.expr(b.sum(ties.value(), getDims())))};
  }
  case ReduceKind::Prod:
    return {productOverDims(b, *this, dy)};
  case ReduceKind::Any:
  case ReduceKind::All:
    return {0.0};
  }
  llvm_unreachable("a kind of reduction without a rule");
}

//===----------------------------------------------------------------------===//
// Scans
//===----------------------------------------------------------------------===//

namespace {
struct ScanRule {
  CumulativeOp op;
  PullbackBuilder &b;

  Expr scan(ReduceKind kind, Expr x, bool exclusive, bool reverse) {
    return ::scan(b, kind, x, op.getDim(), exclusive, reverse);
  }
  /// What flows to an element from everything that it went into.
  Expr back(Expr dy) {
    return scan(ReduceKind::Sum, dy, op.getExclusive(), !op.getReverse());
  }

  /// Element i + by (i - by in reverse) of `x` at place i, 0 outside.
  Expr ahead(Expr x, int64_t by) {
    int64_t dim = op.getDim(), rank = typeOf(x.value()).getRank();
    SmallVector<int64_t> shape(typeOf(x.value()).getShape()), ones(rank, 1),
        from(rank, 0);
    by = std::min(by, shape[dim]);
    shape[dim] -= by;
    SmallVector<OpFoldResult> to(rank, b.builder.getIndexAttr(0));
    if (op.getReverse())
      to[dim] = b.builder.getIndexAttr(by);
    else
      from[dim] = by;
    Value part = SliceOp::create(b.builder, b.loc,
                                 typeOf(x.value()).clone(shape), x.value(),
                                 from, ones, ValueRange(), b.sizes(x.value()));
    Value zero = b.scalar(getElementTypeOrSelf(x.value()), 0);
    return b.expr(b.pad(part, zero, to, ones, x.value()));
  }

  /// Element j is in every later result, with the elements before it, whose
  /// product is the exclusive scan, and those in between: with
  /// s[j] = dy[j] + x[j + 1] s[j + 1] its cotangent is before[j] s[j]. The
  /// recurrence is solved by doubling. Without divisions, so that zeros are
  /// nothing special, in higher derivatives neither.
  Expr productByDoubling(Expr dy) {
    Expr x = b.expr(op.getX());
    Expr s = op.getExclusive() ? ahead(dy, 1) : dy, factor = ahead(x, 1);
    int64_t size = typeOf(op.getX()).getDimSize(op.getDim());
    for (int64_t by = 1; by < size; by *= 2) {
      s = s + factor * ahead(s, by);
      if (2 * by < size)
        factor = factor * ahead(factor, by);
    }
    return scan(ReduceKind::Prod, x, /*exclusive=*/true, op.getReverse()) * s;
  }

  /// The same for a size that is not known: an element multiplies all later
  /// results, which are y / x without it. For a zero they are the products in
  /// which it is left out: those of the second one are 0, but their derivative
  /// by the first one is not. A third one is seen in third derivatives only.
  Expr product(Expr dy) {
    Expr x = b.expr(op.getX()), one = b.expr(b.splat(op.getX(), 1));
    Expr zero = isZero(x);
    Expr before = scan(ReduceKind::Sum, flag(zero, x), /*exclusive=*/true,
                       op.getReverse());
    Expr dx = select(zero, Expr(0.0),
                     back(dy * b.expr(op.getY())) / select(zero, one, x));
    for (double earlier : {0.0, 1.0}) {
      Expr left = bit_and(zero, eq(before, Expr(earlier)));
      Expr without = scan(ReduceKind::Prod, select(left, one, x),
                          op.getExclusive(), op.getReverse());
      dx = select(left, back(dy * without), dx);
    }
    return dx;
  }

  /// Each result comes from the latest element that attains it; the identity
  /// of an empty run comes from none: its index lies outside and is dropped.
  Expr extreme(Expr dy) {
    Type index = b.builder.getI32Type();
    bool reverse = op.getReverse();
    double outside = reverse ? double(INT32_MAX) : -1;
    ReduceKind latest = reverse ? ReduceKind::Min : ReduceKind::Max;
    Expr x = b.expr(op.getX());
    Expr running = scan(op.getKind(), x, /*exclusive=*/false, reverse);
    Expr place = b.expr(b.iota(op.getX(), index, op.getDim()));
    Expr attained = select(eq(x, running), place, Expr(outside));
    Expr from = scan(latest, attained, op.getExclusive(), reverse);
    return b.expr(
        b.scatterAddAlong(op.getX(), from.value(), dy.value(), op.getDim()));
  }
};
} // namespace

SmallVector<Expr> CumulativeOp::pullback(ArrayRef<Expr> dys) {
  PullbackBuilder b(dys[0]);
  ScanRule rule{*this, b};
  switch (getKind()) {
  case ReduceKind::Sum:
    return {rule.back(dys[0])};
  case ReduceKind::Prod:
    return {typeOf(getX()).isDynamicDim(getDim())
                ? rule.product(dys[0])
                : rule.productByDoubling(dys[0])};
  default:
    return {rule.extreme(dys[0])};
  }
}

//===----------------------------------------------------------------------===//
// Order
//===----------------------------------------------------------------------===//

SmallVector<Expr> SortOp::pullback(ArrayRef<Expr> dys) {
  PullbackBuilder b(dys[0]);
  return {b.expr(
      b.scatterAddAlong(getX(), getIndices(), dys[0].value(), getDim()))};
}
