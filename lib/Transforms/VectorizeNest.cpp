//===- VectorizeNest.cpp - The loops around a linalg body -----------------===//

#include "VectorizeNest.h"
#include "ParallelLoops.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using namespace lamina;

static SmallVector<OpFoldResult> loopSizes(OpBuilder &b, linalg::GenericOp op) {
  SmallVector<OpFoldResult> sizes;
  SmallVector<int64_t> known = op.getStaticLoopRanges();
  SmallVector<Range, 4> ranges = cast<linalg::LinalgOp>(op.getOperation())
                                     .createLoopRanges(b, op.getLoc());
  for (auto [range, size] : llvm::zip_equal(ranges, known))
    sizes.push_back(ShapedType::isDynamic(size)
                        ? range.size
                        : OpFoldResult(b.getIndexAttr(size)));
  return sizes;
}

NestEmitter::NestEmitter(OpBuilder &builder, linalg::GenericOp op,
                         const Plan &plan)
    : b(builder), loc(op.getLoc()), op(op), plan(plan),
      sizes(loopSizes(builder, op)), body(builder, op, plan, sizes) {}

Value NestEmitter::toValue(Bound bound) {
  return getValueOrCreateConstantIndexOp(b, loc, bound);
}

NestEmitter::Bound NestEmitter::roundDown(Bound begin, Bound end,
                                          int64_t step) {
  if (step == 1)
    return end;
  AffineExpr e = b.getAffineSymbolExpr(0), s = b.getAffineSymbolExpr(1);
  return affine::makeComposedFoldedAffineApply(
      b, loc, AffineMap::get(0, 2, s + (e - s).floorDiv(step) * step),
      {end, begin});
}

NestEmitter::Values NestEmitter::loop(Bound begin, Bound end, int64_t step,
                                      ValueRange carried, LoopBody emitBody) {
  std::optional<int64_t> from = getConstantIntValue(begin);
  std::optional<int64_t> to = getConstantIntValue(end);
  if (from && to && *from >= *to)
    return Values(carried);
  if (from && to && *to - *from <= step)
    return emitBody(toValue(begin), carried);
  auto loop = scf::ForOp::create(b, loc, toValue(begin), toValue(end),
                                 toValue(constant(step)), carried);
  // What begins later is a short rest.
  if (carried.empty() && from && *from == 0)
    loop->setAttr(parallelAttribute, b.getUnitAttr());
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  BodyEmitter::Emitted outside = body.emitted;
  Values results = emitBody(loop.getInductionVar(), loop.getRegionIterArgs());
  body.emitted = std::move(outside);
  if (carried.empty()) {
    // scf.for made its own terminator.
    return {};
  }
  scf::YieldOp::create(b, loc, results);
  return Values(loop.getResults());
}

void NestEmitter::emitOuter(unsigned level) {
  if (level == plan.outer.size()) {
    DimSet tiled = dimBit(plan.vectorDim);
    for (const TileDim &t : plan.tiles)
      tiled |= dimBit(t.dim);
    for (unsigned dim : plan.inner)
      tiled |= dimBit(dim);
    BodyEmitter::Emitted outside = body.emitted;
    body.hoist(tiled, {});
    emitTiles(0);
    body.emitted = std::move(outside);
    return;
  }
  unsigned dim = plan.outer[level];
  loop(constant(0), sizes[dim], 1, {}, [&](Value index, ValueRange) -> Values {
    body.indices[dim] = index;
    emitOuter(level + 1);
    return {};
  });
}

/// Emits the rest of the nest for `count` steps of tile dimension `level` from
/// `index` on; only `valid` lanes of the last step exist, if that is given.
void NestEmitter::emitTileAt(unsigned level, int64_t count, Value index,
                             Value valid) {
  const TileDim &t = plan.tiles[level];
  Unrolled unrolled{
      t.dim, count, t.dim == plan.vectorDim ? body.lanes : t.step, {}, valid};
  BodyEmitter::Emitted outside = body.emitted;
  if (valid)
    unrolled.mask = b.createOrFold<vector::CreateMaskOp>(
        loc, VectorType::get({body.lanes}, b.getI1Type()), valid);
  body.indices[t.dim] = index;
  body.unrolled.push_back(unrolled);
  emitTiles(level + 1);
  body.unrolled.pop_back();
  body.emitted = std::move(outside);
}

/// The end of the vector dimension with a body that must not be executed for
/// lanes that do not exist, such as an integer division.
void NestEmitter::emitScalarTail(unsigned level, Bound begin, Bound end) {
  BodyEmitter::Emitted outside = body.emitted;
  int64_t lanes = std::exchange(body.lanes, 1);
  loop(begin, end, 1, {}, [&](Value index, ValueRange) -> Values {
    emitTileAt(level, 1, index);
    return {};
  });
  body.lanes = lanes;
  body.emitted = std::move(outside);
}

void NestEmitter::emitTiles(unsigned level) {
  if (level == plan.tiles.size())
    return plan.isReduction() ? emitReduction() : emitPointwise();
  if (auto size = getConstantIntValue(sizes[plan.tiles[level].dim]))
    return emitStaticTile(level, *size);
  emitDynamicTile(level);
}

