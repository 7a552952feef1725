// Operations of a warp: shuffles, votes, matrix products.
#include "Emitter.h"

using namespace llvm;
using namespace ptx;
using ptx::Type;

void Emitter::addWarp(Handlers &table) {
  table["shfl"] = &Emitter::emitShfl;
  table["vote"] = &Emitter::emitVote;
  table["activemask"] = &Emitter::emitActivemask;
  table["match"] = &Emitter::emitMatch;
  table["redux"] = &Emitter::emitRedux;
  table["elect"] = &Emitter::emitElect;
  table["mma"] = &Emitter::emitMma;
  table["ldmatrix"] = &Emitter::emitLdmatrix;
  table["stmatrix"] = &Emitter::emitStmatrix;
}

std::vector<Value *> Emitter::collective(Site &place, Value *mask,
                                         ArrayRef<Value *> args,
                                         unsigned results) {
  mayWait = true;
  place.count = args.size();
  unsigned size = std::max<size_t>(std::max<size_t>(args.size(), results), 1);
  auto *type = ArrayType::get(b.getInt32Ty(), size);
  IRBuilder<> at(entry, entry->begin());
  Value *slots = at.CreateAlloca(type);
  for (unsigned i = 0; i < args.size(); ++i)
    b.CreateStore(args[i], b.CreateConstGEP2_32(type, slots, 0, i));
  call(runtime::collective, {thread, pointerTo(&place), mask, slots});
  std::vector<Value *> values;
  for (unsigned i = 0; i < results; ++i)
    values.push_back(
        b.CreateLoad(b.getInt32Ty(), b.CreateConstGEP2_32(type, slots, 0, i)));
  return values;
}

// shfl.sync.mode.b32 d[|p], a, b, c, membermask
void Emitter::emitShfl() {
  Type word{Type::Bits, 32};
  if (!take("sync"))
    return fail("'shfl' needs .sync");
  Site &place = site();
  place.kind = CollectiveKind::Shuffle;
  static const char *const modes[] = {"up", "down", "bfly", "idx"};
  bool found = false;
  for (unsigned i = 0; i < 4; ++i)
    if (take(modes[i]))
      place.mode = i, found = true;
  if (!found)
    return fail("'shfl' needs .up, .down, .bfly or .idx");
  if (takeType().width() != 32)
    return fail("'shfl' is of .b32");
  if (!arity(5))
    return;
  auto values = collective(place, in(4, word),
                           {in(1, word), in(2, word), in(3, word)}, 2);
  if (operand(0).kind != Operand::Pair)
    return out(0, values[0]);
  write(operand(0).elements[0], values[0]);
  write(operand(0).elements[1], zext(values[1], 1));
}

void Emitter::emitVote() {
  Type word{Type::Bits, 32};
  if (!take("sync"))
    return fail("'vote' needs .sync");
  Site &place = site();
  place.kind = CollectiveKind::Vote;
  static const char *const modes[] = {"all", "any", "uni", "ballot"};
  bool found = false;
  for (unsigned i = 0; i < 4; ++i)
    if (take(modes[i]))
      place.mode = i, found = true;
  if (!found)
    return fail("'vote' needs .all, .any, .uni or .ballot");
  takeType();
  if (!arity(3))
    return;
  auto values =
      collective(place, in(2, word), {zext(predicate(operand(1)), 32)}, 1);
  out(0, place.mode == 3 ? values[0] : zext(values[0], 1));
}

void Emitter::emitActivemask() {
  takeType();
  if (arity(1))
    out(0, call(runtime::activeMask, {thread}));
}

void Emitter::emitMatch() {
  bool all = take("all");
  if (!all && !take("any"))
    return fail("'match' needs .all or .any");
  if (!take("sync"))
    return fail("'match' needs .sync");
  Type type = takeType();
  if (!arity(3))
    return;
  Site &place = site();
  place.kind = CollectiveKind::Match;
  place.mode = all;
  Value *value = in(1, type);
  Value *high = type.bits == 64
                    ? zext(b.CreateLShr(value, constant(64, 32)), 32)
                    : b.getInt32(0);
  auto values =
      collective(place, in(2, {Type::Bits, 32}), {zext(value, 32), high}, 2);
  if (operand(0).kind != Operand::Pair)
    return out(0, values[0]);
  write(operand(0).elements[0], values[0]);
  write(operand(0).elements[1], zext(values[1], 1));
}

