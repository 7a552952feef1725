//===- PythonText.h - numbers and strings as Python shows them --*- C++ -*-===//
#ifndef LAMINA_LIB_FRONTEND_PYTHONTEXT_H
#define LAMINA_LIB_FRONTEND_PYTHONTEXT_H

#include "lamina/Frontend/AST.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include <optional>
#include <string>

namespace lamina::frontend {

llvm::StringRef spelling(ast::BinaryOp op);
llvm::StringRef spelling(ast::CompareOp op);
/// The library's function that does the same to tensors.
llvm::StringRef operationName(ast::UnaryOp op);
llvm::StringRef operationName(ast::BinaryOp op);
llvm::StringRef operationName(ast::CompareOp op);

/// Python's % and // on floats; b is not 0.
double floatModulo(double a, double b);
double floatFloorDivide(double a, double b);

/// Python's repr of a float: the shortest text that reads back as it.
std::string floatRepr(double value);
/// Python's repr of a string.
std::string stringRepr(llvm::StringRef text);
/// Python's round(value, digits).
double roundDecimal(double value, int64_t digits);

/// A string's characters; positions count code points, as Python's do.
class Characters {
public:
  explicit Characters(llvm::StringRef text);
  size_t size() const { return ascii ? text.size() : starts.size() - 1; }
  llvm::StringRef operator[](size_t i) const { return slice(i, i + 1); }
  llvm::StringRef slice(size_t begin, size_t end) const {
    return ascii ? text.slice(begin, end)
                 : text.slice(starts[begin], starts[end]);
  }
  /// The character at a byte position.
  size_t indexOf(size_t byte) const;

private:
  llvm::StringRef text;
  bool ascii;
  llvm::SmallVector<size_t, 0> starts;
};

/// `[[fill]align][sign][z][#][0][width][,][.precision][type]`
struct FormatSpec {
  std::string fill = " ";
  char align = 0, sign = '-', grouping = 0, type = 0;
  bool alternate = false, zero = false, noNegativeZero = false;
  size_t width = 0;
  std::optional<size_t> precision;
};
/// Nothing if the text is not a format specification.
std::optional<FormatSpec> parseFormatSpec(llvm::StringRef text);
/// Null and a message in `error` if the type does not fit.
std::optional<std::string> formatInteger(int64_t value, const FormatSpec &spec,
                                         std::string &error);
std::optional<std::string> formatFloat(double value, const FormatSpec &spec,
                                       std::string &error);
std::optional<std::string>
formatString(llvm::StringRef text, const FormatSpec &spec, std::string &error);

} // namespace lamina::frontend

#endif // LAMINA_LIB_FRONTEND_PYTHONTEXT_H
