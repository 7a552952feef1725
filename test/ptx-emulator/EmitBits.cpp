// Logic, shifts and bit fields.
#include "Arithmetic.h"
#include "Emitter.h"

using namespace llvm;
using namespace ptx;
using ptx::Type;

void Emitter::addBits(Handlers &table) {
  table["and"] = &Emitter::emitAnd;
  table["or"] = &Emitter::emitOr;
  table["xor"] = &Emitter::emitXor;
  table["not"] = &Emitter::emitNot;
  table["cnot"] = &Emitter::emitCnot;
  table["shl"] = &Emitter::emitShl;
  table["shr"] = &Emitter::emitShr;
  table["shf"] = &Emitter::emitShf;
  table["popc"] = &Emitter::emitPopc;
  table["clz"] = &Emitter::emitClz;
  table["brev"] = &Emitter::emitBrev;
  table["bfind"] = &Emitter::emitBfind;
  table["bfe"] = &Emitter::emitBfe;
  table["bfi"] = &Emitter::emitBfi;
  table["prmt"] = &Emitter::emitPrmt;
  table["lop3"] = &Emitter::emitLop3;
  table["fns"] = &Emitter::emitFns;
  table["bmsk"] = &Emitter::emitBmsk;
  table["szext"] = &Emitter::emitSzext;
}

void Emitter::bitwise(llvm::Instruction::BinaryOps op) {
  if (!arity(3))
    return;
  Type type = takeType();
  out(0, b.CreateBinOp(op, in(1, type), in(2, type)));
}

void Emitter::emitAnd() { bitwise(llvm::Instruction::And); }
void Emitter::emitOr() { bitwise(llvm::Instruction::Or); }
void Emitter::emitXor() { bitwise(llvm::Instruction::Xor); }

void Emitter::emitNot() {
  if (arity(2))
    out(0, b.CreateNot(in(1, takeType())));
}

void Emitter::emitCnot() {
  if (!arity(2))
    return;
  Type type = takeType();
  out(0, zext(b.CreateICmpEQ(in(1, type), constant(type.bits, 0)), type.bits));
}

// Amounts beyond the width give 0, or the sign.
void Emitter::emitShl() {
  if (!arity(3))
    return;
  Type type = takeType();
  Value *amount = in(2, {Type::Unsigned, 32}), *limit = b.getInt32(type.bits);
  Value *inside = b.CreateICmpULT(amount, limit);
  Value *safe = zext(b.CreateSelect(inside, amount, b.getInt32(0)), type.bits);
  out(0, b.CreateSelect(inside, b.CreateShl(in(1, type), safe),
                        constant(type.bits, 0)));
}

void Emitter::emitShr() {
  if (!arity(3))
    return;
  Type type = takeType();
  Value *amount = in(2, {Type::Unsigned, 32}), *value = in(1, type);
  Value *inside = b.CreateICmpULT(amount, b.getInt32(type.bits));
  if (type.isSigned())
    return out(
        0, b.CreateAShr(value, zext(b.CreateSelect(inside, amount,
                                                   b.getInt32(type.bits - 1)),
                                    type.bits)));
  Value *safe = zext(b.CreateSelect(inside, amount, b.getInt32(0)), type.bits);
  out(0, b.CreateSelect(inside, b.CreateLShr(value, safe),
                        constant(type.bits, 0)));
}

void Emitter::emitShf() {
  if (!arity(4))
    return;
  bool left = take("l");
  if (!left && !take("r"))
    return fail("'shf' needs .l or .r");
  bool clamp = take("clamp");
  if (!clamp && !take("wrap"))
    return fail("'shf' needs .clamp or .wrap");
  takeType();
  Type word{Type::Bits, 32};
  Value *amount = in(3, word);
  amount =
      clamp ? b.CreateBinaryIntrinsic(Intrinsic::umin, amount, b.getInt32(32))
            : b.CreateAnd(amount, b.getInt32(31));
  amount = zext(amount, 64);
  Value *both = b.CreateOr(b.CreateShl(zext(in(2, word), 64), b.getInt64(32)),
                           zext(in(1, word), 64));
  out(0, left
             ? zext(b.CreateLShr(b.CreateShl(both, amount), b.getInt64(32)), 32)
             : zext(b.CreateLShr(both, amount), 32));
}

void Emitter::countBits(Intrinsic::ID id) {
  if (!arity(2))
    return;
  Type type = takeType();
  Value *value = in(1, type);
  Value *count = id == Intrinsic::ctlz
                     ? b.CreateBinaryIntrinsic(id, value, b.getFalse())
                     : intrinsic(id, value);
  out(0, zext(count, 32));
}

void Emitter::emitPopc() { countBits(Intrinsic::ctpop); }
void Emitter::emitClz() { countBits(Intrinsic::ctlz); }

void Emitter::emitBrev() {
  if (arity(2))
    out(0, intrinsic(Intrinsic::bitreverse, in(1, takeType())));
}

