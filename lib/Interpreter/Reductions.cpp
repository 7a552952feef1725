//===- Reductions.cpp - reductions, scans and order -----------------------===//

#include "Frame.h"
#include "llvm/ADT/STLExtras.h"
#include <cmath>
#include <limits>
#include <numeric>

using namespace mlir;

namespace lamina::interpreter {

//===----------------------------------------------------------------------===//
// The operations
//===----------------------------------------------------------------------===//

double realIdentity(lam::ReduceKind kind) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  switch (kind) {
  case lam::ReduceKind::Prod:
    return 1;
  case lam::ReduceKind::Max:
    return -infinity;
  case lam::ReduceKind::Min:
    return infinity;
  default:
    return 0;
  }
}

int64_t integerIdentity(lam::ReduceKind kind, DType type) {
  switch (kind) {
  case lam::ReduceKind::Prod:
  case lam::ReduceKind::All:
    return 1;
  case lam::ReduceKind::Max:
    return saturate(-std::numeric_limits<double>::infinity(), type);
  case lam::ReduceKind::Min:
    return saturate(std::numeric_limits<double>::infinity(), type);
  default:
    return 0;
  }
}

double combine(lam::ReduceKind kind, double a, double b) {
  switch (kind) {
  case lam::ReduceKind::Prod:
    return a * b;
  case lam::ReduceKind::Max:
    return lam::max(a, b);
  case lam::ReduceKind::Min:
    return lam::min(a, b);
  default:
    return a + b;
  }
}

int64_t combine(lam::ReduceKind kind, int64_t a, int64_t b, bool isUnsigned) {
  lam::Integer x{a, isUnsigned}, y{b, isUnsigned};
  switch (kind) {
  case lam::ReduceKind::Sum:
    return (x + y).value;
  case lam::ReduceKind::Prod:
    return (x * y).value;
  case lam::ReduceKind::Max:
    return lam::max(x, y).value;
  case lam::ReduceKind::Min:
    return lam::min(x, y).value;
  case lam::ReduceKind::Any:
    return a | b;
  case lam::ReduceKind::All:
    return a & b;
  }
  return 0;
}

namespace {
/// One kind of reduction on the elements of one type.
struct Combiner {
  lam::ReduceKind kind;
  DType type;
  bool isUnsignedInt = isUnsigned(type);

  void start(double &value) const { value = realIdentity(kind); }
  void start(int64_t &value) const { value = integerIdentity(kind, type); }
  double operator()(double a, double b) const { return combine(kind, a, b); }
  int64_t operator()(int64_t a, int64_t b) const {
    return wrap(combine(kind, a, b, isUnsignedInt), type);
  }
};
} // namespace

//===----------------------------------------------------------------------===//
// Reductions
//===----------------------------------------------------------------------===//

Result evaluate(lam::ReduceOp op, const Frame &frame) {
  const Tensor &x = frame.tensor(op.getX());
  Shape shape;
  for (size_t i = 0; i < x.shape.size(); ++i)
    if (!llvm::is_contained(op.getDims(), static_cast<int64_t>(i)))
      shape.push_back(x.shape[i]);
  Tensor result(x.type, shape);
  // The place in the result does not move along a reduced dimension.
  Shape kept = stridesOf(shape), steps;
  size_t next = 0;
  for (size_t i = 0; i < x.shape.size(); ++i)
    steps.push_back(llvm::is_contained(op.getDims(), static_cast<int64_t>(i))
                        ? 0
                        : kept[next++]);
  Combiner combiner{op.getKind(), x.type};
  visit(
      [&](auto *to, auto *from) {
        for (int64_t i = 0; i < result.count; ++i)
          combiner.start(to[i]);
        forEachRow<2>(x.shape, {steps, stridesOf(x.shape)}, {0, 0},
                      [&](auto places, int64_t length, auto strides) {
                        auto *y = to + places[0];
                        const auto *row = from + places[1];
                        for (int64_t i = 0; i < length; ++i, y += strides[0])
                          *y = combiner(*y, row[i]);
                      });
      },
      result, x);
  return result;
}

