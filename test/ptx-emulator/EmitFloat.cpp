#include "Arithmetic.h"
#include "Emitter.h"

using namespace llvm;
using namespace ptx;
using ptx::Type;

void Emitter::addFloat(Handlers &table) {
  table["fma"] = &Emitter::emitFma;
  table["rcp"] = &Emitter::emitRcp;
  table["sqrt"] = &Emitter::emitSqrt;
  table["rsqrt"] = &Emitter::emitRsqrt;
  table["sin"] = &Emitter::emitSin;
  table["cos"] = &Emitter::emitCos;
  table["ex2"] = &Emitter::emitEx2;
  table["lg2"] = &Emitter::emitLg2;
  table["tanh"] = &Emitter::emitTanh;
  table["copysign"] = &Emitter::emitCopysign;
  table["testp"] = &Emitter::emitTestp;
}

Emitter::FloatModes Emitter::takeFloatModes(Type type) {
  FloatModes modes;
  static const char *const names[] = {"rn", "rz", "rm", "rp"};
  for (unsigned i = 0; i < 4; ++i)
    if (take(names[i]))
      modes.rounding = i;
  modes.ftz = take("ftz");
  modes.sat = take("sat");
  modes.relu = take("relu");
  if (modes.ftz && type.bits == 64)
    fail("'.ftz' is not for .f64");
  if (modes.rounding && type.bits == 16)
    fail("only '.rn' is for ." + type.str());
  return modes;
}

// Two-byte formats compute in f32, which rounds a sum, a product or a quotient
// of theirs correctly when rounded again.
Value *Emitter::toFloat(Value *bits, Type type) {
  if (type.kind == Type::BFloat)
    return b.CreateBitCast(b.CreateShl(zext(bits, 32), b.getInt32(16)),
                           b.getFloatTy());
  if (type.bits == 16)
    return call(arithmetic::decodeHalf, {zext(bits, 32)});
  return b.CreateBitCast(bits,
                         type.bits == 64 ? b.getDoubleTy() : b.getFloatTy());
}

Value *Emitter::fromFloat(Value *value, Type type) {
  if (type.bits != 16)
    return b.CreateBitCast(value, intTy(type.bits));
  Format format = type.kind == Type::BFloat ? Format::BF16 : Format::F16;
  Value *bits = call(arithmetic::encode, {b.CreateFPExt(value, b.getDoubleTy()),
                                          b.getInt32(uint32_t(format)),
                                          b.getInt32(0), b.getInt32(0)});
  return zext(bits, 16);
}

// .ftz: subnormal numbers become zeros of the same sign.
Value *Emitter::flush(Value *value) {
  Value *bits = b.CreateBitCast(value, b.getInt32Ty());
  Value *small =
      b.CreateICmpEQ(b.CreateAnd(bits, b.getInt32(0x7f800000)), b.getInt32(0));
  return b.CreateSelect(
      small,
      b.CreateBitCast(b.CreateAnd(bits, b.getInt32(0x80000000)),
                      b.getFloatTy()),
      value);
}

// To [0, 1]; NaN becomes 0.
Value *Emitter::saturate(Value *value) {
  llvm::Type *type = value->getType();
  Value *zero = ConstantFP::get(type, 0.0), *one = ConstantFP::get(type, 1.0);
  Value *positive = b.CreateSelect(b.CreateFCmpOGT(value, zero), value, zero);
  return b.CreateSelect(b.CreateFCmpOGT(positive, one), one, positive);
}

// Applies `op` to the lanes of packed integers.
Value *Emitter::mapLanes(Type type, ArrayRef<Value *> args, const LaneOp &op) {
  if (type.lanes == 1)
    return op(args);
  unsigned width = type.width();
  Value *packed = constant(width, 0);
  for (unsigned lane = 0; lane < type.lanes; ++lane) {
    SmallVector<Value *> parts;
    for (Value *arg : args)
      parts.push_back(zext(b.CreateLShr(arg, constant(width, lane * type.bits)),
                           type.bits));
    packed = b.CreateOr(packed, b.CreateShl(zext(op(parts), width),
                                            constant(width, lane * type.bits)));
  }
  return packed;
}

// Operand 0 becomes op of the next `inputs`, lane by lane, with the modes of
// the instruction around it.
void Emitter::floatOperation(Type type, unsigned inputs,
                             const FloatModes &modes, const LaneOp &op) {
  SmallVector<Value *> args;
  for (unsigned i = 1; i <= inputs; ++i)
    args.push_back(in(i, type));
  bool isNarrow =
      type.bits == 16 && cur->opcode == "fma"; // rounds once, on bits
  out(0, mapLanes(type, args, [&](ArrayRef<Value *> lanes) {
        SmallVector<Value *> values;
        bool ftz = modes.ftz && type.bits == 32;
        for (Value *lane : lanes)
          values.push_back(isNarrow ? lane
                           : ftz    ? flush(toFloat(lane, type))
                                    : toFloat(lane, type));
        Value *result = op(values);
        if (isNarrow)
          result = toFloat(result, type);
        if (ftz)
          result = flush(result);
        if (modes.sat)
          result = saturate(result);
        if (modes.relu) // NaN stays
          result = b.CreateSelect(
              b.CreateFCmpOLT(result, ConstantFP::get(result->getType(), 0.0)),
              ConstantFP::get(result->getType(), 0.0), result);
        if (modes.ftz && type.kind == Type::Float &&
            type.bits == 16) // of the narrow format
          result = b.CreateSelect(
              b.CreateFCmpOLT(intrinsic(Intrinsic::fabs, result),
                              ConstantFP::get(b.getFloatTy(), 0x1p-14)),
              b.CreateBinaryIntrinsic(Intrinsic::copysign,
                                      ConstantFP::get(b.getFloatTy(), 0.0),
                                      result),
              result);
        return fromFloat(result, type);
      }));
}

