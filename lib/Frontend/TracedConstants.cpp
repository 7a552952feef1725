//===- TracedConstants.cpp - what is known of traced tensors --------------===//
//
// Shapes, axes and indices may come out of tensor arithmetic (`tf.shape(x)[0] *
// 2`, `K.prod(K.shape(x)[1:])`). They are read back from the emitted ops.
//
//===----------------------------------------------------------------------===//

#include "TracerImpl.h"
#include "lamina/Interpreter/Interpreter.h"
#include "lamina/Support/Elements.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/TypeSwitch.h"
#include <numeric>

using namespace llvm;

namespace lamina::frontend {

//===----------------------------------------------------------------------===//
// Sizes
//===----------------------------------------------------------------------===//

namespace {

constexpr int64_t maxElements = 64;
constexpr unsigned maxDepth = 64;

/// Reads the elements of small integer tensors as sizes, by the meaning of the
/// ops that a user's shape arithmetic emits.
class SizeReader {
public:
  explicit SizeReader(const Tracer::State &state) : state(state) {}
  using Sizes = std::optional<std::vector<Size>>;

  Sizes read(mlir::Value tensor, unsigned depth = 0) {
    auto type = dyn_cast<mlir::RankedTensorType>(tensor.getType());
    mlir::Operation *op = tensor.getDefiningOp();
    if (!type || !op || depth > maxDepth || !type.hasStaticShape() ||
        type.getNumElements() > maxElements ||
        !isa<mlir::IntegerType>(type.getElementType()))
      return std::nullopt;
    return TypeSwitch<mlir::Operation *, Sizes>(op)
        .Case<lam::ConstantOp>(
            [&](auto constant) { return ofConstant(constant); })
        .Case<lam::FromSizeOp>([&](auto from) -> Sizes {
          auto size = ofIndex(from.getSize(), depth);
          return size ? Sizes({*size}) : std::nullopt;
        })
        .Case<lam::ReshapeOp, lam::CastOp, lam::StopGradientOp>(
            [&](auto same) { return read(same.getX(), depth + 1); })
        .Case<lam::ConcatOp>(
            [&](auto concat) { return ofConcat(concat, depth); })
        .Case<lam::BroadcastOp>([&](auto broadcast) -> Sizes {
          auto sizes = read(broadcast.getX(), depth + 1);
          if (!sizes || sizes->size() != 1)
            return std::nullopt;
          return std::vector<Size>(type.getNumElements(), sizes->front());
        })
        .Case<lam::SliceOp>([&](auto slice) { return ofSlice(slice, depth); })
        .Case<lam::ReduceOp>(
            [&](auto reduce) { return ofReduce(reduce, depth); })
        .Case<lam::AddOp, lam::SubOp, lam::MulOp, lam::FloorDivOp, lam::ModOp,
              lam::MaxOp, lam::MinOp>(
            [&](auto pointwise) { return ofPointwise(pointwise, depth); })
        .Default(Sizes());
  }

private:
  std::optional<Size> ofIndex(mlir::Value index, unsigned depth) {
    if (depth > maxDepth)
      return std::nullopt;
    APInt constant;
    if (mlir::matchPattern(index, mlir::m_ConstantInt(&constant)))
      return Size(constant.getSExtValue());
    mlir::Operation *op = index.getDefiningOp();
    auto binary = [&](auto compute) -> std::optional<Size> {
      auto a = ofIndex(op->getOperand(0), depth + 1);
      auto b = ofIndex(op->getOperand(1), depth + 1);
      return a && b ? std::optional<Size>(compute(*a, *b)) : std::nullopt;
    };
    if (isa_and_nonnull<mlir::arith::AddIOp>(op))
      return binary([](const Size &a, const Size &b) { return a + b; });
    if (isa_and_nonnull<mlir::arith::MulIOp>(op))
      return binary([](const Size &a, const Size &b) { return a * b; });
    if (isa_and_nonnull<mlir::arith::MaxSIOp>(op))
      return binary(
          [](const Size &a, const Size &b) { return Size::max(a, b); });
    if (isa_and_nonnull<mlir::arith::FloorDivSIOp, mlir::arith::DivUIOp>(op))
      return binary([](const Size &a, const Size &b) { return a.floorDiv(b); });
    auto it = state.symbolOf.find(index);
    if (it == state.symbolOf.end())
      return std::nullopt;
    return Size::symbol(it->second);
  }

  static Sizes ofConstant(lam::ConstantOp op) {
    std::optional<NDArray> array = fromElements(op.getValue());
    if (!array)
      return std::nullopt;
    std::vector<Size> sizes;
    for (int64_t i = 0; i < array->size(); ++i)
      sizes.push_back(array->getInt(i));
    return sizes;
  }

  Sizes ofConcat(lam::ConcatOp op, unsigned depth) {
    auto type = cast<mlir::RankedTensorType>(op.getType());
    if (type.getRank() != 1)
      return std::nullopt;
    std::vector<Size> sizes;
    for (mlir::Value x : op.getXs()) {
      Sizes part = read(x, depth + 1);
      if (!part)
        return std::nullopt;
      sizes.insert(sizes.end(), part->begin(), part->end());
    }
    return sizes;
  }

