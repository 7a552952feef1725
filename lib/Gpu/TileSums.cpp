//===- TileSums.cpp - the sums of a tile, in registers --------------------===//
#include "TileSums.h"
#include "Points.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/NVGPU/IR/NVGPUDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace lamina;

Value TileSums::plus(Value a, int64_t offset) {
  return b.createOrFold<arith::AddIOp>(a, number(b, offset));
}
Value TileSums::times(Value a, int64_t factor) {
  return b.createOrFold<arith::MulIOp>(a, number(b, factor));
}
Value TileSums::over(Value a, int64_t divisor) {
  return b.createOrFold<arith::DivUIOp>(a, number(b, divisor));
}
Value TileSums::rest(Value a, int64_t divisor) {
  return b.createOrFold<arith::RemUIOp>(a, number(b, divisor));
}
Value TileSums::load(const TileBuffer &x, Value stage, Value outer,
                     Value term) {
  return memref::LoadOp::create(b, x.buffer,
                                x.alongTerms ? ValueRange{stage, outer, term}
                                             : ValueRange{stage, term, outer});
}

namespace {
/// Each thread multiplies for itself.
class ThreadSums : public TileSums {
public:
  ThreadSums(ImplicitLocOpBuilder &b, const TileShape &tile, Value thread)
      : TileSums(b, tile), row(over(thread, tile.columns / tile.ownColumns)),
        column(rest(thread, tile.columns / tile.ownColumns)) {}

  int64_t count() const override { return tile.ownRows * tile.ownColumns; }
  int64_t slices() const override { return tile.ownRows; }

  Values add(const TileBuffer &left, const TileBuffer &right, Value stage,
             ValueRange sums) override {
    Values current(sums);
    for (int64_t term = 0; term < tile.depth; ++term) {
      Value at = number(b, term);
      Values x, y;
      for (int64_t i = 0; i < tile.ownRows; ++i)
        x.push_back(load(left, stage, rowOf(i, row), at));
      for (int64_t j = 0; j < tile.ownColumns; ++j)
        y.push_back(load(right, stage, columnOf(j), at));
      for (auto [i, a] : llvm::enumerate(x))
        for (auto [j, c] : llvm::enumerate(y)) {
          Value &sum = current[i * y.size() + j];
          sum = math::FmaOp::create(b, a, c, sum);
        }
    }
    return current;
  }

  void store(int64_t slice, ValueRange sums, Value buffer) override {
    for (int64_t j = 0; j < tile.ownColumns; ++j)
      memref::StoreOp::create(b, sums[slice * tile.ownColumns + j], buffer,
                              ValueRange{row, columnOf(j)});
  }

  Value rowOf(int64_t slice, Value line) override {
    return placeOf(slice, tile.ownRows, tile.rows, line);
  }

private:
  Value row, column;

  Value columnOf(int64_t number) {
    return placeOf(number, tile.ownColumns, tile.columns, column);
  }

  /// Where number `number` of a thread's rows or columns is: groups of
  /// neighbours, far from each other, so that a warp reads a row at once.
  Value placeOf(int64_t number, int64_t own, int64_t extent, Value id) {
    int64_t together = std::min<int64_t>(own, 4);
    return plus(times(id, together),
                number / together * (extent / (own / together)) +
                    number % together);
  }
};

/// Warps multiply blocks of 16 rows, 8 columns and 16 terms, or 8 of float32.
/// The fragments of these are what the PTX manual says of mma.m16n8k16.
class TensorSums : public TileSums {
public:
  TensorSums(ImplicitLocOpBuilder &b, const TileShape &tile, Multiplicand type,
             Value thread)
      : TileSums(b, tile), type(type), lane(rest(thread, warpSize)) {
    Value warp = over(thread, warpSize);
    warpRow = over(warp, tile.columns / tile.ownColumns);
    warpColumn = rest(warp, tile.columns / tile.ownColumns);
    group = over(lane, 4);
    inGroup = rest(lane, 4);
  }

  int64_t count() const override { return 4 * rowBlocks() * columnBlocks(); }
  int64_t slices() const override { return rowBlocks(); }

  Values add(const TileBuffer &left, const TileBuffer &right, Value stage,
             ValueRange sums) override {
    Values current(sums);
    Value firstRow = times(warpRow, tile.ownRows),
          firstColumn = times(warpColumn, tile.ownColumns);
    for (int64_t term = 0; term < tile.depth; term += terms()) {
      SmallVector<Values> x, y;
      for (int64_t i = 0; i < rowBlocks(); ++i)
        x.push_back(
            fragment(left, stage, plus(firstRow, 16 * i), term, /*rows=*/16));
      for (int64_t j = 0; j < columnBlocks(); ++j)
        y.push_back(fragment(right, stage, plus(firstColumn, 8 * j), term,
                             /*rows=*/8));
      for (auto [i, a] : llvm::enumerate(x))
        for (auto [j, c] : llvm::enumerate(y))
          multiply(a, c, &current[4 * (i * y.size() + j)]);
    }
    return current;
  }

  void store(int64_t slice, ValueRange sums, Value buffer) override {
    for (int64_t j = 0; j < columnBlocks(); ++j)
      for (int64_t part = 0; part < 4; ++part) {
        Value line =
            plus(b.createOrFold<arith::AddIOp>(times(warpRow, 16), group),
                 part / 2 * 8);
        Value column =
            plus(b.createOrFold<arith::AddIOp>(
                     times(warpColumn, tile.ownColumns), times(inGroup, 2)),
                 8 * j + part % 2);
        memref::StoreOp::create(b,
                                sums[4 * (slice * columnBlocks() + j) + part],
                                buffer, ValueRange{line, column});
      }
  }

