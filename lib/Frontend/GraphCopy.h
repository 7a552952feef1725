//===- GraphCopy.h - the graph between tensors, and copies of it -*- C++
//-*-===//
#ifndef LAMINA_LIB_FRONTEND_GRAPHCOPY_H
#define LAMINA_LIB_FRONTEND_GRAPHCOPY_H

#include "lamina/Frontend/ModelBuilder.h"

namespace lamina::frontend {

/// The ops of the workspace that a graph's outputs need, up to its inputs, and
/// copies of them elsewhere. Sizes are not copied: a symbol is given the value
/// it has at the new place.
class GraphCopy {
public:
  GraphCopy(ModelBuilder &models, const ModelGraph &graph)
      : models(models), graph(graph) {}

  /// Finds the ops; an error names what is not connected. What `others` use
  /// is needed as well, and they themselves.
  mlir::LogicalResult collect(llvm::SMRange at,
                              llvm::ArrayRef<model::EntryOp> others = {});

  llvm::ArrayRef<mlir::Operation *> ops() const { return ordered; }
  const llvm::SetVector<mlir::Value> &usedWeights() const { return weights; }

  /// Copies the ops; `mapping` holds the inputs and weights, `sizeOf` gives the
  /// value of a symbol.
  void copy(mlir::OpBuilder &builder, mlir::IRMapping &mapping,
            llvm::function_ref<mlir::Value(llvm::StringRef)> sizeOf);

private:
  ModelBuilder &models;
  const ModelGraph &graph;
  std::vector<mlir::Operation *> ordered;
  llvm::SetVector<mlir::Value> weights;

  mlir::LogicalResult visit(TensorObject *output, mlir::Value from,
                            llvm::DenseSet<mlir::Operation *> &needed,
                            llvm::SMRange at);
  mlir::FailureOr<bool> reach(llvm::SmallVector<mlir::Value> worklist,
                              llvm::DenseSet<mlir::Operation *> &needed,
                              llvm::SMRange at);
};

/// Is the size a symbol and nothing else, such as `n`?
bool isSymbol(const Size &size);

/// The symbol that a `tensor.dim` of an input stands for, or "".
llvm::StringRef symbolOf(mlir::Operation *op);

} // namespace lamina::frontend

#endif // LAMINA_LIB_FRONTEND_GRAPHCOPY_H