/// Full tiles in a loop, then the rest at once.
void NestEmitter::emitStaticTile(unsigned level, int64_t size) {
  const TileDim &t = plan.tiles[level];
  int64_t step = t.dim == plan.vectorDim ? body.lanes : t.step;
  int64_t full = size / (t.count * step) * (t.count * step);
  loop(constant(0), constant(full), t.count * step, {},
       [&](Value index, ValueRange) -> Values {
         emitTileAt(level, t.count, index);
         return {};
       });
  int64_t rest = size - full, odd = rest % step;
  if (rest == 0)
    return;
  if (odd == 0)
    return emitTileAt(level, rest / step, body.index(full));
  if (!plan.maskTails) {
    if (rest >= step)
      emitTileAt(level, rest / step, body.index(full));
    return emitScalarTail(level, constant(size - odd), constant(size));
  }
  emitTileAt(level, rest / step + 1, body.index(full), body.index(odd));
}

/// Full tiles, then smaller ones; the vector dimension ends with a mask.
void NestEmitter::emitDynamicTile(unsigned level) {
  const TileDim &t = plan.tiles[level];
  Bound position = constant(0), size = sizes[t.dim];
  auto stepped = [&](int64_t count, int64_t step) {
    Bound end = roundDown(position, size, count * step);
    loop(position, end, count * step, {},
         [&](Value index, ValueRange) -> Values {
           emitTileAt(level, count, index);
           return {};
         });
    position = end;
  };
  if (t.dim != plan.vectorDim || body.lanes == 1) {
    stepped(t.count, 1);
    if (t.count > 3)
      stepped(t.count / 2, 1);
    if (t.count > 1)
      stepped(1, 1);
    return;
  }
  stepped(t.count, body.lanes);
  if (!plan.maskTails) {
    if (t.count > 1)
      stepped(1, body.lanes);
    return emitScalarTail(level, position, size);
  }
  loop(position, size, body.lanes, {}, [&](Value index, ValueRange) -> Values {
    Value valid = arith::SubIOp::create(b, loc, toValue(size), index);
    emitTileAt(level, 1, index, valid);
    return {};
  });
}

SmallVector<SmallVector<int64_t>> NestEmitter::points() const {
  SmallVector<SmallVector<int64_t>> all{{}};
  for (const Unrolled &u : body.unrolled) {
    SmallVector<SmallVector<int64_t>> longer;
    for (const SmallVector<int64_t> &point : all)
      for (int64_t step = 0; step < u.count; ++step) {
        longer.push_back(point);
        longer.back().push_back(step);
      }
    all = std::move(longer);
  }
  return all;
}

void NestEmitter::emitPointwise() {
  auto yield = cast<linalg::YieldOp>(op.getBody()->getTerminator());
  for (ArrayRef<int64_t> point : points()) {
    // An output may be an input of the same point, so compute before storing.
    Values results;
    for (Value value : yield.getOperands())
      results.push_back(body.valueAt(value, point));
    for (auto [operand, result] :
         llvm::zip_equal(op.getDpsInitsMutable(), results))
      body.store(operand, point, result);
  }
}

void NestEmitter::join(Neighbours &neighbours, const Strategy &strategy) {
  initial = neighbours.fill ? neighbours.initial : TypedAttr();
  linalg::GenericOp next = std::exchange(neighbours.epilogue, {});
  OpOperand &output = op.getDpsInitsMutable()[0];
  if (!next || plan.reducesLanes || output.get() != neighbours.buffer)
    return;
  AffineMap map = op.getMatchingIndexingMap(&output);
  std::optional<Plan> after = planFor(next, strategy);
  if (!after || map.getNumResults() != next.getNumLoops())
    return;
  auto joined = std::make_unique<Epilogue>();
  for (AffineExpr expr : map.getResults()) {
    auto dim = dyn_cast<AffineDimExpr>(expr);
    if (!dim)
      return;
    joined->dims.push_back(dim.getPosition());
    joined->sizes.push_back(sizes[dim.getPosition()]);
  }
  if (joined->dims[after->vectorDim] != plan.vectorDim ||
      after->lanes != plan.lanes || !after->maskTails)
    return;
  joined->op = neighbours.epilogue = next;
  joined->buffer = output.get();
  joined->plan = std::move(*after);
  joined->body.emplace(b, next, joined->plan, joined->sizes);
  epilogue = std::move(joined);
}

void NestEmitter::finish(OpOperand &output, Point point, Value value) {
  if (!epilogue)
    return body.store(output, point, value);
  BodyEmitter &after = *epilogue->body;
  linalg::GenericOp next = epilogue->op;
  after.lanes = body.lanes;
  after.emitted = BodyEmitter::Emitted();
  after.unrolled.clear();
  for (auto [axis, dim] : llvm::enumerate(epilogue->dims))
    after.indices[axis] = body.indices[dim];
  for (const Unrolled &u : body.unrolled) {
    Unrolled mine = u;
    mine.dim = llvm::find(epilogue->dims, u.dim) - epilogue->dims.begin();
    after.unrolled.push_back(mine);
  }
  for (OpOperand &operand : next->getOpOperands())
    if (operand.get() == epilogue->buffer)
      after.setValueAt(next.getMatchingBlockArgument(&operand), point, value);
  Values results;
  auto yield = cast<linalg::YieldOp>(next.getBody()->getTerminator());
  for (Value result : yield.getOperands())
    results.push_back(after.valueAt(result, point));
  for (auto [operand, result] :
       llvm::zip_equal(next.getDpsInitsMutable(), results))
    after.store(operand, point, result);
}
