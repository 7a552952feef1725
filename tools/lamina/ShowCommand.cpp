//===- ShowCommand.cpp - lamina show, lamina ops -----------------------------===//

#include "Driver.h"
#include "lamina/Frontend/Library.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"
#include <map>

using namespace lamina;
using namespace lamina::driver;

namespace {
/// "tf.split" → ("tf", "split"); a path may be dotted further.
std::pair<std::string, std::string> splitPath(llvm::StringRef text) {
  auto [path, name] = text.rsplit('.');
  if (name.empty())
    return {"", path.str()};
  std::string canonical = Library::get().canonicalNamespace(path);
  return {canonical.empty() ? path.str() : canonical, name.str()};
}

bool isPublic(const Library::Definition &definition) { return !llvm::StringRef(definition.name).starts_with("_"); }
} // namespace

int driver::show(Arguments &arguments) {
  Session session(arguments);
  const Library &library = Library::get();
  auto [path, name] = splitPath(arguments.input);
  if (const Library::Definition *definition = library.resolve(path, name)) {
    llvm::outs() << "# " << definition->file << ":" << definition->line << "\n" << definition->text.rtrim() << "\n";
    return session.finish();
  }
  llvm::SmallVector<llvm::StringRef> candidates;
  for (const Library::Definition &definition : library.definitions())
    if (isPublic(definition))
      candidates.push_back(definition.name);
  std::optional<llvm::StringRef> near = didYouMean(name, candidates);
  session.diagnostics.errorInFile(arguments.input, "the library has no such definition" +
                                                       (near ? "; did you mean '" + near->str() + "'?" : std::string()) +
                                                       " ('lamina ops' lists all)");
  return session.finish();
}

int driver::listOperations(Arguments &arguments) {
  std::map<std::string, std::vector<llvm::StringRef>> byFile;
  for (const Library::Definition &definition : Library::get().definitions())
    if (isPublic(definition))
      byFile[definition.nameSpace.empty() ? definition.file.str() : definition.nameSpace + " (" + definition.file.str() + ")"]
          .push_back(definition.name);
  for (auto &[file, names] : byFile) {
    llvm::sort(names);
    llvm::outs() << file << "\n";
    size_t column = 0;
    for (llvm::StringRef name : names) {
      if (column + name.size() > 96) {
        llvm::outs() << "\n";
        column = 0;
      }
      llvm::outs() << (column == 0 ? "  " : " ") << name;
      column += name.size() + 1;
    }
    llvm::outs() << "\n\n";
  }
  return Success;
}
