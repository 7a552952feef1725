//===- Hdf5.cpp - conservative reading of HDF5 files ----------------------===//

#include "Hdf5.h"
#include "lamina/Support/FloatBits.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include <algorithm>
#include <hdf5.h>

namespace lamina::import {

using llvm::createStringError;
using llvm::StringRef;

namespace {
static_assert(sizeof(hid_t) == sizeof(int64_t));

/// An identifier of the library, closed with the function of its kind.
class Handle {
public:
  Handle(hid_t id, herr_t (*close)(hid_t)) : id(id), close(close) {}
  Handle(const Handle &) = delete;
  ~Handle() {
    if (id >= 0)
      close(id);
  }
  operator hid_t() const { return id; }
  bool isValid() const { return id >= 0; }

private:
  hid_t id;
  herr_t (*close)(hid_t);
};

constexpr size_t maxText = 64 << 20, maxNames = 100'000;
/// Deflate makes at most 1032 bytes of one.
constexpr size_t maxInflation = 1100;

llvm::Error malformed(const llvm::Twine &what) {
  return createStringError("the HDF5 file is damaged: " + what);
}
} // namespace

llvm::Expected<std::unique_ptr<Hdf5File>> Hdf5File::open(StringRef bytes) {
  static const bool prepared = [] {
    H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr); // errors are ours to print
    H5PLset_loading_state(0);                    // no code from elsewhere
    return true;
  }();
  (void)prepared;
  if (!bytes.starts_with("\x89HDF\r\n\x1a\n"))
    return createStringError("it is not an HDF5 file");
  Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  if (!access.isValid() || H5Pset_fapl_core(access, 64 << 10, 0) < 0 ||
      H5Pset_file_image(access, const_cast<char *>(bytes.data()),
                        bytes.size()) < 0)
    return malformed("it cannot be held in memory");
  hid_t file = H5Fopen("model.h5", H5F_ACC_RDONLY, access);
  if (file < 0)
    return malformed("it cannot be opened; is it complete?");
  std::unique_ptr<Hdf5File> result(new Hdf5File(file, bytes.size()));
  result->budget = std::max<size_t>(
      maxText, std::min(bytes.size(), SIZE_MAX / maxInflation) * maxInflation);
  return std::move(result);
}

Hdf5File::~Hdf5File() { H5Fclose(file); }

/// Every step of the path must be a hard link: others lead out of the file, or
/// anywhere.
llvm::Error Hdf5File::checkPath(StringRef path) {
  for (size_t end = 0; end != StringRef::npos;) {
    end = path.find('/', end + 1);
    std::string part = path.take_front(end).str();
    if (part == "/" || part.empty())
      continue;
    H5L_info_t info;
    if (H5Lget_info(file, part.c_str(), &info, H5P_DEFAULT) < 0)
      return createStringError("the HDF5 file has no '" + part + "'");
    if (info.type != H5L_TYPE_HARD)
      return createStringError("'" + part + "' of the HDF5 file is " +
                               (info.type == H5L_TYPE_EXTERNAL
                                    ? "a link to another file"
                                    : "a soft link") +
                               ", which is not followed");
  }
  return llvm::Error::success();
}

Hdf5File::Kind Hdf5File::kindOf(StringRef path) {
  if (llvm::Error error = checkPath(path)) {
    llvm::consumeError(std::move(error));
    return Kind::Nothing;
  }
  Handle object(H5Oopen(file, path.str().c_str(), H5P_DEFAULT), H5Oclose);
  if (!object.isValid())
    return Kind::Nothing;
  H5I_type_t type = H5Iget_type(object);
  return type == H5I_GROUP     ? Kind::Group
         : type == H5I_DATASET ? Kind::Array
                               : Kind::Nothing;
}

llvm::Expected<std::vector<std::string>> Hdf5File::children(StringRef path) {
  if (llvm::Error error = checkPath(path))
    return std::move(error);
  Handle group(H5Gopen2(file, path.str().c_str(), H5P_DEFAULT), H5Gclose);
  H5G_info_t info;
  if (!group.isValid() || H5Gget_info(group, &info) < 0)
    return malformed("'" + path + "' is no group");
  if (info.nlinks > maxNames)
    return createStringError("group '" + path +
                             "' of the HDF5 file has more than " +
                             llvm::Twine(maxNames) + " members");
  std::vector<std::string> names;
  for (hsize_t i = 0; i < info.nlinks; ++i) {
    char name[1024];
    ssize_t length = H5Lget_name_by_idx(group, ".", H5_INDEX_NAME, H5_ITER_INC,
                                        i, name, sizeof(name), H5P_DEFAULT);
    if (length <= 0 || length >= ssize_t(sizeof(name)))
      return malformed("a name in '" + path + "' cannot be read");
    names.emplace_back(name, length);
  }
  return names;
}

