//===- SplitMaskedStores.cpp - the last lanes of a row, by halves ---------===//
//
// Where masks are no registers of their own, a store under one takes as long as
// twenty plain ones (AMD up to Zen 3), or is one branch for every lane (SSE,
// and narrow elements on AVX2). The first lanes of a vector, as many as a
// number says, are stored as its halves, quarters and so on instead.
//
//===----------------------------------------------------------------------===//

#include "lamina/Transforms/Machine.h"
#include "lamina/Transforms/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace lamina {
#define GEN_PASS_DEF_SPLITMASKEDSTORES
#include "lamina/Transforms/Passes.h.inc"
} // namespace lamina

using namespace mlir;
using namespace lamina;

/// How many lanes `mask` has from the first one on, if it is made of a number.
static OpFoldResult countOf(Value mask) {
  if (auto made = mask.getDefiningOp<vector::CreateMaskOp>();
      made && made.getNumOperands() == 1)
    return getAsOpFoldResult(made.getOperand(0));
  if (auto known = mask.getDefiningOp<vector::ConstantMaskOp>();
      known && known.getMaskDimSizes().size() == 1)
    return Builder(mask.getContext())
        .getIndexAttr(known.getMaskDimSizes().front());
  return {};
}

namespace {
class Splitter {
public:
  Splitter(Operation *op, Value value, OpFoldResult count)
      : b(op->getLoc(), op), op(op), value(value), count(count),
        lanes(cast<VectorType>(value.getType()).getNumElements()) {}

  void run() {
    if (std::optional<int64_t> known = getConstantIntValue(count)) {
      storeKnown(std::clamp<int64_t>(*known, 0, lanes));
    } else {
      Value number = cast<Value>(count);
      Value whole = arith::CmpIOp::create(b, arith::CmpIPredicate::sge, number,
                                          index(lanes));
      auto branch = scf::IfOp::create(b, whole, /*withElseRegion=*/true);
      b.setInsertionPointToStart(branch.thenBlock());
      store(value, index(0));
      b.setInsertionPointToStart(branch.elseBlock());
      storeUnknown(arith::MaxSIOp::create(b, number, index(0)));
    }
    op->erase();
  }

private:
  ImplicitLocOpBuilder b;
  Operation *op;
  Value value;
  OpFoldResult count;
  int64_t lanes;

  Value index(int64_t number) {
    return arith::ConstantIndexOp::create(b, number);
  }
  Value part(Value vector, int64_t from, int64_t size) {
    if (size == cast<VectorType>(vector.getType()).getNumElements())
      return vector;
    return vector::ExtractStridedSliceOp::create(
        b, vector, ArrayRef<int64_t>{from}, ArrayRef<int64_t>{size},
        ArrayRef<int64_t>{1});
  }

  /// Writes a whole vector, `lane` elements from where the op writes.
  void store(Value vector, Value lane) {
    bool isElement = cast<VectorType>(vector.getType()).getNumElements() == 1;
    if (isElement)
      vector = vector::ExtractOp::create(b, vector, int64_t(0));
    if (auto masked = dyn_cast<vector::MaskedStoreOp>(op)) {
      SmallVector<Value> at(masked.getIndices());
      at.back() = b.createOrFold<arith::AddIOp>(at.back(), lane);
      if (isElement)
        memref::StoreOp::create(b, vector, masked.getBase(), at);
      else
        vector::StoreOp::create(b, vector, masked.getBase(), at);
      return;
    }
    auto masked = cast<LLVM::MaskedStoreOp>(op);
    Value offset = arith::IndexCastOp::create(b, b.getI64Type(), lane);
    Value place =
        LLVM::GEPOp::create(b, masked.getData().getType(),
                            cast<VectorType>(value.getType()).getElementType(),
                            masked.getData(), ValueRange{offset});
    LLVM::StoreOp::create(b, vector, place, masked.getAlignment());
  }

  void storeKnown(int64_t number) {
    int64_t from = 0;
    for (int64_t size = lanes; size > 0; size /= 2)
      if (number - from >= size) {
        store(part(value, from, size), index(from));
        from += size;
      }
  }

  /// `number` is less than the lanes: its bits say which pieces there are.
  void storeUnknown(Value number) {
    Value rest = value, from = index(0);
    for (int64_t half = lanes / 2; half > 0; half /= 2) {
      Value bit = arith::AndIOp::create(b, number, index(half));
      Value exists =
          arith::CmpIOp::create(b, arith::CmpIPredicate::ne, bit, index(0));
      Value low = part(rest, 0, half), high = part(rest, half, half);
      auto branch = scf::IfOp::create(b, low.getType(), exists,
                                      /*withElseRegion=*/true);
      {
        OpBuilder::InsertionGuard guard(b);
        b.setInsertionPointToStart(branch.thenBlock());
        store(low, from);
        scf::YieldOp::create(b, high);
        b.setInsertionPointToStart(branch.elseBlock());
        scf::YieldOp::create(b, low);
      }
      rest = branch.getResult(0);
      from = arith::AddIOp::create(b, from, bit);
    }
  }
};

struct SplitMaskedStores
    : lamina::impl::SplitMaskedStoresBase<SplitMaskedStores> {
  using SplitMaskedStoresBase::SplitMaskedStoresBase;

  void runOnOperation() override {
    if (strategyNamed(strategy).maskRegisters)
      return;
    SmallVector<Splitter> stores;
    getOperation().walk([&](Operation *op) {
      Value value, mask;
      if (auto masked = dyn_cast<vector::MaskedStoreOp>(op)) {
        value = masked.getValueToStore();
        mask = masked.getMask();
      } else if (auto masked = dyn_cast<LLVM::MaskedStoreOp>(op)) {
        value = masked.getValue();
        mask = masked.getMask();
      } else {
        return;
      }
      if (OpFoldResult count = countOf(mask))
        stores.emplace_back(op, value, count);
    });
    for (Splitter &splitter : stores)
      splitter.run();
  }
};
} // namespace
