//===- Weights.cpp - inputs, weights and their initial values -------------===//
#include "lamina/Frontend/ModelBuilder.h"
#include "lamina/Frontend/Tracer.h"
#include "lamina/Interpreter/Interpreter.h"
#include "lamina/Support/Elements.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace lamina;
using namespace lamina::frontend;
using mlir::failed;
using mlir::failure;
using mlir::FailureOr;
using mlir::success;

void ModelBuilder::moveToWorkspace(mlir::OpBuilder &builder) {
  mlir::Block *block = builder.getInsertionBlock();
  mlir::Operation *op =
      block ? workspaceBlock()->findAncestorOpInBlock(*block->getParentOp())
            : nullptr;
  if (op)
    builder.setInsertionPoint(op);
  else if (block != workspaceBlock())
    builder.setInsertionPointToEnd(workspaceBlock());
}

//===----------------------------------------------------------------------===//
// Inputs
//===----------------------------------------------------------------------===//

Result ModelBuilder::input(llvm::ArrayRef<Value> dims, DType dtype, Value name,
                           llvm::SMRange at) {
  if (!inWorkspace())
    return evaluator.error(at, "an Input is the input of a model; a function's "
                               "inputs are its parameters");
  auto *given = name.as<StringObject>();
  if (!given && !name.isNone())
    return evaluator.error(at, "the name of an Input must be a string, got " +
                                   evaluator.describe(name));
  // Keras counts its names whether or not a variable gives a better one.
  std::string text = given ? given->text : autoName("InputLayer");
  for (auto &[op, info] : inputs)
    if (mlir::cast<model::InputOp>(op).getName() == text) {
      if (given)
        return evaluator.error(at, "there is already an Input named '" + text +
                                       "'");
      text = autoName("InputLayer");
    }

  Tracer &tracer = evaluator.tracer();
  mlir::OpBuilder::InsertionGuard guard(tracer.builder());
  moveToWorkspace(tracer.builder());
  mlir::OpBuilder &builder = tracer.builder();

  Shape shape;
  llvm::SmallVector<int64_t> sizes;
  llvm::SmallVector<mlir::Attribute> names;
  for (auto [i, dim] : llvm::enumerate(dims)) {
    std::optional<int64_t> known;
    if (i == 0 && batch)
      known = *batch;
    else if (dim.is(ValueKind::Int))
      known = dim.asInt();
    else if (!dim.isNone())
      return evaluator.error(at, "the shape of an Input is made of integers "
                                 "and None, got " +
                                     evaluator.describe(dim));
    if (known && *known < 0)
      return evaluator.error(at, "the shape of an Input cannot have the "
                                 "negative dimension " +
                                     llvm::Twine(*known));
    std::string symbol = i == 0 ? "n" : (text + "_dim" + llvm::Twine(i)).str();
    shape.push_back(known ? Size(*known) : Size::symbol(symbol));
    sizes.push_back(known ? *known : mlir::ShapedType::kDynamic);
    names.push_back(known ? mlir::Attribute(builder.getI64IntegerAttr(*known))
                          : builder.getStringAttr(symbol));
  }
  mlir::Location loc = evaluator.currentLocation();
  auto type =
      mlir::RankedTensorType::get(sizes, toMLIR(dtype, &evaluator.context()));
  auto op = model::InputOp::create(builder, loc, type, text,
                                   builder.getArrayAttr(names));
  for (auto [i, size] : llvm::enumerate(shape)) {
    bool batchIsBound = i == 0 && batchBound;
    if (size.isStatic() || batchIsBound)
      continue;
    mlir::Value index =
        mlir::tensor::DimOp::create(builder, loc, op.getResult(), i);
    tracer.bindSymbol(size.str(), index);
    batchBound |= i == 0;
  }
  Value result = tracer.tensor(op.getResult(), shape);
  inputs[op] = {result.as<TensorObject>(), given != nullptr};
  return result;
}

bool ModelBuilder::isInput(TensorObject *tensor) {
  mlir::Operation *op = tensor->value ? tensor->value.getDefiningOp() : nullptr;
  return op && inputs.contains(op);
}

//===----------------------------------------------------------------------===//
// Weights
//===----------------------------------------------------------------------===//

