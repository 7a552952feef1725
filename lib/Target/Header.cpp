//===- Header.cpp - the C99 header of a model -----------------------------===//
#include "CTypes.h"
#include "lamina/Target/Artefacts.h"
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

static void writeErrors(llvm::raw_ostream &out, const std::string &model,
                        const std::string &prefix) {
  out << "/* What the functions return. */\nenum {\n";
  for (const ErrorCode &code : errorCodes)
    out << "  " << prefix << "_" << code.name << " = " << code.value
        << (&code == std::end(errorCodes) - 1 ? "" : ",") << " /* " << code.text
        << " */\n";
  out << "};\n\n/* The text of a code. */\nconst char *" << model
      << "_error(int code);\n\n";
}

static void writeWeights(llvm::raw_ostream &out, const Signature &signature,
                         const std::string &model) {
  out << "/* Addresses of the weights, row-major and contiguous. */\nstruct "
      << model << "_weights {\n";
  for (const TensorSignature &weight : signature.weights)
    out << "  " << cElementType(weight.dtype) << " *" << weight.field()
        << "; /* " << inComment(weight.name) << ": " << describe(weight)
        << (weight.trainable ? ", trainable" : "") << " */\n";
  if (signature.weights.empty())
    out << "  void *none; /* the model has no weights */\n";
  out << "};\n\n";
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
         "must not overlap results.\n"
         "   w: NULL for the weights in the object. scratch: "
      << symbol
      << "_scratch bytes,\n"
         "   or NULL to allocate and free inside. Returns 0 or an error code. "
         "*/\nint "
      << symbol << "(";
  llvm::interleave(
      arguments, out,
      [&](const AbiArgument &argument) {
        std::string type = cType(signature, argument);
        out << type << (type.back() == '*' ? "" : " ") << argument.name;
      },
      ", ");
  out << ");\n\n/* The bytes of scratch that " << symbol
      << " needs. */\nsize_t " << symbol << "_scratch(";
  llvm::interleave(
      entry.symbols, out,
      [&](const std::string &size) { out << "int64_t " << size; }, ", ");
  out << (entry.symbols.empty() ? "void" : "") << ");\n\n";
}

std::string lamina::writeHeader(const Signature &signature) {
  std::string model = identifier(signature.model),
              prefix = llvm::StringRef(model).upper();
  std::string text;
  llvm::raw_string_ostream out(text);
  out << "/* The model '" << inComment(signature.model)
      << "', compiled by Lamina. Link with -lm.\n"
         "   bool is uint8_t (0 or 1); float16 and bfloat16 are their bits in "
         "uint16_t.\n"
         "   Every function may be called from several threads at once. */\n"
      << "#ifndef LAMINA_" << prefix << "_H\n#define LAMINA_" << prefix
      << "_H\n\n#include <stddef.h>\n#include <stdint.h>\n\n#ifdef "
         "__cplusplus\nextern \"C\" {\n#endif\n\n";
  writeErrors(out, model, prefix);
  writeWeights(out, signature, model);
  for (const EntryPoint &entry : signature.entries)
    writeEntry(out, signature, entry);
  out << "#ifdef __cplusplus\n}\n#endif\n\n#endif /* LAMINA_" << prefix
      << "_H */\n";
  return text;
}
