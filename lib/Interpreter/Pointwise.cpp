//===- Pointwise.cpp - formulas, casts, selections ------------------------===//

#include "Frame.h"
#include "lamina/Support/FloatBits.h"
#include <bit>
#include <cmath>

using namespace mlir;

namespace lamina::interpreter {

/// The neighbour of `a` towards `b` among the numbers of `type`: the one
/// function that depends on the format, not only on the value.
static double nextAfter(double a, double b, DType type) {
  if (type == DType::Float64)
    return std::nextafter(a, b);
  if (type == DType::Float32)
    return std::nextafterf(static_cast<float>(a), static_cast<float>(b));
  a = roundTo(a, type);
  b = roundTo(b, type);
  if (std::isnan(a) || std::isnan(b))
    return a + b;
  if (a == b)
    return b;
  bool half = type == DType::Float16;
  auto decode = [&](uint16_t bits) {
    return half ? decodeFloat<5, 10>(bits) : decodeFloat<8, 7>(bits);
  };
  if (a == 0)
    return std::copysign(decode(1), b);
  uint16_t bits = half ? encodeFloat<5, 10>(a) : encodeFloat<8, 7>(a);
  return decode((a < b) == (a > 0) ? bits + 1 : bits - 1);
}

static LogicalResult sameShapes(Operation *op, const Frame &frame) {
  const Shape &first = frame.tensor(op->getOperand(0)).shape;
  for (Value operand : op->getOperands().drop_front())
    if (const Shape &shape = frame.tensor(operand).shape; shape != first)
      return op->emitError("operands have the shapes ")
             << toString(first) << " and " << toString(shape);
  return success();
}

Result evaluatePointwise(Operation *op, const Frame &frame) {
  if (failed(sameShapes(op, frame)))
    return failure();
  auto pointwise = cast<lam::PointwiseOpInterface>(op);
  SmallVector<const Tensor *> operands;
  for (Value operand : op->getOperands())
    operands.push_back(&frame.tensor(operand));
  DType from = operands[0]->type, to = dtypeOf(op->getResult(0));
  Tensor result(to, operands[0]->shape);

  if (isa<lam::NextAfterOp>(op)) {
    for (int64_t i = 0; i < result.count; ++i)
      result.reals()[i] =
          nextAfter(operands[0]->reals()[i], operands[1]->reals()[i], from);
    return result;
  }
  if (operands[0]->isReal()) {
    SmallVector<double, 3> args(operands.size());
    for (int64_t i = 0; i < result.count; ++i) {
      for (auto [arg, operand] : llvm::zip_equal(args, operands))
        arg = operand->reals()[i];
      double value = pointwise.evaluate(args);
      if (result.isReal())
        result.reals()[i] = value;
      else
        result.integers()[i] = value != 0;
    }
    return result;
  }
  bool isUnsignedInt = isUnsigned(from) || from == DType::Bool;
  SmallVector<lam::Integer, 3> args(operands.size(),
                                    {0, isUnsignedInt, bitWidth(from)});
  for (int64_t i = 0; i < result.count; ++i) {
    for (auto [arg, operand] : llvm::zip_equal(args, operands))
      arg.value = operand->integers()[i];
    result.integers()[i] = wrap(pointwise.evaluateInteger(args).value, to);
  }
  return result;
}

Result evaluate(lam::SelectOp op, const Frame &frame) {
  if (failed(sameShapes(op, frame)))
    return failure();
  const Tensor &c = frame.tensor(op.getC());
  Tensor result(dtypeOf(op.getY()), c.shape);
  visit(
      [&](auto *y, auto *a, auto *b) {
        for (int64_t i = 0; i < c.count; ++i)
          y[i] = c.integers()[i] ? a[i] : b[i];
      },
      result, frame.tensor(op.getA()), frame.tensor(op.getB()));
  return result;
}

/// `value` in the float type `type`.
template <class Integer>
static double fromInteger(Integer value, DType type, const Frame &frame) {
  if (frame.rounds() && type == DType::Float32) // in one rounding
    return static_cast<float>(value);
  return frame.round(static_cast<double>(value), type);
}

Result evaluate(lam::CastOp op, const Frame &frame) {
  const Tensor &x = frame.tensor(op.getX());
  DType to = dtypeOf(op.getY());
  if (x.type == to)
    return x;
  Tensor result(to, x.shape);
  for (int64_t i = 0; i < x.count; ++i) {
    if (x.isReal() && result.isReal())
      result.reals()[i] = sizeOf(to) > sizeOf(x.type)
                              ? x.reals()[i]
                              : frame.round(x.reals()[i], to);
    else if (x.isReal())
      result.integers()[i] = saturate(x.reals()[i], to);
    else if (!result.isReal())
      result.integers()[i] =
          to == DType::Bool ? x.integers()[i] != 0 : wrap(x.integers()[i], to);
    else
      result.reals()[i] =
          isUnsigned(x.type)
              ? fromInteger(static_cast<uint64_t>(x.integers()[i]), to, frame)
              : fromInteger(x.integers()[i], to, frame);
  }
  return result;
}

/// The bits of a float of `type`.
static int64_t encode(double value, DType type) {
  switch (type) {
  case DType::Float16:
    return encodeFloat<5, 10>(value);
  case DType::BFloat16:
    return encodeFloat<8, 7>(value);
  case DType::Float32:
    return std::bit_cast<int32_t>(static_cast<float>(value));
  default:
    return std::bit_cast<int64_t>(value);
  }
}
static double decode(int64_t bits, DType type) {
  switch (type) {
  case DType::Float16:
    return decodeFloat<5, 10>(static_cast<uint16_t>(bits));
  case DType::BFloat16:
    return decodeFloat<8, 7>(static_cast<uint16_t>(bits));
  case DType::Float32:
    return std::bit_cast<float>(static_cast<int32_t>(bits));
  default:
    return std::bit_cast<double>(bits);
  }
}

Result evaluate(lam::BitcastOp op, const Frame &frame) {
  const Tensor &x = frame.tensor(op.getX());
  DType to = dtypeOf(op.getY());
  if (x.type == to)
    return x;
  Tensor result(to, x.shape);
  for (int64_t i = 0; i < x.count; ++i) {
    int64_t bits = x.isReal() ? encode(x.reals()[i], x.type) : x.integers()[i];
    if (result.isReal())
      result.reals()[i] = decode(bits, to);
    else
      result.integers()[i] = wrap(bits, to);
  }
  return result;
}

} // namespace lamina::interpreter