Result ModelBuilder::addWeight(InstanceObject *layer, Value shapeValue,
                               Value initializer, DType dtype, bool trainable,
                               Value name, llvm::SMRange at) {
  LayerState *state = stateOf(layer);
  WeightInfo info;
  info.holder = layer;
  if (auto *text = name.as<StringObject>())
    info.name = text->text;
  else if (!name.isNone())
    return evaluator.error(at, "the name of a weight must be a string, got " +
                                   evaluator.describe(name));
  std::string what = "weight" +
                     (info.name.empty() ? "" : " '" + info.name + "'") +
                     " of layer '" + nameOf(layer) + "'";

  std::vector<Value> dims;
  if (shapeValue.isInteger()) {
    dims.push_back(shapeValue);
  } else {
    FailureOr<std::vector<Value>> items = evaluator.iterate(shapeValue, at);
    if (failed(items))
      return failure();
    dims = *items;
  }
  Shape shape;
  for (Value dim : dims) {
    if (!dim.is(ValueKind::Int))
      return evaluator.error(
          at, "the shape of " + what + " must be known, got " +
                  evaluator.repr(shapeValue) +
                  (dim.isNone() ? " with an unknown dimension" : ""));
    if (dim.asInt() < 0)
      return evaluator.error(
          at, "the shape of " + what +
                  " has a negative dimension: " + evaluator.repr(shapeValue));
    shape.push_back(Size(dim.asInt()));
  }

  auto makeValue = [&]() -> Result {
    CallArgs args;
    args.range = at;
    std::vector<Value> sizes;
    for (const Size &size : shape)
      sizes.push_back(evaluator.size(size));
    args.positional.push_back(evaluator.tuple(std::move(sizes)));
    args.keywords.emplace_back("dtype", evaluator.string(lamina::name(dtype)));
    return evaluator.call(initializer, std::move(args));
  };
  // The weight is in its layer's scope also where __init__ makes it.
  bool open = scopes.empty() || scopes.back().first != layer;
  if (open)
    scopes.emplace_back(layer, nameOf(layer));
  info.scope = scopePath();
  info.autoName = info.name.empty() ? autoName("variable") : "";
  FailureOr<TensorObject *> weight =
      makeWeight(dtype, shape, trainable, info, makeValue, at);
  if (open)
    scopes.pop_back();
  if (failed(weight))
    return failure();
  state->ownWeights.push_back(*weight);
  return Value(*weight);
}

Result ModelBuilder::variable(Value value, std::optional<DType> dtype,
                              bool trainable, Value name, llvm::SMRange at) {
  WeightInfo info;
  if (auto *text = name.as<StringObject>())
    info.name = text->text;
  else if (!name.isNone())
    return evaluator.error(at, "the name of a Variable must be a string, got " +
                                   evaluator.describe(name));
  else
    info.autoName = autoName("variable");
  info.scope = scopePath();
  FailureOr<TensorObject *> weight = makeWeight(
      dtype, std::nullopt, trainable, info, [&]() -> Result { return value; },
      at);
  if (failed(weight))
    return failure();
  return Value(*weight);
}

FailureOr<TensorObject *> ModelBuilder::makeWeight(
    std::optional<DType> dtype, std::optional<Shape> shape, bool trainable,
    WeightInfo info, llvm::function_ref<Result()> makeValue, llvm::SMRange at) {
  Tracer &tracer = evaluator.tracer();
  mlir::OpBuilder &builder = tracer.builder();
  mlir::Location loc = evaluator.currentLocation();
  bool inModel = inWorkspace();
  model::WeightOp op;
  Shape resultShape;
  {
    mlir::OpBuilder::InsertionGuard guard(builder);
    moveToWorkspace(builder);
    // The type is known when the value is.
    mlir::OperationState state(loc, model::WeightOp::getOperationName());
    mlir::Region *region = state.addRegion();
    auto place = builder.saveInsertionPoint();
    mlir::Operation *scaffold = model::WeightOp::create(
        builder, loc, mlir::RankedTensorType::get({}, builder.getF32Type()),
        "scaffold", false);
    mlir::Block *block = builder.createBlock(
        &scaffold->getRegion(0), {},
        mlir::RankedTensorType::get(
            {2}, toMLIR(DType::UInt32, builder.getContext())),
        loc);
    keys.push_back(block->getArgument(0));
    Result value = makeValue();
    FailureOr<TensorObject *> tensor = failure();
    if (mlir::succeeded(value))
      tensor = tracer.asTensor(*value, dtype, at);
    if (mlir::succeeded(tensor) && dtype && Tracer::dtypeOf(*tensor) != *dtype)
      tensor = tracer.cast(*tensor, *dtype);
    keys.pop_back();
    if (failed(tensor))
      return failure();
    if (shape && (*tensor)->shape != *shape)
      return evaluator.error(at, "the initializer gave a value of shape " +
                                     toString((*tensor)->shape) +
                                     " for a weight of shape " +
                                     toString(*shape));
    resultShape = (*tensor)->shape;
    auto type = mlir::cast<mlir::RankedTensorType>((*tensor)->value.getType());
    if (!type.hasStaticShape())
      return evaluator.error(at, "the shape of a variable must be known, got " +
                                     toString(resultShape));
    model::YieldOp::create(builder, loc, (*tensor)->value);
    builder.restoreInsertionPoint(place);
    builder.setInsertionPoint(scaffold);
    state.addTypes(type);
    state.addAttribute("name", builder.getStringAttr("weight"));
    if (trainable)
      state.addAttribute("trainable", builder.getUnitAttr());
    region->takeBody(scaffold->getRegion(0));
    op = mlir::cast<model::WeightOp>(builder.create(state));
    scaffold->erase();
    if (failed(isolate(op, at)))
      return failure();
  }
  mlir::Value value = op.getResult();
  if (!inModel) {
    FailureOr<mlir::Value> constant = constantWeight(op);
    if (failed(constant))
      return failure();
    value = *constant;
  }
  auto *tensor = tracer.tensor(value, resultShape).as<TensorObject>();
  info.tensor = tensor;
  if (inModel) {
    tensor->variable = op;
    weights[op] = std::move(info);
  }
  return tensor;
}

