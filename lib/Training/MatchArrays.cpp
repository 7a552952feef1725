//===- MatchArrays.cpp - arrays by name for what a model needs ------------===//

#include "lamina/Training/MatchArrays.h"
#include "lamina/Frontend/Diagnostics.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringMap.h"

using namespace lamina;

std::string lamina::describe(DType dtype, llvm::ArrayRef<int64_t> shape) {
  std::string text = name(dtype).str() + "[";
  for (auto [i, size] : llvm::enumerate(shape))
    text += (i ? "," : "") + (size < 0 ? "?" : std::to_string(size));
  return text + "]";
}

static std::string show(const ArraySpec &spec) {
  return spec.name + ": " + lamina::describe(spec.dtype, spec.shape);
}

/// A wrong file would give a line per array; the first few tell enough.
static void list(std::string &text, llvm::StringRef title,
                 llvm::ArrayRef<std::string> lines) {
  constexpr size_t shown = 12;
  for (const std::string &line : lines.take_front(shown))
    text += "\n  " + title.str() + ": " + line;
  if (lines.size() > shown)
    text += "\n  " + title.str() + ": " + std::to_string(lines.size() - shown) +
            " more";
}

/// Keras's `variable.path` begins with the name of the model, `variable.name`
/// and ours do not: removes a first word that all names have, if that makes
/// them names that are wanted.
static void dropModelName(NamedArrays &arrays,
                          const llvm::StringMap<const ArraySpec *> &wanted) {
  auto behind = [](llvm::StringRef name) { return name.split('/').second; };
  for (const auto &[name, array] : arrays)
    if (wanted.contains(name) || !wanted.contains(behind(name)) ||
        llvm::StringRef(name).split('/').first !=
            llvm::StringRef(arrays.front().first).split('/').first)
      return;
  for (auto &[name, array] : arrays)
    name = behind(name).str();
}

llvm::Expected<std::vector<NDArray>>
lamina::matchArrays(NamedArrays arrays, llvm::ArrayRef<ArraySpec> specs,
                    llvm::StringRef what) {
  llvm::StringMap<const ArraySpec *> wanted;
  llvm::StringMap<NDArray *> given;
  for (const ArraySpec &spec : specs)
    wanted[spec.name] = &spec;
  dropModelName(arrays, wanted);
  for (auto &[name, array] : arrays)
    given[name] = &array;

  std::vector<std::string> missing, unknown, different;
  llvm::SmallVector<llvm::StringRef> free; // names without an array
  std::vector<NDArray> result;
  for (const ArraySpec &spec : specs) {
    auto found = given.find(spec.name);
    if (found == given.end()) {
      missing.push_back(show(spec));
      free.push_back(spec.name);
      continue;
    }
    NDArray &array = *found->second;
    bool converts = isFloat(array.dtype()) && isFloat(spec.dtype);
    if (array.shape() != llvm::ArrayRef(spec.shape) ||
        (array.dtype() != spec.dtype && !converts))
      different.push_back(
          spec.name + " is " + lamina::describe(array.dtype(), array.shape()) +
          ", the model needs " + lamina::describe(spec.dtype, spec.shape));
    else
      result.push_back(array.dtype() == spec.dtype ? std::move(array)
                                                   : array.cast(spec.dtype));
  }
  for (auto &[name, array] : arrays) {
    if (wanted.contains(name))
      continue;
    std::optional<llvm::StringRef> near = didYouMean(name, free);
    unknown.push_back(name + ": " +
                      lamina::describe(array.dtype(), array.shape()) +
                      (near ? "; did you mean '" + near->str() + "'?" : ""));
  }
  if (missing.empty() && unknown.empty() && different.empty())
    return result;
  std::string text = "the " + what.str() + " do not fit the model";
  list(text, "missing", missing);
  list(text, "not in the model", unknown);
  list(text, "different", different);
  return llvm::createStringError(text);
}
