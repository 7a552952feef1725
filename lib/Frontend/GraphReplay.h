//===- GraphReplay.h - the calls of a graph made again ----------*- C++ -*-===//
#ifndef LAMINA_LIB_FRONTEND_GRAPHREPLAY_H
#define LAMINA_LIB_FRONTEND_GRAPHREPLAY_H

#include "GraphCopy.h"

namespace lamina::frontend {

/// Computes a graph's outputs by calling its layers again, on other inputs and
/// in training or not; operations between the layers are copied.
class GraphReplay {
public:
  GraphReplay(ModelBuilder &models, const ModelGraph &graph,
              const llvm::StringMap<Size> &symbols, bool training)
      : models(models), evaluator(models.evaluator), graph(graph),
        symbols(symbols), training(training) {}

  /// `inputs` are in the order of the graph's, of the same dtypes.
  Result run(llvm::ArrayRef<TensorObject *> inputs, llvm::SMRange at);

private:
  ModelBuilder &models;
  Evaluator &evaluator;
  const ModelGraph &graph;
  const llvm::StringMap<Size> &symbols; // of the graph, as they are here
  bool training;
  llvm::DenseMap<mlir::Value, TensorObject *> known;
  mlir::IRMapping mapping; // to values of the same types

  void map(TensorObject *from, TensorObject *to);
  Value replaced(TensorObject *tensor);
  mlir::LogicalResult callAgain(const RecordedCall &call);
};

} // namespace lamina::frontend

#endif // LAMINA_LIB_FRONTEND_GRAPHREPLAY_H