  Sizes ofSlice(lam::SliceOp op, unsigned depth) {
    auto type = cast<mlir::RankedTensorType>(op.getType());
    Sizes sizes = read(op.getX(), depth + 1);
    int64_t offset = type.getRank() == 1 ? op.getStaticOffsets()[0] : -1;
    if (!sizes || offset < 0)
      return std::nullopt;
    std::vector<Size> result;
    for (int64_t i = 0; i < type.getDimSize(0); ++i) {
      size_t place = size_t(offset + i * op.getStrides()[0]);
      if (place >= sizes->size())
        return std::nullopt;
      result.push_back((*sizes)[place]);
    }
    return result;
  }

  Sizes ofReduce(lam::ReduceOp op, unsigned depth) {
    Sizes sizes = read(op.getX(), depth + 1);
    auto type = cast<mlir::RankedTensorType>(op.getType());
    if (!sizes || type.getNumElements() != 1 || sizes->empty())
      return std::nullopt;
    Size result = sizes->front();
    for (const Size &size : drop_begin(*sizes))
      switch (op.getKind()) {
      case lam::ReduceKind::Sum:
        result = result + size;
        break;
      case lam::ReduceKind::Prod:
        result = result * size;
        break;
      case lam::ReduceKind::Max:
        result = Size::max(result, size);
        break;
      case lam::ReduceKind::Min:
        result = Size::min(result, size);
        break;
      default:
        return std::nullopt;
      }
    return std::vector<Size>{result};
  }

  Sizes ofPointwise(mlir::Operation *op, unsigned depth) {
    Sizes a = read(op->getOperand(0), depth + 1);
    Sizes b = read(op->getOperand(1), depth + 1);
    if (!a || !b)
      return std::nullopt;
    std::vector<Size> result;
    for (auto [x, y] : zip_equal(*a, *b)) {
      if (isa<lam::AddOp>(op))
        result.push_back(x + y);
      else if (isa<lam::SubOp>(op))
        result.push_back(x - y);
      else if (isa<lam::MulOp>(op))
        result.push_back(x * y);
      else if (isa<lam::FloorDivOp>(op))
        result.push_back(x.floorDiv(y));
      else if (isa<lam::ModOp>(op))
        result.push_back(x.mod(y));
      else if (isa<lam::MaxOp>(op))
        result.push_back(Size::max(x, y));
      else
        result.push_back(Size::min(x, y));
    }
    return result;
  }

  const Tracer::State &state;
};

} // namespace

std::optional<std::vector<Size>> sizesOf(mlir::Value tensor,
                                         const Tracer::State &state) {
  return SizeReader(state).read(tensor);
}

std::optional<std::vector<Size>> Tracer::knownSizes(TensorObject *x) {
  if (auto sizes = sizesOf(x->value, *state))
    return sizes;
  std::optional<NDArray> array =
      isFloat(dtypeOf(x)) ? std::nullopt : constantOf(x);
  if (!array)
    return std::nullopt;
  std::vector<Size> sizes;
  for (int64_t i = 0; i < array->size(); ++i)
    sizes.push_back(array->getInt(i));
  return sizes;
}

//===----------------------------------------------------------------------===//
// Constants
//===----------------------------------------------------------------------===//

std::optional<SetVector<mlir::Operation *>>
computationOf(mlir::Value value, function_ref<bool(mlir::Operation *)> accept) {
  SetVector<mlir::Operation *> ops;
  std::vector<std::pair<mlir::Operation *, bool>> stack{
      {value.getDefiningOp(), false}};
  while (!stack.empty()) {
    auto [op, operandsDone] = stack.back();
    stack.pop_back();
    if (operandsDone) {
      ops.insert(op);
      continue;
    }
    if (!op || !accept(op))
      return std::nullopt;
    if (ops.contains(op))
      continue;
    stack.push_back({op, true});
    for (mlir::Value operand : op->getOperands())
      stack.push_back({operand.getDefiningOp(), false});
  }
  return ops;
}

std::optional<NDArray> Tracer::constantOf(TensorObject *x) {
  constexpr unsigned maxOps = 512;
  if (auto op = x->value.getDefiningOp<lam::ConstantOp>())
    return fromElements(op.getValue());
  // Interpret the computation if it depends on nothing but constants.
  unsigned count = 0;
  auto ops = computationOf(x->value, [&](mlir::Operation *op) {
    auto type = dyn_cast<mlir::RankedTensorType>(op->getResult(0).getType());
    return ++count < maxOps && op->getNumRegions() == 0 &&
           isa_and_nonnull<lam::LamDialect, mlir::arith::ArithDialect>(
               op->getDialect()) &&
           (!type || (type.hasStaticShape() &&
                      type.getNumElements() <= maxElements * maxElements));
  });
  if (!ops)
    return std::nullopt;
  mlir::Block block;
  mlir::OpBuilder builder(x->value.getContext());
  builder.setInsertionPointToEnd(&block);
  mlir::IRMapping mapping;
  for (mlir::Operation *op : *ops)
    builder.clone(*op, mapping);
  mlir::func::ReturnOp::create(builder, x->value.getLoc(),
                               mapping.lookup(x->value));
  auto results = interpret(block, {});
  if (mlir::failed(results) || results->size() != 1)
    return std::nullopt;
  return std::move(results->front());
}

} // namespace lamina::frontend
