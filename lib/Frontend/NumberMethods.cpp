//===- NumberMethods.cpp - methods of int and float -----------------------===//
#include "PythonBuiltins.h"
#include <bit>
#include <cmath>

using namespace lamina;
using namespace lamina::frontend;

void frontend::registerNumberMethods(Evaluator &ev, ClassObject *intClass,
                                     ClassObject *floatClass) {
  method(ev, intClass, "bit_length",
         [](Evaluator &ev, CallArgs &args) -> Result {
           ArgParser p(ev, args, "bit_length", {"self"});
           auto self =
               p.failed() ? FailureOr<int64_t>(failure()) : p.integer("self");
           if (failed(self))
             return failure();
           uint64_t magnitude = *self < 0 ? 0 - static_cast<uint64_t>(*self)
                                          : static_cast<uint64_t>(*self);
           return Value::integer(std::bit_width(magnitude));
         });
  method(ev, intClass, "conjugate",
         [](Evaluator &ev, CallArgs &args) -> Result {
           ArgParser p(ev, args, "conjugate", {"self"});
           return p.failed() ? Result(failure()) : Result(p["self"]);
         });
  method(ev, floatClass, "is_integer",
         [](Evaluator &ev, CallArgs &args) -> Result {
           ArgParser p(ev, args, "is_integer", {"self"});
           auto self =
               p.failed() ? FailureOr<double>(failure()) : p.number("self");
           if (failed(self))
             return failure();
           return Value::boolean(std::isfinite(*self) &&
                                 *self == std::floor(*self));
         });
  intClass->attributes["is_integer"] = floatClass->attributes["is_integer"];
  method(
      ev, floatClass, "as_integer_ratio",
      [](Evaluator &ev, CallArgs &args) -> Result {
        ArgParser p(ev, args, "as_integer_ratio", {"self"});
        auto self =
            p.failed() ? FailureOr<double>(failure()) : p.number("self");
        if (failed(self))
          return failure();
        int exponent = 0;
        double mantissa = std::frexp(*self, &exponent);
        int64_t numerator = static_cast<int64_t>(std::ldexp(mantissa, 53));
        exponent -= 53;
        while (numerator != 0 && numerator % 2 == 0 && exponent < 0) {
          numerator /= 2;
          ++exponent;
        }
        bool fits =
            std::isfinite(*self) && exponent > -63 &&
            (exponent <= 0 ||
             (exponent < 63 && std::abs(numerator) < (INT64_MAX >> exponent)));
        if (!fits && numerator != 0)
          return ev.error(args.range,
                          "the ratio does not fit into 64-bit integers");
        if (numerator == 0)
          exponent = 0;
        return ev.tuple(
            {Value::integer(exponent > 0 ? numerator << exponent : numerator),
             Value::integer(exponent < 0 ? int64_t(1) << -exponent : 1)});
      });
}
