//===- KeepKerasLayers.cpp - layers that are written as layers ------------===//

#include "KerasLayers.h"
#include "lamina/Export/Export.h"
#include "lamina/Lam/Sizes.h"
#include "lamina/Model/Model.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;

namespace lamina {

/// Do these values depend on `source`?
static bool dependOn(ValueRange values, Value source) {
  SmallVector<Value> worklist(values);
  llvm::DenseSet<Value> seen;
  while (!worklist.empty()) {
    Value value = worklist.pop_back_val();
    if (value == source)
      return true;
    Operation *op = value.getDefiningOp();
    if (op && seen.insert(value).second) {
      llvm::append_range(worklist, op->getOperands());
      op->walk([&](Operation *inner) {
        llvm::append_range(worklist, inner->getOperands());
      });
    }
  }
  return false;
}

/// Is its call what Keras's layer does in prediction?
static bool isKept(model::LayerOp layer) {
  if (layer->hasAttr("own") || !layer.getEffects().empty() ||
      !kerasLayer(layer.getClassName(), layer.getConfig()))
    return false;
  size_t inputs = layer.getInputs().size(), masks = layer.getMasks().size();
  bool isLoop = isRecurrent(layer.getClassName());
  if (!isLoop && !takesList(layer.getClassName()) && inputs != 1)
    return false;
  Block &body = layer.getBody().front();
  ValueRange outputs =
      body.getTerminator()->getOperands().take_front(layer.getOutputs().size());
  for (BlockArgument mask : body.getArguments().slice(inputs, masks))
    if (!isLoop && dependOn(outputs, mask))
      return false;
  // Called with training=True, it has the statistics of the batch.
  if (layer.getClassName() == "BatchNormalization")
    for (Operation &op : body)
      if (isa<lam::ReduceOp>(op))
        return false;
  // Nobody else has its weights.
  for (Value weight : layer.getWeights())
    for (Operation *user : weight.getUsers()) {
      auto other = dyn_cast<model::LayerOp>(user);
      if (!other || other.getName() != layer.getName() ||
          other->getBlock() != layer->getBlock())
        return false;
    }
  return true;
}

/// See `keptSizes`.
static Attribute sizesOf(model::LayerOp layer) {
  Builder builder(layer);
  Block &body = layer.getBody().front();
  SmallVector<Attribute> results;
  ValueRange yielded = body.getTerminator()->getOperands();
  for (Value output : yielded.take_front(layer.getOutputs().size())) {
    SmallVector<Attribute> sizes;
    for (int64_t i = 0; i < cast<RankedTensorType>(output.getType()).getRank();
         ++i) {
      lam::SizeSource source = lam::sourceOfSize(output, i);
      if (auto value = dyn_cast_if_present<Value>(source.known))
        if (auto dim = value.getDefiningOp<tensor::DimOp>())
          source = lam::sourceOfSize(dim.getSource(), *dim.getConstantIndex());
      Attribute size = builder.getUnitAttr();
      auto argument = dyn_cast_if_present<BlockArgument>(source.tensor);
      auto input = source.tensor ? source.tensor.getDefiningOp<model::InputOp>()
                                 : model::InputOp();
      if (source.known)
        size = builder.getUnitAttr();
      else if (argument && argument.getOwner() == &body)
        size = builder.getI64ArrayAttr({argument.getArgNumber(), source.dim});
      else if (input)
        size = input.getDims()[source.dim];
      sizes.push_back(size);
    }
    results.push_back(builder.getArrayAttr(sizes));
  }
  return builder.getArrayAttr(results);
}

/// Replaces the call of a layer by that of a function without a body.
static void keep(model::LayerOp layer, ModuleOp module, unsigned number) {
  OpBuilder builder(layer);
  Block &body = layer.getBody().front();
  // Its masks are computed as everything else is.
  if (!layer.getOutputMasks().use_empty()) {
    IRMapping mapping;
    mapping.map(body.getArguments(), layer.getOperands());
    for (Operation &op : body.without_terminator())
      builder.clone(op, mapping);
    ValueRange yielded = body.getTerminator()->getOperands();
    for (auto [i, mask] : llvm::enumerate(layer.getOutputMasks()))
      mask.replaceAllUsesWith(
          mapping.lookupOrDefault(yielded[layer.getOutputs().size() + i]));
  }
  // All of its weights, in the order of the model, read here or not.
  SmallVector<Value> operands(layer.getInputs());
  llvm::append_range(operands, layer.getMasks());
  llvm::StringSet<> folders;
  for (Value weight : layer.getWeights())
    folders.insert(
        weight.getDefiningOp<model::WeightOp>().getName().rsplit('/').first);
  SmallVector<Attribute> names;
  bool isTrainable = layer.getWeights().empty();
  for (auto weight : layer->getBlock()->getOps<model::WeightOp>())
    if (folders.contains(weight.getName().rsplit('/').first)) {
      operands.push_back(weight);
      names.push_back(weight.getNameAttr());
      isTrainable |= weight.getTrainable();
    }
  std::string symbol = "layer_" + std::to_string(number);
  auto type = builder.getFunctionType(TypeRange(ValueRange(operands)),
                                      layer.getOutputs().getTypes());
  OpBuilder atEnd = OpBuilder::atBlockEnd(module.getBody());
  func::FuncOp::create(atEnd, layer.getLoc(), symbol, type).setPrivate();
  auto call = func::CallOp::create(builder, layer.getLoc(), symbol,
                                   layer.getOutputs().getTypes(), operands);
  call->setAttr(keptLayer, layer.getNameAttr());
  call->setAttr(keptClass, layer.getClassNameAttr());
  call->setAttr(keptConfig, layer.getConfig());
  call->setAttr(keptInputs,
                builder.getI64IntegerAttr(layer.getInputs().size()));
  call->setAttr(keptMasks, builder.getI64IntegerAttr(layer.getMasks().size()));
  call->setAttr(keptSizes, sizesOf(layer));
  call->setAttr(keptWeights, builder.getArrayAttr(names));
  call->setAttr("lamina.trainable", builder.getBoolAttr(isTrainable));
  for (auto [old, now] : llvm::zip(layer.getOutputs(), call.getResults()))
    old.replaceAllUsesWith(now);
  layer.erase();
}

void keepKerasLayers(ModuleOp module) {
  unsigned number = 0;
  for (auto model : module.getOps<model::ModelOp>()) {
    SmallVector<model::LayerOp> layers(
        model.getBody().front().getOps<model::LayerOp>());
    // All calls of a layer are kept, or none.
    llvm::StringMap<bool> isWhole;
    for (model::LayerOp layer : layers) {
      bool kept = isKept(layer);
      auto [entry, isNew] = isWhole.try_emplace(layer.getName(), kept);
      entry->second = entry->second && kept;
    }
    for (model::LayerOp layer : layers)
      if (isWhole.lookup(layer.getName()))
        keep(layer, module, number++);
  }
}

} // namespace lamina
