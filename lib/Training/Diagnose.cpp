//===- Diagnose.cpp - where a number stopped being finite -----------------===//

#include "lamina/Training/Diagnose.h"
#include "lamina/Interpreter/Interpreter.h"
#include "lamina/Model/Model.h"
#include "lamina/Pipelines/Stages.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/OwningOpRef.h"
#include <cmath>

using namespace lamina;
using namespace mlir;

/// Makes the outputs of all layers outputs of the model, and describes each.
static std::vector<std::string> exposeLayers(model::ModelOp model) {
  auto output = cast<model::OutputOp>(model.getBody().front().getTerminator());
  OpBuilder builder(output);
  std::vector<std::string> layers;
  SmallVector<Value> values;
  SmallVector<Attribute> names, dims;
  for (auto layer : model.getBody().front().getOps<model::LayerOp>())
    for (Value value : layer.getOutputs()) {
      layers.push_back(
          ("layer '" + layer.getName() + "' (" + layer.getClassName() + ")")
              .str());
      names.push_back(
          builder.getStringAttr("layer" + llvm::Twine(values.size())));
      values.push_back(value);
      SmallVector<Attribute> sizes;
      for (int64_t size : cast<RankedTensorType>(value.getType()).getShape())
        sizes.push_back(ShapedType::isDynamic(size)
                            ? Attribute(builder.getStringAttr("?"))
                            : builder.getI64IntegerAttr(size));
      dims.push_back(builder.getArrayAttr(sizes));
    }
  model::OutputOp::create(builder, output.getLoc(), values,
                          builder.getArrayAttr(names),
                          builder.getArrayAttr(dims));
  output.erase();
  return layers;
}

static llvm::StringRef nameOf(double value) {
  return std::isnan(value) ? "nan" : value < 0 ? "-inf" : "inf";
}

llvm::Expected<std::string> lamina::findLayer(ModuleOp module,
                                              const NamedArrays &weights,
                                              const Batch &batch,
                                              const Options &options) {
  OwningOpRef<ModuleOp> copy = module.clone();
  std::vector<std::string> layers;
  for (auto model : copy->getOps<model::ModelOp>())
    layers = exposeLayers(model);
  if (layers.empty() ||
      failed(runStages(*copy, *findStage("model"), *findStage("lam"), options)))
    return llvm::createStringError("the layers cannot be run one by one");
  auto forward = copy->lookupSymbol<func::FuncOp>("forward");
  std::vector<NDArray> arguments;
  size_t next = 0;
  for (unsigned i = 0; i < forward.getNumArguments(); ++i) {
    auto role = forward.getArgAttrOfType<StringAttr>(i, "lamina.role");
    auto name = forward.getArgAttrOfType<StringAttr>(i, "lamina.name");
    if (role.getValue() == "input") {
      arguments.push_back(batch.inputs[next++]);
      continue;
    }
    for (const auto &[weight, array] : weights)
      if (weight == name.getValue())
        arguments.push_back(array);
  }
  FailureOr<std::vector<NDArray>> results = interpret(forward, arguments);
  if (failed(results))
    return llvm::createStringError("the layers cannot be run one by one");
  for (auto [layer, array] : llvm::zip_equal(layers, *results))
    if (auto bad = firstNonFinite(array, 0, array.size()))
      return "the output of " + layer + " has " +
             nameOf(array.getDouble(*bad)).str() + " at " +
             placeOf(*bad, array.shape());
  return std::string();
}
