//===- Gemm.cpp - the loops around the register tile ----------------------===//
#include "Gemm.h"
#include "PointerBuilder.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace lamina;

/// How many rows ahead of their use lines are fetched.
static constexpr int64_t prefetchDistance = 16;

GemmShape::GemmShape(FloatType type, const Strategy &strategy)
    : type(type), lanes(strategy.vectorBytes * 8 / type.getWidth()),
      vectors(strategy.gemm.rows.size()), columns(vectors * lanes),
      rowBlock(strategy.gemm.rowBlock),
      columnBlock(strategy.gemm.columnBytes * 8 / type.getIntOrFloatBitWidth()),
      depthBlock(strategy.gemm.depthBlock),
      epilogueRows(strategy.gemm.epilogueRows), fewRows(strategy.gemm.fewRows),
      nearBytes(strategy.gemm.nearBytes), smallBytes(strategy.gemm.smallBytes),
      strategy(strategy) {
  while (vectors > 1 && strategy.gemm.rows[vectors - 1] == 0)
    --vectors;
  columns = vectors * lanes;
  wideColumns =
      std::max(columns, strategy.gemm.wideBytes * 8 / int64_t(type.getWidth()));
}

SmallVector<int64_t> GemmShape::rowTiles(int64_t vectors) const {
  SmallVector<int64_t> tiles{strategy.gemm.rows[vectors - 1]};
  for (int64_t rows : {8, 4, 2, 1})
    if (rows < tiles.back())
      tiles.push_back(rows);
  return tiles;
}

std::string GemmShape::name(StringRef kind) const {
  return ("lamina_" + kind + "_f" +
          std::to_string(type.getIntOrFloatBitWidth()))
      .str();
}

MatrixView::MatrixView(PointerBuilder &b, Value memref) {
  auto i64 = [&](Value index) -> Value {
    return arith::IndexCastOp::create(b, b.getI64Type(), index);
  };
  auto data = memref::ExtractStridedMetadataOp::create(b, memref);
  Value start = i64(memref::ExtractAlignedPointerAsIndexOp::create(b, memref));
  Value bytes = b.number(b.elementBytes);
  start = b.add(start, b.mul(i64(data.getOffset()), bytes));
  pointer = LLVM::IntToPtrOp::create(
      b, LLVM::LLVMPointerType::get(b.getContext()), start);
  rows = i64(data.getSizes()[0]);
  columns = i64(data.getSizes()[1]);
  rowStride = b.mul(i64(data.getStrides()[0]), bytes);
  columnStride = b.mul(i64(data.getStrides()[1]), bytes);
}

Value MatrixView::at(PointerBuilder &b, Value row, Value column) const {
  Value place = b.offset(pointer, b.mul(row, rowStride));
  return b.offset(place, b.mul(column, columnStride));
}

void lamina::makeInternal(func::FuncOp function) {
  function.setPrivate();
  function->setAttr(
      "llvm.linkage",
      LLVM::LinkageAttr::get(function.getContext(), LLVM::Linkage::Internal));
}

func::FuncOp lamina::createSharedFunction(ModuleOp module, StringRef name,
                                          ArrayRef<Type> types) {
  OpBuilder builder = OpBuilder::atBlockEnd(module.getBody());
  auto function = func::FuncOp::create(builder, module.getLoc(), name,
                                       builder.getFunctionType(types, {}));
  makeInternal(function);
  return function;
}

