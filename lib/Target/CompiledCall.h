//===- CompiledCall.h - one call of an entry point --------------*- C++ -*-===//
#ifndef LAMINA_LIB_TARGET_COMPILEDCALL_H
#define LAMINA_LIB_TARGET_COMPILEDCALL_H

#include "lamina/Target/CompiledModel.h"
#include "lamina/Transforms/Abi.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringMap.h"

namespace lamina {

/// Binds arrays to the arguments of an entry point, checks them, makes the
/// results, and gives the words of the C call.
class CompiledCall {
public:
  CompiledCall(CompiledModel &model, const EntryPoint &entry)
      : model(model), entry(entry) {}

  /// All arguments but those in structs of pointers, in order.
  llvm::Error bindInputs(llvm::ArrayRef<NDArray> inputs);
  /// The struct for `role`, "weights" or "optimizer".
  llvm::Error bindStruct(llvm::StringRef role, llvm::ArrayRef<NDArray> arrays,
                         llvm::ArrayRef<TensorSignature> tensors);
  llvm::Error makeResults();

  /// The unknown sizes, known from the inputs.
  std::vector<int64_t> knownSizes() const;
  /// The address of what an argument or result is read from or written to.
  const void *&addressOf(const TensorSignature &tensor) {
    return addresses[&tensor];
  }
  /// The addresses in the struct for `role`.
  std::vector<const void *> &structOf(llvm::StringRef role) {
    return structs[role];
  }
  /// The C arguments as words; `onDevice`: of the function that takes pointers
  /// to a GPU's memory.
  std::vector<uint64_t> words(bool onDevice = false, void *stream = nullptr,
                              void *scratch = nullptr);

  std::vector<NDArray> results;

private:
  CompiledModel &model;
  const EntryPoint &entry;
  llvm::StringMap<int64_t> sizes;
  llvm::DenseMap<const TensorSignature *, const void *> addresses;
  llvm::StringMap<std::vector<const void *>> structs;
};

} // namespace lamina

#endif // LAMINA_LIB_TARGET_COMPILEDCALL_H
