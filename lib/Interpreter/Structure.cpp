//===- Structure.cpp - ops that move elements -----------------------------===//

#include "Frame.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace lamina::interpreter {

Result evaluate(lam::BroadcastOp op, const Frame &frame) {
  const Tensor &x = frame.tensor(op.getX());
  FailureOr<Shape> shape = shapeOf(op, op.getY(), op.getSizes(), frame);
  if (failed(shape))
    return failure();
  Shape from = stridesOf(x.shape), steps(shape->size(), 0);
  for (auto [i, dim] : llvm::enumerate(op.getDims())) {
    if (x.shape[i] == (*shape)[dim])
      steps[dim] = from[i];
    else if (x.shape[i] != 1)
      return op.emitError("cannot repeat dimension ")
             << i << " of size " << x.shape[i] << " to size " << (*shape)[dim];
  }
  Tensor result(x.type, *shape);
  visit(
      [&](auto *to, auto *from) {
        copyStrided(to, stridesOf(*shape), 0, from, steps, 0, *shape);
      },
      result, x);
  return result;
}

Result evaluate(lam::ReshapeOp op, const Frame &frame) {
  const Tensor &x = frame.tensor(op.getX());
  FailureOr<Shape> shape = shapeOf(op, op.getY(), op.getSizes(), frame);
  if (failed(shape))
    return failure();
  int64_t count = 1;
  for (int64_t size : *shape)
    count *= size;
  if (count != x.count)
    return op.emitError("cannot reshape ")
           << toString(x.shape) << " to " << toString(*shape);
  return x.reshaped(*shape);
}

Result evaluate(lam::TransposeOp op, const Frame &frame) {
  const Tensor &x = frame.tensor(op.getX());
  Shape shape, steps, from = stridesOf(x.shape);
  for (int64_t dim : op.getPerm()) {
    shape.push_back(x.shape[dim]);
    steps.push_back(from[dim]);
  }
  Tensor result(x.type, shape);
  visit(
      [&](auto *to, auto *from) {
        copyStrided(to, stridesOf(shape), 0, from, steps, 0, shape);
      },
      result, x);
  return result;
}

namespace {
/// A box of `inner` elements at offsets and strides within `outer`.
struct Window {
  Shape steps;
  int64_t start = 0;
};
} // namespace
static FailureOr<Window> windowIn(Operation *op, const Shape &outer,
                                  const Shape &inner,
                                  ArrayRef<int64_t> staticOffsets,
                                  ArrayRef<int64_t> strides, ValueRange offsets,
                                  const Frame &frame) {
  Window window;
  Shape from = stridesOf(outer);
  auto next = offsets.begin();
  for (size_t i = 0; i < outer.size(); ++i) {
    int64_t offset = staticOffsets[i], size = inner[i];
    if (ShapedType::isDynamic(offset))
      offset = frame.scalar(*next++);
    // Divided, not multiplied: nothing overflows.
    int64_t room = outer[i] - 1 - offset;
    if (size > 0 && (offset < 0 || room < 0 || size - 1 > room / strides[i]))
      return op->emitError("places ")
             << size << " elements from " << offset << " by " << strides[i]
             << " in dimension " << i << ", which has size " << outer[i];
    window.start += size > 0 ? offset * from[i] : 0;
    window.steps.push_back(size > 1 ? from[i] * strides[i] : 0);
  }
  return window;
}

Result evaluate(lam::SliceOp op, const Frame &frame) {
  const Tensor &x = frame.tensor(op.getX());
  FailureOr<Shape> shape = shapeOf(op, op.getY(), op.getSizes(), frame);
  if (failed(shape))
    return failure();
  FailureOr<Window> window =
      windowIn(op, x.shape, *shape, op.getStaticOffsets(), op.getStrides(),
               op.getOffsets(), frame);
  if (failed(window))
    return failure();
  Tensor result(x.type, *shape);
  visit(
      [&](auto *to, auto *from) {
        copyStrided(to, stridesOf(*shape), 0, from, window->steps,
                    window->start, *shape);
      },
      result, x);
  return result;
}

Result evaluate(lam::PadOp op, const Frame &frame) {
  const Tensor &x = frame.tensor(op.getX());
  FailureOr<Shape> shape = shapeOf(op, op.getY(), op.getSizes(), frame);
  if (failed(shape))
    return failure();
  FailureOr<Window> window =
      windowIn(op, *shape, x.shape, op.getStaticOffsets(), op.getStrides(),
               op.getOffsets(), frame);
  if (failed(window))
    return failure();
  Tensor result(x.type, *shape);
  visit(
      [&](auto *to, auto *from, auto *value) {
        std::fill(to, to + result.count, *value);
        copyStrided(to, window->steps, window->start, from, stridesOf(x.shape),
                    0, x.shape);
      },
      result, x, frame.tensor(op.getValue()));
  return result;
}

