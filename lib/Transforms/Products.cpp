//===- Products.cpp - which contractions are matrix products --------------===//
#include "Products.h"
#include "BufferUses.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/ViewLikeInterface.h"

using namespace mlir;
using namespace lamina;

/// What an unknown size is taken for.
static constexpr int64_t typicalSize = 256;
/// Smaller right operands are not worth a call.
static constexpr int64_t leastDepth = 8, leastElements = 512;

bool lamina::isProduct(linalg::LinalgOp op) {
  if (!linalg::isaContractionOpInterface(op))
    return false;
  FailureOr<linalg::ContractionDimensions> dims =
      linalg::inferContractionDims(op);
  return succeeded(dims) && !dims->m.empty() && !dims->n.empty() &&
         !dims->k.empty();
}

bool lamina::isLargeProduct(linalg::LinalgOp op, const Strategy &strategy) {
  if (!strategy.fusedMultiplyAdd || !isProduct(op))
    return false;
  // Product, sum, yield: nothing is converted on the way.
  if (op.getBlock()->getOperations().size() != 3)
    return false;
  auto type = dyn_cast<FloatType>(op.getBlock()->getArgument(0).getType());
  if (!type || !(type.isF32() || type.isF64()) ||
      !llvm::all_of(op.getBlock()->getArgumentTypes(),
                    [&](Type other) { return other == type; }))
    return false;
  SmallVector<int64_t> ranges = op.getStaticLoopRanges();
  auto size = [&](ArrayRef<unsigned> loops) {
    int64_t product = 1;
    for (unsigned loop : loops)
      product *=
          ShapedType::isDynamic(ranges[loop]) ? typicalSize : ranges[loop];
    return product;
  };
  linalg::ContractionDimensions dims = *linalg::inferContractionDims(op);
  int64_t lanes = strategy.vectorBytes * 8 / type.getWidth();
  int64_t columns = size(dims.n), depth = size(dims.k);
  return columns >= lanes / 2 && depth >= leastDepth &&
         columns * depth >= leastElements;
}

linalg::FillOp lamina::zeroFillOf(linalg::LinalgOp op) {
  Value result = op.getDpsInits()[0];
  Value root = baseOf(result);
  for (Operation *before = op->getPrevNode(); before;
       before = before->getPrevNode()) {
    if (auto fill = dyn_cast<linalg::FillOp>(before);
        fill && fill.getDpsInits()[0] == result)
      return matchPattern(fill.getInputs()[0], m_AnyZeroFloat())
                 ? fill
                 : linalg::FillOp();
    // Whoever touches the buffer in between needs the zeros, or changes them.
    bool touches =
        before
            ->walk([&](Operation *inner) {
              for (Value operand : inner->getOperands())
                if (isa<MemRefType>(operand.getType()) &&
                    baseOf(operand) == root && !isa<ViewLikeOpInterface>(inner))
                  return WalkResult::interrupt();
              return WalkResult::advance();
            })
            .wasInterrupted();
    if (touches)
      return {};
  }
  return {};
}
