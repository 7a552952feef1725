//===- ScalarFormulas.cpp - formula functions on scalar IR ----------------===//
//
// Branch-free throughout, so that a loop over them vectorizes. What is composed
// of several roundings is computed in f32 when the type is narrower.
//
//===----------------------------------------------------------------------===//

#include "ScalarFormulas.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Matchers.h"
#include <limits>

using namespace mlir;

namespace lamina::lam {

static bool isFloat(const Expr &x) {
  return isa<FloatType>(x.irValue.getType());
}
/// A bool is the unsigned integer of one bit.
static bool isUnsigned(const Expr &x) {
  return x.isUnsigned || x.irValue.getType().isInteger(1);
}
static unsigned width(const Expr &x) {
  return x.irValue.getType().getIntOrFloatBitWidth();
}

template <class Op, class... Args>
static Expr emit(const Expr &like, Args... args) {
  return like.of(Op::create(*like.opBuilder, *like.location, args.irValue...));
}
template <class Op>
static Expr emitTo(const Expr &x, Type type) {
  return x.of(Op::create(*x.opBuilder, *x.location, type, x.irValue));
}
static Expr constant(const Expr &like, double number) {
  return like.of(Expr(number).materialize(like.of(like.irValue)));
}
static Expr constant(const Expr &like, const APInt &number) {
  return like.of(arith::ConstantOp::create(
      *like.opBuilder, *like.location,
      IntegerAttr::get(like.irValue.getType(), number)));
}
static Expr infinity(const Expr &x) {
  return constant(x, std::numeric_limits<double>::infinity());
}
static Expr compareFloat(arith::CmpFPredicate p, Expr a, Expr b) {
  return testResult(a.of(arith::CmpFOp::create(*a.opBuilder, *a.location, p,
                                               a.irValue, b.irValue)),
                    a.irValue);
}
static Expr compareInt(arith::CmpIPredicate p, Expr a, Expr b) {
  return testResult(a.of(arith::CmpIOp::create(*a.opBuilder, *a.location, p,
                                               a.irValue, b.irValue)),
                    a.irValue);
}
static Expr choose(Expr c, Expr a, Expr b) {
  return emit<arith::SelectOp>(a, c, a, b);
}
static Expr both(Expr a, Expr b) { return emit<arith::AndIOp>(a, a, b); }
static Expr differ(Expr a, Expr b) { return emit<arith::XOrIOp>(a, a, b); }

/// `compute` in f32 if the type of `x` is narrower.
template <class Function, class... Rest>
static Expr inF32(Function compute, Expr x, Rest... rest) {
  Type type = x.irValue.getType();
  if (width(x) >= 32)
    return compute(x, rest...);
  auto widen = [&](Expr v) {
    return emitTo<arith::ExtFOp>(v, Float32Type::get(type.getContext()));
  };
  return emitTo<arith::TruncFOp>(compute(widen(x), widen(rest)...), type);
}

//===----------------------------------------------------------------------===//
// Arithmetic
//===----------------------------------------------------------------------===//

Expr Scalar::add(Expr a, Expr b) {
  return isFloat(a) ? emit<arith::AddFOp>(a, a, b)
                    : emit<arith::AddIOp>(a, a, b);
}
Expr Scalar::sub(Expr a, Expr b) {
  return isFloat(a) ? emit<arith::SubFOp>(a, a, b)
                    : emit<arith::SubIOp>(a, a, b);
}
Expr Scalar::mul(Expr a, Expr b) {
  return isFloat(a) ? emit<arith::MulFOp>(a, a, b)
                    : emit<arith::MulIOp>(a, a, b);
}
Expr Scalar::neg(Expr x) {
  return isFloat(x) ? emit<arith::NegFOp>(x, x) : sub(constant(x, 0.0), x);
}

namespace {
/// Integer quotient (towards zero) and remainder with every case defined: a
/// division by 0 gives 0, that of the lowest integer by -1 wraps.
struct Division {
  Expr quotient, rest;
};
} // namespace
static Division divide(Expr a, Expr b) {
  Expr zero = constant(a, 0.0), one = constant(a, 1.0);
  Expr byZero = compareInt(arith::CmpIPredicate::eq, b, zero);
  if (isUnsigned(a)) {
    Expr divisor = choose(byZero, one, b);
    return {choose(byZero, zero, emit<arith::DivUIOp>(a, a, divisor)),
            emit<arith::RemUIOp>(a, a, divisor)};
  }
  Expr byMinusOne = compareInt(arith::CmpIPredicate::eq, b, constant(a, -1.0));
  Expr divisor = choose(emit<arith::OrIOp>(byZero, byZero, byMinusOne), one, b);
  Expr quotient = emit<arith::DivSIOp>(a, a, divisor);
  quotient = choose(byMinusOne, -a, quotient);
  return {choose(byZero, zero, quotient), emit<arith::RemSIOp>(a, a, divisor)};
}
/// Whether `rest` has to be moved to the sign of the divisor `b`.
static Expr otherSign(Expr rest, Expr b) {
  return both(ne(rest, 0.0), differ(lt(rest, 0.0), lt(b, 0.0)));
}

Expr Scalar::div(Expr a, Expr b) {
  return isFloat(a) ? emit<arith::DivFOp>(a, a, b) : divide(a, b).quotient;
}
Expr Scalar::rem(Expr a, Expr b) {
  return isFloat(a) ? emit<arith::RemFOp>(a, a, b) : divide(a, b).rest;
}

static Expr floorDivFloat(Expr a, Expr b) {
  Expr quotient = a / b, rest = rem(a, b), exact = (a - rest) / b;
  exact = choose(otherSign(rest, b), exact - 1.0, exact);
  // The sign of a zero is the quotient's; a division by zero is the quotient.
  Expr result = choose(eq(exact, 0.0),
                       emit<math::CopySignOp>(a, constant(a, 0.0), quotient),
                       round(exact));
  return choose(eq(b, 0.0), quotient, result);
}
Expr Scalar::floor_div(Expr a, Expr b) {
  if (isFloat(a))
    return inF32(floorDivFloat, a, b);
  Division d = divide(a, b);
  if (isUnsigned(a))
    return d.quotient;
  return choose(otherSign(d.rest, b), sub(d.quotient, constant(a, 1.0)),
                d.quotient);
}
static Expr modFloat(Expr a, Expr b) {
  Expr rest = rem(a, b), moved = choose(otherSign(rest, b), rest + b, rest);
  return choose(eq(rest, 0.0), emit<math::CopySignOp>(a, constant(a, 0.0), b),
                moved);
}
Expr Scalar::mod(Expr a, Expr b) {
  if (isFloat(a))
    return inF32(modFloat, a, b);
  Expr rest = rem(a, b);
  return isUnsigned(a) ? rest : choose(otherSign(rest, b), add(rest, b), rest);
}

/// a to the constant n, by squaring.
static Expr powConstant(Expr a, uint64_t n) {
  Expr result = n & 1 ? a : constant(a, 1.0), base = a;
  for (bool any = n & 1; n >>= 1;) {
    base = base * base;
    if (n & 1) {
      result = any ? result * base : base;
      any = true;
    }
  }
  return result;
}
static Expr powInt(Expr a, Expr b) {
  APInt known;
  bool isUnsignedInt = isUnsigned(a);
  if (matchPattern(b.irValue, m_ConstantInt(&known)) &&
      (isUnsignedInt || known.isNonNegative()))
    return powConstant(a, known.getZExtValue());
  // One step per bit of the exponent: long, but free of branches and loops.
  Expr one = constant(a, 1.0), result = one, base = a, exponent = b;
  for (unsigned i = 0, bits = width(a); i < bits; ++i) {
    Expr odd = ne(bit_and(exponent, one), 0.0);
    result = choose(odd, result * base, result);
    if (i + 1 == bits)
      break;
    base = base * base;
    exponent = emit<arith::ShRUIOp>(a, exponent, one);
  }
  if (isUnsignedInt)
    return result;
  // 1 / a^n truncated: only 1 and -1 have an inverse.
  Expr odd = ne(bit_and(b, one), 0.0), minusOne = constant(a, -1.0);
  Expr inverse =
      choose(eq(a, -1.0), choose(odd, minusOne, one), constant(a, 0.0));
  inverse = choose(eq(a, 1.0), one, inverse);
  return choose(lt(b, 0.0), inverse, result);
}
Expr Scalar::pow(Expr a, Expr b) {
  return isFloat(a) ? emit<math::PowFOp>(a, a, b) : powInt(a, b);
}
Expr Scalar::max(Expr a, Expr b) {
  if (isFloat(a))
    return emit<arith::MaximumFOp>(a, a, b);
  return isUnsigned(a) ? emit<arith::MaxUIOp>(a, a, b)
                       : emit<arith::MaxSIOp>(a, a, b);
}
Expr Scalar::min(Expr a, Expr b) {
  if (isFloat(a))
    return emit<arith::MinimumFOp>(a, a, b);
  return isUnsigned(a) ? emit<arith::MinUIOp>(a, a, b)
                       : emit<arith::MinSIOp>(a, a, b);
}

Expr Scalar::abs(Expr x) {
  if (isFloat(x))
    return emit<math::AbsFOp>(x, x);
  return isUnsigned(x) ? x : emit<math::AbsIOp>(x, x);
}
Expr Scalar::sign(Expr x) {
  Expr zero = constant(x, 0.0), one = constant(x, 1.0);
  if (isUnsigned(x))
    return choose(ne(x, zero), one, zero);
  // Zeros keep their sign and NaN stays NaN.
  return choose(gt(x, zero), one, choose(lt(x, zero), constant(x, -1.0), x));
}

//===----------------------------------------------------------------------===//
// One math op each
//===----------------------------------------------------------------------===//

#define LAMINA_ROUNDING(NAME, OP)                                              \
  Expr Scalar::NAME(Expr x) { return isFloat(x) ? emit<math::OP>(x, x) : x; }
LAMINA_ROUNDING(floor, FloorOp)
LAMINA_ROUNDING(ceil, CeilOp)
LAMINA_ROUNDING(round, RoundEvenOp)
LAMINA_ROUNDING(trunc, TruncOp)
#undef LAMINA_ROUNDING
#define LAMINA_MATH(NAME, OP)                                                  \
  Expr Scalar::NAME(Expr x) { return emit<math::OP>(x, x); }
LAMINA_MATH(exp, ExpOp)
LAMINA_MATH(exp2, Exp2Op)
LAMINA_MATH(expm1, ExpM1Op)
LAMINA_MATH(log, LogOp)
LAMINA_MATH(log2, Log2Op)
LAMINA_MATH(log10, Log10Op)
LAMINA_MATH(log1p, Log1pOp)
LAMINA_MATH(sqrt, SqrtOp)
LAMINA_MATH(rsqrt, RsqrtOp)
LAMINA_MATH(cbrt, CbrtOp)
LAMINA_MATH(sin, SinOp)
LAMINA_MATH(cos, CosOp)
LAMINA_MATH(tan, TanOp)
LAMINA_MATH(asin, AsinOp)
LAMINA_MATH(acos, AcosOp)
LAMINA_MATH(atan, AtanOp)
LAMINA_MATH(sinh, SinhOp)
LAMINA_MATH(cosh, CoshOp)
LAMINA_MATH(tanh, TanhOp)
LAMINA_MATH(asinh, AsinhOp)
LAMINA_MATH(acosh, AcoshOp)
LAMINA_MATH(atanh, AtanhOp)
LAMINA_MATH(erf, ErfOp)
LAMINA_MATH(erfc, ErfcOp)
#undef LAMINA_MATH
Expr Scalar::atan2(Expr a, Expr b) { return emit<math::Atan2Op>(a, a, b); }

//===----------------------------------------------------------------------===//
// Compositions
//===----------------------------------------------------------------------===//

/// c[0] + c[1] x + c[2] x^2 + …
static Expr polynomial(Expr x, ArrayRef<double> c) {
  Expr y = constant(x, c.back());
  for (double next : llvm::reverse(c.drop_back()))
    y = emit<math::FmaOp>(x, y, x, constant(x, next));
  return y;
}

static Expr erfinvFloat(Expr x) {
  // Of a = |x|: a * p(w - 2.5) or a * q(sqrt(w) - 4) with w = -log(1 - a^2) are
  // minimax fits to 1e-7 and 5e-7. One step of Halley's iteration on erf, or on
  // erfc where erf is flat, triples the digits.
  static constexpr double center[] = {
      1.501409359,     0.2466402862,    -0.004177386776,  -0.001252741882,
      0.0002183444356, -4.96334646e-06, -3.462703802e-06, 4.661704442e-07,
      2.323256902e-08, -8.791045019e-09};
  static constexpr double tail[] = {
      3.839784297,     1.009502092,      0.001253525986,  -0.0009168988633,
      0.000338240634,  -4.669823466e-05, 3.290033707e-05, -7.361295911e-05,
      3.397938877e-05, -5.073986116e-07, -1.554107538e-06};
  Expr a = abs(x), rest = 1.0 - a, w = -(log(rest) + log1p(a));
  Expr y = a * choose(lt(w, 5.0), polynomial(w - 2.5, center),
                      polynomial(sqrt(w) - 4.0, tail));
  Expr difference = choose(lt(a, 0.5), erf(y) - a, rest - erfc(y));
  Expr step = difference * 0.88622692545275801365 * exp(y * y);
  y = y - step / (1.0 + y * step);
  // At 1 the formulas meet inf - inf; beyond, log has made NaN.
  y = choose(eq(a, 1.0), infinity(x), y);
  return emit<math::CopySignOp>(x, y, x);
}
static Expr sigmoidFloat(Expr x) {
  // exp(-|x|) never overflows.
  Expr z = exp(-abs(x));
  return select(lt(x, 0.0), z, 1.0) / (1.0 + z);
}
static Expr softplusFloat(Expr x) { return max(x, 0.0) + log1p(exp(-abs(x))); }
Expr Scalar::erfinv(Expr x) { return inF32(erfinvFloat, x); }

Expr Scalar::sigmoid(Expr x) { return inF32(sigmoidFloat, x); }
Expr Scalar::softplus(Expr x) { return inF32(softplusFloat, x); }

Expr Scalar::nextafter(Expr a, Expr b) {
  Type type = a.irValue.getType();
  auto bitsType = IntegerType::get(type.getContext(), width(a));
  auto toBits = [&](Expr v) { return emitTo<arith::BitcastOp>(v, bitsType); };
  auto toFloat = [&](Expr v) { return emitTo<arith::BitcastOp>(v, type); };
  // Away from zero is one up in the bits, whatever the sign.
  Expr zero = constant(a, 0.0), bits = toBits(a), step = constant(bits, 1.0);
  Expr away = eq(lt(a, b), gt(a, zero));
  Expr moved = toFloat(choose(away, add(bits, step), sub(bits, step)));
  Expr smallest = emit<math::CopySignOp>(a, toFloat(step), b);
  Expr result = choose(eq(a, zero), smallest, moved);
  Expr unordered = compareFloat(arith::CmpFPredicate::UNO, a, b);
  return choose(eq(a, b), b, choose(unordered, add(a, b), result));
}

//===----------------------------------------------------------------------===//
// Predicates, comparisons, bits
//===----------------------------------------------------------------------===//

/// A truth that does not depend on the value.
static Expr truth(const Expr &x, bool value) {
  return testResult(
      x.of(arith::ConstantOp::create(*x.opBuilder, *x.location,
                                     x.opBuilder->getBoolAttr(value))),
      x.irValue);
}
Expr Scalar::is_nan(Expr x) {
  return isFloat(x) ? compareFloat(arith::CmpFPredicate::UNO, x, x)
                    : truth(x, false);
}
Expr Scalar::is_inf(Expr x) {
  if (!isFloat(x))
    return truth(x, false);
  return testResult(eq(abs(x), infinity(x)), x.irValue);
}
Expr Scalar::is_finite(Expr x) {
  if (!isFloat(x))
    return truth(x, true);
  return testResult(lt(abs(x), infinity(x)), x.irValue);
}

#define LAMINA_COMPARE(NAME, FLOAT, SIGNED, UNSIGNED)                          \
  Expr Scalar::NAME(Expr a, Expr b) {                                          \
    if (isFloat(a))                                                            \
      return compareFloat(arith::CmpFPredicate::FLOAT, a, b);                  \
    return compareInt(isUnsigned(a) ? arith::CmpIPredicate::UNSIGNED           \
                                    : arith::CmpIPredicate::SIGNED,            \
                      a, b);                                                   \
  }
LAMINA_COMPARE(eq, OEQ, eq, eq)
LAMINA_COMPARE(ne, UNE, ne, ne)
LAMINA_COMPARE(lt, OLT, slt, ult)
LAMINA_COMPARE(le, OLE, sle, ule)
LAMINA_COMPARE(gt, OGT, sgt, ugt)
LAMINA_COMPARE(ge, OGE, sge, uge)
#undef LAMINA_COMPARE

Expr Scalar::bit_not(Expr x) {
  return emit<arith::XOrIOp>(x, x, constant(x, APInt::getAllOnes(width(x))));
}
Expr Scalar::bit_and(Expr a, Expr b) { return emit<arith::AndIOp>(a, a, b); }
Expr Scalar::bit_or(Expr a, Expr b) { return emit<arith::OrIOp>(a, a, b); }
Expr Scalar::bit_xor(Expr a, Expr b) { return emit<arith::XOrIOp>(a, a, b); }

// An amount of the width or more is poison to arith. A negative one is large.
// It is limited rather than selected: LLVM makes a single PTX shift of a select
// with the same condition, whose amount it cuts to 32 bits.
Expr Scalar::shift_left(Expr a, Expr b) {
  Expr last = constant(a, APInt(width(a), width(a) - 1));
  Expr fits = compareInt(arith::CmpIPredicate::ule, b, last);
  return choose(fits,
                emit<arith::ShLIOp>(a, a, emit<arith::MinUIOp>(a, b, last)),
                constant(a, 0.0));
}
Expr Scalar::shift_right(Expr a, Expr b) {
  Expr last = constant(a, APInt(width(a), width(a) - 1));
  Expr amount = emit<arith::MinUIOp>(a, b, last);
  if (!isUnsigned(a))
    return emit<arith::ShRSIOp>(a, a, amount);
  Expr fits = compareInt(arith::CmpIPredicate::ule, b, last);
  return choose(fits, emit<arith::ShRUIOp>(a, a, amount), constant(a, 0.0));
}

} // namespace lamina::lam
