//===- Npz.cpp - NumPy's .npz files: .npy files in a zip archive ----------===//

#include "NpyHeader.h"
#include "lamina/Support/Npy.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/MathExtras.h"
#include <zlib.h>

namespace lamina {

// Signatures and sizes of zip's records (APPNOTE.TXT, section 4.3).
static constexpr uint32_t localSignature = 0x04034b50;
static constexpr uint32_t centralSignature = 0x02014b50;
static constexpr uint32_t endSignature = 0x06054b50;
static constexpr uint32_t end64Signature = 0x06064b50;
static constexpr uint32_t locator64Signature = 0x07064b50;
static constexpr size_t localSize = 30, centralSize = 46, endSize = 22;
static constexpr size_t end64Size = 56, locator64Size = 20;

static uint16_t read16(llvm::StringRef s, size_t at) {
  return llvm::support::endian::read16le(s.data() + at);
}
static uint32_t read32(llvm::StringRef s, size_t at) {
  return llvm::support::endian::read32le(s.data() + at);
}
static uint64_t read64(llvm::StringRef s, size_t at) {
  return llvm::support::endian::read64le(s.data() + at);
}

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

namespace {
/// One entry of the central directory.
struct Member {
  llvm::StringRef name;
  uint16_t flags, method;
  uint32_t checksum;
  uint64_t packed, size, offset;
};

class ZipReader {
public:
  ZipReader(llvm::StringRef bytes, llvm::StringRef fileName)
      : bytes(bytes), fileName(fileName) {}

  llvm::Expected<std::vector<Member>> members();
  llvm::Expected<std::string> contents(const Member &member);

private:
  llvm::Error error(const llvm::Twine &message) {
    return fileError(fileName, message);
  }
  bool has(uint64_t at, uint64_t size) const {
    return at <= bytes.size() && size <= bytes.size() - at;
  }
  llvm::Error readExtra(Member &member, llvm::StringRef extra);

