//===- PythonNumbers.cpp - abs, round, pow, divmod, and texts of numbers --===//
#include "PythonBuiltins.h"
#include "PythonText.h"
#include "lamina/Frontend/Tracer.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/ConvertUTF.h"
#include <cmath>

using namespace lamina;
using namespace lamina::ast;
using namespace lamina::frontend;

/// The special method of an instance, called without arguments.
static std::optional<Result> callSpecial(Evaluator &ev, Value value,
                                         llvm::StringRef name, SMRange at) {
  if (!value.is(ValueKind::Instance))
    return std::nullopt;
  std::optional<Result> method = ev.findAttribute(value, name, at);
  if (!method || failed(*method))
    return method;
  return ev.call(**method, std::vector<Value>{}, at);
}

static Result absolute(Evaluator &ev, CallArgs &args) {
  ArgParser p(ev, args, "abs", {"x"});
  if (p.failed())
    return failure();
  Value x = p["x"];
  if (x.isTensor())
    return ev.callLibrary("abs", args);
  if (auto result = callSpecial(ev, x, "__abs__", args.range))
    return *result;
  if (x.is(ValueKind::Float))
    return Value::floating(std::fabs(x.asDouble()));
  if (x.isInteger())
    return x.asInt() < 0 ? ev.unary(UnaryOp::Neg, x, args.range)
                         : Result(Value::integer(x.asInt()));
  if (auto *size = x.as<SizeObject>(); size && Size::lessThan(size->size, 0))
    return *Size::lessThan(size->size, 0)
               ? ev.unary(UnaryOp::Neg, x, args.range)
               : Result(x);
  return ev.error(p.at("x"),
                  "bad operand type for abs(): '" + ev.classOf(x)->name + "'");
}

static Result roundNumber(Evaluator &ev, CallArgs &args) {
  if (!args.positional.empty() && args.positional[0].isTensor())
    return ev.callLibrary("round", args);
  ArgParser p(ev, args, "round", {"number", "ndigits="});
  if (p.failed())
    return failure();
  Value x = p["number"];
  if (auto result = callSpecial(ev, x, "__round__", args.range))
    return *result;
  if (x.is(ValueKind::Size))
    return x;
  if (!x.isNumber())
    return ev.error(p.at("number"), "type " + ev.classOf(x)->name +
                                        " doesn't define __round__ method");
  std::optional<int64_t> digits;
  if (!p["ndigits"].isNone()) {
    auto given = p.integer("ndigits");
    if (failed(given))
      return failure();
    digits = *given;
  }
  if (x.isInteger()) {
    int64_t value = x.asInt();
    if (!digits || *digits >= 0)
      return Value::integer(value);
    if (*digits < -18)
      return Value::integer(0);
    int64_t unit = 1;
    for (int64_t i = 0; i < -*digits; ++i)
      unit *= 10;
    __int128 down = value - ((value % unit) + unit) % unit;
    __int128 twice = 2 * (static_cast<__int128>(value) - down);
    bool odd = (down / unit) % 2 != 0;
    if (twice > unit || (twice == unit && odd))
      down += unit;
    if (down > INT64_MAX || down < INT64_MIN)
      return ev.error(args.range,
                      "the number does not fit into a 64-bit integer");
    return Value::integer(static_cast<int64_t>(down));
  }
  double value = x.asDouble();
  if (digits)
    return Value::floating(roundDecimal(value, *digits));
  if (std::isnan(value))
    return ev.error(p.at("number"), "cannot convert float NaN to integer");
  double rounded = std::nearbyint(value);
  if (!(std::fabs(rounded) < 0x1p63))
    return ev.error(p.at("number"),
                    "the number does not fit into a 64-bit integer");
  return Value::integer(static_cast<int64_t>(rounded));
}

