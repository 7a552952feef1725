//===- VectorizeBody.cpp - Values of a linalg body at tile points ---------===//

#include "VectorizeBody.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StructuredOpsUtils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using namespace lamina;

BodyEmitter::BodyEmitter(OpBuilder &builder, linalg::GenericOp op,
                         const Plan &plan, ArrayRef<OpFoldResult> sizes)
    : lanes(plan.lanes), b(builder), loc(op.getLoc()), op(op), plan(plan),
      sizes(sizes) {
  indices.resize(op.getNumLoops());
}

Value BodyEmitter::index(int64_t value) {
  return arith::ConstantIndexOp::create(b, loc, value);
}

Type BodyEmitter::vectorOf(Type element) const {
  return lanes > 1 ? VectorType::get({lanes}, element) : element;
}

Value BodyEmitter::toVector(Value value) {
  if (lanes == 1 || isa<VectorType>(value.getType()))
    return value;
  Value &broadcast = emitted.broadcasts[value];
  if (!broadcast)
    broadcast = b.createOrFold<vector::BroadcastOp>(
        loc, vectorOf(value.getType()), value);
  return broadcast;
}

//===----------------------------------------------------------------------===//
// Where a point is
//===----------------------------------------------------------------------===//

const Unrolled *BodyEmitter::vectorDimAt(Point point) const {
  for (auto [u, step] : llvm::zip_equal(unrolled, point))
    if (u.dim == plan.vectorDim && step + 1 == u.count)
      return &u;
  return nullptr;
}

Value BodyEmitter::maskAt(Point point) const {
  const Unrolled *u = vectorDimAt(point);
  return u ? u->mask : Value();
}

/// Numbers the steps of those unrolled dimensions that `v` varies with.
unsigned BodyEmitter::keyOf(Value v, Point point) const {
  DimSet dims = plan.dependences.lookup(v);
  unsigned key = 0;
  for (auto [u, step] : llvm::zip_equal(unrolled, point))
    key = key * 64 + (dims & dimBit(u.dim) ? step + 1 : 0);
  return key;
}

Value BodyEmitter::indexAt(unsigned dim, Point point, int64_t lane) {
  int64_t offset = dim == plan.vectorDim ? lane : 0;
  for (auto [u, step] : llvm::zip_equal(unrolled, point))
    if (u.dim == dim)
      offset += step * u.step;
  if (offset == 0)
    return indices[dim];
  return b.createOrFold<arith::AddIOp>(loc, indices[dim], index(offset));
}

