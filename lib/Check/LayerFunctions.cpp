//===- LayerFunctions.cpp - the layers of a model as functions ------------===//

#include "LayerFunctions.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;
using namespace lamina;

namespace {
class Maker {
public:
  Maker(model::ModelOp model, LayerFunctions &result)
      : model(model), result(result), builder(model.getContext()) {}

  void run(ArrayRef<std::string> weights);

private:
  model::ModelOp model;
  LayerFunctions &result;
  OpBuilder builder;
  IRMapping mapping; // from the model to @points
  SmallVector<Value> points;
  DenseMap<Value, std::string> names; // of values of @points

  void cloneBody(Block &body);
  void cloneLayer(model::LayerOp layer);
  void addLayer(model::LayerOp layer);
};

/// Clones a body with the layers in it replaced by their bodies.
void inlineBody(OpBuilder &builder, Block &body, IRMapping &mapping) {
  for (Operation &op : body.without_terminator()) {
    auto layer = dyn_cast<model::LayerOp>(op);
    if (!layer) {
      builder.clone(op, mapping);
      continue;
    }
    Block &inner = layer.getBody().front();
    for (auto [argument, operand] :
         llvm::zip_equal(inner.getArguments(), layer.getOperands()))
      mapping.map(argument, mapping.lookup(operand));
    inlineBody(builder, inner, mapping);
    for (auto [value, yielded] : llvm::zip_equal(
             layer->getResults(), inner.getTerminator()->getOperands()))
      mapping.map(value, mapping.lookup(yielded));
  }
}

/// Whether a value that a layer uses from outside is computed again in it.
bool isRecomputed(Value value) {
  Operation *op = value.getDefiningOp();
  return op && op->getName().getDialectNamespace() != "model" &&
         op->getNumRegions() == 0;
}

/// The tensors that `value`, used from outside, is made of.
void collectSources(Value value, llvm::SetVector<Value> &sources,
                    llvm::SetVector<Operation *> &recomputed) {
  if (!isRecomputed(value)) {
    sources.insert(value);
    return;
  }
  for (Value operand : value.getDefiningOp()->getOperands())
    collectSources(operand, sources, recomputed);
  recomputed.insert(value.getDefiningOp());
}
} // namespace

void Maker::cloneBody(Block &body) {
  for (Operation &op : body.without_terminator()) {
    if (auto layer = dyn_cast<model::LayerOp>(op))
      cloneLayer(layer);
    else if (op.getName().getDialectNamespace() != "model")
      builder.clone(op, mapping);
  }
}

void Maker::cloneLayer(model::LayerOp layer) {
  addLayer(layer);
  Block &body = layer.getBody().front();
  for (auto [argument, operand] :
       llvm::zip_equal(body.getArguments(), layer.getOperands()))
    mapping.map(argument, mapping.lookup(operand));
  cloneBody(body);
  for (auto [value, yielded] : llvm::zip_equal(
           layer->getResults(), body.getTerminator()->getOperands()))
    mapping.map(value, mapping.lookup(yielded));
}

void Maker::addLayer(model::LayerOp layer) {
  LayerFunction function;
  function.name = layer.getName().str();
  function.className = layer.getClassName().str();
  function.firstPoint = points.size();
  unsigned inputs = layer.getInputs().size();
  for (auto [i, operand] : llvm::enumerate(layer.getOperands())) {
    std::string name = names.lookup(mapping.lookup(operand));
    if (i < inputs || name.empty())
      name = inputs == 1 ? "input" : "input " + std::to_string(i);
    function.arguments.push_back(name);
  }

  Block &body = layer.getBody().front();
  llvm::SetVector<Value> captured, sources;
  llvm::SetVector<Operation *> recomputed;
  getUsedValuesDefinedAbove(layer.getBody(), captured);
  for (Value value : captured)
    collectSources(value, sources, recomputed);

  OpBuilder layerBuilder(model.getContext());
  function.module = ModuleOp::create(layer.getLoc());
  auto f = func::FuncOp::create(layer.getLoc(), "layer",
                                layerBuilder.getFunctionType({}, {}));
  function.module->push_back(f);
  layerBuilder.createBlock(&f.getBody());
  IRMapping inner;
  auto addArgument = [&](Value from, Value to) {
    inner.map(to, f.getBody().addArgument(from.getType(), layer.getLoc()));
    points.push_back(mapping.lookup(from));
  };
  for (auto [operand, argument] :
       llvm::zip_equal(layer.getOperands(), body.getArguments()))
    addArgument(operand, argument);
  for (Value source : sources)
    addArgument(source, source);
  for (Operation *op : recomputed)
    layerBuilder.clone(*op, inner);
  inlineBody(layerBuilder, body, inner);
  SmallVector<Value> results;
  for (Value yielded : body.getTerminator()->getOperands())
    results.push_back(inner.lookup(yielded));
  func::ReturnOp::create(layerBuilder, layer.getLoc(), results);
  f.setFunctionType(layerBuilder.getFunctionType(
      f.getBody().getArgumentTypes(), ValueRange(results).getTypes()));
  result.layers.push_back(std::move(function));
}

void Maker::run(ArrayRef<std::string> weights) {
  result.module = ModuleOp::create(model.getLoc());
  result.points = func::FuncOp::create(model.getLoc(), "points",
                                       builder.getFunctionType({}, {}));
  result.module->push_back(result.points);
  Block *entry = builder.createBlock(&result.points.getBody());
  auto add = [&](Value value, StringRef name) {
    mapping.map(value, entry->addArgument(value.getType(), value.getLoc()));
    names[mapping.lookup(value)] = name.str();
  };
  Block &body = model.getBody().front();
  for (auto input : body.getOps<model::InputOp>())
    add(input.getResult(), input.getName());
  llvm::StringMap<model::WeightOp> byName;
  for (auto weight : body.getOps<model::WeightOp>())
    byName[weight.getName()] = weight;
  for (const std::string &weight : weights)
    add(byName.lookup(weight).getResult(), weight);
  cloneBody(body);
  func::ReturnOp::create(builder, model.getLoc(), points);
  result.points.setFunctionType(builder.getFunctionType(
      entry->getArgumentTypes(), ValueRange(points).getTypes()));
}

LayerFunctions lamina::makeLayerFunctions(model::ModelOp model,
                                          ArrayRef<std::string> weights) {
  LayerFunctions result;
  Maker(model, result).run(weights);
  return result;
}
