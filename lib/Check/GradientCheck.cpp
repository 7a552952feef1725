//===- GradientCheck.cpp - gradients against finite differences -----------===//
//
// One number decides: the derivative along a direction v of Σ u·f, u random.
// The gradient says ⟨g, v⟩; the other opinion is a difference of fourth order,
// with steps from large (exact for smooth functions) to small (for functions
// with kinks, of which a step jumps over few if it is small).
//
//===----------------------------------------------------------------------===//

#include "lamina/Check/GradientCheck.h"
#include "lamina/Interpreter/Interpreter.h"
#include "lamina/Lam/Derivatives.h"
#include "lamina/Lam/Lam.h"
#include "lamina/Lam/Passes.h"
#include "mlir/Pass/PassManager.h"
#include <cmath>

using namespace mlir;
using namespace lamina;

//===----------------------------------------------------------------------===//
// Random numbers
//===----------------------------------------------------------------------===//

uint64_t CheckRandom::next() { // splitmix64
  uint64_t z = (state += 0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

double CheckRandom::uniform(double low, double high) {
  return low + (high - low) * (static_cast<double>(next() >> 11) * 0x1p-53);
}

int64_t CheckRandom::integer(int64_t low, int64_t high) {
  return low + static_cast<int64_t>(next() % (high - low + 1));
}

double CheckRandom::normal() {
  double sum = -6;
  for (int i = 0; i < 12; ++i)
    sum += uniform(0, 1);
  return sum;
}

NDArray CheckRandom::normals(ArrayRef<int64_t> shape) {
  NDArray array(DType::Float64, shape);
  for (int64_t i = 0; i < array.size(); ++i)
    array.setDouble(i, normal());
  return array;
}

double lamina::dot(const NDArray &a, const NDArray &b) {
  double sum = 0;
  for (int64_t i = 0; i < a.size(); ++i)
    sum += a.getDouble(i) * b.getDouble(i);
  return sum;
}

//===----------------------------------------------------------------------===//
// The function and its gradient
//===----------------------------------------------------------------------===//

static void setResults(func::FuncOp function, ValueRange results) {
  Block &body = function.getBody().front();
  body.getTerminator()->setOperands(results);
  function.setFunctionType(FunctionType::get(
      function.getContext(), body.getArgumentTypes(), results.getTypes()));
  function.setArgAttrsAttr(nullptr);
  function.setResAttrsAttr(nullptr);
}

/// `forward` gives the values that stop_gradient stops as further results, and
/// `held` takes them as further arguments.
static void holdStopped(func::FuncOp forward, func::FuncOp held) {
  SmallVector<Value> results(
      forward.getBody().front().getTerminator()->getOperands());
  for (auto op : forward.getBody().getOps<lam::StopGradientOp>())
    results.push_back(op.getX());
  setResults(forward, results);

  Block &body = held.getBody().front();
  for (auto op :
       llvm::make_early_inc_range(body.getOps<lam::StopGradientOp>())) {
    op.replaceAllUsesWith(body.addArgument(op.getType(), op.getLoc()));
    op.erase();
  }
  setResults(held, SmallVector<Value>(body.getTerminator()->getOperands()));
}

FailureOr<GradientCheck> GradientCheck::create(ModuleOp module,
                                               StringRef name) {
  GradientCheck check;
  check.module = module.clone();
  check.forward = check.module->lookupSymbol<func::FuncOp>(name);
  check.vjp = lam::addVjp(check.forward, name.str() + " vjp");
  PassManager passes(module.getContext());
  passes.addPass(createLamDifferentiate());
  if (failed(passes.run(*check.module)))
    return failure();
  check.held = check.forward.clone();
  check.held.setName(name.str() + " held");
  check.module->push_back(check.held);
  check.results = check.held.getNumResults();
  holdStopped(check.forward, check.held);
  return check;
}

//===----------------------------------------------------------------------===//
// Comparing
//===----------------------------------------------------------------------===//

namespace {
using Arrays = std::vector<NDArray>;

bool isFinite(ArrayRef<NDArray> arrays) {
  for (const NDArray &array : arrays)
    if (isFloat(array.dtype()))
      for (int64_t i = 0; i < array.size(); ++i)
        if (!std::isfinite(array.getDouble(i)))
          return false;
  return true;
}

/// Σ u·f along a line through a point in one argument.
class Line {
public:
  Line(func::FuncOp function, ArrayRef<NDArray> point, unsigned argument,
       ArrayRef<NDArray> cotangents)
      : function(function), point(point.begin(), point.end()),
        argument(argument), cotangents(cotangents) {}

  /// The difference of fourth order with steps of h along `direction`; NaN
  /// where the function is not finite.
  double derivative(const NDArray &direction, double h);
  /// The change of the slope from one side to the other.
  double bend(const NDArray &direction, double h);
  /// Whether small differences still depend on the step: there is no derivative
  /// here. `error` is how far they are from what is expected.
  bool isKink(const NDArray &direction, double error);

private:
  func::FuncOp function;
  Arrays point;
  unsigned argument;
  ArrayRef<NDArray> cotangents;

  double at(const NDArray &direction, double step);
};
} // namespace

double Line::at(const NDArray &direction, double step) {
  NDArray from = point[argument];
  for (int64_t i = 0; i < from.size(); ++i)
    point[argument].setDouble(i, from.getDouble(i) +
                                     step * direction.getDouble(i));
  FailureOr<Arrays> results = interpret(function, point, Rounding::None);
  point[argument] = std::move(from);
  double sum = 0;
  if (failed(results))
    return NAN;
  auto next = cotangents.begin();
  for (const NDArray &result : *results)
    if (isFloat(result.dtype()) && next != cotangents.end())
      sum += dot(result, *next++);
  return sum;
}

double Line::derivative(const NDArray &direction, double h) {
  double near = at(direction, h) - at(direction, -h);
  double far = at(direction, 2 * h) - at(direction, -2 * h);
  return (8 * near - far) / (12 * h);
}

double Line::bend(const NDArray &direction, double h) {
  return (at(direction, h) - 2 * at(direction, 0) + at(direction, -h)) / h;
}

bool Line::isKink(const NDArray &direction, double error) {
  constexpr double h = 1e-6, part = 0.1;
  double change = derivative(direction, h) - derivative(direction, 10 * h);
  // Not a number counts as well.
  return !(std::abs(change) < part * error) ||
         !(std::abs(bend(direction, h)) < part * error);
}

/// Compares the gradient `g` with differences along `direction`; `base` is the
/// size of what the differences are taken of.
static void compare(ArgumentCheck &check, Line &line, const NDArray &g,
                    const NDArray &direction, double base, double tolerance) {
  double expected = dot(g, direction), scale = 0;
  for (int64_t i = 0; i < g.size(); ++i)
    scale += std::abs(g.getDouble(i) * direction.getDouble(i));
  // A difference cannot be more exact than the values; next to numbers around
  // 1, what is below 1e-12 is nothing.
  scale += 1e-6 * (base + 1);
  double best = INFINITY, absolute = INFINITY;
  for (double h : {1e-3, 1e-4, 1e-5, 1e-6}) {
    double difference = line.derivative(direction, h);
    double error =
        std::abs(expected - difference) / (scale + std::abs(difference));
    if (error < best) {
      best = error;
      absolute = std::abs(expected - difference);
    }
    if (best <= tolerance)
      break;
  }
  ++check.directions;
  if (best > tolerance && line.isKink(direction, absolute)) {
    if (check.verdict == Verdict::Agrees)
      check.verdict = Verdict::Kink;
    return;
  }
  check.error = std::max(check.error, best);
  if (best > tolerance)
    check.verdict = Verdict::Differs;
}

FailureOr<SmallVector<ArgumentCheck>>
GradientCheck::at(ArrayRef<NDArray> inputs, CheckRandom &random) const {
  FailureOr<Arrays> values = interpret(forward, inputs, Rounding::None);
  if (failed(values))
    return failure();
  ArrayRef<NDArray> outputs = ArrayRef<NDArray>(*values).take_front(results);
  Arrays cotangents, operands(inputs), point(inputs);
  double base = 0;
  for (const NDArray &output : outputs)
    if (isFloat(output.dtype())) {
      cotangents.push_back(random.normals(output.shape()));
      for (int64_t i = 0; i < output.size(); ++i)
        base += std::abs(output.getDouble(i) * cotangents.back().getDouble(i));
    }
  llvm::append_range(operands, cotangents);
  FailureOr<Arrays> derived = interpret(vjp, operands, Rounding::None);
  if (failed(derived))
    return failure();
  ArrayRef<NDArray> gradients = ArrayRef<NDArray>(*derived).drop_front(results);
  llvm::append_range(point, ArrayRef<NDArray>(*values).drop_front(results));

  SmallVector<ArgumentCheck> checks;
  for (auto [i, input] : llvm::enumerate(inputs)) {
    if (!isFloat(input.dtype()) || i >= checked)
      continue;
    ArgumentCheck &check = checks.emplace_back();
    check.argument = i;
    const NDArray &g = gradients[checks.size() - 1];
    point[i] = input.cast(DType::Float64);
    if (!isFinite(outputs) || !isFinite(g)) {
      check.verdict =
          isFinite(outputs) ? Verdict::GradientNotFinite : Verdict::NotFinite;
      continue;
    }
    Line line(held, point, i, cotangents);
    auto along = [&](const NDArray &direction) {
      compare(check, line, g, direction, base, tolerance);
    };
    for (unsigned n = 0; n < directions && g.size() > 0; ++n)
      along(random.normals(input.shape()));
    for (int64_t n = 0; n < g.size() && g.size() <= smallSize; ++n) {
      NDArray axis(DType::Float64, input.shape());
      axis.setDouble(n, 1);
      along(axis);
    }
  }
  return checks;
}
