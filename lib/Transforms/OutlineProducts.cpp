//===- OutlineProducts.cpp - products become calls of shared functions ----===//
#include "Gemm.h"
#include "ParallelLoops.h"
#include "ProductEpilogue.h"
#include "Products.h"
#include "Vectorize.h"
#include "lamina/Transforms/Passes.h"
#include "lamina/Transforms/Remarks.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Linalg/Utils/Utils.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

namespace lamina {
#define GEN_PASS_DEF_OUTLINEPRODUCTS
#include "lamina/Transforms/Passes.h.inc"
} // namespace lamina

using namespace mlir;
using namespace lamina;

namespace {
/// Replaces one product.
class Outliner {
public:
  Outliner(ModuleOp module, IRRewriter &rewriter, linalg::GenericOp op,
           const Strategy &strategy)
      : module(module), rewriter(rewriter), op(op),
        shape(cast<FloatType>(op.getBlock()->getArgument(0).getType()),
              strategy),
        loc(op.getLoc()) {}

  LogicalResult run() {
    dims = *linalg::inferContractionDims(op);
    for (OpOperand *input : op.getDpsInputOperands())
      (uses(*input, dims.m.back()) ? left : right) = input;
    result = op.getDpsInitOperand(0);
    if (stride(*result, dims.n.back()) != 1) {
      std::swap(dims.m, dims.n);
      std::swap(left, right);
    }
    m = dims.m.back();
    n = dims.n.back();
    k = dims.k.back();
    if (stride(*result, n) != 1 || !left || !right)
      return failure();
    rewriter.setInsertionPoint(op);
    if (op.getNumLoops() == 3 && isPlain())
      epilogue = findEpilogue(rewriter, op);
    if (epilogue.op)
      rewriter.moveOpBefore(op, epilogue.op);

    accumulate = true;
    // Several summed loops add to what the first of them left.
    if (linalg::FillOp fill = zeroFillOf(op); fill && dims.k.size() == 1) {
      accumulate = false;
      rewriter.eraseOp(fill);
    }
    rewriter.setInsertionPoint(op);
    ArrayRef<unsigned> sums = ArrayRef(dims.k).drop_back();
    for (ArrayRef<unsigned> loops :
         {ArrayRef<unsigned>(dims.batch), ArrayRef(dims.m).drop_back(),
          ArrayRef(dims.n).drop_back(), sums})
      for (unsigned loop : loops) {
        Value bound = value(sizeOf(loop));
        auto nest =
            scf::ForOp::create(rewriter, loc, index(0), bound, index(1));
        if (!llvm::is_contained(sums, loop))
          nest->setAttr(parallelAttribute, rewriter.getUnitAttr());
        rewriter.setInsertionPoint(nest.getBody()->getTerminator());
        outer[loop] = nest.getInductionVar();
      }
    emit();
    rewriter.eraseOp(op);
    return success();
  }

private:
  ModuleOp module;
  IRRewriter &rewriter;
  linalg::GenericOp op;
  GemmShape shape;
  Location loc;
  linalg::ContractionDimensions dims;
  unsigned m = 0, n = 0, k = 0;
  OpOperand *left = nullptr, *right = nullptr, *result = nullptr;
  bool accumulate = true;
  ProductEpilogue epilogue;
  llvm::DenseMap<unsigned, Value> outer; // induction variables

  bool uses(OpOperand &operand, unsigned loop) {
    return op.getMatchingIndexingMap(&operand).isFunctionOfDim(loop);
  }

  /// In elements; dynamic if it is not known.
  int64_t stride(OpOperand &operand, unsigned loop) {
    auto [strides, offset] =
        cast<MemRefType>(operand.get().getType()).getStridesAndOffset();
    AffineMap map = op.getMatchingIndexingMap(&operand);
    for (auto [axis, expr] : llvm::enumerate(map.getResults()))
      if (expr == rewriter.getAffineDimExpr(loop))
        return strides[axis];
    return ShapedType::kDynamic;
  }

  /// Whether the product itself is computed, not the transposed one.
  bool isPlain() {
    return stride(*right, n) == 1 || !zeroFillOf(op) ||
           getConstantIntValue(turnedSaves()).value_or(1) <= 0;
  }

