//===- LamToLinalgShape.cpp - broadcast, transpose, reshape, reverse ------===//

#include "LamToLinalg.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;

namespace lamina::lam {

//===----------------------------------------------------------------------===//
// Reshape
//===----------------------------------------------------------------------===//

namespace {
/// Which dimensions of the two shapes of a reshape hold the same elements.
struct Groups {
  SmallVector<ReassociationIndices> from, to;
};
} // namespace

/// Matches dimensions from the left, then from the right; what remains in the
/// middle is one group. Groups are as small as sizes are evidently equal.
static Groups matchDims(ArrayRef<OpFoldResult> from,
                        ArrayRef<OpFoldResult> to) {
  size_t i = 0, j = 0, m = from.size(), n = to.size();
  auto range = [](size_t begin, size_t end) {
    return llvm::to_vector<2>(llvm::seq<int64_t>(begin, end));
  };
  auto times = [](std::optional<int64_t> product, ArrayRef<OpFoldResult> sizes,
                  size_t place) -> std::optional<int64_t> {
    if (place >= sizes.size())
      return std::nullopt;
    auto size = getConstantIntValue(sizes[place]);
    return size ? std::optional(*product * *size) : std::nullopt;
  };
  Groups left, right;
  while (i < m && j < n) {
    size_t p = i + 1, q = j + 1;
    if (!sameSize(from[i], to[j])) {
      // Static products: extend the smaller side until they meet.
      auto x = times(1, from, i), y = times(1, to, j);
      while (x && y && *x != *y)
        if (*x < *y)
          x = times(x, from, p++);
        else
          y = times(y, to, q++);
      if (!x || !y)
        break;
    }
    left.from.push_back(range(i, p));
    left.to.push_back(range(j, q));
    i = p, j = q;
  }
  while (i < m && j < n && sameSize(from[m - 1], to[n - 1])) {
    right.from.push_back(range(m - 1, m));
    right.to.push_back(range(n - 1, n));
    --m, --n;
  }
  if (i < m && j < n) {
    left.from.push_back(range(i, m));
    left.to.push_back(range(j, n));
  } else if (!left.from.empty()) {
    // What is left on one side only has the size 1 and joins a neighbour.
    left.from.back().append(range(i, m));
    left.to.back().append(range(j, n));
  } else {
    auto join = [&](ReassociationIndices &group, size_t begin, size_t end) {
      ReassociationIndices all = range(begin, end);
      all.append(group);
      group = std::move(all);
    };
    join(right.from.back(), i, m);
    join(right.to.back(), j, n);
  }
  llvm::append_range(left.from, llvm::reverse(right.from));
  llvm::append_range(left.to, llvm::reverse(right.to));
  return left;
}

/// The type that remains when every group of dimensions becomes one.
static RankedTensorType collapsed(RankedTensorType type,
                                  ArrayRef<ReassociationIndices> groups) {
  SmallVector<int64_t> shape;
  for (const ReassociationIndices &group : groups) {
    int64_t size = 1;
    for (int64_t dim : group)
      size = ShapedType::isDynamic(size) || type.isDynamicDim(dim)
                 ? ShapedType::kDynamic
                 : size * type.getDimSize(dim);
    shape.push_back(size);
  }
  return type.clone(shape);
}

/// `x` as `type`: only what is known about its sizes changes.
static Value castShape(OpBuilder &b, Location loc, Value x,
                       RankedTensorType type) {
  if (x.getType() == type)
    return x;
  return tensor::CastOp::create(b, loc, type, x);
}

/// Whether no dimension has two different static sizes.
static bool agree(RankedTensorType a, RankedTensorType b) {
  return llvm::all_of(llvm::zip(a.getShape(), b.getShape()), [](auto pair) {
    auto [m, n] = pair;
    return m == n || ShapedType::isDynamic(m) || ShapedType::isDynamic(n);
  });
}

/// A copy of `x` under the new shape. Only where a dimension becomes several of
/// unknown size: upstream lowers no view for that.
static Value copyReshaped(OpBuilder &b, Location loc, Value x,
                          RankedTensorType type,
                          ArrayRef<OpFoldResult> newSizes) {
  auto from = cast<RankedTensorType>(x.getType());
  ReassociationIndices all =
      llvm::to_vector<2>(llvm::seq<int64_t>(0, from.getRank()));
  if (from.getRank() > 1)
    x = tensor::CollapseShapeOp::create(b, loc, x, all);
  auto body = [&](OpBuilder &b, Location loc, ValueRange, ValueRange) {
    Value place = linalg::IndexOp::create(b, loc, 0);
    for (int64_t i = 1; i < type.getRank(); ++i) {
      Value before =
          arith::MulIOp::create(b, loc, place, sizeValue(b, loc, newSizes[i]));
      place = arith::AddIOp::create(b, loc, before,
                                    linalg::IndexOp::create(b, loc, i));
    }
    return SmallVector<Value>{tensor::ExtractOp::create(b, loc, x, place)};
  };
  return pointwise(b, loc, {}, emptyTensor(b, loc, type, newSizes), body);
}

Value reshapeTensor(OpBuilder &b, Location loc, Value x,
                    ArrayRef<OpFoldResult> sizes, RankedTensorType type,
                    ArrayRef<OpFoldResult> newSizes) {
  auto from = cast<RankedTensorType>(x.getType());
  if (from == type && llvm::all_of(llvm::zip(sizes, newSizes), [](auto pair) {
        return sameSize(std::get<0>(pair), std::get<1>(pair));
      }))
    return x;
  if (llvm::is_contained(from.getShape(), 0) ||
      llvm::is_contained(type.getShape(), 0))
    return emptyTensor(b, loc, type, newSizes);

  // A tensor of one element is a scalar under either shape.
  auto units = [](RankedTensorType type) {
    return RankedTensorType::get(SmallVector<int64_t>(type.getRank(), 1),
                                 type.getElementType());
  };
  if (type.getRank() == 0) {
    x = castShape(b, loc, x, units(from));
    return tensor::CollapseShapeOp::create(b, loc, type, x,
                                           ArrayRef<ReassociationIndices>());
  }
  if (from.getRank() == 0) {
    x = tensor::ExpandShapeOp::create(b, loc, units(type), x,
                                      ArrayRef<ReassociationIndices>());
    return castShape(b, loc, x, type);
  }

  Groups groups = matchDims(sizes, newSizes);
  if (!agree(collapsed(from, groups.from), collapsed(type, groups.to))) {
    // Only possible where a size is 0 at run time: all as one group, whose
    // size nothing is known about.
    groups.from = {llvm::to_vector<2>(llvm::seq<int64_t>(0, from.getRank()))};
    groups.to = {llvm::to_vector<2>(llvm::seq<int64_t>(0, type.getRank()))};
  }
  bool ambiguous = llvm::any_of(groups.to, [&](const auto &group) {
    return llvm::count_if(
               group, [&](int64_t dim) { return type.isDynamicDim(dim); }) > 1;
  });
  if (ambiguous)
    return copyReshaped(b, loc, x, type, newSizes);
  RankedTensorType middle = collapsed(from, groups.from);
  RankedTensorType wanted = collapsed(type, groups.to);
  if (llvm::any_of(groups.from, [](auto &group) { return group.size() > 1; }))
    x = tensor::CollapseShapeOp::create(b, loc, middle, x, groups.from);
  x = castShape(b, loc, x, wanted);
  if (llvm::any_of(groups.to, [](auto &group) { return group.size() > 1; })) {
    SmallVector<OpFoldResult> output;
    for (int64_t i = 0; i < type.getRank(); ++i)
      output.push_back(type.isDynamicDim(i)
                           ? newSizes[i]
                           : OpFoldResult(b.getIndexAttr(type.getDimSize(i))));
    x = tensor::ExpandShapeOp::create(b, loc, type, x, groups.to, output);
  }
  return x;
}

namespace {

struct ReshapePattern : OpConversionPattern<ReshapeOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(ReshapeOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &b) const override {
    Location loc = op.getLoc();
    b.replaceOp(op, reshapeTensor(b, loc, adaptor.getX(),
                                  sizesOf(b, loc, op.getX()),
                                  signlessTensor(op), sizesOf(b, loc, op)));
    return success();
  }
};

//===----------------------------------------------------------------------===//
// Copies through maps
//===----------------------------------------------------------------------===//

/// Broadcasts and transposes: the operand's map says it all.
template <class Op>
struct CopyPattern : OpConversionPattern<Op> {
  using OpConversionPattern<Op>::OpConversionPattern;
  LogicalResult matchAndRewrite(Op op, typename Op::Adaptor,
                                ConversionPatternRewriter &b) const override {
    Location loc = op.getLoc();
    int64_t rank = cast<RankedTensorType>(op.getType()).getRank();
    Input input = resolve(b, loc, op.getY(), b.getMultiDimIdentityMap(rank));
    Value y = pointwise(b, loc, input, emptyLike(b, loc, op),
                        [](OpBuilder &, Location, ValueRange in, ValueRange) {
                          return SmallVector<Value>{in[0]};
                        });
    b.replaceOp(op, y);
    return success();
  }
};

struct ReversePattern : OpConversionPattern<ReverseOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(ReverseOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &b) const override {
    Location loc = op.getLoc();
    SmallVector<OpFoldResult> sizes = sizesOf(b, loc, op);
    SmallVector<Value> last(sizes.size());
    for (int64_t dim : op.getDims())
      last[dim] =
          sizeValue(b, loc, addSizes(b, loc, sizes[dim], b.getIndexAttr(-1)));
    auto body = [&](OpBuilder &b, Location loc, ValueRange, ValueRange) {
      SmallVector<Value> indices;
      for (auto [i, end] : llvm::enumerate(last)) {
        Value index = linalg::IndexOp::create(b, loc, i);
        indices.push_back(
            end ? arith::SubIOp::create(b, loc, end, index).getResult()
                : index);
      }
      return SmallVector<Value>{
          tensor::ExtractOp::create(b, loc, adaptor.getX(), indices)};
    };
    b.replaceOp(op, pointwise(b, loc, {}, emptyLike(b, loc, op), body));
    return success();
  }
};

struct IotaPattern : OpConversionPattern<IotaOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(IotaOp op, OpAdaptor,
                                ConversionPatternRewriter &b) const override {
    auto body = [&](OpBuilder &b, Location loc, ValueRange, ValueRange) {
      Value index = linalg::IndexOp::create(b, loc, op.getDim());
      Value wide = arith::IndexCastOp::create(b, loc, b.getI64Type(), index);
      return SmallVector<Value>{
          castScalar(b, loc, wide, b.getI64Type(), elementType(op))};
    };
    b.replaceOp(
        op, pointwise(b, op.getLoc(), {}, emptyLike(b, op.getLoc(), op), body));
    return success();
  }
};

} // namespace

void populateShapePatterns(RewritePatternSet &patterns, TypeConverter &types) {
  patterns.add<ReshapePattern, CopyPattern<BroadcastOp>,
               CopyPattern<TransposeOp>, ReversePattern, IotaPattern>(
      types, patterns.getContext());
}

} // namespace lamina::lam
