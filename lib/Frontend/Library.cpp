//===- Library.cpp - finding definitions in the embedded library ----------===//
#include "lamina/Frontend/Library.h"
#include "EmbeddedLibrary.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace lamina;
using llvm::StringRef;

const Library &Library::get() {
  static const Library library;
  return library;
}

/// Does a string in triple quotes that is open at the start of `line` (or not)
/// end up open? Enough for library files: quotes in comments are skipped.
static bool tripleQuoteAfter(StringRef line, char &quote) {
  for (size_t i = 0; i < line.size(); ++i) {
    StringRef rest = line.substr(i);
    if (quote) {
      if (rest.starts_with(std::string(3, quote))) {
        quote = 0;
        i += 2;
      }
      continue;
    }
    if (rest.starts_with("\"\"\"") || rest.starts_with("'''")) {
      quote = rest[0];
      i += 2;
    } else if (rest[0] == '#') {
      break;
    } else if (rest[0] == '"' || rest[0] == '\'') {
      size_t end = i + 1;
      while (end < line.size() && line[end] != rest[0])
        end += line[end] == '\\' ? 2 : 1;
      i = end;
    }
  }
  return quote != 0;
}

/// The name that a line at the left margin defines, or "".
static StringRef definedName(StringRef line) {
  StringRef rest = line;
  if (!rest.consume_front("def ") && !rest.consume_front("class ")) {
    size_t equals = line.find('=');
    if (equals == StringRef::npos || line.substr(equals).starts_with("=="))
      return "";
    rest = line;
  }
  return rest.ltrim().take_while(
      [](char c) { return llvm::isAlnum(c) || c == '_'; });
}

Library::Library() {
  for (const EmbeddedFile &file : embeddedLibrary()) {
    StringRef text = file.text;
    StringRef nameSpace;
    if (text.starts_with("# namespace "))
      nameSpace = text.drop_front(12).split('\n').first.trim();

    // A definition starts at the comment or decorator above its first line and
    // ends where the next one starts.
    size_t start = 0, position = 0;
    unsigned startLine = 1, line = 1;
    StringRef name;
    bool hasLead = false; // comments or decorators since the last definition
    char quote = 0;
    auto finish = [&](size_t end) {
      if (name.empty())
        return;
      byName.try_emplace((llvm::Twine(nameSpace) + ":" + name).str(),
                         list.size());
      list.push_back({name.str(), nameSpace.str(), file.name,
                      text.slice(start, end).rtrim(), startLine});
      name = "";
    };
    while (position < text.size()) {
      size_t end = text.find('\n', position);
      end = end == StringRef::npos ? text.size() : end + 1;
      StringRef current = text.slice(position, end).rtrim();
      bool inString = quote != 0;
      tripleQuoteAfter(current, quote);
      if (!inString && !current.empty() && !llvm::isSpace(current[0]) &&
          !StringRef(")]}").contains(current[0])) {
        bool lead = current[0] == '#' || current[0] == '@';
        if (!hasLead) {
          finish(position);
          start = position;
          startLine = line;
        }
        hasLead = lead;
        if (!lead)
          name = definedName(current);
      } else if (current.empty() && hasLead) {
        hasLead = false; // a comment on its own
      }
      position = end;
      ++line;
    }
    finish(text.size());
  }
}

const Library::Definition *Library::find(StringRef nameSpace,
                                         StringRef name) const {
  auto found = byName.find((llvm::Twine(nameSpace) + ":" + name).str());
  return found == byName.end() ? nullptr : &list[found->second];
}

const Library::Definition *Library::resolve(StringRef path,
                                            StringRef name) const {
  for (const std::string &nameSpace : searchPath(path))
    if (const Definition *definition = find(nameSpace, name))
      return definition;
  return nullptr;
}

bool Library::isNamespace(StringRef path) const {
  return llvm::any_of(list, [&](const Definition &definition) {
    return definition.nameSpace == path;
  });
}

static constexpr StringRef topLevel[] = {"tf",   "keras",  "K",   "np",
                                         "math", "lamina", "prim"};

