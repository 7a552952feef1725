//===- PrimitivesShape.cpp - casts, filling, structure --------------------===//

#include "Primitives.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

using namespace llvm;
using mlir::failure;
using mlir::FailureOr;
using mlir::LogicalResult;
using mlir::success;

namespace lamina::frontend {
namespace {

Result wrap(FailureOr<TensorObject *> x) {
  return mlir::failed(x) ? Result(failure()) : Result(Value(*x));
}

/// Sizes must not be negative, and the elements must be countable. What may be
/// negative (n-1 for an empty batch) becomes 0 there. With `wildcard`, -1 is a
/// size to be computed.
LogicalResult checkShape(PrimitiveCall &call, MutableArrayRef<Size> shape,
                         bool wildcard = false) {
  constexpr int64_t most = int64_t(1) << 40;
  int64_t count = 1;
  for (Size &size : shape) {
    if (wildcard && size == Size(-1))
      continue;
    if (Size::lessThan(size, 0) == true)
      return call.error("a shape cannot have the negative size " + size.str() +
                        ": " + toString(shape));
    size = Size::max(size, 0);
    int64_t factor = std::max<int64_t>(size.value().value_or(1), 1);
    if (MulOverflow(count, factor, count) || count > most)
      return call.error("a tensor of shape " + toString(shape) +
                        " is too large");
  }
  return success();
}

/// A shape to make a tensor of.
FailureOr<Shape> newShape(PrimitiveCall &call, StringRef param) {
  FailureOr<Shape> shape = call.shape(param);
  if (mlir::failed(shape) || mlir::failed(checkShape(call, *shape)))
    return failure();
  return shape;
}

/// The sizes of `reshape`'s argument, its one -1 or None computed from the
/// rest.
FailureOr<Shape> reshapeTarget(PrimitiveCall &call, TensorObject *x,
                               Value value) {
  std::vector<Value> items =
      sequenceItems(value).value_or(std::vector<Value>{value});
  for (Value &item : items)
    if (item.isNone())
      item = Value::integer(-1);
  FailureOr<Shape> shape = call.tracer.asShape(
      items.size() == 1 ? items[0] : call.evaluator.tuple(items), call.at);
  if (mlir::failed(shape) || mlir::failed(checkShape(call, *shape, true)))
    return failure();
  std::optional<size_t> unknown;
  Size known = 1;
  for (auto [i, size] : enumerate(*shape)) {
    if (size == Size(-1)) {
      if (unknown)
        return call.error("only one size of a shape can be -1 or None: " +
                          toString(*shape));
      unknown = i;
      continue;
    }
    known = known * size;
  }
  if (!unknown)
    return shape;
  Size total = productOf(x->shape);
  std::optional<Size> rest = total.divideExactly(known);
  if (!rest)
    return call.error(
        "cannot reshape " + toString(x->shape) + " to " + toString(*shape) +
        ": " + total.str() + " elements are not " +
        (total.isStatic() && known.isStatic() ? "" : "known to be ") +
        "a multiple of " + known.str());
  (*shape)[*unknown] = *rest;
  return shape;
}

Result full(PrimitiveCall &call) {
  FailureOr<Shape> shape = newShape(call, "shape");
  auto dtype = call.dtype("dtype");
  if (mlir::failed(shape) || mlir::failed(dtype))
    return failure();
  FailureOr<TensorObject *> value = call.tensor("value", *dtype);
  if (mlir::failed(value))
    return failure();
  return wrap(call.tracer.broadcastTo(*value, *shape, call.at));
}

Result iota(PrimitiveCall &call) {
  FailureOr<Shape> shape = newShape(call, "shape");
  auto dtype = call.dtype("dtype", DType::Int32);
  if (mlir::failed(shape) || mlir::failed(dtype))
    return failure();
  FailureOr<int64_t> axis = call.axis("axis", shape->size());
  if (mlir::failed(axis))
    return failure();
  DType made = **dtype == DType::Bool ? DType::Int32 : **dtype;
  mlir::Value y = lam::IotaOp::create(call.builder(), call.loc(),
                                      call.tracer.tensorType(*shape, made),
                                      *axis, call.tracer.dynamicSizes(*shape));
  Value result = call.make(y, *shape);
  return wrap(call.tracer.cast(result.as<TensorObject>(), **dtype));
}

Result bitcast(PrimitiveCall &call) {
  FailureOr<TensorObject *> x = call.tensor("x");
  auto dtype = call.dtype("dtype");
  if (mlir::failed(x) || mlir::failed(dtype))
    return failure();
  DType from = Tracer::dtypeOf(*x);
  if (!*dtype || **dtype == from)
    return Value(*x);
  if (from == DType::Bool || **dtype == DType::Bool ||
      sizeOf(from) != sizeOf(**dtype))
    return call.error("the bits of " + name(from) + " cannot be read as " +
                      name(**dtype) + ": they have different widths");
  mlir::Value y = lam::BitcastOp::create(
      call.builder(), call.loc(), call.tracer.tensorType((*x)->shape, **dtype),
      (*x)->value);
  return call.make(y, (*x)->shape);
}

Result transpose(PrimitiveCall &call) {
  FailureOr<TensorObject *> x = call.tensor("x");
  if (mlir::failed(x))
    return failure();
  size_t rank = (*x)->shape.size();
  FailureOr<Integers> perm = call.axes("perm", rank);
  if (mlir::failed(perm))
    return failure();
  if (perm->size() != rank)
    return call.error("a permutation of the axes of " + toString((*x)->shape) +
                      " needs " + Twine(rank) + " entries, found " +
                      Twine(perm->size()));
  if (is_sorted(*perm))
    return Value(*x);
  Shape shape;
  for (int64_t axis : *perm)
    shape.push_back((*x)->shape[axis]);
  mlir::Value y = lam::TransposeOp::create(
      call.builder(), call.loc(),
      call.tracer.tensorType(shape, Tracer::dtypeOf(*x)), (*x)->value, *perm);
  return call.make(y, shape);
}

Result broadcast(PrimitiveCall &call) {
  FailureOr<TensorObject *> x = call.tensor("x");
  FailureOr<Shape> shape = newShape(call, "shape");
  if (mlir::failed(x) || mlir::failed(shape))
    return failure();
  return wrap(call.tracer.broadcastTo(*x, *shape, call.at));
}

Result reverseAxes(PrimitiveCall &call) {
  FailureOr<TensorObject *> x = call.tensor("x");
  if (mlir::failed(x))
    return failure();
  FailureOr<Integers> axes = call.axes("axes", (*x)->shape.size());
  if (mlir::failed(axes))
    return failure();
  if (axes->empty())
    return Value(*x);
  llvm::sort(*axes);
  mlir::Value y = lam::ReverseOp::create(
      call.builder(), call.loc(), (*x)->value.getType(), (*x)->value, *axes);
  return call.make(y, (*x)->shape);
}

Result concat(PrimitiveCall &call) {
  auto items = sequenceItems(call["xs"]);
  if (!items)
    return call.error("expected a list of tensors, found " +
                      Twine(call.evaluator.describe(call["xs"])));
  if (items->empty())
    return call.error("cannot join an empty list of tensors");
  DType dtype = call.tracer.promote(*items);
  SmallVector<mlir::Value> values;
  Shape shape;
  FailureOr<int64_t> axis = 0;
  for (auto [i, item] : enumerate(*items)) {
    FailureOr<TensorObject *> x = call.tracer.asTensor(item, dtype, call.at);
    if (mlir::failed(x))
      return failure();
    const Shape &own = (*x)->shape;
    values.push_back((*x)->value);
    if (i == 0) {
      shape = own;
      axis = call.axis("axis", shape.size());
      if (mlir::failed(axis))
        return failure();
      continue;
    }
    bool fits = own.size() == shape.size();
    for (size_t d = 0; fits && d < own.size(); ++d)
      fits = int64_t(d) == *axis || own[d] == shape[d];
    if (!fits)
      return call.error("tensors of shapes " + toString(shape) + " and " +
                        toString(own) + " cannot be joined along axis " +
                        Twine(*axis) + ": the other sizes must be equal");
    shape[*axis] = shape[*axis] + own[*axis];
  }
  if (values.size() == 1)
    return call.make(values[0], shape);
  mlir::Value y = lam::ConcatOp::create(call.builder(), call.loc(),
                                        call.tracer.tensorType(shape, dtype),
                                        values, *axis);
  return call.make(y, shape);
}

/// Emits a slice; the bounds have been checked.
Value emitSlice(PrimitiveCall &call, TensorObject *x, ArrayRef<Size> starts,
                const Shape &sizes, ArrayRef<int64_t> strides) {
  SmallVector<int64_t> staticOffsets;
  SmallVector<mlir::Value> offsets;
  for (const Size &start : starts) {
    staticOffsets.push_back(start.value().value_or(mlir::ShapedType::kDynamic));
    if (!start.isStatic())
      offsets.push_back(call.tracer.sizeValue(start));
  }
  mlir::Value y = lam::SliceOp::create(
      call.builder(), call.loc(),
      call.tracer.tensorType(sizes, Tracer::dtypeOf(x)), x->value,
      staticOffsets, strides, offsets, call.tracer.dynamicSizes(sizes));
  return call.make(y, sizes);
}

Result slice(PrimitiveCall &call) {
  FailureOr<TensorObject *> x = call.tensor("x");
  FailureOr<Shape> starts = call.shape("starts"),
                   sizes = newShape(call, "sizes");
  if (mlir::failed(x) || mlir::failed(starts) || mlir::failed(sizes))
    return failure();
  const Shape &shape = (*x)->shape;
  size_t rank = shape.size();
  FailureOr<Integers> strides = call.has("strides")
                                    ? call.integers("strides", rank)
                                    : FailureOr<Integers>(Integers(rank, 1));
  if (mlir::failed(strides))
    return failure();
  if (starts->size() != rank || sizes->size() != rank)
    return call.error("a slice of a tensor of shape " + toString(shape) +
                      " needs " + Twine(rank) + " starts and sizes, found " +
                      toString(*starts) + " and " + toString(*sizes));
  for (size_t i = 0; i < rank; ++i) {
    const Size &size = (*sizes)[i];
    if ((*strides)[i] < 1)
      return call.error("a stride must be positive, found " +
                        Twine((*strides)[i]));
    Size end = (*starts)[i] + (size - Size(1)) * Size((*strides)[i]) + Size(1);
    bool isEmpty = size == Size(0);
    if (Size::lessThan((*starts)[i], 0) == true ||
        Size::lessThan(size, 0) == true ||
        (!isEmpty && Size::lessThan(shape[i], end) == true))
      return call.error("a slice of size " + size.str() + " from " +
                        (*starts)[i].str() + " on lies outside of axis " +
                        Twine(i) + " of a tensor of shape " + toString(shape));
  }
  return emitSlice(call, *x, *starts, *sizes, *strides);
}

/// `low`, `high`: elements added before and after each axis (negative: taken
/// away); `interior`: added between any two elements.
Result pad(PrimitiveCall &call) {
  FailureOr<TensorObject *> x = call.tensor("x");
  FailureOr<Shape> low = call.shape("low"), high = call.shape("high");
  if (mlir::failed(x) || mlir::failed(low) || mlir::failed(high))
    return failure();
  size_t rank = (*x)->shape.size();
  FailureOr<Integers> interior = call.has("interior")
                                     ? call.integers("interior", rank)
                                     : FailureOr<Integers>(Integers(rank, 0));
  FailureOr<TensorObject *> value = call.tensor("value", Tracer::dtypeOf(*x));
  if (mlir::failed(interior) || mlir::failed(value))
    return failure();
  if (low->size() != rank || high->size() != rank)
    return call.error("padding of a tensor of shape " + toString((*x)->shape) +
                      " needs " + Twine(rank) + " widths, found " +
                      toString(*low) + " and " + toString(*high));
  if (!(*value)->shape.empty())
    return call.error("the padding value must be a scalar, found a tensor of "
                      "shape " +
                      toString((*value)->shape));
  Shape padded, kept, starts;
  Integers strides;
  SmallVector<int64_t> staticOffsets;
  SmallVector<mlir::Value> offsets;
  bool cuts = false, pads = false;
  for (size_t i = 0; i < rank; ++i) {
    int64_t holes = (*interior)[i];
    if (holes < 0)
      return call.error("interior padding cannot be negative");
    bool cutsLow = Size::lessThan((*low)[i], 0) == true,
         cutsHigh = Size::lessThan((*high)[i], 0) == true;
    const Size &size = (*x)->shape[i];
    Size spread =
        holes ? Size::max((size - Size(1)) * Size(holes + 1) + Size(1), 0)
              : size;
    Size before = cutsLow ? Size(0) : (*low)[i],
         after = cutsHigh ? Size(0) : (*high)[i];
    padded.push_back(before + spread + after);
    starts.push_back(cutsLow ? Size(0) - (*low)[i] : Size(0));
    Size rest = spread + (*low)[i] + (*high)[i];
    if (Size::lessThan(rest, 0) == true)
      return call.error("padding by " + (*low)[i].str() + " and " +
                        (*high)[i].str() + " takes more than axis " + Twine(i) +
                        " of a tensor of shape " + toString((*x)->shape) +
                        " has");
    kept.push_back(rest);
    strides.push_back(holes + 1);
    cuts |= cutsLow || cutsHigh;
    pads |= padded.back() != size || holes;
    staticOffsets.push_back(
        before.value().value_or(mlir::ShapedType::kDynamic));
    if (!before.isStatic())
      offsets.push_back(call.tracer.sizeValue(before));
  }
  Value result = *x;
  if (pads) {
    mlir::Value y =
        lam::PadOp::create(call.builder(), call.loc(),
                           call.tracer.tensorType(padded, Tracer::dtypeOf(*x)),
                           (*x)->value, (*value)->value, staticOffsets, strides,
                           offsets, call.tracer.dynamicSizes(padded));
    result = call.make(y, padded);
  }
  if (cuts)
    result = emitSlice(call, result.as<TensorObject>(), starts, kept,
                       Integers(rank, 1));
  return result;
}

} // namespace

void registerShapePrimitives(Evaluator &evaluator) {
  auto define = [&](StringLiteral name, std::vector<StringRef> params,
                    auto body) {
    definePrimitive(evaluator, name, std::move(params), body);
  };
  define("cast", {"x", "dtype"}, [](PrimitiveCall &call) -> Result {
    auto dtype = call.dtype("dtype");
    return mlir::failed(dtype) ? Result(failure())
                               : wrap(call.tensor("x", *dtype));
  });
  define("bitcast", {"x", "dtype"}, bitcast);
  define("stop_gradient", {"x"}, [](PrimitiveCall &call) -> Result {
    auto *x = call["x"].as<TensorObject>();
    if (!x || !isFloat(Tracer::dtypeOf(x)))
      return call["x"];
    mlir::Value value = call.tracer.valueOf(x);
    mlir::Value y = lam::StopGradientOp::create(call.builder(), call.loc(),
                                                value.getType(), value);
    return call.make(y, x->shape);
  });
  define("full", {"shape", "value", "dtype="}, full);
  define("iota", {"shape", "axis", "dtype="}, iota);
  define("reshape", {"x", "shape"}, [](PrimitiveCall &call) -> Result {
    FailureOr<TensorObject *> x = call.tensor("x");
    if (mlir::failed(x))
      return failure();
    FailureOr<Shape> shape = reshapeTarget(call, *x, call["shape"]);
    if (mlir::failed(shape))
      return failure();
    return wrap(call.tracer.reshape(*x, *shape, call.at));
  });
  define("transpose", {"x", "perm"}, transpose);
  define("broadcast", {"x", "shape"}, broadcast);
  define("reverse", {"x", "axes"}, reverseAxes);
  define("concat", {"xs", "axis"}, concat);
  define("slice", {"x", "starts", "sizes", "strides="}, slice);
  define("pad", {"x", "value", "low", "high", "interior="}, pad);
}

} // namespace lamina::frontend
