//===- StorageTypes.cpp - what narrow elements are in memory --------------===//
#include "lamina/Transforms/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"

namespace lamina {
#define GEN_PASS_DEF_STORAGETYPES
#include "lamina/Transforms/Passes.h.inc"
} // namespace lamina

using namespace mlir;
using namespace lamina;

/// The integer that stands for a scalar type in memory; null for most types.
static IntegerType storage(Type type) {
  if (type.isInteger(1))
    return IntegerType::get(type.getContext(), 8);
  if (type.isF16() || type.isBF16())
    return IntegerType::get(type.getContext(), 16);
  return {};
}

static bool isConverted(Type type) {
  auto tensor = dyn_cast<TensorType>(type);
  return tensor && storage(tensor.getElementType());
}

static Type converted(Type type) {
  if (!isConverted(type))
    return type;
  auto tensor = cast<TensorType>(type);
  return tensor.clone(storage(tensor.getElementType()));
}

/// The scalar of type `type` that `value` from memory stands for; any nonzero
/// byte is true.
static Value fromMemory(OpBuilder &builder, Location loc, Value value,
                        Type type) {
  if (!type.isInteger(1))
    return arith::BitcastOp::create(builder, loc, type, value);
  Value zero =
      arith::ConstantOp::create(builder, loc, builder.getI8IntegerAttr(0));
  return arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ne, value,
                               zero);
}

/// Makes the operand hold what memory holds, if it is a scalar to be stored.
static void store(OpBuilder &builder, OpOperand &operand) {
  Value value = operand.get();
  IntegerType type = storage(value.getType());
  if (!type)
    return;
  Location loc = operand.getOwner()->getLoc();
  if (value.getType().isInteger(1))
    operand.set(arith::ExtUIOp::create(builder, loc, type, value));
  else
    operand.set(arith::BitcastOp::create(builder, loc, type, value));
}

/// The body of a linalg.generic sees what is in memory for tensors; scalar
/// operands pass unchanged.
static void convertBody(linalg::GenericOp op) {
  Block *body = op.getBody();
  OpBuilder builder = OpBuilder::atBlockBegin(body);
  for (OpOperand &operand : op->getOpOperands()) {
    BlockArgument argument = op.getMatchingBlockArgument(&operand);
    Type type = argument.getType();
    if (!isa<TensorType>(operand.get().getType()) || !storage(type))
      continue;
    argument.setType(storage(type));
    if (argument.use_empty())
      continue;
    Value value = fromMemory(builder, op.getLoc(), argument, type);
    argument.replaceAllUsesExcept(value, value.getDefiningOp());
  }
  builder.setInsertionPoint(body->getTerminator());
  for (OpOperand &operand : body->getTerminator()->getOpOperands())
    store(builder, operand);
}

static void convertOp(Operation *op) {
  OpBuilder builder(op);
  if (auto generic = dyn_cast<linalg::GenericOp>(op))
    return convertBody(generic);
  if (auto constant = dyn_cast<arith::ConstantOp>(op)) {
    auto elements = dyn_cast<DenseElementsAttr>(constant.getValue());
    IntegerType type =
        elements ? storage(elements.getElementType()) : IntegerType();
    if (!type)
      return;
    if (elements.getElementType().isInteger(1))
      constant.setValueAttr(elements.mapValues(
          type, [](const APInt &bit) { return APInt(8, bit.getZExtValue()); }));
    else
      constant.setValueAttr(elements.bitcast(type));
    return;
  }
  if (auto extract = dyn_cast<tensor::ExtractOp>(op)) {
    Type type = extract.getType();
    if (!storage(type))
      return;
    extract.getResult().setType(storage(type));
    builder.setInsertionPointAfter(op);
    Value value = fromMemory(builder, op->getLoc(), extract, type);
    extract.getResult().replaceUsesWithIf(value, [&](OpOperand &use) {
      return use.getOwner() != value.getDefiningOp();
    });
    return;
  }
  if (isa<tensor::InsertOp, tensor::FromElementsOp, tensor::SplatOp>(op))
    for (OpOperand &operand : op->getOpOperands())
      store(builder, operand);
  if (isa<tensor::PadOp, tensor::GenerateOp>(op)) {
    Operation *yield = op->getRegion(0).front().getTerminator();
    builder.setInsertionPoint(yield);
    store(builder, yield->getOpOperand(0));
  }
}

