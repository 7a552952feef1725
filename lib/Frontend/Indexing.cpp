//===- Indexing.cpp - x[i, a:b:c, ..., None, indices] as in NumPy ---------===//
//
// First the slices and integers, as one lam.reverse and one lam.slice; then the
// index tensors, as one lam.gather; then dimensions are dropped and added by a
// reshape.
//
//===----------------------------------------------------------------------===//

#include "Indexer.h"
#include "llvm/ADT/STLExtras.h"

using namespace llvm;
using mlir::failure;
using mlir::FailureOr;

namespace lamina::frontend {

/// x with the slices applied; an integer that is not part of a gather leaves a
/// dimension of 1.
TensorObject *Indexer::sliced() {
  mlir::OpBuilder &builder = tracer.builder();
  mlir::Location loc = evaluator.currentLocation();
  mlir::Value value = tracer.valueOf(x);
  SmallVector<int64_t> reversed, staticOffsets, strides;
  SmallVector<mlir::Value> offsets;
  Shape shape;
  bool isWhole = true;
  for (const IndexItem &item : items) {
    if (item.kind == IndexItem::NewAxis)
      continue;
    SliceBounds bounds;
    bounds.length = x->shape[item.axis];
    if (item.kind == IndexItem::Slice) {
      bounds = item.bounds;
    } else if (!joinsAdvanced(item)) {
      bounds.offset = item.place;
      bounds.length = 1;
    }
    if (bounds.reversed && bounds.length != Size(0))
      reversed.push_back(item.axis);
    isWhole &= bounds.offset == Size(0) && bounds.stride == 1 &&
               bounds.length == x->shape[item.axis];
    if (auto offset = bounds.offset.value()) {
      staticOffsets.push_back(*offset);
    } else {
      staticOffsets.push_back(mlir::ShapedType::kDynamic);
      offsets.push_back(tracer.sizeValue(bounds.offset));
    }
    strides.push_back(bounds.stride);
    shape.push_back(bounds.length);
  }
  if (!reversed.empty())
    value =
        lam::ReverseOp::create(builder, loc, value.getType(), value, reversed);
  if (!isWhole)
    value = lam::SliceOp::create(
        builder, loc, tracer.tensorType(shape, Tracer::dtypeOf(x)), value,
        staticOffsets, strides, offsets, tracer.dynamicSizes(shape));
  return tracer.tensor(value, shape).as<TensorObject>();
}

FailureOr<TensorObject *> Indexer::gathered(TensorObject *y) {
  SmallVector<TensorObject *> indices;
  SmallVector<int64_t> axes;
  std::optional<size_t> last;
  for (auto [place, item] : enumerate(items)) {
    if (!joinsAdvanced(item))
      continue;
    if (item.kind == IndexItem::Integer) {
      auto scalar =
          tracer.asTensor(evaluator.size(item.place), DType::Int32, at);
      if (mlir::failed(scalar))
        return failure();
      indices.push_back(*scalar);
    } else {
      indices.push_back(item.indices);
    }
    axes.push_back(item.axis);
    if (!last)
      firstAdvanced = place;
    else // anything between the indices moves their dimensions to the front
      indicesLead |= place != *last + 1 || emptyEllipsis == place;
    last = place;
  }
  if (!last)
    return y;

  FailureOr<Shape> shape = tracer.broadcastShapes(indices, at);
  if (mlir::failed(shape))
    return failure();
  indexShape = *shape;
  bool isWide = any_of(indices, [](TensorObject *i) {
    return Tracer::dtypeOf(i) == DType::Int64;
  });
  DType dtype = isWide ? DType::Int64 : DType::Int32;
  Shape column(indexShape);
  column.push_back(1);
  SmallVector<mlir::Value> columns;
  for (TensorObject *index : indices) {
    FailureOr<TensorObject *> wide = tracer.cast(index, dtype);
    FailureOr<TensorObject *> full = tracer.broadcastTo(*wide, indexShape, at);
    if (mlir::failed(full))
      return failure();
    FailureOr<TensorObject *> flat = tracer.reshape(*full, column, at);
    if (mlir::failed(flat))
      return failure();
    columns.push_back((*flat)->value);
  }
  mlir::OpBuilder &builder = tracer.builder();
  mlir::Location loc = evaluator.currentLocation();
  column.back() = int64_t(columns.size());
  mlir::Value places = columns.size() == 1
                           ? columns[0]
                           : lam::ConcatOp::create(
                                 builder, loc, tracer.tensorType(column, dtype),
                                 columns, int64_t(indexShape.size()))
                                 .getResult();
  Shape result(indexShape);
  for (auto [axis, size] : enumerate(y->shape))
    if (!is_contained(axes, int64_t(axis)))
      result.push_back(size);
  mlir::Value value = lam::GatherOp::create(
      builder, loc, tracer.tensorType(result, Tracer::dtypeOf(x)), y->value,
      places, axes);

  // The dimensions of y that come before the indices in the result.
  size_t before = 0;
  if (!indicesLead)
    for (size_t i = 0; i < firstAdvanced; ++i)
      before += items[i].kind != IndexItem::NewAxis;
  if (before && !indexShape.empty()) {
    size_t k = indexShape.size();
    SmallVector<int64_t> perm;
    for (size_t i = 0; i < before; ++i)
      perm.push_back(int64_t(k + i));
    for (size_t i = 0; i < k; ++i)
      perm.push_back(int64_t(i));
    for (size_t i = k + before; i < result.size(); ++i)
      perm.push_back(int64_t(i));
    Shape moved;
    for (int64_t i : perm)
      moved.push_back(result[i]);
    value = lam::TransposeOp::create(
        builder, loc, tracer.tensorType(moved, Tracer::dtypeOf(x)), value,
        perm);
    result = moved;
  }
  return tracer.tensor(value, result).as<TensorObject>();
}

Result Indexer::run(Value index) {
  if (mlir::failed(expand(index)))
    return failure();
  FailureOr<TensorObject *> y = gathered(sliced());
  if (mlir::failed(y))
    return failure();
  Shape shape;
  bool placed = false;
  auto placeIndices = [&] {
    if (!placed)
      shape.append(indexShape);
    placed = true;
  };
  if (indicesLead)
    placeIndices();
  for (const IndexItem &item : items) {
    if (item.kind == IndexItem::NewAxis)
      shape.push_back(1);
    else if (item.kind == IndexItem::Slice)
      shape.push_back(item.bounds.length);
    else if (joinsAdvanced(item))
      placeIndices();
  }
  FailureOr<TensorObject *> result = tracer.reshape(*y, shape, at);
  if (mlir::failed(result))
    return failure();
  return Value(*result);
}

Result Tracer::getItem(TensorObject *x, Value index, SMRange at) {
  return Indexer(evaluator, x, at).run(index);
}

} // namespace lamina::frontend
