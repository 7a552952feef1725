//===- HostCode.cpp - what the host does between launches -----------------===//
#include "HostCode.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;
using namespace lamina;

/// Evaluations of a body in one iteration that one block should not be left
/// alone with: a launch takes about as long as they do. To know whether a
/// `while` goes on, the host waits for the device, which takes longer.
static constexpr int64_t muchWork = 8192, muchWorkOfWhile = 65536;
/// What an unknown size is taken for.
static constexpr int64_t typicalSize = 1024;

static int64_t workOf(linalg::LinalgOp op) {
  int64_t work = 1;
  for (int64_t range : op.getStaticLoopRanges())
    work *= std::clamp<int64_t>(
        ShapedType::isDynamic(range) ? typicalSize : range, 1, 1 << 20);
  return work;
}

bool lamina::isHostLoop(Operation *op) {
  auto loop = dyn_cast<scf::ForOp>(op);
  if (!isa<scf::WhileOp>(op) && !(loop && !iterationsAreApart(loop)))
    return false;
  int64_t limit = loop ? muchWork : muchWorkOfWhile;
  return op
      ->walk([&](linalg::LinalgOp inner) {
        return workOf(inner) > limit ? WalkResult::interrupt()
                                     : WalkResult::advance();
      })
      .wasInterrupted();
}

/// Whether a kernel can compute it for itself.
static bool canBeRepeated(Operation *op) {
  return isMemoryEffectFree(op) && op->getNumRegions() == 0 &&
         !op->hasTrait<OpTrait::IsTerminator>();
}

void HostReads::moveToKernels(const LaunchAccesses &accesses) {
  for (size_t next = 0; next < reads.size(); ++next)
    for (Operation *user : reads[next]->getUsers())
      if (user->getBlock() == &block && canBeRepeated(user))
        reads.insert(user);
  SmallVector<Operation *> ordered(reads.begin(), reads.end());
  llvm::sort(ordered,
             [](Operation *a, Operation *b) { return a->isBeforeInBlock(b); });
  if (ordered.empty())
    return;
  block.walk([&](gpu::LaunchOp launch) { moveTo(launch, ordered, accesses); });
  for (Operation *op : llvm::reverse(ordered))
    if (op->use_empty())
      op->erase();
}

/// Whether something between `load` and `launch` writes what is loaded.
static bool changesBefore(Operation *load, gpu::LaunchOp launch,
                          const LaunchAccesses &accesses) {
  Access read = accessOf(load);
  Operation *last = load->getBlock()->findAncestorOpInBlock(*launch);
  auto writes = [&](Operation *op) {
    return op
        ->walk([&](gpu::LaunchOp other) {
          auto found = accesses.find(other);
          return found != accesses.end() && found->second.conflicts(read)
                     ? WalkResult::interrupt()
                     : WalkResult::advance();
        })
        .wasInterrupted();
  };
  for (Operation *op = load->getNextNode(); op != last; op = op->getNextNode())
    if (writes(op))
      return true;
  return isa<LoopLikeOpInterface>(last) && writes(last);
}

void HostReads::moveTo(gpu::LaunchOp launch, ArrayRef<Operation *> ordered,
                       const LaunchAccesses &accesses) {
  llvm::SetVector<Value> used;
  getUsedValuesDefinedAbove(launch.getBody(), used);
  Operation *place = block.findAncestorOpInBlock(*launch);
  llvm::SmallPtrSet<Operation *, 8> needed;
  for (Operation *op : llvm::reverse(ordered))
    if (op->isBeforeInBlock(place) &&
        llvm::any_of(op->getResults(), [&](Value value) {
          return used.contains(value) ||
                 llvm::any_of(value.getUsers(), [&](Operation *user) {
                   return needed.contains(user);
                 });
        }))
      needed.insert(op);
  // The host reads what is another number by then, and hands it over.
  if (llvm::any_of(needed, [&](Operation *op) {
        return isa<memref::LoadOp>(op) && changesBefore(op, launch, accesses);
      }))
    return;
  IRMapping mapping;
  OpBuilder inside = OpBuilder::atBlockBegin(&launch.getBody().front());
  for (Operation *op : ordered) {
    if (!needed.contains(op))
      continue;
    Operation *copy = inside.clone(*op, mapping);
    for (auto [old, fresh] :
         llvm::zip_equal(op->getResults(), copy->getResults()))
      replaceAllUsesInRegionWith(old, fresh, launch.getBody());
  }
}
