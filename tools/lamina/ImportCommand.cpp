//===- ImportCommand.cpp - models that Keras saved ------------------------===//

#include "Driver.h"
#include "lamina/Import/Import.h"
#include "lamina/Support/Safetensors.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

using namespace lamina;
using namespace lamina::driver;
using namespace mlir;

std::optional<std::string> Session::importProgram(llvm::StringRef path) {
  std::optional<std::string> bytes = read(path);
  if (!bytes)
    return std::nullopt;
  llvm::Expected<import::ModelFile> found = import::readModelFile(*bytes);
  if (!found) {
    error(found.takeError(), path);
    return std::nullopt;
  }
  file = std::move(*found);
  import::ImportOptions options;
  options.fileName = llvm::sys::path::filename(path).str();
  for (llvm::StringRef binding : arguments.bindings) {
    auto [name, value] = binding.split('=');
    bool isName =
        !name.empty() && !llvm::isDigit(name[0]) &&
        llvm::all_of(name, [](char c) { return llvm::isAlnum(c) || c == '_'; });
    if (!isName || value.trim().empty() || value.contains('\n')) {
      diagnostics.errorInFile(path,
                              "--bind: '" + binding + "' is not NAME=VALUE");
      return std::nullopt;
    }
    options.bindings.emplace_back(name.str(), value.str());
  }
  for (const std::string &source : arguments.definitions) {
    std::optional<std::string> text = read(source);
    if (!text)
      return std::nullopt;
    options.definitions += *text + "\n";
  }
  import::Imported imported = import::importModel(file, options);
  for (const std::string &message : imported.errors)
    diagnostics.errorInFile(path, message);
  for (const std::string &note : imported.notes)
    notes.push_back((path + ": note: " + note).str());
  if (!imported.errors.empty())
    return std::nullopt;
  return std::move(imported.program);
}

namespace {
/// How many names at the end of two paths are the same.
unsigned commonEnd(llvm::StringRef a, llvm::StringRef b) {
  unsigned count = 0;
  while (!a.empty() && !b.empty() &&
         a.rsplit('/').second == b.rsplit('/').second) {
    ++count;
    auto [x, lastX] = a.rsplit('/');
    auto [y, lastY] = b.rsplit('/');
    if (lastX.empty() || lastY.empty())
      break;
    a = x;
    b = y;
  }
  return count;
}
llvm::StringRef lastName(llvm::StringRef path) {
  return path.contains('/') ? path.rsplit('/').second : path;
}

/// Which array of a layer is which weight: by the names that the file has, or,
/// if these do not tell, in order.
std::optional<std::vector<size_t>> assign(const NamedArrays &arrays,
                                          llvm::ArrayRef<ArraySpec> specs) {
  if (arrays.size() != specs.size())
    return std::nullopt;
  std::vector<size_t> result(arrays.size());
  std::vector<bool> taken(specs.size());
  bool isNamed = true;
  for (auto [i, array] : llvm::enumerate(arrays)) {
    llvm::StringRef name = llvm::StringRef(array.first).split(':').first;
    size_t best = specs.size();
    unsigned most = 0;
    bool isTie = false;
    for (auto [j, spec] : llvm::enumerate(specs)) {
      unsigned common = lastName(name) == lastName(spec.name)
                            ? std::max(1u, commonEnd(name, spec.name))
                            : 0;
      isTie = common == most  ? isTie || common > 0
              : common > most ? false
                              : isTie;
      if (common > most) {
        most = common;
        best = j;
      }
    }
    isNamed &= best < specs.size() && !isTie && !taken[best];
    if (!isNamed)
      break;
    taken[best] = true;
    result[i] = best;
  }
  if (!isNamed)
    for (size_t i = 0; i < result.size(); ++i)
      result[i] = i;
  return result;
}
} // namespace

bool Session::readKerasWeights() {
  std::optional<std::string> bytes = read(arguments.weights);
  return bytes &&
         !error(import::readWeightsFile(*bytes, file), arguments.weights);
}

std::optional<NamedArrays> Session::importedWeights(ModuleOp module) {
  NamedArrays result;
  std::vector<ArraySpec> all = stateOf(module).weights;
  bool ok = true;
  auto fail = [&](const llvm::Twine &message) {
    diagnostics.errorInFile(
        arguments.weights.empty() ? arguments.input : arguments.weights,
        message);
    ok = false;
  };
  for (import::LayerWeights &weights : file.weights) {
    std::vector<ArraySpec> specs;
    for (const ArraySpec &spec : all)
      if (llvm::StringRef(spec.name).starts_with(weights.layer + "/"))
        specs.push_back(spec);
    std::optional<std::vector<size_t>> places = assign(weights.arrays, specs);
    if (!places) {
      fail("layer '" + weights.layer + "' has " + llvm::Twine(specs.size()) +
           " weights, the file has " + llvm::Twine(weights.arrays.size()) +
           " for it");
      continue;
    }
    for (auto [place, entry] : llvm::zip_equal(*places, weights.arrays)) {
      const ArraySpec &spec = specs[place];
      if (llvm::ArrayRef<int64_t>(spec.shape) != entry.second.shape()) {
        fail("weight '" + spec.name + "' has another shape in the file ('" +
             entry.first + "' of layer '" + weights.layer + "')");
        continue;
      }
      result.emplace_back(spec.name, entry.second.dtype() == spec.dtype
                                         ? entry.second
                                         : entry.second.cast(spec.dtype));
    }
  }
  if (!ok)
    return std::nullopt;
  // A weight that the file does not have keeps its initial value; none at all
  // is a file without weights.
  llvm::StringMap<bool> found;
  for (const auto &[name, array] : result)
    found[name] = true;
  for (const ArraySpec &spec : all)
    if (!file.weights.empty() && !found.contains(spec.name))
      fail("the file has no weight '" + spec.name + "'");
  if (!ok)
    return std::nullopt;
  return result;
}

/// lamina import: the program, and the weights by the names it gives them.
int driver::importFile(Arguments &arguments) {
  Session session(arguments);
  std::optional<std::string> program = session.importProgram(arguments.input);
  if (!program)
    return session.finish();
  if (!arguments.weightsOut.empty()) {
    OwningOpRef<ModuleOp> module = session.loadProgram(*program);
    if (!module || !session.lower(*module, "lam"))
      return session.finish();
    std::optional<NamedArrays> weights = session.importedWeights(*module);
    if (!weights)
      return session.finish();
    if (weights->empty() && !stateOf(*module).weights.empty()) {
      session.diagnostics.errorInFile(arguments.input,
                                      "the file has no weights");
      return session.finish();
    }
    if (!session.write(arguments.weightsOut,
                       writeArraysFor(arguments.weightsOut, *weights)))
      return session.finish();
  }
  session.write(arguments.output, *program);
  return session.finish();
}
