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
  case ReduceKind::Prod: {
    // The product of the others: y / x, but with one zero among the factors
    // only this one has a derivative, and with two zeros none has.
    Expr zero = isZero(x);
    Expr zeros = b.expr(b.sum(flag(zero, x).value(), getDims()));
    Expr factors = select(zero, b.expr(b.splat(getX(), 1)), x);
    Expr product =
        b.expr(b.reduce(ReduceKind::Prod, factors.value(), getDims()));
    Expr none = select(isZero(zeros), dy * product, Expr(0.0));
    Expr alone = select(eq(zeros, Expr(1.0)), dy * product, Expr(0.0));
    return {select(zero, spread(alone), spread(none) / factors)};
  }
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
    return b.expr(CumulativeOp::create(b.builder, b.loc, x.value().getType(),
                                       kind, x.value(), op.getDim(), exclusive,
                                       reverse));
  }
  /// What flows to an element from everything that it went into.
  Expr back(Expr dy) {
    return scan(ReduceKind::Sum, dy, op.getExclusive(), !op.getReverse());
  }

  /// An element multiplies all later results, which are y / x without it. For
  /// the first zero they are the products in which it is left out; from a later
  /// zero nothing can be seen.
  Expr product(Expr dy) {
    Expr x = b.expr(op.getX()), one = b.expr(b.splat(op.getX(), 1));
    Expr zero = isZero(x);
    Expr before =
        scan(ReduceKind::Sum, flag(zero, x), /*exclusive=*/true,
             op.getReverse());
    Expr first = bit_and(zero, isZero(before));
    Expr without = scan(ReduceKind::Prod, select(first, one, x),
                        op.getExclusive(), op.getReverse());
    Expr others = back(dy * b.expr(op.getY())) / select(zero, one, x);
    return select(zero,
                  select(first, back(dy * without), Expr(0.0)), others);
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
    return {rule.product(dys[0])};
  default:
    return {rule.extreme(dys[0])};
  }
}

//===----------------------------------------------------------------------===//
// Order
//===----------------------------------------------------------------------===//

SmallVector<Expr> SortOp::pullback(ArrayRef<Expr> dys) {
  PullbackBuilder b(dys[0]);
  return {b.expr(b.scatterAddAlong(getX(), getIndices(), dys[0].value(),
                                   getDim()))};
}
