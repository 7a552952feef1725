//===- Work.cpp - what a computation has to do ----------------------------===//
#include "lamina/Bench/Work.h"
#include "lamina/Lam/Lam.h"

using namespace mlir;
using namespace lamina;

/// Bytes of a tensor; a bool takes one.
static double bytesOf(ShapedType type) {
  return double(type.getNumElements()) *
         llvm::divideCeil(type.getElementTypeBitWidth(), 8);
}

/// The multiplications of `op` if it is a contraction.
static double products(Operation *op) {
  if (auto dot = dyn_cast<lam::DotOp>(op)) {
    double count = cast<ShapedType>(dot.getY().getType()).getNumElements();
    auto type = cast<ShapedType>(dot.getA().getType());
    for (int64_t dim : dot.getContractA())
      count *= type.getDimSize(dim);
    return count;
  }
  if (auto conv = dyn_cast<lam::ConvOp>(op)) {
    // Every output meets the whole window, and one group's channels.
    double count = cast<ShapedType>(conv.getY().getType()).getNumElements();
    auto kernel = cast<ShapedType>(conv.getKernel().getType());
    return count * kernel.getNumElements() /
           std::max<int64_t>(1, kernel.getShape().back());
  }
  return 0;
}

std::optional<Work> lamina::countWork(func::FuncOp function) {
  auto isKnown = [](Type type) {
    auto shaped = dyn_cast<ShapedType>(type);
    return !shaped || shaped.hasStaticShape();
  };
  Work work;
  bool known = llvm::all_of(function.getResultTypes(), isKnown);
  for (BlockArgument argument : function.getArguments()) {
    known = known && isKnown(argument.getType());
    if (auto type = dyn_cast<ShapedType>(argument.getType());
        known && type && !argument.use_empty())
      work.bytes += bytesOf(type);
  }
  function.walk([&](Operation *op) {
    if (!isa<lam::DotOp, lam::ConvOp>(op))
      return;
    known = known && llvm::all_of(op->getOperandTypes(), isKnown) &&
            llvm::all_of(op->getResultTypes(), isKnown);
    if (known)
      work.flops += 2 * products(op);
  });
  if (!known)
    return std::nullopt;
  for (Type type : function.getResultTypes())
    if (auto shaped = dyn_cast<ShapedType>(type))
      work.bytes += bytesOf(shaped);
  return work;
}
