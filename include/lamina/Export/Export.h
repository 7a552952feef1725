//===- Export.h - models as files of other frameworks -----------*- C++ -*-===//
#ifndef LAMINA_EXPORT_EXPORT_H
#define LAMINA_EXPORT_EXPORT_H

#include "mlir/IR/BuiltinOps.h"
#include <string>

namespace lamina {

/// Lets the operations of a module of stage `model` remember in which layers
/// they are, for the names of what is written. To be called before its layers
/// are dissolved.
void rememberLayers(mlir::ModuleOp module);

/// The ONNX file (opset 18) of the function `forward` of a module of stage
/// `grad`: weights are initializers under their names, sizes that are not known
/// are dimensions under theirs. What ONNX has no operators for is one error
/// that lists all of it.
mlir::FailureOr<std::string> exportOnnx(mlir::ModuleOp module);

/// Replaces the calls of layers that Keras has too, in a module of stage
/// `model`, by calls of functions without a body, which `exportKeras` writes as
/// those layers.
void keepKerasLayers(mlir::ModuleOp module);

/// The archive (.keras) with the function `forward` of a module of stage `grad`
/// as a functional model of Keras's layers and operations. What Keras has
/// nothing for is one error that lists all of it.
mlir::FailureOr<std::string> exportKeras(mlir::ModuleOp module);

} // namespace lamina

#endif // LAMINA_EXPORT_EXPORT_H