  Value rowOf(int64_t slice, Value line) override {
    Value warpFirst = times(over(line, 16), tile.ownRows);
    return plus(b.createOrFold<arith::AddIOp>(warpFirst, rest(line, 16)),
                16 * slice);
  }

private:
  Multiplicand type;
  Value lane, warpRow, warpColumn, group, inGroup;

  int64_t rowBlocks() const { return tile.ownRows / 16; }
  int64_t columnBlocks() const { return tile.ownColumns / 8; }
  /// Terms of one multiplication; a register has two halves or one float32.
  int64_t terms() const { return type == Multiplicand::TF32 ? 8 : 16; }
  int64_t perRegister() const { return terms() / 8; }

  /// The registers of a block of 16 rows or 8 columns.
  Values fragment(const TileBuffer &x, Value stage, Value outer, int64_t term,
                  int64_t extent) {
    int64_t registers = extent / 4;
    if (!x.alongTerms && type == Multiplicand::TF32)
      return gathered(x, stage, outer, term, extent);
    // Each lane names a row of 16 bytes: of matrix lane / 8, its row lane % 8.
    // Matrices of rows that are not terms are turned on the way.
    Value inMatrix = rest(lane, 8), matrix = rest(over(lane, 8), registers);
    Value second = rest(matrix, 2), third = over(matrix, 2);
    // Matrices follow each other along rows first, columns have but terms.
    Value outerHalf = extent == 16 ? second : number(b, 0);
    Value termHalf = extent == 16 ? third : second;
    int64_t half = terms() / 2;
    Value place = b.createOrFold<arith::AddIOp>(outer, times(outerHalf, 8));
    Value at = plus(times(termHalf, half), term);
    Value &along = x.alongTerms ? place : at;
    along = b.createOrFold<arith::AddIOp>(along, inMatrix);
    Type element = cast<MemRefType>(x.buffer.getType()).getElementType();
    auto vector = VectorType::get({registers, perRegister()}, element);
    Value loaded = nvgpu::LdMatrixOp::create(
        b, vector, x.buffer,
        x.alongTerms ? ValueRange{stage, place, at}
                     : ValueRange{stage, at, place},
        /*transpose=*/!x.alongTerms, uint32_t(registers));
    Values result;
    for (int64_t i = 0; i < registers; ++i) {
      if (type == Multiplicand::TF32)
        result.push_back(rounded(
            vector::ExtractOp::create(b, loaded, ArrayRef<int64_t>{i, 0})));
      else
        result.push_back(asOperand(vector::ExtractOp::create(b, loaded, i)));
    }
    return result;
  }

  /// The same, element by element.
  Values gathered(const TileBuffer &x, Value stage, Value outer, int64_t term,
                  int64_t extent) {
    Values result;
    for (int64_t i = 0; i < extent / 4; ++i) {
      int64_t outerHalf = extent == 16 ? i % 2 : 0;
      int64_t termHalf = extent == 16 ? i / 2 : i;
      Value place =
          plus(b.createOrFold<arith::AddIOp>(outer, group), 8 * outerHalf);
      Value at = plus(inGroup, term + 4 * termHalf);
      result.push_back(rounded(load(x, stage, place, at)));
    }
    return result;
  }

  /// float32 as TF32, in a register of integers.
  Value rounded(Value value) {
    return NVVM::ConvertFloatToTF32Op::create(
        b, b.getI32Type(), value, NVVM::FPRoundingMode::RNA,
        NVVM::SaturationMode::NONE, /*relu=*/false);
  }

  /// Two halves in the type that the instruction has for them.
  Value asOperand(Value halves) {
    Type wanted = type == Multiplicand::Half
                      ? Type(VectorType::get({2}, b.getF16Type()))
                      : Type(b.getI32Type());
    return LLVM::BitcastOp::create(b, wanted, halves);
  }

  void multiply(const Values &a, const Values &c, Value *sums) {
    Type f32 = b.getF32Type();
    auto result =
        LLVM::LLVMStructType::getLiteral(b.getContext(), {f32, f32, f32, f32});
    NVVM::MMATypes operand = type == Multiplicand::Half ? NVVM::MMATypes::f16
                             : type == Multiplicand::BFloat
                                 ? NVVM::MMATypes::bf16
                                 : NVVM::MMATypes::tf32;
    Value product = NVVM::MmaOp::create(
        b, result, a, c, Values(sums, sums + 4),
        ArrayRef<int64_t>{16, 8, terms()}, std::nullopt, std::nullopt,
        std::array<NVVM::MMATypes, 2>{operand, operand},
        std::array<NVVM::MMALayout, 2>{NVVM::MMALayout::row,
                                       NVVM::MMALayout::col});
    for (int64_t i = 0; i < 4; ++i)
      sums[i] = LLVM::ExtractValueOp::create(b, product, i);
  }
};
} // namespace

std::unique_ptr<TileSums> TileSums::create(ImplicitLocOpBuilder &b,
                                           const TileShape &tile,
                                           Multiplicand type, Value thread) {
  if (tile.tensors)
    return std::make_unique<TensorSums>(b, tile, type, thread);
  return std::make_unique<ThreadSums>(b, tile, thread);
}
