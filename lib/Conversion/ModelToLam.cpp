//===- ModelToLam.cpp - convert-model-to-lam ------------------------------===//
#include "lamina/Conversion/Passes.h"
#include "lamina/Interpreter/Interpreter.h"
#include "lamina/Model/Model.h"
#include "lamina/Support/Elements.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/Support/xxhash.h"

namespace lamina {
#define GEN_PASS_DEF_CONVERTMODELTOLAM
#include "lamina/Conversion/Passes.h.inc"
} // namespace lamina

using namespace mlir;
using namespace lamina;

/// Spreads the bits of a seed (splitmix64), so that neighbouring seeds give
/// unrelated keys.
static uint64_t mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

static NDArray keyOf(uint64_t seed, StringRef name) {
  uint64_t bits = mix(seed) ^ llvm::xxh3_64bits(name);
  NDArray key(DType::UInt32, {2});
  key.setInt(0, bits & 0xffffffff);
  key.setInt(1, bits >> 32);
  return key;
}

static FailureOr<ElementsAttr> initialValue(model::WeightOp weight,
                                            uint64_t seed) {
  Block &init = weight.getInit().front();
  // The usual case needs no interpretation.
  auto constant =
      init.getTerminator()->getOperand(0).getDefiningOp<lam::ConstantOp>();
  if (constant)
    return constant.getValue();
  FailureOr<std::vector<NDArray>> values =
      interpret(init, {keyOf(seed, weight.getName())});
  if (failed(values))
    return weight.emitError() << "the initial value of \"" << weight.getName()
                              << "\" could not be computed";
  return ElementsAttr(toElements(values->front(), weight.getContext()));
}

/// Replaces a layer, and the layers in it, by its body.
static void inlineLayer(model::LayerOp layer) {
  Block &body = layer.getBody().front();
  for (Operation &op : llvm::make_early_inc_range(body))
    if (auto inner = dyn_cast<model::LayerOp>(op))
      inlineLayer(inner);
  for (auto [arg, operand] :
       llvm::zip(body.getArguments(), layer.getOperands()))
    arg.replaceAllUsesWith(operand);
  Operation *yield = body.getTerminator();
  layer->replaceAllUsesWith(yield->getOperands());
  layer->getBlock()->getOperations().splice(layer->getIterator(),
                                            body.getOperations(), body.begin(),
                                            yield->getIterator());
  layer->erase();
}

namespace {

/// Builds the function of one model.
class ModelToFunction {
public:
  ModelToFunction(model::ModelOp model, uint64_t seed)
      : model(model), seed(seed), builder(model.getContext()) {}

  LogicalResult run();

private:
  model::ModelOp model;
  uint64_t seed;
  OpBuilder builder;

  NamedAttrList describe(StringRef role, StringAttr name, Attribute dims,
                         Type type);
  Attribute dimsOf(RankedTensorType type);
};

} // namespace

Attribute ModelToFunction::dimsOf(RankedTensorType type) {
  SmallVector<Attribute> dims;
  for (int64_t size : type.getShape())
    dims.push_back(builder.getI64IntegerAttr(size));
  return builder.getArrayAttr(dims);
}

NamedAttrList ModelToFunction::describe(StringRef role, StringAttr name,
                                        Attribute dims, Type type) {
  NamedAttrList attrs;
  attrs.set("lamina.role", builder.getStringAttr(role));
  attrs.set("lamina.name", name);
  attrs.set("lamina.dims", dims);
  Type element = cast<RankedTensorType>(type).getElementType();
  attrs.set("lamina.dtype",
            builder.getStringAttr(lamina::name(*fromMLIR(element))));
  return attrs;
}

LogicalResult ModelToFunction::run() {
  Block &body = model.getBody().front();
  SmallVector<Operation *> inputs, weights;
  SmallVector<model::LayerOp> layers;
  for (Operation &op : body) {
    if (isa<model::InputOp>(op))
      inputs.push_back(&op);
    else if (isa<model::WeightOp>(op))
      weights.push_back(&op);
    else if (auto layer = dyn_cast<model::LayerOp>(op))
      layers.push_back(layer);
  }
  SmallVector<NamedAttrList> argAttrs;
  SmallVector<Type> argTypes;
  for (Operation *op : inputs) {
    auto input = cast<model::InputOp>(op);
    argTypes.push_back(input.getType());
    argAttrs.push_back(describe("input", input.getNameAttr(), input.getDims(),
                                input.getType()));
  }
  for (Operation *op : weights) {
    auto weight = cast<model::WeightOp>(op);
    FailureOr<ElementsAttr> value = initialValue(weight, seed);
    if (failed(value))
      return failure();
    auto type = cast<RankedTensorType>(weight.getType());
    argTypes.push_back(type);
    argAttrs.push_back(
        describe("weight", weight.getNameAttr(), dimsOf(type), type));
    argAttrs.back().set("lamina.trainable",
                        builder.getBoolAttr(weight.getTrainable()));
    argAttrs.back().set("lamina.value", *value);
  }
  auto output = cast<model::OutputOp>(body.getTerminator());

  builder.setInsertionPoint(model);
  auto function = func::FuncOp::create(
      builder, model.getLoc(), "forward",
      builder.getFunctionType(argTypes, output->getOperandTypes()));
  Block *entry = function.addEntryBlock();
  for (auto [i, attrs] : llvm::enumerate(argAttrs))
    function.setArgAttrs(i, attrs);
  for (auto [i, value] : llvm::enumerate(output.getValues()))
    function.setResultAttrs(i, describe("output",
                                        cast<StringAttr>(output.getNames()[i]),
                                        output.getDims()[i], value.getType()));

  for (model::LayerOp layer : layers)
    inlineLayer(layer);
  for (auto [i, op] :
       llvm::enumerate(llvm::concat<Operation *>(inputs, weights))) {
    op->getResult(0).replaceAllUsesWith(entry->getArgument(i));
    op->erase();
  }
  builder.setInsertionPointToEnd(&body);
  func::ReturnOp::create(builder, output.getLoc(), output.getValues());
  output->erase();
  entry->getOperations().splice(entry->end(), body.getOperations());

  Operation *module = model->getParentOp();
  module->setAttr("lamina.model", model.getSymNameAttr());
  if (DictionaryAttr compile = model.getCompileAttr())
    module->setAttr("lamina.compile", compile);
  model->erase();
  return success();
}

namespace {

struct ConvertModelToLam
    : public lamina::impl::ConvertModelToLamBase<ConvertModelToLam> {
  using ConvertModelToLamBase::ConvertModelToLamBase;

  void runOnOperation() override {
    SmallVector<model::ModelOp> models(getOperation().getOps<model::ModelOp>());
    if (models.size() > 1) {
      models[1].emitError("a module to compile holds one model");
      return signalPassFailure();
    }
    for (model::ModelOp model : models)
      if (failed(ModelToFunction(model, seed).run()))
        return signalPassFailure();
  }
};

} // namespace
