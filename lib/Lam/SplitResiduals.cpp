//===- SplitResiduals.cpp - lam-split-residuals ---------------------------===//
//
// A vjp computes in one go; a caller that runs other things between the forward
// and the backward part needs two functions. What the backward part reads of
// the forward part is either handed over as a residual or computed again.
//
//===----------------------------------------------------------------------===//

#include "lamina/Lam/Lam.h"
#include "lamina/Lam/Passes.h"
#include "lamina/Lam/Sizes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/TypeSwitch.h"

namespace lamina {
#define GEN_PASS_DEF_LAMSPLITRESIDUALS
#include "lamina/Lam/Passes.h.inc"
} // namespace lamina

using namespace mlir;
using namespace lamina::lam;

namespace {

/// What computing one element again costs, in multiplications; nothing for ops
/// that are never repeated (contractions, reductions, orders, random bits).
std::optional<unsigned> elementCost(Operation *op) {
  if (!isa_and_nonnull<LamDialect>(op->getDialect()))
    return 0; // sizes
  return llvm::TypeSwitch<Operation *, std::optional<unsigned>>(op)
      .Case<ConstantOp, FromSizeOp, IotaOp, BroadcastOp, ReshapeOp, TransposeOp,
            SliceOp, PadOp, ReverseOp, ConcatOp, BitcastOp, StopGradientOp>(
          [](auto) { return 0; })
      .Case<AddOp, SubOp, MulOp, NegOp, AbsOp, SignOp, MaxOp, MinOp, SelectOp,
            CastOp, FloorOp, CeilOp, RoundOp, TruncOp, EqOp, NeOp, LtOp, LeOp,
            GtOp, GeOp, AndOp, OrOp, XorOp, NotOp, IsNanOp, IsInfOp,
            IsFiniteOp>([](auto) { return 1; })
      .Case<DivOp, SqrtOp, RsqrtOp>([](auto) { return 5; })
      .Case<ExpOp, Exp2Op, SigmoidOp, TanhOp, LogOp>([](auto) { return 12; })
      .Default([](Operation *other) -> std::optional<unsigned> {
        if (isa<PointwiseOpInterface>(other))
          return 25;
        return std::nullopt;
      });
}

/// The number of elements, unknown sizes counted as 64: it only compares
/// tensors of one function, which share them.
uint64_t elements(Value value) {
  uint64_t count = 1;
  for (int64_t size : cast<RankedTensorType>(value.getType()).getShape())
    count *= ShapedType::isDynamic(size) ? 64 : size;
  return count;
}

uint64_t bytes(Value value) {
  Type element = cast<RankedTensorType>(value.getType()).getElementType();
  return elements(value) * llvm::divideCeil(element.getIntOrFloatBitWidth(), 8);
}

/// Divides one function that is both parts.
class Splitter {
public:
  Splitter(func::FuncOp whole, unsigned budget, bool explain)
      : whole(whole), budget(budget), explain(explain) {}

  void run(StringRef forwardName, StringRef backwardName);

private:
  func::FuncOp whole;
  unsigned budget;
  bool explain;
  DenseSet<Value> late; // depends on a cotangent
  SetVector<Value> kept;

  StringRef role(unsigned argument) {
    auto attr = whole.getArgAttrOfType<StringAttr>(argument, "lamina.role");
    return attr ? attr.getValue() : "";
  }
  void findLate();
  bool isFree(Value value);
  struct Recomputation {
    bool possible = true;
    uint64_t work = 0; // multiplications
    SetVector<Value> reads;
  };
  void plan(Value value, Recomputation &plan, DenseSet<Value> &seen);
  void decide(Value value);
  ArrayAttr dimsOf(Value value);
  void remark(Value value, const Twine &text);
};

} // namespace

void Splitter::findLate() {
  for (auto [i, argument] : llvm::enumerate(whole.getArguments()))
    if (role(i) == "cotangent")
      late.insert(argument);
  for (Operation &op : whole.getBody().front())
    if (llvm::any_of(op.getOperands(),
                     [&](Value value) { return late.contains(value); }))
      late.insert_range(op.getResults());
}

/// There in the backward part anyway: inputs, weights, sizes, constants.
bool Splitter::isFree(Value value) {
  Operation *op = value.getDefiningOp();
  return !op || !isa<RankedTensorType>(value.getType()) ||
         op->hasTrait<OpTrait::ConstantLike>();
}

