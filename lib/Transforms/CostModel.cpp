//===- CostModel.cpp - what work takes ------------------------------------===//
#include "CostModel.h"
#include "ParallelLoops.h"
#include "lamina/Transforms/Machine.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;
using namespace lamina;

/// What an unknown number of iterations is taken for.
static constexpr int64_t typicalTrips = 16;

/// How many products are added to sums in a unit of time.
static constexpr int64_t addsPerUnit = 20;

/// Of the functions that are expanded inline, as measured on vectors of float32
/// (docs/performance.md).
static int64_t functionCost(StringRef name) {
  return llvm::StringSwitch<int64_t>(name)
      .Cases({"absf", "absi", "copysign", "fma"}, 1)
      .Cases({"floor", "ceil", "trunc", "roundeven", "round"}, 2)
      .Case("sqrt", 8)
      .Cases({"exp", "exp2"}, 9)
      .Cases({"expm1", "log", "log2", "sin", "cos"}, 17)
      .Cases({"log10", "log1p", "tanh", "asin", "acos", "atan"}, 19)
      .Cases({"sinh", "cosh", "cbrt"}, 19)
      .Cases({"erf", "rsqrt", "tan", "atan2"}, 24)
      .Cases({"asinh", "acosh", "atanh"}, 36)
      .Case("erfc", 45)
      .Cases({"powf", "pow"}, 74)
      .Default(20);
}

int64_t lamina::operationCost(Operation &op) {
  if (isa<vector::GatherOp, vector::ScatterOp>(op))
    return 16;
  if (isa<tensor::ExtractOp>(op))
    return 8;
  if (isa<vector::LoadOp, vector::StoreOp, vector::MaskedLoadOp,
          vector::MaskedStoreOp, vector::TransferReadOp,
          vector::TransferWriteOp>(op))
    return 3;
  // Operands of the instructions that use them, or nothing at all.
  if (isa<vector::BroadcastOp, vector::ExtractOp, vector::ExtractStridedSliceOp,
          vector::CreateMaskOp, vector::ConstantMaskOp, vector::ShapeCastOp>(
          op))
    return 0;
  if (isa<memref::LoadOp>(op) && op.hasOneUse() &&
      isa<vector::BroadcastOp>(*op.user_begin()))
    return 0;
  if (isa<memref::LoadOp, memref::StoreOp>(op))
    return 1;
  if (isa<arith::DivFOp, arith::RemFOp, arith::DivSIOp, arith::DivUIOp,
          arith::RemSIOp, arith::RemUIOp>(op))
    return 8;
  if (isa_and_nonnull<math::MathDialect>(op.getDialect()))
    return functionCost(op.getName().stripDialect());
  if (op.getNumResults() != 1 || op.hasTrait<OpTrait::ConstantLike>() ||
      isa<arith::BitcastOp>(op))
    return 0;
  Type type = op.getResult(0).getType();
  return isa<VectorType>(type) || type.isIntOrFloat() ? 1 : 0;
}

/// Floating point operations of one op.
static int64_t flopsOf(Operation &op) {
  if (op.getNumResults() != 1 ||
      !isa<FloatType>(getElementTypeOrSelf(op.getResult(0).getType())))
    return 0;
  int64_t lanes = 1;
  if (auto vector = dyn_cast<VectorType>(op.getResult(0).getType()))
    lanes = vector.getNumElements();
  if (isa<math::FmaOp>(op))
    return 2 * lanes;
  bool counts =
      isa<arith::AddFOp, arith::SubFOp, arith::MulFOp, arith::DivFOp>(op) ||
      isa_and_nonnull<math::MathDialect>(op.getDialect());
  return counts ? lanes : 0;
}

namespace {
/// Writes down estimates in front of a loop or call.
class CostEmitter {
public:
  CostEmitter(OpBuilder &builder, Operation *root)
      : b(builder), loc(root->getLoc()), root(root) {}

  WorkEstimate run() {
    Value bytes = footprint();
    countsFlops = true;
    Value flops = cost(root);
    countsFlops = false;
    Value time = b.createOrFold<arith::MaxSIOp>(loc, cost(root), moving(bytes));
    return {time, flops, bytes};
  }

private:
  OpBuilder &b;
  Location loc;
  Operation *root;
  bool countsFlops = false; // else time
  DenseMap<Value, Value> first;