// op as in arithmetic::operate32.
Value *Emitter::floatArithmetic(char op, Type type, ArrayRef<Value *> args,
                                const FloatModes &modes) {
  if (op == 'f' && type.bits == 16) {
    Format format = type.kind == Type::BFloat ? Format::BF16 : Format::F16;
    return zext(call(arithmetic::fmaSmall,
                     {zext(args[0], 32), zext(args[1], 32), zext(args[2], 32),
                      b.getInt32(uint32_t(format))}),
                16);
  }
  if (modes.rounding) {
    SmallVector<Value *> all = {b.getInt32(op), b.getInt32(modes.rounding)};
    for (unsigned i = 0; i < 3; ++i)
      all.push_back(i < args.size() ? args[i]
                                    : ConstantFP::get(args[0]->getType(), 0.0));
    return type.bits == 64 ? call(arithmetic::operate64, all)
                           : call(arithmetic::operate32, all);
  }
  switch (op) {
  case '+':
    return b.CreateFAdd(args[0], args[1]);
  case '-':
    return b.CreateFSub(args[0], args[1]);
  case '*':
    return b.CreateFMul(args[0], args[1]);
  case '/':
    return b.CreateFDiv(args[0], args[1]);
  case 's':
    return intrinsic(Intrinsic::sqrt, args[0]);
  default:
    return intrinsic(Intrinsic::fma, {args[0], args[1], args[2]});
  }
}

Value *Emitter::minMax(bool isMax, bool nan, Value *x, Value *y) {
  return b.CreateBinaryIntrinsic(nan     ? isMax ? Intrinsic::maximum
                                                 : Intrinsic::minimum
                                 : isMax ? Intrinsic::maximumnum
                                         : Intrinsic::minimumnum,
                                 x, y);
}

void Emitter::emitFma() {
  if (!arity(4))
    return;
  Type type = takeType();
  FloatModes modes = takeFloatModes(type);
  if (!type.isFloat())
    return fail("'fma' is of a floating-point type");
  floatOperation(type, 3, modes, [&](ArrayRef<Value *> args) {
    return floatArithmetic('f', {type.kind, type.bits}, args, modes);
  });
}

void Emitter::emitRcp() {
  if (!arity(2))
    return;
  take("approx");
  Type type = takeType();
  bool ftz64 = type.bits == 64 && take("ftz"); // rcp.approx.ftz.f64
  FloatModes modes = takeFloatModes(type);
  (void)ftz64;
  floatOperation(type, 1, modes, [&](ArrayRef<Value *> args) {
    Value *one = ConstantFP::get(args[0]->getType(), 1.0);
    return floatArithmetic('/', type, {one, args[0]}, modes);
  });
}

void Emitter::emitSqrt() {
  if (!arity(2))
    return;
  take("approx");
  Type type = takeType();
  FloatModes modes = takeFloatModes(type);
  floatOperation(type, 1, modes, [&](ArrayRef<Value *> args) {
    return floatArithmetic('s', type, args, modes);
  });
}

void Emitter::emitRsqrt() {
  if (!arity(2))
    return;
  if (!take("approx"))
    return fail("'rsqrt' needs .approx");
  Type type = takeType();
  FloatModes modes;
  modes.ftz = take("ftz");
  floatOperation(type, 1, modes, [&](ArrayRef<Value *> args) {
    return type.bits == 64 ? call(arithmetic::rsqrtApprox64, args)
                           : call(arithmetic::rsqrtApprox, args);
  });
}

void Emitter::approximate(float (*function)(float), bool allowHalf) {
  if (!arity(2))
    return;
  if (!take("approx"))
    return fail("'" + cur->opcode + "' needs .approx");
  Type type = takeType();
  FloatModes modes;
  modes.ftz = take("ftz");
  if (!type.isFloat() || (type.bits != 32 && !(allowHalf && type.bits == 16)))
    return fail("'" + cur->opcode + "' is not of type ." + type.str());
  floatOperation(type, 1, modes,
                 [&](ArrayRef<Value *> args) { return call(function, args); });
}

void Emitter::emitSin() { approximate(arithmetic::sinApprox, false); }
void Emitter::emitCos() { approximate(arithmetic::cosApprox, false); }
void Emitter::emitEx2() { approximate(arithmetic::exp2Approx, true); }
void Emitter::emitLg2() { approximate(arithmetic::log2Approx, false); }
void Emitter::emitTanh() { approximate(arithmetic::tanhApprox, true); }

void Emitter::emitCopysign() { // the sign of the first operand
  if (!arity(3))
    return;
  Type type = takeType();
  Value *sign = constant(type.bits, 1ull << (type.bits - 1));
  out(0, b.CreateOr(b.CreateAnd(in(1, type), sign),
                    b.CreateAnd(in(2, type), b.CreateNot(sign))));
}

void Emitter::emitTestp() {
  if (!arity(2))
    return;
  std::string test = takeOneOf(
      {"finite", "infinite", "number", "notanumber", "normal", "subnormal"});
  if (test.empty())
    return fail("'testp' needs a test");
  Type type = takeType();
  unsigned classes = test == "finite"       ? fcFinite
                     : test == "infinite"   ? fcInf
                     : test == "number"     ? fcAllFlags & ~fcNan
                     : test == "notanumber" ? fcNan
                     : test == "normal"     ? fcNormal
                                            : fcSubnormal;
  out(0, b.createIsFPClass(toFloat(in(1, type), type), classes));
}
