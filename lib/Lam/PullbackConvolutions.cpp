//===- PullbackConvolutions.cpp - derivatives of conv ---------------------===//

#include "PullbackBuilder.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace lamina::lam;

namespace {
class ConvRule {
public:
  ConvRule(ConvOp op, PullbackBuilder &b, Value dy)
      : op(op), b(b), dy(dy), rank(typeOf(op.getX()).getRank()),
        spatial(rank - 2), groups(op.getGroups()) {}

  Value toX();
  Value toKernel();
  /// Whether every channel has a kernel of its own, of few positions.
  bool isDepthwise();
  /// The same for such a convolution: every position on its own.
  Value toKernelByPosition();

private:
  ConvOp op;
  PullbackBuilder &b;
  Value dy;
  int64_t rank, spatial, groups;

  static int64_t extent(int64_t size, int64_t dilation) {
    return size ? (size - 1) * dilation + 1 : 0;
  }
  int64_t window(int64_t i) { return typeOf(op.getKernel()).getDimSize(i); }
  bool isKnown(int64_t i) {
    return !typeOf(op.getX()).isDynamicDim(i + 1) &&
           !typeOf(op.getY()).isDynamicDim(i + 1) &&
           !ShapedType::isDynamic(window(i));
  }
  /// The positions of the padded x behind the last place of the window; only
  /// known where the sizes are.
  int64_t rest(int64_t i) {
    int64_t padded =
        extent(typeOf(op.getX()).getDimSize(i + 1), op.getXDilation()[i]) +
        op.getPadLow()[i] + op.getPadHigh()[i];
    int64_t count = typeOf(op.getY()).getDimSize(i + 1);
    int64_t reach = extent(window(i), op.getKernelDilation()[i]);
    int64_t covered =
        count ? (count - 1) * op.getStrides()[i] + reach : reach - 1;
    return padded - covered;
  }
  Value extent(Value size, int64_t dilation);
  Value split(Value x, int64_t dim, bool groupFirst);
  Value spread();
  Value conv(Value x, Value kernel, ArrayRef<int64_t> strides,
             ArrayRef<int64_t> low, ArrayRef<int64_t> high,
             ArrayRef<int64_t> xDilation, ArrayRef<int64_t> kernelDilation);
  Value leading(Value x, Value like, ArrayRef<int64_t> perm);
  Value leadingOrZeros(Value x, Value like);
};
} // namespace

/// The length of `size` elements with holes; of none it is 0.
Value ConvRule::extent(Value size, int64_t dilation) {
  OpBuilder &builder = b.builder;
  Value one = b.index(1);
  Value length = builder.createOrFold<arith::SubIOp>(b.loc, size, one);
  length =
      builder.createOrFold<arith::MulIOp>(b.loc, length, b.index(dilation));
  length = builder.createOrFold<arith::AddIOp>(b.loc, length, one);
  return builder.createOrFold<arith::MaxSIOp>(b.loc, length, b.index(0));
}

/// dy with holes of the stride behind one reach of the kernel, as long as the
/// padded x and that reach: what the kernel turned around runs over if its size
/// is not known.
Value ConvRule::spread() {
  OpBuilder &builder = b.builder;
  SmallVector<OpFoldResult> offsets{builder.getIndexAttr(0)};
  SmallVector<int64_t> strides{1}, shape{typeOf(dy).getDimSize(0)};
  SmallVector<Value> sizes;
  auto keep = [&](int64_t dim) {
    if (typeOf(dy).isDynamicDim(dim))
      sizes.push_back(b.size(dy, dim));
  };
  keep(0);
  for (int64_t i = 0; i < spatial; ++i) {
    Value reach = builder.createOrFold<arith::SubIOp>(
        b.loc, extent(b.size(op.getKernel(), i), op.getKernelDilation()[i]),
        b.index(1));
    // A kernel without elements has a place behind the end as well.
    reach = builder.createOrFold<arith::MaxSIOp>(b.loc, reach, b.index(0));
    Value more = builder.createOrFold<arith::MaxSIOp>(b.loc, reach, b.index(1));
    Value length = builder.createOrFold<arith::AddIOp>(
        b.loc, extent(b.size(op.getX(), i + 1), op.getXDilation()[i]),
        b.index(op.getPadLow()[i] + op.getPadHigh()[i]));
    length = builder.createOrFold<arith::AddIOp>(b.loc, length, more);
    sizes.push_back(builder.createOrFold<arith::MaxSIOp>(b.loc, length, more));
    offsets.push_back(reach);
    strides.push_back(op.getStrides()[i]);
    shape.push_back(ShapedType::kDynamic);
  }
  offsets.push_back(builder.getIndexAttr(0));
  strides.push_back(1);
  shape.push_back(typeOf(dy).getDimSize(rank - 1));
  keep(rank - 1);
  return b.pad(dy, b.scalar(typeOf(dy).getElementType(), 0), offsets, strides,
               shape, sizes);
}

