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
  DType dtype = DType::Float32;
  /// Per dimension its size as text: "10", a symbol ("n"), or a polynomial of
  /// symbols ("2*n"), "?" where nobody said.
  std::vector<std::string> dims;
  bool trainable = false;    // weights only
  mlir::ElementsAttr value;  // a weight's initial value, where there is one
  bool isStatic() const;     // no unknown dimension
  std::string field() const; // the name as a C identifier
};

/// One function that a caller can call.
struct EntryPoint {
  std::string name; // "forward"
  std::vector<TensorSignature> arguments, results;
  /// The unknown sizes in argument order, `n` first.
  std::vector<std::string> symbols;
};

/// Everything the C interface of a module consists of.
struct Signature {
  std::string model; // prefix of every symbol
  std::vector<EntryPoint> entries;
  /// The weights of all entry points, in order of appearance.
  std::vector<TensorSignature> weights;
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
