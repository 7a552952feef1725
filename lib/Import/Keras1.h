//===- Keras1.h - what Keras 1 called and stored differently ----*- C++ -*-===//
#ifndef LAMINA_IMPORT_KERAS1_H
#define LAMINA_IMPORT_KERAS1_H

#include "lamina/Import/ModelFile.h"

namespace lamina::import {

/// Gives the layers of a model, and those inside of them, the classes and
/// options that Keras 2 has for the same. A layer of Keras 1 is told by an
/// option that only it has. True if there was one.
bool modernizeLayers(llvm::json::Value &model);

/// Gives the weights of Keras 1 the order and the axes that Keras 2 has for
/// them: one array for all gates of a recurrent layer, kernels as rows,
/// columns, inputs, outputs. The layers of `file.config` are modernized.
llvm::Error modernizeWeights(ModelFile &file);

} // namespace lamina::import

#endif // LAMINA_IMPORT_KERAS1_H
