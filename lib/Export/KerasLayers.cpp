//===- KerasLayers.cpp - layers that Keras has ----------------------------===//

#include "KerasLayers.h"
#include "llvm/ADT/StringMap.h"

using namespace mlir;
namespace json = llvm::json;

namespace lamina {

//===----------------------------------------------------------------------===//
// Options
//===----------------------------------------------------------------------===//

static constexpr const char *dense =
    "units activation use_bias kernel_initializer bias_initializer "
    "kernel_regularizer bias_regularizer activity_regularizer "
    "kernel_constraint bias_constraint";
static constexpr const char *conv =
    "filters kernel_size strides padding data_format dilation_rate groups "
    "activation use_bias kernel_initializer bias_initializer "
    "kernel_regularizer bias_regularizer activity_regularizer "
    "kernel_constraint bias_constraint";
static constexpr const char *depthwise =
    "kernel_size strides padding depth_multiplier data_format dilation_rate "
    "activation use_bias bias_initializer bias_regularizer "
    "activity_regularizer bias_constraint depthwise_initializer "
    "depthwise_regularizer depthwise_constraint";
static constexpr const char *separable =
    "filters kernel_size strides padding depth_multiplier data_format "
    "dilation_rate activation use_bias bias_initializer bias_regularizer "
    "activity_regularizer bias_constraint depthwise_initializer "
    "depthwise_regularizer depthwise_constraint pointwise_initializer "
    "pointwise_regularizer pointwise_constraint";
static constexpr const char *transposed =
    "filters kernel_size strides padding output_padding data_format "
    "dilation_rate activation use_bias kernel_initializer bias_initializer "
    "kernel_regularizer bias_regularizer activity_regularizer "
    "kernel_constraint bias_constraint";
static constexpr const char *pooling = "pool_size strides padding data_format";
static constexpr const char *normalization =
    "axis momentum epsilon center scale groups beta_initializer "
    "gamma_initializer beta_regularizer gamma_regularizer beta_constraint "
    "gamma_constraint moving_mean_initializer moving_variance_initializer";
static constexpr const char *recurrent =
    "return_sequences return_state go_backwards unroll zero_output_for_mask "
    "activity_regularizer";
static constexpr const char *cell =
    "units activation recurrent_activation use_bias kernel_initializer "
    "recurrent_initializer bias_initializer kernel_regularizer "
    "recurrent_regularizer bias_regularizer kernel_constraint "
    "recurrent_constraint bias_constraint dropout recurrent_dropout "
    "reset_after unit_forget_bias";

static constexpr const char *convolution =
    "kernel_size strides padding data_format dilation_rate";

/// The classes whose layers are kept, and the options that they have in common
/// with Keras's. What is called with further tensors or options (attention) is
/// not here: its calls are written as operations.
static const llvm::StringMap<StringRef> &layerOptions() {
  static const llvm::StringMap<StringRef> table = {
      {"Dense", dense},
      {"Activation", "activation"},
      {"Identity", ""},
      {"ReLU", "max_value negative_slope threshold"},
      {"LeakyReLU", "negative_slope"},
      {"ELU", "alpha"},
      {"Flatten", "data_format"},
      {"Permute", "dims"},
      {"RepeatVector", "n"},
      {"Rescaling", "scale offset"},
      {"ZeroPadding1D", "padding"},
      {"ZeroPadding2D", "padding data_format"},
      {"ZeroPadding3D", "padding data_format"},
      {"Cropping1D", "cropping"},
      {"Cropping2D", "cropping data_format"},
      {"Cropping3D", "cropping data_format"},
      {"UpSampling1D", "size"},
      {"UpSampling2D", "size data_format interpolation"},
      {"UpSampling3D", "size data_format"},
      {"Add", ""},
      {"Subtract", ""},
      {"Multiply", ""},
      {"Average", ""},
      {"Maximum", ""},
      {"Minimum", ""},
      {"Concatenate", "axis"},
      {"Dot", "axes normalize"},
      {"Embedding", "input_dim output_dim embeddings_initializer "
                    "embeddings_regularizer embeddings_constraint"},
      {"Conv1D", conv},
      {"Conv2D", conv},
      {"Conv3D", conv},
      {"DepthwiseConv1D", depthwise},
      {"DepthwiseConv2D", depthwise},
      {"SeparableConv1D", separable},
      {"SeparableConv2D", separable},
      {"Conv1DTranspose", transposed},
      {"Conv2DTranspose", transposed},
      {"Conv3DTranspose", transposed},
      {"MaxPooling1D", pooling},
      {"MaxPooling2D", pooling},
      {"MaxPooling3D", pooling},
      {"AveragePooling1D", pooling},
      {"AveragePooling2D", pooling},
      {"AveragePooling3D", pooling},
      {"GlobalMaxPooling1D", "data_format keepdims"},
      {"GlobalMaxPooling2D", "data_format keepdims"},
      {"GlobalMaxPooling3D", "data_format keepdims"},
      {"GlobalAveragePooling1D", "data_format keepdims"},
      {"GlobalAveragePooling2D", "data_format keepdims"},
      {"GlobalAveragePooling3D", "data_format keepdims"},
      {"BatchNormalization", normalization},
      {"LayerNormalization", normalization},
      {"GroupNormalization", normalization},
      {"UnitNormalization", "axis"},
      {"Dropout", "rate noise_shape"},
      {"SpatialDropout1D", "rate"},
      {"SpatialDropout2D", "rate"},
      {"SpatialDropout3D", "rate"},
      {"AlphaDropout", "rate noise_shape"},
      {"GaussianDropout", "rate"},
      {"GaussianNoise", "stddev"},
      {"ActivityRegularization", "l1 l2"},
      {"SimpleRNN", recurrent},
      {"LSTM", recurrent},
      {"GRU", recurrent},
      {"RNN", recurrent},
      {"ConvLSTM1D", recurrent},
      {"ConvLSTM2D", recurrent},
      {"ConvLSTM3D", recurrent},
      {"Bidirectional", "merge_mode"},
      {"TimeDistributed", ""}};
  return table;
}

bool takesList(StringRef className) {
  return llvm::is_contained({"Add", "Subtract", "Multiply", "Average",
                             "Maximum", "Minimum", "Concatenate", "Dot"},
                            className);
}

bool isRecurrent(StringRef className) {
  return className.starts_with("ConvLSTM") ||
         llvm::is_contained(
             {"SimpleRNN", "LSTM", "GRU", "RNN", "Bidirectional"}, className);
}

/// A number, text, list or object; null for None.
static json::Value jsonOf(Attribute value) {
  if (auto number = dyn_cast<BoolAttr>(value))
    return number.getValue();
  if (auto number = dyn_cast<IntegerAttr>(value))
    return number.getInt();
  if (auto number = dyn_cast<FloatAttr>(value))
    return number.getValueAsDouble();
  if (auto text = dyn_cast<StringAttr>(value))
    return text.getValue();
  if (auto array = dyn_cast<ArrayAttr>(value)) {
    json::Array result;
    for (Attribute item : array)
      result.push_back(jsonOf(item));
    return result;
  }
  if (auto dict = dyn_cast<DictionaryAttr>(value)) {
    json::Object result;
    for (NamedAttribute item : dict)
      result[item.getName().getValue()] = jsonOf(item.getValue());
    return result;
  }
  return nullptr;
}

static bool isActivation(StringRef name) {
  return llvm::is_contained(
      {"linear",     "relu",        "relu6",       "sigmoid",
       "tanh",       "softmax",     "softplus",    "softsign",
       "silu",       "swish",       "gelu",        "elu",
       "selu",       "exponential", "leaky_relu",  "hard_sigmoid",
       "hard_silu",  "hard_swish",  "mish",        "log_softmax",
       "celu",       "glu",         "log_sigmoid", "hard_tanh",
       "tanh_shrink"},
      name);
}

/// A regularizer or constraint as Keras writes it.
static json::Value penaltyOf(StringRef key, Attribute value) {
  auto dict = dyn_cast<DictionaryAttr>(value);
  auto className = dict ? dict.getAs<StringAttr>("class_name") : StringAttr();
  auto config = dict ? dict.getAs<DictionaryAttr>("config") : DictionaryAttr();
  bool isKnown = className && config &&
                 llvm::is_contained(
                     {"L1", "L2", "L1L2", "MaxNorm", "UnitNorm", "MinMaxNorm"},
                     className.getValue());
  if (!isKnown)
    return isa<StringAttr>(value) ? jsonOf(value) : json::Value(nullptr);
  bool isConstraint = key.ends_with("constraint");
  return json::Object{
      {"module", isConstraint ? "keras.constraints" : "keras.regularizers"},
      {"class_name", className.getValue()},
      {"config", jsonOf(config)},
      {"registered_name", nullptr}};
}

/// Adds those of the options that there are; false if one is not Keras's.
static bool addOptions(StringRef options, DictionaryAttr config,
                       json::Object &result) {
  llvm::SmallVector<StringRef> keys;
  options.split(keys, ' ', -1, false);
  for (StringRef key : keys) {
    Attribute value = config.get(key);
    if (!value)
      continue;
    if (key.ends_with("activation")) {
      auto name = dyn_cast<StringAttr>(value);
      if (!name || !isActivation(name.getValue()))
        return false;
    }
    if (key.ends_with("regularizer") || key.ends_with("constraint"))
      result[key] = penaltyOf(key, value);
    else if (!key.ends_with("initializer")) // the values are in the file
      result[key] = jsonOf(value);
  }
  return true;
}

static std::pair<StringRef, DictionaryAttr> partOf(DictionaryAttr config,
                                                   StringRef key) {
  auto part = config.getAs<DictionaryAttr>(key);
  auto className = part ? part.getAs<StringAttr>("class_name") : StringAttr();
  auto inner = part ? part.getAs<DictionaryAttr>("config") : DictionaryAttr();
  if (!className || !inner)
    return {"", {}};
  return {className.getValue(), inner};
}

/// A layer in another one.
static json::Value wrapped(KerasLayer layer) {
  return json::Object{{"module", "keras.layers"},
                      {"class_name", std::move(layer.className)},
                      {"config", std::move(layer.config)},
                      {"registered_name", nullptr}};
}

std::optional<KerasLayer> kerasLayer(StringRef className,
                                     DictionaryAttr config) {
  auto options = layerOptions().find(className);
  KerasLayer layer{className.str(), {}};
  json::Object &result = layer.config;
  if (options == layerOptions().end() ||
      !addOptions(options->second, config, result))
    return std::nullopt;
  if (llvm::is_contained({"SimpleRNN", "LSTM", "GRU", "RNN"}, className)) {
    auto [cellClass, inner] = partOf(config, "cell");
    bool isKnown =
        llvm::is_contained({"SimpleRNNCell", "LSTMCell", "GRUCell"}, cellClass);
    if (!isKnown || !addOptions(cell, inner, result))
      return std::nullopt;
    // An RNN with the cell of a layer is that layer.
    layer.className = cellClass.drop_back(StringRef("Cell").size()).str();
    if (layer.className == "SimpleRNN")
      result.erase("recurrent_activation");
  } else if (className.starts_with("ConvLSTM")) {
    auto [cellClass, inner] = partOf(config, "cell");
    auto filters = inner ? inner.getAs<IntegerAttr>("units") : IntegerAttr();
    if (!filters || !addOptions(cell, inner, result) ||
        !addOptions(convolution, inner, result))
      return std::nullopt;
    result["filters"] = filters.getInt();
    result.erase("units");
  } else if (className == "Bidirectional" || className == "TimeDistributed") {
    auto add = [&](StringRef from, StringRef to) {
      auto [innerClass, innerConfig] = partOf(config, from);
      std::optional<KerasLayer> inner =
          innerClass.empty() ? std::nullopt
                             : kerasLayer(innerClass, innerConfig);
      if (inner)
        result[to] = wrapped(std::move(*inner));
      return inner.has_value();
    };
    bool isBoth = className == "Bidirectional";
    if (!add(isBoth ? "forward_layer" : "layer", "layer") ||
        (isBoth && !add("backward_layer", "backward_layer")))
      return std::nullopt;
    // Keras's own default for the mode is 'concat', not none.
    if (isBoth && !result.get("merge_mode"))
      result["merge_mode"] = nullptr;
  } else if (className == "ZeroPadding1D" || className == "Cropping1D") {
    // One pair is a pair.
    for (StringRef key : {"padding", "cropping"})
      if (json::Array *pairs = result.getArray(key);
          pairs && pairs->size() == 1) {
        json::Value only = (*pairs)[0];
        result[key] = std::move(only);
      }
  }
  return layer;
}

SmallVector<std::pair<std::string, unsigned>>
weightGroups(StringRef className, DictionaryAttr config, unsigned count) {
  auto within = [&](StringRef part, unsigned many) {
    auto [innerClass, inner] = partOf(config, part);
    auto groups = weightGroups(innerClass, inner, many);
    for (auto &[group, size] : groups)
      group = (part + "/" + group).str();
    return groups;
  };
  if (className == "Bidirectional") {
    auto groups = within("forward_layer", count / 2);
    llvm::append_range(groups, within("backward_layer", count - count / 2));
    return groups;
  }
  if (className == "TimeDistributed")
    return within("layer", count);
  if (isRecurrent(className))
    return {{"cell/vars", count}};
  return {{"vars", count}};
}

} // namespace lamina
