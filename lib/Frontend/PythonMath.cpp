//===- PythonMath.cpp - the math module -----------------------------------===//
//
// On static numbers these are Python's functions; a tensor (or a size that is
// only known at run time) among the arguments makes them the library's op of
// the same name.
//
//===----------------------------------------------------------------------===//
#include "PythonBuiltins.h"
#include "PythonText.h"
#include <cmath>
#include <numeric>

using namespace lamina;
using namespace lamina::ast;
using namespace lamina::frontend;

static bool isStatic(const CallArgs &args) {
  return llvm::none_of(args.positional, [](Value v) {
    return v.isTensor() || v.is(ValueKind::Size);
  });
}

/// What Python's math module raises: a value outside the domain, or infinity
/// out of finite numbers.
static Result checked(Evaluator &ev, double value, bool finiteInput,
                      SMRange at) {
  if (finiteInput && std::isnan(value))
    return ev.error(at, "math domain error");
  if (finiteInput && std::isinf(value))
    return ev.error(at, "math range error");
  return Value::floating(value);
}

template <double Function(double)>
static void unary(Evaluator &ev, llvm::StringRef name) {
  std::string copy = name.str();
  ev.defineIn("math", name, [copy](Evaluator &ev, CallArgs &args) -> Result {
    if (!isStatic(args))
      return ev.callLibrary(copy, args);
    ArgParser p(ev, args, copy, {"x"});
    auto x = p.failed() ? FailureOr<double>(failure()) : p.number("x");
    if (failed(x))
      return failure();
    return checked(ev, Function(*x), std::isfinite(*x), args.range);
  });
}

template <double Function(double, double)>
static void binary(Evaluator &ev, llvm::StringRef name) {
  std::string copy = name.str();
  ev.defineIn("math", name, [copy](Evaluator &ev, CallArgs &args) -> Result {
    if (!isStatic(args))
      return ev.callLibrary(copy, args);
    ArgParser p(ev, args, copy, {"x", "y"});
    auto x = p.failed() ? FailureOr<double>(failure()) : p.number("x");
    auto y = failed(x) ? FailureOr<double>(failure()) : p.number("y");
    if (failed(y))
      return failure();
    return checked(ev, Function(*x, *y), std::isfinite(*x) && std::isfinite(*y),
                   args.range);
  });
}

template <double Function(double)>
static void rounding(Evaluator &ev, llvm::StringRef name) {
  std::string copy = name.str();
  ev.defineIn("math", name, [copy](Evaluator &ev, CallArgs &args) -> Result {
    if (!isStatic(args))
      return ev.callLibrary(copy, args);
    ArgParser p(ev, args, copy, {"x"});
    auto x = p.failed() ? FailureOr<double>(failure()) : p.number("x");
    if (failed(x))
      return failure();
    if (p["x"].isInteger())
      return Value::integer(p["x"].asInt());
    double value = Function(*x);
    if (std::isnan(value))
      return ev.error(args.range, "cannot convert float NaN to integer");
    if (!(std::fabs(value) < 0x1p63))
      return ev.error(args.range,
                      "the number does not fit into a 64-bit integer");
    return Value::integer(static_cast<int64_t>(value));
  });
}

template <bool Function(double)>
static void predicate(Evaluator &ev, llvm::StringRef name) {
  std::string copy = name.str();
  ev.defineIn("math", name, [copy](Evaluator &ev, CallArgs &args) -> Result {
    if (!isStatic(args))
      return ev.callLibrary(copy, args);
    ArgParser p(ev, args, copy, {"x"});
    auto x = p.failed() ? FailureOr<double>(failure()) : p.number("x");
    if (failed(x))
      return failure();
    return Value::boolean(Function(*x));
  });
}

static double degrees(double x) { return x * (180 / M_PI); }
static double radians(double x) { return x * (M_PI / 180); }
static double sqrtOf(double x) { return std::sqrt(x); }
static double lgammaOf(double x) {
  int sign = 0;
  return lgamma_r(x, &sign);
}
static bool isNaN(double x) { return std::isnan(x); }
static bool isInf(double x) { return std::isinf(x); }
static bool isFinite(double x) { return std::isfinite(x); }

/// log(x) or log(x, base). The logarithm of 0 is an error.
static Result logarithm(Evaluator &ev, CallArgs &args, llvm::StringRef name,
                        double (*function)(double)) {
  if (!isStatic(args))
    return ev.callLibrary(name, args);
  ArgParser p(ev, args, name, {"x", "base="});
  auto x = p.failed() ? FailureOr<double>(failure()) : p.number("x");
  if (failed(x))
    return failure();
  if (*x <= 0)
    return ev.error(args.range, "math domain error");
  double value = function(*x);
  if (p.has("base")) {
    auto base = p.number("base");
    if (failed(base))
      return failure();
    double divisor = *base > 0 ? function(*base) : 0;
    if (divisor == 0)
      return ev.error(args.range,
                      *base > 0 ? "division by zero" : "math domain error");
    value /= divisor;
  }
  return Value::floating(value);
}

