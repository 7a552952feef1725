//===- PythonText.cpp - numbers and strings as Python shows them ----------===//
#include "PythonText.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/ConvertUTF.h"
#include <charconv>
#include <cmath>
#include <cstdlib>

using namespace lamina;
using namespace lamina::frontend;

std::string frontend::floatRepr(double value) {
  if (std::isnan(value))
    return "nan";
  if (std::isinf(value))
    return value < 0 ? "-inf" : "inf";
  if (value == 0)
    return std::signbit(value) ? "-0.0" : "0.0";
  char buffer[64];
  auto end = std::to_chars(buffer, buffer + sizeof buffer, value,
                           std::chars_format::scientific);
  llvm::StringRef text(buffer, end.ptr - buffer);
  auto [mantissa, exponentText] = text.split('e');
  int exponent = std::atoi(exponentText.str().c_str());
  std::string sign = mantissa.consume_front("-") ? "-" : "";
  std::string digits;
  for (char c : mantissa)
    if (c != '.')
      digits += c;
  if (exponent < -4 || exponent >= 16) {
    std::string result = sign + digits.substr(0, 1);
    if (digits.size() > 1)
      result += "." + digits.substr(1);
    std::string power = std::to_string(std::abs(exponent));
    if (power.size() < 2)
      power = "0" + power;
    return result + "e" + (exponent < 0 ? "-" : "+") + power;
  }
  if (exponent < 0)
    return sign + "0." + std::string(-exponent - 1, '0') + digits;
  size_t whole = exponent + 1;
  if (digits.size() <= whole)
    return sign + digits + std::string(whole - digits.size(), '0') + ".0";
  return sign + digits.substr(0, whole) + "." + digits.substr(whole);
}

std::string frontend::stringRepr(llvm::StringRef text) {
  char quote = text.contains('\'') && !text.contains('"') ? '"' : '\'';
  std::string result(1, quote);
  for (char c : text) {
    unsigned char byte = c;
    if (c == quote || c == '\\')
      (result += '\\') += c;
    else if (c == '\n')
      result += "\\n";
    else if (c == '\t')
      result += "\\t";
    else if (c == '\r')
      result += "\\r";
    else if (byte < 32 || byte == 127)
      result += "\\x" + llvm::utohexstr(byte, /*LowerCase=*/true, 2);
    else
      result += c;
  }
  return result + quote;
}

double frontend::roundDecimal(double value, int64_t digits) {
  if (!std::isfinite(value) || digits > 323)
    return value;
  if (digits < -308)
    return std::copysign(0.0, value);
  if (digits >= 0) {
    // printf rounds the exact value, ties to even, as Python does.
    std::string text(400 + digits, 0);
    int length = std::snprintf(text.data(), text.size(), "%.*f",
                               static_cast<int>(digits), value);
    text.resize(length);
    return std::strtod(text.c_str(), nullptr);
  }
  double unit = std::pow(10.0, static_cast<double>(-digits));
  return std::nearbyint(value / unit) * unit;
}

Characters::Characters(llvm::StringRef text) : text(text) {
  ascii = llvm::all_of(text, [](char c) { return (c & 0x80) == 0; });
  if (ascii)
    return;
  for (size_t i = 0; i < text.size(); ++i)
    if ((text[i] & 0xC0) != 0x80 || i == 0)
      starts.push_back(i);
  starts.push_back(text.size());
}

size_t Characters::indexOf(size_t byte) const {
  if (ascii)
    return byte;
  return llvm::lower_bound(starts, byte) - starts.begin();
}

//===----------------------------------------------------------------------===//
// Format specifications
//===----------------------------------------------------------------------===//

