//===- Scan.h - what is in a model file, and what loading runs --*- C++ -*-===//
#ifndef LAMINA_IMPORT_SCAN_H
#define LAMINA_IMPORT_SCAN_H

#include "lamina/Import/ModelFile.h"
#include <string>
#include <vector>

namespace lamina::import {

/// A body in bytecode.
struct ScannedFunction {
  std::string text;    // as source; empty if it cannot be decoded
  std::string version; // of Python that may have written it: "3.8 to 3.10"
};

/// A model, or a layer of one.
struct ScannedLayer {
  unsigned depth = 0; // in the models around it
  std::string className, name;
  std::vector<ScannedFunction> functions;
  /// What loading or calling it would run that is not arithmetic.
  std::vector<std::string> findings;
};

/// The model, then its layers.
std::vector<ScannedLayer> scan(const ModelFile &file);

} // namespace lamina::import

#endif // LAMINA_IMPORT_SCAN_H
