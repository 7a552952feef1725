//===- Products.cpp - which ops are products for tiles --------------------===//
#include "Products.h"
#include "Access.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/ViewLikeInterface.h"

using namespace mlir;
using namespace lamina;

// Large tiles read less memory, small ones leave no multiprocessor without
// work. The last row is for what is left.
static constexpr TileShape ofThreads[] = {
    {"128x64", 128, 64, 16, 8, 4}, // 8 x 8 did not fit in the registers
    {"64x64", 64, 64, 16, 4, 4},
    {"32x32", 32, 32, 16, 4, 4},
};
static constexpr TileShape ofTensorCores[] = {
    {"tensor 128x64", 128, 64, 32, 32, 32, true},
    {"tensor 64x64", 64, 64, 32, 32, 32, true},
    {"tensor 32x32", 32, 32, 32, 16, 16, true},
};
static constexpr TileShape ofTensorCoresTF32[] = {
    {"tf32 128x64", 128, 64, 16, 32, 32, true},
    {"tf32 64x64", 64, 64, 16, 32, 32, true},
    {"tf32 32x32", 32, 32, 16, 16, 16, true},
};
/// Shared memory that every device gives a block without being asked.
static constexpr int64_t sharedBytes = 49152;
/// Blocks that give every multiprocessor of a large device one.
static constexpr int64_t enoughBlocks = 128;
/// What an unknown size is taken for, and what is worth a tile.
static constexpr int64_t typicalSize = 1024, leastSize = 8, leastResults = 512;

static int64_t sizeOf(Product product, ArrayRef<unsigned> loops) {
  SmallVector<int64_t> ranges = product.op.getStaticLoopRanges();
  int64_t result = 1;
  for (unsigned loop : loops)
    result *= ShapedType::isDynamic(ranges[loop]) ? typicalSize : ranges[loop];
  return result;
}

const TileShape &lamina::tileFor(Product product) {
  int64_t rows = sizeOf(product, product.rows),
          columns = sizeOf(product, product.columns),
          batch = sizeOf(product, product.batch);
  ArrayRef<TileShape> table = ofThreads;
  if (product.tensors != Multiplicand::None)
    table = product.tensors == Multiplicand::TF32 ? ArrayRef(ofTensorCoresTF32)
                                                  : ArrayRef(ofTensorCores);
  auto bytesOf = [](Value buffer) {
    return getElementTypeOrSelf(buffer.getType()).getIntOrFloatBitWidth() / 8;
  };
  int64_t sum = bytesOf(product.result->get()),
          element = bytesOf(product.leftSource);
  for (const TileShape &tile : table) {
    // Two stages of both operands, each row of which has 16 bytes of padding,
    // and a slice of the result.
    int64_t sliceRows =
        tile.tensors ? tile.rows / tile.ownRows * 16 : tile.rows / tile.ownRows;
    int64_t bytes =
        2 * (tile.rows + tile.columns) * (tile.depth * element + 16) +
        sliceRows * tile.columns * sum;
    bool fits = bytes <= sharedBytes;
    int64_t blocks = llvm::divideCeil(rows, tile.rows) *
                     llvm::divideCeil(columns, tile.columns) * batch;
    if (fits && blocks >= enoughBlocks)
      return tile;
  }
  return table.back();
}

int64_t lamina::partsFor(Product product, const TileShape &tile) {
  // A part is worth some steps, and a second launch some more.
  constexpr int64_t leastSteps = 32, stepsOfPart = 8, maxParts = 16;
  int64_t blocks =
      llvm::divideCeil(sizeOf(product, product.rows), tile.rows) *
      llvm::divideCeil(sizeOf(product, product.columns), tile.columns) *
      sizeOf(product, product.batch);
  int64_t steps = llvm::divideCeil(sizeOf(product, product.terms), tile.depth);
  // Addresses in windows take so many registers that some would be spilled.
  bool isConvolution =
      llvm::any_of(product.op.getIndexingMapsArray(),
                   [](AffineMap map) { return !map.isProjectedPermutation(); });
  if (steps < leastSteps || isConvolution)
    return 1;
  return std::clamp<int64_t>(
      std::min(enoughBlocks / std::max<int64_t>(blocks, 1),
               steps / stepsOfPart),
      1, maxParts);
}

