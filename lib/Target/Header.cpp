//===- Header.cpp - the C99 header of a model -----------------------------===//
#include "CTypes.h"
#include "lamina/Target/Artefacts.h"
#include "lamina/Transforms/Machine.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"

using namespace lamina;

/// "float32[n,10]", safe inside a comment.
static std::string describe(const TensorSignature &tensor) {
  return (name(tensor.dtype) + "[" + llvm::join(tensor.dims, ",") + "]").str();
}

/// A name as the user wrote it, without what could end a comment.
static std::string inComment(llvm::StringRef text) {
  std::string result;
  for (char c : text)
    result += llvm::isPrint(c) && c != '*' && c != '\\' ? c : '_';
  return result;
}

static void writeErrors(llvm::raw_ostream &out, const Signature &signature,
                        const std::string &model, const std::string &prefix) {
  llvm::ArrayRef<ErrorCode> codes = errorCodesOf(signature);
  out << "/* What the functions return. */\nenum {\n";
  for (const ErrorCode &code : codes)
    out << "  " << prefix << "_" << code.name << " = " << code.value
        << (&code == &codes.back() ? "" : ",") << " /* "
        << errorText(signature, code) << " */\n";
  out << "};\n\n/* The text of a code. */\nconst char *" << model
      << "_error(int code);\n\n";
}

/// A struct of pointers to `tensors`.
static void writeStruct(llvm::raw_ostream &out, const std::string &name,
                        llvm::ArrayRef<TensorSignature> tensors,
                        const char *what) {
  out << "/* Addresses of the " << what << ", row-major and contiguous. */\n"
      << "struct " << name << " {\n";
  for (const TensorSignature &tensor : tensors)
    out << "  " << cElementType(tensor.dtype) << " *" << tensor.field()
        << "; /* " << inComment(tensor.name) << ": " << describe(tensor)
        << (tensor.trainable ? ", trainable" : "") << " */\n";
  if (tensors.empty())
    out << "  void *none; /* there is nothing */\n";
  out << "};\n\n";
}

/// What to say about the structs that an entry point takes.
static void describeStructs(llvm::raw_ostream &out, const EntryPoint &entry,
                            llvm::ArrayRef<AbiArgument> arguments) {
  for (const AbiArgument &argument : arguments) {
    llvm::StringRef role = argument.role;
    if (role == "weights" && argument.written)
      out << "   w: its weights are changed in place.\n";
    else if (role == "weights")
      out << "   w: NULL for the weights in the object.\n";
    else if (role == "optimizer" && argument.written)
      out << "   o: its state is changed in place.\n";
    else if (role == "gradients")
      out << "   " << argument.name
          << ": where the gradients of the weights go; those of integers are "
             "not read.\n";
  }
}

/// The most threads that a call may use, in words.
static std::string threadLimit(const Signature &signature) {
  if (signature.threads == "openmp")
    return "OpenMP's number";
  if (signature.threads == "auto")
    return "as many as there are processors, which is the most";
  return signature.threads + ", which is the most";
}

static void writePrototype(llvm::raw_ostream &out, const Signature &signature,
                           const std::string &symbol,
                           llvm::ArrayRef<AbiArgument> arguments) {
  out << "int " << symbol << "(";
  llvm::interleave(
      arguments, out,
      [&](const AbiArgument &argument) {
        std::string type = cType(signature, argument);
        out << type << (type.back() == '*' ? "" : " ") << argument.name;
      },
      ", ");
  out << ");\n\n";
}

/// The same entry point for a caller whose tensors are on the device.
static void writeDeviceEntry(llvm::raw_ostream &out, const Signature &signature,
                             const EntryPoint &entry) {
  out << "/* The same, of tensors in the memory of the CUDA device, weights "
         "among them (in a\n   struct of the host's)"
      << (entry.has("seed") ? ", and the seed" : "")
      << ". stream: a CUstream to work on, or NULL; the function\n   returns "
         "before the work is done. scratch: memory of the device, or NULL. "
         "*/\n";
  writePrototype(out, signature, symbolName(signature, entry) + "_cuda",
                 abiArguments(entry, /*onDevice=*/true));
}

