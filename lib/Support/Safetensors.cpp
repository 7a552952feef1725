//===- Safetensors.cpp - arrays by name in one flat file ------------------===//
//
// Eight bytes with the length of the header, little-endian; the header:
//   {"dense/bias": {"dtype": "F32", "shape": [5], "data_offsets": [0, 20]}, …}
// and the elements, row-major and little-endian, without gaps.
//
//===----------------------------------------------------------------------===//

#include "lamina/Support/Safetensors.h"
#include "NpyHeader.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/MemoryBuffer.h"
#include <cstring>

namespace lamina {

static constexpr size_t lengthSize = 8;
/// The reference implementation's limit.
static constexpr uint64_t maxHeader = 100'000'000;
static constexpr llvm::StringLiteral metadataKey = "__metadata__";

// In the order of DType.
static constexpr llvm::StringLiteral codes[] = {
    "BOOL", "I8",  "I16", "I32",  "I64", "U8", "U16",
    "U32",  "U64", "F16", "BF16", "F32", "F64"};

namespace {
/// What the header says about one tensor.
struct Entry {
  std::string name;
  DType dtype = DType::Float32;
  llvm::SmallVector<int64_t> shape;
  uint64_t begin = 0, end = 0;
};

class SafetensorsReader {
public:
  SafetensorsReader(llvm::StringRef bytes, llvm::StringRef fileName)
      : bytes(bytes), fileName(fileName) {}

  llvm::Expected<NamedArrays> read();

private:
  llvm::Error error(const llvm::Twine &message) {
    return fileError(fileName, message);
  }
  llvm::Error readHeader(llvm::StringRef header);
  llvm::Error readEntry(Entry &entry, const llvm::json::Value &value);
  llvm::Error readShape(Entry &entry, const llvm::json::Array &shape);
  llvm::Error checkOffsets(uint64_t size);

  llvm::StringRef bytes, fileName;
  std::vector<Entry> entries;
};
} // namespace

/// `name` for a message.
static std::string quoted(llvm::StringRef name) {
  std::string text = "'";
  for (char c : name.take_front(200))
    text += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  return text + (name.size() > 200 ? "…'" : "'");
}

/// Whether the brackets of `text` nest no deeper than a header's. The JSON
/// parser recurses, and would overflow the stack on a hostile file.
static bool isShallow(llvm::StringRef text) {
  constexpr int deepest = 8;
  int depth = 0;
  bool string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (string && c == '\\')
      ++i;
    else if (c == '"')
      string = !string;
    else if (!string && (c == '{' || c == '['))
      ++depth;
    else if (!string && (c == '}' || c == ']'))
      --depth;
    if (depth > deepest)
      return false;
  }
  return true;
}

llvm::Error SafetensorsReader::readShape(Entry &entry,
                                         const llvm::json::Array &shape) {
  if (shape.size() > 64)
    return error("tensor " + quoted(entry.name) +
                 " has more than 64 dimensions");
  for (const llvm::json::Value &value : shape) {
    std::optional<int64_t> size = value.getAsInteger();
    if (!size || *size < 0)
      return error("the shape of tensor " + quoted(entry.name) +
                   " has a size that is not a number of at least 0");
    entry.shape.push_back(*size);
  }
  return llvm::Error::success();
}

llvm::Error SafetensorsReader::readEntry(Entry &entry,
                                         const llvm::json::Value &value) {
  std::string tensor = "tensor " + quoted(entry.name);
  const llvm::json::Object *fields = value.getAsObject();
  std::optional<llvm::StringRef> dtype;
  const llvm::json::Array *shape = nullptr, *offsets = nullptr;
  if (fields) {
    dtype = fields->getString("dtype");
    shape = fields->getArray("shape");
    offsets = fields->getArray("data_offsets");
  }
  if (!dtype || !shape || !offsets)
    return error(tensor + " does not have 'dtype', 'shape' and 'data_offsets'");
  for (const auto &field : *fields) {
    llvm::StringRef key = field.first;
    if (key != "dtype" && key != "shape" && key != "data_offsets")
      return error(tensor + " has the unknown key " + quoted(key));
  }

  const auto *code = llvm::find(codes, *dtype);
  if (code == std::end(codes))
    return error("dtype " + quoted(*dtype) + " of " + tensor +
                 " is not supported; " +
                 llvm::join(llvm::ArrayRef(codes), ", ") + " are");
  entry.dtype = static_cast<DType>(code - std::begin(codes));
  if (llvm::Error problem = readShape(entry, *shape))
    return problem;

  std::optional<uint64_t> begin, end;
  if (offsets->size() == 2) {
    begin = (*offsets)[0].getAsUINT64();
    end = (*offsets)[1].getAsUINT64();
  }
  if (!begin || !end || *begin > *end)
    return error("'data_offsets' of " + tensor +
                 " are not two numbers in order");
  entry.begin = *begin;
  entry.end = *end;
  // A size of 0 makes an empty tensor of whatever the others overflow to.
  uint64_t size = sizeOf(entry.dtype);
  bool empty = llvm::is_contained(entry.shape, 0), overflows = false;
  for (int64_t extent : entry.shape)
    size = llvm::SaturatingMultiply<uint64_t>(empty ? 0 : size, extent,
                                              &overflows);
  if (size != entry.end - entry.begin)
    return error(tensor + " needs " +
                 (overflows || size == UINT64_MAX
                      ? std::string("more bytes than there can be")
                      : std::to_string(size) + " bytes") +
                 ", its 'data_offsets' hold " +
                 llvm::Twine(entry.end - entry.begin));
  return llvm::Error::success();
}

