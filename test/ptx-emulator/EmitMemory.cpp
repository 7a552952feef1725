// Loads, stores and asynchronous copies.
#include "Emitter.h"

using namespace llvm;
using namespace ptx;
using ptx::Type;

void Emitter::addMemory(Handlers &table) {
  table["ld"] = &Emitter::emitLd;
  table["ldu"] = &Emitter::emitLdu;
  table["st"] = &Emitter::emitSt;
  table["atom"] = &Emitter::emitAtom;
  table["red"] = &Emitter::emitRed;
  table["prefetch"] = table["prefetchu"] = &Emitter::emitPrefetch;
  table["cp"] = &Emitter::emitCp;
}

Space Emitter::takeSpace() {
  static const std::pair<const char *, Space> names[] = {
      {"global", Space::Global},      {"shared", Space::Shared},
      {"shared::cta", Space::Shared}, {"local", Space::Local},
      {"const", Space::Const},        {"param", Space::Param},
      {"param::entry", Space::Param}, {"param::func", Space::Param}};
  for (auto &[name, space] : names)
    if (take(name))
      return space;
  return Space::Generic;
}

// Hints about caches change no result.
void Emitter::takeCacheHints() {
  takeOneOf({"ca", "cg", "cs", "lu", "cv", "wb", "wt"});
  takeOneOf({"L1::evict_normal", "L1::evict_unchanged", "L1::evict_first",
             "L1::evict_last", "L1::no_allocate"});
  takeOneOf({"L2::evict_normal", "L2::evict_first", "L2::evict_last"});
  takeOneOf({"L2::64B", "L2::128B", "L2::256B"});
}

// True of accesses that may meet others of their kind without a race.
bool Emitter::takeOrdering() {
  if (take("weak"))
    return false;
  if (take("volatile"))
    return true;
  take("mmio");
  bool strong =
      !takeOneOf({"relaxed", "acquire", "release", "acq_rel"}).empty();
  if (strong)
    takeOneOf({"cta", "cluster", "gpu", "sys"});
  return strong;
}

Value *Emitter::hostPointer(Space space, unsigned bytes, const Operand &where,
                            bool reads, bool writes, bool strong) {
  if (space == Space::Const && writes)
    fail("constant memory is not written");
  Site &place = site();
  place.space = space;
  place.bytes = bytes;
  place.isRead = reads;
  place.isWrite = writes;
  place.isStrong = strong;
  mayWait |= strong; // it may spin on what another thread writes
  return call(runtime::access,
              {thread, pointerTo(&place), address(where, space)});
}

Value *Emitter::parameterPointer(const Operand &where, unsigned bytes) {
  if (where.kind != Operand::Address ||
      where.elements[0].kind != Operand::Symbol) {
    fail("a parameter is addressed by its name and a number");
    return thread;
  }
  const Operand &base = where.elements[0];
  auto it = parameters.find(base.name);
  if (it == parameters.end()) {
    fail("unknown parameter '" + base.name + "'");
    return thread;
  }
  if (base.value + bytes > it->second.bytes || base.value > it->second.bytes) {
    fail("'" + base.name + "' has " + std::to_string(it->second.bytes) +
         " bytes");
    return thread;
  }
  if (cur->opcode == "st" && !it->second.writable)
    fail("the parameter '" + base.name + "' is not written");
  return b.CreateConstGEP1_64(b.getInt8Ty(), it->second.pointer, base.value);
}

static unsigned vectorLength(const std::string &vector) {
  return vector.empty() ? 1 : std::stoi(vector.substr(1));
}

// How many elements of which type the registers of operand `values` are, and
// the operands checked; 0 behind an error.
std::pair<unsigned, ptx::Type> Emitter::takeElements(unsigned values) {
  takeCacheHints();
  bool policy = take("L2::cache_hint");
  unsigned lanes = vectorLength(takeOneOf({"v2", "v4", "v8"}));
  Type type = takeType();
  if (!arity(policy ? 3 : 2))
    return {0, type};
  if (policy)
    in(2, {Type::Bits, 64});
  if (lanes > 1 && (operand(values).kind != Operand::Vector ||
                    operand(values).elements.size() != lanes)) {
    fail("'.v" + std::to_string(lanes) + "' needs as many registers");
    return {0, type};
  }
  if (type.width() / 8 * lanes > 32) {
    fail("an access has at most 32 bytes");
    return {0, type};
  }
  return {lanes, type};
}

