//===- EvaluatorComparison.cpp - truth, ==, <, in, isinstance -------------===//
#include "Interpretation.h"
#include "PythonText.h"
#include "lamina/Frontend/ModelBuilder.h"
#include "lamina/Frontend/Tracer.h"
#include <cmath>

using namespace lamina;
using namespace lamina::ast;
using namespace lamina::frontend;

llvm::StringRef frontend::spelling(CompareOp op) {
  switch (op) {
  case CompareOp::Eq:
    return "==";
  case CompareOp::Ne:
    return "!=";
  case CompareOp::Lt:
    return "<";
  case CompareOp::Le:
    return "<=";
  case CompareOp::Gt:
    return ">";
  case CompareOp::Ge:
    return ">=";
  case CompareOp::Is:
    return "is";
  case CompareOp::IsNot:
    return "is not";
  case CompareOp::In:
    return "in";
  case CompareOp::NotIn:
    return "not in";
  }
  return "?";
}

FailureOr<bool> Evaluator::truth(Value value, SMRange at) {
  Interpretation &in = *state->interpretation;
  switch (value.kind()) {
  case ValueKind::None:
    return false;
  case ValueKind::Bool:
  case ValueKind::Int:
    return value.asInt() != 0;
  case ValueKind::Float:
    return value.asDouble() != 0;
  case ValueKind::String:
    return !value.as<StringObject>()->text.empty();
  case ValueKind::Tuple:
    return !value.as<TupleObject>()->items.empty();
  case ValueKind::List:
    return !value.as<ListObject>()->items.empty();
  case ValueKind::Dict:
    return !value.as<DictObject>()->items.empty();
  case ValueKind::Set:
    return !value.as<SetObject>()->items.empty();
  case ValueKind::Range: {
    auto length = this->length(value, at);
    return *length != 0;
  }
  case ValueKind::Size: {
    const Size &size = value.as<SizeObject>()->size;
    std::optional<bool> positive = Size::lessThan(0, size);
    std::optional<bool> negative = Size::lessThan(size, 0);
    if (positive == true || negative == true)
      return true;
    return in.error(at, "whether the size " + size.str() +
                            " is zero depends on the batch size, which is not "
                            "known at compile time");
  }
  case ValueKind::Tensor: {
    auto *tensor = value.as<TensorObject>();
    if (std::optional<NDArray> known = tracer().constantOf(tensor);
        known && known->size() == 1)
      return known->getDouble(0) != 0;
    return in.error(at, "the truth of a tensor (" + describe(value) +
                            ") is not known at compile time; use "
                            "where(condition, a, b) to choose by element");
  }
  case ValueKind::Instance:
    if (std::optional<Value> method = in.special(value, "__bool__")) {
      Result result = call(*method, std::vector<Value>{}, at);
      if (failed(result))
        return failure();
      if (!result->is(ValueKind::Bool))
        return in.error(at, "__bool__ should return bool, returned " +
                                classOf(*result)->name);
      return result->asBool();
    }
    if (in.special(value, "__len__")) {
      auto length = this->length(value, at);
      if (failed(length))
        return failure();
      return *length != 0;
    }
    return true;
  default:
    return true;
  }
}

/// Sizes compare where the answer holds for every batch size.
static Result compareSizes(Interpretation &in, CompareOp op, Value a, Value b,
                           SMRange at) {
  auto sizeOf = [](Value v) {
    auto *size = v.as<SizeObject>();
    return size ? size->size : Size(v.asInt());
  };
  Size x = sizeOf(a), y = sizeOf(b);
  std::optional<bool> answer;
  switch (op) {
  case CompareOp::Eq:
  case CompareOp::Ne:
    if (x == y)
      answer = true;
    else if (Size::lessThan(x, y) == true || Size::lessThan(y, x) == true)
      answer = false;
    if (answer && op == CompareOp::Ne)
      answer = !*answer;
    break;
  case CompareOp::Lt:
    answer = Size::lessThan(x, y);
    break;
  case CompareOp::Gt:
    answer = Size::lessThan(y, x);
    break;
  case CompareOp::Le:
    answer = Size::lessThan(y, x);
    if (answer)
      answer = !*answer;
    break;
  case CompareOp::Ge:
    answer = Size::lessThan(x, y);
    if (answer)
      answer = !*answer;
    break;
  default:
    break;
  }
  if (answer)
    return Value::boolean(*answer);
  return in.error(at, "whether " + x.str() + " " + spelling(op) + " " +
                          y.str() +
                          " depends on the batch size, which is not known at "
                          "compile time");
}

