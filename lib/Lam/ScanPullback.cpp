//===- ScanPullback.cpp - the derivative of a loop ------------------------===//
//
// A loop backwards over what each step of the forward loop began with. A step
// is computed again there, except for its products: they are kept as well.
//
//===----------------------------------------------------------------------===//

#include "PullbackBuilder.h"
#include "ReverseSweep.h"
#include "lamina/Lam/Derivatives.h"
#include "lamina/Lam/Sizes.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace lamina::lam;

namespace {

class ScanPullback {
public:
  ScanPullback(ScanOp scan, ArrayRef<Expr> dys)
      : scan(scan), dys(dys), given(*llvm::find_if(dys, [](const Expr &dy) {
          return !dy.isNumber();
        })) {}

  /// Nothing after an error.
  SmallVector<Expr> run() {
    extendForward();
    if (failed(emitBackward()))
      return {};
    return results();
  }

private:
  ScanOp scan;
  ArrayRef<Expr> dys;
  const Expr &given;
  /// Values of the region that are kept, as results of the forward loop.
  SmallVector<std::pair<Operation *, Value>> products;
  SmallVector<Value> carried;
  ScanOp backward;

  /// The operand that `argument` of the region stands for, and whether it is a
  /// slice of it.
  std::pair<Value, bool> operandOf(BlockArgument argument) {
    unsigned i = argument.getArgNumber(), carries = scan.getInits().size(),
             slices = scan.getSequences().size();
    if (i < carries)
      return {scan.getInits()[i], false};
    if (i < carries + slices)
      return {scan.getSequences()[i - carries], true};
    return {scan.getInvariants()[i - carries - slices], false};
  }

  /// The dynamic sizes of a value of the region as values outside of it, if
  /// they are those of operands.
  std::optional<SmallVector<Value>> sizesOutside(PullbackBuilder &b, Value y) {
    SmallVector<Value> sizes;
    for (int64_t i = 0; i < typeOf(y).getRank(); ++i) {
      if (!typeOf(y).isDynamicDim(i))
        continue;
      SizeSource source = sourceOfSize(y, i);
      if (auto known = dyn_cast_or_null<Value>(source.known)) {
        auto argument = dyn_cast<BlockArgument>(known);
        if (!argument)
          return std::nullopt;
        sizes.push_back(operandOf(argument).first);
        continue;
      }
      auto argument = dyn_cast<BlockArgument>(source.tensor);
      if (!argument)
        return std::nullopt;
      auto [operand, isSlice] = operandOf(argument);
      sizes.push_back(b.size(operand, source.dim + isSlice));
    }
    return sizes;
  }

  /// A stack of one value like `y` per step.
  RankedTensorType stackOf(Value y) {
    SmallVector<int64_t> shape(typeOf(y).getShape());
    std::optional<int64_t> count = getConstantIntValue(scan.getCount());
    shape.insert(shape.begin(), count.value_or(ShapedType::kDynamic));
    return RankedTensorType::get(shape, typeOf(y).getElementType());
  }
  void addCount(RankedTensorType type, SmallVectorImpl<Value> &sizes) {
    if (type.isDynamicDim(0))
      sizes.push_back(scan.getCount());
  }

  /// The forward loop again, which also stacks what is kept.
  void extendForward() {
    OpBuilder builder(scan);
    Expr here = given.of(given.value());
    here.opBuilder = &builder;
    PullbackBuilder b(here);
    SmallVector<Type> types(scan.getStacked().getTypes());
    SmallVector<Value> sizes(scan.getSizes()), kept;
    for (auto [argument, init] :
         llvm::zip_equal(scan.carriedArguments(), scan.getInits())) {
      RankedTensorType type = stackOf(init);
      types.push_back(type);
      addCount(type, sizes);
      llvm::append_range(sizes, b.sizes(init));
      kept.push_back(argument);
    }
    for (Operation &op : scan.getBody().front()) {
      if (!isa<DotOp, ConvOp>(op) || !isFloatTensor(op.getResult(0).getType()))
        continue;
      Value y = op.getResult(0);
      std::optional<SmallVector<Value>> outside = sizesOutside(b, y);
      if (!outside)
        continue;
      RankedTensorType type = stackOf(y);
      types.push_back(type);
      addCount(type, sizes);
      llvm::append_range(sizes, *outside);
      kept.push_back(y);
      products.emplace_back(&op, Value());
    }
    auto forward = ScanOp::create(
        builder, scan.getLoc(), scan.getFinals().getTypes(), types,
        scan.getCount(), scan.getInits(), scan.getSequences(),
        scan.getInvariants(), sizes, scan.getReverse());
    IRMapping mapping;
    scan.getBody().cloneInto(&forward.getBody(), mapping);
    SmallVector<Value> yielded(forward.yielded());
    for (Value value : kept)
      yielded.push_back(mapping.lookup(value));
    forward.getBody().front().getTerminator()->setOperands(yielded);

    unsigned stacked = scan.getStacked().size(),
             carries = scan.getInits().size();
    carried.assign(forward.getStacked().begin() + stacked,
                   forward.getStacked().begin() + stacked + carries);
    for (auto [i, product] : llvm::enumerate(products))
      product.second = forward.getStacked()[stacked + carries + i];
    scan.getFinals().replaceAllUsesWith(forward.getFinals());
    scan.getStacked().replaceAllUsesWith(
        forward.getStacked().take_front(stacked));
  }