/// Adds what it takes to compute `value` from what is kept and free.
void Splitter::plan(Value value, Recomputation &plan, DenseSet<Value> &seen) {
  if (isFree(value) || kept.contains(value) || !seen.insert(value).second)
    return;
  Operation *op = value.getDefiningOp();
  std::optional<unsigned> cost = elementCost(op);
  if (!cost) {
    plan.reads.insert(value);
    return;
  }
  if (*cost)
    plan.work += *cost * elements(value);
  for (Value operand : op->getOperands())
    this->plan(operand, plan, seen);
}

void Splitter::remark(Value value, const Twine &text) {
  if (explain)
    value.getDefiningOp()->emitRemark()
        << value.getDefiningOp()->getName() << " " << value.getType() << " "
        << text;
}

void Splitter::decide(Value value) {
  if (isFree(value) || kept.contains(value))
    return;
  Recomputation way;
  DenseSet<Value> seen;
  plan(value, way, seen);
  if (way.reads.contains(value)) {
    remark(value, "is kept: it is not cheap to compute again");
    kept.insert(value);
    return;
  }
  uint64_t more = 0;
  for (Value read : way.reads)
    more += bytes(read);
  uint64_t cost =
      llvm::divideCeil(way.work, std::max<uint64_t>(elements(value), 1));
  if (cost > budget) {
    remark(value, "is kept: computing it again costs " + Twine(cost) +
                      " per element, more than " + Twine(budget));
    kept.insert(value);
  } else if (more > bytes(value) || (more == bytes(value) && cost)) {
    remark(value, "is kept: computing it again would keep " + Twine(more) +
                      " bytes instead of " + Twine(bytes(value)));
    kept.insert(value);
  } else {
    remark(value, "is computed again: " + Twine(cost) + " per element" +
                      (way.reads.empty() ? Twine(" from what is there anyway")
                                         : Twine(" from what is kept")));
    for (Value read : way.reads)
      kept.insert(read);
  }
}

/// Its sizes as `lamina.dims` has them: symbols of the arguments where they are
/// the same, "?" where they are computed.
ArrayAttr Splitter::dimsOf(Value value) {
  Builder builder(whole.getContext());
  SmallVector<Attribute> dims;
  auto type = cast<RankedTensorType>(value.getType());
  for (int64_t i = 0; i < type.getRank(); ++i) {
    SizeSource source = sourceOfSize(value, i);
    if (auto size = dyn_cast_or_null<Value>(source.known))
      if (auto dim = size.getDefiningOp<tensor::DimOp>())
        if (std::optional<int64_t> index = dim.getConstantIndex())
          source = sourceOfSize(dim.getSource(), *index);
    Attribute text = builder.getStringAttr("?");
    if (auto size = dyn_cast_or_null<Attribute>(source.known))
      text = builder.getI64IntegerAttr(cast<IntegerAttr>(size).getInt());
    else if (auto argument = dyn_cast<BlockArgument>(source.tensor);
             argument && !source.known)
      if (auto known = whole.getArgAttrOfType<ArrayAttr>(
              argument.getArgNumber(), "lamina.dims"))
        text = known[source.dim];
    dims.push_back(text);
  }
  return builder.getArrayAttr(dims);
}