llvm::Error SafetensorsReader::readHeader(llvm::StringRef header) {
  // Not white space: the format wants it, and it tells garbage apart early.
  if (!header.starts_with("{") || !isShallow(header))
    return error("malformed .safetensors header: it is no flat JSON object");
  llvm::Expected<llvm::json::Value> parsed = llvm::json::parse(header);
  if (!parsed)
    return error("malformed .safetensors header: " +
                 llvm::toString(parsed.takeError()));
  const llvm::json::Object *object = parsed->getAsObject();
  if (!object)
    return error("malformed .safetensors header: it is no JSON object");
  for (const auto &[key, value] : *object) {
    if (llvm::StringRef(key) == metadataKey)
      continue; // about the file, for people
    Entry entry;
    entry.name = llvm::StringRef(key).str();
    if (llvm::Error problem = readEntry(entry, value))
      return problem;
    entries.push_back(std::move(entry));
  }
  llvm::sort(entries, [](const Entry &a, const Entry &b) {
    return std::tie(a.begin, a.end, a.name) < std::tie(b.begin, b.end, b.name);
  });
  return llvm::Error::success();
}

llvm::Error SafetensorsReader::checkOffsets(uint64_t size) {
  uint64_t at = 0;
  for (const Entry &entry : entries) {
    std::string tensor = "tensor " + quoted(entry.name);
    if (entry.end > size)
      return error("truncated: " + tensor + " ends at byte " +
                   llvm::Twine(entry.end) + " of the data, there are " +
                   llvm::Twine(size));
    if (entry.begin < at)
      return error(tensor + " overlaps the one before it");
    if (entry.begin > at)
      return error("no tensor has the " + llvm::Twine(entry.begin - at) +
                   " bytes before " + tensor);
    at = entry.end;
  }
  if (at != size)
    return error("too long: " + llvm::Twine(size - at) +
                 " bytes behind the last tensor");
  return llvm::Error::success();
}

llvm::Expected<NamedArrays> SafetensorsReader::read() {
  if (bytes.size() < lengthSize)
    return error("not a .safetensors file: it is shorter than " +
                 llvm::Twine(lengthSize) + " bytes");
  uint64_t length = llvm::support::endian::read64le(bytes.data());
  llvm::StringRef rest = bytes.drop_front(lengthSize);
  // The two ways in which other files look like one.
  if (length > maxHeader || length < 2 || !rest.starts_with("{"))
    return error("not an .npz or .safetensors file");
  if (length > rest.size())
    return error("truncated: a header of " + llvm::Twine(length) +
                 " bytes expected, " + llvm::Twine(rest.size()) + " found");
  if (llvm::Error problem = readHeader(rest.take_front(length)))
    return std::move(problem);
  llvm::StringRef data = rest.drop_front(length);
  if (llvm::Error problem = checkOffsets(data.size()))
    return std::move(problem);

  NamedArrays arrays;
  for (const Entry &entry : entries) {
    NDArray array(entry.dtype, entry.shape);
    auto *to = static_cast<char *>(array.data());
    if (array.bytes() != 0)
      std::memcpy(to, data.data() + entry.begin, array.bytes());
    if (entry.dtype == DType::Bool)
      for (size_t i = 0; i < array.bytes(); ++i)
        to[i] = to[i] != 0;
    arrays.emplace_back(entry.name, std::move(array));
  }
  return arrays;
}

llvm::Expected<NamedArrays> readSafetensors(llvm::StringRef bytes,
                                            llvm::StringRef fileName) {
  return SafetensorsReader(bytes, fileName).read();
}

std::string writeSafetensors(const NamedArrays &arrays) {
  llvm::SmallVector<const std::pair<std::string, NDArray> *> order;
  for (size_t width : {8, 4, 2, 1})
    for (const auto &entry : arrays)
      if (sizeOf(entry.second.dtype()) == width)
        order.push_back(&entry);

  std::string header;
  llvm::raw_string_ostream os(header);
  llvm::json::OStream json(os);
  uint64_t at = 0;
  json.object([&] {
    for (const auto *entry : order) {
      const NDArray &array = entry->second;
      json.attributeObject(entry->first, [&] {
        json.attribute("dtype", codes[static_cast<unsigned>(array.dtype())]);
        json.attributeArray("shape", [&] {
          for (int64_t size : array.shape())
            json.value(size);
        });
        json.attributeArray("data_offsets", [&] {
          json.value(at);
          json.value(at + array.bytes());
        });
      });
      at += array.bytes();
    }
  });
  os.flush();
  header.append(llvm::alignTo(header.size(), 8) - header.size(), ' ');

  std::string result;
  result.reserve(lengthSize + header.size() + at);
  for (unsigned i = 0; i < lengthSize; ++i)
    result += static_cast<char>(uint64_t(header.size()) >> (8 * i) & 0xff);
  result += header;
  for (const auto *entry : order)
    result.append(static_cast<const char *>(entry->second.data()),
                  entry->second.bytes());
  return result;
}

llvm::Expected<NamedArrays> loadArrays(llvm::StringRef path) {
  auto buffer = llvm::MemoryBuffer::getFileOrSTDIN(
      path, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  llvm::StringRef name = path == "-" ? "<stdin>" : path;
  if (!buffer)
    return fileError(name, "cannot read: " + buffer.getError().message());
  llvm::StringRef bytes = (*buffer)->getBuffer();
  if (bytes.starts_with("PK"))
    return readNpz(bytes, name);
  if (bytes.starts_with("\x93NUMPY"))
    return fileError(name, "an .npy file holds one array without a name; "
                           ".npz and .safetensors hold arrays by name");
  return readSafetensors(bytes, name);
}

std::string writeArraysFor(llvm::StringRef path, const NamedArrays &arrays) {
  return path.ends_with(".safetensors") ? writeSafetensors(arrays)
                                        : writeNpz(arrays);
}

} // namespace lamina