  llvm::StringRef bytes, fileName;
};
} // namespace

llvm::Expected<std::vector<Member>> ZipReader::members() {
  // The end record is last but for a comment of at most 65535 bytes.
  size_t end = llvm::StringRef::npos;
  size_t lowest =
      bytes.size() > endSize + 0xffff ? bytes.size() - endSize - 0xffff : 0;
  if (bytes.size() >= endSize)
    for (size_t at = bytes.size() - endSize + 1; at-- > lowest;)
      if (read32(bytes, at) == endSignature) {
        end = at;
        break;
      }
  if (end == llvm::StringRef::npos)
    return error("not an .npz file, or truncated: no zip directory found");
  uint64_t count = read16(bytes, end + 10), size = read32(bytes, end + 12),
           offset = read32(bytes, end + 16);
  if (end >= locator64Size &&
      read32(bytes, end - locator64Size) == locator64Signature) {
    uint64_t at = read64(bytes, end - locator64Size + 8);
    if (!has(at, end64Size) || read32(bytes, at) != end64Signature)
      return error("malformed .npz file: bad zip64 directory");
    count = read64(bytes, at + 32);
    size = read64(bytes, at + 40);
    offset = read64(bytes, at + 48);
  }
  if (!has(offset, size))
    return error("malformed .npz file: the zip directory lies outside");

  std::vector<Member> result;
  llvm::StringRef directory = bytes.substr(offset, size);
  for (uint64_t i = 0; i < count; ++i) {
    if (directory.size() < centralSize ||
        read32(directory, 0) != centralSignature)
      return error("malformed .npz file: bad zip directory entry");
    size_t nameSize = read16(directory, 28), extraSize = read16(directory, 30),
           commentSize = read16(directory, 32);
    if (directory.size() - centralSize < nameSize + extraSize + commentSize)
      return error("malformed .npz file: bad zip directory entry");
    Member member;
    member.flags = read16(directory, 8);
    member.method = read16(directory, 10);
    member.checksum = read32(directory, 16);
    member.packed = read32(directory, 20);
    member.size = read32(directory, 24);
    member.offset = read32(directory, 42);
    member.name = directory.substr(centralSize, nameSize);
    if (llvm::Error problem = readExtra(
            member, directory.substr(centralSize + nameSize, extraSize)))
      return std::move(problem);
    result.push_back(member);
    directory =
        directory.drop_front(centralSize + nameSize + extraSize + commentSize);
  }
  return result;
}

/// Sizes and offset of a large member are in an extra field, as far as the
/// entry itself says 0xffffffff.
llvm::Error ZipReader::readExtra(Member &member, llvm::StringRef extra) {
  while (extra.size() >= 4) {
    unsigned tag = read16(extra, 0);
    size_t length = read16(extra, 2);
    extra = extra.drop_front(4);
    if (length > extra.size())
      break;
    llvm::StringRef field = extra.take_front(length);
    extra = extra.drop_front(length);
    if (tag != 1)
      continue;
    for (uint64_t *value : {&member.size, &member.packed, &member.offset}) {
      if (*value != 0xffffffff)
        continue;
      if (field.size() < 8)
        return error("malformed .npz file: bad zip64 entry");
      *value = read64(field, 0);
      field = field.drop_front(8);
    }
  }
  return llvm::Error::success();
}

llvm::Expected<std::string> ZipReader::contents(const Member &member) {
  if (member.flags & 1)
    return error("the member is encrypted");
  if (!has(member.offset, localSize) ||
      read32(bytes, member.offset) != localSignature)
    return error("malformed .npz file: bad local zip header");
  uint64_t start = member.offset + localSize +
                   read16(bytes, member.offset + 26) +
                   read16(bytes, member.offset + 28);
  if (!has(start, member.packed))
    return error("truncated .npz file");
  llvm::StringRef packed = bytes.substr(start, member.packed);
  std::string result;
  if (member.method == 0) {
    if (member.size != member.packed)
      return error("malformed .npz file: sizes of a stored member differ");
    result = packed.str();
  } else if (member.method == 8) {
    // Deflate shrinks to no less than a thousandth: a larger claim is a lie,
    // and is not worth an allocation.
    if (member.size / 1100 > member.packed + 16)
      return error("malformed .npz file: impossible size of a member");
    if (member.size > 0xffffffff || member.packed > 0xffffffff)
      return error("a compressed member of more than 4 GiB is not supported");
    result.resize(member.size);
    z_stream stream = {};
    if (inflateInit2(&stream, -15) != Z_OK)
      return error("zlib cannot be initialized");
    stream.next_in =
        reinterpret_cast<Bytef *>(const_cast<char *>(packed.data()));
    stream.avail_in = static_cast<uInt>(packed.size());
    stream.next_out = reinterpret_cast<Bytef *>(result.data());
    stream.avail_out = static_cast<uInt>(result.size());
    int status = inflate(&stream, Z_FINISH);
    bool whole = status == Z_STREAM_END && stream.avail_out == 0;
    inflateEnd(&stream);
    if (!whole)
      return error("malformed .npz file: corrupt compressed data");
  } else {
    return error("zip compression method " + llvm::Twine(member.method) +
                 " is not supported; stored and deflated are");
  }
  if (crc32_z(0, reinterpret_cast<const Bytef *>(result.data()),
              result.size()) != member.checksum)
    return error("corrupt .npz file: the checksum is wrong");
  return result;
}

llvm::Expected<NamedArrays> readNpz(llvm::StringRef bytes,
                                    llvm::StringRef fileName) {
  llvm::Expected<std::vector<Member>> members =
      ZipReader(bytes, fileName).members();
  if (!members)
    return members.takeError();
  NamedArrays arrays;
  llvm::StringSet<> names;
  // Members that share bytes would multiply a small file into a huge result.
  uint64_t total = 0;
  for (const Member &member : *members) {
    total = llvm::SaturatingAdd(total, member.packed);
    if (total > bytes.size())
      return fileError(fileName, "malformed .npz file: members overlap");
    std::string where = (fileName + ":" + member.name).str();
    llvm::Expected<std::string> contents =
        ZipReader(bytes, where).contents(member);
    if (!contents)
      return contents.takeError();
    llvm::StringRef name = member.name;
    name.consume_back(".npy");
    if (!names.insert(name).second)
      return fileError(fileName, "two members have the name '" + name + "'");
    llvm::Expected<NDArray> array = readNpy(*contents, where);
    if (!array)
      return array.takeError();
    arrays.emplace_back(name.str(), std::move(*array));
  }
  return arrays;
}

//===----------------------------------------------------------------------===//
// Writing: stored members, as np.savez does
//===----------------------------------------------------------------------===//

namespace {
struct ZipWriter {
  std::string out;

