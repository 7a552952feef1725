//===- InterpretationImports.cpp - modules, namespaces, the library -------===//
#include "Interpretation.h"
#include "lamina/Frontend/Library.h"
#include "lamina/Frontend/Parser.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSwitch.h"

using namespace lamina;
using namespace lamina::ast;
using namespace lamina::frontend;

/// Modules that only matter to type checkers: every name of theirs is inert.
static bool isInert(llvm::StringRef path) {
  return path == "typing" || path == "typing_extensions" ||
         path == "__future__";
}

LogicalResult Interpretation::unknownModule(llvm::StringRef path, SMRange at) {
  static constexpr llvm::StringRef modules[] = {
      "tensorflow", "keras",     "numpy",    "math",  "lamina",
      "functools",  "itertools", "operator", "typing"};
  llvm::StringRef first = path.split('.').first;
  std::string parent = Library::get().canonicalNamespace(first);
  if (!parent.empty() && path.contains('.'))
    return ev.error(at, "there is no module '" + path + "'; attributes of '" +
                            first + "' are used as " + first + ".name");
  return ev.error(at, "unknown module '" + path + "'" +
                          suggestion(first, modules) +
                          "; the modules are tensorflow, keras, numpy, math, "
                          "lamina, functools, itertools and operator");
}

/// The namespace that a module's path means, or "".
static std::string moduleOf(llvm::StringRef path) {
  if (isInert(path) || path == "functools" || path == "itertools" ||
      path == "operator")
    return path.str();
  return Library::get().canonicalNamespace(path);
}

LogicalResult Interpretation::import(const ImportStmt *stmt, Scope &scope) {
  for (const ImportName &name : stmt->names) {
    std::string path = moduleOf(name.name);
    if (path.empty())
      return unknownModule(name.name, name.range);
    llvm::StringRef bound = name.asName;
    if (bound.empty()) {
      // `import a.b` binds `a`.
      bound = name.name.split('.').first;
      path = moduleOf(bound);
    }
    if (failed(bind(bound, ev.make<NamespaceObject>(path), scope, name.range)))
      return failure();
  }
  return success();
}

LogicalResult Interpretation::importFrom(const ImportFromStmt *stmt,
                                         Scope &scope) {
  std::string path = moduleOf(stmt->module);
  if (path.empty())
    return unknownModule(stmt->module, stmt->moduleRange);
  LogicalResult result = success();
  for (const ImportName &name : stmt->names) {
    if (name.name == "*") {
      state.starImports.push_back(path);
      continue;
    }
    llvm::StringRef bound = name.asName.empty() ? name.name : name.asName;
    std::string module = moduleOf((stmt->module + "." + name.name).str());
    Result value = failure();
    if (!module.empty())
      value = Value(ev.make<NamespaceObject>(module));
    else if (std::optional<Result> found = namespaceAttribute(path, name.name))
      value = *found;
    else
      value = missingInNamespace(path, name.name, name.range);
    if (failed(value)) {
      // The other names of the list are fine.
      if (&scope == &state.globals)
        state.poisoned.insert(bound);
      result = failure();
      continue;
    }
    if (failed(bind(bound, *value, scope, name.range)))
      return failure();
  }
  return result;
}

//===----------------------------------------------------------------------===//
// Attributes of namespaces
//===----------------------------------------------------------------------===//

static std::optional<DType> dtypeAttribute(llvm::StringRef path,
                                           llvm::StringRef name) {
  if (path != "tf" && path != "np" && path != "K" && path != "keras.ops" &&
      path != "keras" && path != "lamina")
    return std::nullopt;
  return llvm::StringSwitch<std::optional<DType>>(name)
      .Case("bool_", DType::Bool)
      .Case("half", DType::Float16)
      .Case("single", DType::Float32)
      .Case("double", DType::Float64)
      .Case("float_", DType::Float64)
      .Case("int_", DType::Int64)
      .Default(parseDType(name));
}

