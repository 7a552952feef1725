//===- Scan.cpp - what is in a model file, and what loading runs ----------===//
//
// Conservative: code is found wherever a string can be read as code, whatever
// the configuration says it is; every name in it counts, reached or not; and
// code that cannot be decoded is reported, as nothing is known about it.
//
//===----------------------------------------------------------------------===//

#include "lamina/Import/Scan.h"
#include "ModelWriter.h"
#include "lamina/Frontend/ASTPrint.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/raw_ostream.h"

namespace lamina::import {

using llvm::StringRef;

namespace {
/// Names that lead out of arithmetic, as variables and as attributes.
bool isDangerous(StringRef name) {
  // clang-format off
  static const llvm::StringSet<> names = {
      "exec", "eval", "compile", "open", "input", "raw_input", "execfile", "file", "reload", "breakpoint", "getattr",
      "setattr", "delattr", "globals", "locals", "vars", "memoryview", "exit", "quit", "os", "posix", "nt", "sys",
      "subprocess", "system", "popen", "spawn", "fork", "importlib", "import_module", "builtins", "pickle", "cPickle",
      "dill", "cloudpickle", "joblib", "marshal", "shelve", "socket", "shutil", "rmtree", "unlink", "ctypes", "cffi",
      "pty", "pathlib", "io", "tempfile", "glob", "urllib", "urllib2", "urlopen", "requests", "http", "ftplib",
      "smtplib", "telnetlib", "asyncio", "threading", "multiprocessing", "concurrent", "signal", "gc", "inspect",
      "runpy", "pip", "webbrowser", "code", "codeop", "types", "FunctionType", "CodeType", "func_globals", "func_code",
      "f_globals", "f_locals", "f_builtins", "f_back", "f_code", "gi_frame", "gi_code", "cr_frame", "ag_frame",
      "tb_frame", "tb_next", "mro", "gfile", "file_io", "read_file", "write_file", "write", "py_function", "py_func",
      "numpy_function", "load_library", "load_op_library", "load_file_system_library", "load", "loads", "save", "savez",
      "savez_compressed", "savetxt", "loadtxt", "genfromtxt", "fromfile", "fromregex", "tofile", "memmap", "DataSource",
      "load_model", "save_model", "load_weights", "save_weights", "load_img", "save_img", "get_file",
      "model_from_json", "model_from_config", "deserialize", "deserialize_keras_object",
      "enable_unsafe_deserialization"};
  // clang-format on
  bool isDunder =
      name.size() > 4 && name.starts_with("__") && name.ends_with("__");
  return isDunder || names.contains(name);
}

/// Modules of which the bodies of layers use the arithmetic.
bool isNumeric(StringRef module) {
  return llvm::is_contained({"tensorflow", "keras", "tf_keras", "keras_core",
                             "numpy", "math", "functools", "itertools",
                             "operator", "__future__"},
                            module.split('.').first);
}

/// What Keras calls values that JSON has not.
bool isEncoding(StringRef className) {
  return llvm::is_contained({"__lambda__", "__keras_tensor__", "__tensor__",
                             "__numpy__", "__slice__", "__float__", "__bool__",
                             "__tuple__", "__ellipsis__", "__bytes__",
                             "__typespec__"},
                            className);
}

class Scanner {
public:
  std::vector<ScannedLayer> layers;

  void visit(const JSONValue &json, StringRef key, size_t layer,
             bool isDeclared = false);

private:
  ast::ASTContext context;

