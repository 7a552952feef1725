//===- LayerGraph.h - which layer feeds which -------------------*- C++ -*-===//
#ifndef LAMINA_LIB_MODEL_LAYERGRAPH_H
#define LAMINA_LIB_MODEL_LAYERGRAPH_H

#include "lamina/Model/Model.h"
#include "llvm/ADT/MapVector.h"

namespace lamina::model {

/// A layer of a model: an input, or all calls of one `model.layer` name.
struct LayerNode {
  llvm::StringRef name, className;
  std::vector<mlir::Operation *> calls;
  unsigned depth = 0; // the longest way to an output
  unsigned order = 0; // in a walk from the outputs, as Keras sorts
};

/// A result of a layer's call.
struct LayerResult {
  mlir::Operation *op;
  unsigned index;
};

class LayerGraph {
public:
  explicit LayerGraph(ModelOp model);

  /// The layers as Keras lists them: from the inputs to the outputs.
  std::vector<const LayerNode *> layers() const;
  /// What the inputs of a call come from, through operations between layers.
  std::vector<LayerResult> sourcesOf(mlir::Operation *call) const;
  std::vector<LayerResult> sourcesOf(mlir::Value value) const;
  /// Which call of its layer this is.
  unsigned callIndex(mlir::Operation *call) const;
  /// No branches, no shared layers: Keras then leaves out the connections.
  bool isChain() const;

private:
  ModelOp model;
  llvm::MapVector<llvm::StringRef, LayerNode> nodes;
  unsigned counter = 0;

  LayerNode *nodeOf(mlir::Operation *op);
  const LayerNode *nodeOf(mlir::Operation *op) const;
};

} // namespace lamina::model

#endif // LAMINA_LIB_MODEL_LAYERGRAPH_H
