//===- MergeLoops.cpp - ops over the same points become one ---------------===//
//
// Works on buffers, where it is known what is computed in place: two ops of a
// block become one if they walk the same points and whatever one of them writes
// the other touches at the same point only. Values then pass in registers, and
// temporaries that nobody else reads disappear.
//
//===----------------------------------------------------------------------===//

#include "MergeLoops.h"
#include "BufferUses.h"
#include "Cost.h"
#include "VectorizePlan.h"
#include "lamina/Transforms/Passes.h"
#include "lamina/Transforms/Remarks.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "llvm/ADT/BitVector.h"

namespace lamina {
#define GEN_PASS_DEF_MERGELOOPS
#include "lamina/Transforms/Passes.h.inc"
} // namespace lamina

using namespace mlir;
using namespace lamina;

/// Larger bodies spill registers; more buffers compete for the cache's ways.
static constexpr unsigned maxOps = 160, maxBuffers = 20;

/// How two ops of a block depend on each other.
enum class Relation { None, Pointwise, Ordered };

namespace {
/// Merges the ops of one block.
class BlockMerger {
public:
  explicit BlockMerger(Block &block) : block(block) {}

  bool run() {
    for (Operation &op : block.without_terminator()) {
      unsigned node = nodes.size();
      nodes.push_back({&op, buffersUsedBy(&op), LoopSpace::of(&op)});
      clusters.push_back({node});
      clusterOf.push_back(node);
      relations.emplace_back();
      for (unsigned before = 0; before < node; ++before)
        relations[node].push_back(relate(before, node));
      mergeWithBest(node);
    }
    bool changed = llvm::any_of(
        clusters, [](const auto &cluster) { return cluster.size() > 1; });
    if (changed)
      emit();
    return changed;
  }

private:
  struct Node {
    Operation *op;
    BufferUses buffers;
    std::optional<LoopSpace> space; // of a generic op that may be merged
  };

  Block &block;
  std::vector<Node> nodes;
  std::vector<std::vector<Relation>> relations; // [later][earlier]
  std::vector<SmallVector<unsigned>> clusters;  // by the number of one node
  std::vector<unsigned> clusterOf;

  linalg::GenericOp genericAt(unsigned node) const {
    return cast<linalg::GenericOp>(nodes[node].op);
  }

  Relation relate(unsigned before, unsigned after) const {
    const Node &a = nodes[before], &b = nodes[after];
    if (usesResult(b.op, a.op))
      return Relation::Ordered;
    auto touches = [](const Node &node) {
      return node.buffers.unknown || !node.buffers.uses.empty();
    };
    if ((a.buffers.unknown && touches(b)) || (b.buffers.unknown && touches(a)))
      return Relation::Ordered;
    Relation relation = Relation::None;
    for (const BufferUse &useA : a.buffers.uses)
      for (const BufferUse &useB : b.buffers.uses) {
        if (!useA.writes && !useB.writes)
          continue;
        Overlap overlap = overlapOf(useA.buffer, useB.buffer);
        if (overlap == Overlap::None)
          continue;
        if (overlap == Overlap::Some || !a.space || !b.space ||
            !samePoint(useA.operand, useB.operand))
          return Relation::Ordered;
        relation = Relation::Pointwise;
      }
    return relation;
  }

  static bool usesResult(Operation *user, Operation *op) {
    return llvm::any_of(op->getUsers(), [&](Operation *inner) {
      return user->isAncestor(inner);
    });
  }

  /// Whether both operands are at one and the same element at every point, and
  /// at no other point.
  static bool samePoint(OpOperand *a, OpOperand *b) {
    if (!a || !b)
      return false;
    auto mapOf = [](OpOperand *operand) {
      return cast<linalg::GenericOp>(operand->getOwner())
          .getMatchingIndexingMap(operand);
    };
    AffineMap map = mapOf(a);
    return map == mapOf(b) && isPermutedSubset(map) &&
           llvm::count_if(map.getResults(), llvm::IsaPred<AffineDimExpr>) ==
               map.getNumDims();
  }

  /// Among the clusters that `node` can join, the one that it shares most
  /// buffers with; the latest of equals.
  void mergeWithBest(unsigned node) {
    if (!nodes[node].space)
      return;
    for (;;) {
      unsigned own = clusterOf[node], best = own, most = 0;
      for (unsigned other = 0; other < clusters.size(); ++other) {
        if (other == own || clusters[other].empty())
          continue;
        unsigned shared = sharedBuffers(other, own);
        if (shared && shared >= most && canMerge(other, own)) {
          best = other;
          most = shared;
        }
      }
      if (best == own)
        return;
      for (unsigned member : clusters[own])
        clusterOf[member] = best;
      clusters[best].append(clusters[own]);
      llvm::sort(clusters[best]);
      clusters[own].clear();
    }
  }

  unsigned sharedBuffers(unsigned a, unsigned b) const {
    unsigned count = 0;
    for (unsigned x : clusters[a])
      for (unsigned y : clusters[b]) {
        if (!nodes[x].space || !nodes[y].space)
          return 0;
        for (OpOperand &p : nodes[x].op->getOpOperands())
          for (OpOperand &q : nodes[y].op->getOpOperands())
            count += isa<MemRefType>(p.get().getType()) &&
                     genericAt(x).getMatchingIndexingMap(&p) ==
                         genericAt(y).getMatchingIndexingMap(&q) &&
                     !genericAt(x).getMatchingIndexingMap(&p).isConstant() &&
                     overlapOf(p.get(), q.get()) == Overlap::Same;
      }
    return count;
  }

