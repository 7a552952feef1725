//===- StringMethods.cpp - methods of str ---------------------------------===//
#include "StringMethods.h"
#include "PythonText.h"
#include "llvm/ADT/StringExtras.h"

using namespace lamina;
using namespace lamina::frontend;
using llvm::StringRef;

static bool isSpace(char c) { return llvm::isSpace(c); }

/// A method without arguments that maps the text.
static void map(Evaluator &ev, ClassObject *type, StringRef name,
                std::string (*function)(StringRef)) {
  std::string copy = name.str();
  method(ev, type, name,
         [copy, function](Evaluator &ev, CallArgs &args) -> Result {
           StringCall call(ev, args, copy, {"self"});
           if (!call.ok)
             return failure();
           return ev.string(function(call.self));
         });
}

/// isdigit and its like: every character passes, and there is one.
static void test(Evaluator &ev, ClassObject *type, StringRef name,
                 bool (*predicate)(StringRef)) {
  std::string copy = name.str();
  method(ev, type, name,
         [copy, predicate](Evaluator &ev, CallArgs &args) -> Result {
           StringCall call(ev, args, copy, {"self"});
           if (!call.ok)
             return failure();
           return Value::boolean(predicate(call.self));
         });
}

static std::string capitalize(StringRef text) {
  std::string result = text.lower();
  if (!result.empty())
    result[0] = llvm::toUpper(result[0]);
  return result;
}

static std::string title(StringRef text) {
  std::string result;
  bool inWord = false;
  for (char c : text) {
    result += inWord ? llvm::toLower(c) : llvm::toUpper(c);
    inWord = llvm::isAlpha(c) || (c & 0x80);
  }
  return result;
}

static std::string swapCase(StringRef text) {
  std::string result;
  for (char c : text)
    result += llvm::isUpper(c) ? llvm::toLower(c) : llvm::toUpper(c);
  return result;
}

template <bool Predicate(char)>
static bool every(StringRef text) {
  return !text.empty() && llvm::all_of(text, Predicate);
}
static bool isAlphaByte(char c) { return llvm::isAlpha(c) || (c & 0x80); }
static bool isAlnumByte(char c) { return llvm::isAlnum(c) || (c & 0x80); }
static bool isDigitByte(char c) { return llvm::isDigit(c); }

static bool isUpperText(StringRef text) {
  return text.upper() == text && text.lower() != text;
}
static bool isLowerText(StringRef text) {
  return text.lower() == text && text.upper() != text;
}
static bool isIdentifier(StringRef text) {
  return !text.empty() && !llvm::isDigit(text[0]) &&
         llvm::all_of(text, [](char c) { return isAlnumByte(c) || c == '_'; });
}

static Result strip(Evaluator &ev, CallArgs &args, StringRef name, bool front,
                    bool back) {
  StringCall call(ev, args, name, {"self", "chars="});
  if (!call.ok)
    return failure();
  std::string chars = " \t\n\v\f\r";
  if (!call.p["chars"].isNone()) {
    auto given = call.p.string("chars");
    if (failed(given))
      return failure();
    chars = *given;
  }
  StringRef text = call.self;
  if (front)
    text = text.ltrim(chars);
  if (back)
    text = text.rtrim(chars);
  return ev.string(text);
}

/// startswith and endswith take a string or a tuple of them.
static Result affix(Evaluator &ev, CallArgs &args, bool prefix) {
  StringCall call(ev, args, prefix ? "startswith" : "endswith",
                  {"self", "affix"});
  if (!call.ok)
    return failure();
  std::vector<Value> candidates{call.p["affix"]};
  if (auto *tuple = candidates[0].as<TupleObject>())
    candidates = std::vector<Value>(tuple->items);
  for (Value candidate : candidates) {
    auto *text = candidate.as<StringObject>();
    if (!text)
      return ev.error(
          call.p.at("affix"),
          (prefix ? llvm::Twine("startswith") : llvm::Twine("endswith")) +
              " first arg must be str or a tuple of str, not " +
              ev.classOf(candidate)->name);
    StringRef self = call.self;
    if (prefix ? self.starts_with(text->text) : self.ends_with(text->text))
      return Value::boolean(true);
  }
  return Value::boolean(false);
}

static Result removeAffix(Evaluator &ev, CallArgs &args, bool prefix) {
  StringCall call(ev, args, prefix ? "removeprefix" : "removesuffix",
                  {"self", "affix"});
  if (!call.ok)
    return failure();
  auto affix = call.p.string("affix");
  if (failed(affix))
    return failure();
  StringRef text = call.self;
  if (prefix)
    text.consume_front(*affix);
  else
    text.consume_back(*affix);
  return ev.string(text);
}