Result evaluate(lam::ReverseOp op, const Frame &frame) {
  const Tensor &x = frame.tensor(op.getX());
  Shape steps = stridesOf(x.shape);
  Tensor result(x.type, x.shape);
  if (x.count == 0)
    return result;
  int64_t start = 0;
  for (int64_t dim : op.getDims()) {
    start += (x.shape[dim] - 1) * steps[dim];
    steps[dim] = -steps[dim];
  }
  visit(
      [&](auto *to, auto *from) {
        copyStrided(to, stridesOf(x.shape), 0, from, steps, start, x.shape);
      },
      result, x);
  return result;
}

Result evaluate(lam::ConcatOp op, const Frame &frame) {
  int64_t dim = op.getDim();
  Shape shape = frame.tensor(op.getXs()[0]).shape;
  for (auto [i, operand] : llvm::enumerate(op.getXs().drop_front())) {
    const Shape &other = frame.tensor(operand).shape;
    for (size_t d = 0; d < shape.size(); ++d)
      if (static_cast<int64_t>(d) != dim && other[d] != shape[d])
        return op.emitError("operands ")
               << 0 << " and " << i + 1 << " have the shapes "
               << toString(shape) << " and " << toString(other);
    shape[dim] += other[dim];
  }
  if (failed(checkSize(op, shape)))
    return failure();
  Tensor result(dtypeOf(op.getY()), shape);
  Shape steps = stridesOf(shape);
  int64_t start = 0;
  for (Value operand : op.getXs()) {
    const Tensor &x = frame.tensor(operand);
    visit(
        [&](auto *to, auto *from) {
          copyStrided(to, steps, start, from, stridesOf(x.shape), 0, x.shape);
        },
        result, x);
    start += x.shape[dim] * steps[dim];
  }
  return result;
}

Result evaluate(lam::IotaOp op, const Frame &frame) {
  FailureOr<Shape> shape = shapeOf(op, op.getY(), op.getSizes(), frame);
  if (failed(shape))
    return failure();
  Tensor result(dtypeOf(op.getY()), *shape);
  int64_t stride = stridesOf(*shape)[op.getDim()], size = (*shape)[op.getDim()];
  for (int64_t i = 0; i < result.count; ++i) {
    int64_t index = i / stride % size;
    if (result.isReal())
      result.reals()[i] = static_cast<double>(index);
    else
      result.integers()[i] = wrap(index, result.type);
  }
  return result;
}

//===----------------------------------------------------------------------===//
// Gather and scatter
//===----------------------------------------------------------------------===//

namespace {
/// How a list of index vectors addresses a tensor.
struct Indexing {
  int64_t batches = 1;   // of the leading dimensions
  int64_t perBatch = 1;  // index vectors
  int64_t batchStep = 0; // of the tensor
  Shape axisSteps, axisSizes;
  Shape rest, restSteps; // the slice that an index vector selects
  int64_t restCount = 1;

  Indexing(const Tensor &x, const Tensor &indices, ArrayRef<int64_t> axes,
           int64_t batchDims) {
    Shape steps = stridesOf(x.shape);
    for (int64_t i = 0; i < batchDims; ++i)
      batches *= x.shape[i];
    for (size_t i = batchDims; i + 1 < indices.shape.size(); ++i)
      perBatch *= indices.shape[i];
    batchStep = batchDims ? steps[batchDims - 1] : 0;
    for (int64_t axis : axes) {
      axisSteps.push_back(steps[axis]);
      axisSizes.push_back(x.shape[axis]);
    }
    for (int64_t i = batchDims; i < static_cast<int64_t>(x.shape.size()); ++i)
      if (!llvm::is_contained(axes, i)) {
        rest.push_back(x.shape[i]);
        restSteps.push_back(steps[i]);
        restCount *= x.shape[i];
      }
  }

