//===- VectorizeReduction.cpp - Reductions with register accumulators -----===//
//
// The loops carry one accumulator per accumulated output and point of the tile.
// Long sums of floats carry a second word per accumulator: partial sums of a
// block of terms are added with the rounding error of the addition kept, so
// that the error does not grow with the number of blocks.
//
//===----------------------------------------------------------------------===//

#include "VectorizeNest.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Dialect/Utils/StructuredOpsUtils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace lamina;

/// Iterations that are summed before the sum is added to the total.
static constexpr int64_t kBlock = 64;

Value NestEmitter::combine(unsigned accumulator, Value a, Value c) {
  unsigned output = accumulated[accumulator / tile.size()];
  Operation *combiner = plan.accumulations[output].combiner;
  return mlir::clone(b, combiner, a.getType(), {a, c})->getResult(0);
}

NestEmitter::Values NestEmitter::identities() {
  Values values;
  for (unsigned output : accumulated) {
    TypedAttr identity = plan.accumulations[output].identity;
    if (auto vector = dyn_cast<VectorType>(body.vectorOf(identity.getType())))
      identity = SplatElementsAttr::get(vector, Attribute(identity));
    Value value = arith::ConstantOp::create(b, loc, identity);
    values.append(tile.size(), value);
  }
  return values;
}

/// One evaluation of the body at every point.
NestEmitter::Values NestEmitter::reduceStep(ValueRange carried) {
  auto yield = cast<linalg::YieldOp>(op.getBody()->getTerminator());
  ArrayRef<BlockArgument> outputs = op.getRegionOutputArgs();
  Values results;
  for (auto [a, output] : llvm::enumerate(accumulated))
    for (auto [p, point] : llvm::enumerate(tile))
      body.setValueAt(outputs[output], point, carried[a * tile.size() + p]);
  for (auto [a, output] : llvm::enumerate(accumulated))
    for (auto [p, point] : llvm::enumerate(tile)) {
      Value value = body.valueAt(yield.getOperand(output), point);
      Value mask = plan.reducesLanes ? body.maskAt(point) : Value();
      if (mask)
        value = arith::SelectOp::create(b, loc, mask, value,
                                        carried[a * tile.size() + p]);
      results.push_back(value);
    }
  for (ArrayRef<int64_t> point : tile)
    for (OpOperand &operand : op.getDpsInitsMutable()) {
      unsigned output = operand.getOperandNumber() - op.getNumDpsInputs();
      if (!plan.accumulations[output].combiner)
        body.store(operand, point,
                   body.valueAt(yield.getOperand(output), point));
    }
  return results;
}

/// Adds `part` to the sums, whose second half holds their low words.
NestEmitter::Values NestEmitter::mergeSums(Values sums, ValueRange part) {
  unsigned count = part.size();
  for (unsigned i = 0; i < count; ++i) {
    Value sum = sums[i], x = part[i], total = combine(i, sum, x);
    unsigned output = accumulated[i / tile.size()];
    if (isa<arith::AddFOp>(plan.accumulations[output].combiner)) {
      auto minus = [&](Value p, Value q) -> Value {
        return arith::SubFOp::create(b, loc, p, q);
      };
      Value added = minus(total, sum);
      Value error = arith::AddFOp::create(
          b, loc, minus(sum, minus(total, added)), minus(x, added));
      sums[count + i] = arith::AddFOp::create(b, loc, sums[count + i], error);
    }
    sums[i] = total;
  }
  return sums;
}

/// A loop over a reduced dimension whose body carries accumulators only.
NestEmitter::Values NestEmitter::reduceInBlocks(Bound begin, Bound end,
                                                int64_t step, Values carried,
                                                LoopBody emitBody) {
  if (!plan.compensate)
    return loop(begin, end, step, carried, emitBody);
  int64_t block = kBlock * step;
  return loop(
      begin, end, block, carried, [&](Value from, ValueRange sums) -> Values {
        AffineExpr f = b.getAffineSymbolExpr(0);
        AffineMap map = AffineMap::get(
            0, 2, {f + block, b.getAffineSymbolExpr(1)}, b.getContext());
        Bound to = affine::makeComposedFoldedAffineMin(b, loc, map,
                                                       {Bound(from), end});
        Values part = loop(from, to, step, identities(), emitBody);
        return mergeSums(Values(sums), part);
      });
}

