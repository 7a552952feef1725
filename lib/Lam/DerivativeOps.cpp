//===- DerivativeOps.cpp - vjp, jvp, custom_gradient ----------------------===//

#include "VerifyHelpers.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace lamina::lam;

//===----------------------------------------------------------------------===//
// Verifiers
//===----------------------------------------------------------------------===//

/// `given` and `wanted` have the same types, one by one.
static LogicalResult verifyTypes(Operation *op, StringRef what, TypeRange given,
                                 TypeRange wanted) {
  if (given.size() != wanted.size())
    return op->emitOpError("expects ")
           << wanted.size() << " " << what << ", got " << given.size();
  for (auto [i, pair] : llvm::enumerate(llvm::zip_equal(given, wanted))) {
    auto [is, should] = pair;
    if (is != should)
      return op->emitOpError("expects ")
             << should << " as number " << i << " of the " << what << ", got "
             << is;
  }
  return success();
}

static LogicalResult verifyBody(Operation *op, TypeRange arguments,
                                TypeRange yielded) {
  Block &body = op->getRegion(0).front();
  if (failed(verifyTypes(op, "arguments of the region", body.getArgumentTypes(),
                         arguments)))
    return failure();
  auto yield = body.empty() ? nullptr : dyn_cast<YieldOp>(body.back());
  if (!yield)
    return op->emitOpError("expects a region that ends with lam.yield");
  return verifyTypes(op, "values yielded", yield->getOperandTypes(), yielded);
}

LogicalResult VjpOp::verify() {
  if (failed(verifyTypes(*this, "gradients", getGradients().getTypes(),
                         getPrimals().getTypes())))
    return failure();
  if (getCotangents().size() > getOutputs().size())
    return emitOpError("has ") << getCotangents().size() << " cotangents for "
                               << getOutputs().size() << " outputs";
  TypeRange outputs = getOutputs().getTypes();
  return verifyTypes(*this, "cotangents", getCotangents().getTypes(),
                     outputs.take_front(getCotangents().size()));
}
LogicalResult VjpOp::verifyRegions() {
  return verifyBody(*this, getPrimals().getTypes(), getOutputs().getTypes());
}

LogicalResult JvpOp::verify() {
  if (failed(verifyTypes(*this, "directions", getDirections().getTypes(),
                         getPrimals().getTypes())))
    return failure();
  return verifyTypes(*this, "derivatives", getDerivatives().getTypes(),
                     getOutputs().getTypes());
}
LogicalResult JvpOp::verifyRegions() {
  return verifyBody(*this, getPrimals().getTypes(), getOutputs().getTypes());
}

LogicalResult CustomGradientOp::verify() {
  return verifyTypes(*this, "results", getResults().getTypes(),
                     getValues().getTypes());
}
LogicalResult CustomGradientOp::verifyRegions() {
  return verifyBody(*this, getValues().getTypes(), getInputs().getTypes());
}

//===----------------------------------------------------------------------===//
// Pullbacks
//===----------------------------------------------------------------------===//

SmallVector<Expr> StopGradientOp::pullback(ArrayRef<Expr> dys) { return {0.0}; }

SmallVector<Expr> CustomGradientOp::pullback(ArrayRef<Expr> dys) {
  const Expr &given =
      *llvm::find_if(dys, [](const Expr &dy) { return !dy.isNumber(); });
  Block &body = getBody().front();
  IRMapping mapping;
  for (auto [argument, dy, value] :
       llvm::zip_equal(body.getArguments(), dys, getValues()))
    mapping.map(argument, dy.materialize(given.of(value)));
  OpBuilder &builder = *given.opBuilder;
  for (Operation &op : body.without_terminator())
    builder.clone(op, mapping);
  // To the values themselves nothing flows: the region has said it all.
  SmallVector<Expr> result(getValues().size(), Expr(0.0));
  for (Value value : body.getTerminator()->getOperands())
    result.push_back(given.of(mapping.lookupOrDefault(value)));
  return result;
}
