//===- LayerCall.h - one call of a layer ------------------------*- C++ -*-===//
#ifndef LAMINA_LIB_FRONTEND_LAYERCALL_H
#define LAMINA_LIB_FRONTEND_LAYERCALL_H

#include "Effects.h"
#include "lamina/Frontend/Tracer.h"

namespace lamina::frontend {

/// What Keras's `Layer.__call__` does, step by step: conversion of the inputs,
/// input_spec, build, training and mask arguments, call, masks of the outputs.
/// In a model the call becomes a `model.layer`.
class LayerCall {
public:
  LayerCall(ModelBuilder &models, InstanceObject *layer, CallArgs &args)
      : models(models), evaluator(models.evaluator), layer(layer), args(args),
        state(*models.stateOf(layer)), at(args.range) {}

  Result run();

private:
  ModelBuilder &models;
  Evaluator &evaluator;
  InstanceObject *layer;
  CallArgs &args;
  LayerState &state;
  llvm::SMRange at;

  std::vector<std::string> parameters; // of `call`, without self
  std::vector<Value> parameterDefaults;
  size_t positionals = 0; // how many of them may be given by position
  Value previousMask;     // of the first argument, or the mask argument

  // The op being built: a scaffold that is replaced when its type is known.
  model::LayerOp scaffold;
  std::vector<mlir::Value> inputs, masks, weights;
  std::optional<EffectsScope> effects;
  RecordedCall recorded;

  Value attribute(llvm::StringRef name);
  Value *argument(llvm::StringRef name); // null if absent
  Value *firstArgument();
  bool hasParameter(llvm::StringRef name);
  /// The parameter that the i-th positional argument is for, or "".
  llvm::StringRef parameterAt(size_t i) const {
    return i < positionals ? llvm::StringRef(parameters[i]) : "";
  }

  mlir::LogicalResult bind();
  void record();
  mlir::LogicalResult convertInputs();
  mlir::LogicalResult checkInputSpec();
  mlir::LogicalResult build();
  void addTraining();
  void addMasks();
  Result trace();
  Result invoke();
  mlir::LogicalResult regularize(Value outputs);
  void enter();
  Result leave(Value outputs);
  void captureWeights();
  mlir::LogicalResult checkCaptures();
  Result normalize(Value output);
  mlir::LogicalResult setMasks(Value outputs);
};

/// A tuple of integers and None for a tensor, or the same structure of such.
Value shapesOf(Evaluator &evaluator, Value structure);
/// The mask of a tensor or None, or the same structure of such.
Value masksOf(Evaluator &evaluator, Value structure);
/// The configuration of a layer as attributes: what it was constructed with.
mlir::DictionaryAttr configOf(Evaluator &evaluator, InstanceObject *layer);
/// A static value as an attribute; null if it has none.
mlir::Attribute toAttribute(Evaluator &evaluator, Value value);

} // namespace lamina::frontend

#endif // LAMINA_LIB_FRONTEND_LAYERCALL_H