static Result power(Evaluator &ev, CallArgs &args) {
  ArgParser p(ev, args, "pow", {"base", "exp", "mod="});
  if (p.failed())
    return failure();
  if (p["mod"].isNone())
    return ev.binary(BinaryOp::Pow, p["base"], p["exp"], args.range);
  auto base = p.integer("base"), exponent = p.integer("exp"),
       modulus = p.integer("mod");
  if (failed(base) || failed(exponent) || failed(modulus))
    return failure();
  if (*modulus == 0 || *exponent < 0)
    return ev.error(args.range, *modulus == 0
                                    ? "pow() 3rd argument cannot be 0"
                                    : "pow() of a negative exponent with a "
                                      "modulus is not supported");
  __int128 m = *modulus < 0 ? -static_cast<__int128>(*modulus) : *modulus;
  __int128 result = 1 % m, factor = ((*base % m) + m) % m;
  for (int64_t e = *exponent; e; e >>= 1) {
    if (e & 1)
      result = static_cast<unsigned __int128>(result) * factor % m;
    factor = static_cast<unsigned __int128>(factor) * factor % m;
  }
  if (*modulus < 0 && result != 0)
    result -= m;
  return Value::integer(static_cast<int64_t>(result));
}

static Result divmod(Evaluator &ev, CallArgs &args) {
  ArgParser p(ev, args, "divmod", {"a", "b"});
  if (p.failed())
    return failure();
  Result quotient = ev.binary(BinaryOp::FloorDiv, p["a"], p["b"], args.range);
  if (failed(quotient))
    return failure();
  Result rest = ev.binary(BinaryOp::Mod, p["a"], p["b"], args.range);
  if (failed(rest))
    return failure();
  return ev.tuple({*quotient, *rest});
}

static void radix(Evaluator &ev, llvm::StringRef name, char type) {
  std::string copy = name.str();
  ev.definePython(name, [copy, type](Evaluator &ev, CallArgs &args) -> Result {
    ArgParser p(ev, args, copy, {"number"});
    auto value =
        p.failed() ? FailureOr<int64_t>(failure()) : p.integer("number");
    if (failed(value))
      return failure();
    FormatSpec spec;
    spec.type = type;
    spec.alternate = true;
    std::string message;
    return ev.string(*formatInteger(*value, spec, message));
  });
}

void frontend::registerNumberBuiltins(Evaluator &ev) {
  ev.definePython("abs", absolute);
  ev.definePython("round", roundNumber);
  ev.definePython("pow", power);
  ev.definePython("divmod", divmod);
  radix(ev, "bin", 'b');
  radix(ev, "oct", 'o');
  radix(ev, "hex", 'x');
  ev.definePython("chr", [](Evaluator &ev, CallArgs &args) -> Result {
    ArgParser p(ev, args, "chr", {"i"});
    auto code = p.failed() ? FailureOr<int64_t>(failure()) : p.integer("i");
    if (failed(code))
      return failure();
    char buffer[8];
    char *end = buffer;
    if (*code < 0 || *code > 0x10FFFF ||
        !llvm::ConvertCodePointToUTF8(static_cast<unsigned>(*code), end))
      return ev.error(p.at("i"), "chr() arg not in range(0x110000)");
    return ev.string(llvm::StringRef(buffer, end - buffer));
  });
  ev.definePython("ord", [](Evaluator &ev, CallArgs &args) -> Result {
    ArgParser p(ev, args, "ord", {"c"});
    auto text = p.failed() ? FailureOr<std::string>(failure()) : p.string("c");
    if (failed(text))
      return failure();
    if (Characters(*text).size() != 1)
      return ev.error(p.at("c"), "ord() expected a character");
    const auto *begin = reinterpret_cast<const llvm::UTF8 *>(text->data());
    llvm::UTF32 code = 0;
    if (llvm::convertUTF8Sequence(&begin, begin + text->size(), &code,
                                  llvm::strictConversion) != llvm::conversionOK)
      return ev.error(p.at("c"), "ord() of text that is not UTF-8");
    return Value::integer(code);
  });
}
