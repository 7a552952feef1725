//===- PrimitivesStatic.cpp - what is known at compile time, and making it
//-===//

#include "Primitives.h"
#include "lamina/Frontend/Promotion.h"
#include "llvm/ADT/STLExtras.h"

using namespace llvm;
using mlir::failure;
using mlir::FailureOr;

namespace lamina::frontend {
namespace {

Value dtypeName(PrimitiveCall &call, DType dtype) {
  return call.evaluator.string(lamina::name(dtype));
}

/// A Python list (nested as the shape) of the elements of a constant.
Value toList(Evaluator &evaluator, const NDArray &array, size_t dim,
             int64_t &next) {
  if (dim == array.rank()) {
    int64_t i = next++;
    if (array.dtype() == DType::Bool)
      return Value::boolean(array.getInt(i) != 0);
    return isFloat(array.dtype()) ? Value::floating(array.getDouble(i))
                                  : Value::integer(array.getInt(i));
  }
  std::vector<Value> items;
  for (int64_t i = 0; i < array.shape()[dim]; ++i)
    items.push_back(toList(evaluator, array, dim + 1, next));
  return evaluator.list(std::move(items));
}

std::optional<Value> constantValue(PrimitiveCall &call, Value value) {
  if (value.isNumber() || value.is(ValueKind::Size))
    return value;
  if (auto items = sequenceItems(value)) {
    std::vector<Value> list;
    for (Value item : *items) {
      auto known = constantValue(call, item);
      if (!known)
        return std::nullopt;
      list.push_back(*known);
    }
    return call.evaluator.list(std::move(list));
  }
  auto *x = value.as<TensorObject>();
  if (!x)
    return std::nullopt;
  if (auto array = call.tracer.constantOf(x)) {
    int64_t next = 0;
    return toList(call.evaluator, *array, 0, next);
  }
  auto sizes =
      isFloat(Tracer::dtypeOf(x)) ? std::nullopt : call.tracer.knownSizes(x);
  if (!sizes || x->shape.size() > 1)
    return std::nullopt;
  std::vector<Value> list;
  for (const Size &size : *sizes)
    list.push_back(call.evaluator.size(size));
  return x->shape.empty() ? list.front() : call.evaluator.list(std::move(list));
}

/// The shape of a value as a tensor, without making one of numbers.
FailureOr<Shape> shapeOf(PrimitiveCall &call, Value value) {
  if (value.isNumber() || value.is(ValueKind::Size))
    return Shape();
  FailureOr<TensorObject *> x = call.tracer.asTensor(value, {}, call.at);
  if (mlir::failed(x))
    return failure();
  return (*x)->shape;
}

FailureOr<DType> typeOf(PrimitiveCall &call, Value value) {
  if (value.is(ValueKind::String) || value.is(ValueKind::DType) ||
      value.is(ValueKind::Class))
    return call.tracer.asDType(value, call.at);
  return call.tracer.promote({value});
}

/// `promote(*xs)`: tensors, numbers, sequences, and dtypes among them.
Result promote(PrimitiveCall &call) {
  std::vector<Value> operands;
  SmallVector<PromotionType> dtypes;
  std::vector<Value> values = *sequenceItems(call["values"]);
  for (Value value : values) {
    if (value.isTensor() || value.isNumber() || value.is(ValueKind::Size) ||
        sequenceItems(value)) {
      operands.push_back(value);
      continue;
    }
    if (value.isNone())
      continue;
    FailureOr<DType> dtype = call.tracer.asDType(value, call.at);
    if (mlir::failed(dtype))
      return failure();
    dtypes.push_back(*dtype);
  }
  // A dtype stands for a tensor of that dtype.
  SmallVector<PromotionType> types(dtypes);
  call.tracer.collectPromotion(operands, types);
  return dtypeName(call, promoteTypes(types));
}

/// `may_equal(a, b)`: of sizes, or of shapes of the same rank.
FailureOr<bool> mayEqualValues(PrimitiveCall &call) {
  FailureOr<Shape> a = call.shape("a"), b = call.shape("b");
  if (mlir::failed(a) || mlir::failed(b))
    return failure();
  return a->size() == b->size() && all_of(zip_equal(*a, *b), [](auto pair) {
           return mayEqual(std::get<0>(pair), std::get<1>(pair));
         });
}

Result broadcastShapes(PrimitiveCall &call) {
  SmallVector<Shape> shapes;
  std::vector<Value> values = *sequenceItems(call["shapes"]);
  for (Value value : values) {
    FailureOr<Shape> shape = call.tracer.asShape(value, call.at);
    if (mlir::failed(shape))
      return failure();
    shapes.push_back(*shape);
  }
  FailureOr<Shape> shape =
      call.tracer.broadcastShapes(ArrayRef<Shape>(shapes), call.at);
  if (mlir::failed(shape))
    return failure();
  std::vector<Value> items;
  for (const Size &size : *shape)
    items.push_back(call.evaluator.size(size));
  return call.evaluator.tuple(std::move(items));
}

} // namespace

void registerStaticPrimitives(Evaluator &evaluator) {
  auto define = [&](StringLiteral name, std::vector<StringRef> params,
                    auto body) {
    definePrimitive(evaluator, name, std::move(params), body);
  };
  auto test = [&](StringLiteral name, bool (*predicate)(Value)) {
    define(name, {"x"}, [predicate](PrimitiveCall &call) -> Result {
      return Value::boolean(predicate(call["x"]));
    });
  };
  test("is_tensor", [](Value v) { return v.isTensor(); });
  test("is_number", [](Value v) { return v.isNumber(); });
  test("is_size", [](Value v) { return v.is(ValueKind::Size); });
  test("is_static", [](Value v) { return v.isNumber(); });
  define("is_static_shape", {"x"}, [](PrimitiveCall &call) -> Result {
    FailureOr<Shape> shape = shapeOf(call, call["x"]);
    if (mlir::failed(shape))
      return failure();
    return Value::boolean(
        all_of(*shape, [](const Size &s) { return s.isStatic(); }));
  });
  define("shape", {"x"}, [](PrimitiveCall &call) -> Result {
    FailureOr<Shape> shape = shapeOf(call, call["x"]);
    if (mlir::failed(shape))
      return failure();
    std::vector<Value> items;
    for (const Size &size : *shape)
      items.push_back(call.evaluator.size(size));
    return call.evaluator.tuple(std::move(items));
  });
  define("rank", {"x"}, [](PrimitiveCall &call) -> Result {
    FailureOr<Shape> shape = shapeOf(call, call["x"]);
    if (mlir::failed(shape))
      return failure();
    return Value::integer(int64_t(shape->size()));
  });
  define("may_equal", {"a", "b"}, [](PrimitiveCall &call) -> Result {
    FailureOr<bool> result = mayEqualValues(call);
    if (mlir::failed(result))
      return failure();
    return Value::boolean(*result);
  });
  define("broadcast_shapes", {"*shapes"}, broadcastShapes);
  define("canonical_axis", {"axis", "rank"}, [](PrimitiveCall &call) -> Result {
    FailureOr<int64_t> rank = call.integer("rank");
    if (mlir::failed(rank))
      return failure();
    FailureOr<int64_t> axis = call.axis("axis", size_t(*rank));
    if (mlir::failed(axis))
      return failure();
    return Value::integer(*axis);
  });
  define("canonical_axes", {"axes", "rank"}, [](PrimitiveCall &call) -> Result {
    FailureOr<int64_t> rank = call.integer("rank");
    if (mlir::failed(rank))
      return failure();
    FailureOr<Integers> axes = call.axes("axes", size_t(*rank));
    if (mlir::failed(axes))
      return failure();
    std::vector<Value> items;
    for (int64_t axis : *axes)
      items.push_back(Value::integer(axis));
    return call.evaluator.tuple(std::move(items));
  });

  // ---- dtypes
  define("dtype", {"x"}, [](PrimitiveCall &call) -> Result {
    FailureOr<DType> dtype = typeOf(call, call["x"]);
    return mlir::failed(dtype) ? Result(failure())
                               : Result(dtypeName(call, *dtype));
  });
  define("promote", {"*values"}, promote);
  define("result_type", {"*values"}, promote);
  auto testType = [&](StringLiteral name, bool (*predicate)(DType)) {
    define(name, {"dtype"}, [predicate](PrimitiveCall &call) -> Result {
      FailureOr<DType> dtype = typeOf(call, call["dtype"]);
      if (mlir::failed(dtype))
        return failure();
      return Value::boolean(predicate(*dtype));
    });
  };
  testType("is_float", isFloat);
  testType("is_int", isInteger);

  // ---- values
  define("constant_value", {"x"}, [](PrimitiveCall &call) -> Result {
    return constantValue(call, call["x"]).value_or(Value::none());
  });
  define("static_list", {"x"}, [](PrimitiveCall &call) -> Result {
    auto known = constantValue(call, call["x"]);
    if (!known)
      return call.error("expected values that are known at compile time, "
                        "found " +
                        Twine(call.evaluator.describe(call["x"])));
    return known->is(ValueKind::List) ? *known : call.evaluator.list({*known});
  });
  define("python_slice", {"start", "stop=", "step="},
         [](PrimitiveCall &call) -> Result {
           return Value(call.evaluator.make<SliceObject>(
               call["start"], call["stop"], call["step"]));
         });
  define("library_function", {"name", "what="},
         [](PrimitiveCall &call) -> Result {
           auto *text = call["name"].as<StringObject>();
           auto *what = call["what"].as<StringObject>();
           std::string kind = what ? what->text : "function";
           if (text)
             if (auto found = call.evaluator.library("", text->text))
               return *found;
           return call.error("unknown " + kind + " " +
                             (text ? "'" + text->text + "'"
                                   : call.evaluator.describe(call["name"])));
         });
  define("constant", {"value", "dtype="}, [](PrimitiveCall &call) -> Result {
    auto dtype = call.dtype("dtype");
    if (mlir::failed(dtype))
      return failure();
    FailureOr<TensorObject *> x = call.tensor("value", *dtype);
    if (mlir::failed(x))
      return failure();
    if (!(*x)->weak)
      return Value(*x);
    return call.make((*x)->value, (*x)->shape);
  });
  define("from_size", {"size", "dtype="}, [](PrimitiveCall &call) -> Result {
    auto dtype = call.dtype("dtype", DType::Int32);
    if (mlir::failed(dtype))
      return failure();
    FailureOr<TensorObject *> x = call.tensor("size", *dtype);
    return mlir::failed(x) ? Result(failure()) : Result(Value(*x));
  });
}

} // namespace lamina::frontend