  void put(uint64_t value, unsigned bytes) {
    for (unsigned i = 0; i < bytes; ++i)
      out += static_cast<char>(value >> (8 * i) & 0xff);
  }
  /// 1 January 1980, so that the same arrays give the same bytes.
  void putDate() { put(0x00210000, 4); }
};
} // namespace

std::string writeZip(
    llvm::ArrayRef<std::pair<std::string, std::string>> members) {
  constexpr uint64_t large = 0xffffffff;
  ZipWriter zip, directory;
  for (const auto &[file, contents] : members) {
    uint64_t size = contents.size(), offset = zip.out.size();
    uint32_t checksum = crc32_z(
        0, reinterpret_cast<const Bytef *>(contents.data()), contents.size());
    bool wide = size >= large;
    zip.put(localSignature, 4);
    zip.put(wide ? 45 : 20, 2);
    zip.put(0x0800, 2); // the name is UTF-8
    zip.put(0, 2);
    zip.putDate();
    zip.put(checksum, 4);
    zip.put(wide ? large : size, 4);
    zip.put(wide ? large : size, 4);
    zip.put(file.size(), 2);
    zip.put(wide ? 20 : 0, 2);
    zip.out += file;
    if (wide) {
      zip.put(1, 2);
      zip.put(16, 2);
      zip.put(size, 8);
      zip.put(size, 8);
    }
    zip.out += contents;

    bool far = offset >= large;
    unsigned extra = (wide ? 16 : 0) + (far ? 8 : 0);
    directory.put(centralSignature, 4);
    directory.put(0x032d, 2); // made on Unix, by version 4.5 of the format
    directory.put(extra ? 45 : 20, 2);
    directory.put(0x0800, 2);
    directory.put(0, 2);
    directory.putDate();
    directory.put(checksum, 4);
    directory.put(wide ? large : size, 4);
    directory.put(wide ? large : size, 4);
    directory.put(file.size(), 2);
    directory.put(extra ? extra + 4 : 0, 2);
    directory.put(0, 6); // no comment, disk 0, no internal attributes
    directory.put(uint64_t(0100644) << 16, 4);
    directory.put(far ? large : offset, 4);
    directory.out += file;
    if (extra) {
      directory.put(1, 2);
      directory.put(extra, 2);
      if (wide) {
        directory.put(size, 8);
        directory.put(size, 8);
      }
      if (far)
        directory.put(offset, 8);
    }
  }
  uint64_t start = zip.out.size(), size = directory.out.size(),
           count = members.size();
  zip.out += directory.out;
  if (count >= 0xffff || size >= large || start >= large) {
    uint64_t at = zip.out.size();
    zip.put(end64Signature, 4);
    zip.put(end64Size - 12, 8);
    zip.put(45, 2);
    zip.put(45, 2);
    zip.put(0, 8); // one disk
    zip.put(count, 8);
    zip.put(count, 8);
    zip.put(size, 8);
    zip.put(start, 8);
    zip.put(locator64Signature, 4);
    zip.put(0, 4);
    zip.put(at, 8);
    zip.put(1, 4);
  }
  zip.put(endSignature, 4);
  zip.put(0, 4);
  zip.put(std::min<uint64_t>(count, 0xffff), 2);
  zip.put(std::min<uint64_t>(count, 0xffff), 2);
  zip.put(std::min(size, large), 4);
  zip.put(std::min(start, large), 4);
  zip.put(0, 2);
  return std::move(zip.out);
}

std::string writeNpz(const NamedArrays &arrays) {
  std::vector<std::pair<std::string, std::string>> members;
  for (const auto &[name, array] : arrays)
    members.emplace_back(name + ".npy", writeNpy(array));
  return writeZip(members);
}

} // namespace lamina