namespace {
/// The lines of a tensor along one dimension: element i of a line that begins
/// at `start` is at start + i * step.
struct Lines {
  int64_t size, step, outer;
  Lines(const Tensor &x, int64_t dim) : size(x.shape[dim]), step(1), outer(1) {
    for (size_t i = dim + 1; i < x.shape.size(); ++i)
      step *= x.shape[i];
    for (int64_t i = 0; i < dim; ++i)
      outer *= x.shape[i];
  }
  /// Calls `function(start, n)` for the n-th line.
  template <class Function>
  void forEach(Function function) const {
    for (int64_t i = 0, n = 0; i < outer; ++i)
      for (int64_t j = 0; j < step; ++j, ++n)
        function(i * size * step + j, n);
  }
};

/// The order of elements: NaN is above everything.
struct Less {
  bool isUnsignedInt;
  bool operator()(double a, double b) const {
    return a < b || (std::isnan(b) && !std::isnan(a));
  }
  bool operator()(int64_t a, int64_t b) const {
    return isUnsignedInt ? static_cast<uint64_t>(a) < static_cast<uint64_t>(b)
                         : a < b;
  }
};
} // namespace

static bool isNaN(double x) { return std::isnan(x); }
static bool isNaN(int64_t) { return false; }

Result evaluate(lam::ArgReduceOp op, const Frame &frame) {
  const Tensor &x = frame.tensor(op.getX());
  int64_t dim = op.getDim();
  Shape shape = x.shape;
  shape.erase(shape.begin() + dim);
  Tensor result(DType::Int32, shape);
  if (x.shape[dim] == 0 && result.count > 0)
    return op.emitError("has no extreme element along dimension ")
           << dim << " of size 0";
  bool isMax = op.getKind() == lam::ReduceKind::Max;
  Less less{isUnsigned(x.type)};
  Lines lines(x, dim);
  visit(
      [&](auto *from) {
        lines.forEach([&](int64_t start, int64_t n) {
          int64_t best = 0;
          for (int64_t i = 1; i < lines.size; ++i) {
            auto a = from[start + best * lines.step],
                 b = from[start + i * lines.step];
            if (isNaN(a))
              break;
            if (isNaN(b) || (isMax ? less(a, b) : less(b, a)))
              best = i;
          }
          result.integers()[n] = best;
        });
      },
      x);
  return result;
}

Result evaluate(lam::CumulativeOp op, const Frame &frame) {
  const Tensor &x = frame.tensor(op.getX());
  Tensor result(x.type, x.shape);
  if (x.count == 0)
    return result;
  Combiner combiner{op.getKind(), x.type};
  Lines lines(x, op.getDim());
  bool reversed = op.getReverse(), exclusive = op.getExclusive();
  visit(
      [&](auto *to, auto *from) {
        lines.forEach([&](int64_t start, int64_t) {
          std::remove_reference_t<decltype(*to)> running;
          combiner.start(running);
          for (int64_t i = 0; i < lines.size; ++i) {
            int64_t place =
                start + (reversed ? lines.size - 1 - i : i) * lines.step;
            auto next = combiner(running, from[place]);
            to[place] = exclusive ? running : next;
            running = next;
          }
        });
      },
      result, x);
  return result;
}

FailureOr<std::pair<Tensor, Tensor>> evaluate(lam::SortOp op,
                                              const Frame &frame) {
  const Tensor &x = frame.tensor(op.getX());
  Tensor values(x.type, x.shape), indices(DType::Int32, x.shape);
  if (x.count == 0)
    return std::pair(values, indices);
  Less less{isUnsigned(x.type)};
  Lines lines(x, op.getDim());
  std::vector<int64_t> order(lines.size);
  bool descending = op.getDescending();
  visit(
      [&](auto *to, auto *from) {
        lines.forEach([&](int64_t start, int64_t) {
          auto at = [&](int64_t i) { return from[start + i * lines.step]; };
          std::iota(order.begin(), order.end(), 0);
          // Equal elements keep their order.
          llvm::sort(order, [&](int64_t i, int64_t j) {
            bool before = descending ? less(at(j), at(i)) : less(at(i), at(j));
            bool after = descending ? less(at(i), at(j)) : less(at(j), at(i));
            return before || (!after && i < j);
          });
          for (int64_t i = 0; i < lines.size; ++i) {
            to[start + i * lines.step] = at(order[i]);
            indices.integers()[start + i * lines.step] = order[i];
          }
        });
      },
      values, x);
  return std::pair(values, indices);
}

} // namespace lamina::interpreter