void Emitter::emitLd() {
  bool strong = takeOrdering();
  Space space = takeSpace();
  bool readOnly = take("nc");
  if (readOnly && space != Space::Global)
    return fail("'.nc' is for .global");
  auto [lanes, type] = takeElements(0);
  if (!lanes)
    return;
  unsigned bytes = type.width() / 8;
  Value *from =
      space == Space::Param
          ? parameterPointer(operand(1), bytes * lanes)
          : hostPointer(space, bytes * lanes, operand(1), true, false, strong);
  for (unsigned i = 0; i < lanes; ++i) {
    Value *at = b.CreateConstGEP1_64(b.getInt8Ty(), from, i * bytes);
    Value *value = b.CreateAlignedLoad(intTy(type.width()), at, Align(1));
    write(lanes > 1 ? operand(0).elements[i] : operand(0), value,
          type.isSigned(), /*mayBeWider=*/true);
  }
}

void Emitter::emitLdu() {
  if (!arity(2))
    return;
  Space space = takeSpace();
  Type type = takeType();
  Value *from =
      hostPointer(space, type.width() / 8, operand(1), true, false, false);
  write(operand(0), b.CreateAlignedLoad(intTy(type.width()), from, Align(1)),
        type.isSigned(), true);
}

void Emitter::emitSt() {
  bool strong = takeOrdering();
  Space space = takeSpace();
  auto [lanes, type] = takeElements(1);
  if (!lanes)
    return;
  unsigned bytes = type.width() / 8;
  Value *to =
      space == Space::Param
          ? parameterPointer(operand(0), bytes * lanes)
          : hostPointer(space, bytes * lanes, operand(0), false, true, strong);
  for (unsigned i = 0; i < lanes; ++i) {
    Value *value = read(lanes > 1 ? operand(1).elements[i] : operand(1), type,
                        /*mayBeWider=*/true);
    b.CreateAlignedStore(
        value, b.CreateConstGEP1_64(b.getInt8Ty(), to, i * bytes), Align(1));
  }
}

void Emitter::emitPrefetch() {
  Space space = takeSpace();
  takeOneOf({"L1", "L2", "L2::evict_last", "L2::evict_normal"});
  if (arity(1))
    address(operand(0), space);
}

// cp.async and its groups; the bulk copies of newer devices are unknown.
void Emitter::emitCp() {
  if (!take("async"))
    return fail("only 'cp.async' is supported");
  mayWait = true;
  if (take("commit_group"))
    return (void)call(runtime::commitGroup, {thread});
  if (take("wait_all"))
    return (void)call(runtime::waitGroup,
                      {thread, pointerTo(&site()), b.getInt32(~0u)});
  if (take("wait_group")) {
    if (arity(1))
      call(runtime::waitGroup,
           {thread, pointerTo(&site()), in(0, {Type::Unsigned, 32})});
    return;
  }
  bool bypass = take("cg");
  if (!bypass && !take("ca"))
    return fail("'cp.async' needs .ca or .cg");
  if (!take("shared") && !take("shared::cta"))
    return fail("'cp.async' writes shared memory");
  if (!take("global"))
    return fail("'cp.async' reads global memory");
  takeCacheHints();
  if (take("L2::cache_hint"))
    return fail("'.L2::cache_hint' of 'cp.async' is not supported");
  if (!arity(3, 4))
    return;
  const Operand &size = operand(2);
  if (size.kind != Operand::Integer ||
      (size.value != 4 && size.value != 8 && size.value != 16))
    return fail("'cp.async' copies 4, 8 or 16 bytes");
  if (bypass && size.value != 16)
    return fail("'cp.async.cg' copies 16 bytes");
  Site &place = site();
  place.space = Space::Shared;
  place.bytes = size.value;
  place.isWrite = true;
  Value *valid = b.getInt32(size.value);
  if (operandCount() == 4) {
    if (operand(3).kind == Operand::Register) {
      Register *reg = findRegister(operand(3).name);
      if (reg && reg->type.kind == Type::Pred) // ignore-src
        valid = b.CreateSelect(predicate(operand(3)), b.getInt32(0), valid);
      else
        valid = in(3, {Type::Unsigned, 32});
    } else
      valid = in(3, {Type::Unsigned, 32});
  }
  call(runtime::copyAsync,
       {thread, pointerTo(&place), address(operand(0), Space::Shared),
        address(operand(1), Space::Global), valid});
}
