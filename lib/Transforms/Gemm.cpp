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
      rowBlock(strategy.gemm.rowBlock), depthBlock(strategy.gemm.depthBlock),
      strategy(strategy) {
  while (vectors > 1 && strategy.gemm.rows[vectors - 1] == 0)
    --vectors;
  columns = vectors * lanes;
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

namespace {
/// A memref of rank 2 as an address and strides in bytes.
struct Matrix {
  Value pointer, rows, columns, rowStride, columnStride;

  Matrix(PointerBuilder &b, Value memref) {
    auto i64 = [&](Value index) -> Value {
      return arith::IndexCastOp::create(b, b.getI64Type(), index);
    };
    auto data = memref::ExtractStridedMetadataOp::create(b, memref);
    Value start =
        i64(memref::ExtractAlignedPointerAsIndexOp::create(b, memref));
    Value bytes = b.number(b.elementBytes);
    start = b.add(start, b.mul(i64(data.getOffset()), bytes));
    pointer = LLVM::IntToPtrOp::create(
        b, LLVM::LLVMPointerType::get(b.getContext()), start);
    if (cast<MemRefType>(memref.getType()).getRank() != 2)
      return;
    rows = i64(data.getSizes()[0]);
    columns = i64(data.getSizes()[1]);
    rowStride = b.mul(i64(data.getStrides()[0]), bytes);
    columnStride = b.mul(i64(data.getStrides()[1]), bytes);
  }

  Value at(PointerBuilder &b, Value row, Value column) const {
    Value place = b.offset(pointer, b.mul(row, rowStride));
    return b.offset(place, b.mul(column, columnStride));
  }
};

/// A private function of the module with a body to come.
func::FuncOp createFunction(ModuleOp module, StringRef name,
                            ArrayRef<Type> types) {
  OpBuilder builder = OpBuilder::atBlockEnd(module.getBody());
  auto function = func::FuncOp::create(builder, module.getLoc(), name,
                                       builder.getFunctionType(types, {}));
  function.setPrivate();
  function->setAttr(
      "llvm.linkage",
      LLVM::LinkageAttr::get(module.getContext(), LLVM::Linkage::Internal));
  return function;
}

/// `lamina_gemm_T_C`: all rows of one panel of C columns; the arguments are
/// those of the register tile, but the last is the number of rows.
func::FuncOp panelFunction(ModuleOp module, const GemmShape &shape,
                           int64_t vectors) {
  std::string name =
      shape.name("gemm") + "_" + std::to_string(vectors * shape.lanes);
  if (auto known = module.lookupSymbol<func::FuncOp>(name))
    return known;
  SmallVector<int64_t> tiles = shape.rowTiles(vectors);
  SmallVector<func::FuncOp> functions;
  for (int64_t rows : tiles)
    functions.push_back(registerTile(module, shape, rows, vectors));
  SmallVector<Type> types(functions.front().getArgumentTypes());
  types.back() = types.front();
  func::FuncOp panel = createFunction(module, name, types);
  PointerBuilder b(module.getLoc(), shape.type, shape.lanes);
  b.setInsertionPointToStart(panel.addEntryBlock());
  auto arguments = panel.getArguments();
  Value a = arguments[1], rsA = arguments[2], c = arguments[6],
        ldc = arguments[7], m = arguments.back();
  Value done = b.number(0);
  for (auto [rows, tile] : llvm::zip_equal(tiles, functions)) {
    Value step = b.number(rows);
    Value end = b.add(done, b.mul(b.divide(b.sub(m, done), rows), step));
    b.loop(done, end, step, [&, tile = tile](Value row) {
      SmallVector<Value> values(arguments);
      values.back() = b.isLess(row, b.number(1));
      values[1] = b.offset(a, b.mul(row, rsA));
      values[6] = b.offset(c, b.mul(row, ldc));
      func::CallOp::create(b, tile, values);
    });
    done = end;
  }
  func::ReturnOp::create(b);
  return panel;
}

/// `lamina_transpose_T_block`: (from, its row stride, to, its row stride, rows,
/// columns, width): to[c][r] = from[r][c], and 0 for rows <= r < width.
func::FuncOp transposeFunction(ModuleOp module, const GemmShape &shape) {
  std::string name = shape.name("transpose") + "_block";
  if (auto known = module.lookupSymbol<func::FuncOp>(name))
    return known;
  Type i64 = IntegerType::get(module.getContext(), 64),
       pointer = LLVM::LLVMPointerType::get(module.getContext());
  func::FuncOp function =
      createFunction(module, name, {pointer, i64, pointer, i64, i64, i64, i64});
  PointerBuilder b(module.getLoc(), shape.type, shape.lanes);
  b.setInsertionPointToStart(function.addEntryBlock());
  auto arguments = function.getArguments();
  Value from = arguments[0], fromStride = arguments[1], to = arguments[2],
        toStride = arguments[3], rows = arguments[4], columns = arguments[5],
        width = arguments[6];
  int64_t lanes = shape.lanes;
  Value zero = b.number(0), step = b.number(lanes),
        bytes = b.number(b.elementBytes);

  auto block = [&](Value row, Value column, bool whole) {
    SmallVector<Value> lines;
    Value source =
        b.offset(b.offset(from, b.mul(row, fromStride)), b.mul(column, bytes));
    Value columnsLeft = b.sub(columns, column), rowsLeft = b.sub(rows, row),
          widthLeft = b.sub(width, row);
    // Lines that do not exist have no lanes.
    auto lanesOf = [&](int64_t line, Value lines, Value count) {
      Value exists = b.isLess(b.number(line), lines);
      return b.mask(arith::SelectOp::create(b, exists, count, zero));
    };
    for (int64_t i = 0; i < lanes; ++i) {
      lines.push_back(whole
                          ? b.load(source)
                          : b.load(source, lanesOf(i, rowsLeft, columnsLeft)));
      source = b.offset(source, fromStride);
    }
    // Every stage interleaves lines i and i + lanes / 2, which moves the top
    // bit of the line's number to the bottom of the lane's.
    SmallVector<int64_t> low, high;
    for (int64_t i = 0; i < lanes; ++i) {
      (i < lanes / 2 ? low : high).push_back(i);
      (i < lanes / 2 ? low : high).push_back(i + lanes);
    }
    llvm::sort(low, [&](int64_t x, int64_t y) {
      return std::pair(x % lanes, x) < std::pair(y % lanes, y);
    });
    llvm::sort(high, [&](int64_t x, int64_t y) {
      return std::pair(x % lanes, x) < std::pair(y % lanes, y);
    });
    for (int64_t stage = lanes; stage > 1; stage /= 2) {
      SmallVector<Value> next;
      for (int64_t i = 0; i < lanes / 2; ++i)
        for (ArrayRef<int64_t> half : {ArrayRef(low), ArrayRef(high)})
          next.push_back(vector::ShuffleOp::create(b, lines[i],
                                                   lines[i + lanes / 2], half));
      lines = next;
    }
    Value target =
        b.offset(b.offset(to, b.mul(column, toStride)), b.mul(row, bytes));
    for (int64_t i = 0; i < lanes; ++i) {
      if (whole)
        b.store(lines[i], target);
      else
        b.store(lines[i], target, lanesOf(i, columnsLeft, widthLeft));
      target = b.offset(target, toStride);
    }
  };
  b.loop(zero, width, step, [&](Value row) {
    Value rowsFit = b.isLess(b.number(lanes - 1), b.sub(rows, row));
    b.loop(zero, columns, step, [&](Value column) {
      Value columnsFit = b.isLess(b.number(lanes - 1), b.sub(columns, column));
      Value whole = arith::AndIOp::create(b, rowsFit, columnsFit);
      auto branch = scf::IfOp::create(b, whole, /*withElseRegion=*/true);
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(branch.thenBlock());
      block(row, column, true);
      b.setInsertionPointToStart(branch.elseBlock());
      block(row, column, false);
    });
  });
  func::ReturnOp::create(b);
  return function;
}

PointerBuilder beginBody(func::FuncOp function, const GemmShape &shape) {
  PointerBuilder b(function.getLoc(), shape.type, shape.lanes);
  b.setInsertionPointToStart(function.addEntryBlock());
  return b;
}
} // namespace

void lamina::emitTranspose(func::FuncOp function, const GemmShape &shape) {
  auto module = function->getParentOfType<ModuleOp>();
  func::FuncOp block = transposeFunction(module, shape);
  PointerBuilder b = beginBody(function, shape);
  Matrix from(b, function.getArgument(0)), to(b, function.getArgument(1));
  func::CallOp::create(b, block,
                       ValueRange{from.pointer, from.rowStride, to.pointer,
                                  to.rowStride, from.rows, from.columns,
                                  from.rows});
  func::ReturnOp::create(b);
}

void lamina::emitPack(func::FuncOp function, const GemmShape &shape) {
  auto module = function->getParentOfType<ModuleOp>();
  func::FuncOp transpose = transposeFunction(module, shape);
  PointerBuilder b = beginBody(function, shape);
  Matrix from(b, function.getArgument(0)), to(b, function.getArgument(1));
  Value direct = function.getArgument(2);
  Value zero = b.number(0), one = b.number(1), lanes = b.number(shape.lanes),
        bytes = b.number(b.elementBytes), panel = b.number(shape.columns);
  Value whole = b.mul(b.divide(from.columns, shape.columns), panel);
  Value full = b.mul(b.divide(from.columns, shape.lanes), lanes);
  // What is read in place needs a panel only for a last, incomplete vector.
  Value complete =
      arith::CmpIOp::create(b, arith::CmpIPredicate::eq, full, from.columns);
  Value start = arith::SelectOp::create(b, direct, whole, zero);
  Value none = arith::AndIOp::create(b, direct, complete);
  Value end = arith::SelectOp::create(b, none, start, from.columns);
  Value isRow = arith::CmpIOp::create(b, arith::CmpIPredicate::eq,
                                      from.columnStride, bytes);
  Value isColumn =
      arith::CmpIOp::create(b, arith::CmpIPredicate::eq, from.rowStride, bytes);

  b.loop(start, end, panel, [&](Value j) {
    Value columns = b.min(panel, b.sub(from.columns, j));
    Value width =
        b.mul(b.divide(b.add(columns, b.number(shape.lanes - 1)), shape.lanes),
              lanes);
    Value stride = b.mul(width, bytes);
    Value source = b.offset(from.pointer, b.mul(j, from.columnStride));
    Value target = b.offset(to.pointer, b.mul(b.mul(j, from.rows), bytes));
    auto byRows = scf::IfOp::create(b, isRow, /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(byRows.thenBlock());
    Value isWhole =
        arith::CmpIOp::create(b, arith::CmpIPredicate::eq, columns, panel);
    auto panelBranch = scf::IfOp::create(b, isWhole, /*withElseRegion=*/true);
    b.setInsertionPointToStart(panelBranch.thenBlock());
    Value ahead = b.mul(from.rowStride, b.number(prefetchDistance));
    b.loop(zero, from.rows, one, [&](Value k) {
      Value in = b.offset(source, b.mul(k, from.rowStride)),
            out = b.offset(target, b.mul(k, stride));
      Value later = b.offset(in, ahead);
      for (int64_t v = 0; v < shape.vectors; ++v) {
        int64_t at = v * shape.lanes * b.elementBytes;
        b.prefetch(b.offset(later, at));
        b.store(b.load(b.offset(in, at)), b.offset(out, at));
      }
    });
    b.setInsertionPointToStart(panelBranch.elseBlock());
    b.loop(zero, from.rows, one, [&](Value k) {
      Value in = b.offset(source, b.mul(k, from.rowStride)),
            out = b.offset(target, b.mul(k, stride));
      b.loop(zero, width, lanes, [&](Value column) {
        Value at = b.mul(column, bytes);
        b.store(b.load(b.offset(in, at), b.mask(b.sub(columns, column))),
                b.offset(out, at));
      });
    });
    b.setInsertionPointToStart(byRows.elseBlock());
    auto byColumns = scf::IfOp::create(b, isColumn, /*withElseRegion=*/true);
    b.setInsertionPointToStart(byColumns.thenBlock());
    func::CallOp::create(b, transpose,
                         ValueRange{source, from.columnStride, target, stride,
                                    columns, from.rows, width});
    b.setInsertionPointToStart(byColumns.elseBlock());
    b.loop(zero, from.rows, one, [&](Value k) {
      Value in = b.offset(source, b.mul(k, from.rowStride)),
            out = b.offset(target, b.mul(k, stride));
      b.loop(zero, width, one, [&](Value column) {
        Value exists = b.isLess(column, columns);
        // A place that exists, for the columns that do not.
        Value clamped = arith::SelectOp::create(b, exists, column, zero);
        Value element = LLVM::LoadOp::create(
            b, shape.type, b.offset(in, b.mul(clamped, from.columnStride)));
        Value nothing = arith::ConstantOp::create(b, b.getZeroAttr(shape.type));
        element = arith::SelectOp::create(b, exists, element, nothing);
        LLVM::StoreOp::create(b, element, b.offset(out, b.mul(column, bytes)));
      });
    });
  });
  func::ReturnOp::create(b);
}

void lamina::emitGemm(func::FuncOp function, const GemmShape &shape) {
  auto module = function->getParentOfType<ModuleOp>();
  SmallVector<int64_t> tails;
  if (auto known = function->getAttrOfType<DenseI64ArrayAttr>(kTailVectors))
    llvm::append_range(tails, known.asArrayRef());
  func::FuncOp widest = panelFunction(module, shape, shape.vectors);
  PointerBuilder b = beginBody(function, shape);
  Matrix left(b, function.getArgument(0)), right(b, function.getArgument(1)),
      packed(b, function.getArgument(2)), result(b, function.getArgument(3));
  Value direct = function.getArgument(4), accumulate = function.getArgument(5);
  Value m = left.rows, k = left.columns, n = result.columns;
  Value zero = b.number(0), one = b.number(1), bytes = b.number(b.elementBytes),
        panel = b.number(shape.columns), lanes = b.number(shape.lanes);

  // Blocks of about equal depth; one, even of nothing, so that C is written.
  auto ceil = [&](Value x, Value y) {
    return arith::DivUIOp::create(b, b.sub(b.add(x, y), one), y).getResult();
  };
  Value depthBlocks = b.max(ceil(k, b.number(shape.depthBlock)), one);
  Value depth = ceil(k, depthBlocks);
  Value whole = b.mul(b.divide(n, shape.columns), panel);
  Value tail = b.sub(n, whole), tailVectors = ceil(tail, lanes);
  Value tailWidth = b.mul(tailVectors, lanes);
  Value tailLast = b.sub(tail, b.sub(tailWidth, lanes));
  Value tailComplete =
      arith::CmpIOp::create(b, arith::CmpIPredicate::eq, tail, tailWidth);
  Value tailDirect = arith::AndIOp::create(b, direct, tailComplete);

  Value rowBlock = b.number(shape.rowBlock);
  b.loop(zero, m, rowBlock, [&](Value i) {
    Value rows = b.min(rowBlock, b.sub(m, i));
    b.loop(zero, depthBlocks, one, [&](Value block) {
      Value start = b.mul(block, depth);
      Value terms = b.max(b.min(depth, b.sub(k, start)), zero);
      Value later = b.isLess(zero, block);
      Value add = arith::OrIOp::create(b, accumulate, later);
      Value a = left.at(b, i, start);
      auto call = [&](func::FuncOp function, Value j, Value width,
                      Value inPlace, Value last) {
        Value there = right.at(b, start, j);
        Value at = b.add(b.mul(j, k), b.mul(start, width));
        Value here = b.offset(packed.pointer, b.mul(at, bytes));
        Value pointer = arith::SelectOp::create(b, inPlace, there, here);
        Value stride = arith::SelectOp::create(b, inPlace, right.rowStride,
                                               b.mul(width, bytes));
        func::CallOp::create(b, function,
                             ValueRange{terms, a, left.rowStride,
                                        left.columnStride, pointer, stride,
                                        result.at(b, i, j), result.rowStride,
                                        last, add, rows});
      };
      b.loop(zero, whole, panel,
             [&](Value j) { call(widest, j, panel, direct, lanes); });
      for (int64_t vectors : tails) {
        Value fits = arith::CmpIOp::create(b, arith::CmpIPredicate::eq,
                                           tailVectors, b.number(vectors));
        b.when(fits, [&] {
          call(panelFunction(module, shape, vectors), whole, tailWidth,
               tailDirect, tailLast);
        });
      }
    });
  });
  func::ReturnOp::create(b);
}
