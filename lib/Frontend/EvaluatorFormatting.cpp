//===- EvaluatorFormatting.cpp - format(), str % args, str.format ---------===//
#include "Interpretation.h"
#include "PythonText.h"
#include "llvm/ADT/StringExtras.h"
#include <cmath>

using namespace lamina;
using namespace lamina::frontend;

FailureOr<std::string> Evaluator::format(Value value, llvm::StringRef spec,
                                         SMRange at) {
  Interpretation &in = *state->interpretation;
  if (value.is(ValueKind::Instance))
    if (std::optional<Value> method = in.special(value, "__format__")) {
      Result result = call(*method, {string(spec)}, at);
      if (failed(result))
        return failure();
      if (auto *text = result->as<StringObject>())
        return text->text;
      return in.error(at, "__format__ must return a str, not " +
                              classOf(*result)->name);
    }
  if (spec.empty())
    return toText(value, /*repr=*/false, at);
  bool isText = value.is(ValueKind::String) || value.is(ValueKind::DType) ||
                value.is(ValueKind::Size);
  if (!value.isNumber() && !isText)
    return in.error(at, "unsupported format string passed to " +
                            classOf(value)->name + ".__format__");
  std::optional<FormatSpec> parsed = parseFormatSpec(spec);
  if (!parsed)
    return in.error(at, "invalid format specifier '" + spec +
                            "' for object of type '" + classOf(value)->name +
                            "'");
  std::string message;
  std::optional<std::string> text;
  if (isText)
    text = formatString(str(value), *parsed, message);
  else if (value.isInteger())
    text = formatInteger(value.asInt(), *parsed, message);
  else
    text = formatFloat(value.asDouble(), *parsed, message);
  if (!text)
    return in.error(at, message);
  return *text;
}

//===----------------------------------------------------------------------===//
// "…" % args
//===----------------------------------------------------------------------===//

namespace {
/// Hands out the arguments of `%`: a tuple's elements, or the one value.
struct PercentArgs {
  std::vector<Value> items;
  Value mapping;
  size_t next = 0;
  bool isTuple = false;

  std::optional<Value> take() {
    return next < items.size() ? std::optional(items[next++]) : std::nullopt;
  }
};
} // namespace

static FailureOr<std::string> percentValue(Evaluator &ev, Value value,
                                           char code, FormatSpec spec,
                                           SMRange at) {
  std::string message;
  std::optional<std::string> text;
  switch (code) {
  case 's':
  case 'r':
  case 'a': {
    auto shown = ev.toText(value, code != 's', at);
    if (failed(shown))
      return failure();
    spec.zero = false;
    if (spec.align == '=')
      spec.align = '>';
    spec.fill = " ";
    text = formatString(*shown, spec, message);
    break;
  }
  case 'c':
    if (auto *character = value.as<StringObject>()) {
      if (Characters(character->text).size() != 1)
        return ev.error(at, "%c requires an int or a single character");
      spec.zero = false;
      spec.fill = " ";
      text = formatString(character->text, spec, message);
      break;
    }
    [[fallthrough]];
  case 'd':
  case 'i':
  case 'u':
  case 'x':
  case 'X':
  case 'o': {
    if (value.is(ValueKind::Size)) {
      text = formatString(ev.str(value), spec, message);
      break;
    }
    bool decimal = code == 'd' || code == 'i' || code == 'u';
    double number = value.isNumber() ? value.asDouble() : 0;
    if (value.is(ValueKind::Float) && decimal && std::fabs(number) < 9e18)
      value = Value::integer(static_cast<int64_t>(number));
    if (!value.isInteger())
      return ev.error(at, "%" + llvm::Twine(code) + " format: a " +
                              (decimal ? "real number" : "integer") +
                              " is required, not " + ev.classOf(value)->name);
    spec.type = decimal ? 'd' : code;
    size_t digits = spec.precision.value_or(0);
    spec.precision.reset();
    text = formatInteger(value.asInt(), spec, message);
    if (digits && text && spec.width == 0) { // "%.3d"
      bool negative = llvm::StringRef(*text).starts_with("-");
      size_t have = text->size() - negative;
      if (have < digits)
        text->insert(negative, digits - have, '0');
    }
    break;
  }
  default: // e E f F g G
    if (!value.isNumber())
      return ev.error(at,
                      "must be real number, not " + ev.classOf(value)->name);
    spec.type = code;
    if (!spec.precision)
      spec.precision = 6;
    text = formatFloat(value.asDouble(), spec, message);
    break;
  }
  if (!text)
    return ev.error(at, message);
  return *text;
}

