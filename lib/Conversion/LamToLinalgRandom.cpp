//===- LamToLinalgRandom.cpp - counter-based random bits ------------------===//

#include "LamToLinalg.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace lamina::lam {
namespace {

/// Emits 32-bit words.
struct Words {
  OpBuilder &b;
  Location loc;

  Value constant(uint32_t word) {
    return arith::ConstantOp::create(
        b, loc, b.getI32IntegerAttr(static_cast<int32_t>(word)));
  }
  Value add(Value x, Value y) { return arith::AddIOp::create(b, loc, x, y); }
  Value exclusiveOr(Value x, Value y) {
    return arith::XOrIOp::create(b, loc, x, y);
  }
  Value rotateLeft(Value x, unsigned bits) {
    Value high = arith::ShLIOp::create(b, loc, x, constant(bits));
    Value low = arith::ShRUIOp::create(b, loc, x, constant(32 - bits));
    return arith::OrIOp::create(b, loc, high, low);
  }
};

/// Threefry-2x32 with 20 rounds (Salmon et al., "Parallel random numbers: as
/// easy as 1, 2, 3"): the block of `counter` under `key`.
std::pair<Value, Value> threefry(Words words, ArrayRef<Value> key, Value x0,
                                 Value x1) {
  static constexpr unsigned rotations[2][4] = {{13, 15, 26, 6},
                                               {17, 29, 16, 24}};
  Value schedule[3] = {key[0], key[1],
                       words.exclusiveOr(words.exclusiveOr(key[0], key[1]),
                                         words.constant(0x1BD11BDA))};
  x0 = words.add(x0, schedule[0]);
  x1 = words.add(x1, schedule[1]);
  for (unsigned group = 0; group < 5; ++group) {
    for (unsigned bits : rotations[group % 2]) {
      x0 = words.add(x0, x1);
      x1 = words.exclusiveOr(words.rotateLeft(x1, bits), x0);
    }
    x0 = words.add(x0, schedule[(group + 1) % 3]);
    x1 = words.add(x1, schedule[(group + 2) % 3]);
    x1 = words.add(x1, words.constant(group + 1));
  }
  return {x0, x1};
}

struct RandomBitsPattern : OpConversionPattern<RandomBitsOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(RandomBitsOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &b) const override {
    Location loc = op.getLoc();
    SmallVector<OpFoldResult> sizes = sizesOf(b, loc, op);
    SmallVector<Value> key;
    for (int64_t i = 0; i < 2; ++i)
      key.push_back(tensor::ExtractOp::create(b, loc, adaptor.getKey(),
                                              indexConstant(b, loc, i)));
    Type i64 = b.getI64Type(), i32 = b.getI32Type();
    Value start;
    if (adaptor.getStart())
      start = tensor::ExtractOp::create(b, loc, adaptor.getStart());
    auto body = [&](OpBuilder &b, Location loc, ValueRange, ValueRange) {
      // The place in row-major order.
      Value place = sizes.empty() ? indexConstant(b, loc, 0)
                                  : linalg::IndexOp::create(b, loc, 0);
      for (size_t i = 1; i < sizes.size(); ++i) {
        Value before =
            arith::MulIOp::create(b, loc, place, sizeValue(b, loc, sizes[i]));
        place = arith::AddIOp::create(b, loc, before,
                                      linalg::IndexOp::create(b, loc, i));
      }
      auto wide = [&](uint64_t number) -> Value {
        return arith::ConstantOp::create(b, loc, b.getI64IntegerAttr(number));
      };
      place = arith::IndexCastOp::create(b, loc, i64, place);
      if (start)
        place = arith::AddIOp::create(b, loc, place, start);
      Value block = arith::ShRUIOp::create(b, loc, place, wide(1));
      Value low = arith::TruncIOp::create(b, loc, i32, block);
      Value high = arith::TruncIOp::create(
          b, loc, i32, arith::ShRUIOp::create(b, loc, block, wide(32)));
      auto [x0, x1] = threefry({b, loc}, key, low, high);
      Value second = arith::TruncIOp::create(b, loc, b.getI1Type(), place);
      return SmallVector<Value>{
          arith::SelectOp::create(b, loc, second, x1, x0)};
    };
    b.replaceOp(op, pointwise(b, loc, {}, emptyLike(b, loc, op), body));
    return success();
  }
};

} // namespace

void populateRandomPatterns(RewritePatternSet &patterns, TypeConverter &types) {
  patterns.add<RandomBitsPattern>(types, patterns.getContext());
}

} // namespace lamina::lam