/// A convolution whose spatial result sizes follow from its operands'.
Value ConvRule::conv(Value x, Value kernel, ArrayRef<int64_t> strides,
                     ArrayRef<int64_t> low, ArrayRef<int64_t> high,
                     ArrayRef<int64_t> xDilation,
                     ArrayRef<int64_t> kernelDilation) {
  SmallVector<int64_t> shape{typeOf(x).getDimSize(0)};
  SmallVector<Value> sizes;
  if (typeOf(x).isDynamicDim(0))
    sizes.push_back(b.size(x, 0));
  OpBuilder &builder = b.builder;
  Location loc = b.loc;
  for (int64_t i = 0; i < spatial; ++i) {
    // (low + extent(x) + high - extent(kernel)) / stride + 1, at least 0.
    Value room = builder.createOrFold<arith::SubIOp>(
        loc, extent(b.size(x, i + 1), xDilation[i]),
        extent(b.size(kernel, i), kernelDilation[i]));
    room = builder.createOrFold<arith::AddIOp>(loc, room,
                                               b.index(low[i] + high[i]));
    Value places = builder.createOrFold<arith::AddIOp>(
        loc,
        builder.createOrFold<arith::FloorDivSIOp>(loc, room,
                                                  b.index(strides[i])),
        b.index(1));
    places = builder.createOrFold<arith::MaxSIOp>(loc, places, b.index(0));
    if (std::optional<int64_t> known = getConstantIntValue(places)) {
      shape.push_back(*known);
    } else {
      shape.push_back(ShapedType::kDynamic);
      sizes.push_back(places);
    }
  }
  shape.push_back(typeOf(kernel).getDimSize(rank - 1));
  if (typeOf(kernel).isDynamicDim(rank - 1))
    sizes.push_back(b.size(kernel, rank - 1));
  return ConvOp::create(builder, loc, typeOf(x).clone(shape), x, kernel,
                        strides, low, high, xDilation, kernelDilation, groups,
                        sizes);
}

/// Dimension `dim` of size G * C (or C * G) as two; G is the number of groups.
Value ConvRule::split(Value x, int64_t dim, bool groupFirst) {
  SmallVector<int64_t> shape;
  SmallVector<Value> sizes;
  for (int64_t i = 0; i < typeOf(x).getRank(); ++i) {
    int64_t size = typeOf(x).getDimSize(i);
    bool isDynamic = ShapedType::isDynamic(size);
    Value value = isDynamic ? b.size(x, i) : Value();
    if (i == dim) {
      if (groupFirst)
        shape.push_back(groups);
      if (isDynamic)
        value = b.builder.createOrFold<arith::DivUIOp>(b.loc, value,
                                                       b.index(groups));
      else
        size /= groups;
    }
    shape.push_back(size);
    if (isDynamic)
      sizes.push_back(value);
    if (i == dim && !groupFirst)
      shape.push_back(groups);
  }
  return b.reshape(x, shape, sizes);
}

/// The first entries of the spatial dimensions, permuted to the order of
/// `like`.
Value ConvRule::leading(Value x, Value like, ArrayRef<int64_t> perm) {
  x = b.transpose(x, perm);
  if (x.getType() == like.getType() && typeOf(x).hasStaticShape())
    return x;
  SmallVector<OpFoldResult> zero(rank, b.builder.getIndexAttr(0));
  return b.slice(x, zero, SmallVector<int64_t>(rank, 1), like);
}

