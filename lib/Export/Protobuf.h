//===- Protobuf.h - protocol buffers on the wire ----------------*- C++ -*-===//
#ifndef LAMINA_LIB_EXPORT_PROTOBUF_H
#define LAMINA_LIB_EXPORT_PROTOBUF_H

#include "llvm/ADT/StringRef.h"
#include <bit>
#include <cstdint>
#include <string>

namespace lamina {

/// A message that is being written, field by field.
/// https://protobuf.dev/programming-guides/encoding
class ProtoMessage {
public:
  ProtoMessage &number(unsigned field, int64_t value) {
    tag(field, 0);
    varint(value);
    return *this;
  }
  /// A text, bytes, or a message.
  ProtoMessage &bytes(unsigned field, llvm::StringRef value) {
    tag(field, 2);
    varint(value.size());
    encoded += value;
    return *this;
  }
  ProtoMessage &message(unsigned field, const ProtoMessage &value) {
    return bytes(field, value.encoded);
  }
  ProtoMessage &single(unsigned field, float value) {
    tag(field, 5);
    uint32_t bits = std::bit_cast<uint32_t>(value);
    for (unsigned i = 0; i < 4; ++i)
      encoded += char(bits >> (8 * i));
    return *this;
  }
  const std::string &str() const { return encoded; }

private:
  std::string encoded;

  void varint(uint64_t value) {
    for (; value > 127; value >>= 7)
      encoded += char(value | 128);
    encoded += char(value);
  }
  void tag(unsigned field, unsigned wireType) { varint(field << 3 | wireType); }
};

} // namespace lamina

#endif // LAMINA_LIB_EXPORT_PROTOBUF_H
