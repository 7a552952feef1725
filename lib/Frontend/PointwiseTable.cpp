//===- PointwiseTable.cpp - the pointwise ops by name, and on numbers -----===//

#include "TracerImpl.h"
#include "llvm/ADT/STLExtras.h"
#include <cmath>
#include <utility>

using namespace llvm;

namespace lamina::frontend {
namespace {

template <typename Op, typename T, size_t... I>
T applyFormula(ArrayRef<T> args, std::index_sequence<I...>) {
  return Op::template formula<T>(args[I]...);
}

template <typename Op, typename T>
T evaluateFormula(ArrayRef<T> args) {
  return applyFormula<Op>(args, std::make_index_sequence<Op::arity>());
}

template <typename Op>
void addOp(std::vector<PointwiseInfo> &table) {
  if constexpr (requires { Op::elements; })
    table.push_back({Op::getOperationName().drop_front(strlen("lam.")),
                     Op::arity, Op::elements, Op::isPredicate,
                     evaluateFormula<Op, double>,
                     evaluateFormula<Op, lam::Integer>});
}

template <typename... Ops>
std::vector<PointwiseInfo> makeTable() {
  std::vector<PointwiseInfo> table;
  (addOp<Ops>(table), ...);
  llvm::sort(table, [](const PointwiseInfo &a, const PointwiseInfo &b) {
    return a.mnemonic < b.mnemonic;
  });
  return table;
}

std::optional<Size> asSize(Value value) {
  if (value.isInteger())
    return Size(value.asInt());
  if (auto *object = value.as<SizeObject>())
    return object->size;
  return std::nullopt;
}

/// A comparison of sizes, where it is known.
std::optional<bool> compareSizes(StringRef op, const Size &a, const Size &b) {
  auto negate = [](std::optional<bool> r) {
    return r ? std::optional(!*r) : r;
  };
  if (op == "eq" || op == "ne") {
    if (a == b)
      return op == "eq";
    if (!mayEqual(a, b))
      return op == "ne";
    return std::nullopt;
  }
  if (op == "lt")
    return Size::lessThan(a, b);
  if (op == "gt")
    return Size::lessThan(b, a);
  if (op == "ge")
    return negate(Size::lessThan(a, b));
  return negate(Size::lessThan(b, a));
}

std::optional<Value> evaluateSizes(Evaluator &evaluator,
                                   const PointwiseInfo &op,
                                   ArrayRef<Value> operands) {
  SmallVector<Size, 2> sizes;
  for (Value operand : operands) {
    std::optional<Size> size = asSize(operand);
    if (!size)
      return std::nullopt;
    sizes.push_back(*size);
  }
  if (op.isPredicate) {
    if (sizes.size() != 2)
      return std::nullopt;
    std::optional<bool> result = compareSizes(op.mnemonic, sizes[0], sizes[1]);
    return result ? std::optional(Value::boolean(*result)) : std::nullopt;
  }
  if (op.mnemonic == "neg")
    return evaluator.size(Size() - sizes[0]);
  if (op.mnemonic == "abs" && sizes[0].isNonNegative())
    return operands[0];
  if (op.mnemonic == "add")
    return evaluator.size(sizes[0] + sizes[1]);
  if (op.mnemonic == "sub")
    return evaluator.size(sizes[0] - sizes[1]);
  if (op.mnemonic == "mul")
    return evaluator.size(sizes[0] * sizes[1]);
  if (op.mnemonic == "floor_div" && sizes[1] != Size(0))
    return evaluator.size(sizes[0].floorDiv(sizes[1]));
  if (op.mnemonic == "mod" && sizes[1] != Size(0))
    return evaluator.size(sizes[0].mod(sizes[1]));
  if (op.mnemonic == "max")
    return evaluator.size(Size::max(sizes[0], sizes[1]));
  if (op.mnemonic == "min")
    return evaluator.size(Size::min(sizes[0], sizes[1]));
  return std::nullopt;
}

} // namespace

ArrayRef<PointwiseInfo> pointwiseOps() {
  static const std::vector<PointwiseInfo> table = makeTable<
#define GET_OP_LIST
#include "lamina/Lam/LamOps.cpp.inc"
      >();
  return table;
}

const PointwiseInfo *findPointwise(StringRef mnemonic) {
  ArrayRef<PointwiseInfo> table = pointwiseOps();
  const auto *it = llvm::lower_bound(
      table, mnemonic, [](const PointwiseInfo &op, StringRef name) {
        return op.mnemonic < name;
      });
  return it != table.end() && it->mnemonic == mnemonic ? it : nullptr;
}

std::optional<Value> evaluatePointwise(Evaluator &evaluator,
                                       const PointwiseInfo &op,
                                       ArrayRef<Value> operands) {
  if (any_of(operands, [](Value v) { return v.is(ValueKind::Size); }))
    return evaluateSizes(evaluator, op, operands);
  if (!all_of(operands, [](Value v) { return v.isNumber(); }))
    return std::nullopt;
  bool integers = all_of(operands, [](Value v) { return v.isInteger(); });
  bool booleans =
      all_of(operands, [](Value v) { return v.is(ValueKind::Bool); });
  // Python's 2 ** -1 is 0.5.
  if (op.mnemonic == "pow" && integers && operands[1].asInt() < 0)
    integers = false;
  bool bits = op.elements == lam::Elements::Int ||
              op.elements == lam::Elements::Integral;
  if (bits && !integers)
    return std::nullopt;
  if (integers && op.elements != lam::Elements::Float) {
    SmallVector<lam::Integer, 2> args;
    for (Value operand : operands)
      args.push_back({operand.asInt(), false, 64});
    int64_t result = op.evaluateInteger(args).value;
    if (op.isPredicate)
      return Value::boolean(result != 0);
    if (booleans && op.elements == lam::Elements::Integral)
      return Value::boolean((result & 1) != 0);
    return Value::integer(result);
  }
  SmallVector<double, 2> args;
  for (Value operand : operands)
    args.push_back(operand.asDouble());
  double result = op.evaluate(args);
  return op.isPredicate ? Value::boolean(result != 0) : Value::floating(result);
}

} // namespace lamina::frontend
