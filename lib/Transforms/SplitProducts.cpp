//===- SplitProducts.cpp - large products as parallel loops ---------------===//
//
// A product is cut at whole panels of columns and whole blocks of rows, which
// leaves every element to the register tile that would have computed it in one
// call: the sums are the same bits.
//
//===----------------------------------------------------------------------===//
#include "Gemm.h"
#include "ParallelLoops.h"
#include "ProductEpilogue.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

using namespace mlir;
using namespace lamina;

/// The terms up to which packing the right operand twice costs little.
static constexpr int64_t shortSum = 256;

/// Rows that are transposed at a time.
static constexpr int64_t transposedRows = 64;

namespace {
class Splitter {
public:
  Splitter(func::CallOp call, const GemmShape &shape, Value threads)
      : b(call.getLoc(), call), call(call), shape(shape), threads(threads) {}

  void run() {
    Value cost = estimateCost(b, call);
    if (std::optional<int64_t> known = getConstantIntValue(cost);
        known && *known <= worthThreads)
      return;
    if (call.getCallee() == shape.name("transpose"))
      splitTranspose();
    else
      splitGemm();
    SmallVector<Value> operands(call.getOperands());
    call.erase();
    // The space that the whole product would have packed into.
    for (Value operand : operands)
      for (Operation *op = operand.getDefiningOp();
           op && op->use_empty() && isa<memref::CastOp, memref::AllocOp>(op);) {
        Operation *source =
            op->getNumOperands() ? op->getOperand(0).getDefiningOp() : nullptr;
        op->erase();
        op = source;
      }
  }

private:
  ImplicitLocOpBuilder b;
  func::CallOp call;
  const GemmShape &shape;
  Value threads;

  Value number(int64_t value) {
    return arith::ConstantIndexOp::create(b, value);
  }
  Value multiply(Value x, Value y) { return arith::MulIOp::create(b, x, y); }
  Value parts(Value whole, Value by) {
    Value less = arith::SubIOp::create(b, by, number(1));
    return arith::DivUIOp::create(b, arith::AddIOp::create(b, whole, less), by);
  }
  Value atLeast(Value x, Value y) {
    return arith::CmpIOp::create(b, arith::CmpIPredicate::sge, x, y);
  }
  Value select(Value condition, Value x, Value y) {
    return arith::SelectOp::create(b, condition, x, y);
  }
  Value size(Value matrix, int64_t axis) {
    return b.createOrFold<memref::DimOp>(matrix, axis);
  }
  /// What is left of `whole` from `start` on, at most `most`.
  Value extent(Value whole, Value start, Value most) {
    Value left = arith::SubIOp::create(b, whole, start);
    return arith::MinSIOp::create(b, most, left);
  }

  Value beginLoop(Value end, Value step) {
    auto loop = scf::ForOp::create(b, number(0), end, step);
    loop->setAttr(parallelAttribute, b.getUnitAttr());
    b.setInsertionPoint(loop.getBody()->getTerminator());
    return loop.getInductionVar();
  }

  Value part(Value matrix, Value row, Value column, Value rows, Value columns) {
    SmallVector<OpFoldResult> offsets{row, column}, sizes{rows, columns},
        ones(2, b.getIndexAttr(1));
    return memref::SubViewOp::create(b, matrix, offsets, sizes, ones);
  }

  /// Every part packs the block of the right operand that it is at.
  Value ownPanels() {
    auto cast = call.getOperand(2).getDefiningOp<memref::CastOp>();
    auto allocation = cast.getSource().getDefiningOp<memref::AllocOp>();
    IRMapping mapping;
    b.clone(*allocation, mapping);
    return b.clone(*cast, mapping)->getResult(0);
  }

  /// By columns, so that nothing is packed twice, unless they are few or there
  /// is little to pack: then by blocks of rows. One part for one thread.
  void splitGemm() {
    Value left = call.getOperand(0), right = call.getOperand(1),
          result = call.getOperand(3);
    Value rows = size(result, 0), columns = size(result, 1),
          depth = size(left, 1), zero = number(0), one = number(1);
    Value panel = number(shape.wideColumns), block = number(shape.rowBlock);
    Value panels = parts(columns, panel), blocks = parts(rows, block);
    Value four = multiply(threads, number(4));
    Value several = arith::AndIOp::create(b, atLeast(threads, number(2)),
                                          atLeast(panels, four));
    Value wanted = select(several, multiply(threads, number(2)), threads);
    Value byColumns = arith::OrIOp::create(b, atLeast(panels, wanted),
                                           atLeast(panels, blocks));
    // Where sums are short, the result is what moves, and with an epilogue that
    // updates a weight its state: whole rows, in the order of memory.
    auto less = [&](Value x, Value y) -> Value {
      return arith::CmpIOp::create(b, arith::CmpIPredicate::slt, x, y);
    };
    Value alone = less(threads, number(2)), isFlat = less(blocks, wanted),
          isLong = less(number(shortSum), depth);
    byColumns = arith::AndIOp::create(
        b, byColumns,
        arith::OrIOp::create(b, alone,
                             arith::OrIOp::create(b, isFlat, isLong)));
    // Nothing may be zero that is a step or a divisor.
    Value wide =
        multiply(panel, arith::MaxSIOp::create(b, parts(panels, wanted), one));
    Value width =
        select(byColumns, wide, arith::MaxSIOp::create(b, columns, one));
    Value height =
        select(byColumns, arith::MaxSIOp::create(b, rows, one), block);
    Value across = arith::MaxSIOp::create(b, parts(columns, width), one);
    Value down = arith::MaxSIOp::create(b, parts(rows, height), one);
    Value tile = beginLoop(multiply(down, across), one);
    Value i = multiply(arith::DivUIOp::create(b, tile, across), height),
          j = multiply(arith::RemUIOp::create(b, tile, across), width);
    height = extent(rows, i, height);
    width = extent(columns, j, width);
    SmallVector<Value> operands(call.getOperands());
    operands[0] = part(left, i, zero, height, depth);
    operands[1] = part(right, zero, j, depth, width);
    operands[2] = ownPanels();
    operands[3] = part(result, i, j, height, width);
    if (operands.size() > kCapturedOperand) {
      operands[kRowOperand] = i;
      operands[kColumnOperand] = j;
    }
    func::CallOp::create(b, call.getCalleeAttr(), TypeRange(), operands);
  }

  void splitTranspose() {
    Value from = call.getOperand(0), to = call.getOperand(1);
    Value rows = size(from, 0), columns = size(from, 1), zero = number(0);
    Value i = beginLoop(rows, number(transposedRows));
    Value height = extent(rows, i, number(transposedRows));
    func::CallOp::create(b, call.getCalleeAttr(), TypeRange(),
                         ValueRange{part(from, i, zero, height, columns),
                                    part(to, zero, i, columns, height)});
  }
};
} // namespace

void lamina::splitProducts(func::FuncOp kernel, const Strategy &strategy,
                           Value threads) {
  Builder builder(kernel.getContext());
  for (FloatType type :
       {FloatType(builder.getF32Type()), FloatType(builder.getF64Type())}) {
    GemmShape shape(type, strategy);
    SmallVector<func::CallOp> calls;
    kernel.walk([&](func::CallOp call) {
      if ((call.getCallee() == shape.name("transpose") ||
           call.getCallee().starts_with(shape.name("gemm"))) &&
          !outermostParallel(call))
        calls.push_back(call);
    });
    for (func::CallOp call : calls)
      Splitter(call, shape, threads).run();
  }
}
