// cvt and the moves between registers and address spaces.
#include "Arithmetic.h"
#include "DeviceMemory.h"
#include "Emitter.h"

using namespace llvm;
using namespace ptx;
using ptx::Type;

void Emitter::addConvert(Handlers &table) {
  table["cvt"] = &Emitter::emitCvt;
  table["mov"] = &Emitter::emitMov;
  table["cvta"] = &Emitter::emitCvta;
  table["isspacep"] = &Emitter::emitIsspacep;
}

void Emitter::emitCvt() {
  Type to = takeType(), from = takeType();
  if (!arity(to.lanes == 2 && from.lanes == 1 ? 3 : 2))
    return;
  if (to.isFloat())
    return from.isFloat() ? convertFloat(to, from)
                          : convertIntegerToFloat(to, from);
  if (from.isFloat())
    return convertFloatToInteger(to, from);
  convertInteger(to, from);
}

void Emitter::convertInteger(Type to, Type from) {
  Value *value = inWide(1, from);
  if (take("sat")) {
    unsigned wide = 66; // holds both ranges
    auto bound = [&](bool high) {
      APInt limit = to.isSigned() ? (high ? APInt::getSignedMaxValue(to.bits)
                                          : APInt::getSignedMinValue(to.bits))
                                        .sext(wide)
                                  : (high ? APInt::getMaxValue(to.bits)
                                          : APInt::getMinValue(to.bits))
                                        .zext(wide);
      return ConstantInt::get(context, limit);
    };
    value = from.isSigned() ? sext(value, wide) : zext(value, wide);
    value = b.CreateBinaryIntrinsic(Intrinsic::smin, value, bound(true));
    value = b.CreateBinaryIntrinsic(Intrinsic::smax, value, bound(false));
  }
  value = from.isSigned() ? sext(value, to.bits) : zext(value, to.bits);
  write(operand(0), value, to.isSigned(), /*mayBeWider=*/true);
}

void Emitter::convertFloatToInteger(Type to, Type from) {
  std::string rounding = takeOneOf({"rni", "rzi", "rmi", "rpi"});
  bool ftz = take("ftz");
  take("sat"); // this conversion always saturates
  if (rounding.empty())
    return fail("a conversion to an integer needs .rni, .rzi, .rmi or .rpi");
  Value *value = toFloat(inWide(1, from), from);
  if (ftz && from.bits == 32)
    value = flush(value);
  Intrinsic::ID id = rounding == "rni"   ? Intrinsic::roundeven
                     : rounding == "rzi" ? Intrinsic::trunc
                     : rounding == "rmi" ? Intrinsic::floor
                                         : Intrinsic::ceil;
  value = intrinsic(id, value);
  Value *isNan = b.CreateFCmpUNO(value, value);
  Value *result = b.CreateIntrinsic(
      to.isSigned() ? Intrinsic::fptosi_sat : Intrinsic::fptoui_sat,
      {intTy(to.bits), value->getType()}, {value});
  // Of NaN: 0, but the top bit where 64 bits take part.
  uint64_t ofNan = from.bits == 64 || to.bits == 64 ? 1ull << (to.bits - 1) : 0;
  result = b.CreateSelect(isNan, constant(to.bits, ofNan), result);
  write(operand(0), result, to.isSigned(), /*mayBeWider=*/true);
}

void Emitter::convertIntegerToFloat(Type to, Type from) {
  static const char *const names[] = {"rn", "rz", "rm", "rp"};
  uint32_t rounding = 4;
  for (unsigned i = 0; i < 4; ++i)
    if (take(names[i]))
      rounding = i;
  if (rounding == 4)
    return fail(
        "a conversion of an integer to floating point needs a rounding");
  Value *bits = inWide(1, from);
  Value *wide = from.isSigned() ? sext(bits, 64) : zext(bits, 64),
        *mode = b.getInt32(rounding);
  Value *result = nullptr;
  if (to.bits == 16) {
    // Through f64, sticky beyond 2^53 where the narrow format has overflown
    // anyway.
    Value *value = from.isSigned()
                       ? call(arithmetic::signedToDouble,
                              {wide, b.getInt32(uint32_t(Rounding::Zero))})
                       : call(arithmetic::unsignedToDouble,
                              {wide, b.getInt32(uint32_t(Rounding::Zero))});
    Format format = to.kind == Type::BFloat ? Format::BF16 : Format::F16;
    result = zext(call(arithmetic::encode, {value, b.getInt32(uint32_t(format)),
                                            mode, b.getInt32(0)}),
                  16);
  } else if (to.bits == 64) {
    Value *value = from.isSigned()
                       ? call(arithmetic::signedToDouble, {wide, mode})
                       : call(arithmetic::unsignedToDouble, {wide, mode});
    result = fromFloat(take("sat") ? saturate(value) : value, to);
  } else {
    Value *value =
        rounding == 0 ? from.isSigned() ? b.CreateSIToFP(wide, b.getFloatTy())
                                        : b.CreateUIToFP(wide, b.getFloatTy())
        : from.isSigned() ? call(arithmetic::signedToFloat, {wide, mode})
                          : call(arithmetic::unsignedToFloat, {wide, mode});
    result = fromFloat(take("sat") ? saturate(value) : value, to);
  }
  write(operand(0), result);
}