static Result justify(Evaluator &ev, CallArgs &args, StringRef name,
                      char align) {
  StringCall call(ev, args, name, {"self", "width", "fillchar="});
  if (!call.ok)
    return failure();
  auto width = call.p.integer("width");
  auto fill = call.p.has("fillchar") ? call.p.string("fillchar")
                                     : FailureOr<std::string>(std::string(" "));
  if (failed(width) || failed(fill))
    return failure();
  if (Characters(*fill).size() != 1)
    return ev.error(call.p.at("fillchar"),
                    "the fill character must be exactly one character long");
  size_t length = Characters(call.self).size();
  if (*width > static_cast<int64_t>(limits::text / 4))
    return ev.error(call.p.at("width"), "the string is too long");
  size_t missing = *width > static_cast<int64_t>(length) ? *width - length : 0;
  // str.center puts the odd one on the left if the width is odd.
  size_t before = align == '<'   ? 0
                  : align == '>' ? missing
                                 : missing / 2 + (missing & *width & 1);
  std::string text;
  for (size_t i = 0; i < before; ++i)
    text += *fill;
  text += call.self;
  for (size_t i = before; i < missing; ++i)
    text += *fill;
  return ev.string(text);
}

void frontend::registerStringMethods(Evaluator &ev, ClassObject *type) {
  map(ev, type, "upper", [](StringRef s) { return s.upper(); });
  map(ev, type, "lower", [](StringRef s) { return s.lower(); });
  map(ev, type, "casefold", [](StringRef s) { return s.lower(); });
  map(ev, type, "capitalize", capitalize);
  map(ev, type, "title", title);
  map(ev, type, "swapcase", swapCase);
  test(ev, type, "isdigit", every<isDigitByte>);
  test(ev, type, "isdecimal", every<isDigitByte>);
  test(ev, type, "isnumeric", every<isDigitByte>);
  test(ev, type, "isalpha", every<isAlphaByte>);
  test(ev, type, "isalnum", every<isAlnumByte>);
  test(ev, type, "isspace", every<isSpace>);
  test(ev, type, "isupper", isUpperText);
  test(ev, type, "islower", isLowerText);
  test(ev, type, "isidentifier", isIdentifier);
  method(ev, type, "strip", [](Evaluator &ev, CallArgs &args) {
    return strip(ev, args, "strip", true, true);
  });
  method(ev, type, "lstrip", [](Evaluator &ev, CallArgs &args) {
    return strip(ev, args, "lstrip", true, false);
  });
  method(ev, type, "rstrip", [](Evaluator &ev, CallArgs &args) {
    return strip(ev, args, "rstrip", false, true);
  });
  method(ev, type, "startswith",
         [](Evaluator &ev, CallArgs &args) { return affix(ev, args, true); });
  method(ev, type, "endswith",
         [](Evaluator &ev, CallArgs &args) { return affix(ev, args, false); });
  method(ev, type, "removeprefix", [](Evaluator &ev, CallArgs &args) {
    return removeAffix(ev, args, true);
  });
  method(ev, type, "removesuffix", [](Evaluator &ev, CallArgs &args) {
    return removeAffix(ev, args, false);
  });
  method(ev, type, "ljust", [](Evaluator &ev, CallArgs &args) {
    return justify(ev, args, "ljust", '<');
  });
  method(ev, type, "rjust", [](Evaluator &ev, CallArgs &args) {
    return justify(ev, args, "rjust", '>');
  });
  method(ev, type, "center", [](Evaluator &ev, CallArgs &args) {
    return justify(ev, args, "center", '^');
  });
  method(ev, type, "count", [](Evaluator &ev, CallArgs &args) -> Result {
    StringCall call(ev, args, "count", {"self", "sub"});
    if (!call.ok)
      return failure();
    auto part = call.p.string("sub");
    if (failed(part))
      return failure();
    if (part->empty())
      return Value::integer(Characters(call.self).size() + 1);
    return Value::integer(StringRef(call.self).count(*part));
  });
  method(ev, type, "zfill", [](Evaluator &ev, CallArgs &args) -> Result {
    StringCall call(ev, args, "zfill", {"self", "width"});
    if (!call.ok)
      return failure();
    auto width = call.p.integer("width");
    if (failed(width))
      return failure();
    if (*width > static_cast<int64_t>(limits::text))
      return ev.error(args.range, "the string is too long");
    std::string text = call.self;
    int64_t length = static_cast<int64_t>(Characters(text).size());
    bool hasSign = !text.empty() && (text[0] == '-' || text[0] == '+');
    if (*width > length)
      text.insert(hasSign, *width - length, '0');
    return ev.string(text);
  });
  method(ev, type, "splitlines", [](Evaluator &ev, CallArgs &args) -> Result {
    StringCall call(ev, args, "splitlines", {"self"});
    if (!call.ok)
      return failure();
    std::vector<Value> lines;
    StringRef rest = call.self;
    while (!rest.empty()) {
      size_t end = rest.find_first_of("\r\n");
      lines.push_back(ev.string(rest.take_front(end)));
      if (end == StringRef::npos)
        break;
      rest = rest.substr(end);
      if (!rest.consume_front("\r\n"))
        rest = rest.drop_front();
    }
    return ev.list(std::move(lines));
  });
}
