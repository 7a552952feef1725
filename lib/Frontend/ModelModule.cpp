//===- ModelModule.cpp - the model IR of an evaluated program -------------===//
#include "lamina/Frontend/ModelModule.h"
#include "GraphCopy.h"
#include "LayerCall.h"
#include "lamina/Frontend/ModelBuilder.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Verifier.h"

using namespace lamina;
using namespace lamina::frontend;
using mlir::failed;

void frontend::loadDialects(mlir::MLIRContext &context) {
  context.loadDialect<mlir::arith::ArithDialect, mlir::func::FuncDialect,
                      mlir::tensor::TensorDialect, lam::LamDialect,
                      model::ModelDialect>();
}

void frontend::setBatch(Evaluator &evaluator, int64_t batch) {
  evaluator.models().setBatch(batch);
}

mlir::OwningOpRef<mlir::ModuleOp>
frontend::buildModelModule(Evaluator &evaluator, llvm::StringRef modelName,
                           const TrainingOptions &options) {
  return evaluator.models().buildModule(modelName, options);
}

//===----------------------------------------------------------------------===//
// Which model
//===----------------------------------------------------------------------===//

namespace {

struct Candidate {
  InstanceObject *model = nullptr;
  std::string variable; // the global that holds it, or ""
};

/// Copies one model's graph into a module of its own.
class ModuleWriter {
public:
  ModuleWriter(Evaluator &evaluator, const Candidate &candidate,
               llvm::ArrayRef<model::EntryOp> entries)
      : evaluator(evaluator), models(evaluator.models()),
        model(candidate.model), state(*models.stateOf(candidate.model)),
        symbol(candidate.variable), entries(entries),
        builder(&evaluator.context()) {}

  mlir::OwningOpRef<mlir::ModuleOp> write();

private:
  Evaluator &evaluator;
  ModelBuilder &models;
  InstanceObject *model;
  LayerState &state;
  std::string symbol;
  llvm::ArrayRef<model::EntryOp> entries;
  mlir::OpBuilder builder;
  mlir::IRMapping mapping;
  llvm::StringMap<mlir::Value> sizes;
  llvm::SmallVector<llvm::StringRef> inputNames;
  llvm::StringSet<> names;

  void writeInputs();
  void writeWeights();
  void writeOutputs();
  void dissolveOwnLayer(mlir::Block &block);
  void eraseDead(mlir::Block &block);
  mlir::ArrayAttr dimsOf(TensorObject *tensor);
  std::string unique(std::string name);
};

} // namespace

static void sortCandidates(std::vector<Candidate> &candidates) {
  llvm::sort(candidates, [](const Candidate &a, const Candidate &b) {
    return a.variable < b.variable;
  });
}

static std::string listOf(Evaluator &evaluator,
                          llvm::ArrayRef<Candidate> candidates) {
  std::string text;
  for (const Candidate &candidate : candidates) {
    text += text.empty() ? "" : ", ";
    text += candidate.variable.empty()
                ? evaluator.models().nameOf(candidate.model)
                : candidate.variable;
  }
  return text;
}

static Candidate choose(Evaluator &evaluator, llvm::StringRef wanted) {
  ModelBuilder &models = evaluator.models();
  std::vector<Candidate> held, all;
  llvm::DenseSet<InstanceObject *> seen;
  for (auto &entry : evaluator.globals().names)
    if (LayerState *state = models.stateOf(entry.second);
        state && state->isModel)
      held.push_back({entry.second.as<InstanceObject>(), entry.first().str()});
  sortCandidates(held);
  for (const Candidate &candidate : held)
    if (seen.insert(candidate.model).second)
      all.push_back(candidate);
  size_t distinct = all.size();
  for (InstanceObject *model : models.allModels())
    if (seen.insert(model).second)
      all.push_back({model, ""});

  Diagnostics &diags = evaluator.diagnostics();
  std::string file;
  if (diags.sources().getNumBuffers())
    file = diags.sources()
               .getMemoryBuffer(diags.sources().getMainFileID())
               ->getBufferIdentifier()
               .str();
  auto nameOf = [&](const Candidate &candidate) {
    return models.nameOf(candidate.model);
  };
  if (!wanted.empty()) {
    for (const Candidate &candidate : held)
      if (candidate.variable == wanted)
        return candidate;
    for (const Candidate &candidate : all)
      if (nameOf(candidate) == wanted)
        return candidate;
    std::string names = listOf(evaluator, all);
    diags.errorInFile(file, "there is no model '" + wanted + "'" +
                                (names.empty() ? ": the file has no model"
                                               : "; the models are: " + names));
    return {};
  }
  for (const Candidate &candidate : held)
    if (candidate.variable == "model")
      return candidate;
  if (distinct == 1 || (distinct == 0 && all.size() == 1))
    return all.front();
  if (all.empty())
    diags.errorInFile(file, "there is no model: assign a Sequential or a Model "
                            "to the variable 'model'");
  else
    diags.errorInFile(file,
                      "there are several models and none is called 'model': "
                      "choose one with --model (" +
                          listOf(evaluator, all) + ")");
  return {};
}

