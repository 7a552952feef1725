//===- ModelFile.cpp - what is in a file that Keras saved -----------------===//

#include "lamina/Import/ModelFile.h"
#include "Keras1.h"
#include "WeightsReader.h"
#include "llvm/ADT/StringExtras.h"
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
                  (llvm::isLower(name[i - 1]) ||
                   (i + 1 < name.size() && llvm::isLower(name[i + 1])));
    if (begins)
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
// Files
//===----------------------------------------------------------------------===//

namespace {
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
  return close(readStoredWeights(*weights, file));
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
  // TensorFlow.js puts the model into an object of its own.
  for (StringRef key : {"modelTopology", "model_config"})
    if (llvm::json::Object *outer = file.config.getAsObject())
      if (llvm::json::Value *inner = outer->get(key)) {
        llvm::json::Value kept = std::move(*inner);
        file.config = std::move(kept);
      }
  const llvm::json::Object *model = file.config.getAsObject();
  if (!model || !model->getString("class_name") ||
      !(model->getObject("config") || model->getArray("config")))
    return createStringError("its configuration is that of no model");
  file.isKeras1 = modernizeLayers(file.config);
  if (file.isKeras1)
    if (llvm::Error failure = modernizeWeights(file))
      return std::move(failure);
  return std::move(file);
}

} // namespace lamina::import
