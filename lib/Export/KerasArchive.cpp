//===- KerasArchive.cpp - the files in a .keras file ----------------------===//

#include "KerasWriter.h"
#include "lamina/Support/FloatBits.h"
#include "llvm/Support/Error.h"
#include <hdf5.h>

using namespace mlir;

namespace lamina {

//===----------------------------------------------------------------------===//
// The order of layers
//===----------------------------------------------------------------------===//

std::vector<unsigned>
kerasOrder(ArrayRef<KerasNode> nodes,
           ArrayRef<std::pair<unsigned, unsigned>> outputs) {
  using Call = std::pair<unsigned, unsigned>;
  // Depth first from the outputs, calls behind those that they come from.
  std::vector<Call> sorted;
  std::map<Call, bool> isDone;
  std::map<unsigned, unsigned> firstSeen;
  std::vector<std::pair<Call, size_t>> stack; // a call and its next parent
  auto open = [&](Call call) {
    if (!isDone.try_emplace(call, false).second)
      return;
    firstSeen.try_emplace(call.first, firstSeen.size());
    stack.emplace_back(call, 0);
  };
  for (Call output : outputs) {
    open(output);
    while (!stack.empty()) {
      auto &[call, next] = stack.back();
      const auto &calls = nodes[call.first].calls;
      if (call.second < calls.size() &&
          next < calls[call.second].parents.size()) {
        open(calls[call.second].parents[next++]);
        continue;
      }
      sorted.push_back(call);
      stack.pop_back();
    }
  }
  // How far it is from a call, or a layer, to the outputs.
  std::map<Call, unsigned> depths;
  std::map<unsigned, unsigned> layerDepths;
  for (Call call : llvm::reverse(sorted)) {
    unsigned &layer = layerDepths[call.first];
    layer = depths[call] = std::max(depths[call], layer);
    unsigned depth = layer;
    if (call.second < nodes[call.first].calls.size())
      for (Call parent : nodes[call.first].calls[call.second].parents)
        depths[parent] = std::max(depths[parent], depth + 1);
  }
  std::vector<unsigned> order;
  for (auto [node, depth] : layerDepths)
    order.push_back(node);
  llvm::sort(order, [&](unsigned a, unsigned b) {
    return std::pair(-int64_t(layerDepths[a]), firstSeen[a]) <
           std::pair(-int64_t(layerDepths[b]), firstSeen[b]);
  });
  return order;
}

//===----------------------------------------------------------------------===//
// HDF5
//===----------------------------------------------------------------------===//

namespace {
/// An identifier of the library, closed with the function of its kind.
struct Closed {
  hid_t id;
  herr_t (*close)(hid_t);
  Closed(hid_t id, herr_t (*close)(hid_t)) : id(id), close(close) {}
  Closed(const Closed &) = delete;
  ~Closed() {
    if (id >= 0)
      close(id);
  }
  operator hid_t() const { return id; }
};

/// As h5py stores arrays of the type.
Closed storedType(DType type) {
  switch (type) {
  case DType::Float32:
    return {H5Tcopy(H5T_IEEE_F32LE), H5Tclose};
  case DType::Float64:
    return {H5Tcopy(H5T_IEEE_F64LE), H5Tclose};
  case DType::Float16: {
    hid_t half = H5Tcopy(H5T_IEEE_F32LE);
    H5Tset_fields(half, 15, 10, 5, 0, 10);
    H5Tset_size(half, 2);
    H5Tset_ebias(half, 15);
    return {half, H5Tclose};
  }
  default:
    break;
  }
  bool isPlain = type == DType::Bool || type == DType::BFloat16;
  hid_t number =
      H5Tcopy(isPlain || isUnsigned(type) ? H5T_STD_U8LE : H5T_STD_I8LE);
  H5Tset_size(number, sizeOf(type));
  return {number, H5Tclose};
}
} // namespace

llvm::Expected<std::string>
writeHdf5(ArrayRef<std::pair<std::string, NDArray>> arrays) {
  auto failed = [] {
    return llvm::createStringError("the weights cannot be written as HDF5");
  };
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  Closed access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  if (H5Pset_fapl_core(access, 1 << 20, /*backing_store=*/false) < 0)
    return failed();
  Closed file(H5Fcreate("model.weights.h5", H5F_ACC_TRUNC, H5P_DEFAULT, access),
              H5Fclose);
  // Groups on the way are made; the same model gives the same bytes.
  Closed links(H5Pcreate(H5P_LINK_CREATE), H5Pclose);
  Closed creation(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
  if (file < 0 || H5Pset_create_intermediate_group(links, 1) < 0 ||
      H5Pset_obj_track_times(creation, false) < 0)
    return failed();
  for (const auto &[path, array] : arrays) {
    llvm::SmallVector<hsize_t> shape(array.shape());
    Closed space(shape.empty()
                     ? H5Screate(H5S_SCALAR)
                     : H5Screate_simple(shape.size(), shape.data(), nullptr),
                 H5Sclose);
    Closed type = storedType(array.dtype());
    Closed data(H5Dcreate2(file, path.c_str(), type, space, links, creation,
                           H5P_DEFAULT),
                H5Dclose);
    if (data < 0 ||
        H5Dwrite(data, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, array.data()) < 0)
      return failed();
  }
  ssize_t size = H5Fflush(file, H5F_SCOPE_GLOBAL) < 0
                     ? -1
                     : H5Fget_file_image(file, nullptr, 0);
  if (size < 0)
    return failed();
  std::string image(size, 0);
  if (H5Fget_file_image(file, image.data(), size) != size)
    return failed();
  return image;
}

} // namespace lamina
