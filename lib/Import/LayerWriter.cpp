//===- LayerWriter.cpp - layers and their options -------------------------===//

#include "ModelWriter.h"
#include "lamina/Frontend/Library.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"

namespace lamina::import {

using llvm::StringRef;

//===----------------------------------------------------------------------===//
// Options
//===----------------------------------------------------------------------===//

/// Options that say nothing about what a layer computes here.
static bool isIrrelevant(StringRef key) {
  return llvm::is_contained({"name",
                             "build_config",
                             "registered_name",
                             "sparse",
                             "ragged",
                             "optional",
                             "quantization_config",
                             "synchronized",
                             "implementation",
                             "unroll",
                             "autocast",
                             "batch_input_shape",
                             "batch_shape",
                             "input_dtype",
                             "function_type",
                             "output_shape_type",
                             "mask_type",
                             "module",
                             "output_shape_module",
                             "mask_module",
                             "shared_object_id",
                             "renorm_momentum",
                             "use_fast_variance",
                             "supports_masking"},
                            key);
}

/// Is it what the layer does anyhow? Shorter programs are better ones.
bool ModelWriter::isDefault(StringRef className, StringRef key,
                            const JSONValue &json) const {
  if (json.getAsNull())
    return true;
  if (key == "trainable" || key == "use_bias" || key == "center" ||
      key == "scale")
    return json.getAsBoolean() == true;
  const JSONObject *found = json.getAsObject();
  StringRef named = found ? found->getString("class_name").value_or("")
                          : json.getAsString().value_or("");
  const JSONObject *fields = found ? found->getObject("config") : nullptr;
  bool isRecurrent =
      llvm::is_contained({"LSTM", "GRU", "SimpleRNN", "ConvLSTM2D"}, className);
  if (key == "activation")
    return named == "linear" && !isRecurrent && className != "Activation";
  if (key == "dtype")
    return named == "float32" ||
           (fields && fields->getString("name") == "float32");
  if (key == "padding")
    return named == "valid";
  if (key == "data_format")
    return named == "channels_last";
  if (key == "kernel_initializer") {
    if (named == "GlorotUniform" || named == "glorot_uniform")
      return true;
    return named == "VarianceScaling" && fields &&
           fields->getString("mode") == "fan_avg" &&
           fields->getString("distribution") == "uniform";
  }
  if (key == "bias_initializer" || key == "beta_initializer" ||
      key == "moving_mean_initializer")
    return named == "Zeros" || named == "zeros" || named == "zero";
  if (key == "gamma_initializer" || key == "moving_variance_initializer")
    return named == "Ones" || named == "ones" || named == "one";
  return false;
}

/// The parameters of a class of the library; empty if it takes those of
/// another.
static llvm::SmallVector<StringRef> parametersOf(StringRef className) {
  llvm::SmallVector<StringRef> result;
  const Library::Definition *definition = Library::get().find("", className);
  if (!definition)
    return result;
  StringRef text = definition->text;
  size_t begin = text.find("def __init__(self");
  if (begin == StringRef::npos)
    return result;
  text = text.substr(begin);
  text = text.take_front(text.find("):\n"));
  llvm::SmallVector<StringRef> parts;
  text.drop_front(StringRef("def __init__(self").size()).split(parts, ',');
  bool passesOn = false;
  for (StringRef part : parts) {
    passesOn |= part.trim() == "**kwargs";
    if (StringRef name = part.trim().split('=').first.trim(" *"); isName(name))
      result.push_back(name);
  }
  // What goes on to the base class.
  StringRef base = definition->text.take_until([](char c) { return c == ':'; });
  base = base.split('(').second.split(')').first;
  if (passesOn && isName(base) && base != "Layer")
    for (StringRef name : parametersOf(base))
      if (!llvm::is_contained(result, name))
        result.push_back(name);
  return result;
}

std::string ModelWriter::constructor(StringRef className, StringRef space,
                                     const JSONObject &config,
                                     StringRef layer) {
  llvm::SmallVector<StringRef> known = parametersOf(className);
  // In the order of the parameters, so that the program reads like one.
  llvm::SmallVector<StringRef> keys;
  for (const auto &[key, item] : config)
    keys.push_back(key);
  llvm::sort(keys, [&](StringRef a, StringRef b) {
    return std::pair(llvm::find(known, a) - known.begin(), a) <
           std::pair(llvm::find(known, b) - known.begin(), b);
  });
  std::vector<std::string> arguments;
  for (StringRef key : keys) {
    const JSONValue &item = *config.get(key);
    if (isIrrelevant(key) || isDefault(className, key, item) || !isName(key))
      continue;
    bool isBase =
        llvm::is_contained({"trainable", "dtype", "activity_regularizer"}, key);
    if (!known.empty() && !llvm::is_contained(known, key) && !isBase) {
      std::optional<bool> truth = item.getAsBoolean();
      if (truth == false)
        continue;
      fail("layer '" + layer + "' (" + className + "): its option '" + key +
           "' is not supported");
      continue;
    }
    std::string content;
    const JSONObject *inner = item.getAsObject();
    if ((key == "layer" || key == "backward_layer" || key == "cell") && inner)
      content = this->layer(*inner);
    else if (const JSONArray *cells = item.getAsArray();
             cells && (key == "cells" || key == "cell"))
      content = layerList(*cells);
    else
      content = text(value(item, key));
    arguments.push_back(key.str() + "=" + content);
  }
  // What the first versions did, which had no such option.
  if (isBeforeKeras3 && className.starts_with("GRU") &&
      !config.get("reset_after"))
    arguments.push_back("reset_after=False");
  if (std::optional<StringRef> name = config.getString("name"))
    arguments.push_back("name=" + text(tree.string(*name)));
  const JSONValue *shape = config.get("batch_input_shape");
  if (shape && shape->getAsArray())
    arguments.push_back("batch_input_shape=" + text(value(*shape, "shape")));
  return (space.empty() ? "" : space.str() + ".") + className.str() + "(" +
         llvm::join(arguments, ", ") + ")";
}

std::string ModelWriter::layerList(const JSONArray &cells) {
  std::vector<std::string> each;
  for (const JSONValue &cell : cells)
    if (const JSONObject *object = cell.getAsObject())
      each.push_back(layer(*object));
  return "[" + llvm::join(each, ", ") + "]";
}

/// The expression that makes a layer.
std::string ModelWriter::layer(const JSONObject &json) {
  static const JSONObject nothing;
  StringRef className = json.getString("class_name").value_or("");
  const JSONObject *found = json.getObject("config");
  const JSONObject &config = found ? *found : nothing;
  StringRef name = config.getString("name").value_or(
      json.getString("name").value_or(className));
  if (config.getArray("layers") || json.getArray("config")) {
    if (depth > 40) {
      fail("models are nested too deeply");
      return "";
    }
    ++depth;
    std::string result = model(json, false);
    --depth;
    return result;
  }
  if (className == "Lambda") {
    std::vector<std::string> arguments{function(config, "function", name)};
    for (StringRef key : {"output_shape", "mask"})
      if (std::string content = function(config, key, name); !content.empty())
        arguments.push_back((key + "=").str() + content);
    const JSONObject *extra = config.getObject("arguments");
    if (extra && !extra->empty())
      arguments.push_back("arguments=" + text(object(*extra, "arguments")));
    if (const JSONValue *dtype = config.get("dtype");
        dtype && !isDefault(className, "dtype", *dtype))
      arguments.push_back("dtype=" + text(value(*dtype, "dtype")));
    arguments.push_back("name=" + text(tree.string(name)));
    if (const JSONValue *shape = config.get("batch_input_shape");
        shape && shape->getAsArray())
      arguments.push_back("batch_input_shape=" + text(value(*shape, "shape")));
    return "Lambda(" + llvm::join(arguments, ", ") + ")";
  }
  // Names that Keras has changed since.
  StringRef current = llvm::StringSwitch<StringRef>(className)
                          .Case("BatchNormalizationV1", "BatchNormalization")
                          .Case("SyncBatchNormalization", "BatchNormalization")
                          .Default(className);
  if (!isName(current) || !Library::get().find("", current) ||
      !llvm::isUpper(current[0])) {
    unknown.insert(className);
    return "None";
  }
  return constructor(current, "", config, name);
}

} // namespace lamina::import
