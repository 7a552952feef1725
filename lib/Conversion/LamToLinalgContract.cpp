//===- LamToLinalgContract.cpp - contractions -----------------------------===//

#include "LamToLinalg.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace lamina::lam {

Value contract(OpBuilder &b, Location loc, Input a, Input x,
               AffineMap resultMap, RankedTensorType type,
               ArrayRef<OpFoldResult> sizes) {
  Type compute = computeType(type.getElementType());
  // Without a summed loop this is a product of broadcast operands.
  if (resultMap.getNumDims() == resultMap.getNumResults()) {
    auto body = [&](OpBuilder &b, Location loc, ValueRange in, ValueRange) {
      Value y = combine(b, loc, ReduceKind::Prod, type.getElementType(),
                        convertFloat(b, loc, in[0], compute),
                        convertFloat(b, loc, in[1], compute));
      return SmallVector<Value>{convertFloat(b, loc, y, type.getElementType())};
    };
    return pointwise(b, loc, {a, x}, emptyTensor(b, loc, type, sizes), body);
  }

  Value zero = arith::ConstantOp::create(b, loc, b.getZeroAttr(compute));
  Value init = filledTensor(b, loc, cast<RankedTensorType>(type.clone(compute)),
                            sizes, zero);
  SmallVector<AffineMap> maps{a.map, x.map, resultMap};
  SmallVector<Value> inputs{a.tensor, x.tensor};
  auto is = [&](SmallVector<AffineMap> named) { return maps == named; };
  Value y;
  if (is(linalg::MatmulOp::getDefaultIndexingMaps(b.getContext())))
    y = linalg::MatmulOp::create(b, loc, inputs, init).getResult(0);
  else if (is(linalg::BatchMatmulOp::getDefaultIndexingMaps(b.getContext())))
    y = linalg::BatchMatmulOp::create(b, loc, inputs, init).getResult(0);
  else
    y = linalg::ContractOp::create(b, loc, inputs, init,
                                   b.getAffineMapArrayAttr(maps))
            .getResult(0);
  return roundTensor(b, loc, y, type);
}

namespace {

/// The loops are the dimensions of the result (batch, free of a, free of b),
/// then the contracted ones.
struct DotPattern : OpConversionPattern<DotOp> {
  using OpConversionPattern::OpConversionPattern;

  /// The map of one operand; `next` is the loop of its first free dimension.
  static AffineMap operandMap(Builder &b, Value x, ArrayRef<int64_t> batch,
                              ArrayRef<int64_t> contracted, int64_t next,
                              int64_t firstContracted, int64_t loopCount) {
    SmallVector<AffineExpr> exprs(cast<ShapedType>(x.getType()).getRank());
    for (auto [i, dim] : llvm::enumerate(batch))
      exprs[dim] = b.getAffineDimExpr(i);
    for (auto [i, dim] : llvm::enumerate(contracted))
      exprs[dim] = b.getAffineDimExpr(firstContracted + i);
    for (AffineExpr &expr : exprs)
      if (!expr)
        expr = b.getAffineDimExpr(next++);
    return AffineMap::get(loopCount, 0, exprs, b.getContext());
  }

  LogicalResult matchAndRewrite(DotOp op, OpAdaptor,
                                ConversionPatternRewriter &b) const override {
    Location loc = op.getLoc();
    RankedTensorType type = signlessTensor(op);
    int64_t rank = type.getRank(), batch = op.getBatchA().size(),
            contracted = op.getContractA().size(),
            loopCount = rank + contracted,
            freeA = cast<ShapedType>(op.getA().getType()).getRank() - batch -
                    contracted;
    AffineMap mapA = operandMap(b, op.getA(), op.getBatchA(), op.getContractA(),
                                batch, rank, loopCount);
    AffineMap mapB = operandMap(b, op.getB(), op.getBatchB(), op.getContractB(),
                                batch + freeA, rank, loopCount);
    SmallVector<AffineExpr> exprs;
    for (int64_t dim = 0; dim < rank; ++dim)
      exprs.push_back(b.getAffineDimExpr(dim));
    AffineMap result = AffineMap::get(loopCount, 0, exprs, b.getContext());
    b.replaceOp(op,
                contract(b, loc,
                         resolve(b, loc, op.getA(), mapA, Absorb::Transposes),
                         resolve(b, loc, op.getB(), mapB, Absorb::Transposes),
                         result, type, sizesOf(b, loc, op)));
    return success();
  }
};

} // namespace

void populateContractPatterns(RewritePatternSet &patterns,
                              TypeConverter &types) {
  patterns.add<DotPattern>(types, patterns.getContext());
}

} // namespace lamina::lam
