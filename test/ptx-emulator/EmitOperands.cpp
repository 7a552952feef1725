#include "DeviceMemory.h"
#include "Emitter.h"

using namespace llvm;
using namespace ptx;
using ptx::Type;

void Emitter::fail(const std::string &message) {
  if (!error.empty())
    return;
  unsigned line = cur ? cur->line : function ? function->line : 0;
  error = "line " + std::to_string(line) + ": " + message;
  if (line && line <= ptx.lines.size())
    error += "\n  " + ptx.lines[line - 1];
}

bool Emitter::take(const char *name) {
  for (unsigned i = 0; i < cur->modifiers.size(); ++i)
    if (!taken[i] && cur->modifiers[i] == name) {
      taken[i] = true;
      return true;
    }
  return false;
}

// The one of the names that the instruction has, or an empty string.
std::string Emitter::takeOneOf(std::initializer_list<const char *> names) {
  for (const char *name : names)
    if (take(name))
      return name;
  return "";
}

bool Emitter::hasType() {
  for (unsigned i = 0; i < cur->modifiers.size(); ++i)
    if (!taken[i] && Type::parse(cur->modifiers[i]))
      return true;
  return false;
}

ptx::Type Emitter::takeType() {
  for (unsigned i = 0; i < cur->modifiers.size(); ++i)
    if (!taken[i])
      if (std::optional<Type> type = Type::parse(cur->modifiers[i])) {
        taken[i] = true;
        return *type;
      }
  fail("'" + cur->opcode + "' lacks a type");
  return {Type::Bits, 32};
}

bool Emitter::arity(unsigned least, unsigned most) {
  if (operandCount() >= least && operandCount() <= most)
    return true;
  fail("'" + cur->opcode + "' takes " + std::to_string(least) +
       (most > least ? " to " + std::to_string(most) : std::string()) +
       " operands, not " + std::to_string(operandCount()));
  return false;
}

const Operand &Emitter::operand(unsigned i) {
  static const Operand none;
  if (i < operandCount())
    return cur->operands[i];
  fail("'" + cur->opcode + "' lacks an operand");
  return none;
}

Emitter::Register *Emitter::findRegister(const std::string &name) {
  auto it = registers.find(name);
  if (it != registers.end())
    return &it->second;
  size_t digits = name.find_last_not_of("0123456789") + 1;
  const RegisterRange *range = nullptr;
  auto whole = ranges.find(name);
  if (whole != ranges.end() && whole->second->count == 0)
    range = whole->second;
  else if (digits < name.size() && name.size() - digits < 9) {
    auto part = ranges.find(StringRef(name).take_front(digits));
    if (part != ranges.end() &&
        std::stoul(name.substr(digits)) < part->second->count)
      range = part->second;
  }
  if (!range)
    return nullptr;
  IRBuilder<> at(entry, entry->begin());
  Register made{at.CreateAlloca(intTy(range->type.width())), range->type};
  // A register that nothing set holds a pattern, not what happens to be there.
  at.SetInsertPoint(entry, std::next(made.slot->getIterator()));
  at.CreateStore(ConstantInt::getAllOnesValue(made.slot->getAllocatedType()),
                 made.slot);
  return &(registers[name] = made);
}

