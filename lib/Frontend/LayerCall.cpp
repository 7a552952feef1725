//===- LayerCall.cpp - Layer.__call__, up to the body ---------------------===//
#include "LayerCall.h"

using namespace lamina;
using namespace lamina::frontend;
using mlir::failed;
using mlir::failure;
using mlir::FailureOr;
using mlir::LogicalResult;
using mlir::succeeded;
using mlir::success;

Result ModelBuilder::callLayer(InstanceObject *layer, CallArgs args) {
  if (!stateOf(layer))
    return evaluator.error(args.range,
                           "'" + layer->type->name +
                               "' was not initialized: its __init__ must call "
                               "super().__init__()");
  if (nameOf(layer).empty())
    return evaluator.error(args.range, "the name of a layer must be a string");
  return LayerCall(*this, layer, args).run();
}

Result LayerCall::run() {
  if (failed(bind()))
    return failure();
  record();
  if (failed(convertInputs()) || failed(checkInputSpec()))
    return failure();
  bool open = models.scopes.empty() || models.scopes.back().first != layer;
  if (open)
    models.scopes.emplace_back(layer, models.nameOf(layer));
  Result result = failure();
  if (succeeded(build())) {
    addTraining();
    addMasks();
    result = trace();
    models.trainingFlags.pop_back();
  }
  if (open)
    models.scopes.pop_back();
  return result;
}

//===----------------------------------------------------------------------===//
// Arguments
//===----------------------------------------------------------------------===//

Value LayerCall::attribute(llvm::StringRef name) {
  auto it = layer->attributes.find(name.str());
  return it == layer->attributes.end() ? Value() : it->second;
}

/// The parameters of a method, without self.
static void parametersOf(Value method, std::vector<std::string> &names,
                         std::vector<Value> *defaults = nullptr,
                         size_t *positionals = nullptr) {
  size_t skip = 0;
  if (auto *bound = method.as<BoundMethodObject>()) {
    method = bound->function;
    skip = 1;
  }
  auto *function = method.as<FunctionObject>();
  if (!function)
    return;
  for (size_t i = skip; i < function->params.size(); ++i) {
    const ast::Parameter &param = function->params[i];
    if (param.kind == ast::Parameter::Kind::VarArgs ||
        param.kind == ast::Parameter::Kind::VarKeywords)
      continue;
    names.push_back(param.name.str());
    if (positionals && param.kind == ast::Parameter::Kind::Positional)
      ++*positionals;
    if (defaults)
      defaults->push_back(function->hasDefault[i] ? function->defaults[i]
                                                  : Value());
  }
}

LogicalResult LayerCall::bind() {
  Result call = evaluator.getAttribute(layer, "call", at);
  if (failed(call))
    return failure();
  parametersOf(*call, parameters, &parameterDefaults, &positionals);
  if (!firstArgument())
    return evaluator.error(at, "layer '" + models.nameOf(layer) +
                                   "' was called without an input");
  return success();
}

/// Keeps the arguments as they are now.
void LayerCall::record() {
  recorded = {layer, args, Value()};
  auto same = [](TensorObject *tensor) -> Value { return tensor; };
  for (Value &value : recorded.args.positional)
    value = mapTensors(evaluator, value, same);
  for (auto &[name, value] : recorded.args.keywords)
    value = mapTensors(evaluator, value, same);
}

bool LayerCall::hasParameter(llvm::StringRef name) {
  return llvm::is_contained(parameters, name);
}

Value *LayerCall::argument(llvm::StringRef name) {
  for (auto [i, value] : llvm::enumerate(args.positional))
    if (parameterAt(i) == name)
      return &value;
  for (auto &[key, value] : args.keywords)
    if (key == name)
      return &value;
  return nullptr;
}

Value *LayerCall::firstArgument() {
  if (!args.positional.empty())
    return &args.positional.front();
  for (const std::string &name : parameters)
    if (Value *value = argument(name))
      return value;
  return nullptr;
}

/// Keras casts floating inputs to the layer's dtype; float64 stays what it is
/// unless the layer was given a dtype.
LogicalResult LayerCall::convertInputs() {
  Value autocast = attribute("autocast");
  if (autocast.is(ValueKind::Bool) && !autocast.asBool())
    return success();
  std::optional<DType> wanted;
  if (auto *text = attribute("_dtype").as<StringObject>())
    wanted = parseDType(text->text);
  bool ok = true;
  auto convert = [&](TensorObject *tensor) -> Value {
    DType from = Tracer::dtypeOf(tensor), to = wanted.value_or(DType::Float32);
    if (!isFloat(from) || !isFloat(to) || from == to ||
        (!wanted && from == DType::Float64))
      return tensor;
    FailureOr<TensorObject *> cast = evaluator.tracer().cast(tensor, to);
    if (failed(cast)) {
      ok = false;
      return tensor;
    }
    (*cast)->keras = tensor->keras;
    return *cast;
  };
  for (Value &value : args.positional)
    value = mapTensors(evaluator, value, convert);
  for (auto &[name, value] : args.keywords)
    value = mapTensors(evaluator, value, convert);
  return success(ok);
}

