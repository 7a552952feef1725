//===- NpyHeader.cpp - the header of an .npy file -------------------------===//
//
// A magic string, a version, a length and a Python dictionary literal:
//   {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }
//
//===----------------------------------------------------------------------===//

#include "NpyHeader.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/MathExtras.h"

namespace lamina {

static constexpr llvm::StringLiteral magic("\x93NUMPY");

llvm::Error fileError(llvm::StringRef fileName, const llvm::Twine &message) {
  return llvm::createStringError(fileName + ": " + message);
}

namespace {
/// Reads the dictionary; the first error wins.
class HeaderParser {
public:
  HeaderParser(llvm::StringRef text, llvm::StringRef fileName)
      : text(text), fileName(fileName) {}

  llvm::Error parse(NpyHeader &header) {
    if (!eat('{'))
      return error("expected '{'");
    bool hasType = false, hasOrder = false, hasShape = false;
    while (!eat('}')) {
      llvm::StringRef key;
      if (!parseString(key) || !eat(':'))
        return error("expected a key");
      llvm::Error problem = llvm::Error::success();
      if (key == "descr") {
        hasType = true;
        problem = parseType(header);
      } else if (key == "fortran_order") {
        hasOrder = true;
        problem = parseOrder(header);
      } else if (key == "shape") {
        hasShape = true;
        problem = parseShape(header);
      } else {
        return error("unknown key '" + key + "'");
      }
      if (problem)
        return problem;
      if (!eat(',') && !peek('}'))
        return error("expected ',' or '}'");
    }
    skipSpace();
    if (!text.empty())
      return error("unexpected text after the dictionary");
    if (!hasType || !hasOrder || !hasShape)
      return error("expected the keys 'descr', 'fortran_order' and 'shape'");
    return llvm::Error::success();
  }

private:
  llvm::Error error(const llvm::Twine &message) {
    return fileError(fileName, "malformed .npy header: " + message);
  }
  void skipSpace() { text = text.ltrim(" \t\r\n"); }
  bool peek(char c) {
    skipSpace();
    return text.starts_with(llvm::StringRef(&c, 1));
  }
  bool eat(char c) {
    if (!peek(c))
      return false;
    text = text.drop_front();
    return true;
  }
  bool parseString(llvm::StringRef &value) {
    char quote = peek('"') ? '"' : '\'';
    if (!eat(quote))
      return false;
    size_t end = text.find(quote);
    if (end == llvm::StringRef::npos)
      return false;
    value = text.take_front(end);
    text = text.drop_front(end + 1);
    return true;
  }

  llvm::Error parseType(NpyHeader &header) {
    static constexpr llvm::StringLiteral accepted =
        "accepted are bool, int8 to int64, uint8 to uint64, float16, "
        "bfloat16, float32 and float64";
    if (peek('['))
      return fileError(fileName, llvm::Twine("a structured dtype is not "
                                             "supported; ") +
                                     accepted);
    llvm::StringRef descr;
    if (!parseString(descr))
      return error("expected a string as 'descr'");
    llvm::StringRef code = descr;
    char order = '=';
    if (!code.empty() && llvm::StringRef("<>=|").contains(code[0])) {
      order = code[0];
      code = code.drop_front();
    }
    header.bigEndian = order == '>';
    // NumPy has no name for bfloat16 and stores ml_dtypes' as two raw bytes.
    static constexpr std::pair<llvm::StringLiteral, DType> codes[] = {
        {"b1", DType::Bool},          {"?", DType::Bool},
        {"i1", DType::Int8},          {"i2", DType::Int16},
        {"i4", DType::Int32},         {"i8", DType::Int64},
        {"u1", DType::UInt8},         {"u2", DType::UInt16},
        {"u4", DType::UInt32},        {"u8", DType::UInt64},
        {"f2", DType::Float16},       {"f4", DType::Float32},
        {"f8", DType::Float64},       {"V2", DType::BFloat16},
        {"bfloat16", DType::BFloat16}};
    for (auto [text, dtype] : codes)
      if (text == code) {
        header.dtype = dtype;
        return llvm::Error::success();
      }
    return fileError(fileName, "dtype '" + printable(descr) +
                                   "' is not supported; " + accepted);
  }

