//===- Arith.cpp - sizes and offsets --------------------------------------===//

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "Frame.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace lamina::interpreter {

static int64_t add(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) +
                              static_cast<uint64_t>(b));
}
static int64_t sub(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) -
                              static_cast<uint64_t>(b));
}
static int64_t mul(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) *
                              static_cast<uint64_t>(b));
}

static bool compare(arith::CmpIPredicate predicate, int64_t a, int64_t b) {
  return arith::applyCmpPredicate(predicate, APInt(64, a, /*isSigned=*/true),
                                  APInt(64, b, /*isSigned=*/true));
}

FailureOr<int64_t> evaluateArith(Operation *op, const Frame &frame) {
  for (Value value : op->getResults())
    if (!value.getType().isIntOrIndex())
      return op->emitError("cannot be interpreted");
  auto operand = [&](unsigned i) { return frame.scalar(op->getOperand(i)); };
  // Divisions: by zero there is no result, and the lowest number by -1 has
  // none either.
  auto divide = [&](auto quotient) -> FailureOr<int64_t> {
    int64_t a = operand(0), b = operand(1);
    if (b == 0 || (b == -1 && a == std::numeric_limits<int64_t>::min()))
      return op->emitError("divides ") << a << " by " << b;
    return static_cast<int64_t>(quotient(a, b));
  };
  return llvm::TypeSwitch<Operation *, FailureOr<int64_t>>(op)
      .Case([&](arith::ConstantOp constant) -> FailureOr<int64_t> {
        auto value = dyn_cast<IntegerAttr>(constant.getValue());
        if (!value)
          return op->emitError("cannot be interpreted");
        return value.getType().isInteger(1)
                   ? int64_t(!value.getValue().isZero())
                   : value.getInt();
      })
      .Case([&](arith::AddIOp) { return add(operand(0), operand(1)); })
      .Case([&](arith::SubIOp) { return sub(operand(0), operand(1)); })
      .Case([&](arith::MulIOp) { return mul(operand(0), operand(1)); })
      .Case([&](arith::DivSIOp) {
        return divide([](int64_t a, int64_t b) { return a / b; });
      })
      .Case([&](arith::RemSIOp) {
        return divide([](int64_t a, int64_t b) { return a % b; });
      })
      .Case([&](arith::DivUIOp) {
        return divide([](uint64_t a, uint64_t b) { return a / b; });
      })
      .Case([&](arith::RemUIOp) {
        return divide([](uint64_t a, uint64_t b) { return a % b; });
      })
      .Case([&](arith::FloorDivSIOp) {
        return divide([](int64_t a, int64_t b) {
          return a / b - (a % b != 0 && (a < 0) != (b < 0));
        });
      })
      .Case([&](arith::CeilDivSIOp) {
        return divide([](int64_t a, int64_t b) {
          return a / b + (a % b != 0 && (a < 0) == (b < 0));
        });
      })
      .Case([&](arith::CeilDivUIOp) {
        return divide(
            [](uint64_t a, uint64_t b) { return a / b + (a % b != 0); });
      })
      .Case([&](arith::MaxSIOp) { return std::max(operand(0), operand(1)); })
      .Case([&](arith::MinSIOp) { return std::min(operand(0), operand(1)); })
      .Case([&](arith::MaxUIOp) {
        return static_cast<int64_t>(std::max<uint64_t>(operand(0), operand(1)));
      })
      .Case([&](arith::MinUIOp) {
        return static_cast<int64_t>(std::min<uint64_t>(operand(0), operand(1)));
      })
      .Case([&](arith::AndIOp) { return operand(0) & operand(1); })
      .Case([&](arith::OrIOp) { return operand(0) | operand(1); })
      .Case([&](arith::XOrIOp) { return operand(0) ^ operand(1); })
      .Case([&](arith::CmpIOp cmp) {
        return int64_t(compare(cmp.getPredicate(), operand(0), operand(1)));
      })
      .Case(
          [&](arith::SelectOp) { return operand(0) ? operand(1) : operand(2); })
      .Case<arith::IndexCastOp, arith::IndexCastUIOp, arith::ExtSIOp,
            arith::ExtUIOp>([&](Operation *) { return operand(0); })
      .Default([&](Operation *) -> FailureOr<int64_t> {
        return op->emitError("cannot be interpreted");
      });
}

} // namespace lamina::interpreter
