//===- EvaluatorArithmetic.cpp - Python's arithmetic on static numbers ----===//
#include "Interpretation.h"
#include "PythonText.h"
#include "lamina/Frontend/ModelBuilder.h"
#include "lamina/Frontend/Tracer.h"
#include <cmath>

using namespace lamina;
using namespace lamina::ast;
using namespace lamina::frontend;

llvm::StringRef frontend::spelling(BinaryOp op) {
  switch (op) {
  case BinaryOp::Add:
    return "+";
  case BinaryOp::Sub:
    return "-";
  case BinaryOp::Mul:
    return "*";
  case BinaryOp::Div:
    return "/";
  case BinaryOp::FloorDiv:
    return "//";
  case BinaryOp::Mod:
    return "%";
  case BinaryOp::Pow:
    return "**";
  case BinaryOp::MatMul:
    return "@";
  case BinaryOp::And:
    return "&";
  case BinaryOp::Or:
    return "|";
  case BinaryOp::Xor:
    return "^";
  case BinaryOp::Shl:
    return "<<";
  case BinaryOp::Shr:
    return ">>";
  }
  return "?";
}

/// Python's // on integers; b is not 0.
static int64_t floorDivide(int64_t a, int64_t b) {
  int64_t quotient = a / b;
  return a % b != 0 && ((a < 0) != (b < 0)) ? quotient - 1 : quotient;
}

static std::optional<int64_t> power(int64_t base, int64_t exponent) {
  int64_t result = 1;
  while (true) {
    if ((exponent & 1) && __builtin_mul_overflow(result, base, &result))
      return std::nullopt;
    exponent >>= 1;
    if (exponent == 0)
      return result;
    if (__builtin_mul_overflow(base, base, &base))
      return std::nullopt;
  }
}

double frontend::floatModulo(double a, double b) {
  double mod = std::fmod(a, b);
  if (mod == 0)
    return std::copysign(0.0, b);
  return (b < 0) != (mod < 0) ? mod + b : mod;
}

double frontend::floatFloorDivide(double a, double b) {
  double mod = std::fmod(a, b);
  double quotient = (a - mod) / b;
  if (mod != 0 && (b < 0) != (mod < 0))
    quotient -= 1;
  if (quotient == 0)
    return std::copysign(0.0, a / b);
  double floor = std::floor(quotient);
  return quotient - floor > 0.5 ? floor + 1 : floor;
}

static Result integers(Interpretation &in, BinaryOp op, int64_t a, int64_t b,
                       SMRange at) {
  int64_t result = 0;
  auto overflow = [&]() -> Result {
    return in.error(at, "the result of '" + spelling(op) +
                            "' does not fit into a 64-bit integer");
  };
  switch (op) {
  case BinaryOp::Add:
    return __builtin_add_overflow(a, b, &result) ? overflow()
                                                 : Value::integer(result);
  case BinaryOp::Sub:
    return __builtin_sub_overflow(a, b, &result) ? overflow()
                                                 : Value::integer(result);
  case BinaryOp::Mul:
    return __builtin_mul_overflow(a, b, &result) ? overflow()
                                                 : Value::integer(result);
  case BinaryOp::Div:
    if (b == 0)
      return in.error(at, "division by zero");
    return Value::floating(
        static_cast<double>(static_cast<long double>(a) / b));
  case BinaryOp::FloorDiv:
  case BinaryOp::Mod:
    if (b == 0)
      return in.error(at, "integer division or modulo by zero");
    if (b == -1) // the quotient of the smallest integer overflows
      return op == BinaryOp::Mod ? Value::integer(0)
                                 : integers(in, BinaryOp::Sub, 0, a, at);
    if (op == BinaryOp::FloorDiv)
      return Value::integer(floorDivide(a, b));
    return Value::integer(a - floorDivide(a, b) * b);
  case BinaryOp::Pow: {
    if (b < 0) {
      if (a == 0)
        return in.error(at, "0.0 cannot be raised to a negative power");
      return Value::floating(
          std::pow(static_cast<double>(a), static_cast<double>(b)));
    }
    std::optional<int64_t> value = power(a, b);
    return value ? Value::integer(*value) : overflow();
  }
  case BinaryOp::And:
    return Value::integer(a & b);
  case BinaryOp::Or:
    return Value::integer(a | b);
  case BinaryOp::Xor:
    return Value::integer(a ^ b);
  case BinaryOp::Shl:
  case BinaryOp::Shr:
    if (b < 0)
      return in.error(at, "negative shift count");
    if (op == BinaryOp::Shr)
      return Value::integer(b > 63 ? (a < 0 ? -1 : 0) : a >> b);
    if (a == 0)
      return Value::integer(0);
    if (b > 62 || __builtin_mul_overflow(a, int64_t(1) << b, &result))
      return overflow();
    return Value::integer(result);
  case BinaryOp::MatMul:
    break;
  }
  return in.error(at, "unsupported operand type(s) for @: 'int' and 'int'");
}

