//===- VectorMathIR.h - The number type that emits IR -----------*- C++ -*-===//
//
// Lanes<K> is an SSA value, scalar or vector, of element kind K, with the
// vocabulary of lamina/Transforms/VectorMath/Numbers.h. A number made from a
// C++ constant has no value yet: it becomes one when it meets an operand that
// has, and so knows where to build and in what shape.
//
//===----------------------------------------------------------------------===//

#ifndef LAMINA_LIB_TRANSFORMS_VECTORMATHIR_H
#define LAMINA_LIB_TRANSFORMS_VECTORMATHIR_H

#include "lamina/Transforms/VectorMath/Double.h"
#include "lamina/Transforms/VectorMath/Numbers.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Builders.h"

namespace lamina::vecmath {

enum class Kind { Float, Double, Int, Long, Mask };

/// Where and in what shape numbers are emitted.
class Emitter {
public:
  /// `like` is a float or a vector of floats. `ldexp` scales with llvm.ldexp,
  /// which is one instruction on some targets and a library call on others.
  Emitter(mlir::OpBuilder &builder, mlir::Location loc, mlir::Type like,
          bool ldexp)
      : builder(builder), loc(loc), like(like), ldexp(ldexp) {}

  mlir::Type type(Kind kind) const;
  /// The constant in every lane.
  mlir::Value constant(Kind kind, double number, int64_t integer) const;
  template <class Op, class... Args>
  mlir::Value emit(Args &&...args) const {
    return builder.createOrFold<Op>(loc, std::forward<Args>(args)...);
  }
  mlir::Value emitScale(mlir::Value significand, mlir::Value exponent) const;
  /// Whether any lane of the mask is set, as an i1.
  mlir::Value anyLane(mlir::Value mask) const;
  bool usesLdexp() const;

  mlir::OpBuilder &builder;
  mlir::Location loc;

private:
  mlir::Type like;
  bool ldexp;
};

template <Kind K>
class Lanes {
public:
  using Constant = std::conditional_t<
      K == Kind::Float, float,
      std::conditional_t<
          K == Kind::Double, double,
          std::conditional_t<K == Kind::Long, int64_t, int32_t>>>;
  explicit Lanes(Constant c)
      : number(c),
        integer(std::is_integral_v<Constant> ? static_cast<int64_t>(c) : 0) {}
  Lanes(const Emitter &emitter, mlir::Value value)
      : emitter(&emitter), value(value) {}