  /// Calls `function(place, n)` with the place in x of the slice of the n-th
  /// index vector; an index outside is clamped or, if `drops`, its vector is
  /// left out. Unsigned indices beyond int64 are outside as well.
  template <class Function>
  void forEach(const Tensor &indices, bool drops, Function function) const {
    bool isUnsignedIndex = isUnsigned(indices.type);
    const int64_t *index = indices.integers();
    for (int64_t b = 0, n = 0; b < batches; ++b)
      for (int64_t i = 0; i < perBatch; ++i, ++n) {
        int64_t place = b * batchStep;
        bool outside = false;
        for (size_t d = 0; d < axisSizes.size(); ++d) {
          int64_t value = *index++, last = axisSizes[d] - 1;
          if (isUnsignedIndex && value < 0)
            value = std::numeric_limits<int64_t>::max();
          int64_t clamped =
              std::clamp<int64_t>(value, 0, std::max<int64_t>(last, 0));
          outside |= clamped != value || last < 0;
          place += clamped * axisSteps[d];
        }
        if (!outside || !drops)
          function(place, n);
      }
  }
};
} // namespace

static LogicalResult checkBatches(Operation *op, const Tensor &x,
                                  const Tensor &indices, int64_t batchDims) {
  for (int64_t i = 0; i < batchDims; ++i)
    if (x.shape[i] != indices.shape[i])
      return op->emitError("batch dimensions differ: ")
             << toString(x.shape) << " and indices of shape "
             << toString(indices.shape);
  return success();
}

/// The shape of x gathered at indices.
static Shape gatheredShape(const Tensor &indices, const Indexing &indexing) {
  Shape shape(indices.shape.begin(), indices.shape.end() - 1);
  shape.append(indexing.rest);
  return shape;
}

Result evaluate(lam::GatherOp op, const Frame &frame) {
  const Tensor &x = frame.tensor(op.getX()),
               &indices = frame.tensor(op.getIndices());
  int64_t batchDims = op.getBatchDims();
  if (failed(checkBatches(op, x, indices, batchDims)))
    return failure();
  Indexing indexing(x, indices, op.getAxes(), batchDims);
  Shape shape = gatheredShape(indices, indexing);
  if (failed(checkSize(op, shape)))
    return failure();
  Tensor result(x.type, shape);
  if (result.count == 0 || x.count == 0) // nothing to read: zeros
    return result;
  Shape restStrides = stridesOf(indexing.rest);
  visit(
      [&](auto *to, auto *from) {
        indexing.forEach(
            indices, /*drops=*/false, [&](int64_t place, int64_t n) {
              copyStrided(to, restStrides, n * indexing.restCount, from,
                          indexing.restSteps, place, indexing.rest);
            });
      },
      result, x);
  return result;
}

static lam::ReduceKind reduceKind(lam::ScatterKind kind) {
  switch (kind) {
  case lam::ScatterKind::Mul:
    return lam::ReduceKind::Prod;
  case lam::ScatterKind::Max:
    return lam::ReduceKind::Max;
  case lam::ScatterKind::Min:
    return lam::ReduceKind::Min;
  default:
    return lam::ReduceKind::Sum;
  }
}

Result evaluate(lam::ScatterOp op, const Frame &frame) {
  const Tensor &x = frame.tensor(op.getX()),
               &indices = frame.tensor(op.getIndices()),
               &updates = frame.tensor(op.getUpdates());
  if (failed(checkBatches(op, x, indices, op.getBatchDims())))
    return failure();
  Indexing indexing(x, indices, op.getAxes(), op.getBatchDims());
  if (updates.shape != gatheredShape(indices, indexing))
    return op.emitError("expects updates of shape ")
           << toString(gatheredShape(indices, indexing)) << ", got "
           << toString(updates.shape);
  Tensor result(x.type, x.shape);
  bool isUnsignedInt = isUnsigned(x.type);
  lam::ReduceKind kind = reduceKind(op.getKind());
  bool replaces = op.getKind() == lam::ScatterKind::Set;
  auto meet = [&](auto &old, auto update) {
    if (replaces)
      old = update;
    else if constexpr (std::is_same_v<decltype(update), double>)
      old = combine(kind, old, update);
    else
      old = wrap(combine(kind, old, update, isUnsignedInt), x.type);
  };
  Shape restStrides = stridesOf(indexing.rest);
  visit(
      [&](auto *to, auto *from, auto *update) {
        std::copy(from, from + x.count, to);
        indexing.forEach(
            indices, /*drops=*/true, [&](int64_t place, int64_t n) {
              forEachRow<2>(indexing.rest, {indexing.restSteps, restStrides},
                            {place, n * indexing.restCount},
                            [&](auto places, int64_t length, auto steps) {
                              for (int64_t i = 0; i < length; ++i)
                                meet(to[places[0] + i * steps[0]],
                                     update[places[1] + i * steps[1]]);
                            });
            });
      },
      result, x, updates);
  return result;
}

} // namespace lamina::interpreter
