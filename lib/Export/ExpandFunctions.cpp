//===- ExpandFunctions.cpp - functions as formulas of common ones ---------===//

#include "GraphWriter.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringMap.h"

using namespace mlir;
using namespace lamina::lam;

namespace lamina {

static Expr polynomial(ArrayRef<double> coefficients, Expr x) {
  Expr sum = coefficients.front();
  for (double c : coefficients.drop_front())
    sum = sum * x + c;
  return sum;
}

/// (exp(x) - 1) without cancellation: W. Kahan; the error of u = exp(x) is
/// divided out by log(u).
static Expr expm1Formula(Expr x) {
  Expr u = exp(x), near = (u - 1.0) * x / log(u);
  return select(gt(abs(x), 0.5), u - 1.0, select(eq(u, 1.0), x, near));
}

static Expr log1pFormula(Expr x) {
  Expr u = 1.0 + x, near = log(u) * x / (u - 1.0);
  return select(gt(abs(x), 0.5), log(u), select(eq(u, 1.0), x, near));
}

static Expr atan2Formula(Expr a, Expr b) {
  constexpr double pi = 3.14159265358979323846;
  Expr t = atan(a / b);
  Expr onAxis =
      select(gt(a, 0.0), pi / 2, select(lt(a, 0.0), -pi / 2, 0.0 * a));
  Expr left = select(lt(a, 0.0), t - pi, t + pi);
  return select(eq(b, 0.0), onAxis, select(lt(b, 0.0), left, t));
}

/// Relative error below 1.2e-7 everywhere (Press et al., Numerical Recipes,
/// erfcc), where 1 - erf(x) has lost digits.
static Expr erfcFormula(Expr x) {
  Expr z = abs(x), t = 1.0 / (1.0 + 0.5 * z);
  Expr p =
      polynomial({0.17087277, -0.82215223, 1.48851587, -1.13520398, 0.27886807,
                  -0.18628806, 0.09678418, 0.37409196, 1.00002368, -1.26551223},
                 t);
  return select(gt(x, 1.0), t * exp(p - z * z), 1.0 - erf(x));
}

/// M. Giles, Approximating the erfinv function (2012), single precision.
static Expr erfinvFormula(Expr x) {
  Expr w = -log((1.0 - x) * (1.0 + x));
  Expr central = polynomial({2.81022636e-08, 3.43273939e-07, -3.5233877e-06,
                             -4.39150654e-06, 0.00021858087, -0.00125372503,
                             -0.00417768164, 0.246640727, 1.50140941},
                            w - 2.5);
  Expr tail = polynomial({-0.000200214257, 0.000100950558, 0.00134934322,
                          -0.00367342844, 0.00573950773, -0.0076224613,
                          0.00943887047, 1.00167406, 2.83297682},
                         sqrt(w) - 3.0);
  return select(lt(w, 5.0), central, tail) * x;
}

/// The remainder with the divisor's sign.
static Expr modFormula(Expr a, Expr b) {
  Expr r = rem(a, b);
  return select(lt(r * b, 0.0), r + b, r);
}

static std::optional<Expr> formulaFor(Operation *op, ArrayRef<Expr> x) {
  if (isa<lam::Expm1Op>(op))
    return expm1Formula(x[0]);
  if (isa<lam::Log1pOp>(op))
    return log1pFormula(x[0]);
  if (isa<lam::Exp2Op>(op))
    return exp(x[0] * 0.69314718055994530942);
  if (isa<lam::Log2Op>(op))
    return log(x[0]) * 1.44269504088896340736;
  if (isa<lam::Log10Op>(op))
    return log(x[0]) * 0.43429448190325182765;
  if (isa<lam::RsqrtOp>(op))
    return 1.0 / sqrt(x[0]);
  if (isa<lam::CbrtOp>(op))
    return sign(x[0]) * pow(abs(x[0]), 1.0 / 3.0);
  if (isa<lam::TruncOp>(op))
    return sign(x[0]) * floor(abs(x[0]));
  if (isa<lam::Atan2Op>(op))
    return atan2Formula(x[0], x[1]);
  if (isa<lam::ErfcOp>(op))
    return erfcFormula(x[0]);
  if (isa<lam::ErfinvOp>(op))
    return erfinvFormula(x[0]);
  if (isa<lam::ModOp>(op) &&
      isa<FloatType>(mlir::cast<RankedTensorType>(op->getOperand(0).getType())
                         .getElementType()))
    return modFormula(x[0], x[1]);
  return std::nullopt;
}

void expandFunctions(func::FuncOp function) {
  SmallVector<Operation *> worklist;
  function.walk([&](Operation *op) { worklist.push_back(op); });
  for (Operation *op : worklist) {
    if (!op->hasTrait<OpTrait::Elementwise>() || op->getNumOperands() == 0)
      continue;
    OpBuilder builder(op);
    SmallVector<Expr> operands;
    for (Value operand : op->getOperands())
      operands.emplace_back(operand, builder, op->getLoc());
    if (std::optional<Expr> formula = formulaFor(op, operands)) {
      op->replaceAllUsesWith(ValueRange(formula->value()));
      op->erase();
    }
  }
}

} // namespace lamina
