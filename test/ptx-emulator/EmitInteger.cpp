// add ... dp4a: the integer halves here; a floating-point type goes to
// floatArithmetic.
#include "Arithmetic.h"
#include "Emitter.h"

using namespace llvm;
using namespace ptx;
using ptx::Type;

void Emitter::addInteger(Handlers &table) {
  table["add"] = table["addc"] = &Emitter::emitAdd;
  table["sub"] = table["subc"] = &Emitter::emitSub;
  table["mul"] = &Emitter::emitMul;
  table["mad"] = table["madc"] = &Emitter::emitMad;
  table["div"] = &Emitter::emitDiv;
  table["rem"] = &Emitter::emitRem;
  table["abs"] = &Emitter::emitAbs;
  table["neg"] = &Emitter::emitNeg;
  table["min"] = &Emitter::emitMin;
  table["max"] = &Emitter::emitMax;
  table["sad"] = &Emitter::emitSad;
  table["dp4a"] = &Emitter::emitDp4a;
}

void Emitter::addSubtract(bool subtract) {
  if (!arity(3))
    return;
  bool withCarry = cur->opcode.back() == 'c', setsCarry = take("cc");
  FloatModes modes;
  Type type = takeType();
  if (type.isFloat()) {
    modes = takeFloatModes(type);
    return floatOperation(type, 2, modes, [&](ArrayRef<Value *> args) {
      return floatArithmetic(subtract ? '-' : '+', {type.kind, type.bits}, args,
                             modes);
    });
  }
  if (type.lanes > 1) { // u16x2, s16x2
    return out(0, mapLanes(type, {in(1, type), in(2, type)},
                           [&](ArrayRef<Value *> args) {
                             return subtract ? b.CreateSub(args[0], args[1])
                                             : b.CreateAdd(args[0], args[1]);
                           }));
  }
  Value *x = in(1, type), *y = in(2, type);
  if (take("sat")) {
    if (!(type == Type{Type::Signed, 32}))
      return fail("'.sat' is for .s32");
    return out(0,
               b.CreateBinaryIntrinsic(
                   subtract ? Intrinsic::ssub_sat : Intrinsic::sadd_sat, x, y));
  }
  if (!withCarry && !setsCarry)
    return out(0, subtract ? b.CreateSub(x, y) : b.CreateAdd(x, y));
  // The carry of a subtraction is its borrow.
  unsigned wide = type.bits + 1;
  Value *sum = subtract ? b.CreateSub(zext(x, wide), zext(y, wide))
                        : b.CreateAdd(zext(x, wide), zext(y, wide));
  if (withCarry) {
    Value *before = zext(b.CreateLoad(b.getInt1Ty(), carry), wide);
    sum = subtract ? b.CreateSub(sum, before) : b.CreateAdd(sum, before);
  }
  if (setsCarry)
    b.CreateStore(zext(b.CreateLShr(sum, constant(wide, type.bits)), 1), carry);
  out(0, zext(sum, type.bits));
}

void Emitter::emitAdd() { addSubtract(false); }
void Emitter::emitSub() { addSubtract(true); }

void Emitter::productOf(bool accumulate) {
  if (!arity(accumulate ? 4 : 3))
    return;
  bool withCarry = cur->opcode == "madc", setsCarry = take("cc");
  std::string part = takeOneOf({"wide", "hi", "lo"});
  Type type = takeType();
  if (type.isFloat()) {
    if (!part.empty())
      return fail("'." + part + "' is for integers");
    FloatModes modes = takeFloatModes(type);
    return floatOperation(
        type, accumulate ? 3 : 2, modes, [&](ArrayRef<Value *> args) {
          return floatArithmetic(accumulate ? 'f' : '*', {type.kind, type.bits},
                                 args, modes);
        });
  }
  if (part.empty())
    return fail("'" + cur->opcode + "' of integers needs .lo, .hi or .wide");
  unsigned bits = type.bits, wide = 2 * bits;
  auto widen = [&](Value *value) {
    return type.isSigned() ? sext(value, wide) : zext(value, wide);
  };
  Value *product = b.CreateMul(widen(in(1, type)), widen(in(2, type)));
  Type result = type;
  if (part == "wide")
    result.bits = wide;
  else
    product = zext(part == "hi" ? b.CreateLShr(product, constant(wide, bits))
                                : product,
                   bits);
  if (!accumulate)
    return out(0, product);
  Value *addend = in(3, result);
  if (take("sat")) {
    if (part != "hi" || !(type == Type{Type::Signed, 32}))
      return fail("'.sat' is for mad.hi.s32");
    return out(0,
               b.CreateBinaryIntrinsic(Intrinsic::sadd_sat, product, addend));
  }
  unsigned total = result.bits + 1;
  Value *sum = b.CreateAdd(zext(product, total), zext(addend, total));
  if (withCarry)
    sum = b.CreateAdd(sum, zext(b.CreateLoad(b.getInt1Ty(), carry), total));
  if (setsCarry)
    b.CreateStore(zext(b.CreateLShr(sum, constant(total, result.bits)), 1),
                  carry);
  out(0, zext(sum, result.bits));
}

void Emitter::emitMul() { productOf(false); }
void Emitter::emitMad() { productOf(true); }

