//===- ModelWriter.h - from a configuration to a program --------*- C++ -*-===//
#ifndef LAMINA_IMPORT_MODELWRITER_H
#define LAMINA_IMPORT_MODELWRITER_H

#include "TreeBuilder.h"
#include "lamina/Import/Decompile.h"
#include "lamina/Import/Import.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"
#include <map>

namespace lamina::import {

using JSONObject = llvm::json::Object;
using JSONValue = llvm::json::Value;
using JSONArray = llvm::json::Array;
using ast::Expr;

/// Writes the program of one model.
class ModelWriter {
public:
  explicit ModelWriter(const ImportOptions &options)
      : options(options), tree(context) {}
  Imported run(const ModelFile &file);

private:
  const ImportOptions &options;
  ast::ASTContext context;
  TreeBuilder tree;
  Imported result;
  std::string definitions, statements;
  llvm::StringMap<std::string> defined; // what the definitions say of a name
  llvm::StringSet<> taken;              // names that variables must not have
  llvm::SetVector<llvm::StringRef> unknown; // layers that there are none of
  std::vector<std::string> imports;
  /// Of what Keras 3 changed, the file means what was before.
  bool isBeforeKeras3 = false;
  unsigned depth = 0;

  /// The tensors of the model being written: layer, call, output → variable.
  using Tensors =
      std::map<std::tuple<std::string, int64_t, int64_t>, std::string>;
  const Tensors *tensors = nullptr;

  void fail(const llvm::Twine &message) {
    result.errors.push_back(message.str());
  }

  // ModelWriter.cpp: models
  /// Writes a model, and gives the expression that it is.
  std::string model(const JSONObject &model, bool isOutermost);
  std::string sequential(const JSONObject &model);
  std::string functional(const JSONObject &model, const std::string &variable);
  bool callLayer(const JSONObject &layer, const JSONValue &node, int64_t index,
                 llvm::StringRef callee, const llvm::StringSet<> &several,
                 Tensors &made);
  std::string variable(llvm::StringRef name);
  void compile(const JSONValue &training, llvm::StringRef variable);
  std::string references(const JSONValue *value, bool isList);

  // LayerWriter.cpp: layers and their options
  std::string layer(const JSONObject &layer);
  std::string layerList(const JSONArray &layers);
  std::string constructor(llvm::StringRef className, llvm::StringRef space,
                          const JSONObject &config, llvm::StringRef layer);
  bool isDefault(llvm::StringRef className, llvm::StringRef key,
                 const JSONValue &value) const;

  // ValueWriter.cpp: values of a configuration
  Expr *value(const JSONValue &value, llvm::StringRef key = "");
  Expr *object(const JSONObject &object, llvm::StringRef key);
  std::string text(const Expr *expr);

  // FunctionWriter.cpp: functions
  /// The function that `config[key]` encodes, as an expression; empty if there
  /// is none.
  std::string function(const JSONObject &config, llvm::StringRef key,
                       llvm::StringRef layer);
  std::string decoded(llvm::StringRef code, const JSONValue *defaults,
                      const JSONValue *closure, llvm::StringRef layer,
                      llvm::StringRef key);
  std::string named(llvm::StringRef name, llvm::StringRef layer);
  void bindGlobals(const Function &function, llvm::StringRef layer);
  void define(llvm::StringRef name, std::string text);
  bool isDefined(llvm::StringRef name) const;
};

/// The bytes of marshalled code as Keras wrote them: base64, or as they are.
std::string codeBytes(llvm::StringRef text);

} // namespace lamina::import

#endif // LAMINA_IMPORT_MODELWRITER_H