SmallVector<Value> BodyEmitter::indicesAt(AffineMap map, Point point,
                                          int64_t lane) {
  SmallVector<OpFoldResult> dims;
  for (unsigned dim = 0; dim < map.getNumDims(); ++dim)
    dims.push_back(map.isFunctionOfDim(dim)
                       ? OpFoldResult(indexAt(dim, point, lane))
                       : OpFoldResult(b.getIndexAttr(0)));
  SmallVector<Value> results;
  for (AffineExpr expr : map.getResults()) {
    if (auto dim = dyn_cast<AffineDimExpr>(expr)) {
      results.push_back(cast<Value>(dims[dim.getPosition()]));
      continue;
    }
    AffineMap single = AffineMap::get(map.getNumDims(), 0, expr);
    OpFoldResult at =
        affine::makeComposedFoldedAffineApply(b, loc, single, dims);
    results.push_back(getValueOrCreateConstantIndexOp(b, loc, at));
  }
  return results;
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

Value BodyEmitter::loadContiguous(Value memref, ValueRange at, Point point) {
  Type element = cast<MemRefType>(memref.getType()).getElementType();
  auto type = cast<VectorType>(vectorOf(element));
  Value mask = maskAt(point);
  if (!mask)
    return vector::LoadOp::create(b, loc, type, memref, at);
  Value zero = arith::ConstantOp::create(b, loc, type, b.getZeroAttr(type));
  return vector::MaskedLoadOp::create(b, loc, type, memref, at, mask, zero);
}

SmallVector<Value> BodyEmitter::existingIndices(AffineMap map, Point point,
                                                int64_t lane) {
  if (!maskAt(point))
    return indicesAt(map, point, lane);
  Value first = indices[plan.vectorDim];
  Value last = b.createOrFold<arith::SubIOp>(
      loc, getValueOrCreateConstantIndexOp(b, loc, sizes[plan.vectorDim]),
      index(1));
  Value here = indexAt(plan.vectorDim, point, lane);
  here = b.createOrFold<arith::MinSIOp>(loc, here, last);
  // The clamped index stands for the vector dimension at step 0.
  SmallVector<int64_t> start(point);
  for (auto [u, step] : llvm::zip_equal(unrolled, start))
    if (u.dim == plan.vectorDim)
      step = 0;
  indices[plan.vectorDim] = here;
  SmallVector<Value> at = indicesAt(map, start);
  indices[plan.vectorDim] = first;
  return at;
}

/// One load per lane.
Value BodyEmitter::loadLanes(OpOperand &operand, Point point) {
  AffineMap map = op.getMatchingIndexingMap(&operand);
  Type element = getElementTypeOrSelf(operand.get().getType());
  SmallVector<Value> elements;
  for (int64_t lane = 0; lane < lanes; ++lane)
    elements.push_back(memref::LoadOp::create(
        b, loc, operand.get(), existingIndices(map, point, lane)));
  return vector::FromElementsOp::create(
      b, loc, cast<VectorType>(vectorOf(element)), elements);
}

Value BodyEmitter::load(OpOperand &operand, Point point) {
  auto type = dyn_cast<MemRefType>(operand.get().getType());
  if (!type)
    return operand.get();
  AffineMap map = op.getMatchingIndexingMap(&operand);
  Motion motion =
      lanes == 1 ? Motion::Invariant : motionAlong(map, type, plan.vectorDim);
  if (motion == Motion::Strided) {
    if (Value turned = loadTurned(operand, point))
      return turned;
    Value strided = loadStrided(operand, point);
    return strided ? strided : loadLanes(operand, point);
  }
  SmallVector<Value> at = indicesAt(map, point);
  if (motion == Motion::Contiguous)
    return loadContiguous(operand.get(), at, point);
  return memref::LoadOp::create(b, loc, operand.get(), at);
}

void BodyEmitter::storeLanes(OpOperand &operand, Point point, Value value) {
  AffineMap map = op.getMatchingIndexingMap(&operand);
  const Unrolled *u = vectorDimAt(point);
  if (!u || !u->mask) {
    for (int64_t lane = 0; lane < lanes; ++lane) {
      Value element = vector::ExtractOp::create(b, loc, value, lane);
      memref::StoreOp::create(b, loc, element, operand.get(),
                              indicesAt(map, point, lane));
    }
    return;
  }
  auto loop = scf::ForOp::create(b, loc, index(0), u->valid, index(1));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  Value first = indices[plan.vectorDim], lane = loop.getInductionVar();
  indices[plan.vectorDim] = arith::AddIOp::create(b, loc, first, lane);
  Value element = vector::ExtractOp::create(b, loc, value, lane);
  memref::StoreOp::create(b, loc, element, operand.get(),
                          indicesAt(map, point));
  indices[plan.vectorDim] = first;
}

void BodyEmitter::store(OpOperand &operand, Point point, Value value) {
  auto type = cast<MemRefType>(operand.get().getType());
  AffineMap map = op.getMatchingIndexingMap(&operand);
  Motion motion =
      lanes == 1 ? Motion::Invariant : motionAlong(map, type, plan.vectorDim);
  if (motion == Motion::Strided)
    return storeLanes(operand, point, toVector(value));
  SmallVector<Value> at = indicesAt(map, point);
  if (motion == Motion::Invariant) {
    memref::StoreOp::create(b, loc, value, operand.get(), at);
    return;
  }
  if (Value mask = maskAt(point))
    vector::MaskedStoreOp::create(b, loc, operand.get(), at, mask,
                                  toVector(value));
  else
    vector::StoreOp::create(b, loc, toVector(value), operand.get(), at);
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

void BodyEmitter::setValueAt(Value v, Point point, Value value) {
  emitted.values[{v, keyOf(v, point)}] = value;
}

Value BodyEmitter::valueAt(Value v, Point point) {
  auto argument = dyn_cast<BlockArgument>(v);
  Operation *producer = v.getDefiningOp();
  if (argument ? argument.getOwner() != op.getBody()
               : producer->getBlock() != op.getBody())
    return v;
  auto known = emitted.values.find({v, keyOf(v, point)});
  if (known != emitted.values.end())
    return known->second;
  if (argument)
    setValueAt(v, point,
               load(op->getOpOperand(argument.getArgNumber()), point));
  else
    emitOp(producer, point);
  return emitted.values.lookup({v, keyOf(v, point)});
}

/// How `index` moves along the lanes, if it does so one by one.
std::optional<BodyEmitter::Walk> BodyEmitter::walkOf(Value index, Point point) {
  Operation *producer = index.getDefiningOp();
  if (auto loopIndex = dyn_cast_or_null<linalg::IndexOp>(producer)) {
    if (loopIndex.getDim() != plan.vectorDim)
      return std::nullopt;
    return Walk{indexAt(plan.vectorDim, point), /*forwards=*/true};
  }
  if (!isa_and_nonnull<arith::AddIOp, arith::SubIOp>(producer))
    return std::nullopt;
  Value left = producer->getOperand(0), right = producer->getOperand(1);
  if (isVector(left) == isVector(right))
    return std::nullopt;
  std::optional<Walk> walk = walkOf(isVector(left) ? left : right, point);
  if (!walk)
    return std::nullopt;
  Value other = valueAt(isVector(left) ? right : left, point);
  if (isa<arith::AddIOp>(producer)) {
    walk->first = b.createOrFold<arith::AddIOp>(loc, walk->first, other);
  } else if (isVector(left)) {
    walk->first = b.createOrFold<arith::SubIOp>(loc, walk->first, other);
  } else {
    walk->first = b.createOrFold<arith::SubIOp>(loc, other, walk->first);
    walk->forwards = !walk->forwards;
  }
  return walk;
}

/// A load at computed indices.
Value BodyEmitter::gather(Operation *producer, Point point) {
  auto load = cast<memref::LoadOp>(producer);
  auto type = cast<MemRefType>(load.getMemref().getType());
  ValueRange at = load.getIndices();
  SmallVector<int64_t> strides;
  int64_t offset;
  bool alongLast =
      !at.empty() && isVector(at.back()) &&
      llvm::none_of(at.drop_back(), [&](Value i) { return isVector(i); }) &&
      succeeded(type.getStridesAndOffset(strides, offset)) &&
      strides.back() == 1;
  SmallVector<Value> scalars;
  std::optional<Walk> walk;
  if (alongLast)
    walk = walkOf(at.back(), point);
  if (walk && (walk->forwards || !maskAt(point))) {
    for (Value i : at.drop_back())
      scalars.push_back(valueAt(i, point));
    if (!walk->forwards) // the last lane's element comes first
      walk->first =
          b.createOrFold<arith::SubIOp>(loc, walk->first, index(lanes - 1));
    scalars.push_back(walk->first);
    Value elements = loadContiguous(load.getMemref(), scalars, point);
    if (walk->forwards)
      return elements;
    auto order = llvm::to_vector(llvm::reverse(llvm::seq<int64_t>(0, lanes)));
    return vector::ShuffleOp::create(b, loc, elements, elements, order);
  }
  SmallVector<Value> elements;
  for (int64_t lane = 0; lane < lanes; ++lane) {
    scalars.clear();
    for (Value i : at) {
      Value value = valueAt(i, point);
      if (isa<VectorType>(value.getType()))
        value = vector::ExtractOp::create(b, loc, value, lane);
      scalars.push_back(value);
    }
    elements.push_back(
        memref::LoadOp::create(b, loc, load.getMemref(), scalars));
  }
  return vector::FromElementsOp::create(
      b, loc, cast<VectorType>(vectorOf(type.getElementType())), elements);
}

/// acc + x * y in one rounding, if `op` is such an accumulation.
Value BodyEmitter::fusedMultiplyAdd(Operation *sum, Point point) {
  if (!plan.fuseMultiplyAdd || !isa<arith::AddFOp>(sum))
    return {};
  for (const Accumulation &accumulation : plan.accumulations) {
    if (accumulation.combiner != sum)
      continue;
    Value term = sum->getOperand(1 - accumulation.operand);
    auto product = term.getDefiningOp<arith::MulFOp>();
    if (!product || !product->hasOneUse() ||
        !(term.getType().isF32() || term.getType().isF64()))
      return {};
    Value old = valueAt(sum->getOperand(accumulation.operand), point);
    auto operand = [&](Value v) {
      Value value = valueAt(v, point);
      return isa<VectorType>(old.getType()) ? toVector(value) : value;
    };
    return math::FmaOp::create(b, loc, operand(product.getLhs()),
                               operand(product.getRhs()), old);
  }
  return {};
}

void BodyEmitter::emitOp(Operation *producer, Point point) {
  Value first = producer->getResult(0);
  if (auto loopIndex = dyn_cast<linalg::IndexOp>(producer)) {
    Value value = indexAt(loopIndex.getDim(), point);
    if (isVector(first)) {
      Value steps = vector::StepOp::create(
          b, loc, cast<VectorType>(vectorOf(b.getIndexType())));
      value = arith::AddIOp::create(b, loc, toVector(value), steps);
    }
    return setValueAt(first, point, value);
  }
  if (isa<memref::LoadOp>(producer) && isVector(first))
    return setValueAt(first, point, gather(producer, point));
  if (Value fused = fusedMultiplyAdd(producer, point))
    return setValueAt(first, point, fused);
  if (Value quotient = divideByScalar(producer, point))
    return setValueAt(first, point, quotient);

  SmallVector<Value> operands;
  for (Value operand : producer->getOperands()) {
    Value value = valueAt(operand, point);
    operands.push_back(isVector(first) ? toVector(value) : value);
  }
  SmallVector<Type> types;
  for (Type type : producer->getResultTypes())
    types.push_back(isVector(first) ? vectorOf(type) : type);
  Operation *copy = mlir::clone(b, producer, types, operands);
  for (auto [result, value] :
       llvm::zip_equal(producer->getResults(), copy->getResults()))
    setValueAt(result, point, value);
}

void BodyEmitter::hoist(DimSet dims, Point point) {
  // A load at computed indices stays where it is known to be executed, and so
  // does what needs it.
  llvm::SmallDenseSet<Value> hoisted;
  for (OpOperand *input : op.getDpsInputOperands()) {
    BlockArgument argument = op.getMatchingBlockArgument(input);
    if ((plan.dependences.lookup(argument) & dims) || argument.use_empty())
      continue;
    valueAt(argument, point);
    hoisted.insert(argument);
  }
  auto isReady = [&](Value v) {
    return v.getParentBlock() != op.getBody() || hoisted.contains(v);
  };
  for (Operation &o : op.getBody()->without_terminator()) {
    if (!isPure(&o) || !llvm::all_of(o.getOperands(), isReady) ||
        (plan.dependences.lookup(o.getResult(0)) & dims))
      continue;
    valueAt(o.getResult(0), point);
    hoisted.insert(o.result_begin(), o.result_end());
  }
}
