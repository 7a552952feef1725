//===- Tracer.cpp - tensors and sizes of the traced program ---------------===//

#include "TracerImpl.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"

using namespace llvm;
using mlir::failure;
using mlir::FailureOr;

namespace lamina::frontend {

Tracer::Tracer(Evaluator &evaluator)
    : evaluator(evaluator), opBuilder(&evaluator.context()),
      state(std::make_unique<State>()) {
  mlir::MLIRContext &context = evaluator.context();
  context.loadDialect<lam::LamDialect, mlir::arith::ArithDialect,
                      mlir::func::FuncDialect, mlir::tensor::TensorDialect>();
  state->outside = mlir::ModuleOp::create(mlir::UnknownLoc::get(&context));
  opBuilder.setInsertionPointToEnd(state->outside->getBody());
}

Tracer::~Tracer() = default;

mlir::Block *Tracer::outside() { return state->outside->getBody(); }

//===----------------------------------------------------------------------===//
// Sizes
//===----------------------------------------------------------------------===//

void Tracer::bindSymbol(StringRef name, mlir::Value index) {
  state->symbols[name] = index;
  state->symbolOf[index] = name.str();
}

mlir::Value Tracer::sizeValue(const Size &size) {
  mlir::Location loc = evaluator.currentLocation();
  auto constant = [&](int64_t value) -> mlir::Value {
    return mlir::arith::ConstantIndexOp::create(opBuilder, loc, value);
  };
  auto atomValue = [&](const Size::Atom &atom) -> mlir::Value {
    switch (atom.kind) {
    case Size::Atom::Symbol: {
      auto it = state->symbols.find(atom.text);
      if (it != state->symbols.end())
        return it->second;
      (void)evaluator.error(evaluator.currentRange(),
                            atom.text == "?"
                                ? Twine("this size is too complicated")
                                : "the size " + Twine(atom.text) +
                                      " has no value here: it belongs to "
                                      "another function");
      return constant(0);
    }
    case Size::Atom::Positive:
      return mlir::arith::MaxSIOp::create(opBuilder, loc, sizeValue(*atom.lhs),
                                          constant(0));
    case Size::Atom::FloorDiv: {
      mlir::Value lhs = sizeValue(*atom.lhs), rhs = sizeValue(*atom.rhs);
      // A size of 0 as divisor gives a defined result.
      if (!atom.rhs->isStatic())
        rhs = mlir::arith::MaxSIOp::create(opBuilder, loc, rhs, constant(1));
      if (atom.lhs->isNonNegative())
        return mlir::arith::DivUIOp::create(opBuilder, loc, lhs, rhs);
      return mlir::arith::FloorDivSIOp::create(opBuilder, loc, lhs, rhs);
    }
    }
    return constant(0);
  };
  mlir::Value sum;
  for (const auto &[monomial, coefficient] : reverse(size.terms())) {
    mlir::Value product;
    for (const Size::Atom &atom : monomial) {
      mlir::Value factor = atomValue(atom);
      product =
          product ? mlir::arith::MulIOp::create(opBuilder, loc, product, factor)
                  : factor;
    }
    if (!product)
      product = constant(coefficient);
    else if (coefficient != 1)
      product = mlir::arith::MulIOp::create(opBuilder, loc, product,
                                            constant(coefficient));
    sum = sum ? mlir::arith::AddIOp::create(opBuilder, loc, sum, product)
              : product;
  }
  return sum ? sum : constant(0);
}

SmallVector<mlir::Value> Tracer::dynamicSizes(ArrayRef<Size> shape) {
  SmallVector<mlir::Value> values;
  for (const Size &size : shape)
    if (!size.isStatic())
      values.push_back(sizeValue(size));
  return values;
}

mlir::RankedTensorType Tracer::tensorType(ArrayRef<Size> shape, DType dtype) {
  SmallVector<int64_t> dims;
  for (const Size &size : shape)
    dims.push_back(size.value().value_or(mlir::ShapedType::kDynamic));
  return mlir::RankedTensorType::get(dims, toMLIR(dtype, &evaluator.context()));
}

Size productOf(ArrayRef<Size> shape) {
  Size product = 1;
  for (const Size &size : shape)
    product = product * size;
  return product;
}

bool mayEqual(const Size &a, const Size &b) {
  return Size::lessThan(a, b) != true && Size::lessThan(b, a) != true;
}

//===----------------------------------------------------------------------===//
// Tensors
//===----------------------------------------------------------------------===//

Value Tracer::tensor(mlir::Value value, Shape shape, bool weak) {
  auto *object = evaluator.make<TensorObject>(value, std::move(shape));
  object->weak = weak;
  object->definedAt = evaluator.currentRange();
  return object;
}

DType Tracer::dtypeOf(const TensorObject *tensor) {
  auto type = llvm::cast<mlir::RankedTensorType>(tensor->value.getType());
  return fromMLIR(type.getElementType()).value_or(DType::Float32);
}

mlir::Value Tracer::localize(mlir::Value value) {
  mlir::Block *here = opBuilder.getInsertionBlock();
  mlir::Block *there = value.getParentBlock();
  if (here == there || there != outside() ||
      state->outside->getOperation()->isAncestor(here->getParentOp()))
    return value; // visible here
  auto ops = computationOf(value, [](mlir::Operation *) { return true; });
  if (!ops)
    return value;
  mlir::IRMapping mapping;
  for (mlir::Operation *op : *ops)
    opBuilder.clone(*op, mapping);
  return mapping.lookup(value);
}

FailureOr<TensorObject *> Tracer::cast(TensorObject *x, DType dtype) {
  mlir::Value value = localize(x->value);
  if (dtypeOf(x) != dtype)
    value = lam::CastOp::create(opBuilder, evaluator.currentLocation(),
                                tensorType(x->shape, dtype), value);
  else if (value == x->value)
    return x;
  auto *result = tensor(value, x->shape).as<TensorObject>();
  result->definedAt = x->definedAt;
  return result;
}

FailureOr<TensorObject *>
Tracer::broadcastTo(TensorObject *x, ArrayRef<Size> shape, SMRange at) {
  mlir::Value value = localize(x->value);
  if (ArrayRef<Size>(x->shape) == shape)
    return value == x->value ? x : tensor(value, x->shape).as<TensorObject>();
  int64_t lead = int64_t(shape.size()) - int64_t(x->shape.size());
  SmallVector<int64_t> dims;
  Shape own(x->shape);
  for (size_t i = 0; lead >= 0 && i < own.size(); ++i) {
    const Size &target = shape[i + lead];
    if (own[i] != target && own[i] == Size::min(target, 1))
      own[i] = 1;
    if (own[i] != target && own[i] != Size(1))
      break;
    dims.push_back(i + lead);
  }
  if (dims.size() != own.size())
    return evaluator.error(at, "a tensor of shape " + toString(x->shape) +
                                   " does not broadcast to " + toString(shape));
  if (own != x->shape) {
    // x[:1] of n rows is empty if n is; a row that nobody reads makes it 1.
    FailureOr<TensorObject *> zero =
        asTensor(Value::integer(0), dtypeOf(x), at);
    SmallVector<int64_t> offsets(own.size(), 0), strides(own.size(), 1);
    value = lam::PadOp::create(opBuilder, evaluator.currentLocation(),
                               tensorType(own, dtypeOf(x)), value,
                               (*zero)->value, offsets, strides,
                               mlir::ValueRange(), dynamicSizes(own));
  }
  Shape result(shape);
  mlir::Value y = lam::BroadcastOp::create(
      opBuilder, evaluator.currentLocation(), tensorType(shape, dtypeOf(x)),
      value, dims, dynamicSizes(shape));
  return tensor(y, std::move(result)).as<TensorObject>();
}

FailureOr<TensorObject *> Tracer::reshape(TensorObject *x, ArrayRef<Size> shape,
                                          SMRange at) {
  mlir::Value value = localize(x->value);
  if (ArrayRef<Size>(x->shape) == shape)
    return value == x->value ? x : tensor(value, x->shape).as<TensorObject>();
  Size have = productOf(x->shape), want = productOf(shape);
  if (have != want)
    return evaluator.error(
        at, "cannot reshape " + toString(x->shape) + " to " + toString(shape) +
                ": " + have.str() + " elements are not " +
                (mayEqual(have, want) ? "known to be " : "") + want.str());
  mlir::Value y = lam::ReshapeOp::create(opBuilder, evaluator.currentLocation(),
                                         tensorType(shape, dtypeOf(x)), value,
                                         dynamicSizes(shape));
  return tensor(y, Shape(shape)).as<TensorObject>();
}

//===----------------------------------------------------------------------===//
// Broadcasting
//===----------------------------------------------------------------------===//

std::optional<Size> broadcastDimension(const Size &a, const Size &b) {
  if (a == b || b == Size(1))
    return a;
  if (a == Size(1))
    return b;
  // At most one, and empty only together with the other: x - x[:1].
  if (a == Size::min(b, 1))
    return b;
  if (b == Size::min(a, 1))
    return a;
  return std::nullopt;
}

FailureOr<Shape> Tracer::broadcastShapes(ArrayRef<Shape> shapes, SMRange at,
                                         ArrayRef<TensorObject *> operands) {
  Shape result;
  for (const Shape &shape : shapes) {
    if (shape.size() > result.size())
      result.insert(result.begin(), shape.size() - result.size(), Size(1));
    size_t lead = result.size() - shape.size();
    for (size_t i = 0; i < shape.size(); ++i) {
      Size &have = result[lead + i];
      if (auto size = broadcastDimension(have, shape[i])) {
        have = *size;
        continue;
      }
      std::string text;
      interleave(
          shapes, [&](const Shape &s) { text += toString(s); },
          [&] { text += " and "; });
      bool isWrong = !mayEqual(have, shape[i]);
      auto &error =
          evaluator.diagnose(at, "shapes " + text +
                                     (isWrong ? " do not broadcast"
                                              : " are not known to broadcast"));
      if (!isWrong)
        error.note("it is not known at compile time that the sizes " +
                   have.str() + " and " + shape[i].str() +
                   " are equal, or that one of them is 1");
      SMRange here = evaluator.currentRange();
      for (TensorObject *operand : operands)
        if (operand->definedAt.isValid() &&
            operand->definedAt.Start != here.Start)
          error.note(evaluator.describe(operand) + " is made here",
                     operand->definedAt);
      return failure();
    }
  }
  return result;
}

FailureOr<Shape> Tracer::broadcastShapes(ArrayRef<TensorObject *> operands,
                                         SMRange at) {
  SmallVector<Shape> shapes;
  for (TensorObject *operand : operands)
    shapes.push_back(operand->shape);
  return broadcastShapes(shapes, at, operands);
}

} // namespace lamina::frontend
