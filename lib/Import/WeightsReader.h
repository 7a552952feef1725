//===- WeightsReader.h - what HDF5 files hold -------------------*- C++ -*-===//
#ifndef LAMINA_IMPORT_WEIGHTSREADER_H
#define LAMINA_IMPORT_WEIGHTSREADER_H

#include "lamina/Import/ModelFile.h"

namespace lamina::import {

/// Reads the `model.weights.h5` of an archive, whose configuration `file` has.
llvm::Error readStoredWeights(llvm::StringRef bytes, ModelFile &file);

/// Reads a legacy file: the configuration, and the weights if they are wanted.
llvm::Error readHdf5(llvm::StringRef bytes, bool withWeights, ModelFile &file);

} // namespace lamina::import

#endif // LAMINA_IMPORT_WEIGHTSREADER_H
