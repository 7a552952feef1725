//===- ModelBuilder.cpp - names, scopes, what layers hold -----------------===//
#include "lamina/Frontend/ModelBuilder.h"
#include "lamina/Frontend/Tracer.h"

using namespace lamina;
using namespace lamina::frontend;

ModelBuilder::ModelBuilder(Evaluator &evaluator) : evaluator(evaluator) {
  evaluator.context().loadDialect<model::ModelDialect>();
  evaluator.onAssign = [this](llvm::StringRef name, Value value) {
    assigned(value, name);
  };
}

ModelBuilder::~ModelBuilder() = default;

mlir::Block *ModelBuilder::workspaceBlock() {
  return evaluator.tracer().outside();
}

bool ModelBuilder::inWorkspace() {
  mlir::Block *block = evaluator.tracer().builder().getInsertionBlock();
  return block &&
         workspaceBlock()->getParentOp()->isAncestor(block->getParentOp());
}

//===----------------------------------------------------------------------===//
// Names
//===----------------------------------------------------------------------===//

std::string ModelBuilder::autoName(llvm::StringRef className) {
  std::string base = toSnakeCase(className);
  unsigned count = nameCounts[base]++;
  return count ? base + "_" + std::to_string(count) : base;
}

std::string ModelBuilder::scopePath() const {
  std::string path;
  for (const auto &[layer, name] : scopes)
    path += (path.empty() ? "" : "/") + name;
  return path;
}

static std::string stringOf(Value value) {
  auto *text = value.as<StringObject>();
  return text ? text->text : "";
}

static Value attributeOf(InstanceObject *object, llvm::StringRef name) {
  auto it = object->attributes.find(name.str());
  return it == object->attributes.end() ? Value() : it->second;
}

std::string ModelBuilder::nameOf(InstanceObject *layer) {
  return stringOf(attributeOf(layer, "name"));
}

void ModelBuilder::assigned(Value value, llvm::StringRef name) {
  auto *tensor = value.as<TensorObject>();
  mlir::Operation *op = tensor ? tensor->value.getDefiningOp() : nullptr;
  if (!op)
    return;
  if (auto it = weights.find(op); it != weights.end()) {
    if (it->second.name.empty() && !it->second.holder)
      it->second.name = name.str();
    return;
  }
  auto it = inputs.find(op);
  if (it == inputs.end() || it->second.named)
    return;
  // An earlier Input may have had the same variable.
  for (auto &[other, info] : inputs)
    if (other != op && mlir::cast<model::InputOp>(other).getName() == name)
      return;
  it->second.named = true;
  renameInput(mlir::cast<model::InputOp>(op), tensor, name);
}

void ModelBuilder::renameInput(model::InputOp op, TensorObject *tensor,
                               llvm::StringRef name) {
  mlir::Builder builder(op.getContext());
  llvm::StringMap<Size> symbols;
  llvm::SmallVector<mlir::Attribute> dims(op.getDims().begin(),
                                          op.getDims().end());
  // The symbols of its sizes are named after it.
  for (auto [i, size] : llvm::enumerate(tensor->shape)) {
    std::string old = op.getName().str() + "_dim" + std::to_string(i);
    if (size != Size::symbol(old))
      continue;
    std::string fresh = (name + "_dim" + llvm::Twine(i)).str();
    evaluator.tracer().bindSymbol(
        fresh, evaluator.tracer().sizeValue(tensor->shape[i]));
    tensor->shape[i] = Size::symbol(fresh);
    dims[i] = builder.getStringAttr(fresh);
  }
  op.setName(name);
  op.setDimsAttr(builder.getArrayAttr(dims));
}

//===----------------------------------------------------------------------===//
// Layers
//===----------------------------------------------------------------------===//

LayerState *ModelBuilder::stateOf(InstanceObject *layer) {
  return static_cast<LayerState *>(layer->native.get());
}

LayerState *ModelBuilder::stateOf(Value value) {
  auto *instance = value.as<InstanceObject>();
  return instance ? stateOf(instance) : nullptr;
}

Result ModelBuilder::initLayer(InstanceObject *layer, Value name,
                               llvm::StringRef className, bool isModel,
                               llvm::SMRange at) {
  if (!name.isNone() && !name.as<StringObject>())
    return evaluator.error(at, "a layer's name must be a string, got " +
                                   evaluator.describe(name));
  std::string text = stringOf(name);
  if (llvm::StringRef(text).contains('/'))
    return evaluator.error(at,
                           "a layer's name cannot contain '/': '" + text + "'");
  auto state = std::make_shared<LayerState>();
  state->className = className.str();
  state->isModel = isModel;
  // Initialized twice (by two bases): keep what there is.
  if (LayerState *old = stateOf(layer))
    *state = *old;
  else if (isModel)
    models.push_back(layer);
  layer->native = state;
  if (text.empty())
    text = autoName(className);
  layer->attributes["name"] = evaluator.string(text);
  return Value::none();
}