/// The same where `x` may be too short in spatial dimensions: then dy is empty.
Value ConvRule::leadingOrZeros(Value x, Value like) {
  if (typeOf(x).hasStaticShape() && typeOf(like).hasStaticShape())
    return leading(x, like, allDims(rank));
  SmallVector<int64_t> shape(typeOf(like).getShape()), ones(rank, 1);
  SmallVector<Value> sizes;
  for (int64_t i = 0; i < rank; ++i) {
    if (i < spatial) {
      Value least = b.builder.createOrFold<arith::MinSIOp>(b.loc, b.size(x, i),
                                                           b.size(like, i));
      shape[i] = getConstantIntValue(least).value_or(ShapedType::kDynamic);
      if (ShapedType::isDynamic(shape[i]))
        sizes.push_back(least);
    } else if (ShapedType::isDynamic(shape[i])) {
      sizes.push_back(b.size(like, i));
    }
  }
  SmallVector<int64_t> zeros(rank, 0);
  Value part = SliceOp::create(b.builder, b.loc, typeOf(x).clone(shape), x,
                               zeros, ones, ValueRange(), sizes);
  SmallVector<OpFoldResult> origin(rank, b.builder.getIndexAttr(0));
  return b.pad(part, b.scalar(typeOf(x).getElementType(), 0), origin, ones,
               like);
}

/// dy with holes of the stride, convolved with the kernel turned around.
Value ConvRule::toX() {
  Value kernel = op.getKernel();
  if (spatial) {
    SmallVector<int64_t> dims = allDims(spatial);
    kernel = ReverseOp::create(b.builder, b.loc, kernel,
                               b.builder.getDenseI64ArrayAttr(dims));
  }
  // [w…, C / G, G * (O / G)] -> [w…, O / G, G * (C / G)]
  Value byGroup = split(kernel, rank - 1, /*groupFirst=*/true);
  SmallVector<int64_t> perm = allDims(rank + 1);
  std::swap(perm[rank - 2], perm[rank]); // C / G <-> O / G around G
  byGroup = b.transpose(byGroup, perm);
  SmallVector<int64_t> shape(typeOf(byGroup).getShape().drop_back(2));
  SmallVector<Value> sizes;
  for (int64_t i = 0; i < rank - 1; ++i)
    if (typeOf(byGroup).isDynamicDim(i))
      sizes.push_back(b.size(byGroup, i));
  int64_t channels = typeOf(byGroup).getDimSize(rank);
  if (ShapedType::isDynamic(channels)) {
    sizes.push_back(b.mul(b.size(byGroup, rank), b.index(groups)));
    shape.push_back(channels);
  } else {
    shape.push_back(channels * groups);
  }
  kernel = b.reshape(byGroup, shape, sizes);

  SmallVector<int64_t> low, high;
  if (llvm::any_of(allDims(spatial), [&](int64_t i) {
        return ShapedType::isDynamic(window(i));
      })) {
    for (int64_t i = 0; i < spatial; ++i) {
      low.push_back(-op.getPadLow()[i]);
      high.push_back(-op.getPadHigh()[i]);
    }
    Value dx = conv(spread(), kernel, op.getXDilation(), low, high,
                    SmallVector<int64_t>(spatial, 1), op.getKernelDilation());
    return leading(dx, op.getX(), allDims(rank));
  }
  for (int64_t i = 0; i < spatial; ++i) {
    int64_t reach = extent(window(i), op.getKernelDilation()[i]);
    low.push_back(reach - 1 - op.getPadLow()[i]);
    // Where the rest is unknown, its upper bound; the surplus is cut off.
    int64_t left = isKnown(i) ? rest(i) : op.getStrides()[i] - 1;
    high.push_back(reach - 1 - op.getPadHigh()[i] + left);
  }
  Value dx = conv(dy, kernel, op.getXDilation(), low, high, op.getStrides(),
                  op.getKernelDilation());
  return leading(dx, op.getX(), allDims(rank));
}