//===----------------------------------------------------------------------===//
// Order
//===----------------------------------------------------------------------===//

static bool holds(CompareOp op, int order) {
  switch (op) {
  case CompareOp::Lt:
    return order == -1;
  case CompareOp::Le:
    return order == -1 || order == 0;
  case CompareOp::Gt:
    return order == 1;
  case CompareOp::Ge:
    return order == 1 || order == 0;
  default:
    return false;
  }
}

Result Interpretation::order(CompareOp op, Value a, Value b, SMRange at) {
  if (a.isNumber() && b.isNumber())
    return Value::boolean(holds(op, compareNumbers(a, b)));
  if (a.is(ValueKind::String) && b.is(ValueKind::String)) {
    int order = llvm::StringRef(a.as<StringObject>()->text)
                    .compare(b.as<StringObject>()->text);
    return Value::boolean(holds(op, order));
  }
  bool lists = a.is(ValueKind::List) && b.is(ValueKind::List);
  if (lists || (a.is(ValueKind::Tuple) && b.is(ValueKind::Tuple))) {
    llvm::ArrayRef<Value> x =
        lists ? a.as<ListObject>()->items : a.as<TupleObject>()->items;
    llvm::ArrayRef<Value> y =
        lists ? b.as<ListObject>()->items : b.as<TupleObject>()->items;
    for (size_t i = 0; i < std::min(x.size(), y.size()); ++i) {
      if (failed(ev.spend(1, at)))
        return failure();
      FailureOr<bool> same = equal(x[i], y[i], at);
      if (failed(same))
        return failure();
      if (!*same)
        return ev.compare(op, x[i], y[i], at);
    }
    int order = x.size() < y.size() ? -1 : x.size() > y.size();
    return Value::boolean(holds(op, order));
  }
  if (a.is(ValueKind::Set) && b.is(ValueKind::Set)) {
    if (op == CompareOp::Gt || op == CompareOp::Ge)
      return order(op == CompareOp::Gt ? CompareOp::Lt : CompareOp::Le, b, a,
                   at);
    auto *left = a.as<SetObject>(), *right = b.as<SetObject>();
    for (Value item : left->items) {
      FailureOr<bool> present = ev.lookup(right, item, at);
      if (failed(present))
        return failure();
      if (!*present)
        return Value::boolean(false);
    }
    return Value::boolean(op == CompareOp::Le ||
                          left->items.size() < right->items.size());
  }
  return error(at,
               "'" + spelling(op) + "' not supported between instances of '" +
                   ev.classOf(a)->name + "' and '" + ev.classOf(b)->name + "'");
}

static std::pair<llvm::StringRef, llvm::StringRef> specialNames(CompareOp op) {
  switch (op) {
  case CompareOp::Eq:
    return {"__eq__", "__eq__"};
  case CompareOp::Ne:
    return {"__ne__", "__ne__"};
  case CompareOp::Lt:
    return {"__lt__", "__gt__"};
  case CompareOp::Le:
    return {"__le__", "__ge__"};
  case CompareOp::Gt:
    return {"__gt__", "__lt__"};
  case CompareOp::Ge:
    return {"__ge__", "__le__"};
  default:
    return {"", ""};
  }
}

