//===- LoopOps.cpp - scan, while: verifiers -------------------------------===//

#include "VerifyHelpers.h"

using namespace mlir;
using namespace lamina::lam;

/// `given` and `wanted` have the same types, one by one.
static LogicalResult verifySame(Operation *op, StringRef what, TypeRange given,
                                TypeRange wanted) {
  if (given.size() != wanted.size())
    return op->emitOpError("expects ")
           << wanted.size() << " " << what << ", got " << given.size();
  for (auto [i, is, should] : llvm::enumerate(given, wanted))
    if (is != should)
      return op->emitOpError("expects ")
             << should << " as number " << i << " of the " << what << ", got "
             << is;
  return success();
}

/// Types of the slices of `sequences` along dimension 0.
static FailureOr<SmallVector<Type>> sliceTypes(Operation *op, StringRef what,
                                               ValueRange sequences) {
  SmallVector<Type> types;
  for (Value sequence : sequences) {
    auto type = cast<RankedTensorType>(sequence.getType());
    if (type.getRank() == 0)
      return op->emitOpError("has a scalar among its ") << what;
    types.push_back(RankedTensorType::get(type.getShape().drop_front(),
                                          type.getElementType()));
  }
  return types;
}

static LogicalResult verifyRegion(Operation *op, Region &region,
                                  TypeRange arguments, TypeRange yielded) {
  Block &body = region.front();
  if (failed(verifySame(op, "arguments of the region", body.getArgumentTypes(),
                        arguments)))
    return failure();
  auto yield = body.empty() ? nullptr : dyn_cast<YieldOp>(body.back());
  if (!yield)
    return op->emitOpError("expects a region that ends with lam.yield");
  return verifySame(op, "values yielded", yield->getOperandTypes(), yielded);
}

ValueRange ScanOp::sizesOf(unsigned i) {
  unsigned first = 0;
  for (Value before : getStacked().take_front(i))
    first += tensorType(before).getNumDynamicDims();
  return getSizes().slice(first,
                          tensorType(getStacked()[i]).getNumDynamicDims());
}

LogicalResult ScanOp::verify() {
  if (failed(verifySame(*this, "final values", getFinals().getTypes(),
                        getInits().getTypes())) ||
      failed(sliceTypes(*this, "sequences", getSequences())) ||
      failed(sliceTypes(*this, "stacked results", getStacked())))
    return failure();
  size_t dynamic = 0;
  for (Value stacked : getStacked())
    dynamic += tensorType(stacked).getNumDynamicDims();
  if (dynamic != getSizes().size())
    return emitOpError("expects ")
           << dynamic << " sizes, one per dynamic dimension of the stacked "
           << "results, got " << getSizes().size();
  int64_t length = ShapedType::kDynamic;
  for (ValueRange values :
       {ValueRange(getSequences()), ValueRange(getStacked())})
    for (Value value : values) {
      int64_t size = tensorType(value).getDimSize(0);
      if (!compatible(length, size))
        return emitOpError("has sequences of ")
               << length << " and " << size << " steps";
      length = ShapedType::isDynamic(length) ? size : length;
    }
  return success();
}

LogicalResult ScanOp::verifyRegions() {
  FailureOr<SmallVector<Type>> slices =
      sliceTypes(*this, "sequences", getSequences());
  FailureOr<SmallVector<Type>> pieces =
      sliceTypes(*this, "stacked results", getStacked());
  if (failed(slices) || failed(pieces))
    return failure();
  SmallVector<Type> arguments(getInits().getTypes());
  SmallVector<Type> yielded = arguments;
  llvm::append_range(arguments, *slices);
  llvm::append_range(arguments, getInvariants().getTypes());
  llvm::append_range(yielded, *pieces);
  return verifyRegion(*this, getBody(), arguments, yielded);
}

LogicalResult WhileOp::verify() {
  return verifySame(*this, "final values", getFinals().getTypes(),
                    getInits().getTypes());
}

LogicalResult WhileOp::verifyRegions() {
  SmallVector<Type> arguments(getInits().getTypes());
  llvm::append_range(arguments, getInvariants().getTypes());
  Type truth = RankedTensorType::get({}, IntegerType::get(getContext(), 1));
  if (failed(verifyRegion(*this, getCondition(), arguments, truth)))
    return failure();
  return verifyRegion(*this, getBody(), arguments, getInits().getTypes());
}
