//===- ProductEpilogue.cpp - what runs on blocks of a product -------------===//
#include "ProductEpilogue.h"
#include "BufferUses.h"
#include "Vectorize.h"
#include "mlir/Conversion/LLVMCommon/MemRefBuilder.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;
using namespace lamina;

/// Smaller results stay in the cache until the next op reads them.
static constexpr int64_t leastElements = 1 << 15, typicalSize = 256;

bool lamina::isSameMatrix(Value a, Value b) {
  auto source = [](Value value) {
    while (auto cast = value.getDefiningOp<memref::CastOp>())
      value = cast.getSource();
    return value;
  };
  a = source(a);
  b = source(b);
  if (a == b)
    return true;
  auto x = a.getDefiningOp<memref::CollapseShapeOp>(),
       y = b.getDefiningOp<memref::CollapseShapeOp>();
  return x && y && x.getSrc() == y.getSrc() && x.getType() == y.getType();
}

/// The next op that touches the memory of `matrix`, if the product may run just
/// before it.
static Operation *nextUse(linalg::GenericOp product, Value matrix) {
  for (Operation *op = product->getNextNode(); op; op = op->getNextNode()) {
    BufferUses buffers = buffersUsedBy(op);
    if (buffers.unknown)
      return nullptr;
    for (const BufferUse &use : buffers.uses) {
      if (overlapOf(use.buffer, matrix) != Overlap::None)
        return op;
      if (use.writes)
        for (Value input : product.getDpsInputs())
          if (overlapOf(use.buffer, input) != Overlap::None)
            return nullptr;
    }
  }
  return nullptr;
}

/// Whether every axis is walked by a loop of its own, or stays at its start.
static bool isSimple(AffineMap map) {
  llvm::SmallDenseSet<unsigned> seen;
  return llvm::all_of(map.getResults(), [&](AffineExpr expr) {
    if (auto dim = dyn_cast<AffineDimExpr>(expr))
      return seen.insert(dim.getPosition()).second;
    return isa<AffineConstantExpr>(expr);
  });
}

/// Whether nobody but `known` looks at the memory behind `matrix`.
static bool isOnlyUsedBy(Value matrix, ArrayRef<Operation *> known) {
  Value base = baseOf(matrix);
  if (!base.getDefiningOp<memref::AllocOp>())
    return false;
  SmallVector<Value> names{base};
  while (!names.empty())
    for (Operation *user : names.pop_back_val().getUsers()) {
      if (isa<ViewLikeOpInterface>(user))
        names.append(user->result_begin(), user->result_end());
      else if (!llvm::is_contained(known, user) && !isa<linalg::FillOp>(user))
        return false;
    }
  return true;
}

static bool isLarge(MemRefType type) {
  int64_t count = 1;
  for (int64_t size : type.getShape())
    count *= ShapedType::isDynamic(size) ? typicalSize : size;
  return count >= leastElements;
}

ProductEpilogue lamina::findEpilogue(RewriterBase &rewriter,
                                     linalg::GenericOp product) {
  Value matrix = product.getDpsInits()[0];
  if (!isLarge(cast<MemRefType>(matrix.getType())))
    return {};
  auto op = dyn_cast_or_null<linalg::GenericOp>(nextUse(product, matrix));
  if (!op || !op.hasPureBufferSemantics() || op.hasIndexSemantics() ||
      op.getNumLoops() != op.getNumParallelLoops() || op.getNumLoops() < 2)
    return {};
  op = collapseLoops(rewriter, op, /*keepLast=*/true);
  if (op.getNumLoops() != 2)
    return {};
  for (OpOperand &operand : op->getOpOperands()) {
    AffineMap map = op.getMatchingIndexingMap(&operand);
    bool isBuffer = isa<MemRefType>(operand.get().getType());
    if (isBuffer && overlapOf(operand.get(), matrix) != Overlap::None) {
      if (!isSameMatrix(operand.get(), matrix) || !map.isIdentity())
        return {};
      continue;
    }
    if (!isBuffer || !isSimple(map))
      return {};
    // Other blocks still read the product's operands.
    if (op.isDpsInit(&operand))
      for (Value input : product.getDpsInputs())
        if (overlapOf(operand.get(), input) != Overlap::None)
          return {};
  }
  // The body may load single elements, but not of the product.
  for (const BufferUse &use : buffersUsedBy(op).uses)
    if (!use.operand && overlapOf(use.buffer, matrix) != Overlap::None)
      return {};
  return {op, isOnlyUsedBy(matrix, {product, op})};
}