void Emitter::emitRedux() {
  if (!take("sync"))
    return fail("'redux' needs .sync");
  static const char *const ops[] = {"add", "min", "max", "and", "or", "xor"};
  Site &place = site();
  place.kind = CollectiveKind::Reduce;
  bool found = false;
  for (unsigned i = 0; i < 6; ++i)
    if (take(ops[i]))
      place.mode = i, found = true;
  place.type = takeType();
  if (!found || place.type.isFloat())
    return fail("'redux' needs an operation on integers");
  if (arity(3))
    out(0,
        collective(place, in(2, {Type::Bits, 32}), {in(1, place.type)}, 1)[0]);
}

void Emitter::emitElect() {
  if (!take("sync"))
    return fail("'elect' needs .sync");
  Site &place = site();
  place.kind = CollectiveKind::Elect;
  if (!arity(2))
    return;
  if (operand(0).kind != Operand::Pair)
    return fail("'elect' gives d|p");
  auto values = collective(place, in(1, {Type::Bits, 32}), {}, 2);
  write(operand(0).elements[0], values[0]);
  write(operand(0).elements[1], zext(values[1], 1));
}

// mma.sync.aligned.mMnNkK.row.col.d.a.b.c {d}, {a}, {b}, {c}
void Emitter::emitMma() {
  if (!take("sync") || !take("aligned") || !take("row") || !take("col"))
    return fail("'mma' needs .sync.aligned and .row.col");
  Site &place = site();
  place.kind = CollectiveKind::Mma;
  place.isAligned = true;
  static const std::pair<const char *, std::array<unsigned, 3>> shapes[] = {
      {"m16n8k4", {16, 8, 4}},
      {"m16n8k8", {16, 8, 8}},
      {"m16n8k16", {16, 8, 16}},
      {"m16n8k32", {16, 8, 32}},
      {"m8n8k4", {8, 8, 4}}};
  for (auto &[name, shape] : shapes)
    if (take(name))
      std::copy(shape.begin(), shape.end(), place.shape);
  bool finite = take("satfinite");
  Type d = takeType();
  place.type = takeType();
  place.typeB = takeType();
  place.typeAcc = takeType();
  if (!arity(4))
    return;
  Type a = place.type, c = place.typeAcc;
  unsigned m = place.shape[0], k = place.shape[2];
  unsigned element = a.kind == Type::TFloat ? 32 : a.bits;
  bool is8 = a.kind == Type::E4M3 || a.kind == Type::E5M2 ||
             (a.isInteger() && a.bits == 8);
  bool known = d == c && place.typeB.bits == a.bits &&
               a.isFloat() == place.typeB.isFloat() && a.lanes == 1 &&
               ((a.bits == 16 && a.isFloat() && a == place.typeB && m == 16 &&
                 (k == 8 || k == 16) && c.isFloat() &&
                 (c.bits == 32 || (c == a && a.kind == Type::Float))) ||
                (a.kind == Type::TFloat && m == 16 && (k == 4 || k == 8) &&
                 c == Type{Type::Float, 32}) ||
                (is8 && m == 16 && (k == 32 || (k == 16 && a.isInteger())) &&
                 c == (a.isInteger() ? Type{Type::Signed, 32}
                                     : Type{Type::Float, 32})) ||
                (a == Type{Type::Float, 64} && m == 8 && k == 4 && c == a));
  if (!known || (finite && !a.isInteger()))
    return fail("this shape and these types of 'mma' are not supported");
  place.mode = finite;
  unsigned words = element == 64 ? 2 : 1,
           perWord = element == 64 ? 1 : 32 / element;
  unsigned counts[4] = {m * 8 / 32 / (c.bits == 16 ? 2 : 1),
                        m * k / 32 / perWord, 8 * k / 32 / perWord, 0};
  counts[3] = counts[0];
  SmallVector<Value *> args;
  for (unsigned i = 1; i < 4; ++i) {
    const Operand &fragment = operand(i);
    SmallVector<Operand> parts;
    if (fragment.kind == Operand::Vector)
      parts.append(fragment.elements.begin(), fragment.elements.end());
    else
      parts.push_back(fragment);
    if (parts.size() != counts[i])
      return fail("operand " + std::to_string(i) + " of this 'mma' has " +
                  std::to_string(counts[i]) + " registers");
    for (const Operand &part : parts) {
      Value *value = read(part, {Type::Bits, 32 * words});
      args.push_back(zext(value, 32));
      if (words == 2)
        args.push_back(zext(b.CreateLShr(value, constant(64, 32)), 32));
    }
  }
  if (operand(0).kind != Operand::Vector ||
      operand(0).elements.size() != counts[0])
    return fail("the result of this 'mma' has " + std::to_string(counts[0]) +
                " registers");
  auto values = collective(place, b.getInt32(~0u), args, counts[0] * words);
  for (unsigned i = 0; i < counts[0]; ++i) {
    Value *value = values[i * words];
    if (words == 2)
      value =
          b.CreateOr(zext(value, 64), b.CreateShl(zext(values[2 * i + 1], 64),
                                                  constant(64, 32)));
    write(operand(0).elements[i], value);
  }
}

