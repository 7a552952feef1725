//===- LamToLinalgPointwise.cpp - formulas, casts, constants --------------===//

#include "LamToLinalg.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/DialectResourceBlobManager.h"

using namespace mlir;

namespace lamina::lam {
namespace {

/// Every operand of a pointwise op, read at the loop indices.
SmallVector<Input> readOperands(ConversionPatternRewriter &b, Operation *op) {
  int64_t rank = cast<RankedTensorType>(op->getResult(0).getType()).getRank();
  SmallVector<Input> inputs;
  for (Value operand : op->getOperands())
    inputs.push_back(
        resolve(b, op->getLoc(), operand, b.getMultiDimIdentityMap(rank)));
  return inputs;
}

/// Ops that only move or inspect bits need no wider arithmetic.
bool isBitwise(Operation *op) {
  return isa<SelectOp, NegOp, AbsOp, NextAfterOp>(op);
}

struct PointwisePattern : OpInterfaceConversionPattern<PointwiseOpInterface> {
  using OpInterfaceConversionPattern::OpInterfaceConversionPattern;

  LogicalResult matchAndRewrite(PointwiseOpInterface interface,
                                ArrayRef<Value> operands,
                                ConversionPatternRewriter &b) const override {
    Operation *op = interface;
    SmallVector<Input> inputs = readOperands(b, op);
    RankedTensorType type = signlessTensor(op->getResult(0));
    auto body = [&](OpBuilder &b, Location loc, ValueRange in, ValueRange) {
      SmallVector<Expr> args;
      for (auto [value, operand] : llvm::zip(in, op->getOperands())) {
        Value x = isBitwise(op) ? value
                                : convertFloat(b, loc, value,
                                               computeType(value.getType()));
        args.push_back(Expr(x, b, loc, readsUnsigned(elementType(operand))));
      }
      Value y = interface.formulaOf(args).materialize(args.back());
      return SmallVector<Value>{convertFloat(b, loc, y, type.getElementType())};
    };
    b.replaceOp(op,
                pointwise(b, op->getLoc(), inputs,
                          emptyLike(b, op->getLoc(), op->getResult(0)), body));
    return success();
  }
};

struct CastPattern : OpConversionPattern<CastOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(CastOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &b) const override {
    Type from = elementType(op.getX()), to = elementType(op.getY());
    if (signless(from) == signless(to)) {
      b.replaceOp(op, adaptor.getX());
      return success();
    }
    auto body = [&](OpBuilder &b, Location loc, ValueRange in, ValueRange) {
      return SmallVector<Value>{castScalar(b, loc, in[0], from, to)};
    };
    b.replaceOp(op, pointwise(b, op.getLoc(), readOperands(b, op),
                              emptyLike(b, op.getLoc(), op.getY()), body));
    return success();
  }
};

struct BitcastPattern : OpConversionPattern<BitcastOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(BitcastOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &b) const override {
    Type to = signless(elementType(op.getY()));
    if (signless(elementType(op.getX())) == to) {
      b.replaceOp(op, adaptor.getX());
      return success();
    }
    auto body = [&](OpBuilder &b, Location loc, ValueRange in, ValueRange) {
      return SmallVector<Value>{arith::BitcastOp::create(b, loc, to, in[0])};
    };
    b.replaceOp(op, pointwise(b, op.getLoc(), readOperands(b, op),
                              emptyLike(b, op.getLoc(), op.getY()), body));
    return success();
  }
};

struct ConstantPattern : OpConversionPattern<ConstantOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(ConstantOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &b) const override {
    RankedTensorType type = signlessTensor(op);
    // A filled tensor needs no memory in the object file.
    if (TypedAttr scalar = splatOf(op); scalar && type.getRank() > 0) {
      Value number = arith::ConstantOp::create(b, op.getLoc(), scalar);
      b.replaceOp(op, filledTensor(b, op.getLoc(), type,
                                   sizesOf(b, op.getLoc(), op), number));
      return success();
    }
    ElementsAttr value = op.getValue();
    if (auto dense = dyn_cast<DenseIntElementsAttr>(value)) {
      value = dense.bitcast(type.getElementType());
    } else if (auto resource = dyn_cast<DenseResourceElementsAttr>(value)) {
      value = DenseResourceElementsAttr::get(type, resource.getRawHandle());
    } else if (!isa<DenseElementsAttr>(value)) {
      return b.notifyMatchFailure(op, "constant is neither dense nor resource");
    }
    b.replaceOpWithNewOp<arith::ConstantOp>(op, type, cast<TypedAttr>(value));
    return success();
  }
};

struct FromSizePattern : OpConversionPattern<FromSizeOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(FromSizeOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &b) const override {
    Value number = arith::IndexCastOp::create(
        b, op.getLoc(), signless(elementType(op.getY())), adaptor.getSize());
    b.replaceOpWithNewOp<tensor::FromElementsOp>(op, signlessTensor(op),
                                                 number);
    return success();
  }
};

struct StopGradientPattern : OpConversionPattern<StopGradientOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(StopGradientOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &b) const override {
    b.replaceOp(op, adaptor.getX());
    return success();
  }
};

} // namespace

void populatePointwisePatterns(RewritePatternSet &patterns,
                               TypeConverter &types) {
  patterns.add<PointwisePattern, CastPattern, BitcastPattern, ConstantPattern,
               FromSizePattern, StopGradientPattern>(types,
                                                     patterns.getContext());
}

} // namespace lamina::lam
