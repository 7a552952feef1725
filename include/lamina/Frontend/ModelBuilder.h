//===- ModelBuilder.h - Keras's layers and models ---------------*- C++ -*-===//
//
// The state behind `Layer`, `Model`, `Input` and `Variable`, whose Python side
// is lib/Library/layer.lam. A program's tensors live in one block, the
// workspace: inputs, weights, and a `model.layer` for every call of a layer.
// A model is the part of it between inputs and outputs, copied out at the end.
//
//===----------------------------------------------------------------------===//

#ifndef LAMINA_FRONTEND_MODELBUILDER_H
#define LAMINA_FRONTEND_MODELBUILDER_H

#include "lamina/Frontend/ModelModule.h"
#include "lamina/Model/Model.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SetVector.h"

namespace lamina::frontend {

/// What a model computes: the part of the workspace between these tensors.
struct ModelGraph {
  Value inputs, outputs; // as the user gave them: in lists, tuples and dicts
  std::vector<TensorObject *> inputTensors, outputTensors;
  std::vector<InstanceObject *> layers; // in order of their calls
};

/// A call of a layer, to be made again in training.
struct RecordedCall {
  InstanceObject *layer = nullptr;
  CallArgs args; // as given
  Value outputs; // with their masks
};

/// The native state of a Layer instance.
struct LayerState {
  std::string className; // as summaries show it
  bool isModel = false;
  std::vector<TensorObject *> ownWeights; // made by add_weight, in order
  /// Of a functional or sequential model; of any other model, its first call
  /// on inputs.
  std::optional<ModelGraph> graph;
  /// What model.compile was given, and where.
  std::vector<std::pair<std::string, Value>> compileArgs;
  llvm::SMRange compiledAt;
};

/// What is known of a weight beyond its op.
struct WeightInfo {
  TensorObject *tensor = nullptr;
  std::string name;     // given, or of the attribute or variable that holds it
  std::string autoName; // Keras's, where nothing gives it another
  std::string scope;    // the open name scopes when it was made
  InstanceObject *holder = nullptr; // the layer that made or holds it
  Value regularizer, constraint;
};

struct InputInfo {
  TensorObject *tensor = nullptr;
  bool named = false; // by the user
};

/// The weights and layers directly in a layer.
struct LayerContents {
  llvm::SetVector<TensorObject *> weights;
  llvm::SetVector<InstanceObject *> layers;
};

/// A weight in a layer, which may have it frozen.
struct WeightUse {
  TensorObject *weight;
  bool trainable;
  std::string name = {}; // in the model that is written
};

/// What a call does in training besides computing its outputs.
struct Effects {
  /// The variables that were assigned, and what they were before.
  llvm::MapVector<TensorObject *, mlir::Value> assigned;
  std::vector<TensorObject *> losses;

  bool empty() const { return assigned.empty() && losses.empty(); }
};

/// A `model.entry` while it is traced.
struct EntryTrace {
  model::EntryOp op;
  bool isTraining = false;          // variables may be assigned
  std::vector<Effects> regions;     // that are open, the innermost last
  mlir::Value seed, key;            // the argument; its low word, spread
  mlir::Value firstRow;             // the seed's high word
  llvm::DenseSet<mlir::Value> keys; // of the step's draws
  unsigned draws = 0;               // without a seed
  llvm::DenseMap<Object *, unsigned> drawsOf; // a SeedGenerator
};

class ModelBuilder {
public:
  explicit ModelBuilder(Evaluator &evaluator);
  ~ModelBuilder();

  /// Fixes the batch of inputs made later.
  void setBatch(int64_t size) { batch = size; }

  /// To be called when `value` was assigned to the variable `name`: an Input or
  /// Variable without a name takes it.
  void assigned(Value value, llvm::StringRef name);
  /// `.name`, `.trainable`, `.assign`, … of a weight; nothing if `tensor` is
  /// not a weight or has no such attribute of its own.
  std::optional<Result> attribute(TensorObject *tensor, llvm::StringRef name,
                                  llvm::SMRange at);

  /// The model called `name` (see buildModelModule) as a module.
  mlir::OwningOpRef<mlir::ModuleOp> buildModule(llvm::StringRef name,
                                                const TrainingOptions &options);