/// x convolved with dy: channels are the batch, the batch is contracted.
Value ConvRule::toKernel() {
  // x: [N, s…, G * (C / G)] -> [C / G, s…, G * N]
  Value x = split(op.getX(), rank - 1, /*groupFirst=*/true);
  SmallVector<int64_t> perm{rank};
  for (int64_t i = 1; i <= spatial; ++i)
    perm.push_back(i);
  perm.push_back(rank - 1);
  perm.push_back(0);
  x = b.transpose(x, perm);
  SmallVector<int64_t> shape(typeOf(x).getShape().drop_back(2));
  SmallVector<Value> sizes;
  for (int64_t i = 0; i < rank - 1; ++i)
    if (typeOf(x).isDynamicDim(i))
      sizes.push_back(b.size(x, i));
  int64_t batch = typeOf(x).getDimSize(rank);
  if (ShapedType::isDynamic(batch)) {
    sizes.push_back(b.mul(b.size(x, rank), b.index(groups)));
    shape.push_back(batch);
  } else {
    shape.push_back(batch * groups);
  }
  x = b.reshape(x, shape, sizes);

  // dy as a kernel: [N, o…, O] -> [o…, N, O]
  SmallVector<int64_t> toKernel;
  for (int64_t i = 1; i <= spatial; ++i)
    toKernel.push_back(i);
  toKernel.append({0, rank - 1});
  Value weights = b.transpose(dy, toKernel);

  SmallVector<int64_t> high;
  for (int64_t i = 0; i < spatial; ++i)
    high.push_back(op.getPadHigh()[i] - (isKnown(i) ? rest(i) : 0));
  Value dk = conv(x, weights, op.getKernelDilation(), op.getPadLow(), high,
                  op.getXDilation(), op.getStrides());
  // [C / G, w…, O] -> [w…, C / G, O]
  SmallVector<int64_t> back;
  for (int64_t i = 1; i <= spatial; ++i)
    back.push_back(i);
  back.append({0, rank - 1});
  return leadingOrZeros(b.transpose(dk, back), op.getKernel());
}

bool ConvRule::isDepthwise() {
  constexpr int64_t mostPositions = 49;
  RankedTensorType x = typeOf(op.getX()), kernel = typeOf(op.getKernel());
  Type type = x.getElementType(); // products are rounded to it
  int64_t positions = 1;
  for (int64_t i = 0; i < spatial; ++i) {
    if (!isKnown(i) || op.getPadLow()[i] < 0 || op.getPadHigh()[i] < 0 ||
        op.getXDilation()[i] != 1 || window(i) == 0)
      return false;
    positions *= window(i);
  }
  return groups > 1 && x.getDimSize(rank - 1) == groups &&
         kernel.getDimSize(rank - 1) == groups && positions <= mostPositions &&
         (type.isF32() || type.isF64());
}

/// The sum over batch and places of dy times what the position sees: lanes
/// stay along the channels, which toKernel would have to move.
Value ConvRule::toKernelByPosition() {
  Value x = op.getX();
  SmallVector<int64_t> ones(rank, 1), shape(typeOf(x).getShape()), strides{1};
  SmallVector<OpFoldResult> offsets(rank, b.builder.getIndexAttr(0));
  for (int64_t i = 0; i < spatial; ++i) {
    shape[i + 1] += op.getPadLow()[i] + op.getPadHigh()[i];
    offsets[i + 1] = b.builder.getIndexAttr(op.getPadLow()[i]);
    strides.push_back(op.getStrides()[i]);
  }
  strides.push_back(1);
  SmallVector<Value> sizes;
  if (typeOf(x).isDynamicDim(0))
    sizes.push_back(b.size(x, 0));
  if (!llvm::equal(shape, typeOf(x).getShape()))
    x = b.pad(x, b.scalar(typeOf(x).getElementType(), 0), offsets, ones, shape,
              sizes);
  SmallVector<Value> rows;
  SmallVector<int64_t> position(spatial, 0);
  for (bool more = true; more;) {
    for (int64_t i = 0; i < spatial; ++i)
      offsets[i + 1] =
          b.builder.getIndexAttr(position[i] * op.getKernelDilation()[i]);
    Expr seen = b.expr(b.slice(x, offsets, strides, dy));
    Value sum = b.sum((seen * b.expr(dy)).value(), allDims(rank - 1));
    rows.push_back(b.reshape(sum, {1, groups}, {}));
    more = false; // the next position, the last dimension first
    for (int64_t i = spatial - 1; i >= 0 && !more; --i) {
      more = ++position[i] < window(i);
      position[i] = more ? position[i] : 0;
    }
  }
  Value all = rows.front();
  if (rows.size() > 1)
    all = ConcatOp::create(b.builder, b.loc,
                           typeOf(all).clone({int64_t(rows.size()), groups}),
                           rows, 0);
  return b.reshape(all, op.getKernel());
}

SmallVector<Expr> ConvOp::pullback(ArrayRef<Expr> dys) {
  PullbackBuilder b(dys[0]);
  ConvRule rule(*this, b, dys[0].value());
  SmallVector<Expr> result(getNumOperands(), Expr(0.0));
  result[0] = b.expr(rule.toX());
  result[1] =
      b.expr(rule.isDepthwise() ? rule.toKernelByPosition() : rule.toKernel());
  return result;
}