/// The operand's part at a block; `places` and `sizes` are by loop.
static Value blockOf(OpBuilder &b, Location loc, Value operand, AffineMap map,
                     ArrayRef<Value> places, ArrayRef<Value> sizes) {
  SmallVector<OpFoldResult> offsets, extents,
      ones(map.getNumResults(), b.getIndexAttr(1));
  if (map.getNumDims() == 0 || map.getNumResults() == 0)
    return operand;
  for (auto [axis, expr] : llvm::enumerate(map.getResults())) {
    if (auto dim = dyn_cast<AffineDimExpr>(expr)) {
      offsets.push_back(places[dim.getPosition()]);
      extents.push_back(sizes[dim.getPosition()]);
    } else {
      offsets.push_back(b.getIndexAttr(0));
      extents.push_back(memref::getMixedSize(b, loc, operand, axis));
    }
  }
  return memref::SubViewOp::create(b, loc, operand, offsets, extents, ones);
}

func::FuncOp lamina::outlineEpilogue(RewriterBase &rewriter,
                                     linalg::GenericOp op, Value matrix,
                                     SmallVectorImpl<Value> &captured) {
  OpBuilder::InsertionGuard guard(rewriter);
  auto module = op->getParentOfType<ModuleOp>();
  MLIRContext *context = module.getContext();
  Location loc = op.getLoc();
  llvm::SetVector<Value> used;
  for (Value operand : op->getOperands())
    if (!isSameMatrix(operand, matrix))
      used.insert(operand);
  getUsedValuesDefinedAbove(op.getRegion(), used);
  SmallVector<Operation *> constants;
  for (Value value : used)
    if (Operation *constant = value.getDefiningOp();
        constant && constant->hasTrait<OpTrait::ConstantLike>())
      constants.push_back(constant);
    else
      captured.push_back(value);

  Type index = rewriter.getIndexType();
  auto layout = StridedLayoutAttr::get(context, ShapedType::kDynamic,
                                       {ShapedType::kDynamic, 1});
  SmallVector<int64_t> unknown(2, ShapedType::kDynamic);
  SmallVector<Type> types{
      MemRefType::get(
          unknown, cast<MemRefType>(matrix.getType()).getElementType(), layout),
      index, index};
  llvm::append_range(types, ValueRange(captured).getTypes());
  unsigned number = 0;
  while (module.lookupSymbol("lamina_epilogue" + std::to_string(number)))
    ++number;
  rewriter.setInsertionPointToEnd(module.getBody());
  auto function = func::FuncOp::create(
      rewriter, loc, "lamina_epilogue" + std::to_string(number),
      rewriter.getFunctionType(types, {}));
  function.setPrivate();
  Block *body = function.addEntryBlock();
  rewriter.setInsertionPointToStart(body);
  IRMapping mapping;
  for (Operation *constant : constants)
    rewriter.clone(*constant, mapping);
  mapping.map(captured, body->getArguments().drop_front(3));
  Value block = body->getArgument(0);
  SmallVector<Value> places{body->getArgument(1), body->getArgument(2)}, sizes;
  for (int64_t axis : {0, 1})
    sizes.push_back(memref::DimOp::create(rewriter, loc, block, axis));
  SmallVector<Value> operands;
  for (OpOperand &operand : op->getOpOperands())
    operands.push_back(
        isSameMatrix(operand.get(), matrix)
            ? block
            : blockOf(rewriter, loc, mapping.lookup(operand.get()),
                      op.getMatchingIndexingMap(&operand), places, sizes));
  Operation *copy = rewriter.clone(*op, mapping);
  copy->setOperands(operands);
  func::ReturnOp::create(rewriter, loc);
  rewriter.eraseOp(op);
  return function;
}

