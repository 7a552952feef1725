//===- BlockCode.cpp - code that a block of threads runs together ---------===//
#include "BlockCode.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using namespace lamina;

BlockCode::BlockCode(gpu::LaunchOp launch, int64_t threads)
    : launch(launch), threads(threads),
      b(launch.getLoc(), launch.getContext()) {
  b.setInsertionPointToStart(&launch.getBody().front());
  team = {gpu::ThreadIdOp::create(b, gpu::Dimension::x), number(b, threads)};
}

void BlockCode::barrier() {
  if (!pending.any())
    return;
  gpu::BarrierOp::create(b);
  pending.clear();
}

/// What was done so far is done by all threads before what comes.
void BlockCode::order(const Access &next) {
  if (pending.conflicts(next))
    barrier();
  pending.add(next);
}

static bool sharesWork(Operation *op) {
  return op->walk([](linalg::LinalgOp) { return WalkResult::interrupt(); })
      .wasInterrupted();
}

LogicalResult BlockCode::run(Operation *op) {
  b.setLoc(op->getLoc());
  b.setInsertionPoint(op);
  if (auto linalgOp = dyn_cast<linalg::LinalgOp>(op)) {
    order(accessOf(op));
    share(linalgOp);
    op->erase();
    return success();
  }
  if (isMemoryEffectFree(op))
    return success();
  Access access = accessOf(op);
  if (sharesWork(op))
    return runInside(op);
  order(access);
  if (access.writes.empty())
    return success(); // every thread reads for itself
  if (!op->use_empty())
    return op->emitError("'")
           << op->getName()
           << "' writes memory and gives a value that others need; that has "
              "no form on a GPU yet";
  Value isFirst =
      arith::CmpIOp::create(b, arith::CmpIPredicate::eq, team.id, number(b, 0));
  when(b, isFirst,
       [&] { op->moveBefore(b.getInsertionBlock(), b.getInsertionPoint()); });
  return success();
}

/// All threads run the loop or branch; they meet at its start and end.
LogicalResult BlockCode::runInside(Operation *op) {
  if (!isa<scf::ForOp, scf::IfOp, scf::WhileOp>(op))
    return op->emitError("'") << op->getName() << "' has no form on a GPU yet";
  barrier();
  for (Region &region : op->getRegions())
    for (Block &block : region) {
      for (Operation &inner :
           llvm::make_early_inc_range(block.without_terminator()))
        if (failed(run(&inner)))
          return failure();
      b.setInsertionPoint(block.getTerminator());
      barrier();
    }
  return success();
}

Value BlockCode::exchangeOf(Type type, unsigned index) {
  Value &buffer = buffers[{type, index}];
  if (buffer)
    return buffer;
  auto shared = MemRefType::get(
      {threads / warpSize}, type, MemRefLayoutAttrInterface(),
      gpu::AddressSpaceAttr::get(b.getContext(), gpu::AddressSpace::Workgroup));
  Value argument = launch.addWorkgroupAttribution(shared, b.getLoc());
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(&launch.getBody().front());
  buffer = memref::MemorySpaceCastOp::create(
      b, MemRefType::get({threads / warpSize}, type), argument);
  return buffer;
}

void BlockCode::share(linalg::LinalgOp op) {
  Points points(b, op);
  int64_t results = points.staticResults(), terms = points.staticTerms();
  bool manyTerms = ShapedType::isDynamic(terms) || terms > 2 * warpSize;
  bool fewResults =
      ShapedType::isDynamic(results) ? false : results < threads / 4;
  if (points.isPointwise() || !points.isCombinable() || !manyTerms ||
      !(fewResults || points.reducesNeighbours()))
    return points.shareResults(team);
  if (results != 1 || threads == warpSize)
    return points.shareTermsInWarps(team);
  SmallVector<Value> exchange;
  for (auto [index, type] : llvm::enumerate(points.accumulatorTypes()))
    exchange.push_back(exchangeOf(type, index));
  points.shareTermsInBlock(team, exchange);
}
