//===- IndexItems.cpp - reading the index of a tensor ---------------------===//

#include "Indexer.h"
#include "llvm/ADT/STLExtras.h"

using namespace llvm;
using mlir::failure;
using mlir::FailureOr;
using mlir::LogicalResult;
using mlir::success;

namespace lamina::frontend {

static std::string axisText(int64_t axis, const TensorObject *x) {
  return "axis " + std::to_string(axis) + " of a tensor of shape " +
         toString(x->shape);
}

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

} // namespace lamina::frontend
