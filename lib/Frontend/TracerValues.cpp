//===- TracerValues.cpp - Python values as tensors, shapes and dtypes -----===//

#include "TracerImpl.h"
#include "lamina/Support/Elements.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MathExtras.h"
#include <limits>

using namespace llvm;
using mlir::failure;
using mlir::FailureOr;

namespace lamina::frontend {
namespace {

constexpr unsigned maxNesting = 32;
constexpr int64_t maxConstantElements = int64_t(1) << 22;

bool fitsInt32(int64_t i) {
  return i >= std::numeric_limits<int32_t>::min() &&
         i <= std::numeric_limits<int32_t>::max();
}

/// The promotion types of everything in a nested sequence; false if something
/// in it cannot be an element.
bool collectTypes(Value value, SmallVectorImpl<PromotionType> &types,
                  bool inSequence, unsigned depth) {
  if (depth > maxNesting || int64_t(types.size()) > maxConstantElements)
    return false;
  if (auto items = sequenceItems(value)) {
    for (Value item : *items)
      if (!collectTypes(item, types, true, depth + 1))
        return false;
    return true;
  }
  switch (value.kind()) {
  case ValueKind::Bool:
    types.push_back(DType::Bool);
    return true;
  case ValueKind::Int:
    if (!fitsInt32(value.asInt()) && inSequence)
      types.push_back(DType::Int64);
    else
      types.push_back(PromotionType::weakInt());
    return true;
  case ValueKind::Size:
    types.push_back(PromotionType::weakInt());
    return true;
  case ValueKind::Float:
    types.push_back(PromotionType::weakFloat());
    return true;
  case ValueKind::Tensor: {
    auto *tensor = value.as<TensorObject>();
    DType dtype = Tracer::dtypeOf(tensor);
    if (tensor->weak && dtype != DType::Bool)
      types.push_back(isFloat(dtype) ? PromotionType::weakFloat()
                                     : PromotionType::weakInt());
    else
      types.push_back(dtype);
    return true;
  }
  default:
    return false;
  }
}

/// The shape of a nested sequence of numbers; nothing if it is ragged or holds
/// something else than numbers.
std::optional<SmallVector<int64_t>> numberShape(Value value, unsigned depth) {
  if (value.isNumber())
    return SmallVector<int64_t>();
  auto items = sequenceItems(value);
  if (!items || depth > maxNesting)
    return std::nullopt;
  SmallVector<int64_t> shape;
  for (size_t i = 0; i < items->size(); ++i) {
    auto inner = numberShape((*items)[i], depth + 1);
    if (!inner || (i && *inner != shape))
      return std::nullopt;
    shape = std::move(*inner);
  }
  shape.insert(shape.begin(), int64_t(items->size()));
  return shape;
}

void setNumber(NDArray &array, int64_t i, Value number) {
  if (number.is(ValueKind::Float))
    array.setDouble(i, number.asDouble());
  else if (isFloat(array.dtype()))
    array.setDouble(i, double(number.asInt()));
  else if (array.dtype() == DType::Bool)
    array.setInt(i, number.asInt() != 0);
  else
    array.setInt(i, number.asInt());
}

void fill(NDArray &array, int64_t &next, Value value) {
  if (value.isNumber())
    return setNumber(array, next++, value);
  std::vector<Value> items = *sequenceItems(value);
  for (Value item : items)
    fill(array, next, item);
}

} // namespace

std::optional<std::vector<Value>> sequenceItems(Value value) {
  if (auto *tuple = value.as<TupleObject>())
    return tuple->items;
  if (auto *list = value.as<ListObject>())
    return list->items;
  if (auto *range = value.as<RangeObject>()) {
    std::vector<Value> items;
    int64_t i = range->start;
    while (range->step > 0 ? i < range->stop : i > range->stop) {
      items.push_back(Value::integer(i));
      if (int64_t(items.size()) > maxConstantElements)
        return std::nullopt;
      if (llvm::AddOverflow(i, range->step, i))
        break;
    }
    return items;
  }
  return std::nullopt;
}

void Tracer::collectPromotion(ArrayRef<Value> operands,
                              SmallVectorImpl<PromotionType> &types) {
  for (Value operand : operands) {
    // A sequence is a tensor of its own: its numbers are not weak.
    SmallVector<PromotionType> own;
    if (!collectTypes(operand, own, false, 0))
      continue;
    if (operand.is(ValueKind::Tensor) || !sequenceItems(operand))
      types.append(own);
    else
      types.push_back(promoteTypes(own));
  }
}

DType Tracer::promote(ArrayRef<Value> operands) {
  SmallVector<PromotionType> types;
  collectPromotion(operands, types);
  return promoteTypes(types);
}

FailureOr<TensorObject *> Tracer::constant(const NDArray &array) {
  mlir::DenseElementsAttr elements = toElements(array, &evaluator.context());
  mlir::Value value = lam::ConstantOp::create(
      opBuilder, evaluator.currentLocation(), elements.getType(), elements);
  Shape shape;
  for (int64_t d : array.shape())
    shape.push_back(d);
  return tensor(value, std::move(shape)).as<TensorObject>();
}

FailureOr<TensorObject *>
Tracer::asTensor(Value value, std::optional<DType> dtype, SMRange at) {
  if (auto *x = value.as<TensorObject>()) {
    if (dtype)
      return cast(x, *dtype);
    mlir::Value here = localize(x->value);
    return here == x->value
               ? x
               : tensor(here, x->shape, x->weak).as<TensorObject>();
  }
  if (value.isNumber()) {
    DType own = value.is(ValueKind::Bool)    ? DType::Bool
                : value.is(ValueKind::Float) ? DType::Float32
                : fitsInt32(value.asInt())   ? DType::Int32
                                             : DType::Int64;
    NDArray array(dtype.value_or(own), {});
    setNumber(array, 0, value);
    FailureOr<TensorObject *> result = constant(array);
    (*result)->weak = !dtype && own != DType::Bool;
    return result;
  }
  if (auto *object = value.as<SizeObject>()) {
    DType intType = dtype == DType::Int64 ? DType::Int64 : DType::Int32;
    mlir::Value size = lam::FromSizeOp::create(
        opBuilder, evaluator.currentLocation(), tensorType({}, intType),
        sizeValue(object->size));
    auto *result = tensor(size, {}, !dtype).as<TensorObject>();
    return dtype ? cast(result, *dtype) : FailureOr<TensorObject *>(result);
  }
  if (value.is(ValueKind::Tuple) || value.is(ValueKind::List) ||
      value.is(ValueKind::Range)) {
    SmallVector<PromotionType> types;
    if (!collectTypes(value, types, false, 0))
      return evaluator.error(at, "cannot make a tensor of " +
                                     Twine(evaluator.describe(value)) +
                                     ": its elements must be numbers, sizes or "
                                     "tensors");
    return stackSequence(value, dtype.value_or(promoteTypes(types)), at);
  }
  return evaluator.error(at, "expected a tensor or a number, found " +
                                 Twine(evaluator.describe(value)));
}

FailureOr<TensorObject *> Tracer::stackSequence(Value sequence, DType dtype,
                                                SMRange at) {
  if (auto shape = numberShape(sequence, 0)) {
    int64_t count = 1;
    for (int64_t d : *shape)
      count *= d;
    if (count > maxConstantElements)
      return evaluator.error(at, "a constant of " + Twine(count) +
                                     " elements is too large");
    NDArray array(dtype, *shape);
    int64_t next = 0;
    fill(array, next, sequence);
    return constant(array);
  }
  SmallVector<TensorObject *> rows;
  std::vector<Value> items = *sequenceItems(sequence);
  for (Value item : items) {
    FailureOr<TensorObject *> row = asTensor(item, dtype, at);
    if (mlir::failed(row))
      return failure();
    if (!rows.empty() && (*row)->shape != rows[0]->shape)
      return evaluator.error(
          at, "cannot make a tensor of elements with different shapes: " +
                  toString(rows[0]->shape) + " and " + toString((*row)->shape));
    rows.push_back(*row);
  }
  SmallVector<mlir::Value> values;
  Shape shape(rows[0]->shape);
  shape.insert(shape.begin(), 1);
  for (TensorObject *row : rows) {
    FailureOr<TensorObject *> wide = reshape(row, shape, at);
    if (mlir::failed(wide))
      return failure();
    values.push_back((*wide)->value);
  }
  shape[0] = int64_t(rows.size());
  if (rows.size() == 1)
    return tensor(values[0], shape).as<TensorObject>();
  mlir::Value y = lam::ConcatOp::create(opBuilder, evaluator.currentLocation(),
                                        tensorType(shape, dtype), values, 0);
  return tensor(y, shape).as<TensorObject>();
}

//===----------------------------------------------------------------------===//
// Shapes and dtypes
//===----------------------------------------------------------------------===//

std::optional<int64_t> staticInteger(Tracer &tracer, Value value) {
  if (value.isInteger())
    return value.asInt();
  if (auto *x = value.as<TensorObject>())
    if (auto sizes = tracer.knownSizes(x); sizes && x->shape.empty())
      return (*sizes)[0].value();
  return std::nullopt;
}

FailureOr<Shape> Tracer::asShape(Value value, SMRange at) {
  std::vector<Value> items;
  if (auto sequence = sequenceItems(value))
    items = std::move(*sequence);
  else
    items = {value};
  Shape shape;
  for (Value item : items) {
    if (item.is(ValueKind::Int)) {
      shape.push_back(item.asInt());
    } else if (auto *size = item.as<SizeObject>()) {
      shape.push_back(size->size);
    } else if (auto *x = item.as<TensorObject>()) {
      std::optional<std::vector<Size>> sizes = knownSizes(x);
      bool isVector = items.size() == 1 && x->shape.size() == 1;
      if (!sizes || !(x->shape.empty() || isVector)) {
        auto &error = evaluator.diagnose(
            at, "a shape must be known at compile time or computed from "
                "shapes, not from the elements of " +
                    Twine(evaluator.describe(item)));
        if (x->definedAt.isValid())
          error.note("the tensor is made here", x->definedAt);
        return failure();
      }
      shape.append(sizes->begin(), sizes->end());
    } else if (item.is(ValueKind::Float) &&
               item.asDouble() == double(int64_t(item.asDouble()))) {
      return evaluator.error(at, "a shape needs integers, found " +
                                     Twine(evaluator.repr(item)) +
                                     ": use // for an integer quotient");
    } else {
      return evaluator.error(
          at, "a shape needs integers, found " +
                  Twine(item.isNone() ? "None" : evaluator.describe(item)));
    }
  }
  return shape;
}

FailureOr<DType> Tracer::asDType(Value value, SMRange at) {
  if (auto *object = value.as<DTypeObject>())
    return object->dtype;
  if (auto *x = value.as<TensorObject>())
    return dtypeOf(x);
  std::string name;
  if (auto *string = value.as<StringObject>())
    name = string->text;
  else if (auto *type = value.as<ClassObject>())
    name = type->name;
  else
    return evaluator.error(at, "expected a dtype, found " +
                                   Twine(evaluator.describe(value)));
  if (auto dtype = parseDType(name))
    return *dtype;
  static const std::pair<StringRef, DType> aliases[] = {
      {"int", DType::Int32},    {"float", DType::Float32},
      {"half", DType::Float16}, {"double", DType::Float64},
      {"bool_", DType::Bool},   {"single", DType::Float32},
      {"long", DType::Int64},   {"float_", DType::Float32}};
  for (const auto &[alias, dtype] : aliases)
    if (name == alias)
      return dtype;
  static const StringRef names[] = {
      "bool",   "int8",   "int16",   "int32",    "int64",   "uint8",  "uint16",
      "uint32", "uint64", "float16", "bfloat16", "float32", "float64"};
  auto &error = evaluator.diagnose(at, "unknown dtype '" + Twine(name) + "'");
  if (auto close = didYouMean(name, names))
    error.note("did you mean '" + *close + "'?");
  else
    error.note("the dtypes are " + llvm::join(ArrayRef(names), ", "));
  return failure();
}

} // namespace lamina::frontend
