//===- Derivatives.cpp - functions traced into derivative operators -------===//

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
  EffectsScope effects(evaluator.models());
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
  // With cotangents the function is called again, for what it gave before.
  std::vector<mlir::Value> effectValues = effects.leave();
  bool isFirstCall = !options.cotangents;
  if (isFirstCall)
    append_range(yielded, effectValues);
  region.yield(yielded);

  if (options.byCapture)
    for (auto [x, argument] : zip_equal(primals, inner))
      x->value.replaceUsesWithIf(argument->value, [&](mlir::OpOperand &use) {
        return region.region().isAncestor(use.getOwner()->getParentRegion());
      });

  SmallVector<mlir::Value> cotangents;
  if (options.cotangents && options.cotangents->size() != count)
    return evaluator.error(
        at, "the function returns " + Twine(count) + " float tensors, but " +
                Twine(options.cotangents->size()) + " cotangents are given");
  for (size_t i = 0; i < count; ++i) {
    Value given =
        options.cotangents ? (*options.cotangents)[i] : Value::floating(1.0);
    FailureOr<mlir::Value> cotangent =
        matching(evaluator, given, outputs[i], "cotangent " + Twine(i), at);
    if (failed(cotangent))
      return failure();
    cotangents.push_back(*cotangent);
  }
  auto op = lam::VjpOp::create(tracer.builder(), loc, typesOf(yielded),
                               typesOf(operands), operands, cotangents);
  region.moveTo(op.getBody());
  if (isFirstCall)
    effects.apply(op.getOutputs().drop_front(outputs.size()));

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

} // namespace lamina::frontend