PointerBuilder lamina::beginBody(func::FuncOp function,
                                 const GemmShape &shape) {
  PointerBuilder b(function.getLoc(), shape.type, shape.lanes);
  b.setInsertionPointToStart(function.addEntryBlock());
  return b;
}
/// `lamina_gemm_T_C`: all rows of one panel of C columns. The arguments are
/// those of the register tile; the last is the number of rows, `fetch` is the
/// next panel.
static func::FuncOp panelFunction(ModuleOp module, const GemmShape &shape,
                                  int64_t vectors) {
  std::string name =
      shape.name("gemm") + "_" + std::to_string(vectors * shape.lanes);
  if (auto known = module.lookupSymbol<func::FuncOp>(name))
    return known;
  SmallVector<int64_t> tiles = shape.rowTiles(vectors);
  SmallVector<func::FuncOp> functions;
  for (int64_t rows : tiles)
    functions.push_back(registerTile(module, shape, rows, vectors));
  func::FuncOp panel =
      createSharedFunction(module, name, functions.front().getArgumentTypes());
  PointerBuilder b(module.getLoc(), shape.type, shape.lanes);
  b.setInsertionPointToStart(panel.addEntryBlock());
  auto arguments = panel.getArguments();
  Value a = arguments[1], rsA = arguments[2], right = arguments[4],
        ldb = arguments[5], c = arguments[6], ldc = arguments[7],
        next = arguments[10], m = arguments[11];
  // Where there are enough rows, their first four tiles fetch the next panel,
  // every fourth row each; otherwise the first fetches this one ahead of
  // itself.
  Value zero = b.number(0), one = b.number(1), four = b.number(4);
  Value isTall = b.isLess(b.number(4 * tiles.front() - 1), m);
  Value ahead = b.offset(right, b.mul(ldb, b.number(prefetchDistance)));
  Value done = zero;
  for (auto [rows, tile] : llvm::zip_equal(tiles, functions)) {
    Value step = b.number(rows);
    Value end = b.add(done, b.mul(b.divide(b.sub(m, done), rows), step));
    b.loop(done, end, step, [&, tile = tile, rows = rows](Value row) {
      SmallVector<Value> values(arguments);
      values[1] = b.offset(a, b.mul(row, rsA));
      values[6] = b.offset(c, b.mul(row, ldc));
      Value number = b.divide(row, rows);
      auto choose = [&](Value condition, Value x, Value y) -> Value {
        return arith::SelectOp::create(b, condition, x, y);
      };
      values[10] = choose(isTall, b.offset(next, b.mul(number, ldb)), ahead);
      values[11] = choose(isTall, choose(b.isLess(number, four), one, zero),
                          choose(b.isLess(row, one), four, zero));
      func::CallOp::create(b, tile, values);
    });
    done = end;
  }
  func::ReturnOp::create(b);
  return panel;
}

LLVM::LLVMFunctionType lamina::epilogueType(MLIRContext *context) {
  Type pointer = LLVM::LLVMPointerType::get(context),
       i64 = IntegerType::get(context, 64);
  return LLVM::LLVMFunctionType::get(
      LLVM::LLVMVoidType::get(context),
      {pointer, pointer, i64, i64, i64, i64, i64});
}

void lamina::emitGemm(func::FuncOp function, const GemmShape &shape) {
  func::FuncOp blocks = gemmBlocks(function, shape);
  PointerBuilder b = beginBody(function, shape);
  SmallVector<Value> operands(function.getArguments());
  Value nothing =
      LLVM::ZeroOp::create(b, LLVM::LLVMPointerType::get(b.getContext()));
  Value never = arith::ConstantIntOp::create(b, false, 1);
  operands.append({never, b.number(0), b.number(0), nothing, nothing});
  func::CallOp::create(b, blocks, operands);
  func::ReturnOp::create(b);
}

