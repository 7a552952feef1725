//===- Primitives.cpp - arguments of primitives, pointwise primitives -----===//

#include "Primitives.h"
#include "Derivatives.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSwitch.h"

using namespace llvm;
using mlir::failure;
using mlir::FailureOr;

namespace lamina::frontend {

//===----------------------------------------------------------------------===//
// Arguments
//===----------------------------------------------------------------------===//

FailureOr<std::optional<DType>>
PrimitiveCall::dtype(StringRef param, std::optional<DType> absent) {
  if (!has(param))
    return absent;
  FailureOr<DType> dtype = tracer.asDType(args[param], at);
  if (mlir::failed(dtype))
    return failure();
  return std::optional<DType>(*dtype);
}

FailureOr<int64_t> PrimitiveCall::integer(StringRef param) {
  if (auto value = staticInteger(tracer, args[param]))
    return *value;
  return error("'" + param +
               "' must be an integer known at compile time, found " +
               (has(param) ? evaluator.describe(args[param]) : "None"));
}

FailureOr<Integers> PrimitiveCall::integers(StringRef param) {
  if (auto value = staticInteger(tracer, args[param]))
    return Integers{*value};
  Integers result;
  if (auto items = sequenceItems(args[param])) {
    for (Value item : *items) {
      auto value = staticInteger(tracer, item);
      if (!value)
        return error("'" + param +
                     "' must be integers known at compile time, found " +
                     (item.isNone() ? "None" : evaluator.describe(item)));
      result.push_back(*value);
    }
    return result;
  }
  if (auto *x = args[param].as<TensorObject>())
    if (auto sizes = tracer.knownSizes(x))
      if (all_of(*sizes, [](const Size &s) { return s.isStatic(); })) {
        for (const Size &size : *sizes)
          result.push_back(*size.value());
        return result;
      }
  return error("'" + param +
               "' must be an integer or a sequence of integers known "
               "at compile time, found " +
               (has(param) ? evaluator.describe(args[param]) : "None"));
}

FailureOr<Integers> PrimitiveCall::integers(StringRef param, size_t count) {
  FailureOr<Integers> result = integers(param);
  if (mlir::succeeded(result) && result->size() != count)
    return error("'" + param + "' must have " + Twine(count) +
                 " entries, found " + Twine(result->size()));
  return result;
}

FailureOr<int64_t> canonicalAxis(Evaluator &evaluator, int64_t axis,
                                 int64_t rank, SMRange at) {
  if (axis >= -rank && axis < rank)
    return axis < 0 ? axis + rank : axis;
  if (rank == 0)
    return evaluator.error(at, "axis " + Twine(axis) +
                                   " is out of range: a scalar has no axes");
  return evaluator.error(at, "axis " + Twine(axis) +
                                 " is out of range for a tensor of rank " +
                                 Twine(rank) + ": it must be between " +
                                 Twine(-rank) + " and " + Twine(rank - 1));
}

FailureOr<int64_t> PrimitiveCall::axis(StringRef param, size_t rank) {
  FailureOr<int64_t> axis = integer(param);
  if (mlir::failed(axis))
    return failure();
  return canonicalAxis(evaluator, *axis, int64_t(rank), at);
}

FailureOr<Integers> PrimitiveCall::axes(StringRef param, size_t rank) {
  if (!has(param))
    return to_vector(llvm::seq<int64_t>(0, int64_t(rank)));
  FailureOr<Integers> axes = integers(param);
  if (mlir::failed(axes))
    return failure();
  Integers result;
  for (int64_t axis : *axes) {
    FailureOr<int64_t> canonical =
        canonicalAxis(evaluator, axis, int64_t(rank), at);
    if (mlir::failed(canonical))
      return failure();
    if (is_contained(result, *canonical))
      return error("axis " + Twine(axis) + " is given twice");
    result.push_back(*canonical);
  }
  return result;
}

FailureOr<bool> PrimitiveCall::flag(StringRef param) {
  Value value = args[param];
  if (value.isNone())
    return false;
  return evaluator.truth(value, at);
}

//===----------------------------------------------------------------------===//
// Pointwise primitives
//===----------------------------------------------------------------------===//

static void registerPointwise(Evaluator &evaluator, StringRef name,
                              StringRef mnemonic, unsigned arity) {
  evaluator.definePrimitive(
      name,
      [name = name.str(), mnemonic, arity](Evaluator &evaluator,
                                           CallArgs &args) -> Result {
        size_t given = args.positional.size() + args.keywords.size();
        if (!args.keywords.empty() || given != arity)
          return evaluator.error(args.range, name + " takes " + Twine(arity) +
                                                 " arguments, found " +
                                                 Twine(given));
        return evaluator.tracer().pointwise(mnemonic, args.positional,
                                            args.range);
      });
}

/// Names that are keywords of the language get another one.
static StringRef primitiveName(StringRef mnemonic) {
  return StringSwitch<StringRef>(mnemonic)
      .Case("and", "bit_and")
      .Case("or", "bit_or")
      .Case("not", "bit_not")
      .Default(mnemonic);
}

void registerTensorPrimitives(Evaluator &evaluator) {
  for (const PointwiseInfo &op : pointwiseOps()) {
    registerPointwise(evaluator, primitiveName(op.mnemonic), op.mnemonic,
                      op.arity);
  }
  registerPointwise(evaluator, "bit_xor", "xor", 2);
  registerPointwise(evaluator, "select", "select", 3);
  registerStaticPrimitives(evaluator);
  registerShapePrimitives(evaluator);
  registerIndexPrimitives(evaluator);
  registerReductionPrimitives(evaluator);
  registerContractionPrimitives(evaluator);
  registerDerivativePrimitives(evaluator);
  registerLoopPrimitives(evaluator);
}

} // namespace lamina::frontend
