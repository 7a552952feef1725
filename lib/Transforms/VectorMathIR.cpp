//===- VectorMathIR.cpp - The number type that emits IR -------------------===//

#include "VectorMathIR.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace lamina::vecmath {

Type Emitter::type(Kind kind) const {
  Type element;
  switch (kind) {
  case Kind::Float:
    element = builder.getF32Type();
    break;
  case Kind::Double:
    element = builder.getF64Type();
    break;
  case Kind::Int:
    element = builder.getI32Type();
    break;
  case Kind::Long:
    element = builder.getI64Type();
    break;
  case Kind::Mask:
    element = builder.getI1Type();
    break;
  }
  if (auto vector = dyn_cast<VectorType>(like))
    return vector.clone(element);
  return element;
}

Value Emitter::constant(Kind kind, double number, int64_t integer) const {
  Type shaped = type(kind), element = getElementTypeOrSelf(shaped);
  TypedAttr attribute;
  if (isa<FloatType>(element))
    attribute = builder.getFloatAttr(element, number);
  else
    attribute = builder.getIntegerAttr(element, integer);
  if (auto vector = dyn_cast<VectorType>(shaped))
    attribute = SplatElementsAttr::get(vector, Attribute(attribute));
  return arith::ConstantOp::create(builder, loc, attribute);
}

bool Emitter::usesLdexp() const {
  auto vector = dyn_cast<VectorType>(like);
  return ldexp && vector && vector.getRank() == 1;
}

Value Emitter::emitScale(Value significand, Value exponent) const {
  return LLVM::CallIntrinsicOp::create(builder, loc, significand.getType(),
                                       builder.getStringAttr("llvm.ldexp"),
                                       ValueRange{significand, exponent})
      .getResult(0);
}

Value Emitter::anyLane(Value mask) const {
  auto vector = dyn_cast<VectorType>(mask.getType());
  if (!vector)
    return mask;
  if (vector.getRank() != 1) {
    auto flat =
        VectorType::get({vector.getNumElements()}, vector.getElementType());
    mask = vector::ShapeCastOp::create(builder, loc, flat, mask);
  }
  return vector::ReductionOp::create(builder, loc, vector::CombiningKind::OR,
                                     mask);
}

Reduced<IRFloat> replaceLanesIf(const IRMask &mask,
                                const Reduced<IRFloat> &fast,
                                llvm::function_ref<Reduced<IRFloat>()> slow) {
  const Emitter &e = *mask.emitter;
  OpBuilder &builder = e.builder;
  SmallVector<Value> values{fast.hi.on(e), fast.lo.on(e), fast.quadrant.on(e)};
  auto branch =
      scf::IfOp::create(builder, e.loc, ValueRange(values).getTypes(),
                        e.anyLane(mask.on(e)), /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(branch.thenBlock());
  // Lane by lane, so that a lane's result never depends on its neighbours.
  Reduced<IRFloat> replaced = slow();
  scf::YieldOp::create(
      builder, e.loc,
      ValueRange{select(mask, replaced.hi, fast.hi).on(e),
                 select(mask, replaced.lo, fast.lo).on(e),
                 select(mask, replaced.quadrant, fast.quadrant).on(e)});
  builder.setInsertionPointToStart(branch.elseBlock());
  scf::YieldOp::create(builder, e.loc, values);
  return {{e, branch.getResult(0)},
          {e, branch.getResult(1)},
          {e, branch.getResult(2)}};
}

} // namespace lamina::vecmath
