//===- Derivatives.cpp - functions traced into derivative operators -------===//

#include "Derivatives.h"
#include "lamina/Frontend/ModelBuilder.h"
#include "mlir/IR/IRMapping.h"

using namespace llvm;
using mlir::failed;
using mlir::failure;
using mlir::FailureOr;
using mlir::LogicalResult;
using mlir::success;

namespace lamina::frontend {
namespace {

bool isFloatTensor(const TensorObject *x) {
  return isFloat(Tracer::dtypeOf(x));
}

/// The region of an operator while it is traced. The types of the operator's
/// results are known only afterwards, so the region begins in a scaffold.
class RegionTracer {
public:
  RegionTracer(Evaluator &evaluator, SMRange at)
      : evaluator(evaluator), tracer(evaluator.tracer()), at(at),
        loc(evaluator.currentLocation()) {
    mlir::OpBuilder &builder = tracer.builder();
    scaffold = lam::VjpOp::create(
        builder, loc, mlir::TypeRange(), mlir::TypeRange(), mlir::ValueRange(),
        mlir::ValueRange());
    place = builder.saveInsertionPoint();
    block = builder.createBlock(&scaffold.getBody());
  }
  ~RegionTracer() { close(); }

  /// An argument of the region that stands for `x`.
  TensorObject *argument(TensorObject *x) {
    mlir::Value value = block->addArgument(x->value.getType(), loc);
    auto *inner = evaluator.make<TensorObject>(value, x->shape);
    inner->definedAt = x->definedAt;
    inner->weak = x->weak;
    inner->keras = x->keras;
    return inner;
  }

  void yield(ArrayRef<mlir::Value> values) {
    lam::YieldOp::create(tracer.builder(), loc, values);
    tracer.builder().restoreInsertionPoint(place);
    tracer.builder().setInsertionPoint(scaffold);
    closed = true;
  }
  /// Gives the region to the finished operator.
  void moveTo(mlir::Region &region) { region.takeBody(scaffold.getBody()); }

  mlir::Region &region() { return scaffold.getBody(); }

private:
  void close() {
    if (!closed) {
      // After an error: what was emitted is of no use, but may be referred to.
      tracer.builder().restoreInsertionPoint(place);
      return;
    }
    mlir::OpBuilder &builder = tracer.builder();
    builder.setInsertionPointAfter(scaffold);
    scaffold.erase();
  }