static FailureOr<std::vector<int64_t>> integers(Evaluator &ev, CallArgs &args,
                                                llvm::StringRef name,
                                                size_t least, size_t most) {
  size_t count = args.positional.size();
  if (count < least || count > most || !args.keywords.empty())
    return ev.error(args.range,
                    name + "() takes " + llvm::Twine(least) + " arguments");
  std::vector<int64_t> result;
  for (auto [i, value] : llvm::enumerate(args.positional)) {
    if (!value.isInteger())
      return ev.error(args.at(i),
                      name + "() needs integers, not " + ev.describe(value));
    result.push_back(value.asInt());
  }
  return result;
}

/// n * (n-1) * … of `count` factors, divided by 1, 2, … if asked for.
static Result fallingFactorial(Evaluator &ev, int64_t n, int64_t count,
                               bool divide, SMRange at) {
  if (n < 0 || count < 0)
    return ev.error(at, "the numbers must not be negative");
  if (count > n)
    return Value::integer(0);
  if (divide)
    count = std::min(count, n - count);
  __int128 result = 1;
  for (int64_t i = 0; i < count; ++i) {
    result *= n - i;
    if (divide)
      result /= i + 1;
    if (result > INT64_MAX)
      return ev.error(at, "the number does not fit into a 64-bit integer");
    if (failed(ev.spend(1, at)))
      return failure();
  }
  return Value::integer(static_cast<int64_t>(result));
}

static void registerIntegerFunctions(Evaluator &ev) {
  ev.defineIn("math", "factorial", [](Evaluator &ev, CallArgs &args) -> Result {
    auto n = integers(ev, args, "factorial", 1, 1);
    if (failed(n))
      return failure();
    return fallingFactorial(ev, (*n)[0], (*n)[0], false, args.range);
  });
  ev.defineIn("math", "comb", [](Evaluator &ev, CallArgs &args) -> Result {
    auto n = integers(ev, args, "comb", 2, 2);
    if (failed(n))
      return failure();
    return fallingFactorial(ev, (*n)[0], (*n)[1], true, args.range);
  });
  ev.defineIn("math", "perm", [](Evaluator &ev, CallArgs &args) -> Result {
    auto n = integers(ev, args, "perm", 1, 2);
    if (failed(n))
      return failure();
    return fallingFactorial(ev, n->front(), n->back(), false, args.range);
  });
  ev.defineIn("math", "isqrt", [](Evaluator &ev, CallArgs &args) -> Result {
    auto n = integers(ev, args, "isqrt", 1, 1);
    if (failed(n))
      return failure();
    if ((*n)[0] < 0)
      return ev.error(args.range, "isqrt() argument must be nonnegative");
    auto root =
        static_cast<int64_t>(std::sqrt(static_cast<long double>((*n)[0])));
    return Value::integer(root);
  });
  for (llvm::StringRef name : {"gcd", "lcm"}) {
    bool isGcd = name == "gcd";
    ev.defineIn("math", name, [isGcd](Evaluator &ev, CallArgs &args) -> Result {
      auto n = integers(ev, args, isGcd ? "gcd" : "lcm", 0, 1000);
      if (failed(n))
        return failure();
      __int128 result = isGcd ? 0 : 1;
      for (int64_t value : *n) {
        __int128 magnitude = value < 0 ? -static_cast<__int128>(value) : value;
        __int128 a = result, b = magnitude;
        while (b != 0)
          a = std::exchange(b, a % b);
        result = isGcd ? a : a == 0 ? 0 : result / a * magnitude;
        if (result > INT64_MAX)
          return ev.error(args.range,
                          "the number does not fit into a 64-bit integer");
      }
      return Value::integer(static_cast<int64_t>(result));
    });
  }
}

