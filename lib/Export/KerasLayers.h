//===- KerasLayers.h - layers that Keras has --------------------*- C++ -*-===//
#ifndef LAMINA_LIB_EXPORT_KERASLAYERS_H
#define LAMINA_LIB_EXPORT_KERASLAYERS_H

#include "mlir/IR/BuiltinAttributes.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/JSON.h"
#include <optional>

namespace lamina {

/// How the calls of a layer that was kept look in `forward`: a call of a
/// function without a body, which has these attributes.
inline constexpr const char *keptLayer = "lamina.layer"; // its name
inline constexpr const char *keptClass = "lamina.class";
inline constexpr const char *keptConfig = "lamina.config";
inline constexpr const char *keptInputs = "lamina.inputs"; // how many
inline constexpr const char *keptMasks = "lamina.masks";
inline constexpr const char *keptWeights = "lamina.weights"; // their names

/// For each dimension of each result where its size comes from: an operand and
/// its dimension, or the name of a size of the model's inputs.
inline constexpr const char *keptSizes = "lamina.sizes";

/// A layer as Keras's configuration has it.
struct KerasLayer {
  std::string className;
  llvm::json::Object config;
};

/// The layer of Keras that does what one of the library does, with its options;
/// nothing if there is none.
std::optional<KerasLayer> kerasLayer(llvm::StringRef className,
                                     mlir::DictionaryAttr config);

/// Where a layer with `count` weights keeps them: a group of the HDF5 file, and
/// how many are in it.
llvm::SmallVector<std::pair<std::string, unsigned>>
weightGroups(llvm::StringRef className, mlir::DictionaryAttr config,
             unsigned count);

/// Does Keras's layer take its inputs as a list?
bool takesList(llvm::StringRef className);
bool isRecurrent(llvm::StringRef className);

} // namespace lamina

#endif // LAMINA_LIB_EXPORT_KERASLAYERS_H
