//===- FoldStructure.cpp - folds of casts, sizes and structural ops -------===//

#include "FoldConstants.h"
#include "lamina/Lam/Lam.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace lamina::lam;

static RankedTensorType tensorType(Value value) {
  return cast<RankedTensorType>(value.getType());
}

/// `value` with every element in place, in another static shape.
static OpFoldResult reshaped(Attribute value, RankedTensorType type) {
  auto elements = dyn_cast_or_null<DenseElementsAttr>(value);
  if (!elements || !type.hasStaticShape())
    return {};
  return elements.isSplat() ? elements.resizeSplat(type)
                            : elements.reshape(type);
}

//===----------------------------------------------------------------------===//
// Constants, casts, sizes
//===----------------------------------------------------------------------===//

OpFoldResult ConstantOp::fold(FoldAdaptor) { return getValue(); }

/// Whether every value of `from` is a value of `to`.
static bool holds(Type to, Type from) {
  if (auto x = dyn_cast<FloatType>(from)) {
    auto y = dyn_cast<FloatType>(to);
    return y && (x == y || (y.getWidth() > x.getWidth() && y.getWidth() >= 32));
  }
  auto x = cast<IntegerType>(from);
  bool isUnsigned = x.isUnsigned() || x.getWidth() == 1;
  unsigned digits = x.getWidth() - !isUnsigned;
  if (auto y = dyn_cast<FloatType>(to))
    return digits <= y.getFPMantissaWidth();
  auto y = cast<IntegerType>(to);
  if (y.getWidth() == 1 || (y.isUnsigned() && !isUnsigned))
    return x == y;
  return digits <= y.getWidth() - !y.isUnsigned();
}

OpFoldResult CastOp::fold(FoldAdaptor adaptor) {
  if (getX().getType() == getType())
    return getX();
  // Back from a wider type.
  if (auto inner = getX().getDefiningOp<CastOp>()) {
    Type from = getElementTypeOrSelf(inner.getX());
    if (inner.getX().getType() == getType() &&
        holds(getElementTypeOrSelf(getX()), from))
      return inner.getX();
  }
  return castConstant(adaptor.getX(), tensorType(getY()));
}

OpFoldResult FromSizeOp::fold(FoldAdaptor adaptor) {
  auto size = dyn_cast_or_null<IntegerAttr>(adaptor.getSize());
  if (!size)
    return {};
  RankedTensorType type = tensorType(getY());
  return DenseElementsAttr::get(
      type, size.getValue().sextOrTrunc(type.getElementTypeBitWidth()));
}

//===----------------------------------------------------------------------===//
// Shapes
//===----------------------------------------------------------------------===//

/// Whether `x` has the type of `y`, and no size that only runtime knows.
static bool sameStatic(Value x, Value y) {
  return x.getType() == y.getType() && tensorType(y).hasStaticShape();
}

OpFoldResult BroadcastOp::fold(FoldAdaptor adaptor) {
  if (sameStatic(getX(), getY()))
    return getX();
  return moveConstant(adaptor.getX(), tensorType(getY()),
                      [&](ArrayRef<int64_t> to, MutableArrayRef<int64_t> from) {
                        for (auto [i, dim] : llvm::enumerate(getDims()))
                          if (tensorType(getX()).getDimSize(i) != 1)
                            from[i] = to[dim];
                      });
}

OpFoldResult ReshapeOp::fold(FoldAdaptor adaptor) {
  // One unknown size follows from the others.
  if (getX().getType() == getType() &&
      tensorType(getY()).getNumDynamicDims() <= 1 &&
      !llvm::is_contained(tensorType(getY()).getShape(), 0))
    return getX();
  return reshaped(adaptor.getX(), tensorType(getY()));
}

static bool isIdentity(ArrayRef<int64_t> perm) {
  for (auto [i, dim] : llvm::enumerate(perm))
    if (static_cast<int64_t>(i) != dim)
      return false;
  return true;
}

