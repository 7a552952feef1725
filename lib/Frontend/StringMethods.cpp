//===- StringMethods.cpp - methods of str ---------------------------------===//
#include "PythonBuiltins.h"
#include "PythonText.h"
#include "llvm/ADT/StringExtras.h"

using namespace lamina;
using namespace lamina::frontend;
using llvm::StringRef;

namespace {
/// The string a method is called on and its other arguments.
struct Call {
  Evaluator &ev;
  ArgParser p;
  std::string self;
  bool ok = false;

  Call(Evaluator &ev, CallArgs &args, StringRef name,
       llvm::ArrayRef<StringRef> params)
      : ev(ev), p(ev, args, name, params) {
    if (p.failed())
      return;
    auto text = p.string("self");
    if (failed(text))
      return;
    self = *text;
    ok = true;
  }
};
} // namespace

static bool isSpace(char c) { return llvm::isSpace(c); }

/// A method without arguments that maps the text.
static void map(Evaluator &ev, ClassObject *type, StringRef name,
                std::string (*function)(StringRef)) {
  std::string copy = name.str();
  method(ev, type, name,
         [copy, function](Evaluator &ev, CallArgs &args) -> Result {
           Call call(ev, args, copy, {"self"});
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
           Call call(ev, args, copy, {"self"});
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

/// split and rsplit by a separator, or by runs of white space.
static Result split(Evaluator &ev, CallArgs &args, bool fromRight) {
  Call call(ev, args, fromRight ? "rsplit" : "split",
            {"self", "sep=", "maxsplit="});
  if (!call.ok)
    return failure();
  auto limit = call.p.has("maxsplit") ? call.p.integer("maxsplit")
                                      : FailureOr<int64_t>(-1);
  if (failed(limit))
    return failure();
  int64_t left = *limit < 0 ? INT64_MAX : *limit;
  std::vector<Value> parts;
  StringRef rest = call.self;
  if (call.p["sep"].isNone()) {
    rest = rest.trim();
    while (!rest.empty() && left-- > 0) {
      if (fromRight) {
        size_t at = rest.find_last_of(" \t\n\v\f\r");
        parts.push_back(ev.string(rest.substr(at + 1)));
        rest = at == StringRef::npos ? "" : rest.take_front(at).rtrim();
      } else {
        size_t at = rest.find_if(isSpace);
        parts.push_back(ev.string(rest.take_front(at)));
        rest = rest.substr(at).ltrim();
      }
    }
    if (!rest.empty())
      parts.push_back(ev.string(rest));
  } else {
    auto separator = call.p.string("sep");
    if (failed(separator))
      return failure();
    if (separator->empty())
      return ev.error(call.p.at("sep"), "empty separator");
    while (left-- > 0) {
      size_t at = fromRight ? rest.rfind(*separator) : rest.find(*separator);
      if (at == StringRef::npos)
        break;
      StringRef after = rest.substr(at + separator->size());
      parts.push_back(ev.string(fromRight ? after : rest.take_front(at)));
      rest = fromRight ? rest.take_front(at) : after;
    }
    parts.push_back(ev.string(rest));
  }
  if (fromRight)
    std::reverse(parts.begin(), parts.end());
  if (failed(ev.spend(parts.size(), args.range)))
    return failure();
  return ev.list(std::move(parts));
}

static Result partition(Evaluator &ev, CallArgs &args, bool fromRight) {
  Call call(ev, args, fromRight ? "rpartition" : "partition", {"self", "sep"});
  if (!call.ok)
    return failure();
  auto separator = call.p.string("sep");
  if (failed(separator))
    return failure();
  if (separator->empty())
    return ev.error(call.p.at("sep"), "empty separator");
  StringRef text = call.self;
  size_t at = fromRight ? text.rfind(*separator) : text.find(*separator);
  if (at == StringRef::npos) {
    if (fromRight)
      return ev.tuple({ev.string(""), ev.string(""), ev.string(text)});
    return ev.tuple({ev.string(text), ev.string(""), ev.string("")});
  }
  return ev.tuple({ev.string(text.take_front(at)), ev.string(*separator),
                   ev.string(text.substr(at + separator->size()))});
}

static Result strip(Evaluator &ev, CallArgs &args, StringRef name, bool front,
                    bool back) {
  Call call(ev, args, name, {"self", "chars="});
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
  Call call(ev, args, prefix ? "startswith" : "endswith", {"self", "affix"});
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
  Call call(ev, args, prefix ? "removeprefix" : "removesuffix",
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

/// find, rfind, index and rindex count characters, not bytes.
static Result find(Evaluator &ev, CallArgs &args, StringRef name,
                   bool fromRight, bool mustExist) {
  Call call(ev, args, name, {"self", "sub", "start=", "end="});
  if (!call.ok)
    return failure();
  auto part = call.p.string("sub");
  if (failed(part))
    return failure();
  Characters characters(call.self);
  int64_t size = static_cast<int64_t>(characters.size());
  int64_t bounds[2] = {0, size};
  static constexpr StringRef names[] = {"start", "end"};
  for (auto [i, param] : llvm::enumerate(names)) {
    if (call.p[param].isNone())
      continue;
    auto given = call.p.integer(param);
    if (failed(given))
      return failure();
    bounds[i] =
        std::clamp(*given < 0 ? *given + size : *given, int64_t(0), size);
  }
  int64_t position = -1;
  if (bounds[0] <= bounds[1]) {
    StringRef window = characters.slice(bounds[0], bounds[1]);
    size_t at = fromRight ? window.rfind(*part) : window.find(*part);
    if (at != StringRef::npos)
      position =
          static_cast<int64_t>(Characters(window).indexOf(at) + bounds[0]);
  }
  if (position < 0 && mustExist)
    return ev.error(call.p.at("sub"), "substring not found");
  return Value::integer(position);
}

static Result justify(Evaluator &ev, CallArgs &args, StringRef name,
                      char align) {
  Call call(ev, args, name, {"self", "width", "fillchar="});
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

static Result join(Evaluator &ev, CallArgs &args) {
  Call call(ev, args, "join", {"self", "iterable"});
  if (!call.ok)
    return failure();
  auto items = ev.iterate(call.p["iterable"], call.p.at("iterable"));
  if (failed(items))
    return failure();
  std::string text;
  for (auto [i, item] : llvm::enumerate(*items)) {
    if (!item.is(ValueKind::String) && !item.is(ValueKind::DType))
      return ev.error(call.p.at("iterable"), "sequence item " + llvm::Twine(i) +
                                                 ": expected str instance, " +
                                                 ev.classOf(item)->name +
                                                 " found");
    if (i)
      text += call.self;
    text += ev.str(item);
    if (text.size() > limits::text)
      return ev.error(args.range, "the string is too long");
  }
  return ev.string(text);
}

static Result replace(Evaluator &ev, CallArgs &args) {
  Call call(ev, args, "replace", {"self", "old", "new", "count="});
  if (!call.ok)
    return failure();
  auto old = call.p.string("old"), with = call.p.string("new");
  auto limit =
      call.p.has("count") ? call.p.integer("count") : FailureOr<int64_t>(-1);
  if (failed(old) || failed(with) || failed(limit))
    return failure();
  int64_t left = *limit < 0 ? INT64_MAX : *limit;
  std::string text;
  StringRef rest = call.self;
  if (old->empty()) {
    Characters characters(rest);
    for (size_t i = 0; i <= characters.size(); ++i) {
      if (left-- > 0)
        text += *with;
      if (i < characters.size())
        text += characters[i];
      if (text.size() > limits::text)
        return ev.error(args.range, "the string is too long");
    }
    return ev.string(text);
  }
  while (left-- > 0) {
    size_t at = rest.find(*old);
    if (at == StringRef::npos)
      break;
    text += rest.take_front(at);
    text += *with;
    rest = rest.substr(at + old->size());
    if (text.size() > limits::text)
      return ev.error(args.range, "the string is too long");
  }
  return ev.string(text + rest.str());
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
  method(ev, type, "split",
         [](Evaluator &ev, CallArgs &args) { return split(ev, args, false); });
  method(ev, type, "rsplit",
         [](Evaluator &ev, CallArgs &args) { return split(ev, args, true); });
  method(ev, type, "partition", [](Evaluator &ev, CallArgs &args) {
    return partition(ev, args, false);
  });
  method(ev, type, "rpartition", [](Evaluator &ev, CallArgs &args) {
    return partition(ev, args, true);
  });
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
  method(ev, type, "find", [](Evaluator &ev, CallArgs &args) {
    return find(ev, args, "find", false, false);
  });
  method(ev, type, "rfind", [](Evaluator &ev, CallArgs &args) {
    return find(ev, args, "rfind", true, false);
  });
  method(ev, type, "index", [](Evaluator &ev, CallArgs &args) {
    return find(ev, args, "index", false, true);
  });
  method(ev, type, "rindex", [](Evaluator &ev, CallArgs &args) {
    return find(ev, args, "rindex", true, true);
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
  method(ev, type, "join", join);
  method(ev, type, "replace", replace);
  method(ev, type, "count", [](Evaluator &ev, CallArgs &args) -> Result {
    Call call(ev, args, "count", {"self", "sub"});
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
    Call call(ev, args, "zfill", {"self", "width"});
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
    Call call(ev, args, "splitlines", {"self"});
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