/// Our element type for one of HDF5's, and the type to read it as.
static std::optional<std::pair<DType, hid_t>> elementOf(hid_t type) {
  size_t size = H5Tget_size(type);
  switch (H5Tget_class(type)) {
  case H5T_FLOAT:
    if (size == 8)
      return {{DType::Float64, H5T_NATIVE_DOUBLE}};
    if (size == 4)
      return {{DType::Float32, H5T_NATIVE_FLOAT}};
    if (size == 2) // widened, and narrowed again
      return {{H5Tget_ebias(type) == 127 ? DType::BFloat16 : DType::Float16,
               H5T_NATIVE_DOUBLE}};
    return std::nullopt;
  case H5T_ENUM: // NumPy's bool
    return size == 1
               ? std::optional(std::pair(DType::Bool, hid_t(H5T_NATIVE_INT8)))
               : std::nullopt;
  case H5T_INTEGER: {
    bool isSigned = H5Tget_sign(type) == H5T_SGN_2;
    switch (size) {
    case 1:
      return {{isSigned ? DType::Int8 : DType::UInt8,
               isSigned ? H5T_NATIVE_INT8 : H5T_NATIVE_UINT8}};
    case 2:
      return {{isSigned ? DType::Int16 : DType::UInt16,
               isSigned ? H5T_NATIVE_INT16 : H5T_NATIVE_UINT16}};
    case 4:
      return {{isSigned ? DType::Int32 : DType::UInt32,
               isSigned ? H5T_NATIVE_INT32 : H5T_NATIVE_UINT32}};
    case 8:
      return {{isSigned ? DType::Int64 : DType::UInt64,
               isSigned ? H5T_NATIVE_INT64 : H5T_NATIVE_UINT64}};
    default:
      return std::nullopt;
    }
  }
  default:
    return std::nullopt;
  }
}

llvm::Expected<NDArray> Hdf5File::array(StringRef path) {
  if (llvm::Error error = checkPath(path))
    return std::move(error);
  auto refuse = [&](const llvm::Twine &why) {
    return createStringError("array '" + path + "' of the HDF5 file " + why);
  };
  Handle set(H5Dopen2(file, path.str().c_str(), H5P_DEFAULT), H5Dclose);
  if (!set.isValid())
    return refuse("cannot be opened");
  Handle creation(H5Dget_create_plist(set), H5Pclose),
      type(H5Dget_type(set), H5Tclose), space(H5Dget_space(set), H5Sclose);
  if (!creation.isValid() || !type.isValid() || !space.isValid())
    return refuse("cannot be read");
  H5D_layout_t layout = H5Pget_layout(creation);
  if (H5Pget_external_count(creation) != 0 || layout == H5D_VIRTUAL ||
      layout < 0)
    return refuse("has its data in another file");
  bool isFiltered = H5Pget_nfilters(creation) != 0;
  for (int i = 0; i < H5Pget_nfilters(creation); ++i) {
    unsigned flags, config;
    size_t none = 0;
    H5Z_filter_t filter = H5Pget_filter2(creation, i, &flags, &none, nullptr, 0,
                                         nullptr, &config);
    if (!llvm::is_contained(
            {H5Z_FILTER_DEFLATE, H5Z_FILTER_SHUFFLE, H5Z_FILTER_FLETCHER32},
            filter))
      return refuse("is compressed in a way that is not supported");
  }
  auto element = elementOf(type);
  if (!element)
    return refuse("has elements that are no numbers");
  int rank = H5Sget_simple_extent_ndims(space);
  hsize_t sizes[H5S_MAX_RANK];
  if (H5Sget_simple_extent_type(space) == H5S_NULL || rank < 0 || rank > 16 ||
      H5Sget_simple_extent_dims(space, sizes, nullptr) != rank)
    return refuse("has no shape");
  llvm::SmallVector<int64_t> shape;
  // A shape costs nothing to write: what is read is bounded by the file's size.
  uint64_t bytes = sizeOf(element->first);
  uint64_t limit = isFiltered || layout == H5D_CHUNKED
                       ? budget
                       : std::min<uint64_t>(budget, size);
  for (int i = 0; i < rank; ++i) {
    bytes = sizes[i] != 0 && bytes > limit / sizes[i] ? limit + 1
                                                      : bytes * sizes[i];
    shape.push_back(int64_t(sizes[i]));
  }
  if (bytes > limit)
    return refuse("is larger than the file can be");
  budget -= bytes;
  if (bytes != 0 && H5Dget_storage_size(set) == 0)
    return refuse("has no data");
  NDArray result(element->first, shape);
  if (result.size() == 0)
    return result;
  bool isNarrow = sizeOf(element->first) == 2 && isFloat(element->first);
  std::vector<double> wide(isNarrow ? result.size() : 0);
  void *data = isNarrow ? wide.data() : result.data();
  if (H5Dread(set, element->second, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) < 0)
    return refuse("is damaged");
  for (auto [i, value] : llvm::enumerate(wide))
    result.setDouble(int64_t(i), value);
  return result;
}

