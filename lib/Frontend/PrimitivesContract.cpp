//===- PrimitivesContract.cpp - dot, conv, windows, random bits -----------===//

#include "Primitives.h"
#include "lamina/Frontend/ModelBuilder.h"
#include "llvm/ADT/STLExtras.h"

using namespace llvm;
using mlir::failure;
using mlir::FailureOr;

namespace lamina::frontend {
namespace {

//===----------------------------------------------------------------------===//
// Contraction
//===----------------------------------------------------------------------===//

Result dot(PrimitiveCall &call) {
  DType promoted = call.tracer.promote({call["a"], call["b"]});
  DType dtype = promoted == DType::Bool ? DType::Int32 : promoted;
  FailureOr<TensorObject *> a = call.tensor("a", dtype),
                            b = call.tensor("b", dtype);
  if (mlir::failed(a) || mlir::failed(b))
    return failure();
  size_t rankA = (*a)->shape.size(), rankB = (*b)->shape.size();
  FailureOr<Integers> batchA = call.axes("batch_a", rankA),
                      batchB = call.axes("batch_b", rankB),
                      contractA = call.axes("contract_a", rankA),
                      contractB = call.axes("contract_b", rankB);
  if (mlir::failed(batchA) || mlir::failed(batchB) || mlir::failed(contractA) ||
      mlir::failed(contractB))
    return failure();
  auto checkPairs = [&](ArrayRef<int64_t> ofA, ArrayRef<int64_t> ofB) {
    if (ofA.size() != ofB.size()) {
      (void)call.error("as many axes of both tensors must be paired, found " +
                       Twine(ofA.size()) + " and " + Twine(ofB.size()));
      return false;
    }
    for (auto [i, j] : zip_equal(ofA, ofB))
      if ((*a)->shape[i] != (*b)->shape[j]) {
        (void)call.error("shapes " + toString((*a)->shape) + " and " +
                         toString((*b)->shape) +
                         " cannot be contracted: axis " + Twine(i) +
                         " of the first and axis " + Twine(j) +
                         " of the second have the sizes " +
                         (*a)->shape[i].str() + " and " + (*b)->shape[j].str());
        return false;
      }
    return true;
  };
  if (!checkPairs(*batchA, *batchB) || !checkPairs(*contractA, *contractB))
    return failure();
  for (int64_t axis : *batchA)
    if (is_contained(*contractA, axis))
      return call.error("axis " + Twine(axis) +
                        " cannot be both batch and contracted");
  for (int64_t axis : *batchB)
    if (is_contained(*contractB, axis))
      return call.error("axis " + Twine(axis) +
                        " cannot be both batch and contracted");
  Shape shape;
  for (int64_t axis : *batchA)
    shape.push_back((*a)->shape[axis]);
  auto appendFree = [&](TensorObject *x, ArrayRef<int64_t> batch,
                        ArrayRef<int64_t> contracted) {
    for (auto [i, size] : enumerate(x->shape))
      if (!is_contained(batch, int64_t(i)) &&
          !is_contained(contracted, int64_t(i)))
        shape.push_back(size);
  };
  appendFree(*a, *batchA, *contractA);
  appendFree(*b, *batchB, *contractB);
  mlir::Value y = lam::DotOp::create(
      call.builder(), call.loc(), call.tracer.tensorType(shape, dtype),
      (*a)->value, (*b)->value, *batchA, *batchB, *contractA, *contractB);
  FailureOr<TensorObject *> result =
      call.tracer.cast(call.make(y, shape).as<TensorObject>(), promoted);
  return mlir::failed(result) ? Result(failure()) : Result(Value(*result));
}

//===----------------------------------------------------------------------===//
// Windows
//===----------------------------------------------------------------------===//

/// How many windows fit: `size` elements with `holes - 1` between any two,
/// padded, under a window of `window` elements with the given dilation.
Size windowCount(const Size &size, int64_t holes, int64_t low, int64_t high,
                 const Size &window, int64_t dilation, int64_t stride) {
  Size spread = holes == 1
                    ? size
                    : Size::max((size - Size(1)) * Size(holes) + Size(1), 0);
  Size span = Size::max((window - Size(1)) * Size(dilation) + Size(1), 0);
  Size free = spread + Size(low + high) - span;
  return Size::max(free.floorDiv(stride) + Size(1), 0);
}

bool allPositive(PrimitiveCall &call, StringRef param,
                 ArrayRef<int64_t> values) {
  for (int64_t value : values)
    if (value < 1) {
      (void)call.error("'" + param + "' must be positive, found " +
                       Twine(value));
      return false;
    }
  return true;
}

Result conv(PrimitiveCall &call) {
  DType promoted = call.tracer.promote({call["x"], call["kernel"]});
  DType dtype = promoted == DType::Bool ? DType::Int32 : promoted;
  FailureOr<TensorObject *> x = call.tensor("x", dtype),
                            kernel = call.tensor("kernel", dtype);
  if (mlir::failed(x) || mlir::failed(kernel))
    return failure();
  const Shape &in = (*x)->shape, &window = (*kernel)->shape;
  if (in.size() < 2 || in.size() != window.size())
    return call.error("a convolution needs x of shape (batch, spatial…, "
                      "channels) and a kernel of the same rank, found " +
                      toString(in) + " and " + toString(window));
  size_t spatial = in.size() - 2;
  FailureOr<Integers> strides = call.integers("strides", spatial),
                      low = call.integers("pad_low", spatial),
                      high = call.integers("pad_high", spatial),
                      holes = call.integers("x_dilation", spatial),
                      dilation = call.integers("kernel_dilation", spatial);
  FailureOr<int64_t> groups = call.has("groups") ? call.integer("groups") : 1;
  if (mlir::failed(strides) || mlir::failed(low) || mlir::failed(high) ||
      mlir::failed(holes) || mlir::failed(dilation) || mlir::failed(groups) ||
      !allPositive(call, "strides", *strides) ||
      !allPositive(call, "x_dilation", *holes) ||
      !allPositive(call, "kernel_dilation", *dilation) ||
      !allPositive(call, "groups", *groups))
    return failure();
  const Size &channels = in.back(), &filters = window.back();
  if (channels != window[spatial] * Size(*groups))
    return call.error("a kernel of shape " + toString(window) + " with " +
                      Twine(*groups) + " groups needs " +
                      (window[spatial] * Size(*groups)).str() +
                      " input channels, found " + toString(in));
  if (!filters.divideExactly(*groups))
    return call.error("the number of filters, " + filters.str() +
                      ", is not a multiple of " + Twine(*groups) + " groups");
  Shape shape{in[0]};
  for (size_t i = 0; i < spatial; ++i)
    shape.push_back(windowCount(in[i + 1], (*holes)[i], (*low)[i], (*high)[i],
                                window[i], (*dilation)[i], (*strides)[i]));
  shape.push_back(filters);
  mlir::Value y = lam::ConvOp::create(
      call.builder(), call.loc(), call.tracer.tensorType(shape, dtype),
      (*x)->value, (*kernel)->value, *strides, *low, *high, *holes, *dilation,
      *groups, call.tracer.dynamicSizes(shape));
  return call.make(y, shape);
}

Result window(PrimitiveCall &call) {
  auto kind = call.kind<lam::ReduceKind>("kind", lam::symbolizeReduceKind);
  FailureOr<TensorObject *> x = call.tensor("x");
  if (mlir::failed(kind) || mlir::failed(x))
    return failure();
  if (Tracer::dtypeOf(*x) == DType::Bool)
    x = call.tracer.cast(*x, DType::Int32);
  const Shape &in = (*x)->shape;
  FailureOr<Integers> sizes = call.integers("window", in.size()),
                      strides = call.integers("strides", in.size()),
                      low = call.integers("pad_low", in.size()),
                      high = call.integers("pad_high", in.size());
  FailureOr<Integers> dilation =
      call.has("dilation") ? call.integers("dilation", in.size())
                           : FailureOr<Integers>(Integers(in.size(), 1));
  if (mlir::failed(sizes) || mlir::failed(strides) || mlir::failed(low) ||
      mlir::failed(high) || mlir::failed(dilation) ||
      !allPositive(call, "window", *sizes) ||
      !allPositive(call, "strides", *strides) ||
      !allPositive(call, "dilation", *dilation))
    return failure();
  if (*kind == lam::ReduceKind::Any || *kind == lam::ReduceKind::All)
    return call.error("a window reduction is sum, prod, max or min");
  Shape shape;
  for (size_t i = 0; i < in.size(); ++i)
    shape.push_back(windowCount(in[i], 1, (*low)[i], (*high)[i], (*sizes)[i],
                                (*dilation)[i], (*strides)[i]));
  mlir::Value y =
      lam::WindowOp::create(call.builder(), call.loc(),
                            call.tracer.tensorType(shape, Tracer::dtypeOf(*x)),
                            *kind, (*x)->value, *sizes, *strides, *low, *high,
                            *dilation, call.tracer.dynamicSizes(shape));
  return call.make(y, shape);
}

//===----------------------------------------------------------------------===//
// Random bits
//===----------------------------------------------------------------------===//

Result randomBits(PrimitiveCall &call) {
  FailureOr<TensorObject *> key = call.tensor("key", DType::UInt32);
  FailureOr<Shape> shape = call.shape("shape");
  if (mlir::failed(key) || mlir::failed(shape))
    return failure();
  if ((*key)->shape.size() != 1 || (*key)->shape[0] != Size(2))
    return call.error("a random key is a uint32 tensor of shape (2,), found " +
                      Twine(call.evaluator.describe(*key)));
  for (const Size &size : *shape)
    if (Size::lessThan(size, 0) == true)
      return call.error("a shape cannot have the negative size " + size.str());
  FailureOr<mlir::Value> y =
      call.evaluator.models().randomBits(*key, *shape, call.at);
  if (mlir::failed(y))
    return failure();
  return call.make(*y, *shape);
}

} // namespace

void registerContractionPrimitives(Evaluator &evaluator) {
  definePrimitive(evaluator, "dot",
                  {"a", "b", "batch_a", "batch_b", "contract_a", "contract_b"},
                  dot);
  definePrimitive(evaluator, "conv",
                  {"x", "kernel", "strides", "pad_low", "pad_high",
                   "x_dilation", "kernel_dilation", "groups="},
                  conv);
  definePrimitive(
      evaluator, "window",
      {"x", "kind", "window", "strides", "pad_low", "pad_high", "dilation="},
      window);
  definePrimitive(evaluator, "random_bits", {"key", "shape"}, randomBits);
}

} // namespace lamina::frontend
