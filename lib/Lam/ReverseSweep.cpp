//===- ReverseSweep.cpp - cotangents from outputs to primals --------------===//

#include "ReverseSweep.h"
#include "PullbackBuilder.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/TypeUtilities.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/DenseSet.h"

using namespace mlir;
using namespace lamina::lam;

namespace {

/// What flows into a value. `alive` says, as a bool per element, where
/// something can flow: behind a select, elements of the branch that was not
/// taken are dead, and stay 0 whatever partial derivative they meet. The number
/// 1: all are alive.
struct Cotangent {
  Expr dy = 0.0;
  Expr alive = 1.0;

  bool isZero() const { return dy.isNumber(); }
};

class Sweep {
public:
  Sweep(Block &block, ValueRange primals) : block(block), primals(primals) {}

  FailureOr<SmallVector<Value>> run(ValueRange outputs, ValueRange cotangents);

private:
  Block &block;
  ValueRange primals;
  DenseSet<Value> active;
  DenseMap<Value, Cotangent> flows;

  void findActive();
  void flow(Value into, Cotangent more);
  LogicalResult visit(Operation &op);
  SmallVector<Expr> pullAlive(Operation &op, const Expr &alive);
};

bool isFloatTensor(Value value) {
  auto tensor = dyn_cast<RankedTensorType>(value.getType());
  return tensor && isa<FloatType>(tensor.getElementType());
}

} // namespace

/// Floats that depend on a primal. What depends on one through integers or
/// bools does not move with it.
void Sweep::findActive() {
  for (Value primal : primals)
    if (isFloatTensor(primal))
      active.insert(primal);
  for (Operation &op : block) {
    bool depends = !isa<StopGradientOp>(op) &&
                   llvm::any_of(op.getOperands(), [&](Value value) {
                     return active.contains(value);
                   });
    for (Value result : op.getResults())
      if (depends && isFloatTensor(result))
        active.insert(result);
  }
}

void Sweep::flow(Value into, Cotangent more) {
  if (more.isZero() || !active.contains(into))
    return;
  // Rules may know a size that the value's type does not.
  if (more.dy.value().getType() != into.getType())
    more.dy =
        more.dy.of(tensor::CastOp::create(*more.dy.opBuilder, *more.dy.location,
                                          into.getType(), more.dy.value()));
  Cotangent &sum = flows[into];
  if (sum.isZero()) {
    sum = more;
    return;
  }
  sum.dy = sum.dy + more.dy;
  bool someDead = !sum.alive.isNumber() && !more.alive.isNumber();
  sum.alive = someDead ? bit_or(sum.alive, more.alive) : Expr(1.0);
}

/// Ops that only move elements move their liveness the same way, as 0 and 1;
/// others, which mix elements, make all of them alive.
SmallVector<Expr> Sweep::pullAlive(Operation &op, const Expr &alive) {
  PullbackBuilder b(alive);
  if (auto reduce = dyn_cast<ReduceOp>(op)) {
    SmallVector<int64_t> kept =
        otherDims(typeOf(reduce.getX()).getRank(), reduce.getDims());
    return {b.expr(b.broadcast(alive.value(), kept, reduce.getX()))};
  }
  if (isa<BroadcastOp, ReshapeOp, TransposeOp, ReverseOp, SliceOp, PadOp,
          ConcatOp, GatherOp>(op)) {
    Expr ones = b.expr(b.splat(op.getResult(0), 1));
    SmallVector<Expr> pulled = cast<DifferentiableOpInterface>(op).pullback(
        lamina::lam::select(alive, ones, Expr(0.0)));
    for (Expr &each : pulled)
      if (!each.isNumber())
        each = ne(each, Expr(0.0));
    return pulled;
  }
  bool isPointwise = isa<PointwiseOpInterface, CastOp>(op);
  return SmallVector<Expr>(op.getNumOperands(),
                           isPointwise ? alive : Expr(1.0));
}

