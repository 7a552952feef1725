//===- Bytecode.cpp - the instructions of CPython 2.7, 3.5 to 3.14
//-----------===//

#include "lamina/Import/Bytecode.h"
#include "llvm/ADT/StringExtras.h"
#include <array>

namespace lamina::import {

using llvm::StringRef;

namespace {
constexpr unsigned versionCount = 11;
constexpr const char *opNames[] = {
#define OP(name, ...) #name,
#include "lamina/Import/Opcodes.inc"
#undef OP
};
constexpr uint8_t opNumbers[][versionCount] = {
#define OP(name, ...) {__VA_ARGS__},
#include "lamina/Import/Opcodes.inc"
#undef OP
};

/// How many words of cache follow an instruction in 3.11, 3.12, 3.13, 3.14.
struct CacheRow {
  Op op;
  uint8_t words[4];
};
constexpr CacheRow cacheRows[] = {
    {Op::BINARY_SUBSCR, {4, 1, 1, 0}},
    {Op::STORE_SUBSCR, {1, 1, 1, 1}},
    {Op::UNPACK_SEQUENCE, {1, 1, 1, 1}},
    {Op::STORE_ATTR, {4, 4, 4, 4}},
    {Op::LOAD_ATTR, {4, 9, 9, 9}},
    {Op::COMPARE_OP, {2, 1, 1, 1}},
    {Op::LOAD_GLOBAL, {5, 4, 4, 4}},
    {Op::BINARY_OP, {1, 1, 1, 5}},
    {Op::LOAD_METHOD, {10, 0, 0, 0}},
    {Op::PRECALL, {1, 0, 0, 0}},
    {Op::CALL, {4, 3, 3, 3}},
    {Op::CALL_KW, {0, 0, 0, 3}},
    {Op::FOR_ITER, {0, 1, 1, 1}},
    {Op::SEND, {0, 1, 1, 1}},
    {Op::LOAD_SUPER_ATTR, {0, 1, 1, 1}},
    {Op::CONTAINS_OP, {0, 0, 1, 1}},
    {Op::JUMP_BACKWARD, {0, 0, 1, 1}},
    {Op::TO_BOOL, {0, 0, 3, 3}},
    {Op::POP_JUMP_IF_TRUE, {0, 0, 1, 1}},
    {Op::POP_JUMP_IF_FALSE, {0, 0, 1, 1}},
    {Op::POP_JUMP_IF_NONE, {0, 0, 1, 1}},
    {Op::POP_JUMP_IF_NOT_NONE, {0, 0, 1, 1}},
};

/// What a number means in one version.
struct Table {
  std::array<int16_t, 256> ops; // -1: nothing
  std::array<uint8_t, std::size(opNames)> caches{};
};

const Table &tableOf(Version version) {
  static const std::array<Table, versionCount> tables = [] {
    std::array<Table, versionCount> result;
    for (unsigned v = 0; v < versionCount; ++v) {
      result[v].ops.fill(-1);
      for (unsigned op = 0; op < std::size(opNames); ++op)
        if (opNumbers[op][v])
          result[v].ops[opNumbers[op][v]] = int16_t(op);
      if (v >= unsigned(Version::V311))
        for (const CacheRow &row : cacheRows)
          result[v].caches[unsigned(row.op)] =
              row.words[v - unsigned(Version::V311)];
    }
    return result;
  }();
  return tables[unsigned(version)];
}

enum class Jump { No, Absolute, Forward, Backward };

Jump jumpOf(Op op, Version version) {
  StringRef name = nameOf(op);
  bool isConditional = name.contains("JUMP") && name.contains("_IF_");
  if (name.starts_with("SETUP_") && op != Op::SETUP_ANNOTATIONS)
    return Jump::Forward;
  if (op == Op::FOR_ITER || op == Op::JUMP_FORWARD || op == Op::SEND ||
      op == Op::CALL_FINALLY)
    return Jump::Forward;
  if (op == Op::JUMP_ABSOLUTE || op == Op::CONTINUE_LOOP)
    return Jump::Absolute;
  if (name.contains("JUMP_BACKWARD"))
    return Jump::Backward;
  if (!isConditional)
    return Jump::No;
  return version >= Version::V311 ? Jump::Forward : Jump::Absolute;
}

/// One code object on its way to instructions.
class Disassembler {
public:
  Disassembler(const CodeObject &code, Version version)
      : bytes(code.code), version(version), table(tableOf(version)) {}

  llvm::Expected<Instructions> run() {
    bool isWide = version < Version::V36;
    while (position < bytes.size() && error.empty())
      isWide ? readWide() : readWord();
    if (error.empty())
      resolveJumps();
    if (!error.empty())
      return llvm::createStringError(error);
    return std::move(result);
  }

private:
  StringRef bytes;
  Version version;
  const Table &table;
  size_t position = 0;
  Instructions result;
  std::string error;
  unsigned extended = 0;
  int begin = -1;         // of the instruction with its extensions
  std::vector<int> jumps; // the offset where an instruction jumps to, or -1
  std::vector<int> indexAt = std::vector<int>(bytes.size() + 1, -1);

