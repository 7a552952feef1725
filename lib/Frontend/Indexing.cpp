//===- Indexing.cpp - x[i, a:b:c, ..., None, indices] as in NumPy ---------===//
//
// First the slices and integers, as one lam.reverse and one lam.slice; then the
// index tensors, as one lam.gather; then dimensions are dropped and added by a
// reshape.
//
//===----------------------------------------------------------------------===//

#include "IndexBounds.h"
#include "TracerImpl.h"
#include "llvm/ADT/STLExtras.h"

using namespace llvm;
using mlir::failure;
using mlir::FailureOr;
using mlir::LogicalResult;
using mlir::success;

namespace lamina::frontend {
namespace {

/// One item of an index after `...` is expanded.
struct IndexItem {
  enum Kind { Integer, Slice, NewAxis, Advanced } kind;
  Size place;                      // of Integer
  SliceBounds bounds;              // of Slice
  TensorObject *indices = nullptr; // of Advanced
  int64_t axis = -1;               // of x, except for NewAxis
};

class Indexer {
public:
  Indexer(Evaluator &evaluator, TensorObject *x, SMRange at)
      : evaluator(evaluator), tracer(evaluator.tracer()), x(x), at(at) {}

  Result run(Value index);

private:
  LogicalResult expand(Value index);
  LogicalResult addItem(Value value, int64_t axis);
  LogicalResult addInteger(const Size &index, int64_t axis);
  LogicalResult addSlice(SliceObject *slice, int64_t axis);
  LogicalResult addTensor(Value value, int64_t axis);
  FailureOr<std::optional<Size>> bound(Value value, StringRef what);
  FailureOr<TensorObject *> checkedIndices(TensorObject *indices, int64_t axis);
  TensorObject *sliced();
  FailureOr<TensorObject *> gathered(TensorObject *y);
  bool joinsAdvanced(const IndexItem &item) const {
    return item.kind == IndexItem::Advanced ||
           (item.kind == IndexItem::Integer && hasArray);
  }