  Evaluator &evaluator;
  Tracer &tracer;
  SMRange at;
  mlir::Location loc;
  lam::VjpOp scaffold;
  mlir::OpBuilder::InsertPoint place;
  mlir::Block *block = nullptr;
  bool closed = false;
};

/// What a function returns: tensors and numbers in tuples, lists and dicts.
Result toTensors(Evaluator &evaluator, Value value, SMRange at) {
  if (value.isTensor() || value.isNone())
    return value;
  if (value.isNumber() || value.is(ValueKind::Size)) {
    FailureOr<TensorObject *> tensor =
        evaluator.tracer().asTensor(value, std::nullopt, at);
    return failed(tensor) ? Result(failure()) : Result(Value(*tensor));
  }
  std::vector<Value> items;
  auto convert = [&](ArrayRef<Value> from) -> LogicalResult {
    for (Value item : from) {
      Result converted = toTensors(evaluator, item, at);
      if (failed(converted))
        return failure();
      items.push_back(*converted);
    }
    return success();
  };
  if (auto *tuple = value.as<TupleObject>())
    return failed(convert(tuple->items))
               ? Result(failure())
               : Result(evaluator.tuple(std::move(items)));
  if (auto *list = value.as<ListObject>())
    return failed(convert(list->items))
               ? Result(failure())
               : Result(evaluator.list(std::move(items)));
  if (auto *dict = value.as<DictObject>()) {
    auto *result = evaluator.make<DictObject>();
    for (auto &[key, item] : dict->items) {
      Result converted = toTensors(evaluator, item, at);
      if (failed(converted))
        return failure();
      result->items.emplace_back(key, *converted);
    }
    return Value(result);
  }
  return evaluator.error(at, "a function to differentiate must return tensors, "
                             "found " +
                                 evaluator.describe(value));
}

/// `value` as a cotangent or tangent of `x`: of its dtype and shape.
FailureOr<mlir::Value> matching(Evaluator &evaluator, Value value,
                                TensorObject *x, const Twine &what,
                                SMRange at) {
  Tracer &tracer = evaluator.tracer();
  FailureOr<TensorObject *> tensor =
      tracer.asTensor(value, Tracer::dtypeOf(x), at);
  if (failed(tensor))
    return failure();
  FailureOr<TensorObject *> cast = tracer.cast(*tensor, Tracer::dtypeOf(x));
  if (failed(cast))
    return failure();
  bool fits = (*cast)->shape.size() <= x->shape.size();
  if (!fits)
    return evaluator.error(at, what + " is " + evaluator.describe(*cast) +
                                   ", expected " + evaluator.describe(x));
  FailureOr<TensorObject *> wide = tracer.broadcastTo(*cast, x->shape, at);
  if (failed(wide))
    return failure();
  mlir::Value result = tracer.valueOf(*wide);
  if (result.getType() == x->value.getType())
    return result;
  return evaluator.error(at, what + " is " + evaluator.describe(*wide) +
                                 ", expected " + evaluator.describe(x));
}

SmallVector<mlir::Type> typesOf(ArrayRef<mlir::Value> values) {
  return SmallVector<mlir::Type>(mlir::ValueRange(values).getTypes());
}

} // namespace

FailureOr<Vjp> traceVjp(Evaluator &evaluator, TracedCall call,
                        ArrayRef<TensorObject *> primals,
                        const VjpOptions &options, SMRange at) {
  Tracer &tracer = evaluator.tracer();
  mlir::Location loc = evaluator.currentLocation();
  SmallVector<mlir::Value> operands;
  for (TensorObject *x : primals)
    operands.push_back(tracer.valueOf(x));
  if (primals.empty())
    return evaluator.error(at, "there is nothing to differentiate with respect "
                               "to: no argument is a float tensor");

  RegionTracer region(evaluator, at);
  std::vector<TensorObject *> inner;
  for (TensorObject *x : primals)
    inner.push_back(region.argument(x));
  Result returned = call(inner);
  if (failed(returned))
    return failure();
  returned = toTensors(evaluator, *returned, at);
  if (failed(returned))
    return failure();

  // Differentiated outputs first, the others behind them.
  Value differentiated = *returned;
  if (options.hasAux) {
    auto *pair = returned->as<TupleObject>();
    if (!pair || pair->items.size() != 2)
      return evaluator.error(at, "with has_aux=True the function must return "
                                 "(value, aux), found " +
                                     evaluator.describe(*returned));
    differentiated = pair->items[0];
  }
  std::vector<TensorObject *> candidates, all;
  flattenTensors(differentiated, candidates);
  flattenTensors(*returned, all);
  SmallVector<TensorObject *> outputs;
  for (TensorObject *x : candidates)
    if (isFloatTensor(x))
      outputs.push_back(x);
  if (outputs.empty())
    return evaluator.error(at, "the function returns no float tensor, so there "
                               "is nothing to differentiate");
  size_t count = outputs.size();
  DenseMap<TensorObject *, size_t> place;
  for (auto [i, x] : enumerate(outputs))
    place.try_emplace(x, i);
  for (TensorObject *x : all)
    if (place.try_emplace(x, outputs.size()).second)
      outputs.push_back(x);
  SmallVector<mlir::Value> yielded;
  for (TensorObject *x : outputs)
    yielded.push_back(tracer.valueOf(x));
  region.yield(yielded);

  if (options.byCapture)
    for (auto [x, argument] : zip_equal(primals, inner))
      x->value.replaceUsesWithIf(argument->value, [&](mlir::OpOperand &use) {
        return region.region().isAncestor(use.getOwner()->getParentRegion());
      });

  SmallVector<mlir::Value> cotangents;
  if (options.cotangents && options.cotangents->size() != count)
    return evaluator.error(at, "the function returns " + Twine(count) +
                                   " float tensors, but " +
                                   Twine(options.cotangents->size()) +
                                   " cotangents are given");
  for (size_t i = 0; i < count; ++i) {
    Value given = options.cotangents ? (*options.cotangents)[i]
                                     : Value::floating(1.0);
    FailureOr<mlir::Value> cotangent =
        matching(evaluator, given, outputs[i], "cotangent " + Twine(i), at);
    if (failed(cotangent))
      return failure();
    cotangents.push_back(*cotangent);
  }
  auto op = lam::VjpOp::create(tracer.builder(), loc, typesOf(yielded),
                               typesOf(operands), operands, cotangents);
  region.moveTo(op.getBody());

  Vjp result;
  result.outputs =
      mapTensors(evaluator, *returned, [&](TensorObject *x) -> Value {
        return tracer.tensor(op.getOutputs()[place.lookup(x)], x->shape,
                             x->weak);
      });
  for (auto [x, gradient] : zip_equal(primals, op.getGradients()))
    result.gradients.push_back(
        tracer.tensor(gradient, x->shape, x->weak).as<TensorObject>());
  return result;
}

//===----------------------------------------------------------------------===//
// prim.vjp
//===----------------------------------------------------------------------===//

namespace {

/// The arguments of a call with some tensors to be replaced.
struct Primals {
  std::vector<Value> arguments; // tensors where floats were
  SmallVector<size_t> which;    // the arguments to differentiate
  std::vector<TensorObject *> tensors;

