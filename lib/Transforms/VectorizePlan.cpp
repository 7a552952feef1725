//===- VectorizePlan.cpp - How one linalg op becomes vector loops ---------===//

#include "VectorizePlan.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using namespace lamina;

DimSet lamina::dimsOf(AffineMap map) {
  DimSet dims = 0;
  for (AffineExpr result : map.getResults())
    result.walk([&](AffineExpr e) {
      if (auto dim = dyn_cast<AffineDimExpr>(e))
        dims |= dimBit(dim.getPosition());
    });
  return dims;
}

bool lamina::isPermutedSubset(AffineMap map) {
  DimSet seen = 0;
  for (AffineExpr result : map.getResults()) {
    if (isa<AffineConstantExpr>(result))
      continue;
    auto dim = dyn_cast<AffineDimExpr>(result);
    if (!dim || (seen & dimBit(dim.getPosition())))
      return false;
    seen |= dimBit(dim.getPosition());
  }
  return true;
}

/// Whether `expr` is `dim` plus terms without it.
static bool advancesByOne(AffineExpr expr, unsigned dim) {
  if (auto d = dyn_cast<AffineDimExpr>(expr))
    return d.getPosition() == dim;
  if (expr.getKind() != AffineExprKind::Add)
    return false;
  auto sum = cast<AffineBinaryOpExpr>(expr);
  return (advancesByOne(sum.getLHS(), dim) &&
          !sum.getRHS().isFunctionOfDim(dim)) ||
         (advancesByOne(sum.getRHS(), dim) &&
          !sum.getLHS().isFunctionOfDim(dim));
}

Motion lamina::motionAlong(AffineMap map, MemRefType type, unsigned dim) {
  if (!(dimsOf(map) & dimBit(dim)))
    return Motion::Invariant;
  SmallVector<int64_t> strides;
  int64_t offset;
  if (failed(type.getStridesAndOffset(strides, offset)))
    return Motion::Strided;
  // Only the innermost dimension of a memref can be loaded as a vector.
  for (auto [i, expr] : llvm::enumerate(map.getResults()))
    if (expr.isFunctionOfDim(dim) &&
        (i + 1 != map.getNumResults() || !advancesByOne(expr, dim)))
      return Motion::Strided;
  return strides.back() == 1 ? Motion::Contiguous : Motion::Strided;
}

bool lamina::isTurned(AffineMap map, MemRefType type, unsigned dim,
                      unsigned other) {
  return isPermutedSubset(map) &&
         motionAlong(map, type, dim) == Motion::Strided &&
         motionAlong(map, type, other) == Motion::Contiguous;
}

namespace {

/// Lanes of the largest block that is transposed in registers.
constexpr int64_t maxBlock = 16;

bool isSupportedElement(Type type) {
  if (auto integer = dyn_cast<IntegerType>(type))
    return integer.getWidth() % 8 == 0 && integer.getWidth() <= 64;
  return isa<Float16Type, BFloat16Type, Float32Type, Float64Type, IndexType>(
      type);
}

/// The ops a body may consist of.
bool isSupportedBodyOp(Operation &op) {
  if (isa<linalg::IndexOp, linalg::YieldOp, memref::LoadOp>(op))
    return true;
  auto isScalar = [](Type t) { return t.isIntOrIndexOrFloat(); };
  return op.getNumRegions() == 0 &&
         (OpTrait::hasElementwiseMappableTraits(&op) ||
          isa<arith::ConstantOp>(op)) &&
         llvm::all_of(op.getResultTypes(), isScalar) &&
         llvm::all_of(op.getOperandTypes(), isScalar);
}

/// Everything about an op that choosing its loops needs.
class Analysis {
public:
  Analysis(linalg::GenericOp op, const Strategy &strategy)
      : op(op), strategy(strategy), sizes(op.getStaticLoopRanges()) {}

  std::optional<Plan> run();

private:
  bool isSupported();
  bool findAccumulations();
  void findDependences();
  bool isSafeForMissingLanes();
  void chooseVectorDim();
  double costPerElement(unsigned dim);
  int64_t lanesFor();
  int64_t columnsOfPointwise();
  std::optional<unsigned> turnedDim(unsigned dim);

