//===- Derivatives.h - functions traced into derivative operators *- C++
//-*-===//
#ifndef LAMINA_LIB_FRONTEND_DERIVATIVES_H
#define LAMINA_LIB_FRONTEND_DERIVATIVES_H

#include "TracerImpl.h"

namespace lamina::frontend {

/// A function of tensors, called while its body is emitted.
using TracedCall =
    llvm::function_ref<Result(llvm::ArrayRef<TensorObject *> primals)>;

/// What `traceVjp` gives back.
struct Vjp {
  Value outputs; // as the function returned them, tensors being results of the
                 // operator
  std::vector<TensorObject *> gradients; // one per primal
};

struct VjpOptions {
  /// The cotangents of the function's float tensors in order; nothing: ones,
  /// which differentiates the sum of all outputs.
  std::optional<std::vector<Value>> cotangents;
  /// The function returns (value, anything else): only the value is
  /// differentiated.
  bool hasAux = false;
  /// The function uses the primals themselves (weights that its body captures)
  /// instead of what it is called with.
  bool byCapture = false;
};

/// Emits a `lam.vjp` with `call` as its region. Primals are float tensors.
mlir::FailureOr<Vjp> traceVjp(Evaluator &evaluator, TracedCall call,
                              llvm::ArrayRef<TensorObject *> primals,
                              const VjpOptions &options, llvm::SMRange at);

/// `prim.vjp`, `prim.jvp`, `prim.custom_gradient`.
void registerDerivativePrimitives(Evaluator &evaluator);

} // namespace lamina::frontend

#endif // LAMINA_LIB_FRONTEND_DERIVATIVES_H