static void registerSequenceFunctions(Evaluator &ev) {
  ev.defineIn("math", "prod", [](Evaluator &ev, CallArgs &args) -> Result {
    ArgParser p(ev, args, "prod", {"iterable", "start="});
    if (p.failed())
      return failure();
    if (p["iterable"].isTensor())
      return ev.callLibrary("prod", args);
    auto items = ev.iterate(p["iterable"], p.at("iterable"));
    if (failed(items))
      return failure();
    Result total = p.has("start") ? p["start"] : Value::integer(1);
    for (Value item : *items) {
      total = ev.binary(BinaryOp::Mul, *total, item, args.range);
      if (failed(total))
        return failure();
    }
    return total;
  });
  ev.defineIn("math", "fsum", [](Evaluator &ev, CallArgs &args) -> Result {
    ArgParser p(ev, args, "fsum", {"seq"});
    if (p.failed())
      return failure();
    auto items = ev.iterate(p["seq"], p.at("seq"));
    if (failed(items))
      return failure();
    // Shewchuk's exact partial sums.
    std::vector<double> partials;
    for (Value item : *items) {
      if (!item.isNumber())
        return ev.error(p.at("seq"),
                        "fsum() needs numbers, not " + ev.describe(item));
      double x = item.asDouble();
      size_t kept = 0;
      for (double y : partials) {
        if (std::fabs(x) < std::fabs(y))
          std::swap(x, y);
        double high = x + y, low = y - (high - x);
        if (low != 0)
          partials[kept++] = low;
        x = high;
      }
      partials.resize(kept);
      partials.push_back(x);
    }
    long double total = 0;
    for (double partial : partials)
      total += partial;
    return Value::floating(static_cast<double>(total));
  });
  ev.defineIn("math", "hypot", [](Evaluator &ev, CallArgs &args) -> Result {
    if (!isStatic(args))
      return ev.callLibrary("hypot", args);
    double result = 0;
    for (auto [i, value] : llvm::enumerate(args.positional)) {
      if (!value.isNumber())
        return ev.error(args.at(i),
                        "hypot() needs numbers, not " + ev.describe(value));
      result = std::hypot(result, value.asDouble());
    }
    return Value::floating(result);
  });
  ev.defineIn("math", "isclose", [](Evaluator &ev, CallArgs &args) -> Result {
    if (!isStatic(args))
      return ev.callLibrary("isclose", args);
    ArgParser p(ev, args, "isclose", {"a", "b", "rel_tol=", "abs_tol="});
    auto a = p.failed() ? FailureOr<double>(failure()) : p.number("a");
    auto b = failed(a) ? FailureOr<double>(failure()) : p.number("b");
    auto relative =
        p.has("rel_tol") ? p.number("rel_tol") : FailureOr<double>(1e-9);
    auto absolute =
        p.has("abs_tol") ? p.number("abs_tol") : FailureOr<double>(0.0);
    if (failed(b) || failed(relative) || failed(absolute))
      return failure();
    if (*a == *b)
      return Value::boolean(true);
    if (std::isinf(*a) || std::isinf(*b))
      return Value::boolean(false);
    double largest = std::max(std::fabs(*a), std::fabs(*b));
    return Value::boolean(std::fabs(*a - *b) <=
                          std::max(*relative * largest, *absolute));
  });
}

void frontend::registerMathModule(Evaluator &ev) {
  static constexpr std::pair<llvm::StringRef, double> constants[] = {
      {"pi", M_PI}, {"e", M_E}, {"tau", 2 * M_PI}, {"inf", HUGE_VAL}};
  for (auto [name, value] : constants)
    for (llvm::StringRef space : {"math", "np"})
      if (name != "tau" || space == "math")
        ev.defineIn(space, name, Value::floating(value));
  for (llvm::StringRef space : {"math", "np"})
    ev.defineIn(space, "nan", Value::floating(std::nan("")));
  ev.defineIn("np", "newaxis", Value::none());
  ev.defineIn("tf", "newaxis", Value::none());
  ev.defineIn("np", "euler_gamma", Value::floating(0.57721566490153286061));

  unary<sqrtOf>(ev, "sqrt");
  unary<std::cbrt>(ev, "cbrt");
  unary<std::exp>(ev, "exp");
  unary<std::exp2>(ev, "exp2");
  unary<std::expm1>(ev, "expm1");
  unary<std::log1p>(ev, "log1p");
  unary<std::sin>(ev, "sin");
  unary<std::cos>(ev, "cos");
  unary<std::tan>(ev, "tan");
  unary<std::asin>(ev, "asin");
  unary<std::acos>(ev, "acos");
  unary<std::atan>(ev, "atan");
  unary<std::sinh>(ev, "sinh");
  unary<std::cosh>(ev, "cosh");
  unary<std::tanh>(ev, "tanh");
  unary<std::asinh>(ev, "asinh");
  unary<std::acosh>(ev, "acosh");
  unary<std::atanh>(ev, "atanh");
  unary<std::erf>(ev, "erf");
  unary<std::erfc>(ev, "erfc");
  unary<std::tgamma>(ev, "gamma");
  unary<lgammaOf>(ev, "lgamma");
  unary<std::fabs>(ev, "fabs");
  unary<degrees>(ev, "degrees");
  unary<radians>(ev, "radians");
  binary<std::pow>(ev, "pow");
  binary<std::atan2>(ev, "atan2");
  binary<std::fmod>(ev, "fmod");
  binary<std::remainder>(ev, "remainder");
  binary<std::copysign>(ev, "copysign");
  rounding<std::floor>(ev, "floor");
  rounding<std::ceil>(ev, "ceil");
  rounding<std::trunc>(ev, "trunc");
  predicate<isNaN>(ev, "isnan");
  predicate<isInf>(ev, "isinf");
  predicate<isFinite>(ev, "isfinite");
  ev.defineIn("math", "log", [](Evaluator &ev, CallArgs &args) {
    return logarithm(ev, args, "log", std::log);
  });
  ev.defineIn("math", "log2", [](Evaluator &ev, CallArgs &args) {
    return logarithm(ev, args, "log2", std::log2);
  });
  ev.defineIn("math", "log10", [](Evaluator &ev, CallArgs &args) {
    return logarithm(ev, args, "log10", std::log10);
  });
  registerIntegerFunctions(ev);
  registerSequenceFunctions(ev);
}