mlir::OwningOpRef<mlir::ModuleOp>
ModelBuilder::buildModule(llvm::StringRef name,
                          const TrainingOptions &options) {
  Candidate candidate = choose(evaluator, name);
  if (!candidate.model)
    return nullptr;
  LayerState &state = *stateOf(candidate.model);
  std::string title = nameOf(candidate.model);
  if (!state.graph) {
    bool isSequential = candidate.model->attributes.contains("_layers");
    evaluator.diagnose(
        candidate.model->definedAt,
        "model '" + title + "' has no input: " +
            (isSequential
                 ? "begin it with keras.Input(shape=…), or call "
                   "model.build(input_shape)"
                 : "call it on an Input, as in model(keras.Input(shape=…))"));
    return nullptr;
  }
  if (candidate.variable.empty())
    candidate.variable = title;
  GraphCopy forward(*this, *state.graph);
  if (failed(forward.collect(candidate.model->definedAt)))
    return nullptr;
  nameWeights(candidate.model, forward.usedWeights());
  entries.clear();
  if (failed(traceEntries(candidate.model, options)))
    return nullptr;
  return ModuleWriter(evaluator, candidate, entries).write();
}

//===----------------------------------------------------------------------===//
// The module
//===----------------------------------------------------------------------===//

void ModelBuilder::nameWeights(InstanceObject *model,
                               const llvm::SetVector<mlir::Value> &used) {
  written = weightsOf(model);
  llvm::DenseSet<mlir::Value> seen;
  for (const WeightUse &use : written)
    seen.insert(use.weight->value);
  std::vector<mlir::Value> others(used.begin(), used.end());
  llvm::sort(others, [](mlir::Value a, mlir::Value b) {
    return a.getDefiningOp()->isBeforeInBlock(b.getDefiningOp());
  });
  for (mlir::Value value : others)
    if (seen.insert(value).second) {
      auto op = value.getDefiningOp<model::WeightOp>();
      written.push_back({weights[op].tensor, op.getTrainable(), ""});
    }
  std::string prefix = nameOf(model) + "/";
  llvm::StringSet<> weightNames;
  for (WeightUse &use : written) {
    std::string fullPath = pathOf(use.weight);
    llvm::StringRef path = fullPath;
    path.consume_front(prefix);
    use.name = path.str();
    for (unsigned i = 1; !weightNames.insert(use.name).second; ++i)
      use.name = path.str() + "_" + std::to_string(i);
  }
}

std::vector<std::string> ModelBuilder::outputNames(const ModelGraph &graph,
                                                   bool asLayers) {
  std::vector<std::string> names;
  if (auto *dict = graph.outputs.as<DictObject>())
    for (auto &[key, value] : dict->items) {
      std::vector<TensorObject *> tensors;
      flattenTensors(value, tensors);
      auto *text = key.as<StringObject>();
      for (size_t i = 0; i < tensors.size(); ++i)
        names.push_back(text ? text->text : evaluator.str(key));
    }
  bool alone = graph.outputTensors.size() == 1 && !asLayers;
  for (size_t i = names.size(); i < graph.outputTensors.size(); ++i) {
    auto layer = graph.outputTensors[i]->value.getDefiningOp<model::LayerOp>();
    names.push_back(alone ? "y" : layer ? layer.getName().str() : "output");
  }
  return names;
}

std::string ModuleWriter::unique(std::string name) {
  std::string result = name;
  for (unsigned i = 1; !names.insert(result).second; ++i)
    result = name + "_" + std::to_string(i);
  return result;
}

mlir::ArrayAttr ModuleWriter::dimsOf(TensorObject *tensor) {
  llvm::SmallVector<mlir::Attribute> dims;
  for (const Size &size : tensor->shape)
    dims.push_back(size.isStatic() ? mlir::Attribute(builder.getI64IntegerAttr(
                                         *size.value()))
                                   : builder.getStringAttr(size.str()));
  return builder.getArrayAttr(dims);
}