  /// The arguments with `inner` instead of the primals.
  std::vector<Value> with(Evaluator &evaluator,
                          ArrayRef<TensorObject *> inner) const {
    std::vector<Value> result = arguments;
    size_t next = 0;
    for (size_t i : which)
      result[i] = mapTensors(evaluator, arguments[i],
                             [&](TensorObject *) { return inner[next++]; });
    return result;
  }
  /// One value per differentiated argument, in its structure.
  std::vector<Value> structured(Evaluator &evaluator,
                                ArrayRef<TensorObject *> tensors) const {
    std::vector<Value> all = with(evaluator, tensors), result;
    for (size_t i : which)
      result.push_back(all[i]);
    return result;
  }
};

LogicalResult collect(Evaluator &evaluator, Primals &primals, size_t index,
                      SMRange at) {
  Value &argument = primals.arguments[index];
  if (argument.isNumber()) {
    FailureOr<TensorObject *> tensor =
        evaluator.tracer().asTensor(argument, std::nullopt, at);
    if (failed(tensor))
      return failure();
    argument = *tensor;
  }
  std::vector<TensorObject *> found;
  flattenTensors(argument, found);
  for (TensorObject *x : found)
    if (!isFloatTensor(x))
      return evaluator.error(at, "argument " + Twine(index) + " is " +
                                     evaluator.describe(x) +
                                     ": derivatives are with respect to "
                                     "floats");
  if (found.empty())
    return evaluator.error(at, "argument " + Twine(index) + " is " +
                                   evaluator.describe(argument) +
                                   ", which holds no tensor to differentiate "
                                   "with respect to");
  primals.which.push_back(index);
  append_range(primals.tensors, found);
  return success();
}

/// `args[argnums]`, -1 counting from the end.
FailureOr<Primals> primalsOf(Evaluator &evaluator, Value args, Value argnums,
                             SMRange at) {
  Primals primals;
  primals.arguments = *sequenceItems(args);
  std::vector<Value> wanted = {argnums};
  if (auto items = sequenceItems(argnums))
    wanted = *items;
  for (Value number : wanted) {
    if (!number.isInteger())
      return evaluator.error(at, "argnums must be an integer or a tuple of "
                                 "integers, found " +
                                     evaluator.describe(number));
    int64_t count = int64_t(primals.arguments.size());
    int64_t index = number.asInt() < 0 ? number.asInt() + count : number.asInt();
    if (index < 0 || index >= count)
      return evaluator.error(at, "argnums has " + Twine(number.asInt()) +
                                     ", but there are " + Twine(count) +
                                     " positional arguments");
    if (failed(collect(evaluator, primals, size_t(index), at)))
      return failure();
  }
  return primals;
}

CallArgs argsOf(std::vector<Value> positional, Value keywords, SMRange at) {
  CallArgs args;
  args.range = at;
  args.positional = std::move(positional);
  if (auto *dict = keywords.as<DictObject>())
    for (auto &[key, value] : dict->items)
      args.keywords.emplace_back(key.as<StringObject>()->text, value);
  return args;
}

Result structuredGradient(Evaluator &evaluator, const Primals &primals,
                          Value argnums, ArrayRef<TensorObject *> gradients) {
  std::vector<Value> result = primals.structured(evaluator, gradients);
  if (!sequenceItems(argnums))
    return result.front();
  return evaluator.tuple(std::move(result));
}

/// prim.vjp(f, args, kwargs, argnums, cotangents, has_aux) -> (outputs, gradients)
Result vjp(Evaluator &evaluator, CallArgs &args) {
  ArgParser p(evaluator, args, "vjp",
              {"f", "args", "kwargs", "argnums", "cotangents", "has_aux"});
  if (p.failed())
    return failure();
  SMRange at = args.range;
  FailureOr<Primals> primals =
      primalsOf(evaluator, p["args"], p["argnums"], at);
  if (failed(primals))
    return failure();
  VjpOptions options;
  options.hasAux = p["has_aux"].asBool();
  if (!p["cotangents"].isNone()) {
    Result tensors = toTensors(evaluator, p["cotangents"], at);
    if (failed(tensors))
      return failure();
    std::vector<TensorObject *> flat;
    flattenTensors(*tensors, flat);
    options.cotangents.emplace(flat.begin(), flat.end());
  }
  auto call = [&](ArrayRef<TensorObject *> inner) {
    return evaluator.call(
        p["f"], argsOf(primals->with(evaluator, inner), p["kwargs"], at));
  };
  FailureOr<Vjp> traced =
      traceVjp(evaluator, call, primals->tensors, options, at);
  if (failed(traced))
    return failure();
  Result gradients = structuredGradient(evaluator, *primals, p["argnums"],
                                        traced->gradients);
  return evaluator.tuple({traced->outputs, *gradients});
}

//===----------------------------------------------------------------------===//
// prim.jvp, prim.custom_gradient
//===----------------------------------------------------------------------===//

/// prim.jvp(f, primals, tangents) -> (outputs, tangents of the outputs)
Result jvp(Evaluator &evaluator, CallArgs &args) {
  ArgParser p(evaluator, args, "jvp", {"f", "primals", "tangents"});
  if (p.failed())
    return failure();
  SMRange at = args.range;
  Tracer &tracer = evaluator.tracer();
  mlir::Location loc = evaluator.currentLocation();
  auto arguments = sequenceItems(p["primals"]);
  auto directions = sequenceItems(p["tangents"]);
  if (!arguments || !directions || arguments->size() != directions->size())
    return evaluator.error(at, "jvp takes a tuple of primals and a tuple of as "
                               "many tangents");
  Primals primals;
  primals.arguments = *arguments;
  for (size_t i = 0; i < arguments->size(); ++i)
    if (failed(collect(evaluator, primals, i, at)))
      return failure();
  Result tangents = toTensors(evaluator, p["tangents"], at);
  if (failed(tangents))
    return failure();
  std::vector<TensorObject *> flat;
  flattenTensors(*tangents, flat);
  if (flat.size() != primals.tensors.size())
    return evaluator.error(at, "jvp has " + Twine(primals.tensors.size()) +
                                   " primals and " + Twine(flat.size()) +
                                   " tangents");
  SmallVector<mlir::Value> operands, along;
  for (auto [i, x] : enumerate(primals.tensors)) {
    operands.push_back(tracer.valueOf(x));
    FailureOr<mlir::Value> tangent =
        matching(evaluator, flat[i], x, "tangent " + Twine(i), at);
    if (failed(tangent))
      return failure();
    along.push_back(*tangent);
  }

  RegionTracer region(evaluator, at);
  std::vector<TensorObject *> inner;
  for (TensorObject *x : primals.tensors)
    inner.push_back(region.argument(x));
  Result returned = evaluator.call(
      p["f"], argsOf(primals.with(evaluator, inner), Value(), at));
  if (failed(returned) ||
      failed(returned = toTensors(evaluator, *returned, at)))
    return failure();
  std::vector<TensorObject *> outputs;
  flattenTensors(*returned, outputs);
  SmallVector<mlir::Value> yielded;
  for (TensorObject *x : outputs) {
    if (!isFloatTensor(x))
      return evaluator.error(at, "jvp needs a function that returns floats, "
                                 "found " +
                                     evaluator.describe(x));
    yielded.push_back(tracer.valueOf(x));
  }
  region.yield(yielded);
  auto op = lam::JvpOp::create(tracer.builder(), loc, typesOf(yielded),
                               typesOf(yielded), operands, along);
  region.moveTo(op.getBody());
  auto from = [&](mlir::ValueRange values) {
    size_t next = 0;
    return mapTensors(evaluator, *returned, [&](TensorObject *x) {
      return tracer.tensor(values[next++], x->shape);
    });
  };
  return evaluator.tuple({from(op.getOutputs()), from(op.getDerivatives())});
}

/// prim.custom_gradient(values, inputs, pullback): `pullback` is called with the
/// cotangents of the values, in their structure, and returns those of the inputs.
Result customGradient(Evaluator &evaluator, CallArgs &args) {
  ArgParser p(evaluator, args, "custom_gradient",
              {"values", "inputs", "pullback"});
  if (p.failed())
    return failure();
  SMRange at = args.range;
  Tracer &tracer = evaluator.tracer();
  mlir::Location loc = evaluator.currentLocation();
  Result values = toTensors(evaluator, p["values"], at);
  if (failed(values))
    return failure();
  std::vector<TensorObject *> outputs, inputs;
  flattenTensors(*values, outputs);
  flattenTensors(p["inputs"], inputs);
  SmallVector<mlir::Value> outputValues, inputValues;
  for (TensorObject *x : outputs) {
    if (!isFloatTensor(x))
      return evaluator.error(at, "a function with a custom gradient must return "
                                 "floats, found " +
                                     evaluator.describe(x));
    outputValues.push_back(tracer.valueOf(x));
  }
  for (TensorObject *x : inputs)
    if (isFloatTensor(x))
      inputValues.push_back(tracer.valueOf(x));

  RegionTracer region(evaluator, at);
  Value cotangents = mapTensors(evaluator, *values, [&](TensorObject *x) {
    return Value(region.argument(x));
  });
  Result returned = evaluator.call(p["pullback"], {cotangents}, at);
  if (failed(returned))
    return failure();
  std::vector<Value> pulled = {*returned};
  if (auto items = sequenceItems(*returned))
    pulled = *items;
  if (pulled.size() != inputs.size())
    return evaluator.error(at, "the gradient function must return " +
                                   Twine(inputs.size()) +
                                   " cotangents, one per argument, found " +
                                   Twine(pulled.size()));
  SmallVector<mlir::Value> yielded;
  for (auto [i, pair] : enumerate(zip_equal(inputs, pulled))) {
    auto [x, gradient] = pair;
    if (!isFloatTensor(x))
      continue;
    FailureOr<mlir::Value> value =
        matching(evaluator, gradient.isNone() ? Value::floating(0) : gradient,
                 x, "the gradient of argument " + Twine(i), at);
    if (failed(value))
      return failure();
    yielded.push_back(*value);
  }
  region.yield(yielded);
  auto op = lam::CustomGradientOp::create(
      tracer.builder(), loc, typesOf(outputValues), outputValues, inputValues);
  region.moveTo(op.getBody());
  size_t next = 0;
  return mapTensors(evaluator, *values, [&](TensorObject *x) {
    return tracer.tensor(op.getResults()[next++], x->shape, x->weak);
  });
}

} // namespace

void registerDerivativePrimitives(Evaluator &evaluator) {
  evaluator.definePrimitive("vjp", vjp);
  evaluator.definePrimitive("jvp", jvp);
  evaluator.definePrimitive("custom_gradient", customGradient);
}

} // namespace lamina::frontend
