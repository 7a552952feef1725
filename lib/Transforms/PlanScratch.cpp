//===- PlanScratch.cpp - one buffer for every temporary -------------------===//
#include "ParallelLoops.h"
#include "SizeFunction.h"
#include "lamina/Transforms/Passes.h"
#include "lamina/Transforms/Remarks.h"
#include "lamina/Transforms/UpperBound.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/Transforms/BufferViewFlowAnalysis.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

namespace lamina {
#define GEN_PASS_DEF_PLANSCRATCH
#include "lamina/Transforms/Passes.h.inc"
} // namespace lamina

using namespace mlir;
using namespace lamina;

static constexpr int64_t alignment = 64;
/// Static temporaries up to this size live on the stack, up to a total.
static constexpr int64_t maxOnStack = 4096, maxStack = 32768;

namespace {
/// A temporary: where it is used, and its size as (factors, bytes per unit).
struct Temporary {
  memref::AllocOp op;
  unsigned first, last; // ops of the function's block
  /// Its size: the dynamic dimensions (or bounds of them) as values at the
  /// function's start, sorted, and the bytes that they multiply.
  SmallVector<Value> factors;
  int64_t bytes;
  scf::ForOp loop; // whose iterations may run at once, each with its own
};

/// A piece of the scratch buffer that temporaries of one size share in turn.
struct Slot {
  SmallVector<Value> factors;
  int64_t bytes;
  unsigned last;
  bool perWorker;
  SmallVector<Temporary *> users;
};

class Planner {
public:
  Planner(func::FuncOp function, const EntryPoint &entry,
          const Strategy &strategy, bool stack)
      : function(function), entry(entry), strategy(strategy), stack(stack),
        builder(function.getContext()), cloner(builder) {}

  LogicalResult run() {
    Block &block = function.getBody().front();
    scratch = block.addArgument(
        MemRefType::get({ShapedType::kDynamic}, builder.getI8Type()),
        function.getLoc());
    if (entry.threaded)
      threads = block.addArgument(builder.getIndexType(), function.getLoc());
    function.setFunctionType(
        builder.getFunctionType(block.getArgumentTypes(), {}));
    // A separator: sizes are computed before it, everything else stays behind.
    if (threads) {
      splitProducts(function, strategy, threads);
      splitSums(function);
    }
    builder.setInsertionPointToStart(&block);
    Operation *separator =
        arith::ConstantIndexOp::create(builder, function.getLoc(), 0);
    builder.setInsertionPoint(separator);

    std::vector<Temporary> temporaries;
    if (failed(collect(block, temporaries)))
      return failure();
    std::vector<Slot> slots = assign(temporaries);
    place(slots);
    return emitSize(slots);
  }

private:
  func::FuncOp function;
  const EntryPoint &entry;
  const Strategy &strategy;
  bool stack; // may hold small temporaries
  OpBuilder builder;
  SizeCloner cloner;
  Value scratch, threads;
  llvm::DenseMap<Operation *, Value> workers; // by loop
  int64_t stackBytes = 0;