  void fail(const llvm::Twine &message) {
    if (error.empty())
      error = (message + " at byte " + llvm::Twine(position)).str();
  }

  /// The opcode at the position, which may be an instruction's beginning.
  /// Keras on Windows replaced backslashes in the bytes, and with them
  /// UNPACK_SEQUENCE where that has the number of one.
  std::optional<Op> decode(uint8_t number) {
    if (begin < 0)
      begin = int(position);
    if (int16_t op = table.ops[number]; op >= 0)
      return Op(op);
    if (number == '/' && table.ops['\\'] == int16_t(Op::UNPACK_SEQUENCE)) {
      ++result.repaired;
      return Op::UNPACK_SEQUENCE;
    }
    fail("there is no instruction " + llvm::Twine(number));
    return std::nullopt;
  }

  void add(Op op, unsigned argument) {
    if (begin >= 0)
      indexAt[begin] = int(result.list.size());
    int target = -1;
    int64_t unit = version >= Version::V310 ? 2 : 1;
    switch (jumpOf(op, version)) {
    case Jump::No:
      break;
    case Jump::Absolute:
      target = check(argument * unit);
      break;
    case Jump::Forward:
      target = check(int64_t(position) + argument * unit);
      break;
    case Jump::Backward:
      target = check(int64_t(position) - argument * unit);
      break;
    }
    jumps.push_back(target);
    result.list.push_back({op, argument, -1, unsigned(begin)});
    begin = -1;
    extended = 0;
  }
  int check(int64_t offset) {
    if (offset >= 0 && offset < int64_t(bytes.size()))
      return int(offset);
    fail("a jump leaves the code");
    return -1;
  }

  /// An opcode and a byte of its argument, then caches.
  void readWord() {
    if (bytes.size() - position < 2)
      return fail("half an instruction");
    uint8_t number = bytes[position];
    std::optional<Op> op = decode(number);
    if (!op)
      return;
    unsigned argument = uint8_t(bytes[position + 1]) | extended;
    position += 2;
    if (*op == Op::EXTENDED_ARG) {
      if (argument >> 23)
        return fail("an argument is too large");
      extended = argument << 8;
      return;
    }
    for (unsigned words = table.caches[unsigned(*op)]; words > 0;
         --words, position += 2)
      if (bytes.substr(position, 2) != StringRef("\0\0", 2))
        return fail("a cache is not empty");
    add(*op, argument);
  }

  /// Python 2.7 and 3.5: two bytes of argument behind the opcodes that have
  /// one.
  void readWide() {
    uint8_t number = bytes[position];
    std::optional<Op> op = decode(number);
    if (!op)
      return;
    ++position;
    unsigned argument = 0;
    if (number >= 90) {
      if (bytes.size() - position < 2)
        return fail("half an instruction");
      argument = uint8_t(bytes[position]) | uint8_t(bytes[position + 1]) << 8 |
                 extended;
      position += 2;
    }
    if (*op == Op::EXTENDED_ARG) {
      if (argument >> 15)
        return fail("an argument is too large");
      extended = argument << 16;
      return;
    }
    add(*op, argument);
  }

  void resolveJumps() {
    for (auto [instruction, offset] : llvm::zip_equal(result.list, jumps)) {
      if (offset < 0)
        continue;
      instruction.target = indexAt[offset];
      if (instruction.target < 0)
        return fail("a jump leads into an instruction");
    }
    if (begin >= 0 || result.list.empty())
      fail("there is no instruction");
  }
};
} // namespace

StringRef nameOf(Op op) { return opNames[unsigned(op)]; }

StringRef nameOf(Version version) {
  constexpr const char *names[] = {"2.7",  "3.5",  "3.6",  "3.7",  "3.8", "3.9",
                                   "3.10", "3.11", "3.12", "3.13", "3.14"};
  return names[unsigned(version)];
}

llvm::ArrayRef<Version> versionsOf(Layout layout) {
  static constexpr Version v27[] = {Version::V27},
                           v35[] = {Version::V37, Version::V36, Version::V35},
                           v38[] = {Version::V310, Version::V39, Version::V38},
                           v311[] = {Version::V314, Version::V313,
                                     Version::V312, Version::V311};
  switch (layout) {
  case Layout::Python27:
    return v27;
  case Layout::Python35:
    return v35;
  case Layout::Python38:
    return v38;
  case Layout::Python311:
    return v311;
  }
  return {};
}

llvm::Expected<Instructions> disassemble(const CodeObject &code,
                                         Version version) {
  // 3.10 has a line table of its own: pairs of bytes that add up to the code.
  if (code.layout == Layout::Python38) {
    size_t sum = 0;
    for (size_t i = 0; i + 1 < code.lineTable.size(); i += 2)
      sum += uint8_t(code.lineTable[i]);
    bool is310 = !code.lineTable.empty() && code.lineTable.size() % 2 == 0 &&
                 sum == code.code.size();
    if (is310 != (version == Version::V310))
      return llvm::createStringError("the line table is of another version");
  }
  return Disassembler(code, version).run();
}

} // namespace lamina::import
