//===- PullbackWindows.cpp - derivatives of pooling -----------------------===//

#include "PullbackBuilder.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace lamina::lam;

namespace {
class WindowRule {
public:
  WindowRule(WindowOp op, PullbackBuilder &b, Value dy)
      : op(op), b(b), dy(dy), rank(typeOf(op.getX()).getRank()) {}

  /// A window of ones run over dy with holes of the stride.
  Value sum();
  /// Every offset of the window on its own: strided slices of x.
  Value extreme();
  Value product();

private:
  WindowOp op;
  PullbackBuilder &b;
  Value dy;
  int64_t rank;

  OpFoldResult number(int64_t value) { return b.builder.getIndexAttr(value); }
  int64_t low(int64_t i) { return std::max<int64_t>(op.getPadLow()[i], 0); }
  /// x (or something of its shape) padded with the identity; a negative pad
  /// cuts off.
  Value padded(Value x, Value identity, ArrayRef<int64_t> extra);
  /// The part of a padded cotangent that belongs to x.
  Value unpadded(Value padded);
  SmallVector<SmallVector<OpFoldResult>> offsets();
  /// Every offset's share of the cotangent, placed where it was read.
  Value placeAll(ArrayRef<SmallVector<OpFoldResult>> offsets,
                 ArrayRef<Value> shares, Value like);
};
} // namespace

Value WindowRule::padded(Value x, Value identity, ArrayRef<int64_t> extra) {
  SmallVector<OpFoldResult> offsets;
  SmallVector<int64_t> shape, ones(rank, 1);
  SmallVector<Value> sizes;
  for (int64_t i = 0; i < rank; ++i) {
    int64_t more = low(i) + std::max<int64_t>(op.getPadHigh()[i], 0) + extra[i];
    int64_t size = typeOf(x).getDimSize(i);
    offsets.push_back(number(low(i)));
    shape.push_back(ShapedType::isDynamic(size) ? size : size + more);
    if (ShapedType::isDynamic(size))
      sizes.push_back(b.add(b.size(x, i), b.index(more)));
  }
  return b.pad(x, identity, offsets, ones, shape, sizes);
}

Value WindowRule::unpadded(Value padded) {
  SmallVector<OpFoldResult> offsets;
  for (int64_t i = 0; i < rank; ++i)
    offsets.push_back(number(low(i)));
  return b.slice(padded, offsets, SmallVector<int64_t>(rank, 1), op.getX());
}

Value WindowRule::sum() {
  // dy in a frame as long as the padded x, behind one reach of the window;
  // then position k of the padded x sees the windows that cover it.
  Value zero = b.scalar(getElementTypeOrSelf(dy), 0);
  SmallVector<OpFoldResult> offsets;
  SmallVector<int64_t> shape, resultShape, ones(rank, 1), none(rank, 0);
  SmallVector<Value> sizes, resultSizes;
  for (int64_t i = 0; i < rank; ++i) {
    int64_t reach = (op.getWindow()[i] - 1) * op.getDilation()[i];
    int64_t cut = std::min<int64_t>(op.getPadLow()[i], 0); // x begins at -cut
    int64_t pad = low(i) + std::max<int64_t>(op.getPadHigh()[i], 0);
    offsets.push_back(number(reach - cut));
    int64_t size = typeOf(op.getX()).getDimSize(i);
    if (ShapedType::isDynamic(size)) {
      Value length = b.add(b.size(op.getX(), i), b.index(pad));
      resultSizes.push_back(length);
      sizes.push_back(b.add(length, b.index(reach)));
      shape.push_back(size);
      resultShape.push_back(size);
    } else {
      shape.push_back(size + pad + reach);
      resultShape.push_back(size + pad);
    }
  }
  Value spread = b.pad(dy, zero, offsets, op.getStrides(), shape, sizes);
  Value seen = WindowOp::create(b.builder, b.loc, typeOf(dy).clone(resultShape),
                                ReduceKind::Sum, spread, op.getWindow(), ones,
                                none, none, op.getDilation(), resultSizes);
  return unpadded(seen);
}

/// The first element of the window at every place, for every offset in it.
SmallVector<SmallVector<OpFoldResult>> WindowRule::offsets() {
  SmallVector<SmallVector<OpFoldResult>> all(1);
  for (int64_t i = 0; i < rank; ++i) {
    int64_t cut = -std::min<int64_t>(op.getPadLow()[i], 0);
    SmallVector<SmallVector<OpFoldResult>> longer;
    for (const auto &prefix : all)
      for (int64_t w = 0; w < op.getWindow()[i]; ++w) {
        longer.push_back(prefix);
        longer.back().push_back(number(cut + w * op.getDilation()[i]));
      }
    all = std::move(longer);
  }
  return all;
}

Value WindowRule::placeAll(ArrayRef<SmallVector<OpFoldResult>> offsets,
                           ArrayRef<Value> shares, Value like) {
  Value zero = b.scalar(getElementTypeOrSelf(dy), 0);
  Expr total = 0.0;
  for (auto [offset, share] : llvm::zip_equal(offsets, shares)) {
    Expr placed = b.expr(b.pad(share, zero, offset, op.getStrides(), like));
    total = total.isNumber() ? placed : total + placed;
  }
  return unpadded(total.value());
}

/// The first element that attains the extreme gets the cotangent.
Value WindowRule::extreme() {
  double identity = op.getKind() == ReduceKind::Max
                        ? -std::numeric_limits<double>::infinity()
                        : std::numeric_limits<double>::infinity();
  Value x =
      padded(op.getX(), b.scalar(getElementTypeOrSelf(op.getX()), identity),
             SmallVector<int64_t>(rank, 0));
  Expr y = b.expr(op.getY()), zero = b.expr(b.zeros(dy)), left = b.expr(dy);
  auto places = offsets();
  SmallVector<Value> shares;
  for (const auto &offset : places) {
    Expr part = b.expr(b.slice(x, offset, op.getStrides(), dy));
    Expr hit = eq(part, y);
    shares.push_back(select(hit, left, zero).value());
    left = select(hit, zero, left);
  }
  return placeAll(places, shares, x);
}

/// The product of the others, from both sides.
Value WindowRule::product() {
  Value x = padded(op.getX(), b.scalar(getElementTypeOrSelf(op.getX()), 1),
                   SmallVector<int64_t>(rank, 0));
  auto places = offsets();
  SmallVector<Expr> parts;
  for (const auto &offset : places)
    parts.push_back(b.expr(b.slice(x, offset, op.getStrides(), dy)));
  SmallVector<Expr> behind(parts.size(), Expr(1.0));
  for (size_t i = parts.size() - 1; i-- > 0;)
    behind[i] = parts[i + 1] * behind[i + 1];
  SmallVector<Value> shares;
  Expr before = b.expr(dy);
  for (auto [part, rest] : llvm::zip_equal(parts, behind)) {
    shares.push_back((before * rest).value());
    before = before * part;
  }
  return placeAll(places, shares, x);
}

SmallVector<Expr> WindowOp::pullback(ArrayRef<Expr> dys) {
  PullbackBuilder b(dys[0]);
  WindowRule rule(*this, b, dys[0].value());
  SmallVector<Expr> result(getNumOperands(), Expr(0.0));
  switch (getKind()) {
  case ReduceKind::Sum:
    result[0] = b.expr(rule.sum());
    return result;
  case ReduceKind::Prod:
    result[0] = b.expr(rule.product());
    return result;
  default:
    result[0] = b.expr(rule.extreme());
    return result;
  }
}
