//===- TrainingPrimitives.cpp - what training.lam is written on -----------===//
#include "Derivatives.h"
#include "lamina/Frontend/ModelBuilder.h"

using namespace lamina;
using namespace lamina::frontend;
using mlir::failed;
using mlir::failure;
using mlir::FailureOr;

static InstanceObject *layerOf(Evaluator &ev, Value value) {
  auto *instance = value.as<InstanceObject>();
  return instance && ev.models().stateOf(instance) ? instance : nullptr;
}

/// replay(model, training): its outputs on its own inputs.
static Result replay(Evaluator &ev, CallArgs &args) {
  ArgParser p(ev, args, "replay", {"model", "training"});
  if (p.failed())
    return failure();
  return ev.models().replay(layerOf(ev, p["model"]), p["training"].asBool(),
                            args.range);
}

/// entry(name, arguments, function, training, standalone).
static Result entry(Evaluator &ev, CallArgs &args) {
  ArgParser p(ev, args, "entry",
              {"name", "arguments", "function", "training", "standalone"});
  if (p.failed())
    return failure();
  return ev.models().addEntry(ev.str(p["name"]), p["arguments"], p["function"],
                              p["training"].asBool(), p["standalone"].asBool(),
                              args.range);
}

/// written_weights(): (variable, name) of the trainable weights.
static Result trainableWeights(Evaluator &ev, CallArgs &args) {
  std::vector<Value> result;
  for (const WeightUse &use : ev.models().writtenWeights())
    if (use.trainable && isFloat(Tracer::dtypeOf(use.weight)))
      result.push_back(ev.tuple({Value(use.weight), ev.string(use.name)}));
  return ev.list(std::move(result));
}

/// weight_gradients(f, variables): f() gives (loss, anything else); the result
/// is (that, the gradients of the loss).
static Result weightGradients(Evaluator &ev, CallArgs &args) {
  ArgParser p(ev, args, "weight_gradients", {"function", "variables"});
  if (p.failed())
    return failure();
  std::vector<TensorObject *> variables;
  flattenTensors(p["variables"], variables);
  VjpOptions options;
  options.hasAux = true;
  options.byCapture = true;
  FailureOr<Vjp> vjp = traceVjp(
      ev,
      [&](llvm::ArrayRef<TensorObject *>) {
        return ev.call(p["function"], {}, args.range);
      },
      variables, options, args.range);
  if (failed(vjp))
    return failure();
  std::vector<Value> gradients(vjp->gradients.begin(), vjp->gradients.end());
  return ev.tuple({vjp->outputs, ev.list(std::move(gradients))});
}

static Result optimizerState(Evaluator &ev, CallArgs &args) {
  ArgParser p(ev, args, "optimizer_state", {"name", "value"});
  if (p.failed())
    return failure();
  return ev.models().optimizerState(ev.str(p["name"]), p["value"], args.range);
}

static Result assign(Evaluator &ev, CallArgs &args) {
  ArgParser p(ev, args, "assign", {"variable", "value"});
  if (p.failed())
    return failure();
  return ev.models().assign(p["variable"].as<TensorObject>(), p["value"],
                            args.range);
}

static Result addLoss(Evaluator &ev, CallArgs &args) {
  ArgParser p(ev, args, "add_loss", {"loss"});
  if (p.failed())
    return failure();
  return ev.models().addLoss(p["loss"], args.range);
}

/// set_penalty(variable, regularizer, constraint).
static Result setPenalty(Evaluator &ev, CallArgs &args) {
  ArgParser p(ev, args, "set_penalty",
              {"variable", "regularizer", "constraint"});
  if (p.failed())
    return failure();
  auto *tensor = p["variable"].as<TensorObject>();
  if (WeightInfo *info = tensor ? ev.models().infoOf(tensor) : nullptr) {
    info->regularizer = p["regularizer"];
    info->constraint = p["constraint"];
  }
  return Value();
}

void frontend::registerTrainingPrimitives(Evaluator &evaluator) {
  evaluator.definePrimitive("replay", replay);
  evaluator.definePrimitive("entry", entry);
  evaluator.definePrimitive("trainable_weights", trainableWeights);
  evaluator.definePrimitive("weight_gradients", weightGradients);
  evaluator.definePrimitive("optimizer_state", optimizerState);
  evaluator.definePrimitive("assign", assign);
  evaluator.definePrimitive("add_loss", addLoss);
  evaluator.definePrimitive("take_losses",
                            [](Evaluator &ev, CallArgs &) -> Result {
                              return ev.list(ev.models().takeLosses());
                            });
  evaluator.definePrimitive("set_penalty", setPenalty);
}