std::optional<Result> Interpretation::namespaceAttribute(llvm::StringRef path,
                                                         llvm::StringRef name) {
  if (isInert(path))
    return Result(Value(ev.make<NamespaceObject>(path.str())));
  const Library &files = Library::get();
  std::string inner = files.canonicalNamespace((path + "." + name).str());
  if (!inner.empty())
    return Result(Value(ev.make<NamespaceObject>(inner)));
  for (const std::string &space : files.searchPath(path)) {
    auto native = state.inNamespace.find(space + "." + name.str());
    if (native != state.inNamespace.end())
      return Result(native->second);
    if (space.empty())
      break;
    if (std::optional<Result> found = library(space, name))
      return found;
  }
  if (path == "prim" || path == "functools" || path == "itertools" ||
      path == "operator")
    return std::nullopt;
  if (std::optional<DType> dtype = dtypeAttribute(path, name))
    return Result(Value(ev.make<DTypeObject>(*dtype)));
  auto defined = state.defined.find(name);
  if (defined != state.defined.end())
    return Result(defined->second);
  if (!name.starts_with("_"))
    return library("", name);
  return std::nullopt;
}

Result Interpretation::missingInNamespace(llvm::StringRef path,
                                          llvm::StringRef name, SMRange at) {
  std::vector<llvm::StringRef> candidates;
  std::vector<std::string> spaces = Library::get().searchPath(path);
  for (const Library::Definition &definition : Library::get().definitions())
    if (llvm::is_contained(spaces, definition.nameSpace) &&
        !llvm::StringRef(definition.name).starts_with("_"))
      candidates.push_back(definition.name);
  for (const auto &entry : state.inNamespace) {
    auto [space, member] = entry.getKey().rsplit('.');
    if (llvm::is_contained(spaces, space))
      candidates.push_back(member);
  }
  if (llvm::is_contained(spaces, ""))
    for (const auto &entry : state.defined)
      candidates.push_back(entry.getKey());
  llvm::sort(candidates);
  return error(at, "module '" + path + "' has no attribute '" + name + "'" +
                       suggestion(name, candidates));
}

//===----------------------------------------------------------------------===//
// Definitions of the library
//===----------------------------------------------------------------------===//

std::optional<Result> Interpretation::library(llvm::StringRef nameSpace,
                                              llvm::StringRef name) {
  const Library::Definition *definition = Library::get().find(nameSpace, name);
  if (!definition)
    return std::nullopt;
  using Loaded = Evaluator::State::Loaded;
  std::unique_ptr<Loaded> &loaded =
      state.loaded[(nameSpace + ":" + name).str()];
  if (loaded) {
    if (loaded->loading)
      return error({}, "the library's '" + name + "' needs itself");
    return loaded->value;
  }
  loaded = std::make_unique<Loaded>();
  Loaded &entry = *loaded; // the map may grow meanwhile
  entry.loading = true;

  // Blank lines in front keep the line numbers of the file.
  std::string text(definition->line - 1, '\n');
  text += definition->text;
  text += '\n';
  llvm::SourceMgr &sources = ev.diagnostics().sources();
  unsigned buffer =
      ev.diagnostics().addBuffer(text, ("<library>/" + definition->file).str());
  const llvm::MemoryBuffer *memory = sources.getMemoryBuffer(buffer);
  const Module *module =
      parseModule(buffer, state.libraryTrees, ev.diagnostics());
  state.libraryText.emplace_back(memory->getBufferStart(),
                                 memory->getBufferEnd());
  if (module) {
    auto owned = std::make_unique<Scope>();
    Scope &scope = *owned;
    state.scopes.push_back(std::move(owned));
    scope.isLibrary = true;
    scope.captured = true;
    scope.nameSpace = definition->nameSpace;
    SMRange caller = ev.currentRange();
    state.frames.push_back({definition->name, caller, {}, true});
    if (execute(module->body, scope) != Flow::Error) {
      auto found = scope.names.find(name);
      if (found != scope.names.end())
        entry.value = found->second;
    }
    state.frames.pop_back();
  }
  entry.loading = false;
  return entry.value;
}
