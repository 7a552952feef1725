//===- ModelFile.cpp - what is in a file that Keras saved
//---------------------===//

#include "lamina/Import/ModelFile.h"
#include "Hdf5.h"
#include "Isolated.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include <algorithm>
#include <zip.h>

namespace lamina::import {

using llvm::createStringError;
using llvm::StringRef;

bool isModelFile(StringRef path) {
  return path.ends_with(".keras") || path.ends_with(".h5") ||
         path.ends_with(".hdf5") || path.ends_with(".json");
}

std::string snakeCase(StringRef name) {
  std::string result;
  for (size_t i = 0; i < name.size(); ++i) {
    bool upper = llvm::isUpper(name[i]);
    bool begins = upper && i > 0 &&
                  (llvm::isLower(name[i - 1]) || llvm::isDigit(name[i - 1]) ||
                   (i + 1 < name.size() && llvm::isLower(name[i + 1])));
    if (begins && result.back() != '_')
      result += '_';
    result += llvm::toLower(name[i]);
  }
  return result;
}

//===----------------------------------------------------------------------===//
// JSON
//===----------------------------------------------------------------------===//

/// JSON nested deeper than this is refused before anything recurses over it.
static constexpr unsigned maxDepth = 500;

llvm::Expected<llvm::json::Value> parsePythonJSON(StringRef text) {
  std::string standard;
  standard.reserve(text.size());
  unsigned depth = 0;
  for (size_t i = 0; i < text.size();) {
    char c = text[i];
    if (c == '"') {
      size_t end = i + 1;
      while (end < text.size() && text[end] != '"')
        end += text[end] == '\\' ? 2 : 1;
      standard += text.slice(i, end + 1);
      i = end + 1;
      continue;
    }
    depth += c == '[' || c == '{';
    depth -= (c == ']' || c == '}') && depth > 0;
    if (depth > maxDepth)
      return createStringError("the configuration is nested too deeply");
    bool isNumber = llvm::isDigit(c) || c == '-' || c == 'N' || c == 'I';
    if (!isNumber) {
      standard += c;
      ++i;
      continue;
    }
    StringRef token = text.substr(i).take_while([](char x) {
      return llvm::isAlnum(x) || x == '-' || x == '+' || x == '.';
    });
    double value;
    bool isSpecial =
        token == "NaN" || token == "Infinity" || token == "-Infinity";
    bool isFloat =
        isSpecial || (token.find_first_of(".eE") != StringRef::npos &&
                      !token.getAsDouble(value));
    // A float that is no whole number is one in any case.
    if (isFloat &&
        (isSpecial || value == double(int64_t(std::clamp(value, -9e18, 9e18)))))
      standard +=
          ("{\"class_name\":\"__float__\",\"config\":\"" + token + "\"}").str();
    else
      standard += token;
    i += token.size();
  }
  llvm::Expected<llvm::json::Value> value = llvm::json::parse(standard);
  if (!value)
    return createStringError("the configuration is no JSON: " +
                             llvm::toString(value.takeError()));
  return value;
}

//===----------------------------------------------------------------------===//
// Weights
//===----------------------------------------------------------------------===//

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
  if (source.kindOf(folder) != Hdf5File::Kind::Group) // tf.keras 2.13 to 2.15
    folder = group.empty() ? "_layer_checkpoint_dependencies"
                           : group + "/_layer_checkpoint_dependencies";
  llvm::StringMap<unsigned> used;
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
    unsigned count = used[base]++;
    std::string path =
        folder + "/" + base + (count ? "_" + std::to_string(count) : "");
    if (source.kindOf(path) != Hdf5File::Kind::Group)
      continue;
    if (inner->getArray("layers")) {
      if (++depth > 50)
        return createStringError("models are nested too deeply");
      if (llvm::Error error = readContainer(*layer, path, prefix + name + "/"))
        return error;
      --depth;
      continue;
    }
    LayerWeights weights{prefix + name, {}};
    if (llvm::Error error = readArrays(path, "", weights.arrays))
      return error;
    if (!weights.arrays.empty())
      file.weights.push_back(std::move(weights));
  }
  return llvm::Error::success();
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
  auto rank = [](const std::string &member) {
    return llvm::find(order, member) - std::begin(order);
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

constexpr uint64_t maxConfig = 64 << 20, maxWeights = uint64_t(16) << 30,
                   maxInflation = 1100;

/// One member of a zip archive in memory.
llvm::Expected<std::string> readMember(zip_t *archive, const char *name,
                                       uint64_t limit) {
  zip_stat_t info;
  zip_stat_init(&info);
  if (zip_stat(archive, name, 0, &info) != 0 || !(info.valid & ZIP_STAT_SIZE) ||
      !(info.valid & ZIP_STAT_COMP_SIZE))
    return createStringError("the archive has no '" + llvm::Twine(name) + "'");
  // Deflate cannot make more of it: what says so lies, or is a bomb.
  if (info.size > limit || info.size / maxInflation > info.comp_size)
    return createStringError("'" + llvm::Twine(name) +
                             "' of the archive is too large (" +
                             llvm::Twine(info.size) + " bytes)");
  zip_file_t *member = zip_fopen(archive, name, 0);
  if (!member)
    return createStringError("'" + llvm::Twine(name) +
                             "' of the archive cannot be read");
  std::string text(info.size, '\0');
  uint64_t done = 0;
  while (done < info.size) {
    zip_int64_t count = zip_fread(member, text.data() + done, info.size - done);
    if (count <= 0)
      break;
    done += uint64_t(count);
  }
  char extra;
  bool isComplete = done == info.size && zip_fread(member, &extra, 1) == 0;
  isComplete &= zip_fclose(member) == 0;
  if (!isComplete)
    return createStringError("'" + llvm::Twine(name) +
                             "' of the archive is damaged");
  return text;
}

/// Runs `read`, which uses HDF5's library, in a process of its own: the library
/// crashes on damaged files. What it put into `texts` and `file.weights` comes
/// back.
llvm::Error inChild(ModelFile &file, llvm::ArrayRef<std::string *> texts,
                    llvm::function_ref<llvm::Error()> read) {
  auto append = [](std::string &to, StringRef text) {
    uint64_t size = text.size();
    to.append(reinterpret_cast<const char *>(&size), sizeof(size));
    to += text;
  };
  llvm::Expected<std::string> image =
      isolated([&]() -> llvm::Expected<std::string> {
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

llvm::Error readArchive(StringRef bytes, bool withWeights, ModelFile &file) {
  zip_error_t problem;
  zip_error_init(&problem);
  zip_source_t *source =
      zip_source_buffer_create(bytes.data(), bytes.size(), 0, &problem);
  zip_t *archive =
      source
          ? zip_open_from_source(source, ZIP_RDONLY | ZIP_CHECKCONS, &problem)
          : nullptr;
  if (!archive) {
    std::string why = zip_error_strerror(&problem);
    zip_error_fini(&problem);
    if (source)
      zip_source_free(source);
    return createStringError("the archive is damaged: " + why);
  }
  auto close = [&](llvm::Error error) {
    zip_discard(archive);
    return error;
  };
  llvm::Expected<std::string> config =
      readMember(archive, "config.json", maxConfig);
  if (!config)
    return close(config.takeError());
  llvm::Expected<llvm::json::Value> parsed = parsePythonJSON(*config);
  if (!parsed)
    return close(parsed.takeError());
  file.config = std::move(*parsed);
  if (const llvm::json::Object *model = file.config.getAsObject())
    if (const llvm::json::Object *compile = model->getObject("compile_config"))
      file.training = llvm::json::Object(*compile);
  if (llvm::Expected<std::string> metadata =
          readMember(archive, "metadata.json", maxConfig)) {
    if (llvm::Expected<llvm::json::Value> value =
            llvm::json::parse(*metadata)) {
      if (const llvm::json::Object *object = value->getAsObject())
        file.writer =
            "Keras " + object->getString("keras_version").value_or("?").str();
    } else {
      llvm::consumeError(value.takeError());
    }
  } else {
    llvm::consumeError(metadata.takeError());
  }
  if (!withWeights || zip_name_locate(archive, "model.weights.h5", 0) < 0)
    return close(llvm::Error::success());
  llvm::Expected<std::string> weights =
      readMember(archive, "model.weights.h5", maxWeights);
  if (!weights)
    return close(weights.takeError());
  return close(inChild(file, {}, [&]() -> llvm::Error {
    llvm::Expected<std::unique_ptr<Hdf5File>> store = Hdf5File::open(*weights);
    if (!store)
      return createStringError("model.weights.h5: " +
                               llvm::toString(store.takeError()));
    return WeightsReader(**store, file).readStore();
  }));
}

llvm::Error readHdf5(StringRef bytes, bool withWeights, ModelFile &file) {
  std::string config, training, version;
  llvm::Error error =
      inChild(file, {&config, &training, &version}, [&]() -> llvm::Error {
        llvm::Expected<std::unique_ptr<Hdf5File>> source =
            Hdf5File::open(bytes);
        if (!source)
          return source.takeError();
        if (!(*source)->hasAttribute("/", "model_config"))
          return createStringError(
              "the file has weights, but no model: attribute "
              "'model_config' is missing");
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
} // namespace

llvm::Expected<ModelFile> readModelFile(StringRef bytes, bool withWeights) {
  ModelFile file;
  llvm::Error error = llvm::Error::success();
  StringRef start = bytes.ltrim();
  if (bytes.starts_with("PK"))
    error = readArchive(bytes, withWeights, file);
  else if (bytes.starts_with("\x89HDF"))
    error = readHdf5(bytes, withWeights, file);
  else if (start.starts_with("{")) {
    llvm::Expected<llvm::json::Value> parsed = parsePythonJSON(bytes);
    if (parsed) {
      file.config = std::move(*parsed);
      if (const llvm::json::Object *model = file.config.getAsObject())
        if (std::optional<StringRef> version =
                model->getString("keras_version"))
          file.writer = "Keras " + version->str();
    } else {
      error = parsed.takeError();
    }
  } else {
    error = createStringError("it is no model of Keras: neither a .keras "
                              "archive, nor HDF5, nor JSON");
  }
  if (error)
    return std::move(error);
  const llvm::json::Object *model = file.config.getAsObject();
  if (!model || !model->getString("class_name") ||
      !(model->getObject("config") || model->getArray("config")))
    return createStringError("its configuration is that of no model");
  return std::move(file);
}

} // namespace lamina::import