  // ---- behind the primitives of layer.lam
  Result initLayer(InstanceObject *layer, Value name, llvm::StringRef className,
                   bool isModel, llvm::SMRange at);
  Result addWeight(InstanceObject *layer, Value shape, Value initializer,
                   DType dtype, bool trainable, Value name, llvm::SMRange at);
  Result variable(Value value, std::optional<DType> dtype, bool trainable,
                  Value name, llvm::SMRange at);
  Result input(llvm::ArrayRef<Value> shape, DType dtype, Value name,
               llvm::SMRange at);
  Result callLayer(InstanceObject *layer, CallArgs args);
  /// `compute()`, a call of a library function or an operator by its name. On
  /// the tensors of a model that is being built it is an operation of it.
  Result operation(llvm::StringRef function, llvm::ArrayRef<Value> operands,
                   llvm::function_ref<Result()> compute);
  Result setGraph(InstanceObject *model, Value inputs, Value outputs,
                  llvm::SMRange at);
  Result callGraph(InstanceObject *model, Value inputs, llvm::SMRange at);
  /// The outputs of the model on its own inputs, by calling its layers again.
  Result replay(InstanceObject *model, bool training, llvm::SMRange at);
  /// Traces `function` into another entry of the model that is being written.
  /// It is called with the arguments that `arguments` describes, each by (role,
  /// name, shape, dtype), and returns (role, name, tensor) for each result.
  Result addEntry(llvm::StringRef name, Value arguments, Value function,
                  bool isTraining, bool standalone, llvm::SMRange at);
  /// A weight that is state of the optimizer.
  Result optimizerState(llvm::StringRef name, Value value, llvm::SMRange at);
  Result assign(TensorObject *variable, Value value, llvm::SMRange at);
  Result assignBy(TensorObject *variable, llvm::StringRef how, CallArgs &args);
  Result addLoss(Value loss, llvm::SMRange at);
  /// The losses added so far in the region that is being traced; they are
  /// forgotten.
  std::vector<Value> takeLosses();
  /// The entry that is being traced, or null.
  EntryTrace *entryTrace() { return entry ? &*entry : nullptr; }
  /// The weights of the model that is being written.
  llvm::ArrayRef<WeightUse> writtenWeights() const { return written; }
  /// The names of a graph's outputs: of the layers, as compile knows them, or
  /// of the compiled function's results.
  std::vector<std::string> outputNames(const ModelGraph &graph, bool asLayers);
  /// Calls `function` with the name scope of `layer` open.
  Result inScope(InstanceObject *layer, Value function, CallArgs args);
  /// The key for random bits: of `seed`; or of the weight that is being
  /// initialized; or another one for every draw of the program. In training it
  /// is another one in every step, and in every draw from a generator.
  Result randomKey(Value seed, llvm::SMRange at, Object *generator = nullptr);
  /// Random bits under a key; under one of a step in training those of the
  /// batch's samples.
  mlir::FailureOr<mlir::Value>
  randomBits(TensorObject *key, llvm::ArrayRef<Size> shape, llvm::SMRange at);

  /// Null if `value` is no initialized layer.
  LayerState *stateOf(InstanceObject *layer);
  LayerState *stateOf(Value value);
  std::string nameOf(InstanceObject *layer);
  LayerContents contentsOf(InstanceObject *layer);
  /// The weights of a layer and of the layers in it, in Keras's order.
  std::vector<WeightUse> weightsOf(InstanceObject *layer);
  /// Null if `tensor` is no weight.
  model::WeightOp weightOf(TensorObject *tensor);
  WeightInfo *infoOf(TensorObject *tensor);
  /// Keras's path of a weight: "outer/dense/kernel".
  std::string pathOf(TensorObject *weight);
  bool isInput(TensorObject *tensor);
  /// Keras's name for another object of the class: "dense", "dense_1".
  std::string autoName(llvm::StringRef className);
  /// Names are counted from the start again.
  void clearNames() { nameCounts.clear(); }
  /// All models, in order of creation.
  llvm::ArrayRef<InstanceObject *> allModels() const { return models; }

private:
  friend class LayerCall;
  friend class GraphCopy;
  friend class GraphReplay;
  friend class EffectsScope;
  friend class EntryBuilder;

  Evaluator &evaluator;
  std::optional<int64_t> batch;
  llvm::StringMap<unsigned> nameCounts;
  std::vector<std::pair<InstanceObject *, std::string>> scopes;
  llvm::DenseMap<mlir::Operation *, WeightInfo> weights;
  llvm::MapVector<mlir::Operation *, InputInfo> inputs;
  llvm::DenseMap<mlir::Operation *, RecordedCall> calls;
  std::vector<InstanceObject *> models;
  std::vector<mlir::Value> keys; // of the weights being initialized
  unsigned unseeded = 0;         // keys given to draws without a seed
  bool batchBound = false;
  bool inOperation = false;         // what it calls is part of it
  std::vector<Value> trainingFlags; // of the layers being called
  std::optional<EntryTrace> entry;
  // Of the model that is being written:
  std::vector<WeightUse> written;
  std::vector<model::EntryOp> entries;

  mlir::Block *workspaceBlock();
  bool inWorkspace();
  /// Where weights and inputs go: before the op of the workspace that is being
  /// built.
  void moveToWorkspace(mlir::OpBuilder &builder);
  std::string scopePath() const;
  void renameInput(model::InputOp op, TensorObject *tensor,
                   llvm::StringRef name);
  void collectWeights(InstanceObject *layer, bool trainable,
                      llvm::DenseSet<InstanceObject *> &seen,
                      std::vector<WeightUse> &result);
  mlir::LogicalResult openSeed(llvm::SMRange at);
  Result trainingKey(Value seed, Object *generator, llvm::SMRange at);
  mlir::LogicalResult traceEntries(InstanceObject *model,
                                   const TrainingOptions &options);
  /// The weights of the model, with the names that they get in its module.
  void nameWeights(InstanceObject *model,
                   const llvm::SetVector<mlir::Value> &used);
  /// A weight whose initial value `makeValue` emits; its type is `dtype` and
  /// `shape`, or what the value has.
  mlir::FailureOr<TensorObject *>
  makeWeight(std::optional<DType> dtype, std::optional<Shape> shape,
             bool trainable, WeightInfo info,
             llvm::function_ref<Result()> makeValue, llvm::SMRange at);
  mlir::LogicalResult isolate(model::WeightOp op, llvm::SMRange at);
  mlir::FailureOr<mlir::Value> constantWeight(model::WeightOp op);
};

/// The tensors in nested lists, tuples and dictionaries.
void flattenTensors(Value structure, std::vector<TensorObject *> &tensors);
bool hasTensors(Value structure);
/// The same structure with every tensor replaced.
Value mapTensors(Evaluator &evaluator, Value structure,
                 llvm::function_ref<Value(TensorObject *)> map);
/// Every symbol of `size` replaced.
Size substitute(const Size &size, const llvm::StringMap<Size> &symbols);
/// "MyLayer" → "my_layer", as Keras 3 does it.
std::string toSnakeCase(llvm::StringRef className);

} // namespace lamina::frontend

#endif // LAMINA_FRONTEND_MODELBUILDER_H