void Emitter::emitBfind() {
  if (!arity(2))
    return;
  bool shiftAmount = take("shiftamt");
  Type type = takeType();
  Value *value = in(1, type);
  if (type.isSigned()) // the highest bit that differs from the sign
    value = b.CreateXor(
        value, b.CreateAShr(value, constant(type.bits, type.bits - 1)));
  Value *zeros =
      zext(b.CreateBinaryIntrinsic(Intrinsic::ctlz, value, b.getFalse()), 32);
  Value *found =
      shiftAmount ? zeros : b.CreateSub(b.getInt32(type.bits - 1), zeros);
  out(0, b.CreateSelect(b.CreateICmpEQ(value, constant(type.bits, 0)),
                        b.getInt32(~0u), found));
}

void Emitter::emitBfe() {
  if (!arity(4))
    return;
  Type type = takeType(), word{Type::Unsigned, 32};
  Value *field = call(arithmetic::extractBits,
                      {zext(in(1, type), 64), in(2, word), in(3, word),
                       b.getInt32(type.bits), b.getInt32(type.isSigned())});
  out(0, zext(field, type.bits));
}

void Emitter::emitBfi() {
  if (!arity(5))
    return;
  Type type = takeType(), word{Type::Unsigned, 32};
  Value *value = call(arithmetic::insertBits,
                      {zext(in(1, type), 64), zext(in(2, type), 64),
                       in(3, word), in(4, word), b.getInt32(type.bits)});
  out(0, zext(value, type.bits));
}

void Emitter::emitPrmt() {
  if (!arity(4))
    return;
  Type type = takeType();
  static const char *const names[] = {"f4e", "b4e", "rc8",
                                      "ecl", "ecr", "rc16"};
  unsigned mode = 0;
  for (unsigned i = 0; i < 6; ++i)
    if (take(names[i]))
      mode = i + 1;
  if (type.width() != 32)
    return fail("'prmt' is of .b32");
  out(0, call(arithmetic::permute,
              {in(1, type), in(2, type), in(3, type), b.getInt32(mode)}));
}

void Emitter::emitLop3() {
  if (!arity(5))
    return;
  Type type = takeType();
  if (operand(4).kind != Operand::Integer || operand(4).value > 255)
    return fail("the table of 'lop3' is a number below 256");
  Value *a = in(1, type), *x = in(2, type), *c = in(3, type),
        *result = constant(type.bits, 0);
  for (unsigned i = 0; i < 8; ++i)
    if (operand(4).value >> i & 1) {
      Value *term =
          b.CreateAnd(i & 4 ? a : b.CreateNot(a), i & 2 ? x : b.CreateNot(x));
      result =
          b.CreateOr(result, b.CreateAnd(term, i & 1 ? c : b.CreateNot(c)));
    }
  out(0, result);
}

void Emitter::emitFns() {
  if (!arity(4))
    return;
  Type type = takeType();
  out(0, call(arithmetic::findSet, {in(1, type), in(2, type), in(3, type)}));
}

void Emitter::emitBmsk() {
  if (!arity(3))
    return;
  bool clamp = take("clamp");
  if (!clamp && !take("wrap"))
    return fail("'bmsk' needs .clamp or .wrap");
  Type type = takeType();
  Value *start = in(1, type), *length = in(2, type);
  if (clamp) {
    start = b.CreateBinaryIntrinsic(Intrinsic::umin, start, b.getInt32(32));
    length = b.CreateBinaryIntrinsic(Intrinsic::umin, length, b.getInt32(32));
  } else {
    start = b.CreateAnd(start, b.getInt32(31));
    length = b.CreateAnd(length, b.getInt32(31));
  }
  Value *mask = b.CreateSub(b.CreateShl(constant(128, 1), zext(length, 128)),
                            constant(128, 1));
  out(0, zext(b.CreateShl(mask, zext(start, 128)), 32));
}

void Emitter::emitSzext() {
  if (!arity(3))
    return;
  bool clamp = take("clamp");
  if (!clamp && !take("wrap"))
    return fail("'szext' needs .clamp or .wrap");
  Type type = takeType();
  Value *value = in(1, type), *bits = in(2, {Type::Unsigned, 32});
  bits = clamp ? b.CreateBinaryIntrinsic(Intrinsic::umin, bits, b.getInt32(32))
               : b.CreateAnd(bits, b.getInt32(31));
  Value *up = b.CreateSub(constant(64, 64), zext(bits, 64)); // 32 to 64
  Value *none = b.CreateICmpEQ(bits, b.getInt32(0));
  up = b.CreateSelect(none, constant(64, 32), up);
  Value *shifted = b.CreateShl(zext(value, 64), up);
  Value *back =
      type.isSigned() ? b.CreateAShr(shifted, up) : b.CreateLShr(shifted, up);
  out(0, b.CreateSelect(none, b.getInt32(0), zext(back, 32)));
}
