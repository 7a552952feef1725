//===- VectorizeStrided.cpp - Every second, third or fourth element -------===//
//
// Lanes that lie a few elements apart are in a few vectors, which are read as a
// whole and shuffled. The vectors begin with the first lane and end with the
// last one, so that nothing beyond these is touched. (A store that writes back
// what is in between waits for the loads of its neighbours' lines: two to three
// times slower than one store per lane.)
//
//===----------------------------------------------------------------------===//

#include "VectorizeBody.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace lamina;

static constexpr int64_t mostStride = 4;

int64_t lamina::smallStride(AffineMap map, MemRefType type, unsigned dim) {
  if (type.getRank() == 0 || motionAlong(map, type, dim) != Motion::Strided ||
      map.getResults().back() != getAffineDimExpr(dim, map.getContext()))
    return 0;
  for (AffineExpr expr : map.getResults().drop_back())
    if (expr.isFunctionOfDim(dim))
      return 0;
  auto [strides, offset] = type.getStridesAndOffset();
  int64_t stride = strides.back();
  return stride >= 2 && stride <= mostStride ? stride : 0;
}

/// Where the vectors begin that reach from the first lane to the last one.
static SmallVector<int64_t> windows(int64_t lanes, int64_t stride) {
  int64_t length = (lanes - 1) * stride + 1;
  SmallVector<int64_t> starts;
  for (int64_t at = 0; at < length; at += lanes)
    starts.push_back(std::min(at, length - lanes));
  return starts;
}

Value BodyEmitter::spanAt(OpOperand &operand, Point point, int64_t stride) {
  SmallVector<Value> at = indicesAt(op.getMatchingIndexingMap(&operand), point);
  auto data = memref::ExtractStridedMetadataOp::create(b, loc, operand.get());
  AffineExpr sum = b.getAffineSymbolExpr(0);
  SmallVector<OpFoldResult> symbols{data.getConstifiedMixedOffset()};
  for (auto [index, step] :
       llvm::zip_equal(at, data.getConstifiedMixedStrides())) {
    unsigned next = symbols.size();
    sum = sum + b.getAffineSymbolExpr(next) * b.getAffineSymbolExpr(next + 1);
    symbols.append({OpFoldResult(index), step});
  }
  OpFoldResult offset =
      affine::makeComposedFoldedAffineApply(b, loc, sum, symbols);
  auto type = cast<MemRefType>(operand.get().getType());
  int64_t length = (lanes - 1) * stride + 1;
  auto span = MemRefType::get(
      {length}, type.getElementType(),
      StridedLayoutAttr::get(b.getContext(), ShapedType::kDynamic, {1}),
      type.getMemorySpace());
  return memref::ReinterpretCastOp::create(
      b, loc, span, data.getBaseBuffer(), offset,
      ArrayRef<OpFoldResult>{b.getIndexAttr(length)},
      ArrayRef<OpFoldResult>{b.getIndexAttr(1)});
}

Value BodyEmitter::loadStrided(OpOperand &operand, Point point) {
  auto type = cast<MemRefType>(operand.get().getType());
  int64_t stride =
      smallStride(op.getMatchingIndexingMap(&operand), type, plan.vectorDim);
  if (!stride || maskAt(point))
    return {};
  Value span = spanAt(operand, point, stride);
  auto vector = cast<VectorType>(vectorOf(type.getElementType()));
  Value result;
  int64_t done = 0; // lanes
  for (int64_t start : windows(lanes, stride)) {
    Value next =
        vector::LoadOp::create(b, loc, vector, span, ValueRange{index(start)});
    SmallVector<int64_t> order(lanes, vector::ShuffleOp::kPoisonIndex);
    for (int64_t lane = 0; lane < done; ++lane)
      order[lane] = lane;
    for (; done < lanes && done * stride < start + lanes; ++done)
      order[done] = (result ? lanes : 0) + done * stride - start;
    result =
        vector::ShuffleOp::create(b, loc, result ? result : next, next, order);
  }
  return result;
}