  void report(size_t layer, const llvm::Twine &finding) {
    std::string text = finding.str();
    if (!llvm::is_contained(layers[layer].findings, text))
      layers[layer].findings.push_back(text);
  }
  void visitObject(const JSONObject &json, StringRef key, size_t layer);
  void checkName(StringRef name, size_t layer, StringRef verb);
  void checkCode(StringRef bytes, size_t layer);
  void walk(const CodeObject &code, llvm::ArrayRef<Version> versions,
            size_t layer, unsigned depth = 0);
};

/// A name, perhaps dotted.
void Scanner::checkName(StringRef name, size_t layer, StringRef verb) {
  llvm::SmallVector<StringRef> parts;
  name.split(parts, '.');
  for (StringRef part : parts)
    if (isDangerous(part))
      report(layer, verb + " '" + part + "'");
}

void Scanner::walk(const CodeObject &code, llvm::ArrayRef<Version> versions,
                   size_t layer, unsigned depth) {
  if (depth > 100)
    return report(layer, "has code nested too deeply to be looked at");
  for (StringRef name : code.names)
    checkName(name, layer, "uses");
  for (Version version : versions) {
    llvm::Expected<Instructions> instructions = disassemble(code, version);
    if (!instructions) {
      llvm::consumeError(instructions.takeError());
      continue;
    }
    for (const Instruction &instruction : instructions->list) {
      if (instruction.op == Op::EXEC_STMT)
        report(layer, "uses 'exec'");
      if (instruction.op != Op::IMPORT_NAME ||
          instruction.argument >= code.names.size())
        continue;
      StringRef module = code.names[instruction.argument];
      if (!isNumeric(module))
        report(layer, "imports '" + module + "'");
    }
  }
  // Functions in it are constants, perhaps in tuples.
  llvm::SmallVector<const PyValue *> values(code.constants.begin(),
                                            code.constants.end());
  for (size_t i = 0; i < values.size() && i < 100'000; ++i) {
    if (values[i]->kind == PyValue::Kind::Code && values[i]->code)
      walk(*values[i]->code, versions, layer, depth + 1);
    else
      values.append(values[i]->items.begin(), values[i]->items.end());
  }
}

void Scanner::checkCode(StringRef bytes, size_t layer) {
  llvm::Expected<Function> function = decompile(bytes, context);
  ScannedFunction scanned;
  std::string why;
  if (function) {
    llvm::raw_string_ostream os(scanned.text);
    auto parameters =
        context.list(llvm::ArrayRef<ast::Parameter>(function->parameters));
    if (Expr *value = function->expression();
        value && function->name == "<lambda>")
      ast::print(
          *context.make<ast::LambdaExpr>(llvm::SMRange(), parameters, value),
          os);
    else
      ast::print(
          llvm::ArrayRef<ast::Stmt *>(context.make<ast::FunctionDefStmt>(
              llvm::SMRange(),
              function->name == "<lambda>" ? "function"
                                           : context.text(function->name),
              llvm::SMRange(), parameters, function->body,
              llvm::ArrayRef<Expr *>())),
          os);
    StringRef newest = nameOf(function->versions.front()),
              oldest = nameOf(function->versions.back());
    scanned.version =
        newest == oldest ? newest.str() : (oldest + " to " + newest).str();
  } else {
    why = llvm::toString(function.takeError());
  }
  for (Layout layout : {Layout::Python311, Layout::Python38, Layout::Python35,
                        Layout::Python27}) {
    Marshal marshal;
    llvm::Expected<const CodeObject *> code = marshal.read(bytes, layout);
    if (!code) {
      llvm::consumeError(code.takeError());
      continue;
    }
    llvm::SmallVector<Version> versions;
    for (Version version : versionsOf(layout))
      if (!function || llvm::is_contained(function->versions, version))
        versions.push_back(version);
    if (!versions.empty())
      walk(**code, versions, layer);
  }
  if (!function)
    report(layer, "has bytecode that cannot be decoded, so that nothing is "
                  "known about it: " +
                      why);
  layers[layer].functions.push_back(std::move(scanned));
}

/// Objects name the class or function that a loader looks up and calls.
void Scanner::visitObject(const JSONObject &json, StringRef key, size_t layer) {
  std::optional<StringRef> className = json.getString("class_name");
  const JSONObject *config = json.getObject("config");
  bool isLayer =
      className && config && layers.size() > 0 &&
      llvm::is_contained(
          {"layers", "layer", "cell", "forward_layer", "backward_layer"}, key);
  if (isLayer) {
    StringRef name =
        config->getString("name").value_or(json.getString("name").value_or(""));
    layers.push_back(
        {layers[layer].depth + 1, className->str(), name.str(), {}, {}});
    layer = layers.size() - 1;
  }
  if (className) {
    StringRef module = json.getString("module").value_or("");
    if (isNumeric(module))
      checkName(module, layer, "makes a loader import");
    else if (!module.empty() && module != "builtins")
      report(layer,
             "makes a loader import '" + module + "' for '" + *className + "'");
    if (!isEncoding(*className))
      checkName(*className, layer, "makes a loader call");
    if (std::optional<StringRef> name = json.getString("config"))
      checkName(*name, layer, "makes a loader call");
  }
  for (const auto &[name, item] : json) {
    bool isCode = StringRef(name) == "code" ||
                  json.getString((StringRef(name) + "_type").str()) == "lambda";
    if (StringRef(name) == "function" && item.getAsString())
      checkName(*item.getAsString(), layer, "makes a loader call");
    visit(item, name, layer, isCode);
  }
}

void Scanner::visit(const JSONValue &json, StringRef key, size_t layer,
                    bool isDeclared) {
  if (const JSONObject *object = json.getAsObject())
    return visitObject(*object, key, layer);
  if (const JSONArray *array = json.getAsArray()) {
    for (auto [i, item] : llvm::enumerate(*array))
      visit(item, key, layer, isDeclared && i == 0); // then defaults, closure
    return;
  }
  std::optional<StringRef> text = json.getAsString();
  if (!text || text->empty())
    return;
  std::string bytes = codeBytes(*text);
  if (!isDeclared) {
    if (bytes.empty() || (bytes[0] != 'c' && bytes[0] != '\xe3'))
      return;
    bool isCode = false;
    for (Layout layout : {Layout::Python311, Layout::Python38, Layout::Python35,
                          Layout::Python27}) {
      Marshal marshal;
      llvm::Expected<const CodeObject *> code = marshal.read(bytes, layout);
      isCode |= bool(code);
      if (!code)
        llvm::consumeError(code.takeError());
    }
    if (!isCode)
      return;
  }
  checkCode(bytes, layer);
}
} // namespace

std::vector<ScannedLayer> scan(const ModelFile &file) {
  Scanner scanner;
  const JSONObject *model = file.config.getAsObject();
  const JSONObject *config = model ? model->getObject("config") : nullptr;
  scanner.layers.push_back(
      {0,
       model ? model->getString("class_name").value_or("").str() : "",
       config ? config->getString("name").value_or("").str() : "",
       {},
       {}});
  // The oldest Sequential is a list of its layers.
  const JSONValue *list = model && !config ? model->get("config") : nullptr;
  if (list && list->getAsArray())
    scanner.visit(*list, "layers", 0);
  else
    scanner.visit(file.config, "", 0);
  if (file.training)
    scanner.visit(*file.training, "", 0);
  return std::move(scanner.layers);
}

} // namespace lamina::import