/// The vector dimension is reduced: `columns` vectors at a time, then single
/// ones under a mask.
NestEmitter::Values NestEmitter::reduceVectors(Values carried) {
  unsigned dim = plan.vectorDim;
  int64_t lanes = body.lanes;
  Bound size = sizes[dim];
  auto emitAt = [&](Value index, int64_t count, Value valid,
                    ValueRange accumulators) {
    Unrolled unrolled{dim, count, lanes, {}, valid};
    if (valid)
      unrolled.mask = b.createOrFold<vector::CreateMaskOp>(
          loc, VectorType::get({lanes}, b.getI1Type()), valid);
    BodyEmitter::Emitted outside = body.emitted;
    body.indices[dim] = index;
    body.unrolled.push_back(unrolled);
    auto allPoints = std::exchange(tile, points());
    Values results = reduceStep(accumulators);
    tile = std::move(allPoints);
    body.unrolled.pop_back();
    body.emitted = std::move(outside);
    return results;
  };
  Bound full = roundDown(constant(0), size, plan.columns * lanes);
  carried =
      reduceInBlocks(constant(0), full, plan.columns * lanes, carried,
                     [&](Value index, ValueRange accumulators) {
                       return emitAt(index, plan.columns, {}, accumulators);
                     });
  // The accumulators of the first column take the rest.
  SmallVector<unsigned> first;
  for (unsigned i = 0, n = accumulated.size() * tile.size(); i < n; ++i)
    if (tile[i % tile.size()].back() == 0)
      first.push_back(i);
  Values rest;
  for (unsigned i : first)
    rest.push_back(carried[i]);
  rest = loop(full, size, lanes, rest, [&](Value index, ValueRange narrow) {
    Value valid;
    if (lanes > 1)
      valid = arith::SubIOp::create(b, loc, toValue(size), index);
    return emitAt(index, 1, valid, narrow);
  });
  for (auto [i, value] : llvm::zip_equal(first, rest))
    carried[i] = value;
  return carried;
}

NestEmitter::Values NestEmitter::reduceUnrolled(unsigned dim, Values carried) {
  Bound full = roundDown(constant(0), sizes[dim], plan.unroll);
  auto steps = [&](int64_t count) {
    return [this, dim, count](Value index, ValueRange accumulators) {
      Values values(accumulators);
      for (int64_t i = 0; i < count; ++i) {
        BodyEmitter::Emitted outside = body.emitted;
        body.indices[dim] =
            i ? b.createOrFold<arith::AddIOp>(loc, index, body.index(i))
              : index;
        values = reduceStep(values);
        body.emitted = std::move(outside);
      }
      return values;
    };
  };
  carried = reduceInBlocks(constant(0), full, plan.unroll, carried,
                           steps(plan.unroll));
  if (plan.unroll == 1)
    return carried;
  return loop(full, sizes[dim], 1, carried, steps(1));
}

NestEmitter::Values NestEmitter::reduceLoops(unsigned level, Values carried) {
  bool isLast = level + (plan.reducesLanes ? 0 : 1) == plan.inner.size();
  if (isLast && plan.reducesLanes)
    return reduceVectors(carried);
  unsigned dim = plan.inner[level];
  if (isLast)
    return reduceUnrolled(dim, carried);
  return loop(constant(0), sizes[dim], 1, carried,
              [&](Value index, ValueRange accumulators) {
                body.indices[dim] = index;
                return reduceLoops(level + 1, Values(accumulators));
              });
}

