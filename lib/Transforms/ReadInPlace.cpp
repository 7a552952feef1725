//===- ReadInPlace.cpp - tiles read what they are about to replace --------===//
#include "lamina/Transforms/Passes.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace lamina {
#define GEN_PASS_DEF_READINPLACE
#include "lamina/Transforms/Passes.h.inc"
} // namespace lamina

using namespace mlir;
using namespace lamina;

/// Whether the size of a slice that starts at the loop's induction variable is
/// at most its step: no two iterations share an element.
static bool staysInStep(OpFoldResult size, int64_t step) {
  if (std::optional<int64_t> number = getConstantIntValue(size))
    return *number <= step;
  auto min = dyn_cast<Value>(size).getDefiningOp<affine::AffineMinOp>();
  return min && llvm::any_of(min.getMap().getResults(), [&](AffineExpr bound) {
           auto number = dyn_cast<AffineConstantExpr>(bound);
           return number && number.getValue() <= step;
         });
}

/// Whether `slice` is a different part of its tensor in every iteration of
/// `loop`.
static bool isTileOf(tensor::InsertSliceOp slice, scf::ForOp loop) {
  std::optional<int64_t> step = getConstantIntValue(loop.getStep());
  if (!step || !slice.hasUnitStride())
    return false;
  for (auto [offset, size] :
       llvm::zip_equal(slice.getMixedOffsets(), slice.getMixedSizes()))
    if (dyn_cast<Value>(offset) == loop.getInductionVar())
      return staysInStep(size, *step);
  return false;
}

/// Follows an argument of nested loops to what the outermost one starts with;
/// false if `slice` may overlap itself in another iteration.
static bool outermostInit(Value argument, tensor::InsertSliceOp slice,
                          SmallVectorImpl<Value> &inits) {
  while (auto block = dyn_cast<BlockArgument>(argument)) {
    auto loop = dyn_cast<scf::ForOp>(block.getOwner()->getParentOp());
    if (!loop)
      break;
    if (!isTileOf(slice, loop))
      return false;
    argument = loop.getTiedLoopInit(block)->get();
    inits.push_back(argument);
  }
  return !inits.empty();
}

namespace {
struct ReadInPlace : lamina::impl::ReadInPlaceBase<ReadInPlace> {
  void runOnOperation() override {
    getOperation().walk([](tensor::InsertSliceOp slice) {
      auto argument = dyn_cast<BlockArgument>(slice.getDest());
      if (!argument || !slice->hasOneUse() ||
          !isa<scf::YieldOp>(*slice->user_begin()))
        return;
      SmallVector<Value> inits;
      if (!outermostInit(argument, slice, inits))
        return;
      for (Operation &op : *argument.getOwner())
        if (auto read = dyn_cast<tensor::ExtractSliceOp>(op);
            read && llvm::is_contained(inits, read.getSource()) &&
            read.getMixedOffsets() == slice.getMixedOffsets() &&
            read.getMixedSizes() == slice.getMixedSizes() &&
            read.getMixedStrides() == slice.getMixedStrides())
          read.getSourceMutable().assign(argument);
    });
  }
};
} // namespace
