//===- ArgParser.cpp - parameters of functions written in C++ -------------===//
#include "Interpretation.h"

using namespace lamina;
using namespace lamina::frontend;

ArgParser::ArgParser(Evaluator &evaluator, CallArgs &args,
                     llvm::StringRef function,
                     llvm::ArrayRef<llvm::StringRef> params)
    : evaluator(evaluator), function(function) {
  size_t next = 0, required = 0, most = 0;
  bool rest = false;
  for (llvm::StringRef param : params) {
    Bound entry{param.str(), Value::none(), args.range, false};
    bool optional = entry.name.back() == '=';
    if (optional)
      entry.name.pop_back();
    if (entry.name.front() == '*') {
      entry.name.erase(0, 1);
      entry.value = evaluator.tuple(
          {args.positional.begin() + next, args.positional.end()});
      entry.given = true;
      entry.range = args.at(next);
      next = args.positional.size();
      rest = true;
    } else if (!rest) {
      ++most;
      required += !optional;
      if (next < args.positional.size()) {
        entry.range = args.at(next);
        entry.value = args.positional[next++];
        entry.given = true;
      }
    }
    bound.push_back(std::move(entry));
  }
  auto fail = [&](llvm::SMRange at, const llvm::Twine &message) {
    (void)evaluator.error(at, function + "() " + message);
    bad = true;
  };
  if (next < args.positional.size()) {
    fail(args.at(next),
         "takes " +
             (required == most ? llvm::Twine(most)
                               : "from " + llvm::Twine(required) + " to " +
                                     llvm::Twine(most)) +
             " positional argument" + (most == 1 ? "" : "s") + " but " +
             llvm::Twine(args.positional.size()) +
             (args.positional.size() == 1 ? " was" : " were") + " given");
    return;
  }
  for (auto [i, keyword] : llvm::enumerate(args.keywords)) {
    llvm::SMRange at =
        i < args.keywordsAt.size() ? args.keywordsAt[i] : args.range;
    auto found = llvm::find_if(
        bound, [&](const Bound &entry) { return entry.name == keyword.first; });
    if (found == bound.end()) {
      std::vector<llvm::StringRef> names;
      for (const Bound &entry : bound)
        names.push_back(entry.name);
      fail(at, "got an unexpected keyword argument '" + keyword.first + "'" +
                   suggestion(keyword.first, names));
      return;
    }
    if (found->given) {
      fail(at, "got multiple values for argument '" + keyword.first + "'");
      return;
    }
    found->value = keyword.second;
    found->range = at;
    found->given = true;
  }
  for (auto [param, entry] : llvm::zip_equal(params, bound))
    if (!entry.given && !param.ends_with("=")) {
      fail(args.range, "missing required argument '" + entry.name + "'");
      return;
    }
}

const ArgParser::Bound *ArgParser::find(llvm::StringRef name) const {
  for (const Bound &entry : bound)
    if (entry.name == name)
      return &entry;
  return nullptr;
}

bool ArgParser::has(llvm::StringRef name) const {
  const Bound *entry = find(name);
  return entry && entry->given;
}

Value ArgParser::operator[](llvm::StringRef name) const {
  const Bound *entry = find(name);
  return entry ? entry->value : Value::none();
}

llvm::SMRange ArgParser::at(llvm::StringRef name) const {
  const Bound *entry = find(name);
  return entry ? entry->range : llvm::SMRange();
}

/// "f(): 'axis' must be an int, not the string 'a'"
static LogicalResult wrongType(Evaluator &ev, llvm::SMRange at,
                               llvm::StringRef function, llvm::StringRef name,
                               llvm::StringRef expected, Value found) {
  return ev.error(at, function + "(): '" + name + "' must be " + expected +
                          ", not " + ev.describe(found));
}

FailureOr<int64_t> ArgParser::integer(llvm::StringRef name) {
  Value value = (*this)[name];
  if (value.isInteger())
    return value.asInt();
  return wrongType(evaluator, at(name), function, name, "an int", value);
}

FailureOr<double> ArgParser::number(llvm::StringRef name) {
  Value value = (*this)[name];
  if (value.isNumber())
    return value.asDouble();
  return wrongType(evaluator, at(name), function, name, "a number", value);
}

FailureOr<bool> ArgParser::boolean(llvm::StringRef name) {
  Value value = (*this)[name];
  if (value.isInteger())
    return value.asBool();
  return wrongType(evaluator, at(name), function, name, "a bool", value);
}

FailureOr<std::string> ArgParser::string(llvm::StringRef name) {
  Value value = (*this)[name];
  if (auto *text = value.as<StringObject>())
    return text->text;
  if (value.is(ValueKind::DType))
    return evaluator.str(value);
  return wrongType(evaluator, at(name), function, name, "a string", value);
}

FailureOr<llvm::SmallVector<int64_t>>
ArgParser::integers(llvm::StringRef name) {
  Value value = (*this)[name];
  if (value.isInteger())
    return llvm::SmallVector<int64_t>{value.asInt()};
  llvm::SmallVector<int64_t> result;
  bool sequence = value.is(ValueKind::Tuple) || value.is(ValueKind::List) ||
                  value.is(ValueKind::Range);
  if (sequence) {
    auto items = evaluator.iterate(value, at(name));
    if (mlir::failed(items))
      return failure();
    sequence = llvm::all_of(*items, [](Value v) { return v.isInteger(); });
    for (Value item : *items)
      if (sequence)
        result.push_back(item.asInt());
  }
  if (!sequence)
    return wrongType(evaluator, at(name), function, name,
                     "an int or a sequence of ints", value);
  return result;
}
