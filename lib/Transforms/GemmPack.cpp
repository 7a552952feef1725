//===- GemmPack.cpp - operands of matrix products in another order --------===//
#include "Gemm.h"

using namespace mlir;
using namespace lamina;

/// How many rows ahead of their use lines are fetched.
static constexpr int64_t prefetchDistance = 16;

func::FuncOp lamina::transposeFunction(ModuleOp module,
                                       const GemmShape &shape) {
  std::string name = shape.name("transpose") + "_block";
  if (auto known = module.lookupSymbol<func::FuncOp>(name))
    return known;
  Type i64 = IntegerType::get(module.getContext(), 64),
       pointer = LLVM::LLVMPointerType::get(module.getContext());
  func::FuncOp function = createSharedFunction(
      module, name, {pointer, i64, pointer, i64, i64, i64, i64});
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

void lamina::emitTranspose(func::FuncOp function, const GemmShape &shape) {
  auto module = function->getParentOfType<ModuleOp>();
  func::FuncOp block = transposeFunction(module, shape);
  PointerBuilder b = beginBody(function, shape);
  MatrixView from(b, function.getArgument(0)), to(b, function.getArgument(1));
  func::CallOp::create(b, block,
                       ValueRange{from.pointer, from.rowStride, to.pointer,
                                  to.rowStride, from.rows, from.columns,
                                  from.rows});
  func::ReturnOp::create(b);
}

func::FuncOp lamina::packFunction(ModuleOp module, const GemmShape &shape) {
  std::string name = shape.name("pack") + "_block";
  if (auto known = module.lookupSymbol<func::FuncOp>(name))
    return known;
  func::FuncOp transpose = transposeFunction(module, shape);
  Type i64 = IntegerType::get(module.getContext(), 64),
       pointer = LLVM::LLVMPointerType::get(module.getContext());
  func::FuncOp function = createSharedFunction(
      module, name, {pointer, i64, i64, pointer, i64, i64});
  PointerBuilder b = beginBody(function, shape);
  auto arguments = function.getArguments();
  Value from = arguments[0], rowStride = arguments[1],
        columnStride = arguments[2], to = arguments[3], rows = arguments[4],
        columns = arguments[5];
  Value zero = b.number(0), one = b.number(1), lanes = b.number(shape.lanes),
        bytes = b.number(b.elementBytes), panel = b.number(shape.columns);
  auto isEqual = [&](Value x, Value y) -> Value {
    return arith::CmpIOp::create(b, arith::CmpIPredicate::eq, x, y);
  };
  Value isRow = isEqual(columnStride, bytes),
        isColumn = isEqual(rowStride, bytes);
  Value ahead = b.mul(rowStride, b.number(prefetchDistance));

  // Several whole panels at once, where one is less than what a row is worth
  // fetching for.
  Value first = zero;
  if (shape.wideColumns > shape.columns) {
    Value wide = b.number(shape.wideColumns);
    first = arith::SelectOp::create(
        b, isRow, b.mul(b.divide(columns, shape.wideColumns), wide), zero);
    Value stride = b.mul(panel, bytes), next = b.mul(stride, rows);
    b.loop(zero, first, wide, [&](Value j) {
      Value source = b.offset(from, b.mul(j, bytes));
      Value target = b.offset(to, b.mul(b.mul(j, rows), bytes));
      b.loop(zero, rows, one, [&](Value k) {
        Value in = b.offset(source, b.mul(k, rowStride)),
              out = b.offset(target, b.mul(k, stride));
        for (int64_t j = 0; j < shape.wideColumns; j += shape.columns) {
          for (int64_t v = 0; v < shape.vectors; ++v) {
            int64_t at = v * shape.lanes * b.elementBytes;
            b.store(b.load(b.offset(in, j * b.elementBytes + at)),
                    b.offset(out, at));
          }
          out = b.offset(out, next);
        }
      });
    });
  }

  b.loop(first, columns, panel, [&](Value j) {
    Value left = b.min(panel, b.sub(columns, j));
    Value width = b.mul(
        b.divide(b.add(left, b.number(shape.lanes - 1)), shape.lanes), lanes);
    Value stride = b.mul(width, bytes);
    Value source = b.offset(from, b.mul(j, columnStride));
    Value target = b.offset(to, b.mul(b.mul(j, rows), bytes));
    auto eachRow = [&](function_ref<void(Value, Value)> body) {
      b.loop(zero, rows, one, [&](Value k) {
        body(b.offset(source, b.mul(k, rowStride)),
             b.offset(target, b.mul(k, stride)));
      });
    };
    Value isWhole = isEqual(left, panel);
    b.choose(
        isRow,
        [&] {
          b.choose(
              isWhole,
              [&] {
                eachRow([&](Value in, Value out) {
                  Value later = b.offset(in, ahead);
                  for (int64_t v = 0; v < shape.vectors; ++v) {
                    int64_t at = v * shape.lanes * b.elementBytes;
                    b.prefetch(b.offset(later, at));
                    b.store(b.load(b.offset(in, at)), b.offset(out, at));
                  }
                });
              },
              [&] {
                eachRow([&](Value in, Value out) {
                  b.loop(zero, width, lanes, [&](Value column) {
                    Value at = b.mul(column, bytes);
                    Value mask = b.mask(b.sub(left, column));
                    b.store(b.load(b.offset(in, at), mask), b.offset(out, at));
                  });
                });
              });
        },
        [&] {
          b.choose(
              isColumn,
              [&] {
                func::CallOp::create(b, transpose,
                                     ValueRange{source, columnStride, target,
                                                stride, left, rows, width});
              },
              [&] {
                eachRow([&](Value in, Value out) {
                  b.loop(zero, width, one, [&](Value column) {
                    Value exists = b.isLess(column, left);
                    // A place that exists, for the columns that do not.
                    Value clamped =
                        arith::SelectOp::create(b, exists, column, zero);
                    Value element = LLVM::LoadOp::create(
                        b, shape.type,
                        b.offset(in, b.mul(clamped, columnStride)));
                    Value nothing =
                        arith::ConstantOp::create(b, b.getZeroAttr(shape.type));
                    element =
                        arith::SelectOp::create(b, exists, element, nothing);
                    LLVM::StoreOp::create(b, element,
                                          b.offset(out, b.mul(column, bytes)));
                  });
                });
              });
        });
  });
  func::ReturnOp::create(b);
  return function;
}
