//===- Summary.h - a model as a table or a graph ----------------*- C++ -*-===//
#ifndef LAMINA_MODEL_SUMMARY_H
#define LAMINA_MODEL_SUMMARY_H

namespace llvm {
class raw_ostream;
}
namespace mlir {
class ModuleOp;
}

namespace lamina {

/// Prints every model of the module (stage `model`) as Keras's `summary()`
/// does.
void printSummary(mlir::ModuleOp module, llvm::raw_ostream &os);

/// Prints every model of the module (stage `model`) as a Graphviz graph.
void printDot(mlir::ModuleOp module, llvm::raw_ostream &os);

} // namespace lamina

#endif // LAMINA_MODEL_SUMMARY_H