//===----------------------------------------------------------------------===//
// Attributes
//===----------------------------------------------------------------------===//

bool Hdf5File::hasAttribute(StringRef path, StringRef name) {
  if (llvm::Error error = checkPath(path)) {
    llvm::consumeError(std::move(error));
    return false;
  }
  return H5Aexists_by_name(file, path.str().c_str(), name.str().c_str(),
                           H5P_DEFAULT) > 0;
}

llvm::Expected<std::vector<std::string>> Hdf5File::attribute(StringRef path,
                                                             StringRef name) {
  if (llvm::Error error = checkPath(path))
    return std::move(error);
  auto refuse = [&](const llvm::Twine &why) {
    return createStringError("attribute '" + name + "' of '" + path +
                             "' of the HDF5 file " + why);
  };
  Handle attribute(H5Aopen_by_name(file, path.str().c_str(), name.str().c_str(),
                                   H5P_DEFAULT, H5P_DEFAULT),
                   H5Aclose);
  if (!attribute.isValid())
    return refuse("is missing");
  Handle type(H5Aget_type(attribute), H5Tclose),
      space(H5Aget_space(attribute), H5Sclose);
  if (!type.isValid() || !space.isValid())
    return refuse("cannot be read");
  hssize_t count = H5Sget_simple_extent_npoints(space);
  if (count < 0 || size_t(count) > maxNames)
    return refuse("has too many texts");
  std::vector<std::string> result;
  if (count == 0)
    return result;
  if (H5Tget_class(type) != H5T_STRING)
    return refuse("is no text");
  size_t length = H5Tget_size(type);
  if (H5Tis_variable_str(type) > 0) {
    Handle memory(H5Tcopy(H5T_C_S1), H5Tclose);
    H5Tset_size(memory, H5T_VARIABLE);
    H5Tset_cset(memory, H5Tget_cset(type));
    std::vector<char *> texts(count, nullptr);
    if (H5Aread(attribute, memory, texts.data()) < 0)
      return refuse("is damaged");
    for (char *text : texts)
      result.emplace_back(text ? text : "");
    H5Dvlen_reclaim(memory, space, H5P_DEFAULT, texts.data());
    return result;
  }
  if (length == 0 || length > maxText / size_t(count))
    return refuse("is too long");
  std::vector<char> bytes(length * count);
  if (H5Aread(attribute, type, bytes.data()) < 0)
    return refuse("is damaged");
  for (hssize_t i = 0; i < count; ++i) {
    StringRef text(bytes.data() + i * length, length);
    result.push_back(text.take_until([](char c) { return c == 0; }).str());
  }
  return result;
}

llvm::Expected<std::string> Hdf5File::text(StringRef path, StringRef name) {
  llvm::Expected<std::vector<std::string>> list = attribute(path, name);
  if (!list)
    return list.takeError();
  return list->empty() ? std::string() : std::move(list->front());
}

llvm::Expected<std::vector<std::string>> Hdf5File::texts(StringRef path,
                                                         StringRef name) {
  // No attribute is an empty list, but no object is an error.
  if (llvm::Error error = checkPath(path))
    return std::move(error);
  if (hasAttribute(path, name))
    return attribute(path, name);
  std::vector<std::string> result;
  for (int chunk = 0; hasAttribute(path, (name + llvm::Twine(chunk)).str());
       ++chunk) {
    llvm::Expected<std::vector<std::string>> part =
        attribute(path, (name + llvm::Twine(chunk)).str());
    if (!part)
      return part.takeError();
    result.insert(result.end(), part->begin(), part->end());
    if (result.size() > maxNames)
      return createStringError("attribute '" + name + "' has too many texts");
  }
  return result;
}

} // namespace lamina::import