/// A matrix product keeps its name, and with it its register tile, if its
/// operands are extended beforehand to the type it computes in.
static bool extendOperands(linalg::LinalgOp op) {
  auto wide = dyn_cast<FloatType>(
      getElementTypeOrSelf(op.getDpsInits().front().getType()));
  if (!isa<linalg::ContractionOpInterface>(op.getOperation()) || !wide ||
      storage(wide))
    return false;
  OpBuilder builder(op);
  for (OpOperand *operand : op.getDpsInputOperands()) {
    auto type = cast<RankedTensorType>(operand->get().getType());
    if (!isConverted(type))
      continue;
    Location loc = op.getLoc();
    Value empty = tensor::EmptyOp::create(
        builder, loc, tensor::getMixedSizes(builder, loc, operand->get()),
        wide);
    AffineMap map = builder.getMultiDimIdentityMap(type.getRank());
    SmallVector<utils::IteratorType> loops(type.getRank(),
                                           utils::IteratorType::parallel);
    auto extended = linalg::GenericOp::create(
        builder, loc, empty.getType(), operand->get(), empty,
        ArrayRef<AffineMap>{map, map}, loops,
        [&](OpBuilder &inner, Location loc, ValueRange values) {
          Value value = arith::ExtFOp::create(inner, loc, wide, values[0]);
          linalg::YieldOp::create(inner, loc, value);
        });
    operand->set(extended.getResult(0));
    op.getBlock()->getArgument(operand->getOperandNumber()).setType(wide);
  }
  // Its body extends what is wide already.
  for (auto extension : llvm::to_vector(op.getBlock()->getOps<arith::ExtFOp>()))
    if (extension.getIn().getType() == extension.getType()) {
      extension.replaceAllUsesWith(extension.getIn());
      extension.erase();
    }
  return true;
}

/// A reduction of bools combines them as they are in memory, 0 or 1, so that
/// its body is that one operation.
static void combineInMemory(linalg::GenericOp op) {
  Operation *yield = op.getBody()->getTerminator();
  for (auto [old, operand] :
       llvm::zip_equal(op.getRegionOutputArgs(), yield->getOpOperands())) {
    auto widened = operand.get().getDefiningOp<arith::ExtUIOp>();
    Operation *combiner = widened ? widened.getIn().getDefiningOp() : nullptr;
    if (!isa_and_nonnull<arith::OrIOp, arith::AndIOp>(combiner) ||
        !combiner->hasOneUse() || !old.hasOneUse())
      continue;
    for (unsigned i : {0, 1}) {
      auto read = combiner->getOperand(i).getDefiningOp<arith::CmpIOp>();
      if (!read || read.getLhs() != old || !read->hasOneUse() ||
          read.getPredicate() != arith::CmpIPredicate::ne ||
          !matchPattern(read.getRhs(), m_Zero()))
        continue;
      OpBuilder builder(yield);
      Value other = arith::ExtUIOp::create(builder, op.getLoc(), old.getType(),
                                           combiner->getOperand(1 - i));
      Value combined =
          mlir::clone(builder, combiner, old.getType(), ValueRange{other, old})
              ->getResult(0);
      operand.set(combined);
      for (Operation *dead :
           {widened.getOperation(), combiner, read.getOperation()})
        if (dead->use_empty())
          dead->erase();
      break;
    }
  }
}

namespace {
struct StorageTypes : lamina::impl::StorageTypesBase<StorageTypes> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    auto touches = [](Operation *op) {
      return llvm::any_of(op->getOperandTypes(), isConverted) ||
             llvm::any_of(op->getResultTypes(), isConverted);
    };
    // Only linalg.generic says what its body does with the elements.
    SmallVector<linalg::LinalgOp> named;
    module.walk([&](linalg::LinalgOp op) {
      if (!isa<linalg::GenericOp>(op) && touches(op))
        named.push_back(op);
    });
    IRRewriter rewriter(&getContext());
    for (linalg::LinalgOp op : named) {
      rewriter.setInsertionPoint(op);
      if (!extendOperands(op) &&
          failed(linalg::generalizeNamedOp(rewriter, op))) {
        op->emitError("has no generic form for its element types");
        return signalPassFailure();
      }
    }

    SmallVector<Operation *> ops;
    module.walk([&](Operation *op) {
      if (touches(op))
        ops.push_back(op);
      for (Region &region : op->getRegions())
        for (Block &block : region)
          for (BlockArgument argument : block.getArguments())
            argument.setType(converted(argument.getType()));
    });
    for (Operation *op : ops)
      for (Value result : op->getResults())
        result.setType(converted(result.getType()));
    // Operand types changed with their definitions; now what scalars there are.
    for (Operation *op : ops)
      convertOp(op);
    module.walk(combineInMemory);
    for (auto function : module.getOps<func::FuncOp>())
      function.setFunctionType(FunctionType::get(
          &getContext(),
          llvm::map_to_vector(function.getArgumentTypes(), converted),
          llvm::map_to_vector(function.getResultTypes(), converted)));
  }
};
} // namespace
