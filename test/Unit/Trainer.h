//===- Trainer.h - trains a program's model in the interpreter --*- C++ -*-===//
#ifndef LAMINA_TEST_UNIT_TRAINER_H
#define LAMINA_TEST_UNIT_TRAINER_H

#include "ModelProgram.h"

namespace lamina {

/// A model with its weights and the state of its optimizer, by name. All floats
/// are float64.
class Trainer {
public:
  explicit Trainer(llvm::StringRef text, bool sampleWeight = false)
      : program(text, "", 0, {/*entries=*/true, sampleWeight}) {
    if (!program.ok())
      return;
    for (llvm::StringRef entry : {"forward", "train_step"})
      if (mlir::func::FuncOp function = program.function(entry))
        for (unsigned i = 0; i < function.getNumArguments(); ++i)
          if (auto value = function.getArgAttrOfType<mlir::ElementsAttr>(
                  i, "lamina.value"))
            state[textOf(function.getArgAttrDict(i), "name")] =
                *fromElements(value);
  }

  /// What an entry gives by name; it updates the state.
  std::map<std::string, NDArray> run(llvm::StringRef entry,
                                     std::map<std::string, NDArray> arguments) {
    std::map<std::string, NDArray> results;
    mlir::func::FuncOp function = program.function(entry);
    EXPECT_TRUE(bool(function)) << entry.str();
    if (!function)
      return results;
    std::vector<NDArray> values;
    for (unsigned i = 0; i < function.getNumArguments(); ++i) {
      mlir::DictionaryAttr attrs = function.getArgAttrDict(i);
      std::string name = textOf(attrs, "name"), role = textOf(attrs, "role");
      bool isState = role == "weight" || role == "optimizer";
      auto &from = isState ? state : arguments;
      EXPECT_TRUE(from.count(name)) << entry.str() << " needs " << name;
      values.push_back(from[name]);
    }
    mlir::FailureOr<std::vector<NDArray>> found =
        interpret(function, values, Rounding::None);
    EXPECT_TRUE(mlir::succeeded(found));
    if (mlir::failed(found))
      return results;
    for (unsigned i = 0; i < function.getNumResults(); ++i) {
      mlir::DictionaryAttr attrs = function.getResultAttrDict(i);
      if (textOf(attrs, "role") == "update")
        state[textOf(attrs, "of")] = (*found)[i];
      else
        results[textOf(attrs, "name")] = (*found)[i];
    }
    return results;
  }

  /// "role name; …" of an entry's arguments (or results).
  std::string signature(llvm::StringRef entry, bool results = false) {
    mlir::func::FuncOp function = program.function(entry);
    if (!function)
      return "none";
    std::string text;
    unsigned count =
        results ? function.getNumResults() : function.getNumArguments();
    for (unsigned i = 0; i < count; ++i) {
      mlir::DictionaryAttr attrs =
          results ? function.getResultAttrDict(i) : function.getArgAttrDict(i);
      text +=
          (i ? "; " : "") + textOf(attrs, "role") + " " + textOf(attrs, "name");
    }
    return text;
  }

  static std::string textOf(mlir::DictionaryAttr attrs, llvm::StringRef key) {
    return attrs.getAs<mlir::StringAttr>(("lamina." + key).str())
        .getValue()
        .str();
  }

  ModelProgram program;
  std::map<std::string, NDArray> state;
};

} // namespace lamina

#endif // LAMINA_TEST_UNIT_TRAINER_H