/// The layers and weights directly in an attribute's value.
static void collect(ModelBuilder &models, Value value,
                    llvm::SetVector<TensorObject *> &weights,
                    llvm::SetVector<InstanceObject *> &layers,
                    llvm::SmallPtrSetImpl<Object *> &seen) {
  if (auto *tensor = value.as<TensorObject>()) {
    if (models.infoOf(tensor))
      weights.insert(tensor);
    return;
  }
  if (auto *instance = value.as<InstanceObject>()) {
    if (models.stateOf(instance))
      layers.insert(instance);
    return;
  }
  auto *list = value.as<ListObject>();
  auto *tuple = value.as<TupleObject>();
  auto *dict = value.as<DictObject>();
  if ((!list && !tuple && !dict) || !seen.insert(value.object()).second)
    return;
  if (dict)
    for (auto &[key, item] : dict->items)
      collect(models, item, weights, layers, seen);
  else
    for (Value item : list ? list->items : tuple->items)
      collect(models, item, weights, layers, seen);
}

LayerContents ModelBuilder::contentsOf(InstanceObject *layer) {
  LayerContents contents;
  LayerState *state = stateOf(layer);
  contents.weights.insert(state->ownWeights.begin(), state->ownWeights.end());
  for (auto &[name, value] : layer->attributes) {
    llvm::SetVector<TensorObject *> found;
    llvm::SmallPtrSet<Object *, 8> seen;
    collect(*this, value, found, contents.layers, seen);
    contents.weights.insert(found.begin(), found.end());
    // A weight without a name is called after the attribute that holds it.
    for (TensorObject *weight : found) {
      WeightInfo *info = infoOf(weight);
      if (info->name.empty())
        info->name = llvm::StringRef(name).ltrim('_').str();
      if (!info->holder)
        info->holder = layer;
    }
  }
  if (state->graph)
    for (InstanceObject *inner : state->graph->layers)
      contents.layers.insert(inner);
  contents.layers.remove(layer);
  return contents;
}

/// Is the layer itself not frozen?
static bool isTrainable(InstanceObject *layer) {
  Value flag = attributeOf(layer, "_trainable");
  return !flag.is(ValueKind::Bool) || flag.asBool();
}

/// Weights are trainable if the model (`trainable`) and their own layers are.
void ModelBuilder::collectWeights(InstanceObject *layer, bool trainable,
                                  llvm::DenseSet<InstanceObject *> &seen,
                                  std::vector<WeightUse> &result) {
  if (!seen.insert(layer).second)
    return;
  bool own = trainable && isTrainable(layer);
  LayerContents contents = contentsOf(layer);
  auto add = [&](bool wanted) {
    for (TensorObject *weight : contents.weights) {
      model::WeightOp op = weightOf(weight);
      if (!op || op.getTrainable() != wanted)
        continue; // outside a model a weight is a constant
      if (llvm::none_of(result, [&](const WeightUse &use) {
            return use.weight->value == weight->value;
          }))
        result.push_back({weight, wanted && own});
    }
  };
  add(true);
  add(false);
  for (InstanceObject *inner : contents.layers)
    collectWeights(inner, trainable, seen, result);
}

std::vector<WeightUse> ModelBuilder::weightsOf(InstanceObject *layer) {
  std::vector<WeightUse> result;
  llvm::DenseSet<InstanceObject *> seen;
  collectWeights(layer, isTrainable(layer), seen, result);
  return result;
}

model::WeightOp ModelBuilder::weightOf(TensorObject *tensor) {
  if (tensor->variable)
    return mlir::cast<model::WeightOp>(tensor->variable);
  return tensor->value ? tensor->value.getDefiningOp<model::WeightOp>()
                       : model::WeightOp();
}

WeightInfo *ModelBuilder::infoOf(TensorObject *tensor) {
  auto it = weights.find(weightOf(tensor));
  return it == weights.end() ? nullptr : &it->second;
}

std::string ModelBuilder::pathOf(TensorObject *weight) {
  WeightInfo *info = infoOf(weight);
  std::string scope = info->scope;
  // A variable may have been made before the layer that holds it was called.
  if (info->holder) {
    std::string holder = nameOf(info->holder);
    if (scope.empty())
      scope = holder;
    else if (llvm::StringRef(scope).rsplit('/').second != holder &&
             scope != holder)
      scope += "/" + holder;
  }
  std::string name = info->name.empty() ? info->autoName : info->name;
  return scope.empty() ? name : scope + "/" + name;
}

Result ModelBuilder::inScope(InstanceObject *layer, Value function,
                             CallArgs args) {
  // A build that is called from its own layer's call is in the same scope.
  bool open = scopes.empty() || scopes.back().first != layer;
  if (open)
    scopes.emplace_back(layer, nameOf(layer));
  Result result = evaluator.call(function, std::move(args));
  if (open)
    scopes.pop_back();
  return result;
}
