//===- Npy.cpp - NumPy's .npy files ---------------------------------------===//

#include "lamina/Support/Npy.h"
#include "NpyHeader.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MemoryBuffer.h"
#include <cstring>

namespace lamina {

/// Copies elements of `width` bytes that are stored first index fastest.
static void copyFortranOrder(char *to, const char *from, size_t width,
                             llvm::ArrayRef<int64_t> shape, int64_t count) {
  llvm::SmallVector<int64_t> strides, index(shape.size(), 0);
  int64_t stride = 1;
  for (int64_t size : shape) {
    strides.push_back(stride);
    stride *= size;
  }
  int64_t place = 0;
  for (int64_t i = 0; i < count; ++i) {
    std::memcpy(to + i * width, from + place * width, width);
    for (size_t d = shape.size(); d-- > 0;) {
      place += strides[d];
      if (++index[d] < shape[d])
        break;
      place -= strides[d] * shape[d];
      index[d] = 0;
    }
  }
}

llvm::Expected<NDArray> readNpy(llvm::StringRef bytes,
                                llvm::StringRef fileName) {
  llvm::Expected<NpyHeader> header = parseNpyHeader(bytes, fileName);
  if (!header)
    return header.takeError();
  size_t width = sizeOf(header->dtype), expected = header->count * width;
  llvm::StringRef data = bytes.drop_front(header->size);
  if (data.size() != expected)
    return fileError(
        fileName,
        llvm::Twine(data.size() < expected ? "truncated: " : "too long: ") +
            llvm::Twine(expected) + " bytes of elements expected, " +
            llvm::Twine(data.size()) + " found");

  NDArray array(header->dtype, header->shape);
  if (expected == 0)
    return array;
  auto *to = static_cast<char *>(array.data());
  if (header->fortranOrder && header->shape.size() > 1)
    copyFortranOrder(to, data.data(), width, header->shape, header->count);
  else
    std::memcpy(to, data.data(), expected);
  if (header->bigEndian && width > 1)
    for (size_t i = 0; i < expected; i += width)
      std::reverse(to + i, to + i + width);
  if (header->dtype == DType::Bool)
    for (size_t i = 0; i < expected; ++i)
      to[i] = to[i] != 0;
  return array;
}

std::string writeNpy(const NDArray &array) {
  std::string result = makeNpyHeader(array.dtype(), array.shape());
  result.append(static_cast<const char *>(array.data()), array.bytes());
  return result;
}

static llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>>
openFile(llvm::StringRef path) {
  auto buffer = llvm::MemoryBuffer::getFileOrSTDIN(
      path, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (!buffer)
    return fileError(path == "-" ? "<stdin>" : path,
                     "cannot read: " + buffer.getError().message());
  return std::move(*buffer);
}

static bool isZip(llvm::StringRef bytes) { return bytes.starts_with("PK"); }

llvm::Expected<NDArray> loadNpy(llvm::StringRef path) {
  auto buffer = openFile(path);
  if (!buffer)
    return buffer.takeError();
  llvm::StringRef bytes = (*buffer)->getBuffer();
  llvm::StringRef name = path == "-" ? "<stdin>" : path;
  if (!isZip(bytes))
    return readNpy(bytes, name);
  llvm::Expected<NamedArrays> arrays = readNpz(bytes, name);
  if (!arrays)
    return arrays.takeError();
  if (arrays->size() == 1)
    return std::move(arrays->front().second);
  std::string names;
  for (auto &[member, array] : *arrays)
    names += (names.empty() ? " (" : ", ") + member;
  return fileError(name, "expected one array, the .npz file has " +
                             llvm::Twine(arrays->size()) + names +
                             (names.empty() ? "" : ")"));
}

llvm::Expected<NamedArrays> loadNpz(llvm::StringRef path) {
  auto buffer = openFile(path);
  if (!buffer)
    return buffer.takeError();
  llvm::StringRef bytes = (*buffer)->getBuffer();
  return readNpz(bytes, path == "-" ? "<stdin>" : path);
}

} // namespace lamina
