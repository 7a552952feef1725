//===- TracerOperators.cpp - pointwise ops and Python's operators ---------===//

#include "TracerImpl.h"
#include "lamina/Frontend/Promotion.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/MathExtras.h"

using namespace llvm;
using mlir::failure;
using mlir::FailureOr;

namespace lamina::frontend {
namespace {

/// What an op on numbers means for bool, as NumPy and Keras have it: the
/// mnemonic on bool, "" for "the operand itself", nothing if it is computed on
/// int32.
std::optional<StringRef> onBool(StringRef mnemonic) {
  return StringSwitch<std::optional<StringRef>>(mnemonic)
      .Case("add", "or")
      .Case("max", "or")
      .Case("mul", "and")
      .Case("min", "and")
      .Cases({"abs", "sign"}, "")
      .Default(std::nullopt);
}

StringRef spelling(ast::BinaryOp op) {
  switch (op) {
  case ast::BinaryOp::Add:
    return "+";
  case ast::BinaryOp::Sub:
    return "-";
  case ast::BinaryOp::Mul:
    return "*";
  case ast::BinaryOp::Div:
    return "/";
  case ast::BinaryOp::FloorDiv:
    return "//";
  case ast::BinaryOp::Mod:
    return "%";
  case ast::BinaryOp::Pow:
    return "**";
  case ast::BinaryOp::MatMul:
    return "@";
  case ast::BinaryOp::And:
    return "&";
  case ast::BinaryOp::Or:
    return "|";
  case ast::BinaryOp::Xor:
    return "^";
  case ast::BinaryOp::Shl:
    return "<<";
  case ast::BinaryOp::Shr:
    return ">>";
  }
  return "";
}

StringRef mnemonicOf(ast::BinaryOp op) {
  switch (op) {
  case ast::BinaryOp::Add:
    return "add";
  case ast::BinaryOp::Sub:
    return "sub";
  case ast::BinaryOp::Mul:
    return "mul";
  case ast::BinaryOp::Div:
    return "div";
  case ast::BinaryOp::FloorDiv:
    return "floor_div";
  case ast::BinaryOp::Mod:
    return "mod";
  case ast::BinaryOp::Pow:
    return "pow";
  case ast::BinaryOp::And:
    return "and";
  case ast::BinaryOp::Or:
    return "or";
  case ast::BinaryOp::Xor:
    return "xor";
  case ast::BinaryOp::Shl:
    return "shift_left";
  case ast::BinaryOp::Shr:
    return "shift_right";
  case ast::BinaryOp::MatMul:
    return "";
  }
  return "";
}

/// Negative numbers wrap in unsigned types, as `x | -1` expects.
bool fits(int64_t number, DType dtype) {
  if (!isInteger(dtype) || bitWidth(dtype) == 64)
    return true;
  return isSigned(dtype) ? isIntN(bitWidth(dtype), number)
                         : number < 0 || isUIntN(bitWidth(dtype), number);
}

bool isOperand(Value value) {
  return value.isTensor() || value.isNumber() || value.is(ValueKind::Size) ||
         value.is(ValueKind::Tuple) || value.is(ValueKind::List) ||
         value.is(ValueKind::Range);
}

} // namespace

//===----------------------------------------------------------------------===//
// Pointwise
//===----------------------------------------------------------------------===//

FailureOr<DType> Tracer::pointwiseType(const PointwiseInfo &op, DType promoted,
                                       SMRange at) {
  using lam::Elements;
  StringRef name = op.mnemonic;
  switch (op.elements) {
  case Elements::Any:
    return promoted;
  case Elements::Float:
    return toFloating(promoted);
  case Elements::Number:
    if (promoted != DType::Bool)
      return promoted;
    if (name == "sub" || name == "neg") {
      auto &error =
          evaluator.diagnose(at, "'" + name + "' is not defined for bool");
      error.note(name == "neg" ? "use logical_not, or cast to a number"
                               : "use logical_xor, or cast to a number");
      return failure();
    }
    return DType::Int32;
  case Elements::Int:
  case Elements::Integral:
    if (isFloat(promoted))
      return evaluator.error(at, "'" + name + "' needs integers or bool, not " +
                                     lamina::name(promoted));
    return promoted == DType::Bool && op.elements == Elements::Int
               ? DType::Int32
               : promoted;
  }
  return promoted;
}

TensorObject *Tracer::emitPointwise(StringRef mnemonic,
                                    ArrayRef<TensorObject *> operands,
                                    DType result) {
  mlir::OperationState op(evaluator.currentLocation(),
                          ("lam." + mnemonic).str());
  for (TensorObject *operand : operands)
    op.addOperands(operand->value);
  op.addTypes(tensorType(operands[0]->shape, result));
  mlir::Value y = opBuilder.create(op)->getResult(0);
  return tensor(y, operands[0]->shape).as<TensorObject>();
}

FailureOr<SmallVector<TensorObject *>>
Tracer::broadcastTogether(ArrayRef<Value> operands, ArrayRef<DType> dtypes,
                          SMRange at) {
  SmallVector<TensorObject *> tensors;
  for (auto [operand, dtype] : zip_equal(operands, dtypes)) {
    if (operand.is(ValueKind::Int) && !fits(operand.asInt(), dtype))
      return evaluator.error(at, "the integer " + Twine(operand.asInt()) +
                                     " does not fit " + name(dtype));
    FailureOr<TensorObject *> x = asTensor(operand, dtype, at);
    if (mlir::failed(x))
      return failure();
    tensors.push_back(*x);
  }
  FailureOr<Shape> shape = broadcastShapes(tensors, at);
  if (mlir::failed(shape))
    return failure();
  for (TensorObject *&x : tensors) {
    FailureOr<TensorObject *> wide = broadcastTo(x, *shape, at);
    if (mlir::failed(wide))
      return failure();
    x = *wide;
  }
  return tensors;
}

Result Tracer::select(ArrayRef<Value> operands, SMRange at) {
  Value c = operands[0], a = operands[1], b = operands[2];
  if (c.isNumber() && a.isNumber() && b.isNumber()) {
    Value chosen = c.asDouble() != 0 ? a : b;
    return a.is(ValueKind::Float) || b.is(ValueKind::Float)
               ? Value::floating(chosen.asDouble())
               : chosen;
  }
  DType dtype = promote({a, b});
  auto tensors = broadcastTogether(operands, {DType::Bool, dtype, dtype}, at);
  if (mlir::failed(tensors))
    return failure();
  return Value(emitPointwise("select", *tensors, dtype));
}

Result Tracer::pointwise(StringRef mnemonic, ArrayRef<Value> operands,
                         SMRange at) {
  for (auto [i, operand] : enumerate(operands))
    if (!isOperand(operand))
      return evaluator.error(
          at, "operand " + Twine(i + 1) + " of '" + mnemonic +
                  "' must be a tensor or a number, found " +
                  (operand.isNone() ? "None" : evaluator.describe(operand)));
  if (mnemonic == "select")
    return select(operands, at);
  const PointwiseInfo *op = findPointwise(mnemonic);
  if (auto known = evaluatePointwise(evaluator, *op, operands))
    return *known;
  DType promoted = promote(operands);
  if (promoted == DType::Bool && op->elements == lam::Elements::Number)
    if (auto other = onBool(mnemonic)) {
      if (!other->empty())
        return pointwise(*other, operands, at);
      FailureOr<TensorObject *> x = asTensor(operands[0], std::nullopt, at);
      return mlir::failed(x) ? Result(failure()) : Result(Value(*x));
    }
  FailureOr<DType> dtype = pointwiseType(*op, promoted, at);
  if (mlir::failed(dtype))
    return failure();
  if (mnemonic == "pow" && !isFloat(*dtype) && operands[1].isInteger() &&
      operands[1].asInt() < 0) {
    auto &error = evaluator.diagnose(
        at, "an integer tensor cannot be raised to a negative power");
    error.note("cast it to a float first");
    return failure();
  }
  SmallVector<DType> dtypes(operands.size(), *dtype);
  auto tensors = broadcastTogether(operands, dtypes, at);
  if (mlir::failed(tensors))
    return failure();
  return Value(emitPointwise(mnemonic, *tensors,
                             op->isPredicate ? DType::Bool : *dtype));
}

//===----------------------------------------------------------------------===//
// Python's operators
//===----------------------------------------------------------------------===//

Result Tracer::unary(ast::UnaryOp op, Value x, SMRange at) {
  switch (op) {
  case ast::UnaryOp::Pos:
    return x;
  case ast::UnaryOp::Neg:
    return pointwise("neg", {x}, at);
  case ast::UnaryOp::Invert:
    return pointwise("not", {x}, at);
  case ast::UnaryOp::Not:
    break;
  }
  auto &error = evaluator.diagnose(
      at, "'not' needs a value that is known at compile time, found " +
              Twine(evaluator.describe(x)));
  error.note("use logical_not for tensors");
  return failure();
}

Result Tracer::binary(ast::BinaryOp op, Value a, Value b, SMRange at) {
  if (!isOperand(a) || !isOperand(b))
    return evaluator.error(at, "unsupported operands for " + spelling(op) +
                                   ": " + evaluator.describe(a) + " and " +
                                   evaluator.describe(b));
  if (op == ast::BinaryOp::MatMul) {
    CallArgs args;
    args.positional = {a, b};
    args.range = at;
    return evaluator.callLibrary("matmul", std::move(args));
  }
  return pointwise(mnemonicOf(op), {a, b}, at);
}

Result Tracer::compare(ast::CompareOp op, Value a, Value b, SMRange at) {
  StringRef mnemonic;
  switch (op) {
  case ast::CompareOp::Eq:
    mnemonic = "eq";
    break;
  case ast::CompareOp::Ne:
    mnemonic = "ne";
    break;
  case ast::CompareOp::Lt:
    mnemonic = "lt";
    break;
  case ast::CompareOp::Le:
    mnemonic = "le";
    break;
  case ast::CompareOp::Gt:
    mnemonic = "gt";
    break;
  case ast::CompareOp::Ge:
    mnemonic = "ge";
    break;
  default:
    return evaluator.error(at, "'in' and 'is' need values that are known at "
                               "compile time, found " +
                                   Twine(evaluator.describe(a)) + " and " +
                                   evaluator.describe(b));
  }
  bool isEquality = op == ast::CompareOp::Eq || op == ast::CompareOp::Ne;
  // A tensor is never equal to None, a string, ….
  if (isEquality && (!isOperand(a) || !isOperand(b)))
    return Value::boolean(op == ast::CompareOp::Ne);
  return pointwise(mnemonic, {a, b}, at);
}

} // namespace lamina::frontend
