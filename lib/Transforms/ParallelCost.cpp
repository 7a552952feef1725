//===- ParallelCost.cpp - how long a loop takes ---------------------------===//
#include "ParallelLoops.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace lamina;

/// What an unknown number of iterations is taken for.
static constexpr int64_t typicalTrips = 16;

/// How many products are added to sums in that time.
static constexpr int64_t addsPerUnit = 16;

/// Of one op without regions, vector or scalar.
static int64_t costOf(Operation &op) {
  if (isa<vector::GatherOp, vector::ScatterOp>(op))
    return 16;
  if (isa<vector::LoadOp, vector::StoreOp, vector::MaskedLoadOp,
          vector::MaskedStoreOp, vector::TransferReadOp,
          vector::TransferWriteOp>(op))
    return 3;
  if (isa<memref::LoadOp, memref::StoreOp>(op))
    return 1;
  if (isa<math::FmaOp, math::AbsFOp, math::CopySignOp>(op))
    return 1;
  if (isa<arith::DivFOp, math::SqrtOp, arith::DivSIOp, arith::DivUIOp,
          arith::RemSIOp, arith::RemUIOp>(op))
    return 6;
  if (isa_and_nonnull<math::MathDialect>(op.getDialect()))
    return 16;
  bool computes = op.getNumResults() == 1 &&
                  !op.getResult(0).getType().isIndex() &&
                  !isa<MemRefType>(op.getResult(0).getType()) &&
                  !op.hasTrait<OpTrait::ConstantLike>();
  return computes ? 1 : 0;
}

namespace {
/// Writes down estimates in front of a loop or call.
class CostEmitter {
public:
  CostEmitter(OpBuilder &builder, Operation *root)
      : b(builder), loc(root->getLoc()), root(root) {}

  Value cost(scf::ForOp loop) {
    return multiply(trips(loop), cost(*loop.getBody()));
  }

  /// Of a product, or of moving a matrix.
  Value cost(func::CallOp call) {
    Value work = elements(call.getOperands().front());
    bool adds = call.getCallee().starts_with("lamina_gemm_");
    if (adds)
      work = multiply(work, sizeOf(call.getOperand(3), 1));
    return b.createOrFold<arith::DivSIOp>(loc, work,
                                          number(adds ? addsPerUnit : 2));
  }

private:
  OpBuilder &b;
  Location loc;
  Operation *root;

  Value number(int64_t value) {
    return arith::ConstantIndexOp::create(b, loc, value);
  }
  Value add(Value x, Value y) {
    return b.createOrFold<arith::AddIOp>(loc, x, y);
  }
  Value multiply(Value x, Value y) {
    return b.createOrFold<arith::MulIOp>(loc, x, y);
  }

  Value cost(Block &block) {
    int64_t fixed = 1;
    Value sum;
    auto count = [&](Value more) { sum = sum ? add(sum, more) : more; };
    for (Operation &op : block) {
      if (auto loop = dyn_cast<scf::ForOp>(op))
        count(cost(loop));
      else if (auto call = dyn_cast<func::CallOp>(op);
               call && call.getCallee() != workerFunction)
        count(cost(call));
      else if (auto copy = dyn_cast<memref::CopyOp>(op))
        count(elements(copy.getSource()));
      else if (op.getNumRegions() == 0)
        fixed += costOf(op);
      for (Region &region : op.getRegions())
        if (!isa<scf::ForOp>(op))
          for (Block &inner : region)
            count(cost(inner));
    }
    return sum ? add(sum, number(fixed)) : number(fixed);
  }

  Value elements(Value memref) {
    Value product = number(1);
    for (int64_t axis = 0, rank = cast<MemRefType>(memref.getType()).getRank();
         axis < rank; ++axis)
      product = multiply(product, sizeOf(memref, axis));
    return product;
  }

  Value sizeOf(Value memref, int64_t axis) {
    Value size = dimension(memref, axis);
    return size ? size : number(typicalTrips);
  }