  linalg::GenericOp op;
  const Strategy &strategy;
  SmallVector<int64_t> sizes;
  Plan plan;
  DimSet reductions = 0;
};

bool Analysis::isSupported() {
  if (!op.hasPureBufferSemantics() || op.getNumLoops() == 0 ||
      op.getNumLoops() > 60)
    return false;
  for (OpOperand &operand : op->getOpOperands()) {
    Type type = operand.get().getType();
    if (!isSupportedElement(getElementTypeOrSelf(type)))
      return false;
    if (auto memref = dyn_cast<MemRefType>(type)) {
      SmallVector<int64_t> strides;
      int64_t offset;
      if (failed(memref.getStridesAndOffset(strides, offset)))
        return false;
    }
  }
  return llvm::all_of(*op.getBody(),
                      [](Operation &o) { return isSupportedBodyOp(o); });
}

/// The op that combines the old value of output `i` with new ones, if that is
/// all the old value is used for.
Accumulation accumulationOf(linalg::GenericOp op, unsigned i) {
  BlockArgument old = op.getRegionOutputArgs()[i];
  Value yielded = op.getBody()->getTerminator()->getOperand(i);
  Operation *combiner = yielded.getDefiningOp();
  if (!old.hasOneUse() || !combiner || combiner->getBlock() != op.getBody() ||
      combiner->getNumOperands() != 2 || *old.user_begin() != combiner ||
      !yielded.hasOneUse() || yielded.getType() != old.getType())
    return {};
  std::optional<TypedAttr> identity = arith::getNeutralElement(combiner);
  if (!identity)
    return {};
  return {combiner, combiner->getOperand(0) == old ? 0u : 1u, *identity};
}

bool Analysis::findAccumulations() {
  for (auto [dim, kind] : llvm::enumerate(op.getIteratorTypesArray()))
    if (kind == utils::IteratorType::reduction)
      reductions |= dimBit(dim);
  DimSet all = (DimSet(1) << op.getNumLoops()) - 1;
  for (auto [i, operand] : llvm::enumerate(op.getDpsInitsMutable())) {
    AffineMap map = op.getMatchingIndexingMap(&operand);
    if (!isPermutedSubset(map))
      return false;
    DimSet dims = dimsOf(map);
    Accumulation accumulation;
    if (dims != all) { // every point but those of a reduction writes once
      if (dims != (all & ~reductions))
        return false;
      accumulation = accumulationOf(op, i);
      if (!accumulation.combiner)
        return false;
    }
    plan.accumulations.push_back(accumulation);
  }
  return true;
}

void Analysis::findDependences() {
  for (OpOperand &operand : op->getOpOperands()) {
    DimSet dims = dimsOf(op.getMatchingIndexingMap(&operand));
    BlockArgument argument = op.getMatchingBlockArgument(&operand);
    plan.dependences[argument] = dims;
  }
  // Accumulators vary with everything.
  for (auto [argument, accumulation] :
       llvm::zip_equal(op.getRegionOutputArgs(), plan.accumulations))
    if (accumulation.combiner)
      plan.dependences[argument] = ~DimSet(0);
  for (Operation &o : op.getBody()->without_terminator()) {
    DimSet dims = 0;
    if (auto index = dyn_cast<linalg::IndexOp>(o))
      dims = dimBit(index.getDim());
    for (Value operand : o.getOperands())
      dims |= plan.dependences.lookup(operand); // 0 for values from outside
    for (Value result : o.getResults())
      plan.dependences[result] = dims;
  }
}

/// A masked load gives zeros in the lanes past the end, which must not be
/// divided by or used as an index.
bool Analysis::isSafeForMissingLanes() {
  auto varies = [&](Value v) {
    return (plan.dependences.lookup(v) & dimBit(plan.vectorDim)) != 0;
  };
  for (Operation &o : op.getBody()->without_terminator()) {
    if (!varies(o.getResult(0)) || isSpeculatable(&o))
      continue;
    auto load = dyn_cast<memref::LoadOp>(o);
    if (!load || load.getIndices().empty())
      return false;
    auto last = load.getIndices().back().getDefiningOp<linalg::IndexOp>();
    if (!last || llvm::any_of(load.getIndices().drop_back(), varies) ||
        load.getMemRefType().getStridesAndOffset().first.back() != 1)
      return false;
  }
  return true;
}

/// The other dimension of the square blocks that an op with lanes along `dim`
/// reads, if it is a pointwise one with operands that lie across.
std::optional<unsigned> Analysis::turnedDim(unsigned dim) {
  if (reductions || plan.lanes == 1)
    return std::nullopt;
  for (OpOperand *input : op.getDpsInputOperands()) {
    auto type = dyn_cast<MemRefType>(input->get().getType());
    if (!type)
      continue;
    AffineMap map = op.getMatchingIndexingMap(input);
    for (unsigned other = 0; other < op.getNumLoops(); ++other)
      if (other != dim && isTurned(map, type, dim, other) &&
          (ShapedType::isDynamic(sizes[other]) || sizes[other] >= maxBlock / 2))
        return other;
  }
  return std::nullopt;
}

/// A model of memory traffic that only has to rank the dimensions: contiguous
/// vectors are cheap, lanes taken one by one are not, and idle lanes waste.
double Analysis::costPerElement(unsigned dim) {
  double cost = 0;
  std::optional<unsigned> turned = turnedDim(dim);
  for (OpOperand &operand : op->getOpOperands()) {
    auto type = dyn_cast<MemRefType>(operand.get().getType());
    if (!type)
      continue;
    AffineMap map = op.getMatchingIndexingMap(&operand);
    Motion motion = motionAlong(map, type, dim);
    if (int64_t stride = smallStride(map, type, dim);
        stride && !op.isDpsInit(&operand))
      cost += double(stride);
    else if (motion == Motion::Strided)
      cost += op.isDpsInit(&operand)                        ? 24
              : turned && isTurned(map, type, dim, *turned) ? 4
                                                            : 16;
    else
      cost += motion == Motion::Contiguous ? 1.0 : 0.5;
  }
  if (reductions & dimBit(dim))
    cost += 1; // the final horizontal reduction
  int64_t size = sizes[dim];
  if (!ShapedType::isDynamic(size) && size > 0) {
    int64_t lanes = plan.lanes;
    cost *= double((size + lanes - 1) / lanes * lanes) / double(size);
  }
  return cost;
}

/// Lanes such that the widest element fills one register.
int64_t Analysis::lanesFor() {
  unsigned widest = 8;
  auto see = [&](Type type) {
    if (type.isIntOrFloat())
      widest = std::max(widest, type.getIntOrFloatBitWidth());
  };
  for (OpOperand &operand : op->getOpOperands())
    see(getElementTypeOrSelf(operand.get().getType()));
  for (Operation &o : *op.getBody())
    llvm::for_each(o.getResultTypes(), see);
  return std::max<int64_t>(1, strategy.vectorBytes * 8 / widest);
}

void Analysis::chooseVectorDim() {
  std::optional<unsigned> best;
  double bestCost = 0;
  for (unsigned dim = 0; dim < op.getNumLoops(); ++dim) {
    bool reduced = reductions & dimBit(dim);
    if (sizes[dim] == 1)
      continue;
    double cost = costPerElement(dim);
    if (!best || cost < bestCost ||
        (cost == bestCost && (!reduced || (reductions & dimBit(*best))))) {
      best = dim;
      bestCost = cost;
    }
  }
  // A single element: any loop will do.
  plan.vectorDim = best.value_or(op.getNumLoops() - 1);
  if (!best)
    plan.lanes = 1;
  plan.reducesLanes = reductions & dimBit(plan.vectorDim);
}

/// Independent vectors per iteration: several where the body is short.
int64_t Analysis::columnsOfPointwise() {
  unsigned ops = 0;
  for (Operation &o : op.getBody()->without_terminator()) {
    if (isa<math::MathDialect>(o.getDialect()) &&
        !isa<math::FmaOp, math::SqrtOp, math::AbsFOp>(o))
      return 1;
    ops += !isa<arith::ConstantOp>(o);
  }
  return ops <= 8 ? 4 : ops <= 24 ? 2 : 1;
}

std::optional<Plan> Analysis::run() {
  if (!isSupported() || !findAccumulations())
    return std::nullopt;
  findDependences();
  plan.lanes = lanesFor();
  chooseVectorDim();
  plan.maskTails = isSafeForMissingLanes();
  if (!plan.maskTails && plan.reducesLanes)
    plan.lanes = 1;

  // Rows of a reduction tile come later; here the vector dimension alone.
  for (unsigned dim = 0; dim < op.getNumLoops(); ++dim) {
    if (dim == plan.vectorDim)
      continue;
    (reductions & dimBit(dim) ? plan.inner : plan.outer).push_back(dim);
  }
  plan.fuseMultiplyAdd = strategy.fusedMultiplyAdd;
  if (plan.isReduction())
    chooseRegisterTile(op, strategy, plan);
  else if ((plan.turnedDim = turnedDim(plan.vectorDim))) {
    plan.lanes = std::min(plan.lanes, maxBlock);
    llvm::erase(plan.outer, *plan.turnedDim);
    plan.tiles.push_back({*plan.turnedDim, plan.lanes, 1});
    plan.tiles.push_back({plan.vectorDim, 1, plan.lanes});
  } else
    plan.tiles.push_back({plan.vectorDim, columnsOfPointwise(), plan.lanes});
  return std::move(plan);
}

} // namespace

std::optional<Plan> lamina::planFor(linalg::GenericOp op,
                                    const Strategy &strategy) {
  return Analysis(op, strategy).run();
}
