//===- FunctionalWriter.cpp - models as graphs of calls -------------------===//

#include "ModelWriter.h"
#include "lamina/Frontend/Library.h"
#include "llvm/ADT/StringExtras.h"

namespace lamina::import {

using llvm::StringRef;

/// Keras 2 refers to a tensor by [layer, call, output] or with keywords behind;
/// Keras 3 by objects. Both become the latter.
static JSONValue referencesToTensors(const JSONValue &value,
                                     unsigned depth = 0) {
  const JSONArray *list = value.getAsArray();
  if (!list || depth > 50)
    return value;
  bool isReference = list->size() >= 3 && (*list)[0].getAsString() &&
                     (*list)[1].getAsInteger() && (*list)[2].getAsInteger();
  if (isReference)
    return JSONObject{{"class_name", "__keras_tensor__"},
                      {"config", JSONObject{{"keras_history",
                                             JSONArray{(*list)[0], (*list)[1],
                                                       (*list)[2]}}}}};
  JSONArray result;
  for (const JSONValue &item : *list)
    result.push_back(referencesToTensors(item, depth + 1));
  return result;
}

/// Collects the layers of which more than the first output is used.
static void findSeveral(const JSONValue &value, llvm::StringSet<> &several,
                        unsigned depth = 0) {
  if (depth > 500)
    return;
  if (const JSONObject *object = value.getAsObject()) {
    for (const auto &[key, item] : *object)
      findSeveral(item, several, depth + 1);
    return;
  }
  const JSONArray *list = value.getAsArray();
  if (!list)
    return;
  if (list->size() >= 3 && (*list)[0].getAsString() &&
      (*list)[1].getAsInteger() && (*list)[2].getAsInteger().value_or(0) > 0)
    several.insert(*(*list)[0].getAsString());
  for (const JSONValue &item : *list)
    findSeveral(item, several, depth + 1);
}

/// Are all tensors that `value` refers to made?
static bool isReady(const JSONValue &value,
                    llvm::function_ref<bool(const JSONArray &)> isMade) {
  if (const JSONArray *list = value.getAsArray())
    return llvm::all_of(
        *list, [&](const JSONValue &item) { return isReady(item, isMade); });
  const JSONObject *object = value.getAsObject();
  if (!object)
    return true;
  if (object->getString("class_name") == "__keras_tensor__") {
    const JSONObject *config = object->getObject("config");
    const JSONArray *history =
        config ? config->getArray("keras_history") : nullptr;
    return !history || history->size() != 3 || isMade(*history);
  }
  return llvm::all_of(*object, [&](const auto &entry) {
    return isReady(entry.second, isMade);
  });
}

/// A call as Keras 3 writes it: {"args": […], "kwargs": {…}}.
static JSONObject normalized(const JSONValue &node) {
  if (const JSONObject *object = node.getAsObject())
    return *object;
  JSONArray inputs;
  JSONObject keywords;
  if (const JSONArray *list = node.getAsArray()) {
    auto add = [&](const JSONArray &reference) {
      inputs.push_back(referencesToTensors(JSONValue(JSONArray(reference))));
      if (const JSONObject *extra =
              reference.size() > 3 ? reference[3].getAsObject() : nullptr)
        for (const auto &[key, value] : *extra)
          keywords[key] = referencesToTensors(value);
    };
    if (!list->empty() && (*list)[0].getAsString())
      add(*list);
    else
      for (const JSONValue &item : *list)
        if (item.getAsArray())
          add(*item.getAsArray());
  }
  JSONArray arguments;
  if (inputs.size() == 1)
    arguments.push_back(inputs[0]);
  else
    arguments.push_back(std::move(inputs));
  return JSONObject{{"args", std::move(arguments)},
                    {"kwargs", std::move(keywords)}};
}

/// Is it an operation of keras.ops, or of TensorFlow, that Keras saved as a
/// layer?
static bool isOperation(const JSONObject &layer) {
  StringRef type = layer.getString("class_name").value_or("");
  StringRef module = layer.getString("module").value_or("");
  if (module.contains(".ops") || type == "TFOpLambda" ||
      type == "SlicingOpLambda")
    return true;
  // Legacy files do not say where a class is.
  return module.empty() && !Library::get().find("", type) &&
         (type == "GetItem" ||
          Library::get().resolve("keras.ops", snakeCase(type)));
}

/// Writes one call of a layer, and records its tensors.
bool ModelWriter::callLayer(const JSONObject &layer, const JSONValue &node,
                            int64_t index, StringRef callee,
                            const llvm::StringSet<> &several, Tensors &made) {
  const JSONObject *found = node.getAsObject();
  StringRef type = layer.getString("class_name").value_or("");
  bool isCall = isOperation(layer);
  const JSONObject *config = layer.getObject("config");
  std::string name =
      layer.getString("name")
          .value_or(config ? config->getString("name").value_or(type) : type)
          .str();
  std::vector<std::string> arguments;
  Expr *first = nullptr;
  std::vector<Expr *> positional;
  if (const JSONArray *list = found->getArray("args"))
    for (const JSONValue &item : *list) {
      positional.push_back(
          value(item, item.getAsArray() && isCall
                          ? type == "GetItem" ? "index" : "shape"
                          : "args"));
      arguments.push_back(text(positional.back()));
    }
  first = positional.empty() ? nullptr : positional[0];
  if (const JSONObject *keywords = found->getObject("kwargs")) {
    for (const auto &[key, item] : *keywords) {
      if (item.getAsNull() ||
          ((StringRef(key) == "training" || StringRef(key) == "mask") &&
           item.getAsBoolean() == false))
        continue;
      Expr *content = value(item, "args");
      if (!first && arguments.empty())
        first = content;
      if (isName(key))
        arguments.push_back(StringRef(key).str() + "=" + text(content));
    }
  }
  std::string call;
  if (isCall) {
    // An operation: its options are arguments, too.
    if (config && type != "TFOpLambda" && type != "SlicingOpLambda")
      for (const auto &[key, item] : *config)
        if (StringRef(key) != "name" && !item.getAsNull() && isName(key) &&
            (StringRef(key) != "dtype" || item.getAsString())) {
          std::string option = text(value(item, key));
          if (StringRef(key) == "subscripts") // is in front of any tensors
            arguments.insert(arguments.begin(), option);
          else
            arguments.push_back(StringRef(key).str() + "=" + option);
        }
    StringRef function =
        config ? config->getString("function").value_or("") : "";
    if (!isName(type) ||
        !llvm::all_of(llvm::split(function, '.'), [&](StringRef part) {
          return part.empty() || isName(part);
        }))
      fail("layer '" + name + "' is no operation");
    if ((type == "GetItem" || function == "__operators__.getitem") &&
        positional.size() == 2)
      call = text(tree.subscript(positional[0], positional[1]));
    else if (!function.empty())
      call = "tf." + function.str() + "(" + llvm::join(arguments, ", ") + ")";
    else
      call = "keras.ops." + snakeCase(type) + "(" +
             llvm::join(arguments, ", ") + ")";
  } else {
    call = callee.str() + "(" + llvm::join(arguments, ", ") + ")";
  }
  std::string result = variable(name);
  statements += result + " = " + call + "\n";
  made[{name, index, 0}] = several.contains(name) ? result + "[0]" : result;
  for (int64_t output = 1; several.contains(name) && output < 64; ++output)
    made[{name, index, output}] = result + "[" + std::to_string(output) + "]";
  return true;
}

std::string ModelWriter::functional(const JSONObject &json,
                                    const std::string &name) {
  const JSONObject *config = json.getObject("config");
  const JSONArray *layers = config ? config->getArray("layers") : nullptr;
  if (!layers) {
    fail("a model has no layers");
    return "None";
  }
  Tensors made;
  const Tensors *outer = tensors;
  struct Call {
    const JSONObject *layer;
    JSONValue node;
    int64_t index;
    const std::string *callee;
  };
  std::vector<Call> calls;
  std::vector<std::unique_ptr<std::string>> makers;
  llvm::StringSet<> several; // layers that give a list
  for (const JSONValue &value : *layers)
    if (const JSONObject *layer = value.getAsObject();
        layer && layer->get("inbound_nodes"))
      findSeveral(*layer->get("inbound_nodes"), several);
  if (const JSONValue *outputs = config->get("output_layers"))
    findSeveral(*outputs, several);
  for (const JSONValue &value : *layers) {
    const JSONObject *layer = value.getAsObject();
    if (!layer) {
      fail("a layer of a model is no object");
      continue;
    }
    StringRef type = layer->getString("class_name").value_or("");
    const JSONObject *fields = layer->getObject("config");
    std::string layerName =
        layer->getString("name")
            .value_or(fields ? fields->getString("name").value_or("") : "")
            .str();
    if (type == "InputLayer" && fields) {
      const JSONValue *shape = fields->get("batch_shape");
      shape = shape ? shape : fields->get("batch_input_shape");
      std::string input = variable(layerName);
      statements += input + " = Input(batch_shape=" +
                    (shape ? text(this->value(*shape, "shape")) : "None");
      if (const JSONValue *dtype = fields->get("dtype");
          dtype && !isDefault(type, "dtype", *dtype))
        statements += ", dtype=" + text(this->value(*dtype, "dtype"));
      statements += ", name=" + text(tree.string(layerName)) + ")\n";
      made[{layerName, 0, 0}] = input;
      continue;
    }
    const JSONArray *nodes = layer->getArray("inbound_nodes");
    if (!nodes || nodes->empty())
      continue;
    bool isCall = isOperation(*layer);
    std::string maker = isCall ? "" : this->layer(*layer);
    if (!isCall &&
        (nodes->size() > 1 || (fields && fields->getArray("layers")))) {
      std::string shared = variable(layerName + "_layer");
      statements += shared + " = " + maker + "\n";
      maker = shared;
    }
    makers.push_back(std::make_unique<std::string>(std::move(maker)));
    for (auto [i, node] : llvm::enumerate(*nodes))
      calls.push_back(
          {layer, normalized(node), int64_t(i), makers.back().get()});
  }
  // In the order of the file, as far as their inputs are there.
  auto isMade = [&](const JSONArray &history) {
    return history[0].getAsString() &&
           made.count({history[0].getAsString()->str(),
                       history[1].getAsInteger().value_or(-1),
                       history[2].getAsInteger().value_or(-1)});
  };
  bool progress = true;
  while (!calls.empty() && progress) {
    std::vector<Call> waiting;
    progress = false;
    for (Call &call : calls) {
      if (!isReady(call.node, isMade)) {
        waiting.push_back(std::move(call));
        continue;
      }
      tensors = &made;
      callLayer(*call.layer, call.node, call.index, *call.callee, several,
                made);
      progress = true;
    }
    calls = std::move(waiting);
  }
  if (!calls.empty()) {
    fail("layer '" + calls[0].layer->getString("name").value_or("?") +
         "' takes a tensor that no layer gives");
    tensors = outer;
    return "None";
  }
  tensors = &made;
  std::string inputs = references(config->get("input_layers"), false),
              outputs = references(config->get("output_layers"), false);
  tensors = outer;
  return "Model(inputs=" + inputs + ", outputs=" + outputs +
         ", name=" + text(tree.string(name)) + ")";
}

} // namespace lamina::import