// .sync.aligned.m8n8.xN[.trans].shared.b16, and two operands.
bool Emitter::takeMatrices(Site &place, const std::string &name) {
  place.isAligned = true;
  place.bytes = 16;
  if (!take("sync") || !take("aligned") || !take("m8n8")) {
    fail("'" + name + "' needs .sync.aligned.m8n8");
    return false;
  }
  std::string matrices = takeOneOf({"x1", "x2", "x4"});
  place.mode = take("trans");
  place.space = takeSpace();
  if (takeType().bits != 16 || matrices.empty() ||
      (place.space != Space::Shared && place.space != Space::Generic)) {
    fail("'" + name + "' needs .x1, .x2 or .x4, .shared and .b16");
    return false;
  }
  place.shape[0] = matrices[1] - '0';
  return arity(2);
}

// ldmatrix.sync.aligned.m8n8.xN[.trans].shared.b16 {d}, [row]
void Emitter::emitLdmatrix() {
  Site &place = site();
  place.kind = CollectiveKind::LoadMatrix;
  place.isRead = true;
  if (!takeMatrices(place, "ldmatrix"))
    return;
  Value *row = address(operand(1), Space::Shared);
  auto values =
      collective(place, b.getInt32(~0u),
                 {zext(row, 32), zext(b.CreateLShr(row, b.getInt64(32)), 32)},
                 place.shape[0]);
  if (operand(0).kind != Operand::Vector)
    return place.shape[0] == 1 ? out(0, values[0])
                               : fail("'ldmatrix' gives a vector");
  if (operand(0).elements.size() != values.size())
    return fail("'ldmatrix' gives " + std::to_string(place.shape[0]) +
                " registers");
  for (unsigned i = 0; i < values.size(); ++i)
    write(operand(0).elements[i], values[i]);
}

void Emitter::emitStmatrix() {
  Site &place = site();
  place.kind = CollectiveKind::StoreMatrix;
  place.isWrite = true;
  if (!takeMatrices(place, "stmatrix"))
    return;
  Value *row = address(operand(0), Space::Shared);
  SmallVector<Value *> args = {zext(row, 32),
                               zext(b.CreateLShr(row, b.getInt64(32)), 32)};
  SmallVector<Operand> parts;
  if (operand(1).kind == Operand::Vector)
    parts.append(operand(1).elements.begin(), operand(1).elements.end());
  else
    parts.push_back(operand(1));
  if (parts.size() != place.shape[0])
    return fail("'stmatrix' takes " + std::to_string(place.shape[0]) +
                " registers");
  for (const Operand &part : parts)
    args.push_back(read(part, {Type::Bits, 32}));
  collective(place, b.getInt32(~0u), args, 0);
}
