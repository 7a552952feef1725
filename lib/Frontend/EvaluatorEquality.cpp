//===- EvaluatorEquality.cpp - == of static values ------------------------===//
#include "Interpretation.h"
#include <cmath>

using namespace lamina;
using namespace lamina::ast;
using namespace lamina::frontend;

int frontend::compareNumbers(Value a, Value b) {
  // 64 bits of mantissa hold every int64 and every double.
  long double x = a.is(ValueKind::Float)
                      ? static_cast<long double>(a.asDouble())
                      : static_cast<long double>(a.asInt());
  long double y = b.is(ValueKind::Float)
                      ? static_cast<long double>(b.asDouble())
                      : static_cast<long double>(b.asInt());
  if (std::isnan(x) || std::isnan(y))
    return 2;
  return x < y ? -1 : x > y ? 1 : 0;
}

bool frontend::sameDType(const DTypeObject *dtype, Value other) {
  if (auto *type = other.as<DTypeObject>())
    return type->dtype == dtype->dtype;
  if (auto *text = other.as<StringObject>())
    return parseDType(text->text) == dtype->dtype;
  return false;
}

FailureOr<bool> Evaluator::equal(Value a, Value b, SMRange at) {
  return state->interpretation->equal(a, b, at);
}

/// What containers use: identity counts as equality.
FailureOr<bool> Interpretation::equal(Value a, Value b, SMRange at) {
  if (a.same(b))
    return true;
  Result result = ev.compare(CompareOp::Eq, a, b, at);
  if (failed(result))
    return failure();
  return ev.truth(*result, at);
}

static std::optional<FailureOr<bool>> equalSequences(Interpretation &in,
                                                     llvm::ArrayRef<Value> a,
                                                     llvm::ArrayRef<Value> b,
                                                     SMRange at) {
  if (a.size() != b.size())
    return FailureOr<bool>(false);
  for (auto [x, y] : llvm::zip_equal(a, b)) {
    FailureOr<bool> same = in.equal(x, y, at);
    if (failed(same) || !*same)
      return same;
  }
  return FailureOr<bool>(true);
}

/// `==` of values that are no instances, tensors or sizes.
FailureOr<bool> Interpretation::equalStatic(Value a, Value b, SMRange at) {
  Interpretation &in = *this;
  if (a.isNumber() && b.isNumber())
    return compareNumbers(a, b) == 0;
  if (auto *dtype = a.as<DTypeObject>())
    return sameDType(dtype, b);
  if (auto *dtype = b.as<DTypeObject>())
    return sameDType(dtype, a);
  if (a.kind() != b.kind())
    return false;
  if (failed(in.ev.spend(1, at)))
    return failure();
  switch (a.kind()) {
  case ValueKind::String:
    return a.as<StringObject>()->text == b.as<StringObject>()->text;
  case ValueKind::Tuple:
    return *equalSequences(in, a.as<TupleObject>()->items,
                           b.as<TupleObject>()->items, at);
  case ValueKind::List:
    return *equalSequences(in, a.as<ListObject>()->items,
                           b.as<ListObject>()->items, at);
  case ValueKind::Dict: {
    auto *left = a.as<DictObject>(), *right = b.as<DictObject>();
    if (left->items.size() != right->items.size())
      return false;
    for (auto [key, value] : left->items) {
      auto other = in.ev.lookup(right, key, at);
      if (failed(other))
        return failure();
      if (!*other)
        return false;
      FailureOr<bool> same = in.equal(value, **other, at);
      if (failed(same) || !*same)
        return same;
    }
    return true;
  }
  case ValueKind::Set: {
    auto *left = a.as<SetObject>(), *right = b.as<SetObject>();
    if (left->items.size() != right->items.size())
      return false;
    for (Value item : left->items) {
      FailureOr<bool> present = in.ev.lookup(right, item, at);
      if (failed(present) || !*present)
        return present;
    }
    return true;
  }
  case ValueKind::Range: {
    auto x = in.ev.length(a, at), y = in.ev.length(b, at);
    auto *left = a.as<RangeObject>(), *right = b.as<RangeObject>();
    return *x == *y && (*x == 0 || (left->start == right->start &&
                                    (*x == 1 || left->step == right->step)));
  }
  case ValueKind::Slice: {
    auto *x = a.as<SliceObject>(), *y = b.as<SliceObject>();
    return *equalSequences(in, {x->lower, x->upper, x->step},
                           {y->lower, y->upper, y->step}, at);
  }
  case ValueKind::BoundMethod: {
    auto *x = a.as<BoundMethodObject>(), *y = b.as<BoundMethodObject>();
    return x->self.same(y->self) && x->function.same(y->function);
  }
  case ValueKind::Namespace:
    return a.as<NamespaceObject>()->path == b.as<NamespaceObject>()->path;
  default:
    return a.same(b);
  }
}