/// Halves the vector until one lane is left.
Value NestEmitter::reduceLanes(unsigned accumulator, Value value) {
  auto type = dyn_cast<VectorType>(value.getType());
  if (!type)
    return value;
  for (int64_t half = type.getNumElements() / 2; half >= 1; half /= 2) {
    auto part = [&](int64_t offset) -> Value {
      return vector::ExtractStridedSliceOp::create(
          b, loc, value, ArrayRef<int64_t>{offset}, ArrayRef<int64_t>{half},
          ArrayRef<int64_t>{1});
    };
    value = combine(accumulator, part(0), part(half));
  }
  return vector::ExtractOp::create(b, loc, value, int64_t(0));
}

NestEmitter::Values NestEmitter::initialValues() {
  if (plan.reducesLanes)
    return identities();
  Values values;
  for (unsigned output : accumulated)
    for (ArrayRef<int64_t> point : tile)
      values.push_back(initialValue(op.getDpsInitsMutable()[output], point));
  return values;
}

Value NestEmitter::initialValue(OpOperand &output, Point point) {
  if (!initial)
    return body.load(output, point);
  TypedAttr value = initial;
  if (auto vector = dyn_cast<VectorType>(body.vectorOf(initial.getType()));
      vector && !plan.reducesLanes)
    value = SplatElementsAttr::get(vector, Attribute(initial));
  return arith::ConstantOp::create(b, loc, value);
}

/// Adds the low words, combines the columns and lanes, and stores.
void NestEmitter::finishReduction(Values carried) {
  unsigned count = accumulated.size() * tile.size();
  for (unsigned i = 0; plan.compensate && i < count; ++i) {
    unsigned output = accumulated[i / tile.size()];
    if (!isa<arith::AddFOp>(plan.accumulations[output].combiner))
      continue;
    Value low = carried[count + i];
    // The low word of an infinite sum is not a number.
    Value isNumber =
        arith::CmpFOp::create(b, loc, arith::CmpFPredicate::ORD, low, low);
    Value sum = arith::AddFOp::create(b, loc, carried[i], low);
    carried[i] = arith::SelectOp::create(b, loc, isNumber, sum, carried[i]);
  }
  int64_t columns = plan.reducesLanes ? plan.columns : 1;
  for (unsigned i = 0; i < count; i += columns) {
    OpOperand &operand = op.getDpsInitsMutable()[accumulated[i / tile.size()]];
    SmallVector<int64_t> point = tile[i % tile.size()];
    Value value = carried[i];
    if (plan.reducesLanes) {
      for (int64_t width = columns; width > 1; width = (width + 1) / 2)
        for (int64_t c = 0; c < width / 2; ++c)
          carried[i + c] =
              combine(i, carried[i + c], carried[i + (width + 1) / 2 + c]);
      point.pop_back();
      value =
          combine(i, initialValue(operand, point), reduceLanes(i, carried[i]));
    }
    finish(operand, point, value);
  }
}

void NestEmitter::emitReduction() {
  accumulated.clear();
  for (auto [i, accumulation] : llvm::enumerate(plan.accumulations))
    if (accumulation.combiner)
      accumulated.push_back(i);
  tile = points();
  DimSet reduced = plan.reducesLanes ? dimBit(plan.vectorDim) : 0;
  for (unsigned dim : plan.inner)
    reduced |= dimBit(dim);
  for (ArrayRef<int64_t> point : tile)
    body.hoist(reduced, point);

  if (plan.reducesLanes) // one point per column
    for (unsigned i = 0, n = tile.size(); i < n; ++i) {
      SmallVector<int64_t> point = tile.front();
      tile.erase(tile.begin());
      for (int64_t column = 0; column < plan.columns; ++column) {
        tile.push_back(point);
        tile.back().push_back(column);
      }
    }
  Values carried = initialValues();
  if (plan.compensate)
    for (Value value : Values(carried))
      carried.push_back(
          arith::ConstantOp::create(b, loc, b.getZeroAttr(value.getType())));
  finishReduction(reduceLoops(0, carried));
}
