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

static void writeArguments(llvm::json::OStream &json,
                           const Signature &signature,
                           llvm::ArrayRef<AbiArgument> arguments) {
  json.attributeArray("arguments", [&] {
    for (const AbiArgument &argument : arguments)
      json.object([&] {
        json.attribute("name", argument.name);
        json.attribute("role", argument.role);
        json.attribute("ctype", cType(signature, argument));
        if (argument.role == "seed")
          return json.attribute("dtype", "uint64");
        if (!argument.tensor) {
          if (argument.role == "batch" || argument.role == "dimension")
            json.attribute("dtype", "int64");
          if (argument.role == "threads")
            json.attribute("dtype", "int32");
          return;
        }
        json.attribute("tensor", argument.tensor->name);
        json.attribute("dtype", name(argument.tensor->dtype));
        writeShape(json, argument.tensor->dims);
      });
  });
}

static void writeEntry(llvm::json::OStream &json, const Signature &signature,
                       const EntryPoint &entry) {
  std::string symbol = symbolName(signature, entry);
  json.attribute("name", entry.name);
  json.attribute("symbol", symbol);
  json.attribute("returns", "int");
  writeArguments(json, signature, abiArguments(entry));
  // The same with pointers to the device's memory.
  if (signature.usesCuda())
    json.attributeObject("cuda", [&] {
      json.attribute("symbol", symbol + "_cuda");
      json.attribute("returns", "int");
      writeArguments(json, signature, abiArguments(entry, /*onDevice=*/true));
    });
  json.attributeObject("scratch", [&] {
    json.attribute("symbol", symbol + "_scratch");
    json.attribute("returns", "size_t");
    json.attributeArray("arguments", [&] {
      for (const std::string &size : entry.symbols)
        json.value(size);
      if (entry.threaded)
        json.value("threads");
    });
  });
}

/// The fields of a struct of pointers.
static void writeTensors(llvm::json::OStream &json, llvm::StringRef key,
                         llvm::ArrayRef<TensorSignature> tensors) {
  json.attributeArray(key, [&] {
    for (const TensorSignature &tensor : tensors)
      json.object([&] {
        json.attribute("name", tensor.name);
        json.attribute("field", tensor.field());
        json.attribute("ctype", std::string(cElementType(tensor.dtype)) + " *");
        json.attribute("dtype", name(tensor.dtype));
        writeShape(json, tensor.dims);
        if (tensor.role == "weight")
          json.attribute("trainable", tensor.trainable);
      });
  });
}

/// The function that sets weights and state to their initial values.
static void writeInit(llvm::json::OStream &json, const Signature &signature) {
  json.attributeObject("init", [&] {
    json.attribute("symbol", identifier(signature.model) + "_init");
    json.attribute("returns", "int");
    json.attributeArray("arguments", [&] {
      for (const AbiArgument &argument :
           {AbiArgument{"w", "weights", nullptr, true},
            AbiArgument{"o", "optimizer", nullptr, true}})
        json.object([&] {
          json.attribute("name", argument.name);
          json.attribute("role", argument.role);
          json.attribute("ctype", cType(signature, argument));
        });
    });
  });
}

/// Who shares the work of large loops, how many at most (absent where only the
/// program that runs knows), and what to link for that.
static void writeThreads(llvm::json::OStream &json,
                         const Signature &signature) {
  const std::string &threads = signature.threads;
  json.attribute("runtime", threads.empty()       ? "none"
                            : threads == "openmp" ? "openmp"
                                                  : "pool");
  if (int64_t number; !llvm::StringRef(threads).getAsInteger(10, number))
    json.attribute("maximum", number);
  json.attributeArray("libraries", [&] {
    for (const char *library : threadLibraries(signature))
      json.value(library);
  });
}

static void writeMachine(llvm::json::OStream &json, const Machine &machine) {
  json.attribute("cpu", machine.cpu);
  json.attribute("features", machine.features);
  json.attribute("strategy", machine.strategy->name);
}

/// What the code needs at least, and what else it has variants for.
static void writeTarget(llvm::json::OStream &json, const std::string &model,
                        llvm::ArrayRef<Machine> machines) {
  json.attribute("triple", machines.front().triple);
  writeMachine(json, machines.front());
  if (machines.size() == 1)
    return;
  json.attributeArray("variants", [&] {
    for (const Machine &machine : machines)
      json.object([&] { writeMachine(json, machine); });
  });
  json.attributeObject("chosen", [&] {
    json.attribute("symbol", model + "_cpu");
    json.attribute("returns", "const char *");
    json.attribute("environment", "LAMINA_CPU");
  });
}

std::string lamina::writeManifest(const Signature &signature,
                                  llvm::ArrayRef<Machine> machines) {
  std::string text;
  llvm::raw_string_ostream out(text);
  llvm::json::OStream json(out, 2);
  json.object([&] {
    json.attribute("model", identifier(signature.model));
    json.attributeObject("target", [&] {
      writeTarget(json, identifier(signature.model), machines);
    });
    json.attributeObject("threads", [&] { writeThreads(json, signature); });
    if (signature.usesCuda())
      json.attributeObject("cuda", [&] {
        json.attribute("driver", "libcuda.so.1");
        json.attribute("found_by", "dlopen");
        json.attribute("environment", "LAMINA_CUDA_DRIVER");
        json.attributeArray("architectures", [&] {
          for (const std::string &name : signature.architectures)
            json.value(name);
        });
      });
    json.attributeArray("entry_points", [&] {
      for (const EntryPoint &entry : signature.entries)
        json.object([&] { writeEntry(json, signature, entry); });
    });
    writeTensors(json, "weights", signature.weights);
    writeTensors(json, "optimizer", signature.optimizer);
    if (signature.hasInit())
      writeInit(json, signature);
    json.attributeObject("error_text", [&] {
      json.attribute("symbol", identifier(signature.model) + "_error");
      json.attribute("returns", "const char *");
    });
    json.attributeArray("errors", [&] {
      for (const ErrorCode &code : errorCodesOf(signature))
        json.object([&] {
          json.attribute("code", code.value);
          json.attribute("name",
                         llvm::StringRef(identifier(signature.model)).upper() +
                             "_" + code.name);
          json.attribute("text", errorText(signature, code));
        });
    });
  });
  out << "\n";
  return text;
}