std::optional<Special> Emitter::special(const std::string &name, Type &type) {
  static const std::map<std::string, std::pair<Special, unsigned>> table = {
      {"%tid.x", {Special::TidX, 32}},
      {"%tid.y", {Special::TidY, 32}},
      {"%tid.z", {Special::TidZ, 32}},
      {"%ntid.x", {Special::NtidX, 32}},
      {"%ntid.y", {Special::NtidY, 32}},
      {"%ntid.z", {Special::NtidZ, 32}},
      {"%ctaid.x", {Special::CtaidX, 32}},
      {"%ctaid.y", {Special::CtaidY, 32}},
      {"%ctaid.z", {Special::CtaidZ, 32}},
      {"%nctaid.x", {Special::NctaidX, 32}},
      {"%nctaid.y", {Special::NctaidY, 32}},
      {"%nctaid.z", {Special::NctaidZ, 32}},
      {"%laneid", {Special::LaneId, 32}},
      {"%warpid", {Special::WarpId, 32}},
      {"%nwarpid", {Special::NWarpId, 32}},
      {"%smid", {Special::SmId, 32}},
      {"%nsmid", {Special::NSmId, 32}},
      {"%gridid", {Special::GridId, 64}},
      {"%clock", {Special::Clock, 32}},
      {"%clock64", {Special::Clock64, 64}},
      {"%globaltimer", {Special::GlobalTimer, 64}},
      {"%lanemask_eq", {Special::LanemaskEq, 32}},
      {"%lanemask_le", {Special::LanemaskLe, 32}},
      {"%lanemask_lt", {Special::LanemaskLt, 32}},
      {"%lanemask_ge", {Special::LanemaskGe, 32}},
      {"%lanemask_gt", {Special::LanemaskGt, 32}},
      {"%dynamic_smem_size", {Special::DynamicSmem, 32}},
      {"%total_smem_size", {Special::TotalSmem, 32}},
      {"%cluster_ctarank", {Special::Zero, 32}},
      {"%cluster_nctarank", {Special::One, 32}},
      {"%cluster_ctaid.x", {Special::Zero, 32}},
      {"%cluster_nctaid.x", {Special::One, 32}},
  };
  auto it = table.find(name);
  if (it == table.end())
    return std::nullopt;
  type = {Type::Unsigned, it->second.second};
  return it->second.first;
}

ptx::Site &Emitter::site() {
  Site &site = sites.emplace_back();
  site.line = cur ? cur->line : function->line;
  return site;
}

Value *Emitter::pointerTo(const void *object) {
  return ConstantExpr::getIntToPtr(
      b.getInt64(reinterpret_cast<uint64_t>(object)), b.getPtrTy());
}

// The value as an integer of the type's width. A source of ld, st and cvt may
// be in a register that is wider than its type.
Value *Emitter::read(const Operand &operand, Type type, bool mayBeWider) {
  unsigned bits = type.width();
  if (operand.kind == Operand::Integer) {
    if (type.isFloat() && type.bits >= 32 && type.lanes == 1)
      fail("an integer stands where a number of type ." + type.str() +
           " belongs");
    return constant(bits, operand.value);
  }
  if (operand.kind == Operand::Float) {
    double value = 0;
    uint64_t raw = operand.value;
    if (operand.single ? bits == 32 : false)
      return constant(bits, raw);
    if (operand.single) {
      fail("a literal of 32 bits stands where " + std::to_string(bits) +
           " belong");
      return constant(bits, 0);
    }
    memcpy(&value, &raw, sizeof value);
    if (bits == 64)
      return constant(64, raw);
    if (bits == 32 && type.isFloat()) {
      float narrow = value;
      uint32_t word;
      memcpy(&word, &narrow, sizeof word);
      return constant(32, word);
    }
    fail("a floating-point literal cannot be of type ." + type.str());
    return constant(bits, 0);
  }
  if (operand.kind == Operand::Vector) { // packed, lowest first
    Value *packed = constant(bits, 0);
    if (operand.elements.empty() || bits % operand.elements.size()) {
      fail("cannot pack " + std::to_string(operand.elements.size()) +
           " values into " + std::to_string(bits) + " bits");
      return packed;
    }
    unsigned part = bits / operand.elements.size();
    for (unsigned i = 0; i < operand.elements.size(); ++i) {
      Value *element =
          zext(read(operand.elements[i], {Type::Bits, part}), bits);
      packed =
          b.CreateOr(packed, b.CreateShl(element, constant(bits, i * part)));
    }
    return packed;
  }
  if (operand.kind != Operand::Register && operand.kind != Operand::Symbol) {
    fail("an operand of '" + cur->opcode + "' is not a value");
    return constant(bits, 0);
  }
  Value *value = nullptr;
  if (Register *reg = findRegister(operand.name))
    value = b.CreateLoad(reg->slot->getAllocatedType(), reg->slot);
  else if (operand.kind == Operand::Symbol)
    value = symbolAddress(operand);
  else {
    Type own;
    std::optional<Special> which = special(operand.name, own);
    if (!which) {
      fail("unknown register '" + operand.name + "'");
      return constant(bits, 0);
    }
    value = call(runtime::special, {thread, b.getInt32(uint32_t(*which))});
    value = zext(value, own.width() < bits ? own.width() : bits);
  }
  unsigned have = value->getType()->getIntegerBitWidth();
  if (operand.kind == Operand::Symbol && have == 64 && bits == 32)
    return zext(value, 32); // shared addresses fit in 32 bits
  if (have < bits || (have > bits && !mayBeWider)) {
    fail("'" + operand.name + "' has " + std::to_string(have) + " bits, '" +
         cur->opcode + "' wants " + std::to_string(bits));
    return constant(bits, 0);
  }
  if (operand.negated)
    value = b.CreateNot(value);
  return zext(value, bits);
}

