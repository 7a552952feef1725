//===- ModelCheck.h - every gradient of a model -----------------*- C++ -*-===//
#ifndef LAMINA_CHECK_MODELCHECK_H
#define LAMINA_CHECK_MODELCHECK_H

#include "lamina/Check/GradientCheck.h"
#include <string>

namespace lamina {

/// One line of the table: a gradient of one layer, or of the model.
struct GradientRow {
  std::string layer, className; // of the model itself: its name, and ""
  std::string of;               // a weight's name, or which input
  ArgumentCheck check;
  /// The layer has its own gradient (`custom_gradient`), which need not be the derivative.
  bool isCustom = false;
  /// Nothing was compared, as an op has no derivative: which one.
  std::string noDerivative;
  std::optional<mlir::Location> place;

  bool isWrong() const;
};

/// Checks every layer of the model of `module` (stage `model`; at stage `lam` there are none) and @forward of `lowered`
/// (the same at stage `lam`) on random inputs. Layers get what reaches them there. At a kink, or where a value is not
/// finite, other points are tried. Warns at ops without a derivative; fails with an error if no point can be evaluated.
mlir::FailureOr<std::vector<GradientRow>> checkGradients(mlir::ModuleOp module, mlir::ModuleOp lowered, uint64_t seed);

} // namespace lamina

#endif // LAMINA_CHECK_MODELCHECK_H