  /// How many elements less move if the transposed product is computed, for
  /// which the left operand and the result are transposed, and not the right
  /// operand: M (K + N) instead of K N.
  OpFoldResult turnedSaves() {
    AffineExpr M, N, K;
    bindSymbols(rewriter.getContext(), M, N, K);
    return affine::makeComposedFoldedAffineApply(
        rewriter, loc, K * N - M * (K + N), {sizeOf(m), sizeOf(n), sizeOf(k)});
  }

  OpFoldResult sizeOf(unsigned loop) {
    for (OpOperand &operand : op->getOpOperands())
      for (auto [axis, expr] :
           llvm::enumerate(op.getMatchingIndexingMap(&operand).getResults()))
        if (expr == rewriter.getAffineDimExpr(loop))
          return memref::getMixedSize(rewriter, loc, operand.get(), axis);
    llvm_unreachable("every loop of a contraction walks along an operand");
  }

  Value index(int64_t number) {
    return arith::ConstantIndexOp::create(rewriter, loc, number);
  }
  Value value(OpFoldResult size) {
    return getValueOrCreateConstantIndexOp(rewriter, loc, size);
  }
  Value flag(bool bit) {
    return arith::ConstantIntOp::create(rewriter, loc, bit, 1);
  }

  /// Of any sizes and strides: what the functions take.
  MemRefType matrixType() {
    SmallVector<int64_t> dynamic(2, ShapedType::kDynamic);
    return MemRefType::get(dynamic, shape.type,
                           StridedLayoutAttr::get(module.getContext(),
                                                  ShapedType::kDynamic,
                                                  dynamic));
  }

  Value asMatrix(Value memref) {
    return memref::CastOp::create(rewriter, loc, matrixType(), memref);
  }

  /// The operand's rows and columns at this iteration of the outer loops.
  Value matrix(OpOperand &operand, unsigned row, unsigned column) {
    AffineMap map = op.getMatchingIndexingMap(&operand);
    SmallVector<OpFoldResult> offsets, sizes,
        ones(map.getNumResults(), rewriter.getIndexAttr(1));
    SmallVector<int64_t> kept;
    bool turned = false;
    for (auto [axis, expr] : llvm::enumerate(map.getResults())) {
      unsigned loop = cast<AffineDimExpr>(expr).getPosition();
      bool whole = loop == row || loop == column;
      if (whole) {
        turned |= kept.empty() && loop == column;
        kept.push_back(
            cast<MemRefType>(operand.get().getType()).getDimSize(axis));
      }
      offsets.push_back(whole ? OpFoldResult(rewriter.getIndexAttr(0))
                              : OpFoldResult(outer.lookup(loop)));
      sizes.push_back(
          whole ? memref::getMixedSize(rewriter, loc, operand.get(), axis)
                : OpFoldResult(rewriter.getIndexAttr(1)));
    }
    Value part = operand.get();
    if (map.getNumResults() != 2) {
      MemRefType type = memref::SubViewOp::inferRankReducedResultType(
          kept, cast<MemRefType>(part.getType()), offsets, sizes, ones);
      part = memref::SubViewOp::create(rewriter, loc, type, part, offsets,
                                       sizes, ones);
    }
    if (turned)
      part = transposed(part);
    return asMatrix(part);
  }

  /// A view with rows and columns exchanged. (Not memref.transpose, which the
  /// analyses of aliases do not know.)
  Value transposed(Value matrix) {
    auto data = memref::ExtractStridedMetadataOp::create(rewriter, loc, matrix);
    auto turn = [](ArrayRef<OpFoldResult> pair) {
      return SmallVector<OpFoldResult>{pair[1], pair[0]};
    };
    return memref::ReinterpretCastOp::create(
        rewriter, loc, matrixType(), matrix, data.getConstifiedMixedOffset(),
        turn(data.getConstifiedMixedSizes()),
        turn(data.getConstifiedMixedStrides()));
  }