  Value number(int64_t value) {
    return arith::ConstantIndexOp::create(b, loc, value);
  }
  Value add(Value x, Value y) {
    return b.createOrFold<arith::AddIOp>(loc, x, y);
  }
  Value multiply(Value x, Value y) {
    return b.createOrFold<arith::MulIOp>(loc, x, y);
  }
  Value divide(Value x, int64_t y) {
    return b.createOrFold<arith::DivSIOp>(loc, x, number(y));
  }

  Value cost(Operation *op) {
    if (auto loop = dyn_cast<scf::ForOp>(op))
      return multiply(trips(loop), cost(*loop.getBody()));
    return cost(cast<func::CallOp>(op));
  }

  /// Of a product, or of moving a matrix.
  Value cost(func::CallOp call) {
    if (call.getNumOperands() == 0 ||
        !isa<MemRefType>(call.getOperand(0).getType()))
      return number(0);
    Value work = elements(call.getOperands().front());
    bool adds = call.getCallee().starts_with("lamina_gemm_");
    if (adds)
      work = multiply(work, sizeOf(call.getOperand(3), 1));
    if (countsFlops)
      return adds ? multiply(work, number(2)) : number(0);
    return divide(work, adds ? addsPerUnit : 2);
  }

  /// The buffers from outside that the op uses.
  Value footprint() {
    llvm::SetVector<Value> buffers;
    auto see = [&](Value value) {
      while (root->isAncestor(value.getParentBlock()->getParentOp())) {
        Operation *op = value.getDefiningOp();
        if (!op || op->getNumOperands() == 0 || isa<memref::ViewOp>(op))
          return; // a temporary of its own
        value = op->getOperand(0);
        if (!isa<MemRefType>(value.getType()))
          return;
      }
      // Pieces of the scratch buffer are seen as their views.
      auto type = cast<MemRefType>(value.getType());
      if (!type.getElementType().isInteger(8) || type.getRank() != 1)
        buffers.insert(value);
    };
    root->walk([&](Operation *op) {
      if (isa<memref::DimOp>(op))
        return;
      for (Value operand : op->getOperands())
        if (isa<MemRefType>(operand.getType()))
          see(operand);
    });
    Value sum = number(0);
    for (Value buffer : buffers) {
      Type element = cast<MemRefType>(buffer.getType()).getElementType();
      int64_t bytes =
          element.isIndex()
              ? 8
              : llvm::divideCeil(element.getIntOrFloatBitWidth(), 8);
      sum = add(sum, multiply(elements(buffer), number(bytes)));
    }
    return sum;
  }

  /// The time of moving bytes that are not in the core's own caches.
  Value moving(Value bytes) {
    auto rate = [&](int64_t gigabytes) {
      return divide(multiply(bytes, number(4)), gigabytes);
    };
    auto beyond = [&](int64_t size) -> Value {
      return b.createOrFold<arith::CmpIOp>(loc, arith::CmpIPredicate::sgt,
                                           bytes, number(size));
    };
    auto choose = [&](Value condition, Value x, Value y) {
      return b.createOrFold<arith::SelectOp>(loc, condition, x, y);
    };
    return choose(beyond(typicalMemory.sharedBytes),
                  rate(typicalMemory.gigabytesPerSecond),
                  choose(beyond(typicalMemory.ownBytes),
                         rate(typicalMemory.sharedGigabytesPerSecond),
                         number(0)));
  }

  Value cost(Region &region) {
    Value sum = number(0);
    for (Block &block : region)
      sum = add(sum, cost(block));
    return sum;
  }

  /// Of the branch that is taken, or of the longer one.
  Value cost(scf::IfOp branch) {
    Value yes = cost(branch.getThenRegion()), no = cost(branch.getElseRegion());
    if (Value condition = known(branch.getCondition()))
      return b.createOrFold<arith::SelectOp>(loc, condition, yes, no);
    return b.createOrFold<arith::MaxSIOp>(loc, yes, no);
  }

