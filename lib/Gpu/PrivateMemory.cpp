//===- PrivateMemory.cpp - temporaries of a block or a thread -------------===//
#include "BlockCode.h"
#include "lamina/Transforms/UpperBound.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace lamina;

/// Shared memory of a block that every device has, less what reductions need;
/// and the bytes of a temporary that a thread keeps for itself.
static constexpr int64_t sharedBytes = 40960, threadBytes = 1024;

static int64_t elementBytes(MemRefType type) {
  return llvm::divideCeil(type.getElementTypeBitWidth(), 8);
}

PrivateMemory::PrivateMemory(ImplicitLocOpBuilder &b, Operation *op)
    : b(b), op(op) {
  op->walk([&](memref::AllocOp alloc) {
    temporaries.push_back({alloc, 0, {}, {}});
  });
}

/// The most elements of a temporary: a number, or bytes as a value that is
/// known before the loop.
LogicalResult PrivateMemory::measure(Temporary &temporary) {
  MemRefType type = temporary.op.getType();
  int64_t elements = 1;
  for (int64_t size : type.getShape())
    elements *= ShapedType::isDynamic(size) ? 1 : size;
  Value bytes;
  for (Value size : temporary.op.getDynamicSizes()) {
    ValueBoundsConstraintSet::Variable variable(size);
    FailureOr<int64_t> constant =
        ValueBoundsConstraintSet::computeConstantBound(
            presburger::BoundType::UB, variable, nullptr, /*closedUB=*/true);
    if (succeeded(constant)) {
      elements *= *constant;
      continue;
    }
    Value bound = size;
    Operation *definition = size.getDefiningOp();
    if (definition && op->isAncestor(definition)) {
      FailureOr<UpperBound> outside = upperBoundOutsideLoops(size, op);
      if (failed(outside))
        return temporary.op.emitError(
            "the size of this temporary has no bound "
            "that is known before the loop around it");
      SmallVector<Value> values;
      for (auto [value, dim] : outside->operands)
        values.push_back(dim ? memref::DimOp::create(b, value, *dim).getResult()
                             : value);
      bound = affine::AffineApplyOp::create(b, outside->map, values);
    }
    bytes = bytes ? b.createOrFold<arith::MulIOp>(bytes, bound) : bound;
  }
  if (!bytes) {
    temporary.elements = std::max<int64_t>(elements, 1);
    temporary.bytes =
        number(b, llvm::alignTo(elements * elementBytes(type), 16));
    return success();
  }
  bytes = b.createOrFold<arith::MulIOp>(
      bytes, number(b, elements * elementBytes(type)));
  bytes = b.createOrFold<arith::AddIOp>(bytes, number(b, 15));
  temporary.bytes = b.createOrFold<arith::AndIOp>(bytes, number(b, -16));
  return success();
}

LogicalResult PrivateMemory::plan(Value owners, bool forThreads) {
  perThread = forThreads;
  int64_t left = sharedBytes;
  for (Temporary &temporary : temporaries) {
    if (failed(measure(temporary)))
      return failure();
    int64_t bytes = temporary.elements * elementBytes(temporary.op.getType());
    bool near = perThread ? bytes <= threadBytes : bytes <= left;
    if (temporary.elements && near) {
      left -= perThread ? 0 : llvm::alignTo(bytes, 16);
      continue;
    }
    temporary.elements = 0;
    Value all = b.createOrFold<arith::MulIOp>(temporary.bytes, owners);
    temporary.buffer = memref::AllocOp::create(
        b, MemRefType::get({ShapedType::kDynamic}, b.getI8Type()), all);
  }
  return success();
}

/// The buffer of one dimension in the shape of a temporary.
static Value shaped(ImplicitLocOpBuilder &b, Value flat, memref::AllocOp op) {
  MemRefType type = op.getType();
  SmallVector<OpFoldResult> sizes = op.getMixedSizes();
  SmallVector<OpFoldResult> strides(sizes.size(), b.getIndexAttr(1));
  for (int64_t axis = int64_t(sizes.size()) - 2; axis >= 0; --axis)
    strides[axis] = affine::makeComposedFoldedAffineApply(
        b, b.getLoc(), b.getAffineDimExpr(0) * b.getAffineDimExpr(1),
        {strides[axis + 1], sizes[axis + 1]});
  Value view = memref::ReinterpretCastOp::create(b, flat, b.getIndexAttr(0),
                                                 sizes, strides);
  return view.getType() == type ? view : memref::CastOp::create(b, type, view);
}

void PrivateMemory::place(Operation *copy, Value owner, gpu::LaunchOp launch) {
  SmallVector<memref::AllocOp> allocations;
  copy->walk([&](memref::AllocOp op) { allocations.push_back(op); });
  OpBuilder::InsertionGuard guard(b);
  for (auto [temporary, alloc] : llvm::zip_equal(temporaries, allocations)) {
    MemRefType type = alloc.getType();
    b.setLoc(alloc.getLoc());
    Value view;
    if (temporary.buffer) {
      b.setInsertionPoint(alloc);
      Value offset = arith::MulIOp::create(b, owner, temporary.bytes);
      view = memref::ViewOp::create(b, type, temporary.buffer, offset,
                                    alloc.getDynamicSizes());
    } else {
      auto flat = MemRefType::get({temporary.elements}, type.getElementType());
      b.setInsertionPointToStart(&launch.getBody().front());
      Value memory;
      if (perThread) {
        memory = memref::AllocaOp::create(b, flat);
      } else {
        auto shared = MemRefType::get(
            flat.getShape(), flat.getElementType(), MemRefLayoutAttrInterface(),
            gpu::AddressSpaceAttr::get(b.getContext(),
                                       gpu::AddressSpace::Workgroup));
        memory = memref::MemorySpaceCastOp::create(
            b, flat, launch.addWorkgroupAttribution(shared, b.getLoc()));
      }
      b.setInsertionPoint(alloc);
      view = shaped(b, memory, alloc);
    }
    alloc.getResult().replaceAllUsesWith(view);
    alloc.erase();
  }
}