  LogicalResult collect(Block &block, std::vector<Temporary> &temporaries) {
    llvm::DenseMap<Operation *, unsigned> position;
    for (Operation &op : block)
      position.try_emplace(&op, position.size());
    BufferViewFlowAnalysis aliases(function);
    SmallVector<memref::AllocOp> allocations;
    function.walk([&](memref::AllocOp op) { allocations.push_back(op); });
    for (memref::AllocOp op : allocations) {
      MemRefType type = op.getType();
      int64_t bytes = llvm::divideCeil(type.getElementTypeBitWidth(), 8);
      for (int64_t size : type.getShape())
        bytes *= ShapedType::isDynamic(size) ? 1 : size;
      if (stack && type.hasStaticShape() && bytes <= maxOnStack &&
          stackBytes + bytes <= maxStack) {
        report(op, "on the stack");
        moveToStack(op, parallelLoop(op));
        stackBytes += bytes;
        continue;
      }
      Temporary temporary{
          op,    position.lookup(block.findAncestorOpInBlock(*op)),
          0,     {},
          bytes, parallelLoop(op)};
      temporary.last = temporary.first;
      for (Value alias : aliases.resolve(op.getResult()))
        for (Operation *user : alias.getUsers())
          temporary.last =
              std::max(temporary.last,
                       position.lookup(block.findAncestorOpInBlock(*user)));
      for (Value size : op.getDynamicSizes()) {
        Value atStart = hoist(size);
        if (!atStart)
          return op.emitError("the size of this temporary has no bound that "
                              "the sizes of the arguments give");
        temporary.factors.push_back(atStart);
      }
      llvm::sort(temporary.factors, [](Value a, Value b) {
        return a.getAsOpaquePointer() < b.getAsOpaquePointer();
      });
      temporaries.push_back(std::move(temporary));
    }
    llvm::sort(temporaries, [](const Temporary &a, const Temporary &b) {
      return a.first < b.first;
    });
    return success();
  }

  static void report(memref::AllocOp op, const char *place,
                     bool perThread = false) {
    if (!remarksEnabled(op))
      return;
    std::string type;
    llvm::raw_string_ostream(type) << op.getType();
    remarkOn(op, "memory") << "temporary " << type << ": " << place
                           << (perThread ? ", one for each thread" : "");
  }

  void moveToStack(memref::AllocOp op, scf::ForOp loop) {
    auto stack = memref::AllocaOp::create(builder, op.getLoc(), op.getType(),
                                          builder.getI64IntegerAttr(alignment));
    if (loop)
      stack->setAttr(privateAttribute, builder.getUnitAttr());
    op.getResult().replaceAllUsesWith(stack);
    op.erase();
  }

  /// The outermost loop around `op` whose iterations may run at once.
  scf::ForOp parallelLoop(Operation *op) {
    return threads ? outermostParallel(op) : scf::ForOp();
  }

  /// Who runs the current iteration of `loop`.
  Value workerOf(scf::ForOp loop) {
    Value &worker = workers[loop];
    if (!worker)
      worker = callWorker(loop);
    return worker;
  }

  /// `size`, or an upper bound of it, as a value at the function's start.
  Value hoist(Value size) {
    if (Value value = cloner.clone(size))
      return value;
    ValueBoundsConstraintSet::Variable variable(size);
    FailureOr<int64_t> constant =
        ValueBoundsConstraintSet::computeConstantBound(
            presburger::BoundType::UB, variable, nullptr, /*closedUB=*/true);
    if (succeeded(constant))
      return arith::ConstantIndexOp::create(builder, function.getLoc(),
                                            *constant);
    // A bound that does not move with the loops around.
    FailureOr<UpperBound> bound = upperBoundOutsideLoops(size);
    if (failed(bound))
      return {};
    SmallVector<Value> values;
    for (auto [value, dim] : bound->operands) {
      if (dim)
        value = memref::DimOp::create(builder, function.getLoc(), value, *dim);
      values.push_back(cloner.clone(value));
      if (!values.back())
        return {};
    }
    return affine::AffineApplyOp::create(builder, function.getLoc(), bound->map,
                                         values);
  }

  static std::vector<Slot> assign(std::vector<Temporary> &temporaries) {
    std::vector<Slot> slots;
    for (Temporary &temporary : temporaries) {
      Slot *best = nullptr;
      for (Slot &slot : slots) {
        // Growing a slot costs as much as a new one saves.
        if (slot.last >= temporary.first || slot.factors != temporary.factors ||
            slot.perWorker != bool(temporary.loop))
          continue;
        auto waste = [&](const Slot &candidate) {
          return std::abs(candidate.bytes - temporary.bytes);
        };
        if (!best || waste(slot) < waste(*best))
          best = &slot;
      }
      if (!best)
        best = &slots.emplace_back(
            Slot{temporary.factors, 0, 0, bool(temporary.loop), {}});
      best->bytes = std::max(best->bytes, temporary.bytes);
      best->last = temporary.last;
      best->users.push_back(&temporary);
    }
    return slots;
  }

