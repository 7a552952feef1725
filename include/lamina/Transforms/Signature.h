//===- Signature.h - the entry points of a module, as data ------*- C++ -*-===//
#ifndef LAMINA_TRANSFORMS_SIGNATURE_H
#define LAMINA_TRANSFORMS_SIGNATURE_H

#include "lamina/Support/NDArray.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinOps.h"
#include <string>
#include <vector>

namespace lamina {

/// One tensor that an entry point takes or gives.
struct TensorSignature {
  std::string name; // "dense/kernel"
  std::string role; // "input", "weight", "output", …
  /// Whose it is: the argument that an update replaces, the weight of a
  /// gradient, the output of a cotangent.
  std::string of;
  DType dtype = DType::Float32;
  /// Per dimension its size as text: "10", a symbol ("n"), or a polynomial of
  /// symbols ("2*n"), "?" where nobody said.
  std::vector<std::string> dims;
  bool trainable = false;    // weights only
  mlir::ElementsAttr value;  // the initial value of a weight or a state
  bool embedded = false;     // the object holds that value
  bool isStatic() const;     // no unknown dimension
  std::string field() const; // the name as a C identifier
};

/// One function that a caller can call.
struct EntryPoint {
  std::string name; // "forward"
  /// `results` are written into the caller's buffers; `updates`, the last
  /// results of the function, into the buffers of the arguments they are of.
  std::vector<TensorSignature> arguments, results, updates;
  /// The unknown sizes in argument order, `n` first.
  std::vector<std::string> symbols;
  bool threaded = false; // a caller says how many threads it may use

  /// The position of the argument called `name`; there is one.
  unsigned argument(llvm::StringRef name) const;
  bool has(llvm::StringRef role) const;     // among arguments and results
  bool changes(llvm::StringRef role) const; // arguments of this role
};

/// Everything the C interface of a module consists of.
struct Signature {
  std::string model; // prefix of every symbol
  std::vector<EntryPoint> entries;
  /// The weights and the optimizer's state of all entry points, in order of
  /// appearance.
  std::vector<TensorSignature> weights, optimizer;
  /// The option `threads` that the module was planned with.
  std::string threads;
  std::string target; // "cuda", or empty for the processor
  /// Those of GPUs that there are kernels for: "sm_80", oldest first.
  std::vector<std::string> architectures;
  bool usesCuda() const { return target == "cuda"; }

  /// The position of `tensor` (or what it is of) in one of these lists.
  static unsigned position(llvm::ArrayRef<TensorSignature> list,
                           llvm::StringRef name);
  /// Whether the object can set weights and state to their initial values:
  /// something changes them, and their values are known.
  bool hasInit() const;
};

/// Reads the module attribute `lamina.signature`; fails with an error on the
/// module where it is absent or malformed.
mlir::FailureOr<Signature> readSignature(mlir::ModuleOp module);

/// A C identifier made of `name`: other characters become `_`, keywords of C
/// and C++ and leading digits get a `_`.
std::string identifier(llvm::StringRef name);

/// Whether `text` is one symbol (an identifier).
bool isSymbol(llvm::StringRef text);

} // namespace lamina

#endif // LAMINA_TRANSFORMS_SIGNATURE_H