  Value trips(scf::ForOp loop) {
    Value from = known(loop.getLowerBound()), to = known(loop.getUpperBound()),
          step = known(loop.getStep());
    if (!from || !to || !step)
      return number(typicalTrips);
    Value span = b.createOrFold<arith::SubIOp>(loc, to, from);
    Value less = b.createOrFold<arith::SubIOp>(loc, step, number(1));
    return b.createOrFold<arith::DivSIOp>(loc, add(span, less), step);
  }

  Value known(OpFoldResult size) {
    if (std::optional<int64_t> constant = getConstantIntValue(size))
      return number(*constant);
    return known(cast<Value>(size));
  }

  /// `value`, or something that it may become, ahead of the root; null if it is
  /// anything.
  Value known(Value value) {
    if (!root->isAncestor(value.getParentBlock()->getParentOp()))
      return value;
    Operation *op = value.getDefiningOp();
    if (!op)
      return {};
    if (std::optional<int64_t> constant = getConstantIntValue(value))
      return number(*constant);
    if (auto min = dyn_cast<affine::AffineMinOp>(op))
      return smallest(min);
    if (auto dim = dyn_cast<memref::DimOp>(op))
      return dim.getConstantIndex()
                 ? dimension(dim.getSource(), *dim.getConstantIndex())
                 : Value();
    if (isa<arith::MinSIOp>(op)) {
      Value x = known(op->getOperand(0)), y = known(op->getOperand(1));
      return x && y ? b.createOrFold<arith::MinSIOp>(loc, x, y) : x ? x : y;
    }
    bool computes =
        isa<affine::AffineApplyOp, arith::AddIOp, arith::SubIOp, arith::MulIOp>(
            op);
    if (!computes)
      return {};
    IRMapping mapping;
    for (Value operand : op->getOperands()) {
      Value there = known(operand);
      if (!there)
        return {};
      mapping.map(operand, there);
    }
    return b.clone(*op, mapping)->getResult(0);
  }

  Value smallest(affine::AffineMinOp min) {
    AffineMap map = min.getMap();
    SmallVector<OpFoldResult> operands;
    SmallVector<AffineExpr> usable(map.getResults());
    for (auto [index, operand] : llvm::enumerate(min.getOperands())) {
      Value there = known(operand);
      operands.push_back(there ? OpFoldResult(there)
                               : OpFoldResult(b.getIndexAttr(0)));
      if (!there)
        llvm::erase_if(usable, [&, index = index](AffineExpr expr) {
          return index < map.getNumDims()
                     ? expr.isFunctionOfDim(index)
                     : expr.isFunctionOfSymbol(index - map.getNumDims());
        });
    }
    if (usable.empty())
      return {};
    OpFoldResult result = affine::makeComposedFoldedAffineMin(
        b, loc,
        AffineMap::get(map.getNumDims(), map.getNumSymbols(), usable,
                       b.getContext()),
        operands);
    return getValueOrCreateConstantIndexOp(b, loc, result);
  }

  Value dimension(Value memref, int64_t axis) {
    auto type = cast<MemRefType>(memref.getType());
    if (!type.isDynamicDim(axis))
      return number(type.getDimSize(axis));
    if (auto slice = memref.getDefiningOp<memref::SubViewOp>())
      if (slice.getDroppedDims().none())
        return known(slice.getMixedSizes()[axis]);
    if (auto view = memref.getDefiningOp<memref::CastOp>())
      return dimension(view.getSource(), axis);
    if (auto view = memref.getDefiningOp<memref::ReinterpretCastOp>())
      return known(view.getMixedSizes()[axis]);
    if (auto view = memref.getDefiningOp<memref::ViewOp>())
      return known(view.getSizes()[type.getDynamicDimIndex(axis)]);
    if (Value outside = known(memref))
      return b.createOrFold<memref::DimOp>(loc, outside, axis);
    return {};
  }
};
} // namespace

Value lamina::estimateCost(OpBuilder &builder, scf::ForOp loop) {
  return CostEmitter(builder, loop).cost(loop);
}

Value lamina::estimateCost(OpBuilder &builder, func::CallOp call) {
  return CostEmitter(builder, call).cost(call);
}
