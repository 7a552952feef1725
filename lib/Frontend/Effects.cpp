//===- Effects.cpp - assignments and losses in training -------------------===//
#include "Effects.h"
#include "lamina/Frontend/Tracer.h"

using namespace lamina;
using namespace lamina::frontend;
using mlir::failed;
using mlir::failure;
using mlir::FailureOr;

EffectsScope::EffectsScope(ModelBuilder &models)
    : models(models), open(models.entry.has_value()) {
  if (open)
    models.entry->regions.emplace_back();
}

EffectsScope::~EffectsScope() {
  if (open)
    leave();
}

std::vector<mlir::Value> EffectsScope::leave() {
  std::vector<mlir::Value> values;
  if (!open)
    return values;
  open = false;
  effects = std::move(models.entry->regions.back());
  models.entry->regions.pop_back();
  for (auto &[variable, before] : effects.assigned) {
    values.push_back(variable->value);
    variable->value = before;
  }
  for (TensorObject *loss : effects.losses)
    values.push_back(loss->value);
  return values;
}

void EffectsScope::apply(mlir::ValueRange results) {
  if (effects.empty())
    return;
  Effects &outer = models.entry->regions.back();
  size_t next = 0;
  for (auto &[variable, before] : effects.assigned) {
    outer.assigned.try_emplace(variable, variable->value);
    variable->value = results[next++];
  }
  for (TensorObject *loss : effects.losses)
    outer.losses.push_back(models.evaluator.tracer()
                               .tensor(results[next++], loss->shape)
                               .as<TensorObject>());
}

//===----------------------------------------------------------------------===//
// Effects
//===----------------------------------------------------------------------===//

Result ModelBuilder::assign(TensorObject *variable, Value value,
                            llvm::SMRange at) {
  Tracer &tracer = evaluator.tracer();
  DType dtype = Tracer::dtypeOf(variable);
  FailureOr<TensorObject *> tensor = tracer.asTensor(value, dtype, at);
  if (failed(tensor) || failed(tensor = tracer.cast(*tensor, dtype)))
    return failure();
  if ((*tensor)->shape != variable->shape)
    return evaluator.error(at, "'" + pathOf(variable) + "' has the shape " +
                                   toString(variable->shape) +
                                   ", and the value to assign to it " +
                                   toString((*tensor)->shape));
  entry->regions.back().assigned.try_emplace(variable, variable->value);
  variable->value = (*tensor)->value;
  return Value(variable);
}

/// `assign`, `assign_add` and `assign_sub` of a variable.
Result ModelBuilder::assignBy(TensorObject *variable, llvm::StringRef how,
                              CallArgs &args) {
  ArgParser p(evaluator, args, how,
              {"value", "use_locking=", "name=", "read_value="});
  if (p.failed())
    return failure();
  Result value = p["value"];
  if (how == "assign_add")
    value = evaluator.binary(ast::BinaryOp::Add, variable, *value, args.range);
  else if (how == "assign_sub")
    value = evaluator.binary(ast::BinaryOp::Sub, variable, *value, args.range);
  if (failed(value))
    return failure();
  return assign(variable, *value, args.range);
}

Result ModelBuilder::addLoss(Value loss, llvm::SMRange at) {
  if (!entry)
    return Value(); // of interest in training only
  std::vector<Value> items = {loss};
  if (auto *list = loss.as<ListObject>())
    items = list->items;
  else if (auto *tuple = loss.as<TupleObject>())
    items = tuple->items;
  for (Value item : items) {
    FailureOr<TensorObject *> tensor =
        evaluator.tracer().asTensor(item, std::nullopt, at);
    if (failed(tensor) || failed(tensor = evaluator.tracer().cast(
                                     *tensor, isFloat(Tracer::dtypeOf(*tensor))
                                                  ? Tracer::dtypeOf(*tensor)
                                                  : DType::Float32)))
      return failure();
    if (!(*tensor)->shape.empty())
      return evaluator.error(at, "a loss to add must be a scalar, got " +
                                     evaluator.describe(*tensor) +
                                     ": use mean or sum");
    entry->regions.back().losses.push_back(*tensor);
  }
  return Value();
}

std::vector<Value> ModelBuilder::takeLosses() {
  std::vector<TensorObject *> losses =
      std::exchange(entry->regions.back().losses, {});
  return std::vector<Value>(losses.begin(), losses.end());
}
