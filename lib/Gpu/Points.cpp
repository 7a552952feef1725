//===- Points.cpp - linalg ops, point by point ----------------------------===//
#include "Points.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace lamina;

Value lamina::number(ImplicitLocOpBuilder &b, int64_t value) {
  return arith::ConstantIndexOp::create(b, value);
}

Value lamina::divideUp(ImplicitLocOpBuilder &b, Value a, Value by) {
  Value less = b.createOrFold<arith::SubIOp>(by, number(b, 1));
  return b.createOrFold<arith::DivUIOp>(b.createOrFold<arith::AddIOp>(a, less),
                                        by);
}

SmallVector<Value>
lamina::loop(ImplicitLocOpBuilder &b, Value from, Value to, Value step,
             ValueRange carried,
             llvm::function_ref<SmallVector<Value>(Value, ValueRange)> body) {
  auto op = scf::ForOp::create(b, from, to, step, carried);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(op.getBody());
  SmallVector<Value> next = body(op.getInductionVar(), op.getRegionIterArgs());
  if (!carried.empty())
    scf::YieldOp::create(b, next);
  return SmallVector<Value>(op.getResults());
}

void lamina::when(ImplicitLocOpBuilder &b, Value condition,
                  llvm::function_ref<void()> body) {
  auto op = scf::IfOp::create(b, condition, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(op.thenBlock());
  body();
}

Points::Points(ImplicitLocOpBuilder &b, linalg::LinalgOp op) : b(b), op(op) {
  for (Range range : op.createLoopRanges(b, b.getLoc()))
    sizes.push_back(getValueOrCreateConstantIndexOp(b, b.getLoc(), range.size));
  for (auto [index, kind] : llvm::enumerate(op.getIteratorTypesArray()))
    (kind == utils::IteratorType::parallel ? kept : reduced).push_back(index);
  for (auto [index, output] : llvm::enumerate(op.getDpsInitsMutable())) {
    AffineMap map = op.getMatchingIndexingMap(&output);
    if (reduced.empty() || llvm::any_of(reduced, [&](unsigned loop) {
          return map.isFunctionOfDim(loop);
        }))
      continue;
    sums.push_back(index);
    Type element = getElementTypeOrSelf(output.get().getType());
    combinable &=
        combinerOf(index) != nullptr && element.getIntOrFloatBitWidth() >= 32;
  }
  // The last axis of the largest operand that has one tells.
  unsigned rank = 0;
  for (OpOperand &operand : op->getOpOperands()) {
    AffineMap map = op.getMatchingIndexingMap(&operand);
    if (map.getNumResults() <= rank)
      continue;
    rank = map.getNumResults();
    neighbours = llvm::any_of(reduced, [&](unsigned loop) {
      return map.getResults().back().isFunctionOfDim(loop);
    });
  }
}

int64_t Points::product(ArrayRef<unsigned> loops) {
  SmallVector<int64_t> ranges = op.getStaticLoopRanges();
  int64_t result = 1;
  for (unsigned loop : loops) {
    if (ShapedType::isDynamic(ranges[loop]))
      return ShapedType::kDynamic;
    result *= ranges[loop];
  }
  return result;
}

Value Points::volume(ArrayRef<unsigned> loops) {
  Value result = number(b, 1);
  for (unsigned loop : loops)
    result = b.createOrFold<arith::MulIOp>(result, sizes[loop]);
  return result;
}

/// The op that makes the sum of output `output` of its old value and something
/// that does not depend on old values of sums.
Operation *Points::combinerOf(unsigned output) {
  Block *block = op.getBlock();
  BlockArgument old = block->getArgument(op.getNumDpsInputs() + output);
  Value result = block->getTerminator()->getOperand(output);
  Operation *combiner = result.getDefiningOp();
  if (!combiner || combiner->getBlock() != block ||
      combiner->getNumOperands() != 2 || combiner->getNumResults() != 1 ||
      !arith::getNeutralElement(combiner) || !old.hasOneUse() ||
      !llvm::is_contained(combiner->getOperands(), old))
    return nullptr;
  // Minus and the like are no combiners even where they have a neutral element.
  if (!combiner->hasTrait<OpTrait::IsCommutative>() &&
      !isa<arith::MaximumFOp, arith::MinimumFOp, arith::MaxNumFOp,
           arith::MinNumFOp, arith::MaxSIOp, arith::MinSIOp, arith::MaxUIOp,
           arith::MinUIOp>(combiner))
    return nullptr;
  return combiner->getOperand(0) == combiner->getOperand(1) ? nullptr
                                                            : combiner;
}

void Points::locate(ArrayRef<unsigned> loops, Value index, Values &point) {
  for (unsigned loop : llvm::reverse(loops.drop_front(!loops.empty()))) {
    point[loop] = b.createOrFold<arith::RemUIOp>(index, sizes[loop]);
    index = b.createOrFold<arith::DivUIOp>(index, sizes[loop]);
  }
  if (!loops.empty())
    point[loops.front()] = index;
}

SmallVector<Value> Points::elementOf(OpOperand &operand,
                                     ArrayRef<Value> point) {
  Values indices;
  AffineMap map = op.getMatchingIndexingMap(&operand);
  for (AffineExpr expr : map.getResults()) {
    if (auto dim = dyn_cast<AffineDimExpr>(expr)) {
      indices.push_back(point[dim.getPosition()]);
      continue;
    }
    // An expression reads few of the loops, and some have no position yet.
    Values used;
    for (auto [loop, index] : llvm::enumerate(point))
      used.push_back(expr.isFunctionOfDim(loop) ? index : number(b, 0));
    indices.push_back(affine::AffineApplyOp::create(
        b, AffineMap::get(map.getNumDims(), 0, expr), used));
  }
  return indices;
}

SmallVector<Value> Points::body(ArrayRef<Value> point, ValueRange carried,
                                const Known &known) {
  Block *block = op.getBlock();
  IRMapping mapping;
  unsigned inputs = op.getNumDpsInputs();
  for (OpOperand &operand : op->getOpOperands()) {
    BlockArgument argument = op.getMatchingBlockArgument(&operand);
    if (argument.use_empty())
      continue;
    unsigned index = operand.getOperandNumber();
    if (auto value = known.find(&operand); value != known.end())
      mapping.map(argument, value->second);
    else if (!isa<MemRefType>(operand.get().getType()))
      mapping.map(argument, operand.get());
    else if (index >= inputs && isSum(index - inputs))
      mapping.map(argument,
                  carried[llvm::find(sums, index - inputs) - sums.begin()]);
    else
      mapping.map(argument, memref::LoadOp::create(b, operand.get(),
                                                   elementOf(operand, point)));
  }
  for (Operation &inner : block->without_terminator()) {
    if (auto index = dyn_cast<linalg::IndexOp>(inner))
      mapping.map(index.getResult(), point[index.getDim()]);
    else
      b.clone(inner, mapping);
  }
  Values next;
  for (OpOperand &yielded : block->getTerminator()->getOpOperands()) {
    Value value = mapping.lookupOrDefault(yielded.get());
    unsigned output = yielded.getOperandNumber();
    OpOperand &init = *op.getDpsInitOperand(output);
    if (isSum(output))
      next.push_back(value);
    else
      memref::StoreOp::create(b, value, init.get(), elementOf(init, point));
  }
  return next;
}

SmallVector<Value> Points::accumulate(Values point, Value first, Value step,
                                      ValueRange initial) {
  if (reduced.empty())
    return body(point, initial);
  return loop(b, first, terms(), step, initial,
              [&](Value term, ValueRange carried) {
                Values here = point;
                locate(reduced, term, here);
                return body(here, carried);
              });
}

SmallVector<Value> Points::loadSums(ArrayRef<Value> point) {
  Values values;
  for (unsigned output : sums) {
    OpOperand &init = *op.getDpsInitOperand(output);
    values.push_back(
        memref::LoadOp::create(b, init.get(), elementOf(init, point)));
  }
  return values;
}

void Points::storeSums(ArrayRef<Value> point, ValueRange values) {
  for (auto [output, value] : llvm::zip_equal(sums, values)) {
    OpOperand &init = *op.getDpsInitOperand(output);
    memref::StoreOp::create(b, value, init.get(), elementOf(init, point));
  }
}

SmallVector<Value> Points::neutral() {
  Values values;
  for (unsigned output : sums)
    values.push_back(arith::ConstantOp::create(
        b, *arith::getNeutralElement(combinerOf(output))));
  return values;
}

SmallVector<Value> Points::combine(ValueRange left, ValueRange right) {
  Values values;
  for (auto [index, output] : llvm::enumerate(sums)) {
    Operation *combiner = combinerOf(output);
    IRMapping mapping;
    mapping.map(combiner->getOperand(0), left[index]);
    mapping.map(combiner->getOperand(1), right[index]);
    values.push_back(b.clone(*combiner, mapping)->getResult(0));
  }
  return values;
}

SmallVector<Type> Points::accumulatorTypes() {
  SmallVector<Type> types;
  for (unsigned output : sums)
    types.push_back(
        getElementTypeOrSelf(op.getDpsInitOperand(output)->get().getType()));
  return types;
}

void Points::shareResults(const Team &team) {
  loop(b, team.id, results(), team.count, {}, [&](Value result, ValueRange) {
    Values point(sizes.size());
    locate(kept, result, point);
    storeSums(point,
              accumulate(point, number(b, 0), number(b, 1), loadSums(point)));
    return Values();
  });
}

/// Every lane ends with the same, added up in the same order in every run.
SmallVector<Value> Points::acrossWarp(ValueRange values) {
  Values current(values);
  for (int64_t distance = warpSize / 2; distance > 0; distance /= 2) {
    Values other;
    for (Value value : current)
      other.push_back(gpu::ShuffleOp::create(b, value, int32_t(distance),
                                             int32_t(warpSize),
                                             gpu::ShuffleMode::XOR)
                          .getShuffleResult());
    current = combine(current, other);
  }
  return current;
}

void Points::shareTermsInWarps(const Team &team) {
  Value width = number(b, warpSize);
  Value lane = b.createOrFold<arith::RemUIOp>(team.id, width);
  Value warp = b.createOrFold<arith::DivUIOp>(team.id, width);
  Value warps = b.createOrFold<arith::DivUIOp>(team.count, width);
  loop(b, warp, results(), warps, {}, [&](Value result, ValueRange) {
    Values point(sizes.size());
    locate(kept, result, point);
    Values whole = acrossWarp(accumulate(point, lane, width, neutral()));
    Value isFirst =
        arith::CmpIOp::create(b, arith::CmpIPredicate::eq, lane, number(b, 0));
    when(b, isFirst,
         [&] { storeSums(point, combine(loadSums(point), whole)); });
    return Values();
  });
}

void Points::shareTermsInBlock(const Team &team, ValueRange exchange) {
  Value width = number(b, warpSize);
  Value lane = b.createOrFold<arith::RemUIOp>(team.id, width);
  Value warp = b.createOrFold<arith::DivUIOp>(team.id, width);
  Value warps = b.createOrFold<arith::DivUIOp>(team.count, width);
  auto isZero = [&](Value value) -> Value {
    return arith::CmpIOp::create(b, arith::CmpIPredicate::eq, value,
                                 number(b, 0));
  };
  loop(b, number(b, 0), results(), number(b, 1), {},
       [&](Value result, ValueRange) {
         Values point(sizes.size());
         locate(kept, result, point);
         Values mine =
             acrossWarp(accumulate(point, team.id, team.count, neutral()));
         gpu::BarrierOp::create(b); // others may still read the last sums
         when(b, isZero(lane), [&] {
           for (auto [value, buffer] : llvm::zip_equal(mine, exchange))
             memref::StoreOp::create(b, value, buffer, warp);
         });
         gpu::BarrierOp::create(b);
         when(b, isZero(team.id), [&] {
           Values whole = loop(
               b, number(b, 0), warps, number(b, 1), loadSums(point),
               [&](Value other, ValueRange carried) {
                 Values part;
                 for (Value buffer : exchange)
                   part.push_back(memref::LoadOp::create(b, buffer, other));
                 return combine(carried, part);
               });
           storeSums(point, whole);
         });
         return Values();
       });
}

void Points::partialResult(Value result, Value part, Value parts,
                           ValueRange partials) {
  Values point(sizes.size());
  locate(kept, result, point);
  Values sum = accumulate(point, part, parts, neutral());
  for (auto [value, buffer] : llvm::zip_equal(sum, partials))
    memref::StoreOp::create(b, value, buffer, ValueRange{part, result});
}

void Points::combinePartials(Value result, Value parts, ValueRange partials) {
  Values point(sizes.size());
  locate(kept, result, point);
  Values whole = loop(b, number(b, 0), parts, number(b, 1), loadSums(point),
                      [&](Value part, ValueRange carried) {
                        Values values;
                        for (Value buffer : partials)
                          values.push_back(memref::LoadOp::create(
                              b, buffer, ValueRange{part, result}));
                        return combine(carried, values);
                      });
  storeSums(point, whole);
}
