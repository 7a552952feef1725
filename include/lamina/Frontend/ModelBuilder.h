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

#include "lamina/Frontend/Evaluator.h"
#include "lamina/Model/Model.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SetVector.h"

namespace lamina::frontend {

/// What a model computes: its graph in the workspace, and what the user gave
/// to Model(inputs, outputs) around the tensors.
struct ModelGraph {
  Value inputs, outputs; // tensors in lists, tuples and dicts
  std::vector<TensorObject *> inputTensors, outputTensors;
};

/// The native state of a Layer instance.
struct LayerState {
  std::string className; // as summaries show it
  bool isModel = false;  // Model and Sequential
  bool building = false; // inside build, for errors about recursion
  unsigned calls = 0;
  std::vector<TensorObject *> ownWeights; // made by add_weight, in order
  std::string scope;                   // path of the first call: "outer/inner"
  Value callSignature;                 // of `call`
  std::optional<ModelGraph> graph;     // of a functional or sequential model
  std::optional<ModelGraph> firstCall; // of a subclassed model, on Inputs
  std::vector<std::pair<std::string, Value>> compileArgs;
};

/// What is known of a weight beyond its op.
struct WeightInfo {
  TensorObject *tensor = nullptr;
  std::string name; // explicit, or of the variable assigned to
  bool nameIsExplicit = false;
  std::string scope;               // open name scopes when it was made
  InstanceObject *owner = nullptr; // the layer whose add_weight made it
};

class ModelBuilder {
public:
  explicit ModelBuilder(Evaluator &evaluator);
  ~ModelBuilder();

  /// Makes the workspace the place where the tracer emits.
  void enterWorkspace();
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
  mlir::OwningOpRef<mlir::ModuleOp> buildModule(llvm::StringRef name);

  // ---- behind the primitives of layer.lam
  Result initLayer(InstanceObject *layer, Value name, llvm::StringRef className,
                   llvm::SMRange at);
  Result addWeight(InstanceObject *owner, Value shape, Value initializer,
                   DType dtype, bool trainable, Value name, llvm::SMRange at);
  Result variable(Value value, std::optional<DType> dtype, bool trainable,
                  Value name, llvm::SMRange at);
  Result input(llvm::ArrayRef<Value> shape, DType dtype, Value name,
               llvm::SMRange at);
  Result callLayer(InstanceObject *layer, CallArgs args);
  Result callGraph(InstanceObject *model, Value inputs, llvm::SMRange at);
  Result setGraph(InstanceObject *model, Value inputs, Value outputs,
                  llvm::SMRange at);
  /// Calls `function` with the name scope of `layer` open.
  Result inScope(InstanceObject *layer, Value function, CallArgs args);
  /// The key for random bits: of the weight being initialized, or of `seed`.
  Result randomKey(Value seed, llvm::SMRange at);

  LayerState *stateOf(InstanceObject *layer);
  LayerState *stateOf(Value value);
  /// The weights of a layer and of the layers in it, in Keras's order.
  std::vector<TensorObject *> weightsOf(InstanceObject *layer);
  std::vector<InstanceObject *> sublayersOf(InstanceObject *layer);
  bool isTrainable(TensorObject *weight);
  /// Keras's name for another object of the class: "dense", "dense_1".
  std::string autoName(llvm::StringRef className);
  WeightInfo *infoOf(TensorObject *tensor);

private:
  friend class LayerCall;
  friend class GraphCopy;
  friend class ModuleBuilder;

  Evaluator &evaluator;
  mlir::OwningOpRef<mlir::ModuleOp> workspace;
  std::optional<int64_t> batch;
  llvm::StringMap<unsigned> nameCounts;
  std::vector<std::pair<InstanceObject *, std::string>> scopes;
  llvm::DenseMap<mlir::Operation *, WeightInfo> weights;
  llvm::DenseMap<mlir::Operation *, TensorObject *> inputs;
  llvm::DenseMap<mlir::Operation *, InstanceObject *> layerOfOp;
  std::vector<InstanceObject *> models; // in order of creation
  std::vector<mlir::Value> keys;        // of the weights being initialized

  mlir::Block *workspaceBlock();
  bool inWorkspace();
  std::string scopePath() const;
  mlir::FailureOr<mlir::Operation *>
  traceInit(mlir::RankedTensorType type, llvm::StringRef name, bool trainable,
            llvm::function_ref<Result()> value, llvm::SMRange at);
};

/// The tensors in nested lists, tuples and dictionaries.
void flattenTensors(Value structure, std::vector<TensorObject *> &tensors);
/// The same structure with every tensor replaced.
Value mapTensors(Evaluator &evaluator, Value structure,
                 llvm::function_ref<Value(TensorObject *)> map);
/// Every symbol of `size` replaced.
Size substitute(const Size &size, const llvm::StringMap<Size> &symbols);
/// "MyLayer" → "my_layer", as Keras 3 does it.
std::string toSnakeCase(llvm::StringRef className);

} // namespace lamina::frontend

#endif // LAMINA_FRONTEND_MODELBUILDER_H