  Value allocate(OpFoldResult rows, OpFoldResult columns) {
    auto [staticSizes, dynamicSizes] = decomposeMixedValues({rows, columns});
    return memref::AllocOp::create(
        rewriter, loc, MemRefType::get(staticSizes, shape.type), dynamicSizes);
  }

  func::FuncOp declare(StringRef kind, ArrayRef<Type> types) {
    std::string name = shape.name(kind);
    if (auto known = module.lookupSymbol<func::FuncOp>(name))
      return known;
    OpBuilder builder = OpBuilder::atBlockEnd(module.getBody());
    auto function = func::FuncOp::create(builder, module.getLoc(), name,
                                         builder.getFunctionType(types, {}));
    function.setPrivate();
    return function;
  }

  /// Remembers that the last panel may be as wide as that of `columns`.
  void addTail(func::FuncOp gemm, OpFoldResult columns) {
    llvm::SmallSetVector<int64_t, 4> tails;
    if (auto known = gemm->getAttrOfType<DenseI64ArrayAttr>(kTailVectors))
      tails.insert_range(known.asArrayRef());
    if (auto size = getConstantIntValue(columns)) {
      if (*size % shape.columns)
        tails.insert(llvm::divideCeil(*size % shape.columns, shape.lanes));
    } else {
      for (int64_t vectors = 1; vectors <= shape.vectors; ++vectors)
        tails.insert(vectors);
    }
    SmallVector<int64_t> sorted = tails.takeVector();
    llvm::sort(sorted);
    gemm->setAttr(kTailVectors, rewriter.getDenseI64ArrayAttr(sorted));
  }

  /// C = (C +) A B. `pitch` is the distance of B's rows in elements, if they
  /// are contiguous; `mayTurn`: A's rows may be something else.
  void multiply(Value a, Value b, Value c, OpFoldResult rows,
                OpFoldResult columns, OpFoldResult depth,
                std::optional<int64_t> pitch, bool mayTurn, bool add) {
    MemRefType type = matrixType();
    Type i1 = rewriter.getI1Type();
    func::FuncOp gemm = declare("gemm", {type, type, type, type, i1, i1});
    addTail(gemm, columns);
    Value direct;
    StringRef how;
    int64_t rowBytes = !pitch || ShapedType::isDynamic(*pitch)
                           ? ShapedType::kDynamic
                           : *pitch * shape.type.getIntOrFloatBitWidth() / 8;
    if (!pitch) {
      direct = flag(false);
      how = "its right operand is packed";
    } else if (ShapedType::isDynamic(rowBytes)) {
      direct = areFew(rows);
      how = "its right operand is packed if enough rows read it";
    } else if (rowBytes <= shape.nearBytes) {
      direct = flag(true);
      how = "its right operand is read in place: the rows are close";
    } else if (auto terms = getConstantIntValue(depth);
               terms && *terms * rowBytes <= shape.smallBytes) {
      direct = flag(true);
      how = "its right operand is read in place: it is small";
    } else {
      direct = areFew(rows);
      how = "its right operand is packed if enough rows read it";
    }
    report(how);
    SmallVector<Value> operands{
        a, b, allocatePanels(depth, columns, mayTurn), c, direct, flag(add)};
    if (epilogue.op)
      gemm = attachEpilogue(gemm, operands);
    func::CallOp::create(rewriter, loc, gemm, operands);
  }

  /// Whether too few rows read the right operand for its packing to pay.
  Value areFew(OpFoldResult rows) {
    return rewriter.createOrFold<arith::CmpIOp>(
        loc, arith::CmpIPredicate::sle, value(rows), index(shape.fewRows));
  }

  void report(StringRef how) {
    std::string rest;
    if (epilogue.op)
      rest = ", " + describe(epilogue.op) + " runs on blocks of " +
             std::to_string(shape.epilogueRows) + " rows";
    remarkOn(op, "products")
        << describe(op) << " calls the shared function with tiles of "
        << std::to_string(shape.rowTiles(shape.vectors).front()) << "x"
        << std::to_string(shape.columns) << "; " << how.str() << rest;
  }

