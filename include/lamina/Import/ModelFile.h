//===- ModelFile.h - what is in a file that Keras saved ---------*- C++ -*-===//
#ifndef LAMINA_IMPORT_MODELFILE_H
#define LAMINA_IMPORT_MODELFILE_H

#include "lamina/Support/Npy.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/JSON.h"
#include <optional>
#include <string>

namespace lamina::import {

/// The arrays of one layer, in Keras's order.
struct LayerWeights {
  std::string layer; // with the models around it: "encoder/dense"
  NamedArrays
      arrays; // by the names that the file has for them, which may be numbers
};

struct ModelFile {
  llvm::json::Value config = nullptr;        // {"class_name": …, "config": …}
  std::optional<llvm::json::Value> training; // optimizer, loss
  std::string writer; // "Keras 2.2.4", if the file says so
  /// Layers were those of Keras 1, which stored some weights differently.
  bool isKeras1 = false;
  std::vector<LayerWeights> weights;
};

/// Is `path` named like a file that Keras saves?
bool isModelFile(llvm::StringRef path);

/// Reads a `.keras`, `.h5` or `.json` file image, told apart by how it begins.
llvm::Expected<ModelFile> readModelFile(llvm::StringRef bytes,
                                        bool withWeights = true);

/// The weights of an `.h5` or `.weights.h5` file, with or without a model in it,
/// instead of those that `file` has. Names of layers come from the file, or from
/// the configuration that `file` has.
llvm::Error readWeightsFile(llvm::StringRef bytes, ModelFile &file);

/// Parses Python's JSON. `1.0` is {"class_name": "__float__", "config": "1.0"},
/// so that it is not taken for `1`; so are NaN and Infinity.
llvm::Expected<llvm::json::Value> parsePythonJSON(llvm::StringRef text);

/// "LSTMCell" → "lstm_cell": the names of `.keras` files and of operations.
std::string snakeCase(llvm::StringRef name);

} // namespace lamina::import

#endif // LAMINA_IMPORT_MODELFILE_H