void Splitter::run(StringRef forwardName, StringRef backwardName) {
  findLate();
  Block &body = whole.getBody().front();
  Operation *terminator = body.getTerminator();
  // What the backward part reads, in order; what cannot be repeated first, as
  // others may be computed from it.
  SetVector<Value> crossing;
  for (Operation &op : body) {
    bool isLate = llvm::any_of(
        op.getOperands(), [&](Value value) { return late.contains(value); });
    if (isLate && &op != terminator)
      for (Value operand : op.getOperands())
        if (!late.contains(operand))
          crossing.insert(operand);
  }
  SmallVector<unsigned> early, gradients;
  for (auto [i, value] : llvm::enumerate(terminator->getOperands())) {
    auto attr = whole.getResultAttrOfType<StringAttr>(i, "lamina.role");
    bool isOutput = !attr || attr.getValue() == "output";
    (isOutput ? early : gradients).push_back(i);
    if (!isOutput && !late.contains(value))
      crossing.insert(value);
  }
  for (Value value : crossing)
    if (!isFree(value) && !elementCost(value.getDefiningOp()))
      decide(value);
  for (Value value : crossing)
    decide(value);

  // forward: everything early, the residuals behind the outputs.
  OpBuilder builder(whole);
  Location loc = whole.getLoc();
  auto residualAttrs = [&](unsigned index, Value value) {
    return builder.getDictionaryAttr(
        {builder.getNamedAttr("lamina.dims", dimsOf(value)),
         builder.getNamedAttr(
             "lamina.name", builder.getStringAttr("r" + std::to_string(index))),
         builder.getNamedAttr("lamina.role",
                              builder.getStringAttr("residual"))});
  };
  auto make = [&](StringRef name, ArrayRef<unsigned> arguments,
                  ArrayRef<Value> extra, IRMapping &mapping) {
    SmallVector<Type> types;
    for (unsigned i : arguments)
      types.push_back(whole.getArgumentTypes()[i]);
    for (Value value : extra)
      types.push_back(value.getType());
    auto function = func::FuncOp::create(builder, loc, name,
                                         builder.getFunctionType(types, {}));
    Block *entry = function.addEntryBlock();
    for (auto [to, from] : llvm::enumerate(arguments)) {
      mapping.map(whole.getArgument(from), entry->getArgument(to));
      if (DictionaryAttr attrs = whole.getArgAttrDict(from))
        function.setArgAttrs(to, attrs);
    }
    for (auto [i, value] : llvm::enumerate(extra)) {
      unsigned at = arguments.size() + i;
      mapping.map(value, entry->getArgument(at));
      function.setArgAttrs(at, residualAttrs(i, value));
    }
    return function;
  };
  auto finish = [&](func::FuncOp function, IRMapping &mapping,
                    ArrayRef<unsigned> results, ArrayRef<Value> extra) {
    OpBuilder::InsertionGuard guard(builder);
    Block &block = function.getBody().front();
    builder.setInsertionPointToEnd(&block);
    for (Operation &op : body.without_terminator())
      if (llvm::none_of(op.getResults(),
                        [&](Value value) { return mapping.contains(value); }) &&
          llvm::all_of(op.getOperands(),
                       [&](Value value) { return mapping.contains(value); }))
        builder.clone(op, mapping);
    SmallVector<Value> values;
    for (unsigned i : results)
      values.push_back(mapping.lookup(terminator->getOperand(i)));
    for (Value value : extra)
      values.push_back(mapping.lookup(value));
    func::ReturnOp::create(builder, loc, values);
    function.setType(builder.getFunctionType(function.getArgumentTypes(),
                                             ValueRange(values).getTypes()));
    for (auto [to, from] : llvm::enumerate(results))
      if (DictionaryAttr attrs = whole.getResultAttrDict(from))
        function.setResultAttrs(to, attrs);
    for (auto [i, value] : llvm::enumerate(extra))
      function.setResultAttrs(results.size() + i, residualAttrs(i, value));
    for (Operation &op : llvm::make_early_inc_range(llvm::reverse(block)))
      if (isOpTriviallyDead(&op))
        op.erase();
  };
  SmallVector<unsigned> arguments, all;
  for (unsigned i = 0; i < whole.getNumArguments(); ++i) {
    all.push_back(i);
    if (role(i) != "cotangent")
      arguments.push_back(i);
  }
  IRMapping forwardMap, backwardMap;
  func::FuncOp forward = make(forwardName, arguments, {}, forwardMap);
  finish(forward, forwardMap, early, kept.getArrayRef());
  func::FuncOp backward =
      make(backwardName, all, kept.getArrayRef(), backwardMap);
  finish(backward, backwardMap, gradients, {});
  whole.erase();
}

namespace {
struct LamSplitResiduals
    : public lamina::impl::LamSplitResidualsBase<LamSplitResiduals> {
  using LamSplitResidualsBase::LamSplitResidualsBase;

  void runOnOperation() override {
    for (auto function :
         llvm::make_early_inc_range(getOperation().getOps<func::FuncOp>()))
      if (function->hasAttr("lamina.split"))
        Splitter(function, budget, explain)
            .run("forward_residuals", "backward");
  }
};
} // namespace