func::FuncOp lamina::gemmBlocks(func::FuncOp gemm, const GemmShape &shape) {
  auto module = gemm->getParentOfType<ModuleOp>();
  std::string name = shape.name("gemm") + "_blocks";
  if (auto known = module.lookupSymbol<func::FuncOp>(name))
    return known;
  SmallVector<int64_t> tails;
  if (auto known = gemm->getAttrOfType<DenseI64ArrayAttr>(kTailVectors))
    llvm::append_range(tails, known.asArrayRef());
  SmallVector<Type> types(gemm.getArgumentTypes());
  Type i64 = IntegerType::get(module.getContext(), 64),
       pointer = LLVM::LLVMPointerType::get(module.getContext());
  types.append(
      {IntegerType::get(module.getContext(), 1), i64, i64, pointer, pointer});
  func::FuncOp function = createSharedFunction(module, name, types);
  func::FuncOp widest = panelFunction(module, shape, shape.vectors),
               pack = packFunction(module, shape),
               transpose = transposeFunction(module, shape);
  PointerBuilder b = beginBody(function, shape);
  MatrixView left(b, function.getArgument(0)),
      right(b, function.getArgument(1)), packed(b, function.getArgument(2)),
      result(b, function.getArgument(3));
  Value direct = function.getArgument(4), accumulate = function.getArgument(5),
        own = function.getArgument(6), row = function.getArgument(7),
        column = function.getArgument(8), epilogue = function.getArgument(9),
        context = function.getArgument(10);
  Value m = left.rows, k = left.columns;
  Value zero = b.number(0), one = b.number(1), bytes = b.number(b.elementBytes),
        panel = b.number(shape.columns), lanes = b.number(shape.lanes);
  auto select = [&](Value condition, Value x, Value y) -> Value {
    return arith::SelectOp::create(b, condition, x, y);
  };
  auto isEqual = [&](Value x, Value y) -> Value {
    return arith::CmpIOp::create(b, arith::CmpIPredicate::eq, x, y);
  };
  auto ceil = [&](Value x, int64_t y) {
    return b.divide(b.add(x, b.number(y - 1)), y);
  };
  // Blocks of about equal depth; one, even of nothing, so that C is written.
  Value depthBlocks = b.max(ceil(k, shape.depthBlock), one);
  Value depth = arith::CeilDivUIOp::create(b, k, depthBlocks);
  Value columnBlock = b.number(shape.columnBlock);
  Value isPanels = isEqual(right.rowStride, zero),
        inPlace = arith::OrIOp::create(b, direct, isPanels);
  Value hasEpilogue =
      LLVM::ICmpOp::create(b, LLVM::ICmpPredicate::ne, epilogue,
                           LLVM::ZeroOp::create(b, epilogue.getType()));
  Value rowBlock = select(hasEpilogue, b.number(shape.epilogueRows),
                          b.number(shape.rowBlock));
  // Several blocks of terms add to one of C.
  Value reuses =
      arith::AndIOp::create(b, own, b.isLess(depthBlocks, b.number(2)));

  // A transposed left operand is walked across its rows. Where these are
  // multiples of 1 KB apart they compete for few lines of the cache, so a block
  // is copied first if enough columns use it.
  Value compete = isEqual(
      arith::AndIOp::create(b, left.columnStride, b.number(1023)), zero);
  Value copies = arith::AndIOp::create(
      b, arith::AndIOp::create(b, compete, isEqual(left.rowStride, bytes)),
      b.isLess(b.number(shape.columns - 1), result.columns));
  Value copy = b.offset(packed.pointer,
                        b.mul(b.mul(packed.rows, bytes),
                              b.sub(packed.columns, b.number(shape.rowBlock))));
  auto leftBlock = [&](Value i, Value start, Value rows, Value terms) {
    Value there = left.at(b, i, start), stride = b.mul(terms, bytes);
    b.when(copies, [&] {
      func::CallOp::create(b, transpose,
                           ValueRange{there, left.columnStride, copy, stride,
                                      terms, rows, terms});
    });
    return PointerBuilder::Values{select(copies, copy, there),
                                  select(copies, stride, left.rowStride),
                                  select(copies, bytes, left.columnStride)};
  };

  b.loop(zero, result.columns, columnBlock, [&](Value first) {
    Value n = b.min(columnBlock, b.sub(result.columns, first));
    Value whole = b.mul(b.divide(n, shape.columns), panel);
    Value tail = b.sub(n, whole), tailVectors = ceil(tail, shape.lanes);
    Value tailWidth = b.mul(tailVectors, lanes);
    Value tailLast = b.sub(tail, b.sub(tailWidth, lanes));
    // What is read in place needs a panel only for an incomplete last vector.
    Value isComplete =
        arith::CmpIOp::create(b, arith::CmpIPredicate::eq, tail, tailWidth);
    Value tailInPlace = arith::OrIOp::create(
        b, isPanels, arith::AndIOp::create(b, direct, isComplete));

    b.loop(zero, depthBlocks, one, [&](Value block) {
      Value start = b.mul(block, depth);
      Value terms = b.max(b.min(depth, b.sub(k, start)), zero);
      Value add = arith::OrIOp::create(b, accumulate, b.isLess(zero, block));
      Value from = right.at(b, start, first);
      Value skipped = select(inPlace, whole, zero);
      Value packs = select(tailInPlace, zero, b.sub(n, skipped));
      Value inPanels = b.mul(terms, bytes);
      func::CallOp::create(
          b, pack,
          ValueRange{b.offset(from, b.mul(skipped, right.columnStride)),
                     right.rowStride, right.columnStride,
                     b.offset(packed.pointer, b.mul(skipped, inPanels)), terms,
                     packs});

      b.loop(zero, m, rowBlock, [&](Value i) {
        Value rows = b.min(rowBlock, b.sub(m, i));
        Value c =
            result.at(b, select(reuses, zero, i), select(reuses, zero, first));
        // (address, distance of rows, distance of terms)
        PointerBuilder::Values a = leftBlock(i, start, rows, terms);
        auto call = [&](func::FuncOp function, Value j, Value width,
                        Value inPlace, Value last) {
          Value line = b.mul(width, bytes);
          Value there = b.offset(from, b.mul(j, right.columnStride));
          there = b.offset(there, select(isPanels, b.mul(start, line), zero));
          Value here = b.offset(packed.pointer, b.mul(j, inPanels));
          Value stride =
              select(inPlace, select(isPanels, line, right.rowStride), line);
          Value nextThere = b.offset(there, b.mul(width, right.columnStride));
          Value nextHere = b.offset(here, b.mul(width, inPanels));
          func::CallOp::create(
              b, function,
              ValueRange{terms, a[0], a[1], a[2], select(inPlace, there, here),
                         stride, b.offset(c, b.mul(j, bytes)), result.rowStride,
                         last, add, select(inPlace, nextThere, nextHere),
                         rows});
        };
        Value narrow = zero; // where panel by panel begins
        if (shape.wideColumns > shape.columns) {
          Value wide = b.number(shape.wideColumns);
          narrow = select(isEqual(rows, one),
                          b.mul(b.divide(n, shape.wideColumns), wide), zero);
          Value line = b.mul(panel, bytes), place = b.mul(start, line);
          Value there = b.offset(from, select(isPanels, place, zero)),
                stride = select(isPanels, line,
                                select(inPlace, right.rowStride, line)),
                next = select(inPlace, right.columnStride, inPanels);
          Value here = select(inPlace, there, packed.pointer);
          b.loop(zero, narrow, wide, [&](Value j) {
            func::CallOp::create(b, rowTile(module, shape),
                                 ValueRange{terms, a[0], a[2],
                                            b.offset(here, b.mul(j, next)),
                                            stride, b.mul(panel, next),
                                            b.offset(c, b.mul(j, bytes)), add});
          });
        }
        b.loop(narrow, whole, panel,
               [&](Value j) { call(widest, j, panel, inPlace, lanes); });
        for (int64_t vectors : tails) {
          Value fits = arith::CmpIOp::create(b, arith::CmpIPredicate::eq,
                                             tailVectors, b.number(vectors));
          b.when(fits, [&] {
            call(panelFunction(module, shape, vectors), whole, tailWidth,
                 tailInPlace, tailLast);
          });
        }
        Value isLast = b.isLess(b.sub(depthBlocks, b.number(2)), block);
        b.when(arith::AndIOp::create(b, hasEpilogue, isLast), [&] {
          LLVM::CallOp::create(b, epilogueType(b.getContext()),
                               ValueRange{epilogue, context, c,
                                          result.rowStride, rows, n,
                                          b.add(row, i), b.add(column, first)});
        });
      });
    });
  });
  func::ReturnOp::create(b);
  return function;
}
