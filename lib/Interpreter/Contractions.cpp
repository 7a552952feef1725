//===- Contractions.cpp - products, windows, random bits ------------------===//

#include "Frame.h"

using namespace mlir;

namespace lamina::interpreter {

// Integer products wrap, so they are computed without a sign.
static void addProduct(double &sum, double a, double b) { sum += a * b; }
static void addProduct(int64_t &sum, int64_t a, int64_t b) {
  sum =
      static_cast<int64_t>(static_cast<uint64_t>(sum) +
                           static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
}

/// y[j] += a * b[j].
template <class T>
static void addScaledRow(T *y, T a, const T *b, int64_t count) {
  for (int64_t j = 0; j < count; ++j)
    addProduct(y[j], a, b[j]);
}

static void wrapAll(Tensor &tensor) {
  if (!tensor.isReal())
    for (int64_t i = 0; i < tensor.count; ++i)
      tensor.integers()[i] = wrap(tensor.integers()[i], tensor.type);
}

/// `x` with its dimensions in the order `dims`, contiguous.
static Tensor permuted(const Tensor &x, ArrayRef<int64_t> dims) {
  Shape shape, steps, from = stridesOf(x.shape);
  for (int64_t dim : dims) {
    shape.push_back(x.shape[dim]);
    steps.push_back(from[dim]);
  }
  Tensor result(x.type, shape);
  visit(
      [&](auto *to, auto *source) {
        copyStrided(to, stridesOf(shape), 0, source, steps, 0, shape);
      },
      result, x);
  return result;
}

Result evaluate(lam::DotOp op, const Frame &frame) {
  const Tensor &a = frame.tensor(op.getA()), &b = frame.tensor(op.getB());
  auto same = [&](ArrayRef<int64_t> left, ArrayRef<int64_t> right) {
    for (auto [i, j] : llvm::zip_equal(left, right))
      if (a.shape[i] != b.shape[j])
        return false;
    return true;
  };
  if (!same(op.getBatchA(), op.getBatchB()) ||
      !same(op.getContractA(), op.getContractB()))
    return op.emitError("cannot contract ")
           << toString(a.shape) << " with " << toString(b.shape);
  auto freeDims = [](const Tensor &x, ArrayRef<int64_t> batch,
                     ArrayRef<int64_t> contract) {
    Shape dims;
    for (int64_t i = 0; i < static_cast<int64_t>(x.shape.size()); ++i)
      if (!llvm::is_contained(batch, i) && !llvm::is_contained(contract, i))
        dims.push_back(i);
    return dims;
  };
  Shape freeA = freeDims(a, op.getBatchA(), op.getContractA());
  Shape freeB = freeDims(b, op.getBatchB(), op.getContractB());

  // As matrices: [batch, rows, depth] times [batch, depth, columns].
  Shape orderA(op.getBatchA()), orderB(op.getBatchB()), shape;
  orderA.append(freeA);
  orderA.append(op.getContractA().begin(), op.getContractA().end());
  orderB.append(op.getContractB().begin(), op.getContractB().end());
  orderB.append(freeB);
  int64_t batch = 1, rows = 1, depth = 1, columns = 1;
  auto take = [&](const Tensor &x, ArrayRef<int64_t> dims, int64_t &count,
                  bool inResult) {
    for (int64_t dim : dims) {
      count *= x.shape[dim];
      if (inResult)
        shape.push_back(x.shape[dim]);
    }
  };
  take(a, op.getBatchA(), batch, true);
  take(a, freeA, rows, true);
  take(b, freeB, columns, true);
  take(a, op.getContractA(), depth, false);
  if (failed(checkSize(op, shape)))
    return failure();
  Tensor result(a.type, shape);
  Tensor left = permuted(a, orderA), right = permuted(b, orderB);
  visit(
      [&](auto *y, auto *a, auto *b) {
        // Blocks of the depth keep the rows of b in the cache.
        constexpr int64_t block = 64;
        for (int64_t n = 0; n < batch; ++n)
          for (int64_t from = 0; from < depth; from += block)
            for (int64_t i = 0; i < rows; ++i)
              for (int64_t k = from; k < std::min(from + block, depth); ++k)
                addScaledRow(y + (n * rows + i) * columns,
                             a[(n * rows + i) * depth + k],
                             b + (n * depth + k) * columns, columns);
      },
      result, left, right);
  wrapAll(result);
  return result;
}

//===----------------------------------------------------------------------===//
// Windows
//===----------------------------------------------------------------------===//

/// Counts `index` up within `shape`; false after the last.
static bool advance(Shape &index, const Shape &shape) {
  for (size_t d = shape.size(); d-- > 0;) {
    if (++index[d] < shape[d])
      return true;
    index[d] = 0;
  }
  return false;
}

/// The number of places of a window along one dimension.
static int64_t places(int64_t size, int64_t dilation, int64_t low, int64_t high,
                      int64_t window, int64_t windowDilation, int64_t stride) {
  int64_t padded = low + high + (size ? (size - 1) * dilation + 1 : 0);
  int64_t extent = window ? (window - 1) * windowDilation + 1 : 0;
  return padded < extent ? 0 : (padded - extent) / stride + 1;
}

static LogicalResult checkPlaces(Operation *op, const Shape &shape, size_t dim,
                                 int64_t expected) {
  if (shape[dim] == expected)
    return success();
  return op->emitError("dimension ") << dim << " of the result has size "
                                     << shape[dim] << ", expected " << expected;
}

Result evaluate(lam::ConvOp op, const Frame &frame) {
  const Tensor &x = frame.tensor(op.getX()),
               &kernel = frame.tensor(op.getKernel());
  FailureOr<Shape> shape = shapeOf(op, op.getY(), op.getSizes(), frame);
  if (failed(shape))
    return failure();
  size_t spatial = x.shape.size() - 2;
  ArrayRef<int64_t> strides = op.getStrides(), low = op.getPadLow(),
                    holes = op.getXDilation(), steps = op.getKernelDilation();
  for (size_t i = 0; i < spatial; ++i)
    if (failed(checkPlaces(op, *shape, i + 1,
                           places(x.shape[i + 1], holes[i], low[i],
                                  op.getPadHigh()[i], kernel.shape[i], steps[i],
                                  strides[i]))))
      return failure();
  int64_t groups = op.getGroups(), channels = x.shape.back(),
          out = kernel.shape.back(), inGroup = kernel.shape[spatial],
          outGroup = out / groups;
  if (failed(checkPlaces(op, *shape, 0, x.shape[0])) ||
      failed(checkPlaces(op, *shape, spatial + 1, out)))
    return failure();
  if (out % groups != 0 || channels != groups * inGroup)
    return op.emitError("cannot divide ")
           << toString(x.shape) << " and the kernel " << toString(kernel.shape)
           << " into " << groups << " groups";

  Tensor result(x.type, *shape);
  if (result.count == 0 || kernel.count == 0 || x.count == 0)
    return result;
  Shape outer(shape->begin(), shape->end() - 1);
  Shape window(kernel.shape.begin(), kernel.shape.begin() + spatial);
  Shape xStrides = stridesOf(x.shape), index(outer.size(), 0);
  visit(
      [&](auto *y, auto *from, auto *weights) {
        do {
          Shape tap(spatial, 0);
          auto *weight = weights;
          do {
            int64_t place = index[0] * xStrides[0];
            bool inside = true;
            for (size_t d = 0; d < spatial && inside; ++d) {
              int64_t at =
                  index[d + 1] * strides[d] + tap[d] * steps[d] - low[d];
              inside = at >= 0 && at % holes[d] == 0 &&
                       at / holes[d] < x.shape[d + 1];
              place += at / holes[d] * xStrides[d + 1];
            }
            if (inside)
              for (int64_t g = 0; g < groups; ++g)
                for (int64_t c = 0; c < inGroup; ++c)
                  addScaledRow(y + g * outGroup, from[place + g * inGroup + c],
                               weight + c * out + g * outGroup, outGroup);
            weight += inGroup * out;
          } while (advance(tap, window));
          y += out;
        } while (advance(index, outer));
      },
      result, x, kernel);
  wrapAll(result);
  return result;
}

Result evaluate(lam::WindowOp op, const Frame &frame) {
  const Tensor &x = frame.tensor(op.getX());
  FailureOr<Shape> shape = shapeOf(op, op.getY(), op.getSizes(), frame);
  if (failed(shape))
    return failure();
  ArrayRef<int64_t> strides = op.getStrides(), low = op.getPadLow(),
                    steps = op.getDilation();
  Shape window(op.getWindow());
  size_t rank = x.shape.size();
  for (size_t i = 0; i < rank; ++i)
    if (failed(checkPlaces(op, *shape, i,
                           places(x.shape[i], 1, low[i], op.getPadHigh()[i],
                                  window[i], steps[i], strides[i]))))
      return failure();
  Tensor result(x.type, *shape);
  if (result.count == 0)
    return result;
  lam::ReduceKind kind = op.getKind();
  bool isUnsignedInt = isUnsigned(x.type);
  Shape xStrides = stridesOf(x.shape), index(rank, 0);
  auto reduce = [&](auto running, auto *from) {
    Shape tap(rank, 0);
    do {
      int64_t place = 0;
      bool inside = true;
      for (size_t d = 0; d < rank && inside; ++d) {
        int64_t at = index[d] * strides[d] + tap[d] * steps[d] - low[d];
        inside = at >= 0 && at < x.shape[d];
        place += at * xStrides[d];
      }
      if (!inside)
        continue;
      if constexpr (std::is_same_v<decltype(running), double>)
        running = combine(kind, running, from[place]);
      else
        running =
            wrap(combine(kind, running, from[place], isUnsignedInt), x.type);
    } while (advance(tap, window));
    return running;
  };
  for (int64_t i = 0; i < result.count; ++i, advance(index, *shape))
    if (x.isReal())
      result.reals()[i] = reduce(realIdentity(kind), x.reals());
    else
      result.integers()[i] =
          reduce(integerIdentity(kind, x.type), x.integers());
  return result;
}

//===----------------------------------------------------------------------===//
// Random bits
//===----------------------------------------------------------------------===//

/// Threefry-2x32 with 20 rounds (Salmon et al., SC'11).
static std::pair<uint32_t, uint32_t> threefry(uint32_t key0, uint32_t key1,
                                              uint32_t x0, uint32_t x1) {
  static constexpr unsigned rotations[2][4] = {{13, 15, 26, 6},
                                               {17, 29, 16, 24}};
  const uint32_t keys[3] = {key0, key1, key0 ^ key1 ^ 0x1BD11BDAu};
  x0 += keys[0];
  x1 += keys[1];
  for (unsigned group = 0; group < 5; ++group) {
    for (unsigned rotation : rotations[group % 2]) {
      x0 += x1;
      x1 = x1 << rotation | x1 >> (32 - rotation);
      x1 ^= x0;
    }
    x0 += keys[(group + 1) % 3];
    x1 += keys[(group + 2) % 3] + group + 1;
  }
  return {x0, x1};
}

Result evaluate(lam::RandomBitsOp op, const Frame &frame) {
  FailureOr<Shape> shape = shapeOf(op, op.getY(), op.getSizes(), frame);
  if (failed(shape))
    return failure();
  const int64_t *key = frame.tensor(op.getKey()).integers();
  Tensor result(DType::UInt32, *shape);
  uint64_t start =
      op.getStart() ? frame.tensor(op.getStart()).integers()[0] : 0;
  for (int64_t i = 0; i < result.count; ++i) {
    uint64_t place = start + i, block = place / 2;
    auto [low, high] =
        threefry(key[0], key[1], static_cast<uint32_t>(block), block >> 32);
    result.integers()[i] = place % 2 ? high : low;
  }
  return result;
}

} // namespace lamina::interpreter
