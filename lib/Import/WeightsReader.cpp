//===- WeightsReader.cpp - what HDF5 files hold ---------------------------===//

#include "WeightsReader.h"
#include "Hdf5.h"
#include "Isolated.h"
#include "Keras1.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"
#include <cstring>

namespace lamina::import {

using llvm::createStringError;
using llvm::StringRef;

namespace {
/// Reads the weights of an HDF5 file into `file`.
class WeightsReader {
public:
  WeightsReader(Hdf5File &source, ModelFile &file)
      : source(source), file(file) {}

  /// `.keras`: groups named after classes.
  llvm::Error readStore() {
    const llvm::json::Object *model = file.config.getAsObject();
    return model ? readContainer(*model, "", "") : llvm::Error::success();
  }
  /// `.h5`: groups named after layers, with lists of names.
  llvm::Error readLegacy(StringRef root);

private:
  Hdf5File &source;
  ModelFile &file;
  unsigned depth = 0;
  /// Of the layers that a layer has in a list, which are stored under the
  /// names of their classes.
  std::vector<std::string> listed;

  void findListed(const llvm::json::Object &config);
  llvm::Error readContainer(const llvm::json::Object &model,
                            const std::string &group,
                            const std::string &prefix);
  llvm::Error readArrays(const std::string &group, const std::string &name,
                         NamedArrays &arrays);
};

llvm::Error WeightsReader::readContainer(const llvm::json::Object &model,
                                         const std::string &group,
                                         const std::string &prefix) {
  const llvm::json::Object *config = model.getObject("config");
  const llvm::json::Array *layers =
      config ? config->getArray("layers") : nullptr;
  if (!layers)
    return llvm::Error::success();
  std::string folder = group.empty() ? "layers" : group + "/layers";
  // tf.keras 2.12 to 2.15 lists layers with weights twice, and stores the
  // first.
  bool isTwice = source.kindOf(folder) != Hdf5File::Kind::Group;
  if (isTwice)
    folder = group.empty() ? "_layer_checkpoint_dependencies"
                           : group + "/_layer_checkpoint_dependencies";
  llvm::StringMap<unsigned> used;
  llvm::StringSet<> taken;
  for (const llvm::json::Value &value : *layers) {
    const llvm::json::Object *layer = value.getAsObject();
    std::optional<StringRef> type =
        layer ? layer->getString("class_name") : std::nullopt;
    const llvm::json::Object *inner =
        layer ? layer->getObject("config") : nullptr;
    if (!type || !inner)
      continue;
    std::string name = inner->getString("name").value_or("").str();
    std::string base = snakeCase(*type);
    // A functional model is stored under the name of its class.
    unsigned count = used[base]++ * (isTwice ? 2 : 1);
    std::string path =
        folder + "/" + base + (count ? "_" + std::to_string(count) : "");
    if (source.kindOf(path) != Hdf5File::Kind::Group)
      continue;
    taken.insert(path);
    if (inner->getArray("layers")) {
      if (++depth > 50)
        return createStringError("models are nested too deeply");
      if (llvm::Error error = readContainer(*layer, path, prefix + name + "/"))
        return error;
      --depth;
      continue;
    }
    LayerWeights weights{prefix + name, {}};
    findListed(*inner);
    if (llvm::Error error = readArrays(path, "", weights.arrays))
      return error;
    if (!weights.arrays.empty())
      file.weights.push_back(std::move(weights));
  }
  // Weights that nobody takes would silently stay as they began.
  if (source.kindOf(folder) != Hdf5File::Kind::Group)
    return llvm::Error::success();
  llvm::Expected<std::vector<std::string>> members = source.children(folder);
  if (!members)
    return members.takeError();
  for (const std::string &member : *members) {
    std::string path = folder + "/" + member;
    if (taken.contains(path) || source.kindOf(path) != Hdf5File::Kind::Group)
      continue;
    NamedArrays rest;
    if (llvm::Error error = readArrays(path, "", rest))
      return error;
    if (!rest.empty())
      return createStringError("group '" + path +
                               "' of model.weights.h5 belongs to no layer");
  }
  return llvm::Error::success();
}

void WeightsReader::findListed(const llvm::json::Object &config) {
  listed.clear();
  const llvm::json::Object *cell = config.getObject("cell");
  const llvm::json::Object *inner = cell ? cell->getObject("config") : nullptr;
  const llvm::json::Array *cells = inner ? inner->getArray("cells") : nullptr;
  llvm::StringMap<unsigned> used;
  for (const llvm::json::Value &each : cells ? *cells : llvm::json::Array())
    if (const llvm::json::Object *object = each.getAsObject()) {
      std::string base =
          snakeCase(object->getString("class_name").value_or(""));
      unsigned count = used[base]++;
      listed.push_back(base + (count ? "_" + std::to_string(count) : ""));
    }
}

/// The arrays of a layer: its own, then those of the layers in it.
llvm::Error WeightsReader::readArrays(const std::string &group,
                                      const std::string &name,
                                      NamedArrays &arrays) {
  if (depth > 50)
    return createStringError("groups of the HDF5 file are nested too deeply");
  std::string vars = group + "/vars";
  for (unsigned i = 0;
       source.kindOf(vars + "/" + std::to_string(i)) == Hdf5File::Kind::Array;
       ++i) {
    llvm::Expected<NDArray> array =
        source.array(vars + "/" + std::to_string(i));
    if (!array)
      return array.takeError();
    arrays.emplace_back(name + std::to_string(i), std::move(*array));
  }
  llvm::Expected<std::vector<std::string>> members = source.children(group);
  if (!members)
    return members.takeError();
  // In the order in which Keras makes them, not that of the alphabet.
  static constexpr const char *order[] = {"query_dense",   "key_dense",
                                          "value_dense",   "output_dense",
                                          "forward_layer", "backward_layer"};
  auto rank = [&](const std::string &member) {
    return std::pair(llvm::find(order, member) - std::begin(order),
                     llvm::find(listed, member) - listed.begin());
  };
  llvm::sort(*members, [&](const std::string &a, const std::string &b) {
    return std::pair(rank(a), a) < std::pair(rank(b), b);
  });
  ++depth;
  for (const std::string &member : *members) {
    if (member == "vars" || member == "seed_generator" ||
        source.kindOf(group + "/" + member) != Hdf5File::Kind::Group)
      continue;
    if (llvm::Error error =
            readArrays(group + "/" + member, name + member + "/", arrays))
      return error;
  }
  --depth;
  return llvm::Error::success();
}

llvm::Error WeightsReader::readLegacy(StringRef root) {
  auto path = [&](const std::string &name) {
    return root.empty() ? name : (root + "/" + name).str();
  };
  llvm::Expected<std::vector<std::string>> layers =
      source.texts(root.empty() ? "/" : root, "layer_names");
  if (!layers)
    return layers.takeError();
  for (const std::string &layer : *layers) {
    llvm::Expected<std::vector<std::string>> names =
        source.texts(path(layer), "weight_names");
    if (!names)
      return names.takeError();
    LayerWeights weights{layer, {}};
    for (const std::string &name : *names) {
      llvm::Expected<NDArray> array = source.array(path(layer) + "/" + name);
      if (!array)
        return array.takeError();
      weights.arrays.emplace_back(name, std::move(*array));
    }
    if (!weights.arrays.empty())
      file.weights.push_back(std::move(weights));
  }
  return llvm::Error::success();
}

//===----------------------------------------------------------------------===//
// Files
//===----------------------------------------------------------------------===//

/// Runs `read`, which uses HDF5's library, in a process of its own: the library
/// crashes on damaged files. What it put into `texts` and `file.weights` comes
/// back.
llvm::Error inChild(StringRef bytes, ModelFile &file,
                    llvm::ArrayRef<std::string *> texts,
                    llvm::function_ref<llvm::Error()> read) {
  // A file costs its reading, at 50 MB/s, and what needs longer does not end.
  // Weights are hardly compressed, and there are a few copies of them.
  ProcessLimits limits{0.5 + double(bytes.size()) / 50e6,
                       (256ull << 20) + 32 * bytes.size()};
  auto append = [](std::string &to, StringRef text) {
    uint64_t size = text.size();
    to.append(reinterpret_cast<const char *>(&size), sizeof(size));
    to += text;
  };
  llvm::Expected<std::string> image =
      isolated(limits, [&]() -> llvm::Expected<std::string> {
        if (llvm::Error error = read())
          return std::move(error);
        std::string result;
        for (std::string *text : texts)
          append(result, *text);
        for (const LayerWeights &weights : file.weights) {
          append(result, weights.layer);
          append(result, writeNpz(weights.arrays));
        }
        return result;
      });
  if (!image)
    return image.takeError();
  StringRef rest = *image;
  auto take = [&] {
    uint64_t size = 0;
    memcpy(&size, rest.data(), sizeof(size));
    StringRef text = rest.substr(sizeof(size), size);
    rest = rest.drop_front(sizeof(size) + size);
    return text;
  };
  for (std::string *text : texts)
    *text = take().str();
  while (!rest.empty()) {
    std::string layer = take().str();
    llvm::Expected<NamedArrays> arrays = readNpz(take(), layer);
    if (!arrays)
      return arrays.takeError();
    file.weights.push_back({std::move(layer), std::move(*arrays)});
  }
  return llvm::Error::success();
}

} // namespace

llvm::Error readStoredWeights(StringRef bytes, ModelFile &file) {
  return inChild(bytes, file, {}, [&]() -> llvm::Error {
    llvm::Expected<std::unique_ptr<Hdf5File>> store = Hdf5File::open(bytes);
    if (!store)
      return createStringError("model.weights.h5: " +
                               llvm::toString(store.takeError()));
    return WeightsReader(**store, file).readStore();
  });
}

llvm::Error readWeightsFile(StringRef bytes, ModelFile &file) {
  file.weights.clear();
  llvm::Error error = inChild(bytes, file, {}, [&]() -> llvm::Error {
    llvm::Expected<std::unique_ptr<Hdf5File>> source = Hdf5File::open(bytes);
    if (!source)
      return source.takeError();
    WeightsReader reader(**source, file);
    if ((*source)->kindOf("model_weights") == Hdf5File::Kind::Group)
      return reader.readLegacy("model_weights");
    if ((*source)->hasAttribute("/", "layer_names"))
      return reader.readLegacy("");
    return reader.readStore();
  });
  if (error)
    return error;
  if (file.weights.empty())
    return createStringError(
        "no weights that belong to layers of the model were found in it");
  return file.isKeras1 ? modernizeWeights(file) : llvm::Error::success();
}

llvm::Error readHdf5(StringRef bytes, bool withWeights, ModelFile &file) {
  std::string config, training, version;
  llvm::Error error = inChild(
      bytes, file, {&config, &training, &version}, [&]() -> llvm::Error {
        llvm::Expected<std::unique_ptr<Hdf5File>> source =
            Hdf5File::open(bytes);
        if (!source)
          return source.takeError();
        if (!(*source)->hasAttribute("/", "model_config"))
          return createStringError(
              "the file has weights, but no model: attribute "
              "'model_config' is missing; give the model and, with "
              "--weights, this file");
        std::pair<const char *, std::string *> texts[] = {
            {"model_config", &config},
            {"training_config", &training},
            {"keras_version", &version}};
        for (auto [name, text] : texts) {
          if (!(*source)->hasAttribute("/", name))
            continue;
          llvm::Expected<std::string> found = (*source)->text("/", name);
          if (!found)
            return found.takeError();
          *text = std::move(*found);
        }
        if (!withWeights)
          return llvm::Error::success();
        bool isModel =
            (*source)->kindOf("model_weights") == Hdf5File::Kind::Group;
        return WeightsReader(**source, file)
            .readLegacy(isModel ? "model_weights" : "");
      });
  if (error)
    return error;
  llvm::Expected<llvm::json::Value> parsed = parsePythonJSON(config);
  if (!parsed)
    return parsed.takeError();
  file.config = std::move(*parsed);
  file.writer = version.empty() ? "" : "Keras " + version;
  if (llvm::Expected<llvm::json::Value> value =
          parsePythonJSON(training.empty() ? "null" : training))
    file.training = std::move(*value);
  else
    llvm::consumeError(value.takeError());
  return llvm::Error::success();
}
} // namespace lamina::import
