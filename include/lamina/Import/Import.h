//===- Import.h - models that Keras saved, as programs ----------*- C++ -*-===//
#ifndef LAMINA_IMPORT_IMPORT_H
#define LAMINA_IMPORT_IMPORT_H

#include "lamina/Import/ModelFile.h"
#include <string>
#include <utility>
#include <vector>

namespace lamina::import {

struct ImportOptions {
  std::vector<std::pair<std::string, std::string>>
      bindings;            // values of globals, as source text
  std::string definitions; // source text in front of the model
  std::string fileName;    // of the model
};

struct Imported {
  std::string program;             // the text of a .lam file
  std::vector<std::string> notes;  // what was repaired, or left out
  std::vector<std::string> errors; // why there is no program
};

/// The program that builds the model of `file`. Every error there is, is in
/// `errors`, not only the first.
Imported importModel(const ModelFile &file, const ImportOptions &options);

} // namespace lamina::import

#endif // LAMINA_IMPORT_IMPORT_H
