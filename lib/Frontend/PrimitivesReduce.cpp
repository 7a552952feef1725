//===- PrimitivesReduce.cpp - reductions, scans, order, gather, scatter ---===//

#include "Primitives.h"
#include "llvm/ADT/STLExtras.h"

using namespace llvm;
using mlir::failure;
using mlir::FailureOr;

namespace lamina::frontend {
namespace {

//===----------------------------------------------------------------------===//
// Reductions
//===----------------------------------------------------------------------===//

Result reduce(PrimitiveCall &call) {
  auto kind = call.kind<lam::ReduceKind>("kind", lam::symbolizeReduceKind);
  FailureOr<TensorObject *> x = call.tensor("x");
  if (mlir::failed(kind) || mlir::failed(x))
    return failure();
  FailureOr<Integers> axes = call.axes("axes", (*x)->shape.size());
  FailureOr<bool> keepdims = call.flag("keepdims");
  if (mlir::failed(axes) || mlir::failed(keepdims))
    return failure();
  llvm::sort(*axes);
  DType dtype = Tracer::dtypeOf(*x);
  bool isLogical =
      *kind == lam::ReduceKind::Any || *kind == lam::ReduceKind::All;
  if (isLogical) {
    x = call.tracer.cast(*x, DType::Bool);
  } else if (dtype == DType::Bool) {
    // max and min of bool are any and all; sums count.
    if (*kind == lam::ReduceKind::Max)
      kind = lam::ReduceKind::Any;
    else if (*kind == lam::ReduceKind::Min)
      kind = lam::ReduceKind::All;
    else
      x = call.tracer.cast(*x, DType::Int32);
  }
  Shape kept, flat;
  for (auto [i, size] : enumerate((*x)->shape)) {
    bool isReduced = is_contained(*axes, int64_t(i));
    if (!isReduced)
      flat.push_back(size);
    kept.push_back(isReduced ? Size(1) : size);
  }
  TensorObject *result = *x;
  if (!axes->empty()) {
    mlir::Value y =
        lam::ReduceOp::create(call.builder(), call.loc(),
                              call.tracer.tensorType(flat, Tracer::dtypeOf(*x)),
                              *kind, (*x)->value, *axes);
    result = call.make(y, flat).as<TensorObject>();
  }
  if (!*keepdims)
    return Value(result);
  FailureOr<TensorObject *> wide = call.tracer.reshape(result, kept, call.at);
  return mlir::failed(wide) ? Result(failure()) : Result(Value(*wide));
}

Result argReduce(PrimitiveCall &call) {
  auto kind = call.kind<lam::ReduceKind>("kind", lam::symbolizeReduceKind);
  FailureOr<TensorObject *> x = call.tensor("x");
  if (mlir::failed(kind) || mlir::failed(x))
    return failure();
  FailureOr<int64_t> axis = call.axis("axis", (*x)->shape.size());
  if (mlir::failed(axis))
    return failure();
  Shape shape((*x)->shape);
  if (shape[*axis] == Size(0))
    return call.error("axis " + Twine(*axis) +
                      " is empty: it has no largest or smallest element");
  if (Tracer::dtypeOf(*x) == DType::Bool)
    x = call.tracer.cast(*x, DType::Int32);
  shape.erase(shape.begin() + *axis);
  mlir::Value y = lam::ArgReduceOp::create(
      call.builder(), call.loc(), call.tracer.tensorType(shape, DType::Int32),
      *kind, (*x)->value, *axis);
  return call.make(y, shape);
}

Result cumulative(PrimitiveCall &call) {
  auto kind = call.kind<lam::ReduceKind>("kind", lam::symbolizeReduceKind);
  FailureOr<TensorObject *> x = call.tensor("x");
  if (mlir::failed(kind) || mlir::failed(x))
    return failure();
  if (*kind == lam::ReduceKind::Any || *kind == lam::ReduceKind::All)
    return call.error("a running reduction is sum, prod, max or min");
  FailureOr<int64_t> axis = call.axis("axis", (*x)->shape.size());
  FailureOr<bool> exclusive = call.flag("exclusive"),
                  reversed = call.flag("reverse");
  if (mlir::failed(axis) || mlir::failed(exclusive) || mlir::failed(reversed))
    return failure();
  if (Tracer::dtypeOf(*x) == DType::Bool)
    x = call.tracer.cast(*x, DType::Int32);
  mlir::Value y = lam::CumulativeOp::create(
      call.builder(), call.loc(), (*x)->value.getType(), *kind, (*x)->value,
      *axis, *exclusive, *reversed);
  return call.make(y, (*x)->shape);
}

Result sortAxis(PrimitiveCall &call) {
  FailureOr<TensorObject *> x = call.tensor("x");
  if (mlir::failed(x))
    return failure();
  FailureOr<int64_t> axis = call.axis("axis", (*x)->shape.size());
  FailureOr<bool> descending = call.flag("descending");
  if (mlir::failed(axis) || mlir::failed(descending))
    return failure();
  const Shape &shape = (*x)->shape;
  auto op =
      lam::SortOp::create(call.builder(), call.loc(), (*x)->value.getType(),
                          call.tracer.tensorType(shape, DType::Int32),
                          (*x)->value, *axis, *descending);
  return call.evaluator.tuple(
      {call.make(op.getValues(), shape), call.make(op.getIndices(), shape)});
}

//===----------------------------------------------------------------------===//
// Gather and scatter
//===----------------------------------------------------------------------===//

/// The operands that gather and scatter share, checked.
struct Places {
  TensorObject *x, *indices;
  Integers axes;
  int64_t batchDims;
  Shape result; // of the gather
};

FailureOr<Places> places(PrimitiveCall &call) {
  FailureOr<TensorObject *> x = call.tensor("x"),
                            indices = call.tensor("indices");
  if (mlir::failed(x) || mlir::failed(indices))
    return failure();
  const Shape &shape = (*x)->shape, &at = (*indices)->shape;
  FailureOr<Integers> axes = call.axes("axes", shape.size());
  FailureOr<int64_t> batch =
      call.has("batch_dims") ? call.integer("batch_dims") : 0;
  if (mlir::failed(axes) || mlir::failed(batch))
    return failure();
  if (isFloat(Tracer::dtypeOf(*indices)))
    return call.error("indices must be integers, found " +
                      Twine(call.evaluator.describe(*indices)));
  if (Tracer::dtypeOf(*indices) == DType::Bool)
    indices = call.tracer.cast(*indices, DType::Int32);
  if (*batch < 0 || *batch >= int64_t(at.size()) ||
      *batch > int64_t(shape.size()))
    return call.error("batch_dims of " + Twine(*batch) +
                      " does not fit tensors of shapes " + toString(shape) +
                      " and " + toString(at));
  for (int64_t i = 0; i < *batch; ++i)
    if (shape[i] != at[i])
      return call.error("the batch sizes of " + toString(shape) +
                        " and of the indices " + toString(at) + " differ");
  if (at.back() != Size(int64_t(axes->size())))
    return call.error("the last dimension of the indices " + toString(at) +
                      " must hold an index for each of " + Twine(axes->size()) +
                      " axes");
  if (!is_sorted(*axes) || (!axes->empty() && axes->front() < *batch))
    return call.error("the indexed axes must be increasing and behind the "
                      "batch dimensions");
  Places result{*x, *indices, *axes, *batch, {}};
  result.result.append(at.begin(), at.end() - 1);
  for (size_t i = size_t(*batch); i < shape.size(); ++i)
    if (!is_contained(*axes, int64_t(i)))
      result.result.push_back(shape[i]);
  return result;
}

Result gather(PrimitiveCall &call) {
  FailureOr<Places> p = places(call);
  if (mlir::failed(p))
    return failure();
  mlir::Value y = lam::GatherOp::create(
      call.builder(), call.loc(),
      call.tracer.tensorType(p->result, Tracer::dtypeOf(p->x)), p->x->value,
      p->indices->value, p->axes, p->batchDims);
  return call.make(y, p->result);
}

Result scatter(PrimitiveCall &call) {
  auto kind = call.kind<lam::ScatterKind>("kind", lam::symbolizeScatterKind);
  FailureOr<Places> p = places(call);
  if (mlir::failed(kind) || mlir::failed(p))
    return failure();
  FailureOr<TensorObject *> updates =
      call.tensor("updates", Tracer::dtypeOf(p->x));
  if (mlir::failed(updates))
    return failure();
  FailureOr<TensorObject *> full =
      call.tracer.broadcastTo(*updates, p->result, call.at);
  if (mlir::failed(full))
    return failure();
  mlir::Value y = lam::ScatterOp::create(
      call.builder(), call.loc(), p->x->value.getType(), p->x->value,
      p->indices->value, (*full)->value, *kind, p->axes, p->batchDims);
  return call.make(y, p->x->shape);
}

} // namespace

void registerReductionPrimitives(Evaluator &evaluator) {
  definePrimitive(evaluator, "reduce", {"x", "kind", "axes", "keepdims="},
                  reduce);
  definePrimitive(evaluator, "arg_reduce", {"x", "kind", "axis"}, argReduce);
  definePrimitive(evaluator, "cumulative",
                  {"x", "kind", "axis", "exclusive=", "reverse="}, cumulative);
  definePrimitive(evaluator, "sort", {"x", "axis", "descending="}, sortAxis);
}

void registerIndexPrimitives(Evaluator &evaluator) {
  definePrimitive(evaluator, "gather", {"x", "indices", "axes", "batch_dims="},
                  gather);
  definePrimitive(evaluator, "scatter",
                  {"x", "indices", "updates", "kind", "axes", "batch_dims="},
                  scatter);
}

} // namespace lamina::frontend