/// sum + left * right, of one floating type.
static bool isSumOfProducts(linalg::LinalgOp op) {
  if (op.getNumDpsInits() != 1 || op.getNumDpsInputs() != 2)
    return false;
  Block *block = op.getBlock();
  if (block->getOperations().size() != 3)
    return false;
  auto type = dyn_cast<FloatType>(block->getArgument(0).getType());
  if (!type || type.getWidth() < 32 ||
      !llvm::all_of(block->getArgumentTypes(),
                    [&](Type other) { return other == type; }))
    return false;
  auto sum = block->getTerminator()->getOperand(0).getDefiningOp();
  auto add = dyn_cast_or_null<arith::AddFOp>(sum);
  if (!add)
    return false;
  for (auto [old, term] : {std::pair(add.getLhs(), add.getRhs()),
                           std::pair(add.getRhs(), add.getLhs())})
    if (auto mul = term.getDefiningOp<arith::MulFOp>();
        mul && old == block->getArgument(2) &&
        ((mul.getLhs() == block->getArgument(0) &&
          mul.getRhs() == block->getArgument(1)) ||
         (mul.getLhs() == block->getArgument(1) &&
          mul.getRhs() == block->getArgument(0))))
      return true;
  return false;
}

/// The loop that walks neighbours in an operand's memory, if one alone does.
static std::optional<unsigned> minorLoop(linalg::LinalgOp op,
                                         OpOperand &operand) {
  AffineMap map = op.getMatchingIndexingMap(&operand);
  if (map.getNumResults() == 0)
    return std::nullopt;
  auto dim = dyn_cast<AffineDimExpr>(map.getResults().back());
  return dim ? std::optional(dim.getPosition()) : std::nullopt;
}

static void moveLast(SmallVectorImpl<unsigned> &loops,
                     std::optional<unsigned> loop) {
  auto found = loop ? llvm::find(loops, *loop) : loops.end();
  if (found == loops.end())
    return;
  loops.erase(found);
  loops.push_back(*loop);
}

/// Divides the loops; false if some is none of the four kinds.
static bool divideLoops(Product &product) {
  linalg::LinalgOp op = product.op;
  AffineMap left = op.getMatchingIndexingMap(product.left),
            right = op.getMatchingIndexingMap(product.right),
            result = op.getMatchingIndexingMap(product.result);
  if (!result.isProjectedPermutation())
    return false;
  for (auto [loop, kind] : llvm::enumerate(op.getIteratorTypesArray())) {
    bool inLeft = left.isFunctionOfDim(loop),
         inRight = right.isFunctionOfDim(loop);
    if (kind == utils::IteratorType::reduction)
      product.terms.push_back(loop);
    else if (!result.isFunctionOfDim(loop) || (!inLeft && !inRight))
      return false;
    else
      (inLeft && inRight ? product.batch
       : inLeft          ? product.rows
                         : product.columns)
          .push_back(loop);
  }
  return true;
}

/// The fill that gives the sums their first value, if nobody looks at them in
/// between.
static linalg::FillOp findFill(linalg::LinalgOp op, Value matrix) {
  Value root = rootOf(matrix);
  for (Operation *before = op->getPrevNode(); before;
       before = before->getPrevNode()) {
    Access access = accessOf(before);
    if (!access.reads.contains(root) && !access.writes.contains(root))
      continue;
    auto fill = dyn_cast<linalg::FillOp>(before);
    return fill && fill.getDpsInits()[0] == matrix ? fill : linalg::FillOp();
  }
  return {};
}

/// The pointwise op that uses the result first, if the product can be moved to
/// it.
static linalg::GenericOp findEpilogue(linalg::LinalgOp product, Value matrix) {
  Value root = rootOf(matrix);
  Access access = accessOf(product);
  Operation *next = product->getNextNode();
  for (; next; next = next->getNextNode()) {
    Access other = accessOf(next);
    if (other.reads.contains(root) || other.writes.contains(root))
      break;
    if (other.conflicts(access))
      return {};
  }
  auto op = dyn_cast_or_null<linalg::GenericOp>(next);
  if (!op || op.getNumLoops() != op.getNumParallelLoops() ||
      op.getNumLoops() != cast<MemRefType>(matrix.getType()).getRank())
    return {};
  // Blocks run in any order: none may touch what others read or write.
  for (OpOperand &operand : op->getOpOperands()) {
    if (!isa<MemRefType>(operand.get().getType()))
      continue;
    Value other = rootOf(operand.get());
    bool isSame = operand.get() == matrix &&
                  op.getMatchingIndexingMap(&operand).isIdentity();
    if (other == root ? !isSame
                      : op.isDpsInit(&operand) && access.reads.contains(other))
      return {};
  }
  bool readsOutside = op.getBody()
                          ->walk([&](Operation *inner) {
                            return isMemoryEffectFree(inner)
                                       ? WalkResult::advance()
                                       : WalkResult::interrupt();
                          })
                          .wasInterrupted();
  return readsOutside ? linalg::GenericOp() : op;
}

/// Whether nobody but the group looks at the result.
static bool isOnlyUsedBy(Product product, Value matrix) {
  if (!product.epilogue || !matrix.getDefiningOp<memref::AllocOp>())
    return false;
  return llvm::all_of(matrix.getUsers(), [&](Operation *user) {
    return user == product.op || user == product.fill ||
           user == product.epilogue ||
           isa<memref::DeallocOp, memref::DimOp>(user);
  });
}

