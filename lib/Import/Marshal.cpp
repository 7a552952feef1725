//===- Marshal.cpp - Python's serialized code objects, as data
//---------------===//

#include "lamina/Import/Marshal.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/ConvertUTF.h"
#include "llvm/Support/Endian.h"
#include <bit>
#include <optional>

namespace lamina::import {

using llvm::ArrayRef;
using llvm::StringRef;

/// Reads one object after the other. The first error sticks: what is read after
/// it is nothing.
class MarshalReader {
public:
  MarshalReader(StringRef bytes, Layout layout, llvm::BumpPtrAllocator &arena)
      : bytes(bytes), layout(layout), arena(arena) {}

  const PyValue *object();
  std::string error;
  bool atEnd() const { return position == bytes.size(); }

private:
  using Kind = PyValue::Kind;
  static constexpr unsigned maxDepth = 200; // CPython's own limit is 2000

  StringRef bytes;
  Layout layout;
  llvm::BumpPtrAllocator &arena;
  size_t position = 0;
  unsigned depth = 0;
  llvm::SmallVector<const PyValue *> references, interned;

  void fail(const llvm::Twine &message) {
    if (error.empty())
      error = (message + " at byte " + llvm::Twine(position)).str();
  }
  StringRef take(uint64_t count) {
    if (count > bytes.size() - position) {
      fail("the data ends");
      return {};
    }
    position += count;
    return bytes.substr(position - count, count);
  }
  unsigned byte() {
    StringRef taken = take(1);
    return taken.empty() ? 0 : uint8_t(taken[0]);
  }
  int32_t word() {
    StringRef taken = take(4);
    return taken.empty()
               ? 0
               : int32_t(llvm::support::endian::read32le(taken.data()));
  }
  double real() {
    StringRef taken = take(8);
    return taken.empty() ? 0
                         : std::bit_cast<double>(
                               llvm::support::endian::read64le(taken.data()));
  }
  /// A number of items, each of which takes a byte at least.
  size_t size() {
    int32_t count = word();
    if (count < 0 || size_t(count) > bytes.size() - position)
      fail("a size is out of range");
    return error.empty() ? count : 0;
  }
  PyValue *make(Kind kind) {
    auto *value = new (arena.Allocate<PyValue>()) PyValue();
    value->kind = kind;
    return value;
  }
  PyValue *text(Kind kind, StringRef content) {
    PyValue *value = make(kind);
    value->text = content;
    return value;
  }
  PyValue *latin1(StringRef content);
  PyValue *utf8(StringRef content);
  void bigInteger(PyValue *value);
  void textNumber(PyValue *value, bool complex);
  void items(PyValue *value, size_t count);
  void code(PyValue *value);
  std::optional<ArrayRef<StringRef>> strings(const PyValue *tuple);
};

PyValue *MarshalReader::latin1(StringRef content) {
  if (llvm::all_of(content, [](char c) { return !(c & 0x80); }))
    return text(Kind::Text, content);
  char *copy = arena.Allocate<char>(2 * content.size());
  size_t length = 0;
  for (unsigned char c : content) {
    if (c >= 0x80)
      copy[length++] = char(0xC0 | c >> 6);
    copy[length++] = c < 0x80 ? char(c) : char(0x80 | (c & 0x3F));
  }
  return text(Kind::Text, StringRef(copy, length));
}

PyValue *MarshalReader::utf8(StringRef content) {
  const auto *begin = reinterpret_cast<const llvm::UTF8 *>(content.data());
  if (!llvm::isLegalUTF8String(&begin, begin + content.size()))
    fail("a text is not UTF-8");
  return text(Kind::Text, content);
}

/// Digits of 15 bits.
void MarshalReader::bigInteger(PyValue *value) {
  int32_t digits = word();
  uint64_t magnitude = 0;
  bool fits = true;
  uint32_t count = digits < 0 ? -uint32_t(digits) : digits;
  if (count > (bytes.size() - position) / 2)
    return fail("a number is too long");
  for (uint32_t i = 0; i < count && error.empty(); ++i) {
    StringRef taken = take(2);
    uint64_t digit =
        taken.empty() ? 0 : llvm::support::endian::read16le(taken.data());
    if (digit >= 1u << 15)
      return fail("a digit is out of range");
    fits &= i < 4 || (i == 4 && digit < 8) || digit == 0;
    if (i < 5)
      magnitude |= digit << (15 * i);
  }
  if (!fits || magnitude > uint64_t(INT64_MAX)) {
    value->kind = Kind::BigInt;
    return;
  }
  value->integer = digits < 0 ? -int64_t(magnitude) : int64_t(magnitude);
}

void MarshalReader::textNumber(PyValue *value, bool complex) {
  for (int part = 0; part < (complex ? 2 : 1); ++part)
    if (take(byte()).getAsDouble(value->real))
      fail("a number is malformed");
}

void MarshalReader::items(PyValue *value, size_t count) {
  const PyValue **list = arena.Allocate<const PyValue *>(count);
  for (size_t i = 0; i < count && error.empty(); ++i)
    list[i] = object();
  if (error.empty())
    value->items = {list, count};
}

std::optional<ArrayRef<StringRef>>
MarshalReader::strings(const PyValue *tuple) {
  if (!error.empty() || tuple->kind != Kind::Tuple ||
      !llvm::all_of(tuple->items,
                    [](const PyValue *item) { return item->isString(); }))
    return std::nullopt;
  StringRef *list = arena.Allocate<StringRef>(tuple->items.size());
  for (auto [i, item] : llvm::enumerate(tuple->items))
    new (&list[i]) StringRef(item->text);
  return ArrayRef<StringRef>(list, tuple->items.size());
}

void MarshalReader::code(PyValue *value) {
  auto *result = new (arena.Allocate<CodeObject>()) CodeObject();
  result->layout = layout;
  bool isSlotted = layout == Layout::Python311;
  result->argCount = word();
  if (layout >= Layout::Python38)
    result->positionalOnly = word();
  if (layout >= Layout::Python35)
    result->keywordOnly = word();
  if (!isSlotted)
    word(); // the number of locals
  result->stackSize = word();
  result->flags = word();
  auto inRange = [](int count) { return count >= 0 && count <= 255; };
  if (!inRange(result->argCount) || !inRange(result->positionalOnly) ||
      !inRange(result->keywordOnly) || result->stackSize < 0 ||
      result->stackSize > 5000 || result->positionalOnly > result->argCount)
    return fail("the numbers of a code object are out of range");

  const PyValue *parts[3];
  for (const PyValue *&part : parts)
    part = object();
  if (!error.empty())
    return;
  const PyValue *locals = object(), *second = object(),
                *third = isSlotted ? nullptr : object();
  object(); // the file's name
  const PyValue *name = object();
  if (isSlotted)
    object(); // the qualified name
  word();     // the first line
  const PyValue *lines = object();
  if (isSlotted)
    object(); // the exception table
  if (!error.empty())
    return;

  auto names = strings(parts[2]), first = strings(locals);
  if (!parts[0]->isString() || parts[1]->kind != Kind::Tuple || !names ||
      !first || !name->isString() || !lines->isString())
    return fail("the parts of a code object have wrong types");
  result->code = parts[0]->text;
  result->constants = parts[1]->items;
  result->names = *names;
  result->name = name->text;
  result->lineTable = lines->text;
  if (isSlotted) {
    if (second->kind != Kind::Bytes || second->text.size() != first->size())
      return fail("the variables of a code object have no kinds");
    result->slots = *first;
    llvm::SmallVector<StringRef> groups[3];
    constexpr uint8_t bits[] = {0x20, 0x40, 0x80}; // local, cell, free
    for (auto [slot, kind] : llvm::zip_equal(*first, second->text))
      for (int group = 0; group < 3; ++group)
        if (kind & bits[group])
          groups[group].push_back(slot);
    ArrayRef<StringRef> *fields[] = {&result->locals, &result->cells,
                                     &result->frees};
    for (auto [field, group] : llvm::zip_equal(fields, groups)) {
      StringRef *list = arena.Allocate<StringRef>(group.size());
      std::uninitialized_copy(group.begin(), group.end(), list);
      *field = {list, group.size()};
    }
  } else {
    auto frees = strings(second), cells = strings(third);
    if (!frees || !cells)
      return fail("the variables of a code object have no names");
    result->locals = *first;
    result->frees = *frees;
    result->cells = *cells;
  }
  int parameters = result->argCount + result->keywordOnly +
                   !!(result->flags & CodeObject::VarArgs) +
                   !!(result->flags & CodeObject::VarKeywords);
  if (size_t(parameters) > result->locals.size())
    return fail("a code object has fewer variables than parameters");
  value->code = result;
}

const PyValue *MarshalReader::object() {
  static const PyValue nothing;
  if (!error.empty())
    return &nothing;
  if (depth == maxDepth) {
    fail("objects are nested too deeply");
    return &nothing;
  }
  ++depth;
  unsigned type = byte();
  bool isReferenced = type & 0x80;
  char letter = char(type & 0x7f);
  PyValue *value = nullptr;
  // A container takes its number before its items do.
  size_t slot = references.size();
  bool isContainer = StringRef("([{<>c:)").contains(letter);
  if (isReferenced && isContainer)
    references.push_back(&nothing);
  switch (letter) {
  case '0':
    value = make(Kind::Null);
    break;
  case 'N':
    value = make(Kind::None);
    break;
  case 'F':
    value = make(Kind::False);
    break;
  case 'T':
    value = make(Kind::True);
    break;
  case 'S':
    value = make(Kind::StopIteration);
    break;
  case '.':
    value = make(Kind::Ellipsis);
    break;
  case 'i':
    value = make(Kind::Int);
    value->integer = word();
    break;
  case 'I': {
    value = make(Kind::Int);
    StringRef taken = take(8);
    value->integer =
        taken.empty() ? 0
                      : int64_t(llvm::support::endian::read64le(taken.data()));
    break;
  }
  case 'l':
    value = make(Kind::Int);
    bigInteger(value);
    break;
  case 'f':
  case 'x':
    value = make(letter == 'x' ? Kind::Complex : Kind::Float);
    textNumber(value, letter == 'x');
    break;
  case 'g':
    value = make(Kind::Float);
    value->real = real();
    break;
  case 'y':
    value = make(Kind::Complex);
    real();
    real();
    break;
  case 's':
    value = text(Kind::Bytes, take(size()));
    break;
  case 'u':
    value = utf8(take(size()));
    break;
  case 'a':
  case 'A':
    value = latin1(take(size()));
    break;
  case 'z':
  case 'Z':
    value = latin1(take(byte()));
    break;
  case 't':
    value =
        layout == Layout::Python27 ? latin1(take(size())) : utf8(take(size()));
    interned.push_back(value);
    break;
  case 'R':
  case 'r': {
    llvm::SmallVector<const PyValue *> &table =
        letter == 'R' ? interned : references;
    uint32_t index = word();
    if (index >= table.size() || table[index]->kind == Kind::Pending)
      fail("a reference leads nowhere");
    --depth;
    return error.empty() ? table[index] : &nothing;
  }
  case ')':
  case '(':
  case '[':
  case '<':
  case '>':
    value = make(letter == '['                    ? Kind::List
                 : letter == '<' || letter == '>' ? Kind::Set
                                                  : Kind::Tuple);
    items(value, letter == ')' ? byte() : size());
    break;
  case ':':
    value = make(Kind::Slice);
    items(value, 3);
    break;
  case '{': {
    value = make(Kind::Dict);
    llvm::SmallVector<const PyValue *> entries;
    while (error.empty()) {
      const PyValue *key = object();
      if (key->kind == Kind::Null)
        break;
      entries.push_back(key);
      entries.push_back(object());
    }
    const PyValue **list = arena.Allocate<const PyValue *>(entries.size());
    std::copy(entries.begin(), entries.end(), list);
    value->items = {list, entries.size()};
    break;
  }
  case 'c':
    value = make(Kind::Code);
    code(value);
    break;
  default:
    fail("unknown type code " + llvm::Twine(type & 0x7f));
  }
  --depth;
  if (!error.empty())
    return &nothing;
  if (isReferenced && isContainer)
    references[slot] = value;
  else if (isReferenced && !StringRef("0NFTS.").contains(letter))
    references.push_back(value);
  return value;
}

llvm::Expected<const CodeObject *> Marshal::read(StringRef bytes,
                                                 Layout layout) {
  MarshalReader reader(bytes, layout, arena);
  const PyValue *value = reader.object();
  if (!reader.error.empty())
    return llvm::createStringError(reader.error);
  if (value->kind != PyValue::Kind::Code)
    return llvm::createStringError("it is no code object");
  if (!reader.atEnd())
    return llvm::createStringError("there is more behind the code object");
  return value->code;
}

} // namespace lamina::import