static std::optional<Format> narrowFormat(ptx::Type type) {
  if (type.kind == ptx::Type::E4M3 || type.kind == ptx::Type::E5M2)
    return type.kind == ptx::Type::E4M3 ? Format::E4M3 : Format::E5M2;
  if (type.kind == ptx::Type::TFloat)
    return Format::TF32;
  if (type.bits == 16)
    return type.kind == ptx::Type::BFloat ? Format::BF16 : Format::F16;
  if (type.bits == 32)
    return Format::F32;
  return std::nullopt;
}

void Emitter::convertFloat(Type to, Type from) {
  static const char *const names[] = {"rn", "rz", "rm", "rp", "rna"};
  static const std::pair<const char *, Intrinsic::ID> integral[] = {
      {"rni", Intrinsic::roundeven},
      {"rzi", Intrinsic::trunc},
      {"rmi", Intrinsic::floor},
      {"rpi", Intrinsic::ceil}};
  uint32_t rounding = 5;
  for (unsigned i = 0; i < 5; ++i)
    if (take(names[i]))
      rounding = i;
  Intrinsic::ID toIntegral = Intrinsic::not_intrinsic;
  for (auto &[name, id] : integral)
    if (take(name))
      toIntegral = id;
  bool ftz = take("ftz"), sat = take("sat");
  uint32_t flags =
      (take("satfinite") ? SaturateFinite : 0) | (take("relu") ? Relu : 0);
  if (rounding == 5) {
    if (to.bits < from.bits && toIntegral == Intrinsic::not_intrinsic)
      return fail("a conversion to a narrower format needs a rounding");
    rounding = 0;
  }
  auto decode = [&](Value *bits) { // as f64
    Type one{from.kind, from.bits};
    Value *value =
        from.kind == Type::E4M3 || from.kind == Type::E5M2
            ? call(arithmetic::decodeSmall,
                   {zext(bits, 32), b.getInt32(uint32_t(*narrowFormat(one)))})
            : toFloat(bits, one);
    if (ftz && from.bits == 32)
      value = flush(value);
    if (toIntegral != Intrinsic::not_intrinsic)
      value = intrinsic(toIntegral, value);
    if (sat)
      value = saturate(value);
    return value->getType()->isDoubleTy()
               ? value
               : b.CreateFPExt(value, b.getDoubleTy());
  };
  auto encode = [&](Value *value) {
    std::optional<Format> format = narrowFormat({to.kind, to.bits});
    if (!format)
      return b.CreateBitCast(value, b.getInt64Ty());
    Value *bits =
        call(arithmetic::encode, {value, b.getInt32(uint32_t(*format)),
                                  b.getInt32(rounding), b.getInt32(flags)});
    if (ftz && to.bits == 32)
      bits = b.CreateBitCast(flush(b.CreateBitCast(bits, b.getFloatTy())),
                             b.getInt32Ty());
    return zext(bits, to.bits);
  };
  if (to.lanes == 1 && from.lanes == 1)
    return write(operand(0), encode(decode(inWide(1, from))));
  if (to.lanes != 2)
    return fail("a packed source needs a packed destination");
  Value *low = nullptr, *high = nullptr;
  if (from.lanes == 2) {
    Value *both = in(1, from);
    low = zext(both, from.bits);
    high =
        zext(b.CreateLShr(both, constant(from.width(), from.bits)), from.bits);
  } else // the first source is the upper half
    high = in(1, from), low = in(2, from);
  Value *packed = zext(encode(decode(low)), to.width());
  write(operand(0),
        b.CreateOr(packed, b.CreateShl(zext(encode(decode(high)), to.width()),
                                       constant(to.width(), to.bits))));
}

void Emitter::emitMov() {
  if (!arity(2))
    return;
  Type type = takeType();
  const Operand &source = operand(1);
  if (source.kind == Operand::Symbol && !findRegister(source.name) &&
      parameters.count(source.name))
    return fail(
        "the address of a parameter is not supported, read it with ld.param");
  out(0, in(1, type));
}

// cvta.space gives a generic address, cvta.to.space takes one.
void Emitter::emitCvta() {
  if (!arity(2))
    return;
  bool to = take("to");
  Space space = takeSpace();
  Type type = takeType();
  if (space == Space::Param)
    return fail("'cvta.param' is not supported");
  if (space == Space::Generic || type.bits != 64)
    return fail("'cvta' needs an address space and .u64");
  Value *value = in(1, type);
  Value *base = space == Space::Shared  ? call(runtime::sharedWindow, {})
                : space == Space::Local ? call(runtime::localWindowBase, {})
                                        : b.getInt64(0);
  out(0, to ? b.CreateSub(value, base) : b.CreateAdd(value, base));
}

void Emitter::emitIsspacep() {
  if (!arity(2))
    return;
  Space space = takeSpace();
  if (space == Space::Generic || space == Space::Param)
    return fail("'isspacep' needs .global, .shared, .local or .const");
  Value *is = call(runtime::isSpace, {thread, b.getInt32(uint32_t(space)),
                                      in(1, {Type::Unsigned, 64})});
  out(0, zext(is, 1));
}
