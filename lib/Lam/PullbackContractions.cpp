//===- PullbackContractions.cpp - derivatives of dot ----------------------===//

#include "PullbackBuilder.h"

using namespace mlir;
using namespace lamina::lam;

namespace {
/// One operand of a contraction, its dimensions by what becomes of them.
struct Side {
  Value value;
  ArrayRef<int64_t> batch, contract;

  SmallVector<int64_t> free() const {
    SmallVector<int64_t> used(batch);
    llvm::append_range(used, contract);
    return otherDims(typeOf(value).getRank(), used);
  }
};
} // namespace

/// The cotangent of `side`: dy contracted with `other` over the dimensions that
/// `other` alone has in the result, which begin at `start` there.
static Value contractBack(PullbackBuilder &b, Value dy, const Side &side,
                          const Side &other, int64_t start) {
  SmallVector<int64_t> otherFree = other.free(), overDy;
  for (int64_t i = 0; i < int64_t(otherFree.size()); ++i)
    overDy.push_back(start + i);
  SmallVector<int64_t> batchDy = allDims(side.batch.size());

  // The product has the batch, my free dimensions from dy, and what `other`
  // contracted with me, in its own order; with the operands exchanged the last
  // two change places. Whichever comes out as I am needs no transpose.
  SmallVector<int64_t> free = side.free(), contracted;
  for (int64_t dim = 0; dim < typeOf(other.value).getRank(); ++dim)
    if (const auto *it = llvm::find(other.contract, dim);
        it != other.contract.end())
      contracted.push_back(side.contract[it - other.contract.begin()]);
  auto order = [&](ArrayRef<int64_t> first, ArrayRef<int64_t> second) {
    SmallVector<int64_t> dims(side.batch), perm(typeOf(side.value).getRank());
    llvm::append_range(dims, first);
    llvm::append_range(dims, second);
    for (auto [i, dim] : llvm::enumerate(dims))
      perm[dim] = i;
    return perm;
  };
  SmallVector<int64_t> perm = order(contracted, free);
  if (llvm::equal(perm, allDims(perm.size())))
    return DotOp::create(b.builder, b.loc, other.value, dy, other.batch,
                         batchDy, otherFree, overDy);
  Value product = DotOp::create(b.builder, b.loc, dy, other.value, batchDy,
                                other.batch, overDy, otherFree);
  return b.transpose(product, order(free, contracted));
}

SmallVector<Expr> DotOp::pullback(ArrayRef<Expr> dys) {
  PullbackBuilder b(dys[0]);
  Side left{getA(), getBatchA(), getContractA()};
  Side right{getB(), getBatchB(), getContractB()};
  int64_t batch = getBatchA().size(), freeLeft = left.free().size();
  return {
      b.expr(contractBack(b, dys[0].value(), left, right, batch + freeLeft)),
      b.expr(contractBack(b, dys[0].value(), right, left, batch))};
}
