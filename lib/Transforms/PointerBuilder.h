//===- PointerBuilder.h - loops over raw pointers and vectors ---*- C++ -*-===//
#ifndef LAMINA_LIB_TRANSFORMS_POINTERBUILDER_H
#define LAMINA_LIB_TRANSFORMS_POINTERBUILDER_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace lamina {

/// Builds the bodies of shared functions: integers are i64, addresses are
/// pointers with offsets in bytes, vectors have `lanes` elements of `element`.
class PointerBuilder : public mlir::ImplicitLocOpBuilder {
public:
  using Value = mlir::Value;
  using Values = llvm::SmallVector<mlir::Value>;

  PointerBuilder(mlir::Location loc, mlir::FloatType element, int64_t lanes);

  const mlir::FloatType element;
  const int64_t lanes, elementBytes;
  const mlir::VectorType vector;

  Value number(int64_t value);
  Value add(Value a, Value b);
  Value sub(Value a, Value b);
  Value mul(Value a, Value b);
  Value min(Value a, Value b);
  Value max(Value a, Value b);
  /// Of numbers that are not negative.
  Value divide(Value a, int64_t b);
  Value isLess(Value a, Value b);

  Value offset(Value pointer, Value bytes);
  Value offset(Value pointer, int64_t bytes);
  Value zero();
  /// The first `count` lanes (clamped to 0 … lanes).
  Value mask(Value count);
  Value load(Value pointer);
  Value splat(Value pointer);
  Value load(Value pointer, Value mask);
  void store(Value value, Value pointer);
  void store(Value value, Value pointer, Value mask);
  static constexpr int64_t lineBytes = 64; // of a cache
  /// Fetches the line at `pointer` into the cache of `level`.
  void prefetch(Value pointer, unsigned level = 1);

  /// `for (i = from; i < to; i += step) carried = body(i, carried)`.
  Values loop(Value from, Value to, Value step, mlir::ValueRange carried,
              llvm::function_ref<Values(Value, mlir::ValueRange)> body);
  void loop(Value from, Value to, Value step,
            llvm::function_ref<void(Value)> body);
  void when(Value condition, llvm::function_ref<void()> body);
  void choose(Value condition, llvm::function_ref<void()> yes,
              llvm::function_ref<void()> no);
};

} // namespace lamina

#endif // LAMINA_LIB_TRANSFORMS_POINTERBUILDER_H
