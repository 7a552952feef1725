//===- ModelToLam.cpp - convert-model-to-lam ------------------------------===//
#include "lamina/Conversion/Passes.h"
#include "lamina/Interpreter/Interpreter.h"
#include "lamina/Model/Model.h"
#include "lamina/Support/Elements.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
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

/// Replaces a layer by its body.
static void inlineLayer(model::LayerOp layer) {
  Block &body = layer.getBody().front();
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

static void eraseDead(Block &block) {
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(block)))
    if (isOpTriviallyDead(&op))
      op.erase();
}

namespace {

/// Builds the functions of one model: `forward`, and one for every entry.
class ModelToFunctions {
public:
  ModelToFunctions(model::ModelOp model, uint64_t seed)
      : model(model), body(model.getBody().front()), seed(seed),
        builder(model.getContext()) {}

  LogicalResult run();

private:
  /// An argument of a function and what stands for it in the model.
  struct Argument {
    Value value;
    NamedAttrList attrs;
  };

  model::ModelOp model;
  Block &body;
  uint64_t seed;
  OpBuilder builder;
  SmallVector<Argument> inputs, weights, optimizer;

  NamedAttrList describe(StringRef role, StringAttr name, Attribute dims,
                         Type type);
  NamedAttrList describe(Attribute attrs, Type type);
  Attribute dimsOf(RankedTensorType type);
  LogicalResult collectArguments();
  /// A function of these arguments with a copy of the model's operations, the
  /// operations of `entry`, and its terminator as what it returns.
  void emit(StringRef name, ArrayRef<Argument> arguments, Block &entry,
            ArrayRef<NamedAttrList> results);
  void emitForward();
  void emitEntry(model::EntryOp entry);
};

} // namespace

Attribute ModelToFunctions::dimsOf(RankedTensorType type) {
  SmallVector<Attribute> dims;
  for (int64_t size : type.getShape())
    dims.push_back(builder.getI64IntegerAttr(size));
  return builder.getArrayAttr(dims);
}

NamedAttrList ModelToFunctions::describe(StringRef role, StringAttr name,
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

/// What an entry says of an argument or result, and its dtype.
NamedAttrList ModelToFunctions::describe(Attribute attrs, Type type) {
  auto dict = cast<DictionaryAttr>(attrs);
  NamedAttrList result =
      describe(model::EntryOp::roleOf(attrs), dict.getAs<StringAttr>("name"),
               dict.get("dims"), type);
  for (NamedAttribute attr : dict)
    result.set(("lamina." + attr.getName().getValue()).str(), attr.getValue());
  return result;
}

LogicalResult ModelToFunctions::collectArguments() {
  for (auto input : body.getOps<model::InputOp>())
    inputs.push_back(
        {input.getResult(), describe("input", input.getNameAttr(),
                                     input.getDims(), input.getType())});
  for (auto weight : body.getOps<model::WeightOp>()) {
    FailureOr<ElementsAttr> value = initialValue(weight, seed);
    if (failed(value))
      return failure();
    auto type = cast<RankedTensorType>(weight.getType());
    bool isState = weight.getOptimizer();
    NamedAttrList attrs = describe(isState ? "optimizer" : "weight",
                                   weight.getNameAttr(), dimsOf(type), type);
    attrs.set("lamina.trainable", builder.getBoolAttr(weight.getTrainable()));
    attrs.set("lamina.value", *value);
    (isState ? optimizer : weights).push_back({weight.getResult(), attrs});
  }
  return success();
}

void ModelToFunctions::emit(StringRef name, ArrayRef<Argument> arguments,
                            Block &entry, ArrayRef<NamedAttrList> results) {
  SmallVector<Type> types;
  for (const Argument &argument : arguments)
    types.push_back(argument.value.getType());
  Operation *terminator = entry.getTerminator();
  builder.setInsertionPoint(model);
  auto function = func::FuncOp::create(
      builder, entry.getParentOp()->getLoc(), name,
      builder.getFunctionType(types, terminator->getOperandTypes()));
  Block *block = function.addEntryBlock();
  IRMapping mapping;
  for (auto [i, argument] : llvm::enumerate(arguments)) {
    function.setArgAttrs(i, argument.attrs);
    mapping.map(argument.value, block->getArgument(i));
  }
  for (auto [i, attrs] : llvm::enumerate(results))
    function.setResultAttrs(i, attrs);
  builder.setInsertionPointToEnd(block);
  auto copy = [&](Block &from) {
    for (Operation &op : from.without_terminator())
      if (!isa<model::InputOp, model::WeightOp, model::EntryOp>(op))
        builder.clone(op, mapping);
  };
  copy(body);
  if (&entry != &body)
    copy(entry);
  SmallVector<Value> returned;
  for (Value value : terminator->getOperands())
    returned.push_back(mapping.lookupOrDefault(value));
  func::ReturnOp::create(builder, terminator->getLoc(), returned);
  eraseDead(*block);
}

void ModelToFunctions::emitForward() {
  auto output = cast<model::OutputOp>(body.getTerminator());
  SmallVector<NamedAttrList> results;
  for (auto [value, name, dims] :
       llvm::zip(output.getValues(), output.getNames(), output.getDims()))
    results.push_back(
        describe("output", cast<StringAttr>(name), dims, value.getType()));
  SmallVector<Argument> arguments(inputs);
  llvm::append_range(arguments, weights);
  emit("forward", arguments, body, results);
}

void ModelToFunctions::emitEntry(model::EntryOp entry) {
  Block &block = entry.getBody().front();
  SmallVector<Argument> arguments, last;
  if (!entry.getStandalone())
    arguments = inputs;
  for (auto [arg, attrs] : llvm::zip(block.getArguments(), entry.getArgAttrs()))
    (model::EntryOp::roleOf(attrs) == "seed" ? last : arguments)
        .push_back({arg, describe(attrs, arg.getType())});
  if (!entry.getStandalone())
    llvm::append_range(arguments, weights);
  // The whole state of the optimizer, or none of it.
  bool usesOptimizer = llvm::any_of(optimizer, [&](const Argument &state) {
    return llvm::any_of(state.value.getUsers(), [&](Operation *user) {
      return entry->isProperAncestor(user);
    });
  });
  if (usesOptimizer)
    llvm::append_range(arguments, optimizer);
  llvm::append_range(arguments, last);
  SmallVector<NamedAttrList> results;
  for (auto [attrs, value] :
       llvm::zip(entry.getResultAttrs(), block.getTerminator()->getOperands()))
    results.push_back(describe(attrs, value.getType()));
  emit(entry.getName(), arguments, block, results);
}

LogicalResult ModelToFunctions::run() {
  if (failed(collectArguments()))
    return failure();
  // Innermost first, also inside of derivative operators.
  SmallVector<model::LayerOp> layers;
  model.walk([&](model::LayerOp layer) { layers.push_back(layer); });
  llvm::for_each(layers, inlineLayer);
  emitForward();
  for (auto entry : body.getOps<model::EntryOp>())
    emitEntry(entry);

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
      if (failed(ModelToFunctions(model, seed).run()))
        return signalPassFailure();
  }
};

} // namespace