OpFoldResult TransposeOp::fold(FoldAdaptor adaptor) {
  if (isIdentity(getPerm()))
    return getX();
  return moveConstant(adaptor.getX(), tensorType(getY()),
                      [&](ArrayRef<int64_t> to, MutableArrayRef<int64_t> from) {
                        for (auto [i, dim] : llvm::enumerate(getPerm()))
                          from[dim] = to[i];
                      });
}

OpFoldResult SliceOp::fold(FoldAdaptor adaptor) {
  // The whole of x: no room for an offset or a stride.
  if (sameStatic(getX(), getY()))
    return getX();
  if (!getOffsets().empty())
    return {};
  return moveConstant(adaptor.getX(), tensorType(getY()),
                      [&](ArrayRef<int64_t> to, MutableArrayRef<int64_t> from) {
                        for (auto [i, at] : llvm::enumerate(to))
                          from[i] =
                              getStaticOffsets()[i] + at * getStrides()[i];
                      });
}

OpFoldResult PadOp::fold(FoldAdaptor adaptor) {
  if (sameStatic(getX(), getY()))
    return getX();
  return {};
}

OpFoldResult ReverseOp::fold(FoldAdaptor adaptor) {
  bool single = llvm::all_of(getDims(), [&](int64_t dim) {
    return tensorType(getX()).getDimSize(dim) == 1;
  });
  if (single)
    return getX();
  if (auto inner = getX().getDefiningOp<ReverseOp>();
      inner && inner.getDims() == getDims())
    return inner.getX();
  return moveConstant(adaptor.getX(), tensorType(getY()),
                      [&](ArrayRef<int64_t> to, MutableArrayRef<int64_t> from) {
                        llvm::copy(to, from.begin());
                        for (int64_t dim : getDims())
                          from[dim] =
                              tensorType(getX()).getDimSize(dim) - 1 - to[dim];
                      });
}

OpFoldResult ConcatOp::fold(FoldAdaptor adaptor) {
  if (getXs().size() == 1 && getXs()[0].getType() == getType())
    return getXs()[0];
  return {};
}

OpFoldResult ReduceOp::fold(FoldAdaptor adaptor) {
  if (getDims().empty())
    return getX();
  return {};
}

//===----------------------------------------------------------------------===//
// Canonicalization
//===----------------------------------------------------------------------===//

namespace {
/// A broadcast of a broadcast is one.
struct BroadcastOfBroadcast : OpRewritePattern<BroadcastOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(BroadcastOp op,
                                PatternRewriter &rewriter) const override {
    auto inner = op.getX().getDefiningOp<BroadcastOp>();
    if (!inner)
      return failure();
    SmallVector<int64_t> dims;
    for (int64_t dim : inner.getDims())
      dims.push_back(op.getDims()[dim]);
    rewriter.replaceOpWithNewOp<BroadcastOp>(op, op.getType(), inner.getX(),
                                             dims, op.getSizes());
    return success();
  }
};

/// Only the last shape counts.
struct ReshapeOfReshape : OpRewritePattern<ReshapeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ReshapeOp op,
                                PatternRewriter &rewriter) const override {
    auto inner = op.getX().getDefiningOp<ReshapeOp>();
    if (!inner)
      return failure();
    rewriter.replaceOpWithNewOp<ReshapeOp>(op, op.getType(), inner.getX(),
                                           op.getSizes());
    return success();
  }
};

/// A permutation of a permutation is one.
struct TransposeOfTranspose : OpRewritePattern<TransposeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(TransposeOp op,
                                PatternRewriter &rewriter) const override {
    auto inner = op.getX().getDefiningOp<TransposeOp>();
    if (!inner)
      return failure();
    SmallVector<int64_t> perm;
    for (int64_t dim : op.getPerm())
      perm.push_back(inner.getPerm()[dim]);
    rewriter.replaceOpWithNewOp<TransposeOp>(op, op.getType(), inner.getX(),
                                             perm);
    return success();
  }
};
} // namespace

void BroadcastOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                              MLIRContext *context) {
  patterns.add<BroadcastOfBroadcast>(context);
}
void ReshapeOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                            MLIRContext *context) {
  patterns.add<ReshapeOfReshape>(context);
}
void TransposeOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                              MLIRContext *context) {
  patterns.add<TransposeOfTranspose>(context);
}