namespace {
/// Lets a function with operands be called through a pointer.
class CallEmitter {
public:
  CallEmitter(func::FuncOp function, const GemmShape &shape)
      : function(function),
        part(SymbolTable::lookupNearestSymbolFrom<func::FuncOp>(
            function, function->getAttrOfType<FlatSymbolRefAttr>(kEpilogue))),
        converter(function.getContext()), b(beginBody(function, shape)),
        pointer(LLVM::LLVMPointerType::get(b.getContext())),
        context(LLVM::LLVMStructType::getLiteral(
            b.getContext(), llvm::map_to_vector(captured(), [&](Value value) {
              return converter.convertType(value.getType());
            }))) {}

  void emit(func::FuncOp blocks) {
    makeInternal(part);
    LLVM::LLVMFuncOp entry = emitEntry();
    Value memory = LLVM::AllocaOp::create(b, pointer, context, b.number(1));
    for (auto [index, value] : llvm::enumerate(captured()))
      LLVM::StoreOp::create(b, converted(context.getBody()[index], value),
                            field(memory, index));
    SmallVector<Value> operands(
        function.getArguments().take_front(kCapturedOperand));
    for (unsigned place : {kRowOperand, kColumnOperand})
      operands[place] =
          arith::IndexCastOp::create(b, b.getI64Type(), operands[place]);
    operands.append({LLVM::AddressOfOp::create(b, entry), memory});
    func::CallOp::create(b, blocks, operands);
    func::ReturnOp::create(b);
  }

private:
  func::FuncOp function, part;
  LLVMTypeConverter converter;
  PointerBuilder b;
  Type pointer;
  LLVM::LLVMStructType context;

  ArrayRef<BlockArgument> captured() {
    return function.getArguments().drop_front(kCapturedOperand);
  }

  Value field(Value address, unsigned index) {
    return LLVM::GEPOp::create(b, pointer, context, address,
                               ArrayRef<LLVM::GEPArg>{0, int32_t(index)});
  }

  Value converted(Type type, Value value) {
    if (value.getType() == type)
      return value;
    return UnrealizedConversionCastOp::create(b, type, value).getResult(0);
  }

  /// The function that is called for every block.
  LLVM::LLVMFuncOp emitEntry() {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointAfter(part);
    auto entry = LLVM::LLVMFuncOp::create(b, (part.getName() + "_block").str(),
                                          epilogueType(b.getContext()),
                                          LLVM::Linkage::Internal);
    Block *block = entry.addEntryBlock(b);
    b.setInsertionPointToStart(block);
    ArrayRef<BlockArgument> arguments = block->getArguments();
    auto type = cast<MemRefType>(part.getArgumentTypes().front());
    auto descriptor =
        MemRefDescriptor::poison(b, b.getLoc(), converter.convertType(type));
    descriptor.setAllocatedPtr(b, b.getLoc(), arguments[1]);
    descriptor.setAlignedPtr(b, b.getLoc(), arguments[1]);
    descriptor.setConstantOffset(b, b.getLoc(), 0);
    descriptor.setStride(b, b.getLoc(), 0,
                         b.divide(arguments[2], b.elementBytes));
    descriptor.setConstantStride(b, b.getLoc(), 1, 1);
    descriptor.setSize(b, b.getLoc(), 0, arguments[3]);
    descriptor.setSize(b, b.getLoc(), 1, arguments[4]);
    Type index = b.getIndexType();
    SmallVector<Value> operands{converted(type, descriptor),
                                converted(index, arguments[5]),
                                converted(index, arguments[6])};
    for (auto [number, field] : llvm::enumerate(context.getBody())) {
      Value value =
          LLVM::LoadOp::create(b, field, this->field(arguments[0], number));
      operands.push_back(
          converted(part.getArgumentTypes()[operands.size()], value));
    }
    func::CallOp::create(b, part, operands);
    LLVM::ReturnOp::create(b, ValueRange{});
    return entry;
  }
};
} // namespace

void lamina::emitEpilogueCall(func::FuncOp function, func::FuncOp blocks,
                              const GemmShape &shape) {
  CallEmitter(function, shape).emit(blocks);
}