Value *Emitter::predicate(const Operand &operand) {
  return read(operand, {Type::Pred, 1});
}

void Emitter::write(const Operand &operand, Value *value, bool isSigned,
                    bool mayBeWider) {
  unsigned bits = value->getType()->getIntegerBitWidth();
  if (operand.kind == Operand::Discard)
    return;
  if (operand.kind == Operand::Vector) { // unpacked, lowest first
    unsigned part =
        operand.elements.empty() ? 0 : bits / operand.elements.size();
    if (!part || part * operand.elements.size() != bits)
      return fail("cannot unpack " + std::to_string(bits) +
                  " bits into these registers");
    for (unsigned i = 0; i < operand.elements.size(); ++i)
      write(operand.elements[i],
            zext(b.CreateLShr(value, constant(bits, i * part)), part));
    return;
  }
  Register *reg =
      operand.kind == Operand::Register || operand.kind == Operand::Symbol
          ? findRegister(operand.name)
          : nullptr;
  if (!reg)
    return fail("the destination of '" + cur->opcode +
                "' is not a register that was declared");
  unsigned have = reg->type.width();
  if (have < bits || (have > bits && !mayBeWider))
    return fail("'" + operand.name + "' has " + std::to_string(have) +
                " bits, '" + cur->opcode + "' gives " + std::to_string(bits));
  b.CreateStore(isSigned ? sext(value, have) : zext(value, have), reg->slot);
}

Value *Emitter::symbolAddress(const Operand &symbol) {
  Value *base = nullptr;
  if (auto shared = sharedOffsets.find(symbol.name);
      shared != sharedOffsets.end()) {
    base = b.getInt64(shared->second);
    if (symbol.negated)
      base = b.CreateAdd(base, call(runtime::sharedWindow, {}));
  } else if (auto local = localOffsets.find(symbol.name);
             local != localOffsets.end())
    base = b.CreateAdd(frame, b.getInt64(local->second));
  else if (auto global = globals.find(symbol.name); global != globals.end())
    base = b.getInt64(global->second);
  else {
    fail("unknown name '" + symbol.name + "'");
    return b.getInt64(0);
  }
  return b.CreateAdd(base, b.getInt64(symbol.value));
}

Value *Emitter::address(const Operand &operand, Space space) {
  if (operand.kind != Operand::Address) {
    fail("'" + cur->opcode + "' wants an address in brackets");
    return b.getInt64(0);
  }
  const Operand &base = operand.elements[0];
  Value *value = nullptr;
  if (base.kind == Operand::Integer)
    value = b.getInt64(base.value);
  else if (Register *reg = findRegister(base.name)) {
    value = b.CreateLoad(reg->slot->getAllocatedType(), reg->slot);
    if (reg->type.width() != 64 &&
        !(reg->type.width() == 32 &&
          (space == Space::Shared || space == Space::Local)))
      fail("the address '" + base.name + "' has " +
           std::to_string(reg->type.width()) + " bits");
    // Offsets wrap in the width of the address.
    value = b.CreateAdd(value, constant(reg->type.width(), operand.value));
    return zext(value, 64);
  } else if (base.kind == Operand::Symbol)
    value = symbolAddress(base);
  else {
    fail("unknown register '" + base.name + "'");
    return b.getInt64(0);
  }
  return b.CreateAdd(value, b.getInt64(operand.value));
}