  static SmallVector<Value> floatsAmong(ValueRange values) {
    SmallVector<Value> floats;
    for (Value value : values)
      if (isFloatTensor(value.getType()))
        floats.push_back(value);
    return floats;
  }

  /// Carries the cotangents of what is carried and of the invariants, and
  /// stacks those of the slices.
  LogicalResult emitBackward() {
    PullbackBuilder b(given);
    OpBuilder &builder = b.builder;
    Location loc = scan.getLoc();
    auto arguments = [](auto list) {
      return SmallVector<Value>(list.begin(), list.end());
    };
    SmallVector<Value> floatCarried =
                           floatsAmong(arguments(scan.carriedArguments())),
                       floatSlices =
                           floatsAmong(arguments(scan.sliceArguments())),
                       floatInvariants =
                           floatsAmong(arguments(scan.invariantArguments()));
    unsigned carries = scan.getInits().size();

    SmallVector<Value> inits, sequences(carried), sizes;
    SmallVector<Type> types;
    for (auto [value, dy] : llvm::zip(scan.getInits(), dys.take_front(carries)))
      if (isFloatTensor(value.getType()))
        inits.push_back(dy.isNumber() ? b.zeros(value) : dy.value());
    for (Value value : floatsAmong(scan.getInvariants()))
      inits.push_back(b.zeros(value));
    llvm::append_range(sequences, scan.getSequences());
    // Outputs that something flows into: carried values, and some stacks.
    SmallVector<unsigned> outputs;
    for (auto [i, value] : llvm::enumerate(scan.getInits()))
      if (isFloatTensor(value.getType()))
        outputs.push_back(i);
    for (auto [i, dy] : llvm::enumerate(dys.drop_front(carries)))
      if (!dy.isNumber()) {
        outputs.push_back(carries + i);
        sequences.push_back(dy.value());
      }
    for (auto &[op, stack] : products)
      sequences.push_back(stack);
    for (Value value : floatsAmong(scan.getSequences())) {
      types.push_back(value.getType());
      llvm::append_range(sizes, b.sizes(value));
    }

    backward = ScanOp::create(builder, loc, ValueRange(inits).getTypes(), types,
                              scan.getCount(), inits, sequences,
                              scan.getInvariants(), sizes, !scan.getReverse());
    OpBuilder::InsertionGuard guard(builder);
    Block *block = builder.createBlock(&backward.getBody());
    auto add = [&](Type type) { return block->addArgument(type, loc); };
    auto slice = [](Value sequence) -> Type {
      return RankedTensorType::get(typeOf(sequence).getShape().drop_front(),
                                   typeOf(sequence).getElementType());
    };
    SmallVector<Value> cotangents, totals;
    for (auto [i, init] : llvm::enumerate(inits))
      (i < floatCarried.size() ? cotangents : totals)
          .push_back(add(init.getType()));
    IRMapping mapping;
    auto next = sequences.begin();
    for (Value old :
         scan.getBody().getArguments().drop_back(scan.getInvariants().size()))
      mapping.map(old, add(slice(*next++)));
    for (size_t i = cotangents.size(); i < outputs.size(); ++i)
      cotangents.push_back(add(slice(*next++)));
    SmallVector<Value> keptProducts;
    while (next != sequences.end())
      keptProducts.push_back(add(slice(*next++)));
    for (Value old : scan.invariantArguments())
      mapping.map(old, add(old.getType()));

    builder.setInsertionPointToEnd(block);
    for (Operation &op : scan.getBody().front().without_terminator())
      builder.clone(op, mapping);
    auto yield = YieldOp::create(builder, loc, ValueRange());
    SmallVector<Value> primals, yielded;
    for (ValueRange olds : {ValueRange(floatCarried), ValueRange(floatSlices),
                            ValueRange(floatInvariants)})
      for (Value old : olds)
        primals.push_back(mapping.lookup(old));
    for (unsigned i : outputs)
      yielded.push_back(mapping.lookup(scan.yielded()[i]));
    FailureOr<SmallVector<Value>> pulled =
        reverseSweep(*block, primals, yielded, cotangents);
    if (failed(pulled))
      return failure();

    builder.setInsertionPoint(yield);
    ValueRange found(*pulled);
    SmallVector<Value> last(found.take_front(floatCarried.size()));
    for (auto [total, more] :
         llvm::zip_equal(totals, found.take_back(floatInvariants.size())))
      last.push_back(AddOp::create(builder, loc, total, more));
    llvm::append_range(last,
                       found.slice(floatCarried.size(), floatSlices.size()));
    yield->setOperands(last);
    for (auto [product, kept] : llvm::zip_equal(products, keptProducts))
      mapping.lookup(product.first->getResult(0)).replaceAllUsesWith(kept);
    eraseDeadOps(*block);
    return success();
  }

  SmallVector<Expr> results() {
    SmallVector<Expr> cotangents(scan->getNumOperands(), Expr(0.0));
    auto finals = backward.getFinals().begin();
    auto stacked = backward.getStacked().begin();
    unsigned next = 1; // behind the count
    auto take = [&](ValueRange operands, auto &from) {
      for (Value operand : operands) {
        if (isFloatTensor(operand.getType()))
          cotangents[next] = given.of(*from++);
        ++next;
      }
    };
    take(scan.getInits(), finals);
    take(scan.getSequences(), stacked);
    take(scan.getInvariants(), finals);
    return cotangents;
  }
};

} // namespace

SmallVector<Expr> ScanOp::pullback(ArrayRef<Expr> dys) {
  return ScanPullback(*this, dys).run();
}