  /// Declares the product with its epilogue, and completes `operands`.
  func::FuncOp attachEpilogue(func::FuncOp gemm,
                              SmallVectorImpl<Value> &operands) {
    // What was in C before is different in every block.
    operands.append({flag(epilogue.own && !accumulate), index(0), index(0)});
    SmallVector<Value> captured;
    func::FuncOp part =
        outlineEpilogue(rewriter, epilogue.op, result->get(), captured);
    operands.append(captured);
    func::FuncOp function = gemm.clone();
    function.setName((gemm.getName() + part.getName().drop_front(6)).str());
    function.setType(
        rewriter.getFunctionType(ValueRange(operands).getTypes(), {}));
    module.push_back(function);
    function->setAttr(kEpilogue, FlatSymbolRefAttr::get(part));
    return function;
  }

  /// Space for one packed block, and a copied one of the left operand.
  Value allocatePanels(OpFoldResult depth, OpFoldResult columns, bool mayTurn) {
    int64_t rows = shape.depthBlock, width = shape.columnBlock;
    if (std::optional<int64_t> known = getConstantIntValue(depth))
      rows = std::min(rows, *known);
    if (std::optional<int64_t> known = getConstantIntValue(columns))
      width = std::min<int64_t>(width, llvm::alignTo(*known, shape.lanes));
    if (mayTurn)
      width += shape.rowBlock;
    return asMatrix(
        allocate(rewriter.getIndexAttr(rows), rewriter.getIndexAttr(width)));
  }

  void emit() {
    OpFoldResult rows = sizeOf(m), columns = sizeOf(n), depth = sizeOf(k);
    Value a = matrix(*left, m, k), b = matrix(*right, k, n),
          c = matrix(*result, m, n);
    std::optional<int64_t> pitch;
    if (stride(*right, n) == 1)
      pitch = stride(*right, k);
    auto plain = [&] {
      multiply(a, b, c, rows, columns, depth, pitch, stride(*left, k) != 1,
               accumulate);
    };
    if (pitch || accumulate)
      return plain();
    auto turned = [&] {
      Value product = allocate(columns, rows);
      multiply(transposed(b), transposed(a), asMatrix(product), columns, rows,
               depth, /*pitch=*/std::nullopt, stride(*right, k) != 1,
               /*add=*/false);
      func::FuncOp transpose =
          declare("transpose", {matrixType(), matrixType()});
      func::CallOp::create(rewriter, loc, transpose,
                           ValueRange{asMatrix(product), c});
    };
    OpFoldResult saved = turnedSaves();
    if (std::optional<int64_t> known = getConstantIntValue(saved))
      return *known > 0 ? turned() : plain();
    Value less = arith::CmpIOp::create(rewriter, loc, arith::CmpIPredicate::sgt,
                                       value(saved), index(0));
    auto branch = scf::IfOp::create(rewriter, loc, less,
                                    /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(rewriter);
    rewriter.setInsertionPoint(branch.thenBlock()->getTerminator());
    turned();
    rewriter.setInsertionPoint(branch.elseBlock()->getTerminator());
    plain();
  }
};

struct OutlineProducts : lamina::impl::OutlineProductsBase<OutlineProducts> {
  using OutlineProductsBase::OutlineProductsBase;

  void runOnOperation() override {
    const Strategy &row = strategyNamed(strategy);
    IRRewriter rewriter(&getContext());
    SmallVector<linalg::LinalgOp> products;
    getOperation().walk([&](linalg::LinalgOp op) {
      if (op.hasPureBufferSemantics() && isLargeProduct(op, row))
        products.push_back(op);
    });
    for (linalg::LinalgOp op : products) {
      rewriter.setInsertionPoint(op);
      if (!isa<linalg::GenericOp>(op)) {
        FailureOr<linalg::GenericOp> generic =
            linalg::generalizeNamedOp(rewriter, op);
        if (failed(generic))
          continue;
        op = cast<linalg::LinalgOp>(generic->getOperation());
      }
      linalg::GenericOp generic =
          collapseLoops(rewriter, cast<linalg::GenericOp>(op));
      // What has other strides stays a loop nest of its own.
      (void)Outliner(getOperation(), rewriter, generic, row).run();
    }
    packWeights(getOperation(), row);
  }
};
} // namespace
