//===- ModelWriter.cpp - from a configuration to a program
//--------------------===//

#include "ModelWriter.h"
#include "lamina/Frontend/ASTPrint.h"
#include "lamina/Frontend/Library.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"
#include <set>

namespace lamina::import {

using llvm::StringRef;

/// A name for a variable that nothing else has.
std::string ModelWriter::variable(StringRef name) {
  static constexpr const char *reserved[] = {
      "tf",     "K",       "np",       "keras",    "math",   "layers", "ops",
      "lamina", "model",   "and",      "as",       "assert", "async",  "await",
      "break",  "class",   "continue", "def",      "del",    "elif",   "else",
      "except", "finally", "for",      "from",     "global", "if",     "import",
      "in",     "is",      "lambda",   "nonlocal", "not",    "or",     "pass",
      "raise",  "return",  "try",      "while",    "with",   "yield",  "slice"};
  std::string base;
  for (char c : name)
    base += llvm::isAlnum(c) || c == '_' ? c : '_';
  if (base.empty() || llvm::isDigit(base[0]))
    base = "x" + base;
  // Bodies call the library by its names.
  if (llvm::is_contained(reserved, base) || Library::get().find("", base))
    base += "_";
  std::string result = base;
  for (unsigned i = 1; !taken.insert(result).second; ++i)
    result = base + "_" + std::to_string(i);
  return result;
}

/// The variables of a model's inputs or outputs: one reference or a list of
/// them.
std::string ModelWriter::references(const JSONValue *value, bool isList) {
  const JSONArray *list = value ? value->getAsArray() : nullptr;
  if (!list || list->empty())
    return "[]";
  auto one = [&](const JSONArray &reference) -> std::string {
    std::optional<StringRef> layer =
        reference.empty() ? std::nullopt : reference[0].getAsString();
    if (layer && tensors) {
      auto found = tensors->find(
          {layer->str(),
           reference.size() > 1 ? reference[1].getAsInteger().value_or(0) : 0,
           reference.size() > 2 ? reference[2].getAsInteger().value_or(0) : 0});
      if (found != tensors->end())
        return found->second;
    }
    fail("an input or output of the model is given by no layer");
    return "None";
  };
  if ((*list)[0].getAsString())
    return one(*list);
  std::vector<std::string> parts;
  for (const JSONValue &item : *list)
    parts.push_back(item.getAsArray() ? one(*item.getAsArray()) : "None");
  return parts.size() == 1 && !isList ? parts[0]
                                      : "[" + llvm::join(parts, ", ") + "]";
}

//===----------------------------------------------------------------------===//
// Sequential
//===----------------------------------------------------------------------===//

std::string ModelWriter::sequential(const JSONObject &json) {
  const JSONObject *config = json.getObject("config");
  const JSONArray *layers =
      config ? config->getArray("layers")
             : json.getArray("config"); // Keras 1: the list alone
  std::vector<std::string> parts;
  const JSONValue *shape = config ? config->get("build_input_shape") : nullptr;
  bool hasShape = false;
  for (const JSONValue &value : *layers) {
    const JSONObject *inner = value.getAsObject();
    if (!inner) {
      fail("a layer of a Sequential model is no object");
      continue;
    }
    StringRef type = inner->getString("class_name").value_or("");
    const JSONObject *fields = inner->getObject("config");
    if (type == "InputLayer" && fields) {
      const JSONValue *given = fields->get("batch_shape");
      given = given ? given : fields->get("batch_input_shape");
      std::string text =
          "Input(batch_shape=" +
          (given ? this->text(this->value(*given, "shape")) : "None");
      if (const JSONValue *dtype = fields->get("dtype");
          dtype && !isDefault(type, "dtype", *dtype))
        text += ", dtype=" + this->text(this->value(*dtype, "dtype"));
      if (std::optional<StringRef> name = fields->getString("name"))
        text += ", name=" + this->text(tree.string(*name));
      parts.push_back(text + ")");
      hasShape = true;
      continue;
    }
    hasShape |= fields && fields->get("batch_input_shape");
    hasShape |=
        parts.empty() && fields &&
        fields->getArray("layers"); // a model has the shape of its inputs
    parts.push_back(layer(*inner));
  }
  if (!hasShape && shape && shape->getAsArray())
    parts.insert(parts.begin(),
                 "Input(batch_shape=" + text(value(*shape, "shape")) + ")");
  else if (!hasShape)
    result.notes.push_back(
        "a Sequential model has no shape of its input in the file");
  std::string text = "Sequential([\n";
  for (const std::string &part : parts)
    text += "    " + part + ",\n";
  text += "]";
  if (std::optional<StringRef> name =
          config ? config->getString("name") : std::nullopt)
    text += ", name=" + this->text(tree.string(*name));
  return text + ")";
}

//===----------------------------------------------------------------------===//
// Models
//===----------------------------------------------------------------------===//

std::string ModelWriter::model(const JSONObject &json, bool isOutermost) {
  StringRef type = json.getString("class_name").value_or("");
  const JSONObject *config = json.getObject("config");
  std::string name =
      (config ? config->getString("name").value_or("model") : "model").str();
  if (type == "Sequential" || !config)
    return sequential(json);
  if (type == "Functional" || type == "Model" ||
      config->getArray("input_layers") || config->get("output_layers"))
    return functional(json, name);
  unknown.insert(type);
  return "None";
}

//===----------------------------------------------------------------------===//
// Training
//===----------------------------------------------------------------------===//

/// Is there a loss or metric of this name? `space` is "losses" or "metrics".
static bool isKnownFunction(StringRef space, StringRef name) {
  std::string quoted = ("'" + name + "'").str(),
              lower = ("'" + name.lower() + "'");
  return llvm::any_of(
      Library::get().definitions(), [&](const Library::Definition &each) {
        return (each.nameSpace.empty() &&
                (each.name == name || snakeCase(each.name) == name)) ||
               (each.nameSpace == space &&
                (each.text.contains(quoted) || each.text.contains(lower)));
      });
}

/// Losses or metrics with functions by their names alone; what is no function
/// of Keras goes to `unknown`.
static JSONValue namedFunctions(const JSONValue &value, StringRef space,
                                std::set<std::string> &unknown) {
  if (std::optional<StringRef> name = value.getAsString()) {
    if (!isKnownFunction(space, *name))
      unknown.insert(name->str());
    return value;
  }
  if (const JSONArray *list = value.getAsArray()) {
    JSONArray result;
    for (const JSONValue &each : *list)
      result.push_back(namedFunctions(each, space, unknown));
    return result;
  }
  const JSONObject *object = value.getAsObject();
  if (!object)
    return value;
  if (std::optional<StringRef> type = object->getString("class_name")) {
    // {"class_name": "function", "config": "mean_squared_error"}
    const JSONValue *function = object->get("config");
    if (*type != "function") {
      const JSONObject *config = object->getObject("config");
      function = config ? config->get("fn") : nullptr;
      if (!type->ends_with("Wrapper"))
        function = nullptr;
    }
    return function && function->getAsString()
               ? namedFunctions(*function, space, unknown)
               : value;
  }
  JSONObject result;
  for (const auto &[key, item] : *object)
    result[key.str()] = namedFunctions(item, space, unknown);
  return result;
}

void ModelWriter::compile(const JSONValue &training, StringRef variable) {
  const JSONObject *config = training.getAsObject();
  const JSONValue *loss = config ? config->get("loss") : nullptr;
  if (!loss || loss->getAsNull())
    return;
  size_t before = result.errors.size();
  const JSONValue *optimizer = config->get("optimizer");
  optimizer = optimizer ? optimizer : config->get("optimizer_config");
  std::vector<std::string> arguments;
  if (optimizer && !optimizer->getAsNull())
    arguments.push_back("optimizer=" + text(value(*optimizer, "optimizer")));
  std::set<std::string> unknown;
  JSONValue named = namedFunctions(*loss, "losses", unknown);
  arguments.push_back("loss=" + text(value(named, "loss")));
  if (const JSONValue *metrics = config->get("metrics");
      metrics && !metrics->getAsNull()) {
    named = namedFunctions(*metrics, "metrics", unknown);
    arguments.push_back("metrics=" + text(value(named, "metrics")));
  }
  if (const JSONValue *weights = config->get("loss_weights");
      weights && !weights->getAsNull())
    arguments.push_back("loss_weights=" + text(value(*weights, "metrics")));
  for (const std::string &name : unknown)
    fail("'" + name +
         "' is no loss or metric of Keras, and the file has only "
         "its name");
  if (result.errors.size() == before) {
    statements +=
        (variable + ".compile(" + llvm::join(arguments, ", ") + ")\n").str();
    return;
  }
  // A model can be used without what it was trained with.
  result.notes.push_back("how the model was trained cannot be written down: " +
                         result.errors[before]);
  result.errors.resize(before);
}

Imported ModelWriter::run(const ModelFile &file) {
  const JSONObject *json = file.config.getAsObject();
  // A configuration of Keras 3 that does not say its version names modules.
  isBeforeKeras3 = file.writer.empty()
                       ? !json->get("module")
                       : StringRef(file.writer).starts_with("Keras 1") ||
                             StringRef(file.writer).starts_with("Keras 2");
  taken.insert("model");
  std::string expression = model(*json, true);
  if (!unknown.empty()) {
    llvm::SmallVector<StringRef> names(unknown.begin(), unknown.end());
    llvm::sort(names);
    fail("there " +
         llvm::Twine(names.size() == 1 ? "is no layer " : "are no layers ") +
         llvm::join(names, ", "));
  }
  statements += "model = " + expression + "\n";
  if (file.training)
    compile(*file.training, "model");
  if (tree.overflow)
    fail("the model is too large");
  if (!result.errors.empty())
    return std::move(result);
  std::string header = "# ";
  for (char c : options.fileName +
                    (file.writer.empty() ? "" : ", saved by " + file.writer))
    header += llvm::isPrint(c) || (c & 0x80) ? c : '?';
  header += "\n\n";
  for (const std::string &statement : imports)
    header += statement + "\n";
  for (const auto &[name, value] : options.bindings)
    header += name + " = " + value + "\n";
  if (!imports.empty() || !options.bindings.empty())
    header += "\n";
  if (!options.definitions.empty())
    header += options.definitions +
              (StringRef(options.definitions).ends_with("\n") ? "\n" : "\n\n");
  result.program = header + definitions + statements;
  return std::move(result);
}

Imported importModel(const ModelFile &file, const ImportOptions &options) {
  return ModelWriter(options).run(file);
}

} // namespace lamina::import
