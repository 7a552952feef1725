//===- CompiledModel.h - compiled code called in process --------*- C++ -*-===//
#ifndef LAMINA_TARGET_COMPILEDMODEL_H
#define LAMINA_TARGET_COMPILEDMODEL_H

#include "lamina/Pipelines/Options.h"
#include "lamina/Support/NDArray.h"
#include "lamina/Transforms/Signature.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/Error.h"
#include <memory>

namespace lamina {

/// What training changes, held by the caller: arrays in the order of the
/// signature's `weights` and `optimizer`.
struct TrainingState {
  std::vector<NDArray> weights, optimizer;
};

/// The entry points of a module, compiled for this machine and ready to be
/// called with arrays, through the same C interface that an object has.
class CompiledModel {
public:
  /// From a module of stage `llvm-mlir`.
  static llvm::Expected<std::unique_ptr<CompiledModel>>
  create(mlir::ModuleOp module, const Options &options);
  ~CompiledModel();

  const Signature &signature() const;
  llvm::Expected<const EntryPoint *> findEntry(llvm::StringRef name) const;

  /// Calls the entry point `name` with its inputs in order, and either all
  /// weights in the signature's order or none for the embedded ones. Inputs are
  /// all arguments but weights and optimizer's state; a seed is uint32[2], the
  /// low word first, as for the interpreter. Number, dtypes and shapes are
  /// checked; the error names the argument.
  llvm::Expected<std::vector<NDArray>>
  run(llvm::StringRef name, llvm::ArrayRef<NDArray> inputs,
      llvm::ArrayRef<NDArray> weights = {});

  /// The same with the caller's state, in which updates are made in place. The
  /// results are those that are not updates.
  llvm::Expected<std::vector<NDArray>> run(llvm::StringRef name,
                                           llvm::ArrayRef<NDArray> inputs,
                                           TrainingState &state);

  /// The initial values of weights and state, for a model that has an entry
  /// point with updates.
  llvm::Expected<TrainingState> initialState();

  /// The shapes of the results of `entry`, with its unknown sizes in the order
  /// of `entry.symbols`; an error if one would be negative.
  llvm::Expected<std::vector<llvm::SmallVector<int64_t>>>
  resultShapes(const EntryPoint &entry, llvm::ArrayRef<int64_t> symbols);

  /// The address of a symbol of the code: what the object has, and of every
  /// function F but those of errors `F_packed`, which takes its arguments in an
  /// array of 8-byte words.
  llvm::Expected<void *> lookup(const std::string &symbol);

private:
  struct State;
  explicit CompiledModel(std::unique_ptr<State> state);
  std::unique_ptr<State> state;

  llvm::Expected<std::vector<NDArray>> call(llvm::StringRef name,
                                            llvm::ArrayRef<NDArray> inputs,
                                            llvm::ArrayRef<NDArray> weights,
                                            llvm::ArrayRef<NDArray> optimizer);
};

} // namespace lamina

#endif // LAMINA_TARGET_COMPILEDMODEL_H