std::optional<FormatSpec> frontend::parseFormatSpec(llvm::StringRef text) {
  FormatSpec spec;
  auto isAlign = [](llvm::StringRef c) {
    return c == "<" || c == ">" || c == "=" || c == "^";
  };
  Characters characters(text);
  if (characters.size() >= 2 && isAlign(characters[1])) {
    spec.fill = characters[0].str();
    spec.align = characters[1][0];
    text = text.drop_front(spec.fill.size() + 1);
  } else if (characters.size() >= 1 && isAlign(characters[0])) {
    spec.align = text[0];
    text = text.drop_front();
  }
  if (!text.empty() && llvm::StringRef("+- ").contains(text[0])) {
    spec.sign = text[0];
    text = text.drop_front();
  }
  spec.noNegativeZero = text.consume_front("z");
  spec.alternate = text.consume_front("#");
  if (text.consume_front("0")) {
    spec.zero = true;
    if (!spec.align) {
      spec.fill = "0";
      spec.align = '=';
    }
  }
  if (!text.empty() && llvm::isDigit(text[0]) &&
      text.consumeInteger(10, spec.width))
    return std::nullopt;
  if (!text.empty() && (text[0] == ',' || text[0] == '_')) {
    spec.grouping = text[0];
    text = text.drop_front();
  }
  if (text.consume_front(".")) {
    size_t precision = 0;
    if (text.consumeInteger(10, precision))
      return std::nullopt;
    spec.precision = precision;
  }
  if (text.size() > 1)
    return std::nullopt;
  if (text.size() == 1)
    spec.type = text[0];
  if (spec.width > 100000 || spec.precision.value_or(0) > 100000)
    return std::nullopt;
  return spec;
}

/// Separators every `every` digits of the whole part, which starts at 0.
static void group(std::string &digits, char separator, size_t every) {
  size_t whole = 0;
  while (whole < digits.size() && llvm::isHexDigit(digits[whole]))
    ++whole;
  for (size_t at = whole; at > every;)
    digits.insert(at -= every, 1, separator);
}

/// Sign, prefix and digits with the fill where the alignment wants it.
static std::string pad(const std::string &sign, const std::string &digits,
                       const FormatSpec &spec, char defaultAlign) {
  size_t length = Characters(sign).size() + Characters(digits).size();
  size_t missing = spec.width > length ? spec.width - length : 0;
  std::string left, middle, right;
  char align = spec.align ? spec.align : defaultAlign;
  size_t before = align == '<' ? 0 : align == '^' ? missing / 2 : missing;
  std::string &front = align == '=' ? middle : left;
  for (size_t i = 0; i < missing; ++i)
    (i < before ? front : right) += spec.fill;
  return left + sign + middle + digits + right;
}

static std::string signOf(bool negative, const FormatSpec &spec) {
  if (negative)
    return "-";
  return spec.sign == '-' ? "" : std::string(1, spec.sign);
}

/// Zeros between sign and digits take part in the grouping.
static void padGrouped(std::string &digits, const std::string &sign,
                       const FormatSpec &spec, size_t every) {
  if (!spec.grouping)
    return;
  std::string tail;
  size_t whole = 0;
  while (whole < digits.size() && llvm::isHexDigit(digits[whole]))
    ++whole;
  tail = digits.substr(whole);
  digits.resize(whole);
  bool zeros = spec.fill == "0" && spec.align == '=';
  std::string grouped = digits;
  group(grouped, spec.grouping, every);
  while (zeros && sign.size() + grouped.size() + tail.size() < spec.width) {
    digits.insert(0, 1, '0');
    grouped = digits;
    group(grouped, spec.grouping, every);
  }
  digits = grouped + tail;
}