  Evaluator &evaluator;
  Tracer &tracer;
  TensorObject *x;
  SMRange at;
  SmallVector<IndexItem> items;
  bool hasArray = false; // an index tensor that is not a scalar
  std::optional<size_t>
      emptyEllipsis; // the item that `...` for nothing precedes
  // Of the gather: the shape of the indices, and where it goes in the result.
  Shape indexShape;
  size_t firstAdvanced = 0;
  bool indicesLead = false;
};

std::string axisText(int64_t axis, const TensorObject *x) {
  return "axis " + std::to_string(axis) + " of a tensor of shape " +
         toString(x->shape);
}

//===----------------------------------------------------------------------===//
// Reading the index
//===----------------------------------------------------------------------===//

LogicalResult Indexer::expand(Value index) {
  std::vector<Value> parts;
  if (auto *tuple = index.as<TupleObject>())
    parts = tuple->items;
  else
    parts = {index};
  int64_t rank = int64_t(x->shape.size()), used = 0, ellipses = 0;
  for (Value part : parts) {
    ellipses += part.is(ValueKind::Ellipsis);
    used += !part.isNone() && !part.is(ValueKind::Ellipsis);
  }
  if (ellipses > 1)
    return evaluator.error(at, "an index can only have a single '...'");
  if (used > rank)
    return evaluator.error(at, "too many indices for a tensor of shape " +
                                   toString(x->shape) + ": " + Twine(used));
  if (!ellipses)
    parts.push_back(Value::ellipsis());
  int64_t axis = 0;
  for (Value part : parts) {
    if (part.isNone()) {
      items.push_back({IndexItem::NewAxis, {}, {}});
      continue;
    }
    if (!part.is(ValueKind::Ellipsis)) {
      if (mlir::failed(addItem(part, axis++)))
        return failure();
      continue;
    }
    if (used == rank && ellipses)
      emptyEllipsis = items.size();
    for (int64_t i = used; i < rank; ++i, ++axis)
      items.push_back({IndexItem::Slice,
                       {},
                       resolveSlice({}, {}, 1, x->shape[axis]),
                       nullptr,
                       axis});
  }
  return success();
}

LogicalResult Indexer::addItem(Value value, int64_t axis) {
  if (value.is(ValueKind::Int))
    return addInteger(value.asInt(), axis);
  if (auto *size = value.as<SizeObject>())
    return addInteger(size->size, axis);
  if (auto *slice = value.as<SliceObject>())
    return addSlice(slice, axis);
  if (value.isTensor() || value.is(ValueKind::List) ||
      value.is(ValueKind::Range) || value.is(ValueKind::Tuple))
    return addTensor(value, axis);
  return evaluator.error(
      at, "a tensor index must be an integer, a slice, '...', None or an "
          "integer tensor, found " +
              Twine(evaluator.describe(value)));
}

LogicalResult Indexer::addInteger(const Size &index, int64_t axis) {
  const Size &size = x->shape[axis];
  if (Size::lessThan(index, size) == false ||
      Size::lessThan(index + size, 0) == true)
    return evaluator.error(at, "index " + index.str() +
                                   " is out of range for " + axisText(axis, x));
  items.push_back(
      {IndexItem::Integer, resolveIndex(index, size), {}, nullptr, axis});
  return success();
}

FailureOr<std::optional<Size>> Indexer::bound(Value value, StringRef what) {
  if (value.isNone())
    return std::optional<Size>();
  if (value.isInteger())
    return std::optional<Size>(value.asInt());
  if (auto *size = value.as<SizeObject>())
    return std::optional<Size>(size->size);
  if (auto *tensor = value.as<TensorObject>())
    if (auto known = tracer.knownSizes(tensor);
        known && tensor->shape.empty() &&
        Tracer::dtypeOf(tensor) != DType::Bool)
      return std::optional<Size>(known->front());
  auto &error = evaluator.diagnose(
      at, "the " + what +
              " of a slice must be an integer that is known at compile time or "
              "computed from shapes, found " +
              evaluator.describe(value));
  if (value.isTensor())
    error.note("to select elements at computed places use take or "
               "take_along_axis");
  return failure();
}

LogicalResult Indexer::addSlice(SliceObject *slice, int64_t axis) {
  auto lower = bound(slice->lower, "start");
  auto upper = mlir::failed(lower) ? lower : bound(slice->upper, "end");
  auto step = mlir::failed(upper) ? upper : bound(slice->step, "step");
  if (mlir::failed(step))
    return failure();
  std::optional<int64_t> stride = *step ? (*step)->value() : 1;
  if (!stride)
    return evaluator.error(at, "the step of a slice must be known at compile "
                               "time, found " +
                                   (*step)->str());
  if (*stride == 0)
    return evaluator.error(at, "the step of a slice cannot be zero");
  items.push_back({IndexItem::Slice,
                   {},
                   resolveSlice(*lower, *upper, *stride, x->shape[axis]),
                   nullptr,
                   axis});
  return success();
}

LogicalResult Indexer::addTensor(Value value, int64_t axis) {
  FailureOr<TensorObject *> made = tracer.asTensor(value, std::nullopt, at);
  if (mlir::failed(made))
    return failure();
  TensorObject *indices = *made;
  DType dtype = Tracer::dtypeOf(indices);
  bool isEmpty = indices->shape.size() == 1 && indices->shape[0] == Size(0);
  if (isEmpty && !value.isTensor()) // [] has no dtype of its own
    indices = *tracer.cast(indices, DType::Int32);
  else if (isFloat(dtype))
    return evaluator.error(at, "an index must be an integer, found " +
                                   Twine(evaluator.describe(indices)));
  if (dtype == DType::Bool && !isEmpty) {
    std::optional<NDArray> mask = tracer.constantOf(indices);
    if (!mask || mask->rank() != 1) {
      auto &error = evaluator.diagnose(
          at, "a boolean mask selects a number of elements that is not known "
              "at compile time");
      error.note("use where(mask, x, 0) to keep the shape, or multiply by the "
                 "mask");
      return failure();
    }
    if (mayEqual(x->shape[axis], mask->size()) == false)
      return evaluator.error(at, "a mask of " + Twine(mask->size()) +
                                     " elements does not fit " +
                                     axisText(axis, x));
    std::vector<Value> places;
    for (int64_t i = 0; i < mask->size(); ++i)
      if (mask->getInt(i))
        places.push_back(Value::integer(i));
    FailureOr<TensorObject *> list =
        tracer.asTensor(evaluator.list(places), DType::Int32, at);
    if (mlir::failed(list))
      return failure();
    indices = *list;
  }
  if (indices->shape.empty())
    if (auto known = tracer.knownSizes(indices))
      return addInteger(known->front(), axis);
  hasArray |= !indices->shape.empty();
  FailureOr<TensorObject *> checked = checkedIndices(indices, axis);
  if (mlir::failed(checked))
    return failure();
  items.push_back({IndexItem::Advanced, {}, {}, *checked, axis});
  return success();
}

/// The indices with negative ones counted from the end; what is known at
/// compile time is checked.
FailureOr<TensorObject *> Indexer::checkedIndices(TensorObject *indices,
                                                  int64_t axis) {
  const Size &size = x->shape[axis];
  if (auto count = size.value())
    if (auto array = tracer.constantOf(indices)) {
      DType wide = array->dtype() == DType::Int64 ? DType::Int64 : DType::Int32;
      NDArray places = array->cast(wide);
      for (int64_t i = 0; i < places.size(); ++i) {
        int64_t place = array->getInt(i);
        if (place < -*count || place >= *count)
          return evaluator.error(at, "index " + Twine(place) +
                                         " is out of range for " +
                                         axisText(axis, x));
        places.setInt(i, place < 0 ? place + *count : place);
      }
      return tracer.constant(places);
    }
  DType dtype = Tracer::dtypeOf(indices);
  DType wide =
      dtype == DType::Int64 || dtype == DType::UInt64 || dtype == DType::UInt32
          ? DType::Int64
          : DType::Int32;
  FailureOr<TensorObject *> cast = tracer.cast(indices, wide);
  if (isUnsigned(dtype))
    return cast;
  Value count = evaluator.size(size);
  Result wrapped = tracer.pointwise("add", {*cast, count}, at);
  Result negative = tracer.pointwise("lt", {*cast, Value::integer(0)}, at);
  if (mlir::failed(wrapped) || mlir::failed(negative))
    return failure();
  Result chosen = tracer.pointwise("select", {*negative, *wrapped, *cast}, at);
  if (mlir::failed(chosen))
    return failure();
  return chosen->as<TensorObject>();
}

//===----------------------------------------------------------------------===//
// Emitting
//===----------------------------------------------------------------------===//

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

} // namespace

Result Tracer::getItem(TensorObject *x, Value index, SMRange at) {
  return Indexer(evaluator, x, at).run(index);
}

} // namespace lamina::frontend
