//===- StringFormat.cpp - str.format --------------------------------------===//
#include "PythonBuiltins.h"
#include "llvm/ADT/StringExtras.h"

using namespace lamina;
using namespace lamina::frontend;
using llvm::StringRef;

namespace {
/// One call of str.format: replaces `{field!conversion:spec}`.
class Formatter {
public:
  Formatter(Evaluator &ev, CallArgs &args) : ev(ev), args(args) {}

  FailureOr<std::string> run(StringRef text, int depth) {
    if (depth > 2)
      return ev.error(args.range, "Max string recursion exceeded");
    std::string result;
    while (!text.empty()) {
      size_t brace = text.find_first_of("{}");
      result += text.take_front(brace);
      if (brace == StringRef::npos)
        break;
      char c = text[brace];
      text = text.substr(brace + 1);
      if (text.consume_front(StringRef(&c, 1))) {
        result += c;
        continue;
      }
      if (c == '}')
        return ev.error(args.range, "Single '}' encountered in format string");
      size_t end = matching(text);
      if (end == StringRef::npos)
        return ev.error(args.range, "expected '}' before end of string");
      auto field = replacement(text.take_front(end), depth);
      if (failed(field))
        return failure();
      result += *field;
      if (result.size() > limits::text)
        return ev.error(args.range, "the string is too long");
      text = text.substr(end + 1);
    }
    return result;
  }

private:
  static size_t matching(StringRef text) {
    int depth = 0;
    for (size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '{')
        ++depth;
      else if (text[i] == '}' && depth-- == 0)
        return i;
    }
    return StringRef::npos;
  }

  FailureOr<std::string> replacement(StringRef field, int depth) {
    size_t end = field.find_first_of(":!");
    StringRef name = field.take_front(end);
    StringRef rest = field.substr(name.size());
    char conversion = 0;
    if (rest.consume_front("!")) {
      if (rest.empty() || !StringRef("rsa").contains(rest[0]))
        return ev.error(args.range, "unknown conversion specifier");
      conversion = rest[0];
      rest = rest.drop_front();
    }
    if (!rest.empty() && !rest.consume_front(":"))
      return ev.error(args.range, "expected ':' after conversion specifier");
    Result value = lookup(name);
    if (failed(value))
      return failure();
    auto spec = run(rest, depth + 1);
    if (failed(spec))
      return failure();
    if (conversion) {
      auto text = ev.toText(*value, conversion != 's', args.range);
      if (failed(text))
        return failure();
      value = ev.string(*text);
    }
    return ev.format(*value, *spec, args.range);
  }

  /// `name`, `0`, or nothing, then `.attribute` and `[index]`.
  Result lookup(StringRef name) {
    size_t end = name.find_first_of(".[");
    StringRef first = name.take_front(end), rest = name.substr(first.size());
    Result value = failure();
    size_t position = 0;
    bool isNumber = !first.empty() && llvm::all_of(first, llvm::isDigit);
    if (first.empty() || isNumber) {
      if (first.empty())
        position = next++;
      else if (first.getAsInteger(10, position))
        position = SIZE_MAX;
      if (position >= args.positional.size() - 1)
        return ev.error(args.range,
                        "Replacement index " + llvm::Twine(position) +
                            " out of range for positional args tuple");
      value = args.positional[position + 1];
    } else if (const Value *keyword = args.keyword(first)) {
      value = *keyword;
    } else {
      return ev.error(args.range,
                      "the format names '" + first + "', which is not given");
    }
    while (succeeded(value) && !rest.empty()) {
      if (rest.consume_front(".")) {
        size_t stop = rest.find_first_of(".[");
        value = ev.getAttribute(*value, rest.take_front(stop), args.range);
        rest = rest.substr(std::min(stop, rest.size()));
      } else {
        size_t stop = rest.find(']');
        if (stop == StringRef::npos)
          return ev.error(args.range, "Missing ']' in format string");
        StringRef key = rest.slice(1, stop);
        int64_t index = 0;
        Value by = key.getAsInteger(10, index) ? ev.string(key)
                                               : Value::integer(index);
        value = ev.getItem(*value, by, args.range);
        rest = rest.substr(stop + 1);
        if (!rest.empty() && rest[0] != '.' && rest[0] != '[')
          return ev.error(args.range,
                          "Only '.' or '[' may follow ']' in format field "
                          "specifier");
      }
    }
    return value;
  }

  Evaluator &ev;
  CallArgs &args;
  size_t next = 0;
};
} // namespace

void frontend::registerStringFormat(Evaluator &ev, ClassObject *type) {
  method(ev, type, "format", [](Evaluator &ev, CallArgs &args) -> Result {
    auto *self = args.positional.empty()
                     ? nullptr
                     : args.positional[0].as<StringObject>();
    if (!self)
      return ev.error(args.range, "format() is called on a string");
    auto text = Formatter(ev, args).run(self->text, 0);
    if (failed(text))
      return failure();
    return ev.string(*text);
  });
}
