//===- PointerBuilder.cpp - loops over raw pointers and vectors -----------===//
#include "PointerBuilder.h"

using namespace mlir;
using namespace lamina;

PointerBuilder::PointerBuilder(Location loc, FloatType element, int64_t lanes)
    : ImplicitLocOpBuilder(loc, loc.getContext()), element(element),
      lanes(lanes), elementBytes(element.getWidth() / 8),
      vector(VectorType::get({lanes}, element)) {}

Value PointerBuilder::number(int64_t value) {
  return arith::ConstantIntOp::create(*this, value, 64);
}

Value PointerBuilder::add(Value a, Value b) {
  return createOrFold<arith::AddIOp>(a, b);
}
Value PointerBuilder::sub(Value a, Value b) {
  return createOrFold<arith::SubIOp>(a, b);
}
Value PointerBuilder::mul(Value a, Value b) {
  return createOrFold<arith::MulIOp>(a, b);
}
Value PointerBuilder::min(Value a, Value b) {
  return createOrFold<arith::MinSIOp>(a, b);
}
Value PointerBuilder::max(Value a, Value b) {
  return createOrFold<arith::MaxSIOp>(a, b);
}
Value PointerBuilder::divide(Value a, int64_t b) {
  return createOrFold<arith::DivUIOp>(a, number(b));
}
Value PointerBuilder::isLess(Value a, Value b) {
  return createOrFold<arith::CmpIOp>(arith::CmpIPredicate::slt, a, b);
}

Value PointerBuilder::offset(Value pointer, Value bytes) {
  return LLVM::GEPOp::create(*this, pointer.getType(), getI8Type(), pointer,
                             ValueRange{bytes});
}

Value PointerBuilder::offset(Value pointer, int64_t bytes) {
  if (bytes == 0)
    return pointer;
  return LLVM::GEPOp::create(*this, pointer.getType(), getI8Type(), pointer,
                             ArrayRef<LLVM::GEPArg>{int32_t(bytes)});
}

Value PointerBuilder::zero() {
  return arith::ConstantOp::create(*this, getZeroAttr(vector));
}

Value PointerBuilder::mask(Value count) {
  Value index =
      arith::IndexCastOp::create(*this, getIndexType(), count).getResult();
  return vector::CreateMaskOp::create(
      *this, VectorType::get({lanes}, getI1Type()), index);
}

Value PointerBuilder::load(Value pointer) {
  return LLVM::LoadOp::create(*this, vector, pointer, elementBytes);
}

Value PointerBuilder::splat(Value pointer) {
  Value scalar = LLVM::LoadOp::create(*this, element, pointer, elementBytes);
  return vector::BroadcastOp::create(*this, vector, scalar);
}

Value PointerBuilder::load(Value pointer, Value mask) {
  return LLVM::MaskedLoadOp::create(*this, vector, pointer, mask, zero(),
                                    uint32_t(elementBytes));
}

void PointerBuilder::store(Value value, Value pointer) {
  LLVM::StoreOp::create(*this, value, pointer, elementBytes);
}

void PointerBuilder::store(Value value, Value pointer, Value mask) {
  LLVM::MaskedStoreOp::create(*this, value, pointer, mask,
                              uint32_t(elementBytes));
}

void PointerBuilder::prefetch(Value pointer, unsigned level) {
  LLVM::Prefetch::create(*this, pointer, /*rw=*/0u, /*hint=*/4 - level,
                         /*cache=*/1u);
}

PointerBuilder::Values
PointerBuilder::loop(Value from, Value to, Value step, ValueRange carried,
                     function_ref<Values(Value, ValueRange)> body) {
  auto loop = scf::ForOp::create(
      *this, from, to, step, carried,
      [&](OpBuilder &, Location, Value index, ValueRange values) {
        OpBuilder::InsertionGuard guard(*this);
        setInsertionPointToEnd(index.getParentBlock());
        scf::YieldOp::create(*this, body(index, values));
      });
  return Values(loop.getResults());
}

void PointerBuilder::loop(Value from, Value to, Value step,
                          function_ref<void(Value)> body) {
  loop(from, to, step, {}, [&](Value index, ValueRange) {
    body(index);
    return Values();
  });
}

void PointerBuilder::when(Value condition, function_ref<void()> body) {
  auto op = scf::IfOp::create(*this, condition, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(*this);
  setInsertionPointToStart(op.thenBlock());
  body();
}

void PointerBuilder::choose(Value condition, function_ref<void()> yes,
                            function_ref<void()> no) {
  auto op = scf::IfOp::create(*this, condition, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(*this);
  setInsertionPointToStart(op.thenBlock());
  yes();
  setInsertionPointToStart(op.elseBlock());
  no();
}