/// Whether `dx` is `dy` up to its sign: no partial derivative is in it.
static bool isPassedOn(const Expr &dx, const Expr &dy) {
  auto neg = dx.value().getDefiningOp<NegOp>();
  return dx.value() == dy.value() || (neg && neg.getX() == dy.value());
}

LogicalResult Sweep::visit(Operation &op) {
  SmallVector<Expr> dys;
  Expr alive = 1.0;
  bool reached = false, needed = false;
  for (Value result : op.getResults()) {
    Cotangent flowing = flows.lookup(result);
    dys.push_back(flowing.dy);
    alive = flowing.alive;
    reached |= !flowing.isZero();
  }
  for (Value operand : op.getOperands())
    needed |= active.contains(operand);
  if (!reached || !needed)
    return success();
  if (op.getNumResults() > 1)
    alive = 1.0;

  for (Expr &dy : dys)
    if (!dy.isNumber())
      dy.location = op.getLoc();
  if (auto cast = dyn_cast<tensor::CastOp>(op)) {
    flow(cast.getSource(), {dys[0], alive});
    return success();
  }
  auto rule = dyn_cast<DifferentiableOpInterface>(op);
  if (isa<WhileOp>(op))
    return op.emitError("cannot differentiate a loop whose number of steps "
                        "depends on data: what each step began with would "
                        "have to be kept; use scan or fori_loop with as many "
                        "steps as are ever needed");
  if (!rule)
    return op.emitError("cannot differentiate '")
           << op.getName()
           << "': it has no derivative; use stop_gradient on its operands if "
              "none should flow";

  SmallVector<Expr> pulled = rule.pullback(dys);
  if (pulled.empty())
    return failure(); // in its region
  if (auto select = dyn_cast<SelectOp>(op)) {
    Expr c = dys[0].of(select.getC()), other = bit_not(c);
    bool all = alive.isNumber();
    flow(select.getA(), {pulled[1], all ? c : bit_and(alive, c)});
    flow(select.getB(), {pulled[2], all ? other : bit_and(alive, other)});
    return success();
  }
  SmallVector<Expr> alives(pulled.size(), Expr(1.0));
  if (!alive.isNumber()) {
    alive.location = op.getLoc();
    alives = pullAlive(op, alive);
    // An infinite partial derivative makes no NaN of a dead element.
    if (isa<PointwiseOpInterface>(op))
      for (Expr &dx : pulled)
        if (!dx.isNumber() && !isPassedOn(dx, dys[0]))
          dx = lamina::lam::select(alive, dx, Expr(0.0));
  }
  for (auto [operand, dx, live] : llvm::zip(op.getOperands(), pulled, alives))
    flow(operand, {dx, live});
  return success();
}

FailureOr<SmallVector<Value>> Sweep::run(ValueRange outputs,
                                         ValueRange cotangents) {
  findActive();
  OpBuilder builder(block.getParentOp()->getContext());
  builder.setInsertionPoint(block.getTerminator());
  Location loc = block.getParentOp()->getLoc();
  SmallVector<Operation *> ops;
  for (Operation &op : block.without_terminator())
    ops.push_back(&op);
  for (auto [output, cotangent] : llvm::zip_equal(outputs, cotangents))
    flow(output, {Expr(cotangent, builder, loc), 1.0});
  for (Operation *op : llvm::reverse(ops))
    if (failed(visit(*op)))
      return failure();
  SmallVector<Value> result;
  for (Value primal : primals) {
    Cotangent flowing = flows.lookup(primal);
    PullbackBuilder b(Expr(primal, builder, loc));
    result.push_back(flowing.isZero() ? b.zeros(primal) : flowing.dy.value());
  }
  return result;
}

FailureOr<SmallVector<Value>> lamina::lam::reverseSweep(Block &block,
                                                        ValueRange primals,
                                                        ValueRange outputs,
                                                        ValueRange cotangents) {
  return Sweep(block, primals).run(outputs, cotangents);
}

void lamina::lam::eraseDeadOps(Block &block) {
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(block)))
    if (isOpTriviallyDead(&op))
      op.erase();
}
