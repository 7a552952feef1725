//===- LamToLinalg.cpp - the pass convert-lam-to-linalg -------------------===//

#include "LamToLinalg.h"
#include "lamina/Conversion/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Func/Transforms/FuncConversions.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Dominance.h"
#include "mlir/Transforms/CSE.h"
#include "mlir/Transforms/RegionUtils.h"

namespace lamina {
#define GEN_PASS_DEF_CONVERTLAMTOLINALG
#include "lamina/Conversion/Passes.h.inc"
} // namespace lamina

using namespace mlir;
using namespace lamina;
using namespace lamina::lam;

namespace {

/// Signed and unsigned integers are the same bits: only the ops differ.
class SignlessTypes : public TypeConverter {
public:
  SignlessTypes() {
    addConversion([](Type type) { return signless(type); });
    auto cast = [](OpBuilder &b, Type type, ValueRange values,
                   Location loc) -> Value {
      return UnrealizedConversionCastOp::create(b, loc, type, values)
          .getResult(0);
    };
    addSourceMaterialization(cast);
    addTargetMaterialization(cast);
  }
};

/// A size of an unsigned tensor is that of the signless one.
struct DimPattern : OpConversionPattern<tensor::DimOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(tensor::DimOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &b) const override {
    b.replaceOpWithNewOp<tensor::DimOp>(op, adaptor.getSource(),
                                        adaptor.getIndex());
    return success();
  }
};

/// A result without elements needs no computation, and views of no elements
/// would be at places that do not exist.
struct EmptyResultPattern : ConversionPattern {
  EmptyResultPattern(const TypeConverter &types, MLIRContext *context)
      : ConversionPattern(types, MatchAnyOpTypeTag(), /*benefit=*/10, context) {
  }
  LogicalResult matchAndRewrite(Operation *op, ArrayRef<Value>,
                                ConversionPatternRewriter &b) const override {
    auto isEmpty = [](Type type) {
      return llvm::is_contained(cast<ShapedType>(type).getShape(), 0);
    };
    // Only its pieces tell the size of a concatenation.
    if (!isa<LamDialect>(op->getDialect()) || isa<ConcatOp>(op) ||
        !llvm::all_of(op->getResultTypes(), isEmpty))
      return failure();
    SmallVector<Value> results;
    for (Value result : op->getResults())
      results.push_back(emptyLike(b, op->getLoc(), result));
    b.replaceOp(op, results);
    return success();
  }
};

struct ConvertLamToLinalg
    : lamina::impl::ConvertLamToLinalgBase<ConvertLamToLinalg> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    MLIRContext *context = &getContext();

    lowerRegions(module);
    SignlessTypes types;
    RewritePatternSet patterns(context);
    populateRegionPatterns(patterns, types);
    populatePointwisePatterns(patterns, types);
    populateShapePatterns(patterns, types);
    populatePlacePatterns(patterns, types);
    populateGatherPatterns(patterns, types);
    populateReducePatterns(patterns, types);
    populateScanPatterns(patterns, types);
    populateSortPatterns(patterns, types);
    populateContractPatterns(patterns, types);
    populateConvPatterns(patterns, types);
    populateRandomPatterns(patterns, types);
    patterns.add<DimPattern, EmptyResultPattern>(types, context);
    populateFunctionOpInterfaceTypeConversionPattern<func::FuncOp>(patterns,
                                                                   types);
    populateReturnOpTypeConversionPattern(patterns, types);
    populateCallOpTypeConversionPattern(patterns, types);

    ConversionTarget target(*context);
    target.addIllegalDialect<LamDialect>();
    target.addDynamicallyLegalOp<func::FuncOp>([&](func::FuncOp op) {
      return types.isSignatureLegal(op.getFunctionType()) &&
             types.isLegal(&op.getBody());
    });
    target.markUnknownOpDynamicallyLegal(
        [&](Operation *op) { return types.isLegal(op); });

    if (failed(applyFullConversion(module, target, std::move(patterns))))
      return signalPassFailure();

    // Operands that were read through maps leave their producers unused, and
    // every pattern asked for sizes and constants on its own.
    IRRewriter rewriter(context);
    DominanceInfo dominance(module);
    eliminateCommonSubExpressions(rewriter, dominance, module);
    (void)runRegionDCE(rewriter, module->getRegions());
  }
};

} // namespace
