//===- Effects.h - what a region does besides its results -------*- C++ -*-===//
#ifndef LAMINA_LIB_FRONTEND_EFFECTS_H
#define LAMINA_LIB_FRONTEND_EFFECTS_H

#include "lamina/Frontend/ModelBuilder.h"

namespace lamina::frontend {

/// Around the tracing of a region (a layer's body, a function to differentiate)
/// in an entry. Assignments to variables and added losses inside it must come
/// out as results; outside of it a variable is then its result. Without an
/// entry nothing happens.
class EffectsScope {
public:
  explicit EffectsScope(ModelBuilder &models);
  /// Variables are again what they were before, if `leave` was not called.
  ~EffectsScope();
  EffectsScope(const EffectsScope &) = delete;
  EffectsScope &operator=(const EffectsScope &) = delete;

  /// Ends the region: the values that it must yield, in the order in which
  /// `apply` takes the results.
  std::vector<mlir::Value> leave();
  /// The effects happen in the enclosing region, with these values.
  void apply(mlir::ValueRange results);

private:
  ModelBuilder &models;
  bool open;
  Effects effects; // of the region, after it
};

} // namespace lamina::frontend

#endif // LAMINA_LIB_FRONTEND_EFFECTS_H