  const Emitter *emitter = nullptr;
  mlir::Value on(const Emitter &e) const {
    return value ? value : e.constant(K, number, integer);
  }

private:
  mlir::Value value;
  double number = 0;
  int64_t integer = 0;
};

using IRFloat = Lanes<Kind::Float>;
using IRDouble = Lanes<Kind::Double>;
using IRInt = Lanes<Kind::Int>;
using IRLong = Lanes<Kind::Long>;
using IRMask = Lanes<Kind::Mask>;

template <>
struct NumberTraits<IRFloat> {
  using Int = IRInt;
  using Mask = IRMask;
  using Double = IRDouble;
};

template <>
struct DoubleTraits<IRDouble> {
  using Long = IRLong;
};

/// Emits Op on the operands, at least one of which has a value.
template <class Op, Kind R, class... Numbers>
Lanes<R> emitOp(const Numbers &...numbers) {
  const Emitter *e = nullptr;
  ((e = e ? e : numbers.emitter), ...);
  return {*e, e->emit<Op>(numbers.on(*e)...)};
}
template <Kind R, class Op, class Number>
Lanes<R> convertTo(const Number &x) {
  const Emitter &e = *x.emitter;
  return {e, e.emit<Op>(e.type(R), x.on(e))};
}
template <Kind K>
inline constexpr bool isFloating = K == Kind::Float || K == Kind::Double;

template <Kind K>
Lanes<K> operator+(const Lanes<K> &a, const Lanes<K> &b) {
  using Op = std::conditional_t<isFloating<K>, mlir::arith::AddFOp,
                                mlir::arith::AddIOp>;
  return emitOp<Op, K>(a, b);
}
template <Kind K>
Lanes<K> operator-(const Lanes<K> &a, const Lanes<K> &b) {
  using Op = std::conditional_t<isFloating<K>, mlir::arith::SubFOp,
                                mlir::arith::SubIOp>;
  return emitOp<Op, K>(a, b);
}
template <Kind K>
Lanes<K> operator*(const Lanes<K> &a, const Lanes<K> &b) {
  static_assert(isFloating<K>);
  return emitOp<mlir::arith::MulFOp, K>(a, b);
}
template <Kind K>
Lanes<K> operator/(const Lanes<K> &a, const Lanes<K> &b) {
  static_assert(isFloating<K>);
  return emitOp<mlir::arith::DivFOp, K>(a, b);
}
template <Kind K>
Lanes<K> operator-(const Lanes<K> &a) {
  return emitOp<mlir::arith::NegFOp, K>(a);
}
template <Kind K>
Lanes<K> fma(const Lanes<K> &a, const Lanes<K> &b, const Lanes<K> &c) {
  return emitOp<mlir::math::FmaOp, K>(a, b, c);
}
inline IRFloat sqrt(const IRFloat &x) {
  return emitOp<mlir::math::SqrtOp, Kind::Float>(x);
}

inline IRInt operator&(const IRInt &a, const IRInt &b) {
  return emitOp<mlir::arith::AndIOp, Kind::Int>(a, b);
}
inline IRInt operator|(const IRInt &a, const IRInt &b) {
  return emitOp<mlir::arith::OrIOp, Kind::Int>(a, b);
}
inline IRInt operator^(const IRInt &a, const IRInt &b) {
  return emitOp<mlir::arith::XOrIOp, Kind::Int>(a, b);
}
inline IRInt operator<<(const IRInt &a, int n) {
  return emitOp<mlir::arith::ShLIOp, Kind::Int>(a, IRInt(n));
}
inline IRInt operator>>(const IRInt &a, int n) {
  return emitOp<mlir::arith::ShRSIOp, Kind::Int>(a, IRInt(n));
}

/// An ordered comparison, or a signed one.
template <Kind K>
IRMask compare(mlir::arith::CmpFPredicate f, mlir::arith::CmpIPredicate i,
               const Lanes<K> &a, const Lanes<K> &b) {
  const Emitter &e = *(a.emitter ? a.emitter : b.emitter);
  if constexpr (isFloating<K>)
    return {e, e.emit<mlir::arith::CmpFOp>(f, a.on(e), b.on(e))};
  else
    return {e, e.emit<mlir::arith::CmpIOp>(i, a.on(e), b.on(e))};
}
template <Kind K>
IRMask operator<(const Lanes<K> &a, const Lanes<K> &b) {
  return compare(mlir::arith::CmpFPredicate::OLT,
                 mlir::arith::CmpIPredicate::slt, a, b);
}
template <Kind K>
IRMask operator>(const Lanes<K> &a, const Lanes<K> &b) {
  return compare(mlir::arith::CmpFPredicate::OGT,
                 mlir::arith::CmpIPredicate::sgt, a, b);
}
template <Kind K>
IRMask operator>=(const Lanes<K> &a, const Lanes<K> &b) {
  return compare(mlir::arith::CmpFPredicate::OGE,
                 mlir::arith::CmpIPredicate::sge, a, b);
}
template <Kind K>
IRMask operator==(const Lanes<K> &a, const Lanes<K> &b) {
  return compare(mlir::arith::CmpFPredicate::OEQ,
                 mlir::arith::CmpIPredicate::eq, a, b);
}
inline IRMask isNaN(const IRFloat &x) {
  const Emitter &e = *x.emitter;
  return {e, e.emit<mlir::arith::CmpFOp>(mlir::arith::CmpFPredicate::UNO,
                                         x.on(e), x.on(e))};
}

template <Kind K>
Lanes<K> select(const IRMask &c, const Lanes<K> &a, const Lanes<K> &b) {
  return emitOp<mlir::arith::SelectOp, K>(c, a, b);
}
inline IRMask logicalAnd(const IRMask &a, const IRMask &b) {
  return emitOp<mlir::arith::AndIOp, Kind::Mask>(a, b);
}
inline IRMask logicalOr(const IRMask &a, const IRMask &b) {
  return emitOp<mlir::arith::OrIOp, Kind::Mask>(a, b);
}
inline IRMask logicalNot(const IRMask &m) {
  return emitOp<mlir::arith::XOrIOp, Kind::Mask>(m, IRMask(1));
}

inline IRInt bits(const IRFloat &x) {
  return convertTo<Kind::Int, mlir::arith::BitcastOp>(x);
}
inline IRFloat fromBits(const IRInt &b) {
  return convertTo<Kind::Float, mlir::arith::BitcastOp>(b);
}
inline IRInt lowBits(const IRDouble &x) {
  return convertTo<Kind::Int, mlir::arith::TruncIOp>(
      convertTo<Kind::Long, mlir::arith::BitcastOp>(x));
}
inline IRFloat toFloat(const IRInt &i) {
  return convertTo<Kind::Float, mlir::arith::SIToFPOp>(i);
}
inline IRInt toInt(const IRFloat &x) {
  return convertTo<Kind::Int, mlir::arith::FPToSIOp>(x);
}
inline IRDouble extend(const IRFloat &x) {
  return convertTo<Kind::Double, mlir::arith::ExtFOp>(x);
}
inline IRFloat truncate(const IRDouble &x) {
  return convertTo<Kind::Float, mlir::arith::TruncFOp>(x);
}

inline IRLong longBits(const IRDouble &x) {
  return convertTo<Kind::Long, mlir::arith::BitcastOp>(x);
}
inline IRDouble fromLongBits(const IRLong &b) {
  return convertTo<Kind::Double, mlir::arith::BitcastOp>(b);
}
inline IRLong operator<<(const IRLong &a, int n) {
  return emitOp<mlir::arith::ShLIOp, Kind::Long>(a, IRLong(n));
}
inline IRLong shiftRight(const IRLong &a, int n) {
  return emitOp<mlir::arith::ShRUIOp, Kind::Long>(a, IRLong(n));
}
inline IRDouble magnitude(const IRDouble &x) {
  return emitOp<mlir::math::AbsFOp, Kind::Double>(x);
}
inline IRDouble withSignOf(const IRDouble &x, const IRDouble &s) {
  return emitOp<mlir::math::CopySignOp, Kind::Double>(x, s);
}

inline IRFloat scale(const IRFloat &p, const IRFloat &t) {
  const Emitter &e = *t.emitter;
  if (!e.usesLdexp())
    return scaleInTwoSteps(p, t);
  // The bits of the magic constant, and the bias of 254.
  IRInt exponent = bits(t) - IRInt(0x4B400000 + 254);
  return {e, e.emitScale(p.on(e), exponent.on(e))};
}

Reduced<IRFloat> replaceLanesIf(const IRMask &mask,
                                const Reduced<IRFloat> &fast,
                                llvm::function_ref<Reduced<IRFloat>()> slow);

template <class Slow>
Reduced<IRFloat> replaceLanes(const IRMask &mask, const Reduced<IRFloat> &fast,
                              Slow slow) {
  return replaceLanesIf(mask, fast, slow);
}

} // namespace lamina::vecmath

#endif // LAMINA_LIB_TRANSFORMS_VECTORMATHIR_H