void Emitter::emitDiv() {
  if (!arity(3))
    return;
  Type type = takeType();
  if (type.isFloat()) {
    bool approximate = take("approx") || take("full");
    FloatModes modes = takeFloatModes(type);
    if (approximate && type.bits != 32)
      return fail("an approximate division is of .f32");
    return floatOperation(type, 2, modes, [&](ArrayRef<Value *> args) {
      return floatArithmetic('/', type, args, modes);
    });
  }
  // Division by zero gives all ones on the device; so does MIN / -1 wrap.
  Value *x = in(1, type), *y = in(2, type), *zero = constant(type.bits, 0),
        *ones = constant(type.bits, ~0ull);
  Value *byZero = b.CreateICmpEQ(y, zero);
  Value *negate = type.isSigned() ? b.CreateICmpEQ(y, ones) : b.getFalse();
  Value *safe =
      b.CreateSelect(b.CreateOr(byZero, negate), constant(type.bits, 1), y);
  Value *quotient =
      type.isSigned() ? b.CreateSDiv(x, safe) : b.CreateUDiv(x, safe);
  quotient = b.CreateSelect(negate, b.CreateSub(zero, x), quotient);
  out(0, b.CreateSelect(byZero, ones, quotient));
}

void Emitter::emitRem() {
  if (!arity(3))
    return;
  Type type = takeType();
  Value *x = in(1, type), *y = in(2, type), *zero = constant(type.bits, 0);
  Value *byZero = b.CreateICmpEQ(y, zero);
  Value *negate = type.isSigned()
                      ? b.CreateICmpEQ(y, constant(type.bits, ~0ull))
                      : b.getFalse();
  Value *safe =
      b.CreateSelect(b.CreateOr(byZero, negate), constant(type.bits, 1), y);
  Value *rest = type.isSigned() ? b.CreateSRem(x, safe) : b.CreateURem(x, safe);
  out(0, b.CreateSelect(byZero, x, b.CreateSelect(negate, zero, rest)));
}

void Emitter::emitAbs() {
  if (!arity(2))
    return;
  bool ftz = take("ftz");
  Type type = takeType();
  if (!type.isFloat()) {
    if (type.bits < 16 || !type.isSigned() || ftz)
      fail("'abs' is of a signed or floating-point type");
    return out(
        0, b.CreateBinaryIntrinsic(Intrinsic::abs, in(1, type), b.getFalse()));
  }
  out(0, mapLanes(type, {in(1, type)}, [&](ArrayRef<Value *> args) {
        Value *value = b.CreateAnd(
            args[0], constant(type.bits, ~0ull >> (65 - type.bits)));
        return ftz && type.bits == 32
                   ? b.CreateBitCast(
                         flush(b.CreateBitCast(value, b.getFloatTy())),
                         intTy(32))
                   : value;
      }));
}

void Emitter::emitNeg() {
  if (!arity(2))
    return;
  bool ftz = take("ftz");
  Type type = takeType();
  if (!type.isFloat())
    return out(0, b.CreateNeg(in(1, type)));
  out(0, mapLanes(type, {in(1, type)}, [&](ArrayRef<Value *> args) {
        Value *value =
            b.CreateXor(args[0], constant(type.bits, 1ull << (type.bits - 1)));
        return ftz && type.bits == 32
                   ? b.CreateBitCast(
                         flush(b.CreateBitCast(value, b.getFloatTy())),
                         intTy(32))
                   : value;
      }));
}

void Emitter::minimumMaximum(bool isMax) {
  if (!arity(3))
    return;
  bool relu = take("relu"), nan = take("NaN");
  bool xorsign = take("xorsign");
  bool absolute = take("abs");
  Type type = takeType();
  if (type.isFloat()) {
    FloatModes modes;
    modes.ftz = take("ftz");
    if (relu || xorsign != absolute)
      return fail("'.relu' and a lone '.abs' of '" + cur->opcode +
                  "' are not supported for floating point");
    return floatOperation(
        type, 2, modes, [&](ArrayRef<Value *> args) -> Value * {
          if (!xorsign)
            return minMax(isMax, nan, args[0], args[1]);
          Value *size = minMax(isMax, nan, intrinsic(Intrinsic::fabs, args[0]),
                               intrinsic(Intrinsic::fabs, args[1]));
          auto *bits = intTy(size->getType()->getScalarSizeInBits());
          Value *sign = b.CreateXor(b.CreateBitCast(args[0], bits),
                                    b.CreateBitCast(args[1], bits));
          return b.CreateBinaryIntrinsic(
              Intrinsic::copysign, size,
              b.CreateBitCast(sign, size->getType()));
        });
  }
  if (nan || xorsign)
    return fail("'.NaN' and '.xorsign' are for floating point");
  Intrinsic::ID id = isMax ? type.isSigned() ? Intrinsic::smax : Intrinsic::umax
                     : type.isSigned() ? Intrinsic::smin
                                       : Intrinsic::umin;
  out(0,
      mapLanes(type, {in(1, type), in(2, type)},
               [&](ArrayRef<Value *> args) -> Value * {
                 Value *value = b.CreateBinaryIntrinsic(id, args[0], args[1]);
                 return relu ? b.CreateBinaryIntrinsic(Intrinsic::smax, value,
                                                       constant(type.bits, 0))
                             : value;
               }));
}

void Emitter::emitMin() { minimumMaximum(false); }
void Emitter::emitMax() { minimumMaximum(true); }

void Emitter::emitSad() {
  if (!arity(4))
    return;
  Type type = takeType();
  Value *x = in(1, type), *y = in(2, type);
  Value *less = type.isSigned() ? b.CreateICmpSLT(x, y) : b.CreateICmpULT(x, y);
  out(0, b.CreateAdd(in(3, type), b.CreateSelect(less, b.CreateSub(y, x),
                                                 b.CreateSub(x, y))));
}

void Emitter::emitDp4a() {
  if (!arity(4))
    return;
  Type x = takeType(), y = takeType();
  if (x.bits != 32 || y.bits != 32)
    return fail("'dp4a' is of .u32 and .s32");
  out(0, call(arithmetic::dotBytes,
              {in(1, x), in(2, y), in(3, x),
               b.getInt32(x.isSigned() | y.isSigned() << 1)}));
}