  Value number(int64_t value) {
    return arith::ConstantIndexOp::create(builder, function.getLoc(), value);
  }

  /// The slot's size, rounded up to the alignment.
  Value sizeOf(const Slot &slot) {
    if (slot.factors.empty())
      return number(llvm::alignTo(slot.bytes, alignment));
    Value size = number(slot.bytes);
    for (Value factor : slot.factors)
      size = arith::MulIOp::create(builder, function.getLoc(), size, factor);
    if (slot.bytes % alignment == 0)
      return size;
    size = arith::AddIOp::create(builder, function.getLoc(), size,
                                 number(alignment - 1));
    return arith::AndIOp::create(builder, function.getLoc(), size,
                                 number(-alignment));
  }

  Value total;

  void place(std::vector<Slot> &slots) {
    // Static slots first: their offsets are constants.
    llvm::sort(slots, [](const Slot &a, const Slot &b) {
      return std::make_pair(!a.factors.empty(), a.users.front()->first) <
             std::make_pair(!b.factors.empty(), b.users.front()->first);
    });
    Value offset = number(0);
    for (const Slot &slot : slots) {
      for (Temporary *user : slot.users)
        report(user->op,
               user == slot.users.front()
                   ? "in the scratch buffer"
                   : "in the scratch buffer, where an earlier one was",
               slot.perWorker);
      Value bytes = sizeOf(slot);
      for (Temporary *user : slot.users) {
        // Where the size was bounded, the view still has the exact one.
        OpBuilder there(user->op);
        Value mine = offset;
        if (slot.perWorker)
          mine = arith::AddIOp::create(
              there, user->op.getLoc(), offset,
              arith::MulIOp::create(there, user->op.getLoc(), bytes,
                                    workerOf(user->loop)));
        Value view =
            memref::ViewOp::create(there, user->op.getLoc(), user->op.getType(),
                                   scratch, mine, user->op.getDynamicSizes());
        user->op.getResult().replaceAllUsesWith(view);
        user->op.erase();
      }
      if (slot.perWorker)
        bytes =
            arith::MulIOp::create(builder, function.getLoc(), bytes, threads);
      offset = arith::AddIOp::create(builder, function.getLoc(), offset, bytes);
    }
    total = offset;
  }

  LogicalResult emitSize(const std::vector<Slot> &slots) {
    func::FuncOp size =
        createSizeFunction(function, (function.getName() + "_scratch").str(),
                           entry, 1, entry.threaded);
    OpBuilder inside = OpBuilder::atBlockEnd(&size.getBody().front());
    SizeCloner sizes(inside, entry, size.getArguments());
    if (threads)
      sizes.map(threads, size.getArguments().back());
    Value result = sizes.clone(total);
    if (!result)
      return function.emitError("the size of its temporaries depends on more "
                                "than the sizes of the arguments");
    func::ReturnOp::create(inside, function.getLoc(), result);
    return success();
  }
};

struct PlanScratch : lamina::impl::PlanScratchBase<PlanScratch> {
  using PlanScratchBase::PlanScratchBase;

  void runOnOperation() override {
    if (!threads.empty())
      getOperation()->setAttr("lamina.threads",
                              StringAttr::get(&getContext(), threads));
    FailureOr<Signature> signature = readSignature(getOperation());
    if (failed(signature))
      return signalPassFailure();
    for (const EntryPoint &entry : signature->entries) {
      auto function = getOperation().lookupSymbol<func::FuncOp>(entry.name);
      if (!function ||
          failed(
              Planner(function, entry, strategyNamed(strategy), stack).run()))
        return signalPassFailure();
    }
  }
};
} // namespace
