//===- FunctionWriter.cpp - the functions of Lambda layers
//--------------------===//

#include "ModelWriter.h"
#include "lamina/Frontend/ASTPrint.h"
#include "lamina/Frontend/Library.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Base64.h"
#include "llvm/Support/ConvertUTF.h"
#include "llvm/Support/raw_ostream.h"

namespace lamina::import {

using llvm::StringRef;

/// Keras 1 wrote the bytes as `raw_unicode_escape`: a character for each byte.
static std::string rawBytes(StringRef text) {
  std::string bytes;
  const auto *at = reinterpret_cast<const llvm::UTF8 *>(text.data()),
             *end = at + text.size();
  while (at < end) {
    llvm::UTF32 character;
    if (llvm::convertUTF8Sequence(&at, end, &character,
                                  llvm::strictConversion) != llvm::conversionOK)
      break;
    if (character < 0x100)
      bytes += char(character);
    else
      bytes +=
          (character < 0x10000
               ? "\\u" + llvm::utohexstr(character, /*LowerCase=*/true, 4)
               : "\\U" + llvm::utohexstr(character, /*LowerCase=*/true, 8));
  }
  return bytes;
}

std::string codeBytes(StringRef text) {
  std::string packed;
  bool isBase64 = true;
  for (char c : text) {
    if (llvm::isSpace(c))
      continue;
    isBase64 &= llvm::isAlnum(c) || c == '+' || c == '/' || c == '=';
    packed += c;
  }
  if (isBase64) {
    std::vector<char> bytes;
    llvm::Error error = llvm::decodeBase64(packed, bytes);
    if (!error)
      return std::string(bytes.begin(), bytes.end());
    llvm::consumeError(std::move(error));
  }
  return rawBytes(text);
}

/// Every program has these.
static bool isBuiltin(StringRef name) {
  static constexpr const char *names[] = {"abs",
                                          "all",
                                          "any",
                                          "bool",
                                          "callable",
                                          "dict",
                                          "divmod",
                                          "enumerate",
                                          "filter",
                                          "float",
                                          "int",
                                          "isinstance",
                                          "iter",
                                          "len",
                                          "list",
                                          "map",
                                          "max",
                                          "min",
                                          "next",
                                          "pow",
                                          "print",
                                          "range",
                                          "repr",
                                          "reversed",
                                          "round",
                                          "set",
                                          "slice",
                                          "sorted",
                                          "str",
                                          "sum",
                                          "tuple",
                                          "type",
                                          "zip",
                                          "AssertionError",
                                          "ValueError",
                                          "TypeError",
                                          "RuntimeError",
                                          "NotImplementedError",
                                          "IndexError",
                                          "KeyError",
                                          "Exception",
                                          "Ellipsis",
                                          "classic_divide",
                                          "tf",
                                          "keras",
                                          "K",
                                          "np",
                                          "math",
                                          "layers",
                                          "ops",
                                          "lamina",
                                          "frozenset",
                                          "hasattr"};
  return llvm::is_contained(names, name);
}

/// Names that are in no program by themselves, but can only be one module.
static StringRef importOf(StringRef name) {
  static constexpr std::pair<const char *, const char *> modules[] = {
      {"tensorflow", "import tensorflow"},
      {"numpy", "import numpy"},
      {"backend", "from keras import backend"},
      {"keras_backend", "from keras import backend as keras_backend"},
      {"KB", "from keras import backend as KB"},
      {"kb", "from keras import backend as kb"},
      {"KTF", "from keras import backend as KTF"},
      {"ktf", "from keras import backend as ktf"},
      {"k", "from keras import backend as k"},
      {"kops", "from keras import ops as kops"},
      {"activations", "from keras import activations"},
      {"initializers", "from keras import initializers"},
      {"functools", "import functools"},
      {"itertools", "import itertools"},
      {"operator", "import operator"}};
  for (auto [module, statement] : modules)
    if (name == module)
      return statement;
  return "";
}

bool ModelWriter::isDefined(StringRef name) const {
  if (llvm::any_of(options.bindings,
                   [&](const auto &binding) { return binding.first == name; }))
    return true;
  llvm::SmallVector<StringRef> lines;
  StringRef(options.definitions).split(lines, '\n');
  for (StringRef line : lines) {
    line.consume_front("def ") || line.consume_front("class ");
    if (line.consume_front(name) &&
        (line.starts_with("(") || line.ltrim().starts_with("=") ||
         line.starts_with(":")))
      return true;
  }
  return false;
}

void ModelWriter::bindGlobals(const Function &function, StringRef layer) {
  std::vector<std::string> lost;
  for (const std::string &name : function.globals) {
    taken.insert(name);
    if (isDefined(name) || isBuiltin(name))
      continue;
    if (StringRef statement = importOf(name); !statement.empty()) {
      if (!llvm::is_contained(imports, statement))
        imports.push_back(statement.str());
      continue;
    }
    if (!Library::get().find("", name))
      lost.push_back(name);
  }
  for (const std::string &name : lost)
    fail("layer '" + layer + "' uses the global variable '" + name +
         "', and Keras did not save its value; give it with --bind " + name +
         "=VALUE, or define it in --define FILE.lam");
}

/// Puts a definition in front of the model.
void ModelWriter::define(StringRef name, std::string text) {
  auto [entry, isNew] = defined.try_emplace(name, text);
  if (isNew)
    definitions += text;
}

std::string ModelWriter::named(StringRef name, StringRef layer) {
  if (!isDefined(name))
    fail("layer '" + layer + "' calls the function '" + name +
         "', and Keras saved only its name; give its definition with --define "
         "FILE.lam");
  taken.insert(name);
  return name.str();
}

std::string ModelWriter::decoded(StringRef code, const JSONValue *defaults,
                                 const JSONValue *closure, StringRef layer,
                                 StringRef key) {
  std::string what =
      ("layer '" + layer + "': its " + (key == "function" ? "body" : key))
          .str();
  llvm::Expected<Function> function = decompile(codeBytes(code), context);
  if (!function) {
    fail(what + " cannot be decoded: " + llvm::toString(function.takeError()));
    return "";
  }
  if (function->repaired)
    result.notes.push_back(
        what + " had " + std::to_string(function->repaired) +
        " bytes that Keras on Windows damaged; they are repaired");
  bindGlobals(*function, layer);
  for (ast::Parameter &parameter : function->parameters)
    taken.insert(parameter.name);
  if (const JSONArray *list = defaults ? defaults->getAsArray() : nullptr) {
    std::vector<ast::Parameter *> positional;
    for (ast::Parameter &parameter : function->parameters)
      if (parameter.kind == ast::Parameter::Kind::Positional)
        positional.push_back(&parameter);
    if (list->size() > positional.size()) {
      fail(what + " has more defaults than parameters");
      return "";
    }
    for (auto [i, item] : llvm::enumerate(*list))
      positional[positional.size() - list->size() + i]->defaultValue =
          value(item);
  }
  // The variables around the function become the parameters of one that makes
  // it.
  const JSONArray *cells = closure ? closure->getAsArray() : nullptr;
  if (function->frees.size() != (cells ? cells->size() : 0)) {
    fail(what + " has " + llvm::Twine(function->frees.size()) +
         " variables of the function around it, and " +
         llvm::Twine(cells ? cells->size() : 0) + " values for them");
    return "";
  }
  std::string values;
  llvm::raw_string_ostream os(values);
  bool isLambda = function->name == "<lambda>" && function->expression();
  std::string name = isLambda ? ""
                     : function->name == "<lambda>"
                         ? variable(layer.str() + "_function")
                         : function->name;
  if (!isLambda && defined.contains(name) && function->name != "<lambda>")
    name = variable(layer.str() + "_" + name);
  auto parameters =
      context.list(llvm::ArrayRef<ast::Parameter>(function->parameters));
  auto definition = [&](unsigned level) {
    std::string text;
    llvm::raw_string_ostream stream(text);
    ast::Stmt *statement = tree.statement<ast::FunctionDefStmt>(
        context.text(name), llvm::SMRange(), parameters, function->body,
        llvm::ArrayRef<Expr *>());
    ast::print(llvm::ArrayRef<ast::Stmt *>(statement), stream, level);
    return text;
  };
  std::string lambda;
  if (isLambda)
    lambda = text(tree.lambda(parameters, function->expression()));
  if (function->frees.empty()) {
    if (isLambda)
      return lambda;
    taken.insert(name);
    define(name, definition(0) + "\n");
    return name;
  }
  for (auto [i, cell] : llvm::enumerate(*cells)) {
    // Keras saves NumPy arrays in closures as lists where it has no other way.
    Expr *content = value(cell, "closure");
    os << (i ? ", " : "") << text(content);
  }
  std::string maker = variable("make_" + layer.str() +
                               (key == "function" ? "" : "_" + key.str()));
  std::string body =
      "def " + maker + "(" + llvm::join(function->frees, ", ") + "):\n";
  body += isLambda ? "    return " + lambda + "\n\n"
                   : definition(1) + "    return " + name + "\n\n";
  define(maker, body);
  return maker + "(" + values + ")";
}

std::string ModelWriter::function(const JSONObject &config, StringRef key,
                                  StringRef layer) {
  const JSONValue *spec = config.get(key);
  if (!spec || spec->getAsNull()) {
    if (key == "function")
      fail("layer '" + layer + "' has no function");
    return "";
  }
  StringRef type = config.getString((key + "_type").str()).value_or("");
  // Keras 1 and 2, tf.keras: [code, defaults, closure] and what that is.
  if (const JSONArray *parts = spec->getAsArray();
      parts && (type == "lambda" || (type.empty() && key == "function"))) {
    if (parts->empty() || !(*parts)[0].getAsString()) {
      fail("layer '" + layer + "': its " + key + " is no function");
      return "";
    }
    return decoded(*(*parts)[0].getAsString(),
                   parts->size() > 1 ? &(*parts)[1] : nullptr,
                   parts->size() > 2 ? &(*parts)[2] : nullptr, layer, key);
  }
  if (type == "function" || (key == "function" && spec->getAsString())) {
    std::optional<StringRef> name = spec->getAsString();
    if (const JSONObject *object = spec->getAsObject())
      name = object->getString("config");
    if (!name) {
      fail("layer '" + layer + "': its " + key + " is no function");
      return "";
    }
    return named(*name, layer);
  }
  if (const JSONObject *object = spec->getAsObject()) {
    StringRef className = object->getString("class_name").value_or("");
    if (className == "__lambda__") {
      const JSONObject *inner = object->getObject("config");
      if (!inner)
        inner = object->getObject("value");
      std::optional<StringRef> code =
          inner ? inner->getString("code") : std::nullopt;
      if (!code) {
        fail("layer '" + layer + "': its " + key + " has no code");
        return "";
      }
      return decoded(*code, inner->get("defaults"), inner->get("closure"),
                     layer, key);
    }
    if (className == "function")
      return named(object->getString("config").value_or(""), layer);
    // An operation of Keras itself, as in Lambda(keras.ops.abs).
    StringRef registered = object->getString("registered_name").value_or("");
    if (StringRef(object->getString("module").value_or(""))
            .starts_with("keras") &&
        !registered.empty() && Library::get().find("", registered))
      return registered.str();
  }
  if (key == "function") {
    fail("layer '" + layer + "': its function is in no form that Keras saves");
    return "";
  }
  // An output shape, as it is.
  return text(value(*spec, key));
}

} // namespace lamina::import