void ModuleWriter::writeInputs() {
  for (TensorObject *tensor : state.graph->inputTensors) {
    mlir::Location loc = tensor->value.getLoc();
    auto input = tensor->value.getDefiningOp<model::InputOp>();
    auto layer = tensor->value.getDefiningOp<model::LayerOp>();
    std::string name = input   ? input.getName().str()
                       : layer ? layer.getName().str()
                               : "input";
    auto op = model::InputOp::create(builder, loc, tensor->value.getType(),
                                     unique(name), dimsOf(tensor));
    mapping.map(tensor->value, op.getResult());
    inputNames.push_back(op.getName());
  }
  for (TensorObject *tensor : state.graph->inputTensors)
    for (auto [i, size] : llvm::enumerate(tensor->shape)) {
      // Only what is a symbol itself can be read off an input.
      if (isSymbol(size) && !sizes.contains(size.str()))
        sizes[size.str()] = mlir::tensor::DimOp::create(
            builder, tensor->value.getLoc(), mapping.lookup(tensor->value), i);
    }
}

void ModuleWriter::writeWeights() {
  for (const WeightUse &use : models.writtenWeights()) {
    auto op = mlir::cast<model::WeightOp>(
        builder.clone(*use.weight->value.getDefiningOp(), mapping));
    op.setName(use.name);
    op.setTrainable(use.trainable);
  }
}

void ModuleWriter::writeOutputs() {
  llvm::SmallVector<mlir::Value> values;
  llvm::SmallVector<mlir::Attribute> outputNames, dims;
  std::vector<std::string> given =
      models.outputNames(*state.graph, /*asLayers=*/false);
  for (auto [tensor, name] : llvm::zip(state.graph->outputTensors, given)) {
    values.push_back(mapping.lookupOrDefault(tensor->value));
    outputNames.push_back(builder.getStringAttr(unique(name)));
    dims.push_back(dimsOf(tensor));
  }
  model::OutputOp::create(builder, builder.getUnknownLoc(), values,
                          builder.getArrayAttr(outputNames),
                          builder.getArrayAttr(dims));
}

/// The one layer of a model with a call of its own is the model itself.
void ModuleWriter::dissolveOwnLayer(mlir::Block &block) {
  for (mlir::Operation &op : llvm::make_early_inc_range(block)) {
    auto layer = mlir::dyn_cast<model::LayerOp>(op);
    if (!layer || layer.getName() != models.nameOf(model) ||
        layer.getClassName() != state.className)
      continue;
    mlir::Block &body = layer.getBody().front();
    auto yield = mlir::cast<model::YieldOp>(body.getTerminator());
    for (auto [arg, operand] :
         llvm::zip(body.getArguments(), layer.getOperands()))
      arg.replaceAllUsesWith(operand);
    layer->replaceAllUsesWith(yield.getOperands());
    block.getOperations().splice(layer->getIterator(), body.getOperations(),
                                 body.begin(), yield->getIterator());
    yield->erase();
    layer->erase();
    return;
  }
}

void ModuleWriter::eraseDead(mlir::Block &block) {
  for (mlir::Operation &op : llvm::make_early_inc_range(llvm::reverse(block))) {
    if (mlir::isOpTriviallyDead(&op)) {
      op.erase();
      continue;
    }
    for (mlir::Region &region : op.getRegions())
      for (mlir::Block &inner : region)
        eraseDead(inner);
  }
}

mlir::OwningOpRef<mlir::ModuleOp> ModuleWriter::write() {
  GraphCopy graph(models, *state.graph);
  if (failed(graph.collect(model->definedAt, entries)))
    return nullptr;
  mlir::Location loc = builder.getUnknownLoc();
  mlir::OwningOpRef<mlir::ModuleOp> module = mlir::ModuleOp::create(loc);
  (*module)->setAttr("lamina.model", builder.getStringAttr(symbol));
  builder.setInsertionPointToEnd(module->getBody());
  llvm::SmallVector<mlir::NamedAttribute> compile;
  for (auto &[name, value] : state.compileArgs)
    if (mlir::Attribute attr = toAttribute(evaluator, value))
      compile.emplace_back(name, attr);
  auto op = model::ModelOp::create(
      builder, loc, symbol, models.nameOf(model), state.className,
      compile.empty() ? mlir::DictionaryAttr()
                      : builder.getDictionaryAttr(compile));
  mlir::Block &block = op.getBody().emplaceBlock();
  builder.setInsertionPointToEnd(&block);
  writeInputs();
  writeWeights();
  bool ok = true;
  graph.copy(builder, mapping, [&](llvm::StringRef symbol) {
    auto it = sizes.find(symbol);
    if (it != sizes.end())
      return it->second;
    if (ok)
      (void)evaluator.error(model->definedAt,
                            "the model uses the size '" + symbol +
                                "' of an Input that is not its own");
    ok = false;
    return mlir::arith::ConstantIndexOp::create(builder, loc, 0).getResult();
  });
  writeOutputs();
  if (!ok)
    return nullptr;
  dissolveOwnLayer(block);
  eraseDead(block);
  if (failed(mlir::verify(*module)))
    return nullptr;
  return module;
}