std::vector<std::string> Library::searchPath(StringRef path) const {
  std::vector<std::string> result;
  auto add = [&](StringRef nameSpace) {
    if (!nameSpace.empty() && !llvm::is_contained(result, nameSpace))
      result.push_back(nameSpace.str());
  };
  for (StringRef rest = path; !rest.empty(); rest = rest.rsplit('.').first) {
    add(rest);
    auto [parent, last] = rest.rsplit('.');
    if (last.empty())
      break;
    if (!llvm::is_contained(topLevel, last))
      add(last);
  }
  if (path != "prim")
    result.push_back("");
  return result;
}

/// Parts that a namespace may have; their canonical form is the same text
/// unless the second column says otherwise.
static constexpr std::pair<StringRef, StringRef> known[] = {
    {"tf", ""},
    {"tf.math", ""},
    {"tf.nn", ""},
    {"tf.linalg", ""},
    {"tf.random", ""},
    {"tf.image", ""},
    {"tf.signal", ""},
    {"tf.dtypes", "tf"},
    {"tf.experimental", "tf"},
    {"tf.experimental.numpy", "np"},
    {"tf.compat", "tf"},
    {"tf.compat.v1", "tf"},
    {"tf.compat.v2", "tf"},
    {"tf.v1", "tf"},
    {"tf.v2", "tf"},
    {"tf.autograph", "tf"},
    {"tf.autograph.experimental", "tf"},
    {"tf.initializers", "keras.initializers"},
    {"tf.losses", "keras.losses"},
    {"tf.metrics", "keras.metrics"},
    {"tf.optimizers", "keras.optimizers"},
    {"keras", ""},
    {"keras.layers", ""},
    {"keras.activations", ""},
    {"keras.losses", ""},
    {"keras.initializers", ""},
    {"keras.optimizers", ""},
    {"keras.optimizers.schedules", ""},
    {"keras.optimizers.legacy", "keras.optimizers"},
    {"keras.metrics", ""},
    {"keras.regularizers", ""},
    {"keras.constraints", ""},
    {"keras.ops", ""},
    {"keras.ops.nn", ""},
    {"keras.ops.numpy", "keras.ops"},
    {"keras.ops.math", "keras.ops"},
    {"keras.ops.core", "keras.ops"},
    {"keras.ops.linalg", ""},
    {"keras.ops.image", ""},
    {"keras.random", ""},
    {"keras.backend", "K"},
    {"keras.utils", ""},
    {"keras.saving", ""},
    {"keras.models", ""},
    {"keras.config", ""},
    {"keras.dtype_policies", ""},
    {"keras.engine", "keras"},
    {"keras.engine.topology", "keras.layers"},
    {"keras.engine.base_layer", "keras.layers"},
    {"keras.layers.core", "keras.layers"},
    {"keras.layers.merge", "keras.layers"},
    {"keras.layers.pooling", "keras.layers"},
    {"keras.layers.embeddings", "keras.layers"},
    {"keras.layers.convolutional", "keras.layers"},
    {"keras.layers.normalization", "keras.layers"},
    {"keras.layers.advanced_activations", "keras.layers"},
    {"K", ""},
    {"K.tf", "tf"},
    {"K.tensorflow_backend.tf", "tf"},
    {"keras.backend.tf", "tf"},
    {"keras.backend.tensorflow_backend", "K"},
    {"np", ""},
    {"np.linalg", ""},
    {"np.random", ""},
    {"math", ""},
    {"lamina", ""},
    {"lamina.prim", "prim"},
};

std::string Library::canonicalNamespace(StringRef path) const {
  std::string normal = path.str();
  auto replace = [&](StringRef from, StringRef to) {
    StringRef rest = normal;
    if (rest.consume_front(from) && (rest.empty() || rest[0] == '.'))
      normal = (llvm::Twine(to) + rest).str();
  };
  replace("tensorflow", "tf");
  replace("tf.python.keras", "keras");
  replace("tf.keras", "keras");
  replace("numpy", "np");
  for (const auto &[name, canonical] : known)
    if (name == normal)
      return (canonical.empty() ? name : canonical).str();
  return "";
}