  bool canMerge(unsigned a, unsigned b) const {
    SmallVector<linalg::GenericOp> ops;
    for (unsigned x : clusters[a])
      for (unsigned y : clusters[b]) {
        Relation relation = x < y ? relations[y][x] : relations[x][y];
        if (relation == Relation::Ordered ||
            !nodes[x].space->matches(*nodes[y].space))
          return false;
      }
    unsigned bodyOps = 0, buffers = 0;
    for (unsigned cluster : {a, b})
      for (unsigned member : clusters[cluster]) {
        ops.push_back(genericAt(member));
        bodyOps += ops.back().getBody()->getOperations().size();
        buffers += ops.back()->getNumOperands();
      }
    buffers -= std::min(buffers, sharedBuffers(a, b));
    return bodyOps <= maxOps && buffers <= maxBuffers && accumulateAlike(ops) &&
           !pathBetween(a, b) && !pathBetween(b, a);
  }

  /// An expensive op on narrow rows runs over many of them at once, which it
  /// cannot as a part of an op that treats them one by one.
  static bool keepsRowsJoined(ArrayRef<linalg::GenericOp> ops) {
    bool costly = false, joined = false, single = false;
    for (linalg::GenericOp op : ops) {
      auto linalgOp = cast<linalg::LinalgOp>(op.getOperation());
      if (op.getNumLoops() < 2 || !isNarrow(op.getStaticLoopRanges().back()))
        return true;
      (hasNarrowRows(linalgOp) ? joined : single) = true;
      costly |= hasNarrowRows(linalgOp) && isCostly(linalgOp);
    }
    return !(costly && joined && single);
  }

  /// Whether `to` depends on `from` through a third cluster.
  bool pathBetween(unsigned from, unsigned to) const {
    llvm::BitVector seen(clusters.size());
    SmallVector<unsigned> work{from};
    while (!work.empty()) {
      unsigned cluster = work.pop_back_val();
      for (unsigned member : clusters[cluster])
        for (unsigned next = member + 1; next < nodes.size(); ++next) {
          unsigned target = clusterOf[next];
          if (relations[next][member] == Relation::None || target == cluster)
            continue;
          if (target == to) {
            if (cluster != from)
              return true;
          } else if (!seen.test(target)) {
            seen.set(target);
            work.push_back(target);
          }
        }
    }
    return false;
  }

  static void report(ArrayRef<linalg::GenericOp> ops) {
    if (!remarksEnabled(ops.front()))
      return;
    std::string text;
    llvm::raw_string_ostream os(text);
    llvm::interleave(
        ops, os, [&](linalg::GenericOp op) { os << describe(op); }, " and ");
    remarkOn(ops.front(), "merge") << text << " are one loop";
  }

  /// Puts the clusters into an order that keeps every dependence.
  void emit() {
    std::vector<unsigned> missing(clusters.size(), 0);
    std::vector<llvm::BitVector> edges(clusters.size(),
                                       llvm::BitVector(clusters.size()));
    for (unsigned after = 0; after < nodes.size(); ++after)
      for (unsigned before = 0; before < after; ++before) {
        unsigned from = clusterOf[before], to = clusterOf[after];
        if (from == to || relations[after][before] == Relation::None ||
            edges[from].test(to))
          continue;
        edges[from].set(to);
        ++missing[to];
      }
    llvm::BitVector done(clusters.size());
    IRRewriter rewriter(block.getParentOp()->getContext());
    for (;;) {
      // The first in program order that is ready.
      unsigned next = clusters.size();
      for (unsigned cluster = 0; cluster < clusters.size(); ++cluster)
        if (!clusters[cluster].empty() && !done.test(cluster) &&
            !missing[cluster] &&
            (next == clusters.size() ||
             clusters[cluster].front() < clusters[next].front()))
          next = cluster;
      if (next == clusters.size())
        return;
      done.set(next);
      for (unsigned to : edges[next].set_bits())
        --missing[to];
      Operation *terminator = block.getTerminator();
      if (clusters[next].size() == 1) {
        nodes[clusters[next].front()].op->moveBefore(terminator);
        continue;
      }
      SmallVector<linalg::GenericOp> ops;
      for (unsigned member : clusters[next])
        ops.push_back(genericAt(member));
      report(ops);
      rewriter.setInsertionPoint(terminator);
      mergeGenerics(rewriter, ops);
    }
  }
};

struct MergeLoops : lamina::impl::MergeLoopsBase<MergeLoops> {
  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    SmallVector<linalg::GenericOp> generics;
    getOperation().walk([&](linalg::GenericOp op) { generics.push_back(op); });
    for (linalg::GenericOp op : generics)
      dropUnitLoops(rewriter, op);
    getOperation().walk([&](Block *block) {
      if (isa<linalg::LinalgOp>(block->getParentOp()))
        return;
      while (BlockMerger(*block).run())
        ;
    });
    dropUnreadOutputs(rewriter, getOperation());
  }
};
} // namespace