static void writeEntry(llvm::raw_ostream &out, const Signature &signature,
                       const EntryPoint &entry) {
  std::string symbol = symbolName(signature, entry);
  std::vector<AbiArgument> arguments = abiArguments(entry);
  out << "/*";
  for (const AbiArgument &argument : arguments)
    if (argument.tensor)
      out << " " << argument.name << ": " << describe(*argument.tensor) << " ("
          << argument.role << ").";
  out << "\n   Tensors are row-major and contiguous, of any alignment, and "
         "must not overlap results.\n";
  describeStructs(out, entry, arguments);
  if (entry.threaded)
    out << "   threads: how many threads the call may use, itself among them; "
           "0 "
           "for "
        << threadLimit(signature) << ".\n";
  out << "   scratch: " << symbol << "_scratch bytes"
      << (entry.threaded ? " for the same number of threads" : "")
      << ",\n"
         "   or NULL to allocate and free inside. Returns 0 or an error code. "
         "*/\n";
  writePrototype(out, signature, symbol, arguments);
  out << "/* The bytes of scratch that " << symbol << " needs. */\nsize_t "
      << symbol << "_scratch(";
  llvm::SmallVector<std::string> sizes;
  for (const std::string &size : entry.symbols)
    sizes.push_back("int64_t " + size);
  if (entry.threaded)
    sizes.push_back("int threads");
  out << (sizes.empty() ? "void" : llvm::join(sizes, ", ")) << ");\n\n";
}

static std::string linkOptions(const Signature &signature) {
  std::string options = "-lm";
  for (const char *library : threadLibraries(signature))
    options += std::string(" -l") + library;
  return options;
}

/// Of code with variants.
static void writeChoice(llvm::raw_ostream &out, const std::string &model,
                        llvm::ArrayRef<Machine> machines) {
  out << "/* The variant of the code that runs on this processor: ";
  llvm::interleave(
      machines, out,
      [&](const Machine &machine) { out << '"' << machine.cpu << '"'; },
      machines.size() > 2 ? ", " : " or ");
  out << ".\n   The first call of any function chooses; the environment "
         "variable LAMINA_CPU may name\n   one that the processor has. */\n"
         "const char *"
      << model << "_cpu(void);\n\n";
}

std::string lamina::writeHeader(const Signature &signature,
                                llvm::ArrayRef<Machine> machines) {
  std::string model = identifier(signature.model),
              prefix = llvm::StringRef(model).upper();
  std::string text;
  llvm::raw_string_ostream out(text);
  out << "/* The model '" << inComment(signature.model)
      << "', compiled by Lamina. Link with " << linkOptions(signature)
      << ".\n"
         "   bool is uint8_t (0 or 1); float16 and bfloat16 are their bits in "
         "uint16_t.\n"
         "   Every function may be called from several threads at once. "
      << (signature.threads.empty()
              ? ""
              : "Results\n   do not depend on the number of threads. ")
      << (signature.usesCuda()
              ? "\n   Kernels are PTX for " +
                    llvm::join(signature.architectures, ", ") +
                    ", which newer devices run, too.\n   The driver, "
                    "libcuda.so.1, is opened by the first call. "
              : "")
      << "*/\n"
      << "#ifndef LAMINA_" << prefix << "_H\n#define LAMINA_" << prefix
      << "_H\n\n#include <stddef.h>\n#include <stdint.h>\n\n#ifdef "
         "__cplusplus\nextern \"C\" {\n#endif\n\n";
  writeErrors(out, signature, model, prefix);
  if (machines.size() > 1)
    writeChoice(out, model, machines);
  writeStruct(out, model + "_weights", signature.weights, "weights");
  if (llvm::any_of(signature.entries, [](const EntryPoint &entry) {
        return entry.has("optimizer") || !entry.updates.empty();
      }))
    writeStruct(out, model + "_optimizer", signature.optimizer,
                "optimizer's state");
  if (signature.hasInit())
    out << "/* Sets weights and state to their initial values. Returns 0 or an "
           "error code. */\nint "
        << model << "_init(struct " << model << "_weights *w, struct " << model
        << "_optimizer *o);\n\n";
  for (const EntryPoint &entry : signature.entries) {
    writeEntry(out, signature, entry);
    if (signature.usesCuda())
      writeDeviceEntry(out, signature, entry);
  }
  out << "#ifdef __cplusplus\n}\n#endif\n\n#endif /* LAMINA_" << prefix
      << "_H */\n";
  return text;
}
