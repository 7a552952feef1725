//===- OnnxReductions.cpp - lam as ONNX: reductions and order -------------===//

#include "OnnxWriter.h"
#include <limits>

using namespace mlir;

namespace lamina {

/// The number that changes nothing.
static double identityOf(lam::ReduceKind kind, Type element) {
  bool isMax = kind == lam::ReduceKind::Max;
  if (kind == lam::ReduceKind::Sum || kind == lam::ReduceKind::Prod)
    return kind == lam::ReduceKind::Prod;
  if (isa<FloatType>(element))
    return isMax ? -std::numeric_limits<double>::infinity()
                 : std::numeric_limits<double>::infinity();
  // The largest float64 that a 64-bit integer can be is a little smaller.
  bool isUnsigned = element.isUnsignedInteger();
  unsigned bits = element.getIntOrFloatBitWidth() - !isUnsigned;
  double limit = std::ldexp(1.0, bits);
  return isMax ? (isUnsigned ? 0 : -limit) : limit - (bits > 53 ? 2048 : 1);
}

std::string OnnxWriter::reduceNode(lam::ReduceKind kind, StringRef x,
                                   Type element, ArrayRef<int64_t> dims) {
  MLIRContext *context = function.getContext();
  OnnxAttribute drop("keepdims", int64_t(0));
  auto apply = [&](StringRef type, StringRef value) {
    return node(type, {value.str(), integers(dims)}, drop);
  };
  Type count = IntegerType::get(context, 32);
  auto counted = [&](StringRef value) {
    return apply("ReduceSum", cast(value, count));
  };
  switch (kind) {
  case lam::ReduceKind::Any:
    return node("Greater", {counted(x), scalar(count, 0)});
  case lam::ReduceKind::All:
    return node("Equal", {counted(node("Not", {x.str()})), scalar(count, 0)});
  case lam::ReduceKind::Max:
    return apply("ReduceMax", x);
  case lam::ReduceKind::Min:
    return apply("ReduceMin", x);
  case lam::ReduceKind::Sum:
  case lam::ReduceKind::Prod:
    break;
  }
  // Sums of narrow numbers are kept in wide ones.
  Type wide = element;
  if (element.isF16() || element.isBF16())
    wide = Float32Type::get(context);
  else if (isa<IntegerType>(element) && !element.isSignlessInteger(32))
    wide = IntegerType::get(context, 64);
  std::string y =
      apply(kind == lam::ReduceKind::Sum ? "ReduceSum" : "ReduceProd",
            wide == element ? x.str() : cast(x, wide));
  return wide == element ? y : cast(y, element);
}

void OnnxWriter::reduce(lam::ReduceOp op) {
  Written x = part(op.getX());
  ArrayRef<int64_t> shape = shapeOfType(op.getX());
  // What is not whole elsewhere may stay so.
  bool isWhole = x.shape.size() == shape.size() &&
                 llvm::all_of(op.getDims(), [&](int64_t dim) {
                   return x.shape[dim] == shape[dim];
                 });
  SmallVector<int64_t> result;
  for (size_t i = 0; i < shape.size(); ++i)
    if (!llvm::is_contained(op.getDims(), int64_t(i)))
      result.push_back(isWhole ? x.shape[i] : shape[i]);
  std::string name = isWhole ? x.name : get(op.getX());
  if (!op.getDims().empty())
    name = reduceNode(op.getKind(), name, elementOf(op.getX()), op.getDims());
  set(op, name, result);
}

void OnnxWriter::cumulative(lam::CumulativeOp op) {
  std::string x = get(op.getX());
  Type element = elementOf(op.getX());
  int64_t rank = shapeOfType(op.getX()).size(), dim = op.getDim();
  Type index = IntegerType::get(op.getContext(), 64);
  if (op.getKind() == lam::ReduceKind::Sum) {
    Type wide = element;
    if (element.isF16() || element.isBF16())
      wide = Float32Type::get(op.getContext());
    else if (isa<IntegerType>(element) && !element.isSignlessInteger(32))
      wide = index;
    std::string y = node(
        "CumSum", {wide == element ? x : cast(x, wide), scalar(index, dim)},
        {OnnxAttribute("exclusive", op.getExclusive()),
         OnnxAttribute("reverse", op.getReverse())});
    set(op, wide == element ? y : cast(y, element));
    return;
  }
  // y[i] is the reduction of x[j] where j <= i: a square of which half is the
  // identity.
  std::string range =
      node("Range", {scalar(index, 0), node("Squeeze", {size(op.getX(), dim)}),
                     scalar(index, 1)});
  std::string rows = node("Unsqueeze", {range, integers({1})});
  std::string isIn =
      op.getReverse()
          ? node(op.getExclusive() ? "Less" : "LessOrEqual", {rows, range})
          : node(op.getExclusive() ? "Greater" : "GreaterOrEqual",
                 {rows, range});
  SmallVector<int64_t> behind;
  for (int64_t i = dim + 1; i < rank; ++i)
    behind.push_back(i - dim + 1);
  if (!behind.empty())
    isIn = node("Unsqueeze", {isIn, integers(behind)});
  std::string square =
      node("Where", {isIn, node("Unsqueeze", {x, integers({dim})}),
                     scalar(element, identityOf(op.getKind(), element))});
  set(op, reduceNode(op.getKind(), square, element, {dim + 1}));
}

void OnnxWriter::sort(lam::SortOp op) {
  Type element = elementOf(op.getX());
  std::string x = get(op.getX());
  bool isBool = element.isInteger(1);
  Type number = IntegerType::get(op.getContext(), 32);
  if (isBool)
    x = cast(x, number);
  std::vector<std::string> results =
      node("TopK", {x, size(op.getX(), op.getDim())},
           {OnnxAttribute("axis", int64_t(op.getDim())),
            OnnxAttribute("largest", op.getDescending())},
           2);
  set(op.getValues(), isBool ? cast(results[0], element) : results[0]);
  set(op.getIndices(), cast(results[1], number));
}

bool OnnxWriter::reduction(Operation *op) {
  if (auto reduce = dyn_cast<lam::ReduceOp>(op)) {
    this->reduce(reduce);
  } else if (auto arg = dyn_cast<lam::ArgReduceOp>(op)) {
    bool isMax = arg.getKind() == lam::ReduceKind::Max;
    std::string x = get(arg.getX());
    if (elementOf(arg.getX()).isInteger(1))
      x = cast(x, elementOf(arg));
    std::string y = node(isMax ? "ArgMax" : "ArgMin", {x},
                         {OnnxAttribute("axis", int64_t(arg.getDim())),
                          OnnxAttribute("keepdims", int64_t(0))});
    set(arg, cast(y, elementOf(arg)));
  } else if (auto cumulative = dyn_cast<lam::CumulativeOp>(op)) {
    this->cumulative(cumulative);
  } else if (auto sort = dyn_cast<lam::SortOp>(op)) {
    this->sort(sort);
  } else {
    return false;
  }
  return true;
}

} // namespace lamina
