//===- Marshal.h - Python's serialized code objects, as data ----*- C++ -*-===//
//
// Reads what Python's `marshal` wrote. Nothing is executed; the objects are
// plain data. Memory is bounded by a multiple of the number of bytes.
//
//===----------------------------------------------------------------------===//

#ifndef LAMINA_IMPORT_MARSHAL_H
#define LAMINA_IMPORT_MARSHAL_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Allocator.h"
#include "llvm/Support/Error.h"

namespace lamina::import {

/// How a code object is laid out; the file does not say which it is.
enum class Layout { Python27, Python35, Python38, Python311 };

struct CodeObject;

struct PyValue {
  enum class Kind {
    Pending, // a container that refers to itself
    Null,
    None,
    True,
    False,
    Ellipsis,
    StopIteration,
    Int,
    BigInt,
    Float,
    Complex,
    Bytes,
    Text,
    Tuple,
    List,
    Set,
    Dict,
    Slice,
    Code,
  };
  Kind kind = Kind::Pending;
  int64_t integer = 0;
  double real = 0;
  llvm::StringRef text; // of Bytes and Text (UTF-8)
  llvm::ArrayRef<const PyValue *>
      items; // of containers; a dict's keys and values alternate
  const CodeObject *code = nullptr;

  bool isString() const { return kind == Kind::Text || kind == Kind::Bytes; }
};

struct CodeObject {
  Layout layout;
  int argCount = 0, positionalOnly = 0, keywordOnly = 0, stackSize = 0;
  unsigned flags = 0;
  llvm::StringRef code, name, lineTable;
  llvm::ArrayRef<const PyValue *> constants;
  llvm::ArrayRef<llvm::StringRef> names, locals, cells, frees;
  llvm::ArrayRef<llvm::StringRef>
      slots; // Python 3.11: all of them, as instructions number them

  static constexpr unsigned VarArgs = 4, VarKeywords = 8, Generator = 0x20,
                            Coroutine = 0x80 | 0x200;
};

/// The objects of one body, read with one layout.
class Marshal {
public:
  /// The code object that `bytes` are, to the last byte, in this layout.
  llvm::Expected<const CodeObject *> read(llvm::StringRef bytes, Layout layout);

private:
  friend class MarshalReader;
  llvm::BumpPtrAllocator arena;
};

} // namespace lamina::import

#endif // LAMINA_IMPORT_MARSHAL_H
