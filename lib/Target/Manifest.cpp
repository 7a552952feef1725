//===- Manifest.cpp - a model's interface as JSON -------------------------===//
#include "CTypes.h"
#include "lamina/Target/Artefacts.h"
#include "lamina/Transforms/Machine.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

using namespace lamina;

static void writeShape(llvm::json::OStream &json,
                       const std::vector<std::string> &dims) {
  json.attributeArray("shape", [&] {
    for (const std::string &dim : dims) {
      int64_t number;
      if (llvm::StringRef(dim).getAsInteger(10, number))
        json.value(dim);
      else
        json.value(number);
    }
  });
}

static void writeEntry(llvm::json::OStream &json, const Signature &signature,
                       const EntryPoint &entry) {
  std::string symbol = symbolName(signature, entry);
  json.attribute("name", entry.name);
  json.attribute("symbol", symbol);
  json.attribute("returns", "int");
  json.attributeArray("arguments", [&] {
    for (const AbiArgument &argument : abiArguments(entry))
      json.object([&] {
        json.attribute("name", argument.name);
        json.attribute("role", argument.role);
        json.attribute("ctype", cType(signature, argument));
        if (!argument.tensor) {
          if (argument.role == "batch" || argument.role == "dimension")
            json.attribute("dtype", "int64");
          return;
        }
        json.attribute("tensor", argument.tensor->name);
        json.attribute("dtype", name(argument.tensor->dtype));
        writeShape(json, argument.tensor->dims);
      });
  });
  json.attributeObject("scratch", [&] {
    json.attribute("symbol", symbol + "_scratch");
    json.attribute("returns", "size_t");
    json.attributeArray("arguments", [&] {
      for (const std::string &size : entry.symbols)
        json.value(size);
    });
  });
}

std::string lamina::writeManifest(const Signature &signature,
                                  const Machine &machine) {
  std::string text;
  llvm::raw_string_ostream out(text);
  llvm::json::OStream json(out, 2);
  json.object([&] {
    json.attribute("model", identifier(signature.model));
    json.attributeObject("target", [&] {
      json.attribute("triple", machine.triple);
      json.attribute("cpu", machine.cpu);
      json.attribute("features", machine.features);
      json.attribute("strategy", machine.strategy->name);
    });
    json.attributeArray("entry_points", [&] {
      for (const EntryPoint &entry : signature.entries)
        json.object([&] { writeEntry(json, signature, entry); });
    });
    json.attributeArray("weights", [&] {
      for (const TensorSignature &weight : signature.weights)
        json.object([&] {
          json.attribute("name", weight.name);
          json.attribute("field", weight.field());
          json.attribute("ctype",
                         std::string(cElementType(weight.dtype)) + " *");
          json.attribute("dtype", name(weight.dtype));
          writeShape(json, weight.dims);
          json.attribute("trainable", weight.trainable);
        });
    });
    json.attributeObject("error_text", [&] {
      json.attribute("symbol", identifier(signature.model) + "_error");
      json.attribute("returns", "const char *");
    });
    json.attributeArray("errors", [&] {
      for (const ErrorCode &code : errorCodes)
        json.object([&] {
          json.attribute("code", code.value);
          json.attribute("name",
                         llvm::StringRef(identifier(signature.model)).upper() +
                             "_" + code.name);
          json.attribute("text", code.text);
        });
    });
  });
  out << "\n";
  return text;
}