  llvm::Error parseOrder(NpyHeader &header) {
    skipSpace();
    if (text.consume_front("True"))
      header.fortranOrder = true;
    else if (text.consume_front("False"))
      header.fortranOrder = false;
    else
      return error("expected True or False as 'fortran_order'");
    return llvm::Error::success();
  }

  llvm::Error parseShape(NpyHeader &header) {
    header.shape.clear();
    if (!eat('('))
      return error("expected a tuple as 'shape'");
    while (!eat(')')) {
      skipSpace();
      int64_t size;
      if (text.consumeInteger(10, size) || size < 0)
        return error("expected a size of at least 0 in 'shape'");
      text.consume_front("L"); // written by Python 2
      header.shape.push_back(size);
      // NumPy has 64 dimensions at most; nobody needs a million here.
      if (header.shape.size() > 64)
        return error("more than 64 dimensions");
      if (!eat(',') && !peek(')'))
        return error("expected ',' or ')' in 'shape'");
    }
    return llvm::Error::success();
  }

  /// `text` for a message.
  static std::string printable(llvm::StringRef text) {
    std::string result;
    for (char c : text.take_front(32))
      result += llvm::isPrint(c) ? c : '?';
    return result;
  }

  llvm::StringRef text, fileName;
};
} // namespace

llvm::Expected<NpyHeader> parseNpyHeader(llvm::StringRef bytes,
                                         llvm::StringRef fileName) {
  if (!bytes.starts_with(magic))
    return fileError(fileName, "not an .npy file: it does not begin with "
                               "'\\x93NUMPY'");
  auto truncated = [&] { return fileError(fileName, "truncated .npy header"); };
  if (bytes.size() < 8)
    return truncated();
  unsigned version = static_cast<unsigned char>(bytes[6]);
  if (version < 1 || version > 3)
    return fileError(fileName, ".npy version " + llvm::Twine(version) +
                                   " is not supported; 1, 2 and 3 are");
  size_t start = version == 1 ? 10 : 12;
  if (bytes.size() < start)
    return truncated();
  const char *at = bytes.data() + 8;
  size_t length = version == 1 ? llvm::support::endian::read16le(at)
                               : llvm::support::endian::read32le(at);
  if (bytes.size() - start < length)
    return truncated();

  NpyHeader header;
  header.size = start + length;
  if (llvm::Error problem =
          HeaderParser(bytes.substr(start, length), fileName).parse(header))
    return std::move(problem);
  // A size of 0 makes an empty array of whatever the others would overflow to.
  if (llvm::is_contained(header.shape, 0)) {
    header.count = 0;
    return header;
  }
  bool overflows = false;
  for (int64_t size : header.shape)
    overflows |= llvm::MulOverflow(header.count, size, header.count);
  int64_t total;
  if (overflows ||
      llvm::MulOverflow(header.count, int64_t(sizeOf(header.dtype)), total))
    return fileError(fileName, "the shape in the .npy header is too large");
  return header;
}

std::string makeNpyHeader(DType dtype, llvm::ArrayRef<int64_t> shape) {
  static constexpr llvm::StringLiteral codes[] = {
      "|b1", "|i1", "<i2", "<i4", "<i8", "|u1", "<u2",
      "<u4", "<u8", "<f2", "<V2", "<f4", "<f8"};
  std::string text = "{'descr': '";
  text += codes[static_cast<unsigned>(dtype)];
  text += "', 'fortran_order': False, 'shape': (";
  for (auto [i, size] : llvm::enumerate(shape))
    text += (i ? ", " : "") + std::to_string(size);
  text += shape.size() == 1 ? ",), }" : "), }";
  // NumPy leaves room for the first size to grow to 21 digits.
  if (!shape.empty())
    text.append(21 - std::to_string(shape[0]).size(), ' ');
  size_t start = 10;
  if (text.size() + 64 + start > 0xffff)
    start = 12;
  text.append(64 - (start + text.size() + 1) % 64, ' ');
  text += '\n';

  std::string result(magic);
  result += start == 10 ? '\1' : '\2';
  result += '\0';
  for (size_t i = 0, length = text.size(); i < start - 8; ++i)
    result += static_cast<char>(length >> (8 * i) & 0xff);
  return result + text;
}

} // namespace lamina
