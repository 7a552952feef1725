//===- DerivativePrimitives.cpp - prim.vjp, prim.jvp, custom_gradient -----===//

#include "Derivatives.h"
#include "Effects.h"
#include "RegionTracer.h"
#include "lamina/Frontend/ModelBuilder.h"

using namespace llvm;
using mlir::failed;
using mlir::failure;
using mlir::FailureOr;
using mlir::LogicalResult;
using mlir::success;

namespace lamina::frontend {

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
    int64_t index =
        number.asInt() < 0 ? number.asInt() + count : number.asInt();
    if (index < 0 || index >= count)
      return evaluator.error(
          at, "argnums is " + Twine(number.asInt()) +
                  ", which counts from 0, but the call has " + Twine(count) +
                  " positional argument" + (count == 1 ? "" : "s"));
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

/// prim.vjp(f, args, kwargs, argnums, cotangents, has_aux) -> (outputs,
/// gradients)
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
  Result gradients =
      structuredGradient(evaluator, *primals, p["argnums"], traced->gradients);
  return evaluator.tuple({traced->outputs, *gradients});
}

//===----------------------------------------------------------------------===//
// prim.jvp, prim.custom_gradient
//===----------------------------------------------------------------------===//

/// What is assigned or added to the loss in there would have to come out.
LogicalResult checkNoEffects(Evaluator &evaluator, EffectsScope &effects,
                             SMRange at) {
  if (effects.leave().empty())
    return success();
  return evaluator.error(at,
                         "a function that is differentiated forward, or "
                         "that gives a gradient, cannot assign to variables "
                         "or add losses");
}

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
  EffectsScope effects(evaluator.models());
  Result returned = evaluator.call(
      p["f"], argsOf(primals.with(evaluator, inner), Value(), at));
  if (failed(returned) || failed(checkNoEffects(evaluator, effects, at)) ||
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

/// prim.custom_gradient(values, inputs, pullback): `pullback` is called with
/// the cotangents of the values, in their structure, and returns those of the
/// inputs.
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
      return evaluator.error(at,
                             "a function with a custom gradient must return "
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
  EffectsScope effects(evaluator.models());
  Result returned = evaluator.call(p["pullback"], {cotangents}, at);
  if (failed(returned) || failed(checkNoEffects(evaluator, effects, at)))
    return failure();
  std::vector<Value> pulled = {*returned};
  if (auto items = sequenceItems(*returned))
    pulled = *items;
  if (pulled.size() != inputs.size())
    return evaluator.error(
        at, "the gradient function must return " + Twine(inputs.size()) +
                " cotangents, one per argument, found " + Twine(pulled.size()));
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
