//===- Signature.cpp - the entry points of a module, as data --------------===//
#include "lamina/Transforms/Signature.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include <algorithm>

using namespace mlir;
using namespace lamina;

bool lamina::isSymbol(StringRef text) {
  if (text.empty() || llvm::isDigit(text.front()))
    return false;
  return llvm::all_of(text,
                      [](char c) { return llvm::isAlnum(c) || c == '_'; });
}

std::string lamina::identifier(StringRef name) {
  // The words of C99, C++20 and the names our own arguments have.
  static const llvm::StringSet<> reserved = {
      "alignas",   "alignof",   "and",      "asm",      "auto",
      "bool",      "break",     "case",     "catch",    "char",
      "class",     "compl",     "concept",  "const",    "consteval",
      "constexpr", "constinit", "continue", "co_await", "co_return",
      "co_yield",  "decltype",  "default",  "delete",   "do",
      "double",    "else",      "enum",     "explicit", "export",
      "extern",    "false",     "float",    "for",      "friend",
      "goto",      "if",        "inline",   "int",      "long",
      "mutable",   "namespace", "new",      "noexcept", "not",
      "nullptr",   "operator",  "or",       "private",  "protected",
      "public",    "register",  "requires", "restrict", "return",
      "short",     "signed",    "sizeof",   "static",   "struct",
      "switch",    "template",  "this",     "throw",    "true",
      "try",       "typedef",   "typeid",   "typename", "union",
      "unsigned",  "using",     "virtual",  "void",     "volatile",
      "wchar_t",   "while",     "xor",      "scratch",  "w",
      "n",         "linux",     "unix",     "errno",    "NULL"};
  std::string result;
  for (char c : name)
    result += llvm::isAlnum(c) ? c : '_';
  if (result.empty() || llvm::isDigit(result.front()))
    result.insert(0, "_");
  if (reserved.contains(result))
    result += '_';
  return result;
}

bool TensorSignature::isStatic() const {
  return llvm::all_of(dims, [](const std::string &dim) {
    return llvm::all_of(dim, llvm::isDigit);
  });
}

std::string TensorSignature::field() const { return identifier(name); }

unsigned EntryPoint::argument(StringRef name) const {
  return Signature::position(arguments, name);
}

bool EntryPoint::has(StringRef role) const {
  auto plays = [&](const TensorSignature &tensor) {
    return tensor.role == role;
  };
  return llvm::any_of(arguments, plays) || llvm::any_of(results, plays);
}

bool EntryPoint::changes(StringRef role) const {
  return llvm::any_of(updates, [&](const TensorSignature &update) {
    return arguments[argument(update.of)].role == role;
  });
}

unsigned Signature::position(ArrayRef<TensorSignature> list, StringRef name) {
  auto found = llvm::find_if(
      list, [&](const TensorSignature &known) { return known.name == name; });
  assert(found != list.end() && "nothing of this name");
  return found - list.begin();
}

bool Signature::hasInit() const {
  auto known = [](const TensorSignature &tensor) { return tensor.embedded; };
  return llvm::any_of(
             entries,
             [](const EntryPoint &entry) { return !entry.updates.empty(); }) &&
         llvm::all_of(weights, known) && llvm::all_of(optimizer, known);
}

namespace {
/// Reads the dictionaries; every missing or mistyped key is one error.
class Reader {
public:
  explicit Reader(ModuleOp module) : module(module) {}

  FailureOr<Signature> read() {
    auto root = module->getAttrOfType<DictionaryAttr>("lamina.signature");
    if (!root)
      return module.emitError(
          "has no 'lamina.signature'; run lamina-record-signature first");
    Signature signature;
    signature.model = text(root, "model");
    if (auto threads = module->getAttrOfType<StringAttr>("lamina.threads"))
      signature.threads = threads.str();
    if (auto target = module->getAttrOfType<StringAttr>("lamina.target"))
      signature.target = target.str();
    if (auto names = module->getAttrOfType<ArrayAttr>("lamina.architectures"))
      for (auto name : names.getAsValueRange<StringAttr>())
        signature.architectures.push_back(name.str());
    for (Attribute entry : list(root, "entries"))
      signature.entries.push_back(entryPoint(entry));
    for (const EntryPoint &entry : signature.entries)
      for (const TensorSignature &argument : entry.arguments) {
        if (argument.role == "weight")
          add(signature.weights, argument);
        else if (argument.role == "optimizer")
          add(signature.optimizer, argument);
      }
    if (broken)
      return module.emitError("has a malformed 'lamina.signature'");
    return signature;
  }

private:
  ModuleOp module;
  bool broken = false;

  static void add(std::vector<TensorSignature> &list,
                  const TensorSignature &tensor) {
    if (llvm::none_of(list, [&](const TensorSignature &known) {
          return known.name == tensor.name;
        }))
      list.push_back(tensor);
  }

  std::string text(DictionaryAttr from, StringRef key) {
    auto attribute = from ? from.getAs<StringAttr>(key) : StringAttr();
    broken |= !attribute;
    return attribute ? attribute.str() : "";
  }

  ArrayRef<Attribute> list(DictionaryAttr from, StringRef key) {
    auto attribute = from ? from.getAs<ArrayAttr>(key) : ArrayAttr();
    broken |= !attribute;
    return attribute ? attribute.getValue() : ArrayRef<Attribute>();
  }

  EntryPoint entryPoint(Attribute attribute) {
    auto from = dyn_cast<DictionaryAttr>(attribute);
    EntryPoint entry;
    entry.name = text(from, "name");
    entry.threaded = module->hasAttr("lamina.threads");
    for (Attribute argument : list(from, "arguments"))
      entry.arguments.push_back(tensor(argument));
    for (Attribute attribute : list(from, "results")) {
      TensorSignature result = tensor(attribute);
      (result.role == "update" ? entry.updates : entry.results)
          .push_back(std::move(result));
    }
    for (const TensorSignature &argument : entry.arguments)
      for (const std::string &dim : argument.dims)
        if (isSymbol(dim) && !llvm::is_contained(entry.symbols, dim))
          entry.symbols.push_back(dim);
    if (auto batch = llvm::find(entry.symbols, "n");
        batch != entry.symbols.end())
      std::rotate(entry.symbols.begin(), batch, batch + 1);
    return entry;
  }

  TensorSignature tensor(Attribute attribute) {
    auto from = dyn_cast<DictionaryAttr>(attribute);
    TensorSignature result;
    result.name = text(from, "name");
    result.role = text(from, "role");
    std::optional<DType> dtype = parseDType(text(from, "dtype"));
    broken |= !dtype;
    result.dtype = dtype.value_or(DType::Float32);
    for (Attribute dim : list(from, "dims")) {
      if (auto number = dyn_cast<IntegerAttr>(dim))
        result.dims.push_back(std::to_string(number.getInt()));
      else if (auto symbol = dyn_cast<StringAttr>(dim))
        result.dims.push_back(symbol.str());
      else
        broken = true;
    }
    if (from) {
      auto trainable = from.getAs<BoolAttr>("trainable");
      result.trainable = trainable && trainable.getValue();
      result.value = from.getAs<ElementsAttr>("value");
      result.embedded = result.value || from.contains("embedded");
      if (auto of = from.getAs<StringAttr>("of"))
        result.of = of.str();
    }
    return result;
  }
};
} // namespace

FailureOr<Signature> lamina::readSignature(ModuleOp module) {
  return Reader(module).read();
}