std::optional<std::string> frontend::formatInteger(int64_t value,
                                                   const FormatSpec &spec,
                                                   std::string &error) {
  if (llvm::StringRef("eEfFgG%").contains(spec.type) && spec.type)
    return formatFloat(static_cast<double>(value), spec, error);
  if (spec.precision) {
    error = "precision is not allowed in an integer format";
    return std::nullopt;
  }
  uint64_t magnitude = value < 0 ? 0 - static_cast<uint64_t>(value) : value;
  std::string sign = signOf(value < 0, spec), digits;
  size_t every = 4;
  switch (spec.type) {
  case 0:
  case 'd':
  case 'n':
    digits = std::to_string(magnitude);
    every = 3;
    break;
  case 'b':
  case 'o': {
    unsigned shift = spec.type == 'b' ? 1 : 3;
    do {
      digits.insert(digits.begin(), '0' + (magnitude & ((1u << shift) - 1)));
      magnitude >>= shift;
    } while (magnitude);
    break;
  }
  case 'x':
  case 'X':
    digits = llvm::utohexstr(magnitude, spec.type == 'x');
    break;
  case 'c': {
    char buffer[8];
    char *end = buffer;
    if (value < 0 || value > 0x10FFFF ||
        !llvm::ConvertCodePointToUTF8(static_cast<unsigned>(value), end)) {
      error = "%c arg not in range(0x110000)";
      return std::nullopt;
    }
    return pad("", std::string(buffer, end), spec, '<');
  }
  default:
    error =
        "unknown format code '" + std::string(1, spec.type) + "' for an int";
    return std::nullopt;
  }
  if (spec.alternate && spec.type && spec.type != 'd' && spec.type != 'n')
    (sign += '0') += spec.type;
  padGrouped(digits, sign, spec, every);
  return pad(sign, digits, spec, '>');
}

std::optional<std::string> frontend::formatFloat(double value,
                                                 const FormatSpec &spec,
                                                 std::string &error) {
  char type = spec.type;
  if (type && !llvm::StringRef("eEfFgGn%").contains(type)) {
    error = "unknown format code '" + std::string(1, type) + "' for a float";
    return std::nullopt;
  }
  bool negative = std::signbit(value) && !std::isnan(value);
  double magnitude = std::fabs(value);
  std::string digits;
  if (!std::isfinite(value)) {
    digits = std::isnan(value) ? "nan" : "inf";
    if (type == 'E' || type == 'F' || type == 'G')
      digits = llvm::StringRef(digits).upper();
    if (type == '%')
      digits += '%';
  } else if (!type && !spec.precision) {
    digits = floatRepr(magnitude);
  } else {
    size_t precision = spec.precision.value_or(6);
    char code = type == '%' ? 'f' : type == 'n' || !type ? 'g' : type;
    if (type == '%')
      magnitude *= 100;
    std::string pattern =
        std::string("%") + (spec.alternate ? "#" : "") + ".*" + code;
    digits.resize(400 + precision);
    int length = std::snprintf(digits.data(), digits.size(), pattern.c_str(),
                               static_cast<int>(precision), magnitude);
    digits.resize(length);
    // Without a type, a float keeps one digit behind the point, and the
    // exponent starts where there are more digits than asked for.
    if (!type && digits.find_first_of(".e") == std::string::npos) {
      if (digits.size() >= std::max<size_t>(precision, 1)) {
        digits.resize(400 + precision);
        length = std::snprintf(digits.data(), digits.size(), "%.*e",
                               static_cast<int>(precision ? precision - 1 : 0),
                               magnitude);
        digits.resize(length);
        size_t e = digits.find('e'), last = e;
        if (digits.find('.') != std::string::npos) {
          while (digits[last - 1] == '0')
            --last;
          if (digits[last - 1] == '.')
            --last;
          digits.erase(last, e - last);
        }
      } else {
        digits += ".0";
      }
    }
    if (type == '%')
      digits += '%';
  }
  if (spec.noNegativeZero && negative &&
      digits.find_first_of("123456789") == std::string::npos)
    negative = false;
  std::string sign = signOf(negative, spec);
  if (std::isfinite(value))
    padGrouped(digits, sign, spec, 3);
  return pad(sign, digits, spec, '>');
}

std::optional<std::string> frontend::formatString(llvm::StringRef text,
                                                  const FormatSpec &spec,
                                                  std::string &error) {
  if (spec.type && spec.type != 's') {
    error = "unknown format code '" + std::string(1, spec.type) + "' for a str";
    return std::nullopt;
  }
  if (spec.align == '=' && !spec.zero) {
    error = "'=' alignment is not allowed in a string format";
    return std::nullopt;
  }
  FormatSpec plain = spec;
  if (plain.align == '=')
    plain.align = '<';
  Characters characters(text);
  if (spec.precision && *spec.precision < characters.size())
    text = characters.slice(0, *spec.precision);
  return pad("", text.str(), plain, '<');
}