Result Evaluator::compare(CompareOp op, Value a, Value b, SMRange at) {
  Interpretation &in = *state->interpretation;
  NestingGuard guard(state->nesting);
  if (state->nesting > limits::nesting)
    return in.error(at, "the values are nested too deeply to compare");
  if (op == CompareOp::Is || op == CompareOp::IsNot) {
    auto *x = a.as<StringObject>(), *y = b.as<StringObject>();
    auto *m = a.as<NamespaceObject>(), *n = b.as<NamespaceObject>();
    auto *s = a.as<DTypeObject>();
    bool same = x && y   ? x->text == y->text
                : m && n ? m->path == n->path
                : s      ? sameDType(s, b)
                         : a.same(b);
    return Value::boolean(same == (op == CompareOp::Is));
  }
  if (op == CompareOp::In || op == CompareOp::NotIn) {
    FailureOr<bool> found = contains(b, a, at);
    if (failed(found))
      return failure();
    return Value::boolean(*found == (op == CompareOp::In));
  }
  bool isEquality = op == CompareOp::Eq || op == CompareOp::Ne;
  if (a.is(ValueKind::Instance) || b.is(ValueKind::Instance)) {
    auto [forward, backward] = specialNames(op);
    std::pair<Value, Value> attempts[] = {{a, b}, {b, a}};
    for (auto [i, operands] : llvm::enumerate(attempts)) {
      if (!operands.first.is(ValueKind::Instance))
        continue;
      if (auto method = in.special(operands.first, i ? backward : forward)) {
        Result result = call(*method, {operands.second}, at);
        if (failed(result) || !result->is(ValueKind::NotImplemented))
          return result;
      } else if (op == CompareOp::Ne && in.special(operands.first, "__eq__")) {
        FailureOr<bool> same = in.equal(operands.first, operands.second, at);
        if (failed(same))
          return failure();
        return Value::boolean(!*same);
      }
    }
    if (isEquality && !a.isTensor() && !b.isTensor())
      return Value::boolean(a.same(b) == (op == CompareOp::Eq));
  }
  if (a.isTensor() || b.isTensor()) {
    Value other = a.isTensor() ? b : a;
    if (isEquality && (other.isNone() || other.is(ValueKind::String)))
      return Value::boolean(op == CompareOp::Ne);
    return models().operation(operationName(op), {a, b},
                              [&] { return tracer().compare(op, a, b, at); });
  }
  bool sizeLeft = a.is(ValueKind::Size), sizeRight = b.is(ValueKind::Size);
  if ((sizeLeft && (sizeRight || b.isInteger())) ||
      (sizeRight && a.isInteger()))
    return compareSizes(in, op, a, b, at);
  if ((sizeLeft && b.is(ValueKind::Float)) ||
      (sizeRight && a.is(ValueKind::Float)))
    return tracer().compare(op, a, b, at);
  if (!isEquality)
    return in.order(op, a, b, at);
  FailureOr<bool> same = in.equalStatic(a, b, at);
  if (failed(same))
    return failure();
  return Value::boolean(*same == (op == CompareOp::Eq));
}

FailureOr<bool> Evaluator::contains(Value container, Value item, SMRange at) {
  Interpretation &in = *state->interpretation;
  if (auto *dtype = container.as<DTypeObject>())
    container = string(lamina::name(dtype->dtype));
  if (auto *text = container.as<StringObject>()) {
    auto *part = item.as<StringObject>();
    if (!part)
      return in.error(at, "'in <string>' requires string as left operand, "
                          "not " +
                              classOf(item)->name);
    return llvm::StringRef(text->text).contains(part->text);
  }
  if (auto *dict = container.as<DictObject>()) {
    auto found = lookup(dict, item, at);
    if (failed(found))
      return failure();
    return *found != nullptr;
  }
  if (auto *set = container.as<SetObject>())
    return lookup(set, item, at);
  if (auto *range = container.as<RangeObject>(); range && item.isInteger()) {
    int64_t value = item.asInt();
    bool inside = range->step > 0
                      ? value >= range->start && value < range->stop
                      : value <= range->start && value > range->stop;
    return inside &&
           (static_cast<__int128>(value) - range->start) % range->step == 0;
  }
  if (container.is(ValueKind::Instance))
    if (std::optional<Value> method = in.special(container, "__contains__")) {
      Result result = call(*method, {item}, at);
      if (failed(result))
        return failure();
      return truth(*result, at);
    }
  if (container.isTensor())
    return in.error(at, "'in' of a tensor is not known at compile time; use "
                        "any(x == value)");
  auto items = iterator(container, at);
  if (failed(items))
    return failure();
  while (true) {
    auto element = next(*items, at);
    if (failed(element))
      return failure();
    if (!*element)
      return false;
    FailureOr<bool> same = in.equal(**element, item, at);
    if (failed(same) || *same)
      return same;
    if (failed(spend(1, at)))
      return failure();
  }
}

FailureOr<bool> Evaluator::isInstance(Value value, Value classes, SMRange at) {
  NestingGuard guard(state->nesting);
  if (state->nesting > limits::nesting)
    return error(at, "the tuple of classes is nested too deeply");
  if (auto *type = classes.as<ClassObject>())
    return classOf(value)->isSubclassOf(type);
  if (classes.isNone())
    return value.isNone();
  if (auto *tuple = classes.as<TupleObject>()) {
    for (Value type : tuple->items) {
      FailureOr<bool> matches = isInstance(value, type, at);
      if (failed(matches) || *matches)
        return matches;
    }
    return false;
  }
  // A value's dtype class, such as np.float32, has no static values.
  if (classes.is(ValueKind::DType) || classes.is(ValueKind::Namespace))
    return false;
  return state->interpretation->error(
      at, "isinstance() arg 2 must be a class or a tuple of classes, not " +
              describe(classes));
}
