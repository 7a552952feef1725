#include "Emitter.h"

using namespace llvm;
using namespace ptx;
using ptx::Type;

void Emitter::addCompare(Handlers &table) {
  table["setp"] = &Emitter::emitSetp;
  table["set"] = &Emitter::emitSet;
  table["selp"] = &Emitter::emitSelp;
  table["slct"] = &Emitter::emitSlct;
}

static const std::initializer_list<const char *> comparisons = {
    "eq", "ne",  "lt",  "le",  "gt",  "ge",  "lo",  "ls",  "hi",
    "hs", "equ", "neu", "ltu", "leu", "gtu", "geu", "num", "nan"};

Value *Emitter::compare(const std::string &name, Type type, Value *x,
                        Value *y) {
  using P = CmpInst::Predicate;
  static const std::map<std::string, std::array<P, 3>> table = {
      // signed, unsigned, float
      {"eq", {P::ICMP_EQ, P::ICMP_EQ, P::FCMP_OEQ}},
      {"ne", {P::ICMP_NE, P::ICMP_NE, P::FCMP_ONE}},
      {"lt", {P::ICMP_SLT, P::ICMP_ULT, P::FCMP_OLT}},
      {"le", {P::ICMP_SLE, P::ICMP_ULE, P::FCMP_OLE}},
      {"gt", {P::ICMP_SGT, P::ICMP_UGT, P::FCMP_OGT}},
      {"ge", {P::ICMP_SGE, P::ICMP_UGE, P::FCMP_OGE}},
      {"lo", {P::BAD_ICMP_PREDICATE, P::ICMP_ULT, P::BAD_FCMP_PREDICATE}},
      {"ls", {P::BAD_ICMP_PREDICATE, P::ICMP_ULE, P::BAD_FCMP_PREDICATE}},
      {"hi", {P::BAD_ICMP_PREDICATE, P::ICMP_UGT, P::BAD_FCMP_PREDICATE}},
      {"hs", {P::BAD_ICMP_PREDICATE, P::ICMP_UGE, P::BAD_FCMP_PREDICATE}},
      {"equ", {P::BAD_ICMP_PREDICATE, P::BAD_ICMP_PREDICATE, P::FCMP_UEQ}},
      {"neu", {P::BAD_ICMP_PREDICATE, P::BAD_ICMP_PREDICATE, P::FCMP_UNE}},
      {"ltu", {P::BAD_ICMP_PREDICATE, P::BAD_ICMP_PREDICATE, P::FCMP_ULT}},
      {"leu", {P::BAD_ICMP_PREDICATE, P::BAD_ICMP_PREDICATE, P::FCMP_ULE}},
      {"gtu", {P::BAD_ICMP_PREDICATE, P::BAD_ICMP_PREDICATE, P::FCMP_UGT}},
      {"geu", {P::BAD_ICMP_PREDICATE, P::BAD_ICMP_PREDICATE, P::FCMP_UGE}},
      {"num", {P::BAD_ICMP_PREDICATE, P::BAD_ICMP_PREDICATE, P::FCMP_ORD}},
      {"nan", {P::BAD_ICMP_PREDICATE, P::BAD_ICMP_PREDICATE, P::FCMP_UNO}},
  };
  unsigned column = type.isFloat() ? 2 : type.isSigned() ? 0 : 1;
  auto it = table.find(name);
  if (it == table.end() || it->second[column] == P::BAD_ICMP_PREDICATE ||
      it->second[column] == P::BAD_FCMP_PREDICATE) {
    fail("'." + name + "' does not compare values of type ." + type.str());
    return b.getFalse();
  }
  if (!type.isFloat())
    return b.CreateICmp(it->second[column], x, y);
  return b.CreateFCmp(it->second[column], x, y);
}

// setp.cmp[.and|.or|.xor][.ftz].type p[|q], a, b[, c]
void Emitter::emitSetp() {
  std::string comparison = takeOneOf(comparisons),
              combine = takeOneOf({"and", "or", "xor"});
  bool ftz = take("ftz");
  Type type = takeType();
  if (!arity(combine.empty() ? 3 : 4))
    return;
  if (type.lanes == 2) { // f16x2: p of the low lane, q of the high one
    if (operand(0).kind != Operand::Pair || !combine.empty())
      return fail(
          "'setp' of packed values takes two predicates and combines none");
    for (unsigned lane = 0; lane < 2; ++lane) {
      auto part = [&](unsigned i) {
        return toFloat(
            zext(b.CreateLShr(in(i, type), b.getInt32(16 * lane)), 16), type);
      };
      write(operand(0).elements[lane],
            compare(comparison, type, part(1), part(2)));
    }
    return;
  }
  Value *x = in(1, type), *y = in(2, type);
  if (type.isFloat()) {
    x = toFloat(x, type), y = toFloat(y, type);
    if (ftz && type.bits == 32)
      x = flush(x), y = flush(y);
  }
  Value *holds = compare(comparison, type, x, y), *not_ = b.CreateNot(holds);
  if (!combine.empty()) {
    Value *other = predicate(operand(3));
    auto op = combine == "and"  ? llvm::Instruction::And
              : combine == "or" ? llvm::Instruction::Or
                                : llvm::Instruction::Xor;
    holds = b.CreateBinOp(op, holds, other);
    not_ = b.CreateBinOp(op, not_, other);
  }
  if (operand(0).kind != Operand::Pair)
    return out(0, holds);
  write(operand(0).elements[0], holds);
  write(operand(0).elements[1], not_);
}

void Emitter::emitSet() {
  std::string comparison = takeOneOf(comparisons),
              combine = takeOneOf({"and", "or", "xor"});
  bool ftz = take("ftz");
  Type to = takeType(), type = takeType();
  if (!arity(combine.empty() ? 3 : 4))
    return;
  if (type.lanes > 1 || to.lanes > 1)
    return fail("'set' of packed values is not supported");
  Value *x = in(1, type), *y = in(2, type);
  if (type.isFloat()) {
    x = toFloat(x, type), y = toFloat(y, type);
    if (ftz && type.bits == 32)
      x = flush(x), y = flush(y);
  }
  Value *holds = compare(comparison, type, x, y);
  if (!combine.empty()) {
    auto op = combine == "and"  ? llvm::Instruction::And
              : combine == "or" ? llvm::Instruction::Or
                                : llvm::Instruction::Xor;
    holds = b.CreateBinOp(op, holds, predicate(operand(3)));
  }
  if (!to.isFloat())
    return out(0, sext(holds, to.bits));
  uint64_t one = to.kind == Type::BFloat ? 0x3f80
                 : to.bits == 16         ? 0x3c00
                                         : 0x3f800000;
  out(0, b.CreateSelect(holds, constant(to.bits, one), constant(to.bits, 0)));
}

void Emitter::emitSelp() {
  if (!arity(4))
    return;
  Type type = takeType();
  out(0, b.CreateSelect(predicate(operand(3)), in(1, type), in(2, type)));
}

void Emitter::emitSlct() {
  if (!arity(4))
    return;
  bool ftz = take("ftz");
  Type type = takeType(), selector = takeType();
  Value *c = in(3, selector), *first = nullptr;
  if (selector.isFloat()) {
    Value *value = toFloat(c, selector);
    first = b.CreateFCmpOGE(ftz ? flush(value) : value,
                            ConstantFP::get(value->getType(), 0.0));
  } else
    first = b.CreateICmpSGE(c, constant(selector.bits, 0));
  out(0, b.CreateSelect(first, in(1, type), in(2, type)));
}