  Value cost(Block &block) {
    int64_t fixed = countsFlops ? 0 : 1;
    Value sum = number(0);
    for (Operation &op : block)
      if (isa<scf::ForOp>(op))
        sum = add(sum, cost(&op));
      else if (auto branch = dyn_cast<scf::IfOp>(op))
        sum = add(sum, cost(branch));
      else if (auto call = dyn_cast<func::CallOp>(op))
        sum = add(sum, cost(call));
      else if (auto copy = dyn_cast<memref::CopyOp>(op))
        sum = add(sum, countsFlops ? number(0) : elements(copy.getSource()));
      else if (op.getNumRegions() == 0)
        fixed += countsFlops ? flopsOf(op) : operationCost(op);
      else
        for (Region &region : op.getRegions())
          sum = add(sum, cost(region));
    return add(sum, number(fixed));
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
    return b.createOrFold<arith::MaxSIOp>(
        loc, b.createOrFold<arith::DivSIOp>(loc, add(span, less), step),
        number(0));
  }

  Value known(OpFoldResult size) {
    if (std::optional<int64_t> constant = getConstantIntValue(size))
      return number(*constant);
    return known(cast<Value>(size));
  }

  /// `value` ahead of the root, as it is in the first iteration of the loops
  /// around it: a block of rows is whole there unless there are fewer rows.
  /// Null if it depends on what is in memory.
  Value known(Value value) {
    if (!root->isAncestor(value.getParentBlock()->getParentOp()))
      return value;
    auto [place, isNew] = first.try_emplace(value);
    if (!isNew)
      return place->second;
    Value found = findFirst(value);
    return first[value] = found;
  }

  Value findFirst(Value value) {
    Operation *op = value.getDefiningOp();
    if (!op) {
      auto argument = cast<BlockArgument>(value);
      auto loop = dyn_cast<scf::ForOp>(argument.getOwner()->getParentOp());
      if (!loop)
        return {};
      if (OpOperand *init = loop.getTiedLoopInit(argument))
        return known(init->get());
      return known(loop.getLowerBound());
    }
    if (std::optional<int64_t> constant = getConstantIntValue(value))
      return number(*constant);
    if (auto dim = dyn_cast<memref::DimOp>(op))
      return dim.getConstantIndex()
                 ? dimension(dim.getSource(), *dim.getConstantIndex())
                 : Value();
    if (auto min = dyn_cast<affine::AffineMinOp>(op))
      return smallest(min);
    if (isa<arith::MinSIOp>(op)) {
      Value x = known(op->getOperand(0)), y = known(op->getOperand(1));
      return x && y ? b.createOrFold<arith::MinSIOp>(loc, x, y) : x ? x : y;
    }
    if (op->getNumRegions() != 0 || op->getNumResults() != 1 ||
        op->getNumOperands() == 0 || !isPure(op))
      return {};
    IRMapping mapping;
    for (Value operand : op->getOperands()) {
      Value there = operand.getType().isIntOrIndex() ? known(operand) : Value();
      if (!there)
        return {};
      mapping.map(operand, there);
    }
    Operation *copy = b.clone(*op, mapping);
    SmallVector<Value> folded;
    if (failed(b.tryFold(copy, folded)) || folded.empty() ||
        folded.front().getDefiningOp() == copy)
      return copy->getResult(0);
    copy->erase();
    return folded.front();
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
    if (auto joined = memref.getDefiningOp<memref::CollapseShapeOp>()) {
      Value product = number(1);
      ReassociationIndices axes = joined.getReassociationIndices()[axis];
      for (int64_t from : axes) {
        Value size = dimension(joined.getSrc(), from);
        if (!size)
          return {};
        product = multiply(product, size);
      }
      return product;
    }
    if (Value outside = known(memref))
      return b.createOrFold<memref::DimOp>(loc, outside, axis);
    return {};
  }
};
} // namespace

WorkEstimate lamina::estimateWork(OpBuilder &builder, Operation *op) {
  return CostEmitter(builder, op).run();
}

Value lamina::estimateCost(OpBuilder &builder, Operation *op) {
  return estimateWork(builder, op).time;
}
