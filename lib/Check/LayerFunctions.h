//===- LayerFunctions.h - the layers of a model as functions ----*- C++ -*-===//
#ifndef LAMINA_LIB_CHECK_LAYERFUNCTIONS_H
#define LAMINA_LIB_CHECK_LAYERFUNCTIONS_H

#include "lamina/Model/Model.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace lamina {

/// A call of a layer as a function of its operands (inputs, masks, weights) and
/// of the tensors that it uses from outside.
struct LayerFunction {
  std::string name, className;
  mlir::OwningOpRef<mlir::ModuleOp> module; // with the function @layer
  std::vector<std::string> arguments;       // names of the operands
  /// Where the arguments are among the results of @points.
  unsigned firstPoint = 0;
};

/// A model as a function @points of its inputs and weights that gives every
/// tensor that reaches a layer, and its layers, inner ones too.
struct LayerFunctions {
  mlir::OwningOpRef<mlir::ModuleOp> module;
  mlir::func::FuncOp points;
  std::vector<LayerFunction> layers;
};

/// `weights` names the weights that are arguments of @points, behind the
/// inputs.
LayerFunctions makeLayerFunctions(model::ModelOp model,
                                  llvm::ArrayRef<std::string> weights);

} // namespace lamina

#endif // LAMINA_LIB_CHECK_LAYERFUNCTIONS_H
