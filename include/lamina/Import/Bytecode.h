//===- Bytecode.h - the instructions of CPython 2.7, 3.5 to 3.14 -*- C++
//-*-===//
#ifndef LAMINA_IMPORT_BYTECODE_H
#define LAMINA_IMPORT_BYTECODE_H

#include "lamina/Import/Marshal.h"
#include <vector>

namespace lamina::import {

enum class Version {
  V27,
  V35,
  V36,
  V37,
  V38,
  V39,
  V310,
  V311,
  V312,
  V313,
  V314
};
/// "3.11".
llvm::StringRef nameOf(Version version);
/// The versions that have this layout, the newest first.
llvm::ArrayRef<Version> versionsOf(Layout layout);

/// Every instruction of every version, by name.
enum class Op : uint8_t {
#define OP(name, ...) name,
#include "lamina/Import/Opcodes.inc"
#undef OP
};
llvm::StringRef nameOf(Op op);

struct Instruction {
  Op op;
  unsigned argument = 0;
  int target = -1; // of a jump: the index of an instruction
  unsigned offset = 0;
};

struct Instructions {
  std::vector<Instruction> list;
  unsigned repaired = 0; // bytes that Keras on Windows had changed
};

/// The instructions of `code`, if they can be of this version: every number is
/// assigned, caches are empty, jumps lead to instructions.
llvm::Expected<Instructions> disassemble(const CodeObject &code,
                                         Version version);

} // namespace lamina::import

#endif // LAMINA_IMPORT_BYTECODE_H
