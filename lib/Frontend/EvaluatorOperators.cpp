//===- EvaluatorOperators.cpp - binary operators by kinds of operands -----===//
#include "Interpretation.h"
#include "PythonText.h"
#include "lamina/Frontend/ModelBuilder.h"
#include "lamina/Frontend/Tracer.h"

using namespace lamina;
using namespace lamina::ast;
using namespace lamina::frontend;

static llvm::StringRef specialName(BinaryOp op) {
  switch (op) {
  case BinaryOp::Add:
    return "add__";
  case BinaryOp::Sub:
    return "sub__";
  case BinaryOp::Mul:
    return "mul__";
  case BinaryOp::Div:
    return "truediv__";
  case BinaryOp::FloorDiv:
    return "floordiv__";
  case BinaryOp::Mod:
    return "mod__";
  case BinaryOp::Pow:
    return "pow__";
  case BinaryOp::MatMul:
    return "matmul__";
  case BinaryOp::And:
    return "and__";
  case BinaryOp::Or:
    return "or__";
  case BinaryOp::Xor:
    return "xor__";
  case BinaryOp::Shl:
    return "lshift__";
  case BinaryOp::Shr:
    return "rshift__";
  }
  return "";
}

/// `__add__` of the left operand, then `__radd__` of the right one; the other
/// way round if the right one's class is a subclass.
std::optional<Result> Interpretation::instanceOperator(BinaryOp op, Value a,
                                                       Value b, SMRange at) {
  bool isLeft = a.is(ValueKind::Instance), isRight = b.is(ValueKind::Instance);
  if (!isLeft && !isRight)
    return std::nullopt;
  std::string forward = ("__" + specialName(op)).str();
  std::string backward = ("__r" + specialName(op)).str();
  auto attempt = [&](Value self, llvm::StringRef name,
                     Value other) -> std::optional<Result> {
    std::optional<Value> method = special(self, name);
    if (!method)
      return std::nullopt;
    Result result = ev.call(*method, {other}, at);
    if (succeeded(result) && result->is(ValueKind::NotImplemented))
      return std::nullopt;
    return result;
  };
  bool reflectedFirst = isLeft && isRight && ev.classOf(a) != ev.classOf(b) &&
                        ev.classOf(b)->isSubclassOf(ev.classOf(a));
  if (reflectedFirst)
    if (auto result = attempt(b, backward, a))
      return result;
  if (isLeft)
    if (auto result = attempt(a, forward, b))
      return result;
  if (isRight && !reflectedFirst)
    if (auto result = attempt(b, backward, a))
      return result;
  return std::nullopt;
}

static const std::vector<Value> *itemsOf(Value value) {
  if (auto *list = value.as<ListObject>())
    return &list->items;
  if (auto *tuple = value.as<TupleObject>())
    return &tuple->items;
  return nullptr;
}

static Result makeLike(Evaluator &ev, Value like, std::vector<Value> items) {
  return like.is(ValueKind::List) ? ev.list(std::move(items))
                                  : ev.tuple(std::move(items));
}

/// Concatenation and repetition of strings, lists and tuples.
std::optional<Result> Interpretation::sequence(BinaryOp op, Value a, Value b,
                                               SMRange at) {
  if (op == BinaryOp::Mod)
    if (auto *text = a.as<StringObject>())
      return percentFormat(text->text, b, at);
  auto isSequence = [](Value v) {
    return v.is(ValueKind::String) || v.is(ValueKind::List) ||
           v.is(ValueKind::Tuple);
  };
  auto asString = [&](Value v) {
    return v.is(ValueKind::DType) ? ev.string(ev.str(v)) : v;
  };
  if (op == BinaryOp::Add) {
    if (a.is(ValueKind::String) || b.is(ValueKind::String)) {
      a = asString(a);
      b = asString(b);
    }
    if (!isSequence(a) || a.kind() != b.kind()) {
      if (!isSequence(a))
        return std::nullopt;
      llvm::StringRef type = ev.classOf(a)->name;
      return error(at, "can only concatenate " + type + " (not \"" +
                           ev.classOf(b)->name + "\") to " + type);
    }
    if (auto *text = a.as<StringObject>()) {
      const std::string &other = b.as<StringObject>()->text;
      if (text->text.size() + other.size() > limits::text)
        return error(at, "the string is too long");
      if (failed(ev.spend((text->text.size() + other.size()) / 64, at)))
        return Result(failure());
      return Result(ev.string(text->text + other));
    }
    const auto &left = *itemsOf(a), &right = *itemsOf(b);
    if (left.size() + right.size() > limits::elements)
      return error(at, "the sequence has more than a million elements");
    if (failed(ev.spend((left.size() + right.size()) / 8, at)))
      return Result(failure());
    std::vector<Value> items = left;
    items.insert(items.end(), right.begin(), right.end());
    return makeLike(ev, a, std::move(items));
  }
  if (op != BinaryOp::Mul)
    return std::nullopt;
  if (!isSequence(a))
    std::swap(a, b);
  if (!isSequence(a))
    return std::nullopt;
  if (b.is(ValueKind::Size))
    return error(at, "the number of repetitions, " + ev.str(b) +
                         ", is not known at compile time");
  if (!b.isInteger())
    return error(at, "can't multiply sequence by non-int of type '" +
                         ev.classOf(b)->name + "'");
  uint64_t count = std::max<int64_t>(b.asInt(), 0);
  if (auto *text = a.as<StringObject>()) {
    if (!text->text.empty() && count > limits::text / text->text.size())
      return error(at, "the string is too long");
    std::string result;
    for (uint64_t i = 0; i < count && !text->text.empty(); ++i)
      result += text->text;
    if (failed(ev.spend(result.size() / 64, at)))
      return Result(failure());
    return Result(ev.string(result));
  }
  const auto &once = *itemsOf(a);
  if (!once.empty() && count > limits::elements / once.size())
    return error(at, "the sequence has more than a million elements");
  if (failed(ev.spend(once.size() * count / 8, at)))
    return Result(failure());
  std::vector<Value> items;
  if (!once.empty())
    for (uint64_t i = 0; i < count; ++i)
      items.insert(items.end(), once.begin(), once.end());
  return makeLike(ev, a, std::move(items));
}