static Result floats(Interpretation &in, BinaryOp op, double a, double b,
                     SMRange at) {
  switch (op) {
  case BinaryOp::Add:
    return Value::floating(a + b);
  case BinaryOp::Sub:
    return Value::floating(a - b);
  case BinaryOp::Mul:
    return Value::floating(a * b);
  case BinaryOp::Div:
    if (b == 0)
      return in.error(at, "float division by zero");
    return Value::floating(a / b);
  case BinaryOp::FloorDiv:
    if (b == 0)
      return in.error(at, "float floor division by zero");
    return Value::floating(floatFloorDivide(a, b));
  case BinaryOp::Mod:
    if (b == 0)
      return in.error(at, "float modulo by zero");
    return Value::floating(floatModulo(a, b));
  case BinaryOp::Pow: {
    if (a == 0 && b < 0)
      return in.error(at, "0.0 cannot be raised to a negative power");
    if (a < 0 && std::isfinite(a) && std::isfinite(b) && b != std::floor(b))
      return in.error(at, "a negative number to a fractional power is complex");
    double value = std::pow(a, b);
    if (std::isinf(value) && std::isfinite(a) && std::isfinite(b))
      return in.error(at, "the result of '**' is too large for a float");
    return Value::floating(value);
  }
  default:
    return in.error(at, "unsupported operand type(s) for " + spelling(op) +
                            ": 'float' and 'float'");
  }
}

Result Interpretation::number(BinaryOp op, Value a, Value b, SMRange at) {
  bool isBitwise =
      op == BinaryOp::And || op == BinaryOp::Or || op == BinaryOp::Xor;
  if (a.is(ValueKind::Bool) && b.is(ValueKind::Bool) && isBitwise) {
    Result bits = integers(*this, op, a.asInt(), b.asInt(), at);
    return Value::boolean(bits->asInt() != 0);
  }
  if (a.isInteger() && b.isInteger())
    return integers(*this, op, a.asInt(), b.asInt(), at);
  bool needsIntegers = isBitwise || op == BinaryOp::Shl ||
                       op == BinaryOp::Shr || op == BinaryOp::MatMul;
  if (needsIntegers)
    return error(at, "unsupported operand type(s) for " + spelling(op) + ": '" +
                         ev.classOf(a)->name + "' and '" + ev.classOf(b)->name +
                         "'");
  return floats(*this, op, a.asDouble(), b.asDouble(), at);
}

/// Sizes and integers stay symbolic; what gives a fraction is computed at run
/// time.
Result Interpretation::sizes(BinaryOp op, Value a, Value b, SMRange at) {
  auto sizeOf = [](Value v) {
    auto *size = v.as<SizeObject>();
    return size ? size->size : Size(v.asInt());
  };
  bool exact = !a.is(ValueKind::Float) && !b.is(ValueKind::Float);
  if (!exact)
    return ev.tracer().binary(op, a, b, at);
  Size x = sizeOf(a), y = sizeOf(b);
  switch (op) {
  case BinaryOp::Add:
    return ev.size(x + y);
  case BinaryOp::Sub:
    return ev.size(x - y);
  case BinaryOp::Mul:
    return ev.size(x * y);
  case BinaryOp::FloorDiv:
  case BinaryOp::Mod:
    if (y.value() == 0)
      return error(at, "integer division or modulo by zero");
    return ev.size(op == BinaryOp::Mod ? x.mod(y) : x.floorDiv(y));
  case BinaryOp::Pow:
    if (b.isInteger() && b.asInt() >= 0 && b.asInt() <= 8) {
      Size result = 1;
      for (int64_t i = 0; i < b.asInt(); ++i)
        result = result * x;
      return ev.size(result);
    }
    return ev.tracer().binary(op, a, b, at);
  default:
    return ev.tracer().binary(op, a, b, at);
  }
}

Result Evaluator::unary(UnaryOp op, Value x, SMRange at) {
  Interpretation &in = *state->interpretation;
  if (op == UnaryOp::Not) {
    FailureOr<bool> value = truth(x, at);
    if (failed(value))
      return failure();
    return Value::boolean(!*value);
  }
  if (x.isTensor())
    return models().operation(operationName(op), {x},
                              [&] { return tracer().unary(op, x, at); });
  llvm::StringRef special = op == UnaryOp::Neg   ? "__neg__"
                            : op == UnaryOp::Pos ? "__pos__"
                                                 : "__invert__";
  if (x.is(ValueKind::Instance))
    if (std::optional<Value> method = in.special(x, special))
      return call(*method, std::vector<Value>{}, at);
  if (auto *size = x.as<SizeObject>()) {
    if (op == UnaryOp::Pos)
      return x;
    if (op == UnaryOp::Neg)
      return this->size(Size(0) - size->size);
  }
  if (x.isInteger()) {
    if (op == UnaryOp::Neg)
      return integers(in, BinaryOp::Sub, 0, x.asInt(), at);
    return Value::integer(op == UnaryOp::Pos ? x.asInt() : ~x.asInt());
  }
  if (x.is(ValueKind::Float) && op != UnaryOp::Invert)
    return Value::floating(op == UnaryOp::Neg ? -x.asDouble() : x.asDouble());
  llvm::StringRef sign = op == UnaryOp::Neg   ? "-"
                         : op == UnaryOp::Pos ? "+"
                                              : "~";
  return in.error(at, "bad operand type for unary " + sign + ": '" +
                          classOf(x)->name + "'");
}