LogicalResult LayerCall::checkInputSpec() {
  std::vector<TensorObject *> tensors;
  Value first = *firstArgument();
  flattenTensors(first, tensors);
  if (tensors.empty()) {
    std::vector<TensorObject *> any;
    for (Value value : args.positional)
      flattenTensors(value, any);
    for (auto &[name, value] : args.keywords)
      flattenTensors(value, any);
    // A number or a list of numbers is a tensor in the making.
    if (any.empty()) {
      FailureOr<TensorObject *> tensor =
          evaluator.tracer().asTensor(first, std::nullopt, at);
      if (failed(tensor))
        return failure();
      (*tensor)->weak = false;
      *firstArgument() = *tensor;
    }
  }
  Value spec = attribute("input_spec");
  if (spec.isNone())
    return success();
  CallArgs check;
  check.range = at;
  check.positional = {spec, *firstArgument(),
                      evaluator.string(models.nameOf(layer))};
  return evaluator.callLibrary("check_input_spec", std::move(check));
}

//===----------------------------------------------------------------------===//
// Build
//===----------------------------------------------------------------------===//

Value frontend::shapesOf(Evaluator &evaluator, Value structure) {
  return mapTensors(evaluator, structure, [&](TensorObject *tensor) -> Value {
    std::vector<Value> dims;
    for (const Size &size : tensor->shape)
      dims.push_back(size.isStatic() ? Value::integer(*size.value()) : Value());
    return evaluator.tuple(std::move(dims));
  });
}

LogicalResult LayerCall::build() {
  Value built = attribute("built");
  if (built.is(ValueKind::Bool) && built.asBool())
    return success();
  Result method = evaluator.getAttribute(layer, "build", at);
  if (failed(method))
    return failure();
  // A model's own build makes inputs for it; here it has some.
  auto *bound = method->as<BoundMethodObject>();
  auto *function = bound ? bound->function.as<FunctionObject>() : nullptr;
  bool isDefault = function && function->fromLibrary && state.isModel;
  // Keras makes a functional model in a Sequential, and counts its name.
  if (isDefault && !state.graph && layer->attributes.contains("_layers"))
    (void)models.autoName("Functional");
  if (!isDefault) {
    std::vector<std::string> names;
    parametersOf(*method, names);
    CallArgs shapes;
    shapes.range = at;
    if (names.size() <= 1) {
      shapes.positional.push_back(shapesOf(evaluator, *firstArgument()));
    } else {
      // Several: `a_shape` is the shape of the argument `a` of call.
      for (const std::string &name : names) {
        llvm::StringRef of = name;
        Value *value = of.consume_back("_shape") ? argument(of) : nullptr;
        if (value)
          shapes.keywords.emplace_back(name, shapesOf(evaluator, *value));
      }
    }
    if (failed(evaluator.call(*method, std::move(shapes))))
      return failure();
  }
  layer->attributes["built"] = Value::boolean(true);
  return success();
}

//===----------------------------------------------------------------------===//
// training and mask
//===----------------------------------------------------------------------===//

void LayerCall::addTraining() {
  Value value;
  if (Value *given = argument("training"))
    value = *given;
  if (value.isNone() && !models.trainingFlags.empty())
    value = models.trainingFlags.back();
  if (value.isNone())
    for (auto [name, fallback] : llvm::zip(parameters, parameterDefaults))
      if (name == "training")
        value = fallback;
  if (value.isNone())
    value = Value::boolean(false);
  models.trainingFlags.push_back(value);
  if (Value *given = argument("training")) {
    *given = value;
    // Keras ignores it where call has no such parameter.
    if (!hasParameter("training"))
      llvm::erase_if(args.keywords,
                     [](auto &entry) { return entry.first == "training"; });
  } else if (hasParameter("training")) {
    args.keywords.emplace_back("training", value);
  }
}

Value frontend::masksOf(Evaluator &evaluator, Value structure) {
  return mapTensors(evaluator, structure, [](TensorObject *tensor) -> Value {
    return tensor->keras.isTensor() ? tensor->keras : Value();
  });
}

void LayerCall::addMasks() {
  // The arguments that hold tensors decide which mask arguments are filled in.
  std::vector<std::pair<std::string, Value>> tensors;
  for (auto [i, value] : llvm::enumerate(args.positional))
    if (hasTensors(value))
      tensors.emplace_back(parameterAt(i).str(), value);
  for (auto &[name, value] : args.keywords)
    if (hasTensors(value))
      tensors.emplace_back(name, value);
  auto fill = [&](llvm::StringRef name, Value of) {
    if (!hasParameter(name))
      return;
    Value *given = argument(name);
    if (given && !given->isNone())
      return;
    Value mask = masksOf(evaluator, of);
    if (given)
      *given = mask;
    else
      args.keywords.emplace_back(name.str(), mask);
  };
  if (tensors.size() == 1) {
    fill("mask", tensors.front().second);
  } else {
    for (auto &[name, value] : tensors)
      fill(name + "_mask", value);
  }
}