std::optional<Result> Interpretation::setOperator(BinaryOp op, Value a, Value b,
                                                  SMRange at) {
  if (op == BinaryOp::Or && a.is(ValueKind::Dict) && b.is(ValueKind::Dict)) {
    auto *result = ev.make<DictObject>();
    result->items = a.as<DictObject>()->items;
    for (auto [key, value] : b.as<DictObject>()->items)
      if (failed(ev.store(result, key, value, at)))
        return Result(failure());
    return Result(Value(result));
  }
  // int | None, in isinstance
  auto isType = [](Value v) { return v.is(ValueKind::Class) || v.isNone(); };
  bool leftTuple = a.is(ValueKind::Tuple) && b.is(ValueKind::Class);
  if (op == BinaryOp::Or && (leftTuple || (isType(a) && isType(b))) &&
      (a.is(ValueKind::Class) || b.is(ValueKind::Class))) {
    std::vector<Value> types =
        leftTuple ? a.as<TupleObject>()->items : std::vector<Value>{a};
    types.push_back(b);
    return Result(ev.tuple(types));
  }
  auto *left = a.as<SetObject>(), *right = b.as<SetObject>();
  if (!left || !right)
    return std::nullopt;
  auto *result = ev.make<SetObject>();
  auto addAll = [&](SetObject *from, SetObject *filter,
                    bool wanted) -> LogicalResult {
    for (Value item : from->items) {
      if (filter) {
        FailureOr<bool> present = ev.lookup(filter, item, at);
        if (failed(present))
          return failure();
        if (*present != wanted)
          continue;
      }
      if (failed(ev.insert(result, item, at)))
        return failure();
    }
    return success();
  };
  LogicalResult ok = success();
  switch (op) {
  case BinaryOp::Or:
    ok = addAll(left, nullptr, true);
    if (succeeded(ok))
      ok = addAll(right, nullptr, true);
    break;
  case BinaryOp::And:
    ok = addAll(left, right, true);
    break;
  case BinaryOp::Sub:
    ok = addAll(left, right, false);
    break;
  case BinaryOp::Xor:
    ok = addAll(left, right, false);
    if (succeeded(ok))
      ok = addAll(right, left, false);
    break;
  default:
    return std::nullopt;
  }
  return failed(ok) ? Result(failure()) : Result(Value(result));
}

Result Evaluator::binary(BinaryOp op, Value a, Value b, SMRange at) {
  Interpretation &in = *state->interpretation;
  if (a.isNumber() && b.isNumber())
    return in.number(op, a, b, at);
  if (auto result = in.instanceOperator(op, a, b, at))
    return *result;
  if (a.isTensor() || b.isTensor()) {
    if (!a.is(ValueKind::String) || op != BinaryOp::Mod)
      return models().operation(operationName(op), {a, b},
                                [&] { return tracer().binary(op, a, b, at); });
  }
  bool sizeLeft = a.is(ValueKind::Size), sizeRight = b.is(ValueKind::Size);
  if ((sizeLeft && (sizeRight || b.isNumber())) || (sizeRight && a.isNumber()))
    return in.sizes(op, a, b, at);
  if (auto result = in.sequence(op, a, b, at))
    return *result;
  if (auto result = in.setOperator(op, a, b, at))
    return *result;
  return in.error(at, "unsupported operand type(s) for " + spelling(op) +
                          ": '" + classOf(a)->name + "' and '" +
                          classOf(b)->name + "'");
}

Result Evaluator::augmented(BinaryOp op, Value a, Value b, SMRange at) {
  Interpretation &in = *state->interpretation;
  if (a.is(ValueKind::Instance)) {
    std::string name = ("__i" + specialName(op)).str();
    if (std::optional<Value> method = in.special(a, name)) {
      Result result = call(*method, {b}, at);
      if (failed(result) || !result->is(ValueKind::NotImplemented))
        return result;
    }
  }
  if (auto *list = a.as<ListObject>()) {
    if (op == BinaryOp::Add && !b.isTensor()) {
      auto items = iterate(b, at);
      if (failed(items))
        return failure();
      if (list->items.size() + items->size() > limits::elements)
        return in.error(at, "the list has more than a million elements");
      list->items.insert(list->items.end(), items->begin(), items->end());
      heapBytes += items->size() * sizeof(Value);
      return a;
    }
    if (op == BinaryOp::Mul && b.isInteger()) {
      Result repeated = binary(op, a, b, at);
      if (failed(repeated))
        return failure();
      list->items = repeated->as<ListObject>()->items;
      return a;
    }
  }
  if (auto *dict = a.as<DictObject>();
      dict && b.is(ValueKind::Dict) && op == BinaryOp::Or) {
    auto items = b.as<DictObject>()->items;
    for (auto [key, value] : items)
      if (failed(store(dict, key, value, at)))
        return failure();
    return a;
  }
  if (auto *set = a.as<SetObject>(); set && b.is(ValueKind::Set)) {
    Result result = binary(op, a, b, at);
    if (failed(result))
      return failure();
    set->items = result->as<SetObject>()->items;
    set->index = {};
    return a;
  }
  return binary(op, a, b, at);
}
