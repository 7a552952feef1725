//===- GradientCheck.h - gradients against finite differences ---*- C++ -*-===//
#ifndef LAMINA_CHECK_GRADIENTCHECK_H
#define LAMINA_CHECK_GRADIENTCHECK_H

#include "lamina/Support/NDArray.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace lamina {

/// Random numbers that are the same on every machine.
class CheckRandom {
public:
  explicit CheckRandom(uint64_t seed) : state(seed) {}
  uint64_t next();
  /// In [low, high).
  double uniform(double low, double high);
  int64_t integer(int64_t low, int64_t high); // both included
  /// Roughly normal: mean 0, variance 1, within ±6.
  double normal();
  /// float64 numbers with `normal`.
  NDArray normals(llvm::ArrayRef<int64_t> shape);

private:
  uint64_t state;
};

/// Σ a·b over the elements.
double dot(const NDArray &a, const NDArray &b);

enum class Verdict {
  Agrees,
  Differs,
  Kink,              // the function has no derivative at this point
  GradientNotFinite, // the gradient is NaN or infinite at this point
  NotFinite,         // the function itself is
};

/// What comparing the gradient of one argument gave.
struct ArgumentCheck {
  unsigned argument = 0; // of the function
  Verdict verdict = Verdict::Agrees;
  /// The largest relative difference over all directions.
  double error = 0;
  unsigned directions = 0;
};

/// A function of `lam` and its gradient, both evaluated in float64.
class GradientCheck {
public:
  /// The function `name` of `module`, which stays as it is. Fails with the error at
  /// the op that has no derivative.
  static mlir::FailureOr<GradientCheck> create(mlir::ModuleOp module, llvm::StringRef name);

  /// Compares the gradient of every float argument along random directions, and of a small one along every axis.
  /// `lam.stop_gradient` holds its value while the arguments move. Fails with an error if the function cannot be
  /// evaluated at all.
  mlir::FailureOr<llvm::SmallVector<ArgumentCheck>> at(llvm::ArrayRef<NDArray> arguments, CheckRandom &random) const;

  /// Relative differences up to this agree.
  double tolerance = 1e-6;
  unsigned directions = 3;
  /// So many arguments are checked, the first ones.
  unsigned checked = ~0u;
  /// Arguments with up to so many elements are checked element by element.
  int64_t smallSize = 8;

private:
  mlir::OwningOpRef<mlir::ModuleOp> module;
  // The function, with the stopped values as further results; with them as further arguments; its gradient.
  mlir::func::FuncOp forward, held, vjp;
  unsigned results = 0;
};

} // namespace lamina

#endif // LAMINA_CHECK_GRADIENTCHECK_H