/// What makes `operand` of halves, whose bits are integers, before the product
/// and nothing else; and the type of the halves.
static std::pair<linalg::GenericOp, Type> findWidening(linalg::LinalgOp product,
                                                       Value operand) {
  if (!operand.getDefiningOp<memref::AllocOp>())
    return {};
  linalg::GenericOp widening;
  for (Operation *user : operand.getUsers()) {
    auto op = dyn_cast<linalg::LinalgOp>(user);
    if (!op && !isa<memref::DeallocOp, memref::DimOp>(user))
      return {};
    if (!op || !llvm::is_contained(op.getDpsInits(), operand))
      continue;
    auto generic = dyn_cast<linalg::GenericOp>(user);
    if (widening || !generic || generic->getBlock() != product->getBlock() ||
        !generic->isBeforeInBlock(product) || generic.getNumDpsInputs() != 1 ||
        generic.getNumDpsInits() != 1 ||
        generic.getNumParallelLoops() != generic.getNumLoops() ||
        !llvm::all_of(generic.getIndexingMapsArray(),
                      [](AffineMap map) { return map.isIdentity(); }))
      return {};
    widening = generic;
  }
  if (!widening || widening.getBody()->getOperations().size() != 3)
    return {};
  Block *body = widening.getBody();
  auto extend =
      body->getTerminator()->getOperand(0).getDefiningOp<arith::ExtFOp>();
  auto bits = extend ? extend.getIn().getDefiningOp<arith::BitcastOp>()
                     : arith::BitcastOp();
  if (!bits || bits.getIn() != body->getArgument(0) ||
      !extend.getType().isF32())
    return {};
  // The halves are still there when the product reads them.
  Value root = rootOf(widening.getDpsInputs()[0]);
  for (Operation *op = widening->getNextNode(); op != product;
       op = op->getNextNode())
    if (accessOf(op).writes.contains(root))
      return {};
  return {widening, bits.getType()};
}

/// Lets tensor cores multiply, where the operands are halves or may be rounded.
static void findTensors(Product &product, ProductOptions options) {
  product.leftSource = product.left->get();
  product.rightSource = product.right->get();
  if (!options.async ||
      !getElementTypeOrSelf(product.leftSource.getType()).isF32())
    return;
  auto [left, type] = findWidening(product.op, product.leftSource);
  auto [right, other] = findWidening(product.op, product.rightSource);
  if (!left || !right || type != other) {
    product.tensors = options.tf32 ? Multiplicand::TF32 : Multiplicand::None;
    return;
  }
  product.tensors = type.isF16() ? Multiplicand::Half : Multiplicand::BFloat;
  for (auto [op, source] : {std::pair(left, &product.leftSource),
                            std::pair(right, &product.rightSource)}) {
    linalg::GenericOp widening = op;
    bool isOnly = llvm::all_of(source->getUsers(), [&](Operation *user) {
      return user == widening || user == product.op ||
             isa<memref::DeallocOp>(user);
    });
    if (isOnly && !llvm::is_contained(product.widenings, widening))
      product.widenings.push_back(widening);
    *source = widening.getDpsInputs()[0];
  }
}

std::optional<Product> lamina::findProduct(linalg::LinalgOp op,
                                           ProductOptions options) {

  if (!isSumOfProducts(op))
    return std::nullopt;
  Product product;
  product.op = op;
  product.left = op.getDpsInputOperand(0);
  product.right = op.getDpsInputOperand(1);
  product.result = op.getDpsInitOperand(0);
  if (!divideLoops(product))
    return std::nullopt;
  std::optional<unsigned> minor = minorLoop(op, *product.result);
  if (minor && llvm::is_contained(product.rows, *minor)) {
    std::swap(product.rows, product.columns);
    std::swap(product.left, product.right);
  }
  moveLast(product.columns, minor);
  for (OpOperand *operand : {product.right, product.left}) {
    moveLast(product.terms, minorLoop(op, *operand));
    moveLast(product.rows, minorLoop(op, *operand));
  }
  int64_t rows = sizeOf(product, product.rows),
          columns = sizeOf(product, product.columns);
  if (rows < leastSize || columns < leastSize ||
      sizeOf(product, product.terms) < leastSize ||
      rows * columns * sizeOf(product, product.batch) < leastResults)
    return std::nullopt;
  Value matrix = product.result->get();
  product.fill = findFill(op, matrix);
  product.epilogue = findEpilogue(op, matrix);
  product.isPrivate = isOnlyUsedBy(product, matrix);
  findTensors(product, options);
  return product;
}
