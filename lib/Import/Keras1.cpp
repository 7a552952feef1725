//===- Keras1.cpp - what Keras 1 called and stored differently ------------===//
//
// After Keras 2's rules for configurations and weights of its predecessor.
//
//===----------------------------------------------------------------------===//

#include "Keras1.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSwitch.h"

namespace lamina::import {

using llvm::StringRef;
using JSONArray = llvm::json::Array;
using JSONObject = llvm::json::Object;
using JSONValue = llvm::json::Value;

//===----------------------------------------------------------------------===//
// Options
//===----------------------------------------------------------------------===//

/// Options that Keras 2 does not have.
static bool isOfKeras1(StringRef layer, const JSONObject &config) {
  if (layer == "GaussianNoise" && config.get("sigma"))
    return true;
  for (StringRef key :
       {"border_mode", "nb_filter", "init", "W_regularizer", "b_regularizer",
        "inner_init", "p", "dim_ordering", "gamma_regularizer", "concat_axis",
        "pool_length", "consume_less"})
    if (config.get(key))
      return key != "gamma_regularizer" || config.get("mode");
  return false;
}

static StringRef currentClass(StringRef name, const JSONObject &config) {
  if (name == "Merge")
    return llvm::StringSwitch<StringRef>(config.getString("mode").value_or(""))
        .Case("sum", "Add")
        .Case("mul", "Multiply")
        .Case("ave", "Average")
        .Case("max", "Maximum")
        .Case("concat", "Concatenate")
        .Cases({"dot", "cos"}, "Dot")
        .Default(name);
  return llvm::StringSwitch<StringRef>(name)
      .Cases({"Convolution1D", "AtrousConvolution1D"}, "Conv1D")
      .Cases({"Convolution2D", "AtrousConvolution2D"}, "Conv2D")
      .Case("Convolution3D", "Conv3D")
      .Case("SeparableConvolution2D", "SeparableConv2D")
      .Case("Deconvolution2D", "Conv2DTranspose")
      .Default(name);
}

/// The name of an option in Keras 2; empty if there is none and none is needed.
static StringRef currentOption(StringRef layer, StringRef key,
                               const JSONValue &value) {
  bool isEmbedding = layer == "Embedding";
  if (key == "init")
    return isEmbedding        ? "embeddings_initializer"
           : layer == "PReLU" ? "alpha_initializer"
                              : "kernel_initializer";
  if (key == "W_regularizer")
    return isEmbedding ? "embeddings_regularizer" : "kernel_regularizer";
  if (key == "W_constraint")
    return isEmbedding ? "embeddings_constraint" : "kernel_constraint";
  if (key == "output_dim" || key == "input_dim")
    return isEmbedding ? key : key == "input_dim" ? "" : "units";
  if (key == "stride" || key.starts_with("subsample"))
    return "strides";
  if (key == "length" && layer == "UpSampling1D")
    return "size";
  if (key == "output_shape" && layer == "Conv2DTranspose")
    return "";
  // Of the batch, in training and in prediction: there is nothing like it.
  if (key == "mode" && layer == "BatchNormalization")
    return value.getAsInteger() == 0 ? "" : "mode";
  return llvm::StringSwitch<StringRef>(key)
      .Case("beta_init", "beta_initializer")
      .Case("gamma_init", "gamma_initializer")
      .Case("depthwise_init", "depthwise_initializer")
      .Case("pointwise_init", "pointwise_initializer")
      .Case("b_regularizer", "bias_regularizer")
      .Case("b_constraint", "bias_constraint")
      .Case("U_regularizer", "recurrent_regularizer")
      .Case("U_constraint", "recurrent_constraint")
      .Case("inner_init", "recurrent_initializer")
      .Case("inner_activation", "recurrent_activation")
      .Case("dropout_W", "dropout")
      .Case("dropout_U", "recurrent_dropout")
      .Case("bias", "use_bias")
      .Case("nb_filter", "filters")
      .Case("border_mode", "padding")
      .Case("filter_length", "kernel_size")
      .Case("pool_length", "pool_size")
      .Case("atrous_rate", "dilation_rate")
      .Case("p", "rate")
      .Case("sigma", "stddev")
      .Case("concat_axis", "axis")
      .Case("dot_axes", "axes")
      .Cases({"nb_row", "nb_col", "kernel_dim1", "kernel_dim2", "kernel_dim3",
              "dim_ordering", "input_length", "consume_less"},
             "")
      .Cases({"forget_bias_init", "mode", "tensor_type", "node_indices",
              "tensor_indices", "node_indices", "output_mask",
              "output_mask_type"},
             "")
      .Default(key);
}

/// {"name": "L1L2Regularizer", "l1": …} becomes {"class_name": "L1L2", …}.
static JSONValue currentObject(const JSONValue &value) {
  const JSONObject *object = value.getAsObject();
  std::optional<StringRef> name =
      object ? object->getString("name") : std::nullopt;
  if (!name || object->get("class_name"))
    return value;
  JSONObject fields;
  for (const auto &[key, item] : *object)
    if (key != "name")
      fields[key.str() == "m" ? "max_value" : key.str()] = item;
  StringRef type = llvm::StringSwitch<StringRef>(*name)
                       .Cases({"L1L2Regularizer", "WeightRegularizer",
                               "ActivityRegularizer"},
                              "L1L2")
                       .Default(*name);
  return JSONObject{{"class_name", type.str()}, {"config", std::move(fields)}};
}

static JSONObject currentConfig(StringRef layer, const JSONObject &config) {
  JSONObject result;
  for (const auto &[key, item] : config) {
    StringRef name = currentOption(layer, key, item);
    if (!name.empty())
      result[name.str()] = currentObject(item);
  }
  JSONArray sizes;
  for (StringRef key :
       {"nb_row", "nb_col", "kernel_dim1", "kernel_dim2", "kernel_dim3"})
    if (const JSONValue *size = config.get(key))
      sizes.push_back(*size);
  if (!sizes.empty())
    result["kernel_size"] = std::move(sizes);
  if (std::optional<StringRef> order = config.getString("dim_ordering"))
    result["data_format"] = *order == "th" ? "channels_first" : "channels_last";
  if (std::optional<StringRef> first = config.getString("forget_bias_init"))
    result["unit_forget_bias"] = *first == "one";
  if (layer == "Dot" && config.getString("mode") == "cos")
    result["normalize"] = true;
  if (layer == "BatchNormalization" && config.getInteger("mode") == 0)
    result.erase("mode");
  return result;
}

bool modernizeLayers(JSONValue &value) {
  if (JSONArray *list = value.getAsArray()) {
    bool any = false;
    for (JSONValue &each : *list)
      any |= modernizeLayers(each);
    return any;
  }
  JSONObject *layer = value.getAsObject();
  if (!layer)
    return false;
  JSONValue *inside = layer->get("config");
  if (!inside || !layer->getString("class_name"))
    return false;
  if (inside->getAsArray()) // a Sequential model
    return modernizeLayers(*inside);
  JSONObject *config = inside->getAsObject();
  if (!config)
    return false;
  bool any = false;
  for (StringRef key : {"layers", "layer", "backward_layer", "cell", "cells"})
    if (JSONValue *inner = config->get(key))
      any |= modernizeLayers(*inner);
  StringRef name = *layer->getString("class_name");
  if (!isOfKeras1(name, *config))
    return any;
  // Merge's own models have no place between the others.
  const JSONArray *models = config->getArray("layers");
  std::string current = models && !models->empty()
                            ? name.str()
                            : currentClass(name, *config).str();
  JSONObject fields = currentConfig(current, *config);
  *inside = std::move(fields);
  (*layer)["class_name"] = std::move(current);
  return true;
}

//===----------------------------------------------------------------------===//
// Weights
//===----------------------------------------------------------------------===//

/// Axis i of the result is axis `order[i]` of the array.
static NDArray transposed(const NDArray &array, llvm::ArrayRef<int> order) {
  llvm::SmallVector<int64_t> shape, strides(array.rank(), 1);
  for (int axis : order)
    shape.push_back(array.shape()[axis]);
  for (unsigned i = array.rank(); i-- > 1;)
    strides[i - 1] = strides[i] * array.shape()[i];
  NDArray result(array.dtype(), shape);
  for (int64_t i = 0; i < result.size(); ++i) {
    int64_t rest = i, from = 0;
    for (unsigned axis = shape.size(); axis-- > 0; rest /= shape[axis])
      from += rest % shape[axis] * strides[order[axis]];
    result.setDouble(i, array.getDouble(from));
  }
  return result;
}

/// One behind the other along the last axis; nothing if they do not fit.
static std::optional<NDArray>
concatenated(llvm::ArrayRef<const NDArray *> parts) {
  llvm::SmallVector<int64_t> shape(parts[0]->shape());
  if (shape.empty())
    return std::nullopt;
  int64_t columns = shape.back();
  for (const NDArray *part : parts)
    if (part->shape() != parts[0]->shape())
      return std::nullopt;
  shape.back() = columns * int64_t(parts.size());
  NDArray result(parts[0]->dtype(), shape);
  for (size_t k = 0; k < parts.size(); ++k)
    for (int64_t i = 0; i < parts[k]->size(); ++i)
      result.setDouble(i / columns * shape.back() + int64_t(k) * columns +
                           i % columns,
                       parts[k]->getDouble(i));
  return result;
}

/// The kernels, recurrent kernels and biases of gates as three arrays.
static bool joinGates(NamedArrays &arrays, llvm::ArrayRef<unsigned> gates) {
  NamedArrays joined;
  for (unsigned part = 0; part < 3; ++part) {
    llvm::SmallVector<const NDArray *> parts;
    for (unsigned gate : gates)
      parts.push_back(&arrays[gate * 3 + part].second);
    std::optional<NDArray> array = concatenated(parts);
    if (!array)
      return false;
    joined.emplace_back(arrays[part].first, std::move(*array));
  }
  arrays = std::move(joined);
  return true;
}

/// The axes of a kernel of Keras 1 in Keras 2's order; empty if it is the same.
static llvm::SmallVector<int> kernelOrder(StringRef layer, bool channelsFirst) {
  if (layer == "Conv2D" && channelsFirst)
    return {2, 3, 1, 0};
  if (layer == "Conv3D" && channelsFirst)
    return {2, 3, 4, 1, 0};
  if (layer == "Conv2DTranspose")
    return channelsFirst ? llvm::SmallVector<int>{2, 3, 0, 1}
                         : llvm::SmallVector<int>{0, 1, 3, 2};
  return {};
}

static bool modernizeArrays(const JSONObject &layer, NamedArrays &arrays) {
  StringRef type = layer.getString("class_name").value_or("");
  const JSONObject *config = layer.getObject("config");
  if (!config || arrays.empty())
    return true;
  if (type == "TimeDistributed") {
    const JSONObject *inner = config->getObject("layer");
    return !inner || modernizeArrays(*inner, arrays);
  }
  if (type == "Bidirectional") {
    const JSONObject *inner = config->getObject("layer");
    if (!inner)
      return true;
    NamedArrays backward(arrays.begin() + arrays.size() / 2, arrays.end());
    arrays.resize(arrays.size() / 2);
    if (!modernizeArrays(*inner, arrays) || !modernizeArrays(*inner, backward))
      return false;
    for (auto &each : backward)
      arrays.push_back(std::move(each));
    return true;
  }
  // Gates in the order input, cell, forget, output; update, reset, candidate.
  if (type == "LSTM" && arrays.size() == 12)
    return joinGates(arrays, {0, 2, 1, 3});
  if (type == "GRU" && arrays.size() == 9)
    return joinGates(arrays, {0, 1, 2});
  NDArray &kernel = arrays[0].second;
  if (type == "Conv1D" && kernel.rank() == 4) {
    // Length, 1, inputs, outputs; before 1.2 outputs, inputs, length, 1.
    std::optional<int64_t> filters = config->getInteger("filters");
    bool isCurrent = kernel.shape()[1] == 1 && kernel.shape()[3] == filters;
    if (!isCurrent)
      kernel = transposed(kernel, {2, 3, 1, 0});
    if (kernel.shape()[1] != 1)
      return false;
    NDArray plain(kernel.dtype(),
                  {kernel.shape()[0], kernel.shape()[2], kernel.shape()[3]});
    for (int64_t i = 0; i < plain.size(); ++i)
      plain.setDouble(i, kernel.getDouble(i));
    kernel = std::move(plain);
    return true;
  }
  llvm::SmallVector<int> order =
      kernelOrder(type, config->getString("data_format") == "channels_first");
  if (order.empty())
    return true;
  if (kernel.rank() != order.size())
    return false;
  kernel = transposed(kernel, order);
  return true;
}

/// The layers of a model and of those inside of it by name.
static void collect(const JSONValue &value,
                    llvm::StringMap<const JSONObject *> &layers) {
  if (const JSONArray *list = value.getAsArray())
    for (const JSONValue &each : *list)
      collect(each, layers);
  const JSONObject *layer = value.getAsObject();
  const JSONValue *inside = layer ? layer->get("config") : nullptr;
  if (!inside)
    return;
  const JSONObject *config = inside->getAsObject();
  if (const JSONValue *inner = config ? config->get("layers") : inside)
    collect(*inner, layers);
  if (config)
    if (std::optional<StringRef> name = config->getString("name"))
      layers[*name] = layer;
}

llvm::Error modernizeWeights(ModelFile &file) {
  llvm::StringMap<const JSONObject *> layers;
  collect(file.config, layers);
  for (LayerWeights &weights : file.weights) {
    const JSONObject *layer = layers.lookup(weights.layer);
    if (layer && !modernizeArrays(*layer, weights.arrays))
      return llvm::createStringError(
          "the weights of layer '" + llvm::Twine(weights.layer) +
          "' do not have the shapes that Keras 1 gave them");
  }
  return llvm::Error::success();
}

} // namespace lamina::import