/// Copies what the initial value uses from outside into its region.
mlir::LogicalResult ModelBuilder::isolate(model::WeightOp op,
                                          llvm::SMRange at) {
  mlir::Region &region = op.getInit();
  mlir::IRMapping mapping;
  mlir::OpBuilder builder(op.getContext());
  builder.setInsertionPointToStart(&region.front());
  llvm::StringRef why;
  std::function<bool(mlir::Value)> import = [&](mlir::Value value) {
    if (mapping.contains(value) || region.isAncestor(value.getParentRegion()))
      return true;
    mlir::Operation *def = value.getDefiningOp();
    if (!def || mlir::isa<model::InputOp, model::LayerOp>(def)) {
      why = "an input";
      return false;
    }
    if (mlir::isa<model::WeightOp>(def)) {
      why = "another variable";
      return false;
    }
    for (mlir::Value operand : def->getOperands())
      if (!import(operand))
        return false;
    builder.clone(*def, mapping);
    return true;
  };
  llvm::SmallVector<mlir::Operation *> users;
  region.walk([&](mlir::Operation *user) { users.push_back(user); });
  for (mlir::Operation *user : users)
    for (mlir::OpOperand &operand : user->getOpOperands()) {
      if (!import(operand.get()))
        return evaluator.error(at, "the initial value of a variable must not "
                                   "depend on " +
                                       why);
      operand.set(mapping.lookupOrDefault(operand.get()));
    }
  return success();
}

/// Outside a model (in `lamina eval`) a weight is its initial value.
FailureOr<mlir::Value> ModelBuilder::constantWeight(model::WeightOp op) {
  NDArray key(DType::UInt32, {2});
  key.setInt(1, unseeded++);
  FailureOr<std::vector<NDArray>> value =
      interpret(op.getInit().front(), {key});
  if (failed(value))
    return failure();
  mlir::OpBuilder &builder = evaluator.tracer().builder();
  return lam::ConstantOp::create(
             builder, op.getLoc(),
             toElements(value->front(), builder.getContext()))
      .getResult();
}

Result ModelBuilder::randomKey(Value seed, llvm::SMRange at,
                               Object *generator) {
  Tracer &tracer = evaluator.tracer();
  if (seed.isNone() && !keys.empty())
    return tracer.tensor(keys.back(), {Size(2)});
  if (entry && entry->isTraining && keys.empty())
    return trainingKey(seed, generator, at);
  // A seed's high word is small; draws without one never meet it.
  uint64_t bits = seed.isInteger() ? uint64_t(seed.asInt())
                                   : (uint64_t(0xdec0de) << 40) + unseeded++;
  std::vector<Value> words = {Value::integer(int64_t(bits & 0xffffffff)),
                              Value::integer(int64_t(bits >> 32))};
  FailureOr<TensorObject *> key =
      tracer.asTensor(evaluator.list(words), DType::UInt32, at);
  if (failed(key))
    return failure();
  return Value(*key);
}

//===----------------------------------------------------------------------===//
// What a weight is asked for
//===----------------------------------------------------------------------===//

std::optional<Result> ModelBuilder::attribute(TensorObject *tensor,
                                              llvm::StringRef name,
                                              llvm::SMRange at) {
  WeightInfo *info = infoOf(tensor);
  if (!info) {
    if (isInput(tensor) && name == "name")
      return Result(evaluator.string(
          tensor->value.getDefiningOp<model::InputOp>().getName()));
    return std::nullopt;
  }
  model::WeightOp op = weightOf(tensor);
  if (name == "name")
    return Result(
        evaluator.string(info->name.empty() ? info->autoName : info->name));
  if (name == "path")
    return Result(evaluator.string(pathOf(tensor)));
  if (name == "trainable")
    return Result(Value::boolean(op.getTrainable()));
  if (name == "value" || name == "read_value") {
    // Keras 3 has a property, TensorFlow a method: the tensor is callable here.
    if (name == "value")
      return Result(Value(tensor));
    return Result(Value(evaluator.make<BuiltinObject>(
        name.str(), [tensor](Evaluator &, CallArgs &) -> Result {
          return Value(tensor);
        })));
  }
  if (name == "regularizer")
    return Result(info->regularizer);
  if (name == "constraint")
    return Result(info->constraint);
  bool assigns =
      name == "assign" || name == "assign_add" || name == "assign_sub";
  if (assigns && entry && entry->isTraining)
    return Result(Value(evaluator.make<BuiltinObject>(
        name.str(), [tensor, how = name.str()](Evaluator &ev, CallArgs &args) {
          return ev.models().assignBy(tensor, how, args);
        })));
  if (assigns)
    return Result(evaluator.error(
        at, "'" + name +
                "' of a variable works in training only: write it in a "
                "layer's call, behind `if training:`"));
  if (name == "numpy")
    return Result(evaluator.error(at, "'numpy' of a variable is not available "
                                      "at compile time: its value changes by "
                                      "training"));
  return std::nullopt;
}