FailureOr<Value> Interpretation::percentFormat(llvm::StringRef text, Value args,
                                               SMRange at) {
  PercentArgs values;
  if (auto *tuple = args.as<TupleObject>()) {
    values.items = tuple->items;
    values.isTuple = true;
  } else {
    values.items = {args};
  }
  if (args.is(ValueKind::Dict))
    values.mapping = args;
  std::string result;
  bool usedMapping = false;
  while (!text.empty()) {
    auto [plain, rest] = text.split('%');
    result += plain;
    if (plain.size() == text.size())
      break;
    text = rest;
    if (text.consume_front("%")) {
      result += '%';
      continue;
    }
    std::optional<Value> value;
    if (text.consume_front("(")) {
      size_t close = text.find(')');
      auto *dict = values.mapping.as<DictObject>();
      if (close == llvm::StringRef::npos)
        return error(at, "incomplete format key");
      if (!dict)
        return error(at, "format requires a mapping");
      llvm::StringRef key = text.take_front(close);
      text = text.drop_front(close + 1);
      Value *found = ev.lookup(dict, key);
      if (!found)
        return error(at, "the dictionary has no key '" + key + "'");
      value = *found;
      usedMapping = true;
    }
    FormatSpec spec;
    spec.align = '>';
    for (; !text.empty() && llvm::StringRef("-+ #0").contains(text[0]);
         text = text.drop_front()) {
      switch (text[0]) {
      case '-':
        spec.align = '<';
        spec.fill = " ";
        break;
      case '0':
        if (spec.align != '<') {
          spec.align = '=';
          spec.fill = "0";
        }
        break;
      case '#':
        spec.alternate = true;
        break;
      case '+':
        spec.sign = '+';
        break;
      case ' ':
        if (spec.sign != '+')
          spec.sign = ' ';
        break;
      }
    }
    auto amount = [&](size_t &out) -> LogicalResult {
      if (text.consume_front("*")) {
        std::optional<Value> given = values.take();
        if (!given || !given->isInteger())
          return ev.error(at, "* wants int");
        int64_t number = given->asInt();
        if (number < 0)
          spec.align = '<';
        out = static_cast<size_t>(std::min<int64_t>(std::abs(number), 100000));
        return success();
      }
      size_t end = text.find_if_not([](char c) { return llvm::isDigit(c); });
      if (end > 0 &&
          (text.take_front(end).getAsInteger(10, out) || out > 100000))
        return ev.error(at, "the width of the format is too large");
      text = text.substr(end);
      return success();
    };
    size_t precision = 0;
    if (failed(amount(spec.width)))
      return failure();
    if (text.consume_front(".")) {
      if (failed(amount(precision)))
        return failure();
      spec.precision = precision;
    }
    while (!text.empty() && llvm::StringRef("hlL").contains(text[0]))
      text = text.drop_front();
    if (text.empty())
      return error(at, "incomplete format");
    char code = text[0];
    text = text.drop_front();
    if (!llvm::StringRef("sradiuxXoceEfFgG").contains(code))
      return error(at,
                   "unsupported format character '" + llvm::Twine(code) + "'");
    if (!value)
      value = values.take();
    if (!value)
      return error(at, "not enough arguments for format string");
    auto formatted = percentValue(ev, *value, code, spec, at);
    if (failed(formatted))
      return failure();
    result += *formatted;
    if (result.size() > limits::text)
      return error(at, "the string is too long");
  }
  if (!usedMapping && values.next < values.items.size() &&
      !args.is(ValueKind::Dict))
    return error(at, "not all arguments converted during string formatting");
  return ev.string(result);
}
