//===- StringSearch.cpp - methods of str that search and split ------------===//
#include "PythonText.h"
#include "StringMethods.h"
#include "llvm/ADT/StringExtras.h"

using namespace lamina;
using namespace lamina::frontend;
using llvm::StringRef;

static bool isSpace(char c) { return llvm::isSpace(c); }

/// split and rsplit by a separator, or by runs of white space.
static Result split(Evaluator &ev, CallArgs &args, bool fromRight) {
  StringCall call(ev, args, fromRight ? "rsplit" : "split",
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
  StringCall call(ev, args, fromRight ? "rpartition" : "partition",
                  {"self", "sep"});
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

/// find, rfind, index and rindex count characters, not bytes.
static Result find(Evaluator &ev, CallArgs &args, StringRef name,
                   bool fromRight, bool mustExist) {
  StringCall call(ev, args, name, {"self", "sub", "start=", "end="});
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

static Result join(Evaluator &ev, CallArgs &args) {
  StringCall call(ev, args, "join", {"self", "iterable"});
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
  StringCall call(ev, args, "replace", {"self", "old", "new", "count="});
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

void frontend::registerStringSearch(Evaluator &ev, ClassObject *type) {
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
  method(ev, type, "join", join);
  method(ev, type, "replace", replace);
}
